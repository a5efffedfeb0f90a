//! The body of a request as a file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::stream;
use hyperlane::{Body, Bytes, HeaderMap};
use hyperlane_uploads::{StoredFile, UploadSettings, UploadStore};
use sha2::{Digest, Sha256, Sha512};

use crate::support::{Uploads, bytes};

fn digest(content: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(content)))
}

#[tokio::test]
async fn a_body_is_stored_with_its_length_type_name_and_sum() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let content = bytes(300_000);
    let target = "/whole?name=..%2F..%2Fgpj%E2%80%AEexe%0A.txt";
    let response = uploads.client.put(target).body(content.clone()).await;
    let file: StoredFile = response.assert_status(200).json().await;
    assert_eq!(file.name.as_deref(), Some("gpjexe.txt"));
    assert_eq!(file.bytes, 300_000);
    assert_eq!(file.content_type, "application/octet-stream");
    let sum: String = Sha256::digest(&content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(file.sha256, sum);
    assert_eq!(uploads.content(&file), content);
    assert_eq!(uploads.store.find(&file.id).await.unwrap(), Some(file.clone()));
    assert_eq!(uploads.store.list().await.unwrap(), std::slice::from_ref(&file));
    assert_eq!(uploads.store.used_bytes(), 300_000);

    assert!(uploads.store.remove(&file.id).await.unwrap());
    assert!(!uploads.store.remove(&file.id).await.unwrap());
    assert_eq!(uploads.store.used_bytes(), 0);
    assert_eq!(uploads.count("files"), 0);
}

#[tokio::test]
async fn a_file_is_found_again_by_the_next_process() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let file: StoredFile = uploads.client.put("/whole").body("some").await.json().await;
    let again = UploadStore::open(uploads.folder.path()).await.unwrap();
    assert_eq!(again.find(&file.id).await.unwrap(), Some(file));
    assert_eq!(again.used_bytes(), 4);
}

// RFC 9530 §2, §3.
#[tokio::test]
async fn digests_are_verified_where_they_are_sent() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let content = bytes(200_000);
    let long = format!("sha-512=:{}:", STANDARD.encode(Sha512::digest(&content)));
    for name in ["content-digest", "repr-digest"] {
        for value in [
            digest(&content),
            long.clone(),
            format!("unixsum=:AAA=:, {}", digest(&content)),
        ] {
            let request = uploads.client.put("/whole").header(name, value).body(content.clone());
            request.await.assert_status(200);
        }
        let other = uploads
            .client
            .put("/whole")
            .header(name, digest(b"other"))
            .body(content.clone())
            .await;
        other.assert_status(400);
        assert!(other.text().await.contains("others than the digest says"));
        let broken = uploads.client.put("/whole").header(name, "sha-256=abc").body("x").await;
        broken.assert_status(400);
    }
    uploads.wait_for_count("partial", 0).await;
    assert_eq!(uploads.store.list().await.unwrap().len(), 6);
}

// RFC 9530 §2: the field may stand behind the body.
#[tokio::test]
async fn a_digest_behind_the_body_is_verified_too() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    for (sum, status) in [(digest(b"some"), 200), (digest(b"other"), 400)] {
        let mut trailers = HeaderMap::new();
        trailers.insert("content-digest", sum.parse().unwrap());
        let pieces = stream::iter([Ok::<_, std::io::Error>(Bytes::from("some"))]);
        let body = Body::stream(pieces).with_trailers(trailers);
        let request = uploads
            .client
            .put("/whole")
            .header("trailer", "content-digest")
            .body(body);
        request.await.assert_status(status);
    }
    assert_eq!(uploads.store.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_too_long_is_refused_and_nothing_is_kept() {
    let uploads = Uploads::start(UploadSettings::new().max_file_bytes(1000)).await;
    uploads.client.put("/whole").body(bytes(1000)).await.assert_status(200);
    uploads.client.put("/whole").body(bytes(1001)).await.assert_status(413);
    let pieces = stream::iter((0..11).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[1; 100]))));
    let endless = uploads.client.put("/whole").body(Body::stream(pieces)).await;
    endless.assert_status(413);
    assert!(endless.text().await.contains("exceeds 1000 bytes"));
    uploads.wait_for_count("partial", 0).await;
    assert_eq!(uploads.store.used_bytes(), 1000);
}

