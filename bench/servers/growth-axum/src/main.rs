//! axum with any number of routes, and bodies of any length in both directions.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::io;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use bytes::Bytes;
use contract::growth::{self, PIECE};
use futures::{StreamExt, stream};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", contract::port())).await?;
    let address = listener.local_addr()?;
    let mut app = Router::new()
        .route("/", get(hello))
        .route("/upload", post(count))
        .route("/body/{bytes}", get(body));
    for pattern in growth::patterns(growth::routes()) {
        app = app.route(&pattern, get(hello));
    }
    contract::announce(address);
    let listener = listener.tap_io(|stream| {
        // A connection that fails is the client's business.
        stream.set_nodelay(true).ok();
    });
    axum::serve(listener, app).await
}

async fn hello() -> &'static str {
    contract::HELLO
}

async fn count(body: Body) -> Result<String, StatusCode> {
    let mut pieces = body.into_data_stream();
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await {
        bytes += piece.map_err(|_| StatusCode::BAD_REQUEST)?.len();
    }
    Ok(bytes.to_string())
}

async fn body(Path(bytes): Path<usize>) -> Body {
    let pieces = growth::pieces(bytes).map(|length| Ok::<_, Infallible>(Bytes::from_static(&PIECE[..length])));
    Body::from_stream(stream::iter(pieces))
}
