//! An upload has the memory of two pieces, however large it is. The only test of its program, since it looks at the memory
//! of the whole process.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]
#![cfg(target_os = "linux")]

use futures::stream;
use hyperlane::testing::TestClient;
use hyperlane::{Body, Bytes, Context, Json, Route, Server, State};
use hyperlane_uploads::{StoredFile, UploadError, UploadStore};

const PIECE: usize = 64 * 1024;
const PIECES: usize = 256 * 1024 * 1024 / PIECE;
/// What the process may grow by, in bytes.
const ROOM: u64 = 32 * 1024 * 1024;

async fn upload(ctx: Context, State(store): State<UploadStore>) -> Result<Json<StoredFile>, UploadError> {
    Ok(Json(store.receive(&ctx, None).await?))
}

/// A figure of the process in bytes.
fn figure(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}

#[tokio::test]
async fn a_quarter_of_a_gibibyte_goes_through_less_than_32_mebibytes() {
    let folder = tempfile::tempdir().unwrap();
    let store = UploadStore::open(folder.path()).await.unwrap();
    let server = Server::new();
    server.state(store).put("/", Route::new(upload).body_limit(1 << 30));
    let client = TestClient::new(server);
    client.put("/").body("warm").await.assert_status(200);

    let before = figure("VmRSS");
    let piece = Bytes::from(vec![7; PIECE]);
    let pieces = stream::iter((0..PIECES).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
    let file: StoredFile = client.put("/").body(Body::stream(pieces)).await.json().await;
    assert_eq!(file.bytes, (PIECE * PIECES) as u64);
    let peak = figure("VmHWM");
    assert!(peak.saturating_sub(before) < ROOM, "grew from {before} to {peak} bytes");
}
