//! Large files on their way: files that change, clients that leave, clients that are slow.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use hyperlane::testing::TestClient;

use super::support::{Site, client, numbered, server, set_age};

const LARGE: usize = 8 << 20;

fn site() -> (Site, Vec<u8>) {
    let site = Site::new(&[]);
    let content = numbered(LARGE);
    site.write("large.bin", &content);
    (site, content)
}

/// A client that holds the server back after 64 KiB.
fn slow(site: &Site, change: fn(hyperlane_files::Files) -> hyperlane_files::Files) -> TestClient {
    TestClient::new(server(change(site.files()))).transport_buffer(64 << 10)
}

#[tokio::test]
async fn a_large_file_arrives_as_it_is() {
    let (site, content) = site();
    for read_size in [4 << 10, 64 << 10, 1 << 20, 100 << 20] {
        let response = client(site.files().read_size(read_size)).get("/large.bin").await;
        response
            .assert_status(200)
            .assert_header("content-length", &LARGE.to_string());
        assert!(response.bytes().await == content, "in pieces of {read_size}");
    }
}

/// The length was announced; what is missing can only break the response off (RFC 9112 §8).
#[tokio::test]
async fn a_file_that_becomes_shorter_breaks_its_response_off() {
    let (site, _) = site();
    let response = slow(&site, |files| files).get("/large.bin").await;
    response.chunk().await.expect("has begun");
    File::options()
        .write(true)
        .open(site.root().join("large.bin"))
        .and_then(|file| file.set_len(1000))
        .expect("is ours");
    assert!(
        response.try_bytes().await.is_err(),
        "a part must not pass for the whole"
    );
}

#[tokio::test]
async fn a_file_that_is_written_to_breaks_its_response_off() {
    let (site, _) = site();
    let response = slow(&site, |files| files).get("/large.bin").await;
    response.chunk().await.expect("has begun");
    // As long as before.
    site.write("large.bin", vec![0; LARGE]);
    set_age(&site.root().join("large.bin"), 1);
    assert!(
        response.try_bytes().await.is_err(),
        "halves of two files must not pass for one"
    );
}

#[tokio::test]
async fn a_file_that_may_grow_is_sent_as_long_as_it_was() {
    let (site, content) = site();
    for (grows, arrives) in [(false, false), (true, true)] {
        let change = if grows {
            |files: hyperlane_files::Files| files.growing(true)
        } else {
            |files| files
        };
        set_age(&site.root().join("large.bin"), 0);
        let response = slow(&site, change).get("/large.bin").await;
        let announced: usize = response
            .header("content-length")
            .and_then(|length| length.parse().ok())
            .expect("is known");
        let first = response.chunk().await.expect("has begun");
        let path = site.root().join("large.bin");
        File::options()
            .append(true)
            .open(path)
            .and_then(|mut file| file.write_all(b"more"))
            .expect("is ours");
        let rest = response.try_bytes().await;
        assert_eq!(rest.is_ok(), arrives, "grows: {grows}");
        if let Ok(rest) = rest {
            assert_eq!(first.len() + rest.len(), announced);
            // The first round has made it longer already.
            assert!([&first[..], &rest[..]].concat() == [&content[..], b"more"].concat());
        }
    }
}

/// A new release that takes the old one's place does not disturb who is still loading the old one.
#[tokio::test]
async fn a_file_that_is_replaced_is_sent_to_its_end() {
    let (site, content) = site();
    let response = slow(&site, |files| files).get("/large.bin").await;
    let first = response.chunk().await.expect("has begun");
    site.write("next.bin", "new");
    fs::rename(site.root().join("next.bin"), site.root().join("large.bin")).expect("takes its place");
    let rest = response.bytes().await;
    assert!([first, rest].concat() == content);
}

/// Neither a task nor a descriptor stays behind.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_client_that_leaves_has_its_file_closed() {
    let (site, _) = site();
    let client = slow(&site, |files| files);
    let path = site.root().join("large.bin");
    let responses = [client.get("/large.bin").await, client.get("/large.bin").await];
    for response in &responses {
        response.chunk().await.expect("has begun");
    }
    assert_eq!(open_descriptors(&path), 2);
    drop(responses);
    wait_until("the files are closed", || open_descriptors(&path) == 0).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_has_no_body_keeps_no_file_open() {
    let (site, _) = site();
    let client = site.client();
    let path = site.root().join("large.bin");
    let tag = client
        .head("/large.bin")
        .await
        .header("etag")
        .expect("has one")
        .to_owned();
    client
        .get("/large.bin")
        .header("if-none-match", tag)
        .await
        .assert_status(304);
    client
        .get("/large.bin")
        .header("range", "bytes=99999999-")
        .await
        .assert_status(416);
    assert_eq!(open_descriptors(&path), 0);
}

#[cfg(target_os = "linux")]
fn open_descriptors(path: &std::path::Path) -> usize {
    let path = path.canonicalize().expect("is there");
    let open = fs::read_dir("/proc/self/fd").expect("is there");
    open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| *target == path)
        .count()
}

#[cfg(target_os = "linux")]
async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}: not within 10 s");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
