//! The core of the protocol tus 1.0.0, and how uploads are created, section by section.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::stream;
use hyperlane::testing::{TestRequest, TestResponse};
use hyperlane::{Body, Bytes};
use hyperlane_uploads::{UploadId, UploadSettings};
use sha2::{Digest, Sha256};

use crate::support::{Uploads, bytes};

pub(crate) const OFFSET_STREAM: &str = "application/offset+octet-stream";

pub(crate) fn tus(request: TestRequest) -> TestRequest {
    request.header("tus-resumable", "1.0.0")
}

pub(crate) async fn create(uploads: &Uploads, length: u64) -> String {
    let request = tus(uploads.client.post("/files")).header("upload-length", length.to_string());
    let response = request.await;
    response.assert_status(201);
    response.header("location").unwrap().to_owned()
}

pub(crate) fn patch(uploads: &Uploads, location: &str, offset: usize) -> TestRequest {
    let request = tus(uploads.client.patch(location)).header("content-type", OFFSET_STREAM);
    request.header("upload-offset", offset.to_string())
}

pub(crate) async fn head(uploads: &Uploads, location: &str) -> TestResponse {
    tus(uploads.client.head(location)).await
}

pub(crate) fn id(location: &str) -> UploadId {
    location.rsplit('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn core_an_upload_is_created_and_sent_in_two_pieces() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let content = bytes(300_000);
    let name = STANDARD.encode("../a.bin");
    let request = tus(uploads.client.post("/files")).header("upload-length", "300000");
    let response = request.header("upload-metadata", format!("filename {name}")).await;
    response.assert_status(201).assert_header("tus-resumable", "1.0.0");
    assert!(response.header("upload-expires").unwrap().ends_with(" GMT"));
    let location = response.header("location").unwrap().to_owned();
    assert!(location.starts_with("/files/"));

    let state = head(&uploads, &location).await;
    state
        .assert_status(200)
        .assert_header("upload-offset", "0")
        .assert_header("upload-length", "300000");
    state
        .assert_header("cache-control", "no-store")
        .assert_header("upload-metadata", &format!("filename {name}"));

    let first = patch(&uploads, &location, 0).body(content[..100_000].to_vec()).await;
    first
        .assert_status(204)
        .assert_header("upload-offset", "100000")
        .assert_header("tus-resumable", "1.0.0");
    assert!(first.header("upload-expires").is_some());
    head(&uploads, &location).await.assert_header("upload-offset", "100000");
    let last = patch(&uploads, &location, 100_000)
        .body(content[100_000..].to_vec())
        .await;
    last.assert_status(204)
        .assert_header("upload-offset", "300000")
        .assert_no_header("upload-expires");
    head(&uploads, &location)
        .await
        .assert_status(200)
        .assert_header("upload-offset", "300000");

    let file = uploads.store.find(&id(&location)).await.unwrap().unwrap();
    assert_eq!(file.name.as_deref(), Some("a.bin"));
    assert_eq!(uploads.content(&file), content);
    let sum: String = Sha256::digest(&content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(file.sha256, sum);
    assert_eq!(uploads.count("tus"), 0);
    assert_eq!(uploads.store.used_bytes(), 300_000);
}

#[tokio::test]
async fn core_another_offset_is_a_conflict() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let location = create(&uploads, 10).await;
    patch(&uploads, &location, 1).body("x").await.assert_status(409);
    patch(&uploads, &location, 0).body("x").await.assert_status(204);
    patch(&uploads, &location, 0).body("x").await.assert_status(409);
    head(&uploads, &location).await.assert_header("upload-offset", "1");
}

#[tokio::test]
async fn core_what_is_missing_or_wrong_is_refused() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let location = create(&uploads, 10).await;
    let bare = || tus(uploads.client.patch(&location)).body("x");
    bare().header("upload-offset", "0").await.assert_status(415);
    bare()
        .header("content-type", "text/plain")
        .header("upload-offset", "0")
        .await
        .assert_status(415);
    bare().header("content-type", OFFSET_STREAM).await.assert_status(400);
    for offset in ["-1", "+0", "x", "", "0x0", "99999999999999999999"] {
        let request = bare()
            .header("content-type", OFFSET_STREAM)
            .header("upload-offset", offset);
        request.await.assert_status(400);
    }
    let twice = bare()
        .header("content-type", OFFSET_STREAM)
        .header("upload-offset", "0")
        .header("upload-offset", "0");
    twice.await.assert_status(400);
    // Longer than the rest, announced or not: nothing is kept.
    patch(&uploads, &location, 0).body(bytes(11)).await.assert_status(413);
    let pieces = stream::iter((0..3).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"12345"))));
    patch(&uploads, &location, 0)
        .body(Body::stream(pieces))
        .await
        .assert_status(413);
    head(&uploads, &location).await.assert_header("upload-offset", "0");
    for missing in [
        "/files/0123456789abcdef0123456789abcdef",
        "/files/x",
        "/files/..%2F..%2Fx",
    ] {
        head(&uploads, missing).await.assert_status(404);
        patch(&uploads, missing, 0).body("x").await.assert_status(404);
        tus(uploads.client.delete(missing)).await.assert_status(404);
    }
    tus(uploads.client.put(&location)).await.assert_status(405);
    tus(uploads.client.get("/files")).await.assert_status(405);
}

