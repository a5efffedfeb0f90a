//! The extensions of the protocol tus 1.0.0, section by section.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyperlane::Method;
use hyperlane_uploads::UploadSettings;
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::support::{Uploads, bytes};
use crate::tus::{OFFSET_STREAM, create, head, id, patch, tus};

#[tokio::test]
async fn creation_with_upload_takes_the_first_bytes_along() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let post = |length: &str| tus(uploads.client.post("/files")).header("upload-length", length);
    let begun = post("8").header("content-type", OFFSET_STREAM).body("some").await;
    begun.assert_status(201).assert_header("upload-offset", "4");
    let location = begun.header("location").unwrap();
    patch(&uploads, location, 4).body("more").await.assert_status(204);
    let file = uploads.store.find(&id(location)).await.unwrap().unwrap();
    assert_eq!(uploads.content(&file), b"somemore");

    let whole = post("4").header("content-type", OFFSET_STREAM).body("some").await;
    whole.assert_status(201).assert_header("upload-offset", "4");
    post("4")
        .header("content-type", "text/plain")
        .body("some")
        .await
        .assert_status(415);
    post("4")
        .header("content-type", OFFSET_STREAM)
        .body("longer")
        .await
        .assert_status(413);
    assert_eq!(uploads.count("tus"), 0);
}

#[tokio::test]
async fn creation_defer_length_lets_the_length_come_later_and_once() {
    let uploads = Uploads::start(UploadSettings::new().max_file_bytes(100)).await;
    let begun = tus(uploads.client.post("/files"))
        .header("upload-defer-length", "1")
        .await;
    let location = begun.assert_status(201).header("location").unwrap().to_owned();
    patch(&uploads, &location, 0).body("some").await.assert_status(204);
    let state = head(&uploads, &location).await;
    state
        .assert_header("upload-defer-length", "1")
        .assert_no_header("upload-length");
    let say = |length: &str| patch(&uploads, &location, 4).header("upload-length", length);
    say("3").await.assert_status(400);
    say("101").await.assert_status(413);
    say("8").await.assert_status(204).assert_header("upload-offset", "4");
    say("9").await.assert_status(400);
    head(&uploads, &location).await.assert_header("upload-length", "8");
    say("8")
        .body("more")
        .await
        .assert_status(204)
        .assert_header("upload-offset", "8");
    assert!(uploads.store.find(&id(&location)).await.unwrap().is_some());
}

#[tokio::test]
async fn checksum_a_chunk_is_kept_if_it_adds_up_and_not_at_all_otherwise() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let content = bytes(400_000);
    let location = create(&uploads, 400_000).await;
    let sum = |part: &[u8]| format!("sha1 {}", STANDARD.encode(Sha1::digest(part)));
    let (first, second) = content.split_at(150_000);
    let send = |offset: usize, part: &[u8], sum: String| {
        let request = patch(&uploads, &location, offset).header("upload-checksum", sum);
        request.body(part.to_vec())
    };
    send(0, first, sum(first))
        .await
        .assert_status(204)
        .assert_header("upload-offset", "150000");
    let wrong = send(150_000, second, sum(first)).await;
    wrong.assert_status(460);
    head(&uploads, &location).await.assert_header("upload-offset", "150000");
    assert_eq!(uploads.store.used_bytes(), 150_000);
    for bad in ["sha1", "md5 AAAA", "sha1 ?", "sha1 AAAA", ""] {
        send(150_000, second, bad.to_owned()).await.assert_status(400);
    }
    let other = format!("sha256 {}", STANDARD.encode(Sha256::digest(second)));
    send(150_000, second, other).await.assert_status(204);
    let file = uploads.store.find(&id(&location)).await.unwrap().unwrap();
    assert_eq!(uploads.content(&file), content);
    let whole: String = Sha256::digest(&content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(file.sha256, whole);
}

#[tokio::test]
async fn expiration_removes_what_nobody_goes_on_with() {
    let uploads = Uploads::start(UploadSettings::new().abandoned_after(std::time::Duration::ZERO)).await;
    let location = create(&uploads, 10).await;
    head(&uploads, &location).await.assert_status(410);
    head(&uploads, &location).await.assert_status(404);
    let location = create(&uploads, 10).await;
    patch(&uploads, &location, 0).body("x").await.assert_status(410);
    create(&uploads, 10).await;
    uploads.store.sweep().await.unwrap();
    assert_eq!(uploads.count("tus"), 0);
}

#[tokio::test]
async fn termination_removes_an_upload_finished_or_not() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    for length in [4, 8] {
        let location = create(&uploads, length).await;
        patch(&uploads, &location, 0).body("some").await.assert_status(204);
        let gone = tus(uploads.client.delete(&location)).await;
        gone.assert_status(204).assert_header("tus-resumable", "1.0.0");
        head(&uploads, &location).await.assert_status(404);
        patch(&uploads, &location, 4).body("more").await.assert_status(404);
    }
    assert_eq!(
        (uploads.count("tus"), uploads.count("files"), uploads.store.used_bytes()),
        (0, 0, 0)
    );
    // What came otherwise is not for this protocol.
    let file: hyperlane_uploads::StoredFile = uploads.client.put("/whole").body("x").await.json().await;
    let other = format!("/files/{}", file.id);
    head(&uploads, &other).await.assert_status(404);
    tus(uploads.client.delete(&other)).await.assert_status(404);
}

