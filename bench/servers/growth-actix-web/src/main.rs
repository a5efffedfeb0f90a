//! actix-web with any number of routes, and bodies of any length in both directions.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::io;

use actix_web::web::{self, Path, Payload};
use actix_web::{App, Error, HttpResponse, HttpServer};
use bytes::Bytes;
use contract::growth::{self, PIECE};
use futures::{StreamExt, stream};

#[actix_web::main]
async fn main() -> io::Result<()> {
    let server = HttpServer::new(|| {
        App::new()
            .route("/", web::get().to(hello))
            .route("/upload", web::post().to(count))
            .route("/body/{bytes}", web::get().to(body))
            .configure(|app| {
                for pattern in growth::patterns(growth::routes()) {
                    app.route(&pattern, web::get().to(hello));
                }
            })
    });
    let server = server.tcp_nodelay(true);
    let server = server.bind(("127.0.0.1", contract::port()))?;
    for address in server.addrs() {
        contract::announce(address);
    }
    server.run().await
}

async fn hello() -> &'static str {
    contract::HELLO
}

async fn count(mut body: Payload) -> Result<String, Error> {
    let mut bytes = 0;
    while let Some(piece) = body.next().await {
        bytes += piece?.len();
    }
    Ok(bytes.to_string())
}

async fn body(bytes: Path<usize>) -> HttpResponse {
    let pieces =
        growth::pieces(bytes.into_inner()).map(|length| Ok::<_, Infallible>(Bytes::from_static(&PIECE[..length])));
    HttpResponse::Ok().streaming(stream::iter(pieces))
}
