//! axum, as its documentation's examples have it: `axum::serve` on tokio's runtime, `TCP_NODELAY` on.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::io;
use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use bytes::Bytes;
use contract::{Item, Receipt};
use futures::{StreamExt, stream};
use tokio::net::TcpListener;

static DOWNLOAD: LazyLock<Bytes> = LazyLock::new(|| contract::download().into());

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", contract::port())).await?;
    contract::announce(listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // A connection that fails is the client's business.
        stream.set_nodelay(true).ok();
    });
    axum::serve(listener, app()).await
}

fn app() -> Router {
    Router::new()
        .route("/", get(async || contract::HELLO))
        .route("/items/{id}", post(receipt))
        .route("/download", get(async || DOWNLOAD.clone()))
        .route("/upload", post(count))
        .route("/stream", get(pieces))
        .layer(DefaultBodyLimit::max(contract::UPLOAD_LIMIT))
}

async fn receipt(Path(id): Path<u64>, Json(item): Json<Item>) -> Json<Receipt> {
    Json(Receipt::new(id, item))
}

async fn count(body: Body) -> Result<String, StatusCode> {
    let mut pieces = body.into_data_stream();
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await {
        bytes += piece.map_err(|_| StatusCode::BAD_REQUEST)?.len();
    }
    Ok(bytes.to_string())
}

async fn pieces() -> impl IntoResponse {
    let pieces = (0..contract::CHUNKS).map(|_| Ok::<_, Infallible>(Bytes::from_static(contract::CHUNK)));
    ([(CONTENT_TYPE, "text/plain")], Body::from_stream(stream::iter(pieces)))
}
