//! A process that is out of file descriptors, in a process of its own since the limit is that of all of it.
#![cfg(unix)]

use std::fs::{self, File};

use hyperlane::Server;
use hyperlane::testing::TestClient;
use hyperlane_files::Files;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[tokio::test]
async fn without_a_free_descriptor_the_answer_is_503_and_later_200() {
    let directory = tempfile::tempdir().expect("can be made");
    fs::write(directory.path().join("a.txt"), "hello").expect("can be written");
    let server = Server::new();
    server.get("/{*path}", Files::new(directory.path()).cache_size(0));
    let client = TestClient::new(server);
    client.get("/a.txt").await.assert_status(200);

    let before = getrlimit(Resource::Nofile);
    let limit = Rlimit {
        current: Some(64),
        maximum: before.maximum,
    };
    setrlimit(Resource::Nofile, limit).expect("may be lowered");
    let taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(!taken.is_empty());
    let response = client.get("/a.txt").await;
    response.assert_status(503).assert_header("retry-after", "1");
    let text = response.text().await;
    assert!(!text.contains("a.txt") && !text.contains("file"), "{text}");
    // What is not there can't be told either.
    client.get("/missing").await.assert_status(503);

    drop(taken);
    client.get("/a.txt").await.assert_status(200).assert_text("hello").await;
    setrlimit(Resource::Nofile, before).expect("may be raised again");
}
