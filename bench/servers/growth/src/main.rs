//! hyperlane with any number of routes, and bodies of any length in both directions.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use contract::growth::{self, PIECE};
use futures::stream;
use hyperlane::{Body, Path, Rejection, Server, ServerConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::new();
    server.config(
        ServerConfig::new()
            .port(contract::port())
            .body_limit(growth::BODY_LIMIT as u64),
    );
    server.get("/", hello).post("/upload", count).get("/body/{bytes}", body);
    for pattern in growth::patterns(growth::routes()) {
        server.get(pattern, hello);
    }
    let handle = server.run().await?;
    contract::announce(handle.local_addr());
    handle.wait().await;
    Ok(())
}

async fn hello() -> &'static str {
    contract::HELLO
}

async fn count(mut body: Body) -> Result<String, Rejection> {
    let mut bytes = 0;
    while let Some(piece) = body.chunk().await {
        bytes += piece?.len();
    }
    Ok(bytes.to_string())
}

async fn body(Path(bytes): Path<usize>) -> Body {
    let pieces = growth::pieces(bytes).map(|length| Ok::<_, Infallible>(Bytes::from_static(&PIECE[..length])));
    Body::stream(stream::iter(pieces))
}
