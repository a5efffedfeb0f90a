//! xitca-web, as its documentation has it: one worker for each core, each with its own runtime; its listener has
//! `TCP_NODELAY` on.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::io;
use std::sync::LazyLock;

use bytes::Bytes;
use contract::{Item, Receipt};
use futures::{StreamExt, future, stream};
use xitca_web::App;
use xitca_web::body::{BodyExt, RequestBody, ResponseBody, StreamDataBody};
use xitca_web::error::Error;
use xitca_web::handler::body::Body;
use xitca_web::handler::handler_service;
use xitca_web::handler::json::Json;
use xitca_web::handler::params::Params;
use xitca_web::http::WebResponse;
use xitca_web::http::header::{CONTENT_TYPE, HeaderValue};
use xitca_web::route::{get, post};

static DOWNLOAD: LazyLock<Bytes> = LazyLock::new(|| contract::download().into());

fn main() -> io::Result<()> {
    let server = App::new()
        .at("/", get(handler_service(async || contract::HELLO)))
        .at("/items/{id}", post(handler_service(receipt)))
        .at("/download", get(handler_service(download)))
        .at("/upload", post(handler_service(count)))
        .at("/stream", get(handler_service(pieces)))
        .serve()
        .listen(contract::listen()?)?
        .run();
    contract::announce(format_args!("127.0.0.1:{}", contract::port()));
    server.wait()
}

async fn receipt(Params(id): Params<u64>, Json(item): Json<Item>) -> Json<Receipt> {
    Json(Receipt::new(id, item))
}

async fn download() -> WebResponse {
    response("application/octet-stream", DOWNLOAD.clone().into())
}

async fn count(Body(body): Body<RequestBody>) -> Result<String, Error> {
    let mut body = std::pin::pin!(body);
    let mut bytes = 0;
    while let Some(piece) = body.as_mut().data().await {
        bytes += piece?.len();
    }
    Ok(bytes.to_string())
}

async fn pieces() -> WebResponse {
    let pieces = (0..contract::CHUNKS).map(|_| Ok::<_, Infallible>(Bytes::from_static(contract::CHUNK)));
    // Its body takes the exact number of a stream's items for a length in bytes: don't let it know the number.
    let pieces = stream::iter(pieces).take_while(|_| future::ready(true));
    response("text/plain", ResponseBody::boxed(StreamDataBody::new(pieces)))
}

fn response(content_type: &'static str, body: ResponseBody) -> WebResponse {
    let mut response = WebResponse::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
