//! What an answer does to middleware around it.

use hyperlane::Server;
use hyperlane::middleware::{CatchPanic, SecurityHeaders};
use hyperlane::testing::TestClient;

use super::support::Site;

#[tokio::test]
async fn middleware_stands_around_files_as_around_any_handler() {
    let site = Site::new(&[("a.txt", "hello")]);
    let server = Server::new();
    server
        .middleware(SecurityHeaders::new())
        .middleware(CatchPanic::new())
        .get("/{*path}", site.files());
    let response = TestClient::new(server).get("/a.txt").await;
    response
        .assert_status(200)
        .assert_header("x-frame-options", "SAMEORIGIN")
        .assert_text("hello")
        .await;
    assert_eq!(response.headers().get_all("x-content-type-options").iter().count(), 1);
}
