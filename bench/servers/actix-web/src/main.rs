//! actix-web, as its documentation has it: one worker for each core, each with its own runtime; `TCP_NODELAY` on.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::io;
use std::sync::LazyLock;

use actix_web::http::header::ContentType;
use actix_web::web::{Json, Path, Payload};
use actix_web::{App, Error, HttpResponse, HttpServer, get, post};
use bytes::Bytes;
use contract::{Item, Receipt};
use futures::{StreamExt, stream};

static DOWNLOAD: LazyLock<Bytes> = LazyLock::new(|| contract::download().into());

#[actix_web::main]
async fn main() -> io::Result<()> {
    let server = HttpServer::new(|| {
        App::new()
            .service(hello)
            .service(receipt)
            .service(download)
            .service(count)
            .service(pieces)
    });
    let server = server.tcp_nodelay(true);
    let server = server.bind(("127.0.0.1", contract::port()))?;
    for address in server.addrs() {
        contract::announce(address);
    }
    server.run().await
}

#[get("/")]
async fn hello() -> &'static str {
    contract::HELLO
}

#[post("/items/{id}")]
async fn receipt(id: Path<u64>, item: Json<Item>) -> Json<Receipt> {
    Json(Receipt::new(id.into_inner(), item.into_inner()))
}

#[get("/download")]
async fn download() -> Bytes {
    DOWNLOAD.clone()
}

#[post("/upload")]
async fn count(mut body: Payload) -> Result<String, Error> {
    let mut bytes = 0;
    while let Some(piece) = body.next().await {
        bytes += piece?.len();
    }
    Ok(bytes.to_string())
}

#[get("/stream")]
async fn pieces() -> HttpResponse {
    let pieces = (0..contract::CHUNKS).map(|_| Ok::<_, Infallible>(Bytes::from_static(contract::CHUNK)));
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .streaming(stream::iter(pieces))
}
