//! Poem, as its documentation has it, on tokio's runtime, with a listener that has `TCP_NODELAY` on.
#![forbid(unsafe_code)]

use std::io;
use std::sync::LazyLock;

use bytes::Bytes;
use contract::{Item, Receipt};
use futures::{StreamExt, stream};
use poem::error::BadRequest;
use poem::listener::TcpAcceptor;
use poem::web::{Json, Path};
use poem::{Body, Response, Result, Route, Server, get, handler, post};

static DOWNLOAD: LazyLock<Bytes> = LazyLock::new(|| contract::download().into());

#[tokio::main]
async fn main() -> io::Result<()> {
    let acceptor = TcpAcceptor::from_std(contract::listen()?)?;
    let app = Route::new()
        .at("/", get(hello))
        .at("/items/:id", post(receipt))
        .at("/download", get(download))
        .at("/upload", post(count))
        .at("/stream", get(pieces));
    contract::announce(format_args!("127.0.0.1:{}", contract::port()));
    Server::new_with_acceptor(acceptor).run(app).await
}

#[handler]
async fn hello() -> &'static str {
    contract::HELLO
}

#[handler]
async fn receipt(Path(id): Path<u64>, Json(item): Json<Item>) -> Json<Receipt> {
    Json(Receipt::new(id, item))
}

#[handler]
async fn download() -> Bytes {
    DOWNLOAD.clone()
}

#[handler]
async fn count(body: Body) -> Result<String> {
    let mut stream = body.into_bytes_stream();
    let mut bytes = 0;
    while let Some(piece) = stream.next().await {
        bytes += piece.map_err(BadRequest)?.len();
    }
    Ok(bytes.to_string())
}

#[handler]
async fn pieces() -> Response {
    let bodies = (0..contract::CHUNKS).map(|_| Ok::<_, io::Error>(Bytes::from_static(contract::CHUNK)));
    Response::builder()
        .content_type("text/plain")
        .body(Body::from_bytes_stream(stream::iter(bodies)))
}