#[tokio::test]
async fn core_another_version_is_refused_before_anything_is_done() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let location = create(&uploads, 1).await;
    for version in [None, Some("0.2.2"), Some("1.0.1")] {
        let with = |request: TestRequest| match version {
            Some(version) => request.header("tus-resumable", version),
            None => request,
        };
        let post = with(uploads.client.post("/files")).header("upload-length", "1").await;
        post.assert_status(412)
            .assert_header("tus-version", "1.0.0")
            .assert_header("tus-resumable", "1.0.0");
        let patch = with(uploads.client.patch(&location)).header("content-type", OFFSET_STREAM);
        patch.header("upload-offset", "0").body("x").await.assert_status(412);
        with(uploads.client.delete(&location)).await.assert_status(412);
        with(uploads.client.head(&location)).await.assert_status(412);
    }
    assert_eq!(uploads.count("tus"), 2);
    head(&uploads, &location).await.assert_header("upload-offset", "0");
}

#[tokio::test]
async fn core_options_tell_what_the_server_can() {
    let uploads = Uploads::start(UploadSettings::new().max_file_bytes(1234)).await;
    let response = uploads.client.options("/files").await;
    response
        .assert_status(204)
        .assert_header("tus-version", "1.0.0")
        .assert_header("tus-max-size", "1234");
    response.assert_header("tus-checksum-algorithm", "sha1,sha256,sha512");
    let extensions = response.header("tus-extension").unwrap();
    for extension in [
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "checksum",
        "expiration",
        "termination",
        "concatenation",
    ] {
        assert!(extensions.split(',').any(|one| one == extension), "{extension}");
    }
}

#[tokio::test]
async fn core_a_post_may_stand_for_another_method() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let location = create(&uploads, 4).await;
    let instead = |method: &str| tus(uploads.client.post(&location)).header("x-http-method-override", method);
    let patched = instead("PATCH")
        .header("content-type", OFFSET_STREAM)
        .header("upload-offset", "0")
        .body("so")
        .await;
    patched.assert_status(204).assert_header("upload-offset", "2");
    instead("HEAD")
        .await
        .assert_status(200)
        .assert_header("upload-offset", "2");
    // What only reads must not change anything (RFC 9110 §9.2.1).
    let read = tus(uploads.client.get(&location))
        .header("x-http-method-override", "DELETE")
        .await;
    read.assert_status(405);
    instead("DELETE").await.assert_status(204);
    head(&uploads, &location).await.assert_status(404);
}

#[tokio::test]
async fn creation_needs_a_length_or_its_deferral() {
    let uploads = Uploads::start(UploadSettings::new().max_file_bytes(100)).await;
    let post = || tus(uploads.client.post("/files"));
    post().await.assert_status(400);
    post().header("upload-length", "x").await.assert_status(400);
    post().header("upload-length", "101").await.assert_status(413);
    post().header("upload-defer-length", "2").await.assert_status(400);
    post()
        .header("upload-defer-length", "1")
        .header("upload-length", "1")
        .await
        .assert_status(400);
    for metadata in ["", "a ?", "a YQ==,a YQ==", "ä"] {
        let request = post().header("upload-length", "1").header("upload-metadata", metadata);
        request.await.assert_status(400);
    }
    assert_eq!(uploads.count("tus"), 0);
    let empty = post().header("upload-length", "0").await;
    empty.assert_status(201);
    let file = uploads
        .store
        .find(&id(empty.header("location").unwrap()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(file.bytes, 0);
}
