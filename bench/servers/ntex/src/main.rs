//! ntex on tokio, as its documentation has it: one worker for each core, each with its own runtime.
#![forbid(unsafe_code)]
#![expect(missing_docs, reason = "the attributes make public types of the handlers")]

use std::convert::Infallible;
use std::io;
use std::sync::LazyLock;

use contract::{Item, Receipt};
use futures::{StreamExt, stream};
use ntex::http::error::PayloadError;
use ntex::util::Bytes;
use ntex::web::types::{Json, Path, Payload};
use ntex::web::{self, App, HttpResponse};

static DOWNLOAD: LazyLock<Bytes> = LazyLock::new(|| contract::download().into());

#[ntex::main]
async fn main() -> io::Result<()> {
    let port = contract::port();
    let server = web::server(async || App::new().service((hello, receipt, download, count, pieces)));
    let server = server.bind(("127.0.0.1", port))?.run();
    contract::announce(format_args!("127.0.0.1:{port}"));
    server.await
}

#[web::get("/")]
async fn hello() -> &'static str {
    contract::HELLO
}

#[web::post("/items/{id}")]
async fn receipt(id: Path<u64>, item: Json<Item>) -> HttpResponse {
    HttpResponse::Ok().json(&Receipt::new(id.into_inner(), item.into_inner()))
}

#[web::get("/download")]
async fn download() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/octet-stream")
        .body(DOWNLOAD.clone())
}

#[web::post("/upload")]
async fn count(mut body: Payload) -> Result<String, PayloadError> {
    let mut bytes = 0;
    while let Some(piece) = body.next().await {
        bytes += piece?.len();
    }
    Ok(bytes.to_string())
}

#[web::get("/stream")]
async fn pieces() -> HttpResponse {
    let pieces = (0..contract::CHUNKS).map(|_| Ok::<_, Infallible>(Bytes::from_static(contract::CHUNK)));
    HttpResponse::Ok()
        .content_type("text/plain")
        .streaming(stream::iter(pieces))
}
