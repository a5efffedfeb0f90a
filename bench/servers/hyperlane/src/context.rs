//! hyperlane with handlers that take the `Context`, as the article writes them, on tokio's runtime or on one of its own
//! (`DRIVER`).
#![forbid(unsafe_code)]

mod driver;

use std::error::Error;
use std::sync::LazyLock;

use bytes::Bytes;
use contract::{Item, Receipt};
use hyperlane::{Context, HttpVersion, Rejection, SendError, Server, ServerConfig};

static DOWNLOAD: LazyLock<Bytes> = LazyLock::new(|| contract::download().into());

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::new().await;
    let config = ServerConfig::new().await;
    config.host("127.0.0.1").await;
    config.port(contract::port()).await;
    config.runtime(driver::runtime()).await;
    server.config(config).await;
    server.route("/", hello).await;
    server.route("/items/{id}", receipt).await;
    server.route("/download", download).await;
    server.route("/upload", count).await;
    server.route("/stream", pieces).await;
    let handle = server.run().await?;
    contract::announce(handle.local_addr());
    handle.wait().await;
    Ok(())
}

async fn hello(ctx: Context) {
    ctx.set_response_version(HttpVersion::HTTP1_1)
        .await
        .set_response_status_code(200)
        .await
        .set_response_header("Content-Type", "text/plain")
        .await
        .set_response_body(contract::HELLO)
        .await;
}

async fn receipt(ctx: Context) -> Result<(), Rejection> {
    let item: Item = ctx.json().await?;
    let Some(id) = ctx.param("id").and_then(|id| id.parse().ok()) else {
        ctx.set_response_status_code(400).await;
        return Ok(());
    };
    let receipt = serde_json::to_string(&Receipt::new(id, item)).unwrap_or_default();
    ctx.set_response_status_code(200)
        .await
        .set_response_header("Content-Type", "application/json")
        .await
        .set_response_body(receipt)
        .await;
    Ok(())
}

async fn download(ctx: Context) {
    ctx.set_response_header("Content-Type", "application/octet-stream")
        .await
        .set_response_body(DOWNLOAD.clone())
        .await;
}

async fn count(ctx: Context) -> Result<(), Rejection> {
    let mut body = ctx.body_stream();
    let mut bytes = 0;
    while let Some(piece) = body.chunk().await {
        bytes += piece?.len();
    }
    ctx.set_response_header("Content-Type", "text/plain")
        .await
        .set_response_body(bytes.to_string())
        .await;
    Ok(())
}

async fn pieces(ctx: Context) {
    // A client that left has no use for an error.
    send_pieces(&ctx).await.ok();
}

async fn send_pieces(ctx: &Context) -> Result<(), SendError> {
    ctx.set_response_header("Content-Type", "text/plain").await;
    for _ in 0..contract::CHUNKS {
        ctx.set_response_body(Bytes::from_static(contract::CHUNK))
            .await
            .send_body()
            .await?;
    }
    ctx.closed().await
}
