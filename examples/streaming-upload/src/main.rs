//! A large upload, written to disk as it arrives. It holds a piece at a time in memory, and a slow disk slows the sender
//! down.
//!
//! Run it: `cargo run -p example-streaming-upload`, or on another port: `PORT=3000 cargo run -p example-streaming-upload`.
//!
//! ```text
//! curl -T large.iso localhost:8080/files/large
//! ```

use std::path::PathBuf;
use std::sync::Arc;

use hyperlane::{Body, Context, Error, Path, Problem, Route, Server, ServerConfig, State, StatusCode};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// The largest file that is taken, in bytes.
const LIMIT: u64 = 10 * 1024 * 1024 * 1024;

#[derive(Clone)]
struct Folder(Arc<PathBuf>);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let server = app(std::env::temp_dir());
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

fn app(folder: PathBuf) -> Server {
    let server = Server::new();
    server
        .state(Folder(Arc::new(folder)))
        .put("/files/{name}", Route::new(upload).body_limit(LIMIT));
    server
}

async fn upload(
    ctx: Context,
    Path(name): Path<String>,
    State(Folder(folder)): State<Folder>,
) -> Result<(StatusCode, String), Error> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        let problem = Problem::new(StatusCode::BAD_REQUEST).with_detail("name a file by letters, digits and `-`");
        return Err(Error::problem(problem));
    }
    // Until it is whole it has a name that goes away with the handler: at an error, and where the client leaves.
    let (file, partial) = tempfile::Builder::new().tempfile_in(&*folder)?.into_parts();
    let bytes = receive(ctx.body_stream(), file.into()).await?;
    partial.persist(folder.join(name))?;
    Ok((StatusCode::CREATED, format!("{bytes} bytes\n")))
}

async fn receive(mut body: Body, mut file: File) -> Result<u64, Error> {
    let mut bytes = 0;
    while let Some(chunk) = body.chunk().await {
        let chunk = chunk?;
        file.write_all(&chunk).await?;
        bytes += chunk.len() as u64;
    }
    file.sync_all().await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use hyperlane::Bytes;
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test]
    async fn a_stream_of_unknown_length_is_stored() {
        let folder = tempfile::tempdir().expect("a folder");
        let client = TestClient::new(app(folder.path().to_owned()));
        let pieces = stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[7; 50_000]))));
        let response = client.put("/files/large").body(Body::stream(pieces)).await;
        response.assert_status(201).assert_text("5000000 bytes\n").await;
        let stored = std::fs::read(folder.path().join("large")).expect("it was stored");
        assert!(stored.len() == 5_000_000 && stored.iter().all(|byte| *byte == 7));
    }

    #[tokio::test]
    async fn nothing_is_stored_of_an_upload_that_breaks_off_or_has_a_bad_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let client = TestClient::new(app(folder.path().to_owned()));
        client.put("/files/..%2Fx").body("x").await.assert_status(400);
        client.put("/files/").body("x").await.assert_status(404);
        let pieces = stream::iter([Ok(Bytes::from("some")), Err(std::io::Error::other("broken"))]);
        let broken = client.put("/files/part").body(Body::stream(pieces)).try_send().await;
        assert!(broken.is_err());
        // The server sees it in a moment.
        while folder.path().read_dir().expect("a folder").next().is_some() {
            tokio::task::yield_now().await;
        }
    }
}
