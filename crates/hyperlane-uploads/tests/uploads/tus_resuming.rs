//! Resumable uploads that break off: whatever happens in between, the file is the same.

use std::time::Duration;

use futures::{StreamExt, stream};
use hyperlane::{Body, Bytes};
use hyperlane_uploads::{Tus, UploadSettings, UploadStore};
use proptest::prelude::*;
use tokio::sync::mpsc;

use crate::support::{Uploads, app, bytes, wait_until};
use crate::tus::{create, head, id, patch};

/// A body that sends `content`, and then whatever `tail` says.
fn broken(content: Vec<u8>) -> Body {
    Body::stream(stream::iter([
        Ok(Bytes::from(content)),
        Err(std::io::Error::other("the connection is gone")),
    ]))
}

async fn offset(uploads: &Uploads, location: &str) -> usize {
    let state = head(uploads, location).await;
    state
        .assert_status(200)
        .header("upload-offset")
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn what_came_before_a_connection_broke_is_kept() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let content = bytes(400_000);
    let location = create(&uploads, 400_000).await;
    let pieces = stream::iter([Ok::<_, std::io::Error>(Bytes::from(content[..300_000].to_vec()))]);
    let body = Body::stream(pieces.chain(stream::pending()));
    let sending = tokio::spawn(patch(&uploads, &location, 0).body(body).send());
    let path = uploads.folder.path().join("tus").join(id(&location).to_string());
    wait_until("whole pieces are on disk", || {
        std::fs::metadata(&path).is_ok_and(|data| data.len() > 200_000)
    })
    .await;
    sending.abort();
    // What was in memory is written before the next request is answered.
    let offset = offset(&uploads, &location).await;
    assert!(offset > 200_000 && offset <= 300_000, "{offset}");
    patch(&uploads, &location, offset)
        .body(content[offset..].to_vec())
        .await
        .assert_status(204);
    let file = uploads.store.find(&id(&location)).await.unwrap().unwrap();
    assert_eq!(uploads.content(&file), content);
}

// "Checksum": nothing of a chunk is kept that was not compared with its sum.
#[tokio::test]
async fn of_a_chunk_with_a_checksum_nothing_is_kept_when_it_breaks_off() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let location = create(&uploads, 400_000).await;
    let request = patch(&uploads, &location, 0).header("upload-checksum", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert!(request.body(broken(bytes(300_000))).try_send().await.is_err());
    assert_eq!(offset(&uploads, &location).await, 0);
    wait_until("its bytes are given back", || uploads.store.used_bytes() == 0).await;
}

#[tokio::test]
async fn a_request_takes_over_from_one_on_a_dead_connection() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let content = bytes(300_000);
    let location = create(&uploads, 300_000).await;
    let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
    let silent = Body::stream(stream::poll_fn(move |cx| {
        receiver.poll_recv(cx).map(|piece| piece.map(Ok::<_, std::io::Error>))
    }));
    let dead = tokio::spawn(patch(&uploads, &location, 0).body(silent).send());
    sender.send(Bytes::from(content[..200_000].to_vec())).await.unwrap();
    let path = uploads.folder.path().join("tus").join(id(&location).to_string());
    wait_until("a piece is on disk", || {
        std::fs::metadata(&path).is_ok_and(|data| data.len() > 0)
    })
    .await;

    let others = Uploads {
        client: uploads.client.another(),
        store: uploads.store.clone(),
        folder: tempfile::tempdir().unwrap(),
    };
    let offset = offset(&others, &location).await;
    assert!(offset > 0 && offset <= 200_000, "{offset}");
    patch(&others, &location, offset)
        .body(content[offset..].to_vec())
        .await
        .assert_status(204);
    let told = dead.await.unwrap();
    told.assert_status(400);
    assert!(told.text().await.contains("taken this upload over"));
    let file = uploads.store.find(&id(&location)).await.unwrap().unwrap();
    assert_eq!(uploads.content(&file), content);
    drop(sender);
}

#[tokio::test]
async fn what_was_received_whole_before_a_crash_is_stored_by_the_next_process() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let (left, moved) = (create(&uploads, 4).await, create(&uploads, 4).await);
    let root = uploads.folder.path();
    // As they are when a process ends behind the last byte, and behind the renaming of the file.
    std::fs::write(root.join("tus").join(id(&left).to_string()), "some").unwrap();
    std::fs::remove_file(root.join("tus").join(id(&moved).to_string())).unwrap();
    std::fs::write(root.join("files").join(id(&moved).to_string()), "more").unwrap();

    let store = UploadStore::open(root).await.unwrap();
    let (sender, mut done) = mpsc::unbounded_channel();
    let tus = Tus::new(store.clone()).on_complete(move |upload| {
        let _ = sender.send(upload.file.id);
        async {}
    });
    let _router = tus.router();
    let mut ids = vec![done.recv().await.unwrap(), done.recv().await.unwrap()];
    ids.sort();
    let mut wanted = vec![id(&left), id(&moved)];
    wanted.sort();
    assert_eq!(ids, wanted);
    for (location, content) in [(&left, "some"), (&moved, "more")] {
        let file = store.find(&id(location)).await.unwrap().unwrap();
        assert_eq!(std::fs::read_to_string(store.path(&file.id)).unwrap(), content);
    }
}