// RFC 4918 §11.5.
#[tokio::test]
async fn a_store_that_is_full_answers_507_until_something_is_removed() {
    let uploads = Uploads::start(UploadSettings::new().quota(1000)).await;
    let file: StoredFile = uploads.client.put("/whole").body(bytes(600)).await.json().await;
    uploads.client.put("/whole").body(bytes(401)).await.assert_status(507);
    let pieces = stream::iter((0..5).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[1; 100]))));
    uploads
        .client
        .put("/whole")
        .body(Body::stream(pieces))
        .await
        .assert_status(507);
    uploads.wait_for_count("partial", 0).await;
    uploads.store.remove(&file.id).await.unwrap();
    uploads.client.put("/whole").body(bytes(1000)).await.assert_status(200);
}

// An empty file is no byte of the quota, and two files on disk.
#[tokio::test]
async fn the_number_of_files_is_bounded() {
    let uploads = Uploads::start(UploadSettings::new().max_stored(2)).await;
    let file: StoredFile = uploads.client.put("/whole").await.json().await;
    let empty = || {
        let post = uploads.client.post("/files").header("tus-resumable", "1.0.0");
        post.header("upload-length", "0")
    };
    empty().await.assert_status(201);
    empty().await.assert_status(507);
    uploads.client.put("/whole").await.assert_status(507);
    let again = UploadStore::open_with(uploads.folder.path(), UploadSettings::new().max_stored(2));
    let again = again.await.unwrap();
    assert!(again.receive_body(Body::from("x"), None).await.unwrap_err().is_full());
    uploads.store.remove(&file.id).await.unwrap();
    empty().await.assert_status(201);
}

#[tokio::test]
async fn a_type_is_told_by_bytes_and_not_by_name_or_header() {
    let uploads = Uploads::start(UploadSettings::new().allow_types(["image/*"])).await;
    let script = uploads
        .client
        .put("/whole?name=a.png")
        .header("content-type", "image/png");
    let refused = script.body("<html><script>alert(1)</script></html>").await;
    refused.assert_status(415);
    assert!(refused.text().await.contains("text/html"));
    uploads.client.put("/whole").await.assert_status(415);
    uploads
        .client
        .put("/whole")
        .body(bytes(20_000))
        .await
        .assert_status(415);
    let image = uploads
        .client
        .put("/whole?name=a.exe")
        .body(&b"\x89PNG\r\n\x1a\n and more"[..])
        .await;
    assert_eq!(image.json::<StoredFile>().await.content_type, "image/png");
    uploads.wait_for_count("partial", 0).await;
}

// RFC 9110 §8.4, §14.4.
#[tokio::test]
async fn a_coded_body_and_a_part_of_a_whole_are_refused() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let put = || uploads.client.put("/whole").body("some");
    put().header("content-encoding", "gzip").await.assert_status(415);
    put().header("content-encoding", "identity").await.assert_status(200);
    put().header("content-range", "bytes 0-3/8").await.assert_status(400);
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_leaves_nothing() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let pieces = stream::iter([Ok(Bytes::from(bytes(500_000))), Err(std::io::Error::other("gone"))]);
    let broken = uploads.client.put("/whole").body(Body::stream(pieces)).try_send().await;
    assert!(broken.is_err());
    uploads.wait_for_count("partial", 0).await;
    assert_eq!(uploads.count("files"), 0);
    crate::support::wait_until("its bytes are given back", || uploads.store.used_bytes() == 0).await;
}

#[tokio::test]
async fn more_uploads_at_once_than_may_are_told_to_come_back() {
    let uploads = Uploads::start(UploadSettings::new().max_concurrent(1)).await;
    let (sender, body) = held_open();
    let first = tokio::spawn(uploads.client.put("/whole").body(body).send());
    uploads.wait_for_count("partial", 1).await;
    let second = uploads.client.another().put("/whole").body("x").await;
    second.assert_status(503).assert_header("retry-after", "5");
    drop(sender);
    first.await.unwrap().assert_status(200);
    uploads.client.put("/whole").body("x").await.assert_status(200);
}

/// A body that ends when the sender is dropped.
fn held_open() -> (tokio::sync::mpsc::Sender<()>, Body) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<()>(1);
    let pieces = stream::poll_fn(move |cx| {
        receiver
            .poll_recv(cx)
            .map(|piece| piece.map(|()| Ok::<_, std::io::Error>(Bytes::from_static(b"x"))))
    });
    (sender, Body::stream(pieces))
}
