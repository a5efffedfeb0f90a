//! hyperlane with typed handlers, on tokio's runtime or on one of its own (`DRIVER`).
#![forbid(unsafe_code)]

mod driver;

use std::convert::Infallible;
use std::error::Error;
use std::sync::LazyLock;

use bytes::Bytes;
use contract::{Item, Receipt};
use futures::stream;
use hyperlane::{Body, IntoResponse, Json, Path, Rejection, Server, ServerConfig};

static DOWNLOAD: LazyLock<Bytes> = LazyLock::new(|| contract::download().into());

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::new();
    server.config(ServerConfig::new().port(contract::port()).runtime(driver::runtime()));
    server
        .get("/", hello)
        .post("/items/{id}", receipt)
        .get("/download", download)
        .post("/upload", count)
        .get("/stream", pieces);
    let handle = server.run().await?;
    contract::announce(handle.local_addr());
    handle.wait().await;
    Ok(())
}

async fn hello() -> &'static str {
    contract::HELLO
}

async fn receipt(Path(id): Path<u64>, Json(item): Json<Item>) -> Json<Receipt> {
    Json(Receipt::new(id, item))
}

async fn download() -> Bytes {
    DOWNLOAD.clone()
}

async fn count(mut body: Body) -> Result<String, Rejection> {
    let mut bytes = 0;
    while let Some(piece) = body.chunk().await {
        bytes += piece?.len();
    }
    Ok(bytes.to_string())
}

async fn pieces() -> impl IntoResponse {
    let pieces = (0..contract::CHUNKS).map(|_| Ok::<_, Infallible>(Bytes::from_static(contract::CHUNK)));
    ([("content-type", "text/plain")], Body::stream(stream::iter(pieces)))
}
