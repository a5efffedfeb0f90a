//! Salvo, as its documentation has it, on tokio's runtime, with a listener that has `TCP_NODELAY` on.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::error::Error;
use std::sync::LazyLock;

use bytes::Bytes;
use contract::{Item, Receipt};
use futures::{StreamExt, stream};
use salvo::conn::tcp::TcpAcceptor;
use salvo::http::header::{CONTENT_TYPE, HeaderValue};
use salvo::prelude::*;

static DOWNLOAD: LazyLock<Bytes> = LazyLock::new(|| contract::download().into());

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let router = Router::new()
        .get(hello)
        .push(Router::with_path("items/{id}").post(receipt))
        .push(Router::with_path("download").get(download))
        .push(Router::with_path("upload").post(count))
        .push(Router::with_path("stream").get(pieces));
    let listener = tokio::net::TcpListener::from_std(contract::listen()?)?;
    contract::announce(listener.local_addr()?);
    Server::new(TcpAcceptor::try_from(listener)?).serve(router).await;
    Ok(())
}

#[handler]
async fn hello() -> &'static str {
    contract::HELLO
}

#[handler]
async fn receipt(request: &mut Request) -> Result<Json<Receipt>, StatusError> {
    let id = request.param::<u64>("id").ok_or_else(StatusError::bad_request)?;
    let item = request
        .parse_json::<Item>()
        .await
        .map_err(|_| StatusError::unprocessable_entity())?;
    Ok(Json(Receipt::new(id, item)))
}

#[handler]
async fn download(response: &mut Response) {
    content_type(response, "application/octet-stream");
    response.body(DOWNLOAD.clone());
}

#[handler]
async fn count(request: &mut Request) -> Result<String, StatusError> {
    let mut body = request.take_body();
    let mut bytes = 0;
    while let Some(frame) = body.next().await {
        let frame = frame.map_err(|_| StatusError::bad_request())?;
        bytes += frame.data_ref().map_or(0, Bytes::len);
    }
    Ok(bytes.to_string())
}

#[handler]
async fn pieces(response: &mut Response) {
    let bodies = (0..contract::CHUNKS).map(|_| Ok::<_, Infallible>(Bytes::from_static(contract::CHUNK)));
    content_type(response, "text/plain");
    response.stream(stream::iter(bodies));
}

fn content_type(response: &mut Response, value: &'static str) {
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(value));
}
