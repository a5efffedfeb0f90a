//! The client for tests: what is tested through it is what is served.

mod bodies;
mod connections;
mod cookies;
mod requests;
mod streams;
mod timeouts;
mod upgrades;

use hyperlane::Server;
use hyperlane::testing::TestClient;

/// A client of what `register` registers.
fn client(register: impl FnOnce(&Server)) -> TestClient {
    let server = Server::new();
    register(&server);
    TestClient::new(server)
}