#[tokio::test]
async fn concatenation_makes_one_file_of_parts() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let content = bytes(250_000);
    let mut parts = Vec::new();
    for part in content.chunks(100_000) {
        let request = tus(uploads.client.post("/files")).header("upload-length", part.len().to_string());
        let begun = request.header("upload-concat", "partial").await;
        let location = begun.assert_status(201).header("location").unwrap().to_owned();
        head(&uploads, &location)
            .await
            .assert_header("upload-concat", "partial");
        parts.push((location, part));
    }
    let names: Vec<_> = parts.iter().map(|(location, _)| location.as_str()).collect();
    let concat = format!("final;{}", names.join(" "));
    let join = || tus(uploads.client.post("/files")).header("upload-concat", concat.as_str());
    join().await.assert_status(409);
    for (location, part) in &parts {
        patch(&uploads, location, 0)
            .body(part.to_vec())
            .await
            .assert_status(204);
    }
    join().header("upload-length", "1").await.assert_status(400);
    let joined = join().await;
    let location = joined.assert_status(201).header("location").unwrap();
    let state = head(&uploads, location).await;
    state
        .assert_header("upload-offset", "250000")
        .assert_header("upload-length", "250000");
    state.assert_header("upload-concat", &concat);
    patch(&uploads, location, 250_000).body("x").await.assert_status(403);
    let file = uploads.store.find(&id(location)).await.unwrap().unwrap();
    assert_eq!(uploads.content(&file), content);
    for bad in ["final;", "final;/files/x", "half", &format!("final;{location}")] {
        tus(uploads.client.post("/files"))
            .header("upload-concat", bad)
            .await
            .assert_status(400);
    }
}

#[tokio::test]
async fn the_number_of_unfinished_uploads_and_their_bytes_are_bounded() {
    let uploads = Uploads::start(UploadSettings::new().max_unfinished(2).quota(100)).await;
    let post = |length: &str| tus(uploads.client.post("/files")).header("upload-length", length);
    let first = create(&uploads, 60).await;
    create(&uploads, 60).await;
    post("1").await.assert_status(503).assert_header("retry-after", "5");
    patch(&uploads, &first, 0).body(bytes(60)).await.assert_status(204);
    post("41").await.assert_status(507);
    post("40").await.assert_status(201);
}

#[tokio::test]
async fn a_type_that_is_not_taken_ends_the_upload() {
    let uploads = Uploads::start(UploadSettings::new().allow_types(["image/png"])).await;
    for length in [100_u64, 20_000, 500_000] {
        let location = create(&uploads, length).await;
        patch(&uploads, &location, 0)
            .body(bytes(length as usize))
            .await
            .assert_status(415);
        head(&uploads, &location).await.assert_status(404);
    }
    assert_eq!(
        (uploads.count("tus"), uploads.count("files"), uploads.store.used_bytes()),
        (0, 0, 0)
    );
    let any = uploads
        .client
        .request(Method::from_bytes(b"PROPFIND").unwrap(), "/files")
        .await;
    any.assert_status(412);
}

// A hook that fails, or a process that ends in it: the file is stored, and the hook is called again.
#[tokio::test]
async fn a_concatenation_whose_hook_failed_is_finished_later() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let folder = tempfile::tempdir().unwrap();
    let store = hyperlane_uploads::UploadStore::open(folder.path()).await.unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let hooked = hyperlane_uploads::Tus::new(store.clone()).on_complete(move |_| {
        let call = counted.fetch_add(1, Ordering::Relaxed);
        async move { assert!(call > 0, "the first call fails") }
    });
    let server = hyperlane::Server::new();
    server.nest("/files", hooked.router());
    let client = hyperlane::testing::TestClient::new(server);
    let begun = tus(client.post("/files")).header("upload-concat", "partial");
    let begun = begun.header("content-type", OFFSET_STREAM).header("upload-length", "4");
    let part = begun.body("some").await.header("location").unwrap().to_owned();
    let joined = tus(client.post("/files")).header("upload-concat", format!("final;{part}"));
    joined.await.assert_status(500);
    let file = store.list().await.unwrap().remove(0);
    let found = tus(client.head(&format!("/files/{}", file.id))).await;
    found.assert_status(200).assert_header("upload-length", "4");
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    assert_eq!(std::fs::read(store.path(&file.id)).unwrap(), b"some");
}

#[tokio::test]
async fn an_upload_whose_hook_failed_is_removed_with_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let store = hyperlane_uploads::UploadStore::open(folder.path()).await.unwrap();
    let hooked = hyperlane_uploads::Tus::new(store.clone())
        .on_complete(async |upload| assert!(upload.file.bytes == 0, "it fails"));
    let server = hyperlane::Server::new();
    server.nest("/files", hooked.router());
    let client = hyperlane::testing::TestClient::new(server);
    let whole = tus(client.post("/files")).header("upload-length", "4");
    let whole = whole.header("content-type", OFFSET_STREAM).body("some").await;
    whole.assert_status(500);
    assert!(store.list().await.unwrap().is_empty());

    let begun = tus(client.post("/files")).header("upload-length", "4").await;
    let location = begun.header("location").unwrap();
    let patch = tus(client.patch(location)).header("content-type", OFFSET_STREAM);
    patch.header("upload-offset", "0").body("some").await.assert_status(500);
    tus(client.delete(location)).await.assert_status(204);
    assert_eq!((store.list().await.unwrap().len(), store.used_bytes()), (0, 0));
}

#[tokio::test]
async fn finished_uploads_are_kept_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = hyperlane_uploads::UploadStore::open(folder.path()).await.unwrap();
    let server = hyperlane::Server::new();
    server.nest(
        "/files",
        hyperlane_uploads::Tus::new(store.clone()).keep_finished().router(),
    );
    let client = hyperlane::testing::TestClient::new(server);
    for (length, status) in [("0", 403), ("1", 204)] {
        let begun = tus(client.post("/files")).header("upload-length", length).await;
        let location = begun.header("location").unwrap();
        tus(client.delete(location)).await.assert_status(status);
    }
    assert_eq!(store.list().await.unwrap().len(), 1);
}