#[tokio::test]
async fn a_chunk_that_was_not_compared_before_a_crash_is_cut_off() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let location = create(&uploads, 10).await;
    patch(&uploads, &location, 0).body("some").await.assert_status(204);
    let root = uploads.folder.path();
    let state = root.join("tus").join(format!("{}.json", id(&location)));
    let text = std::fs::read_to_string(&state)
        .unwrap()
        .replacen('{', "{\"verify_from\":4,", 1);
    std::fs::write(&state, text).unwrap();
    std::fs::write(root.join("tus").join(id(&location).to_string()), "somewrong").unwrap();
    assert_eq!(offset(&uploads, &location).await, 4);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Break(usize),
    Checked(usize),
    WrongSum(usize),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![0..2000_usize, 100_000..200_000_usize];
    prop_oneof![
        length.clone().prop_map(Step::Send),
        length.clone().prop_map(Step::Break),
        length.clone().prop_map(Step::Checked),
        length.prop_map(Step::WrongSum),
        Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_pieces_and_breaks_give_the_same_file(steps in prop::collection::vec(step(), 0..8), length in 0..700_000_usize) {
        use base64::Engine;
        use sha2::Digest;
        runtime().block_on(async {
            let mut uploads = Uploads::start(UploadSettings::new()).await;
            let content = bytes(length);
            let location = create(&uploads, length as u64).await;
            let sum = |part: &[u8]| {
                let sum = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(part));
                format!("sha256 {sum}")
            };
            for step in steps.into_iter().chain([Step::Send(length)]) {
                let at = offset(&uploads, &location).await;
                let part = |most: usize| content[at..length.min(at + most)].to_vec();
                let request = patch(&uploads, &location, at);
                match step {
                    Step::Send(most) => {
                        request.body(part(most)).await.assert_status(204);
                    }
                    Step::Break(most) => {
                        let _ = request.body(broken(part(most))).try_send().await;
                    }
                    Step::Checked(most) => {
                        let sum = sum(&part(most));
                        request.header("upload-checksum", sum).body(part(most)).await.assert_status(204);
                    }
                    Step::WrongSum(most) if at < length => {
                        request.header("upload-checksum", sum(b"other")).body(part(most)).await.assert_status(460);
                        assert_eq!(offset(&uploads, &location).await, at);
                    }
                    Step::WrongSum(_) => {}
                    Step::Restart => {
                        // What the process before was doing has ended with it.
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        uploads.store = UploadStore::open(uploads.folder.path()).await.unwrap();
                        uploads.client = hyperlane::testing::TestClient::new(app(uploads.store.clone()));
                    }
                }
            }
            let file = uploads.store.find(&id(&location)).await.unwrap().unwrap();
            assert!(uploads.content(&file) == content);
            let wanted: String = sha2::Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(file.sha256, wanted);
            assert_eq!(uploads.count("tus"), 0);
        });
    }
}

// What a time-out leaves on disk is counted: otherwise each one adds to a disk that the quota believes empty.
#[tokio::test]
async fn what_is_kept_of_a_request_that_timed_out_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store = UploadStore::open(folder.path()).await.unwrap();
    let server = hyperlane::Server::new();
    let tus = Tus::new(store.clone()).router();
    server
        .middleware(hyperlane::middleware::Timeout::new(Duration::from_millis(500)))
        .nest("/files", tus);
    let client = hyperlane::testing::TestClient::new(server).header("tus-resumable", "1.0.0");
    let begun = client.post("/files").header("upload-length", "400000").await;
    let location = begun.header("location").unwrap().to_owned();
    let pieces = stream::iter([Ok::<_, std::io::Error>(Bytes::from(bytes(300_000)))]);
    let silent = Body::stream(pieces.chain(stream::pending()));
    let patch = client
        .patch(&location)
        .header("content-type", crate::tus::OFFSET_STREAM)
        .header("upload-offset", "0");
    let _ = patch.body(silent).try_send().await;
    let path = folder.path().join("tus").join(id(&location).to_string());
    assert!(std::fs::metadata(&path).unwrap().len() > 200_000);
    wait_until("what is on disk is counted", || {
        store.used_bytes() == std::fs::metadata(&path).unwrap().len()
    })
    .await;
}
