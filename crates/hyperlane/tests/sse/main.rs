//! Server-sent events: what goes on the wire, how a stream begins, lives and ends, and that nobody who comes back misses
//! anything.
#![expect(clippy::unwrap_used, reason = "`unwrap` is how a test says what must hold")]

mod clients;
mod log;
mod shutdown;
mod stream;
mod wire;

use hyperlane::Server;
use hyperlane::testing::TestClient;

/// A client of what `register` registers.
fn client(register: impl FnOnce(&Server)) -> TestClient {
    let server = Server::new();
    register(&server);
    TestClient::new(server)
}
