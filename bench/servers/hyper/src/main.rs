//! hyper, as its documentation has it: one task of tokio's runtime for each connection; with `pipeline_flush`, so that
//! pipelined answers are written together.
//!
//! It has no router: the path is matched by hand.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::io;
use std::sync::LazyLock;

use bytes::Bytes;
use contract::{Item, Receipt};
use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

type Body = UnsyncBoxBody<Bytes, Infallible>;

static DOWNLOAD: LazyLock<Bytes> = LazyLock::new(|| contract::download().into());

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", contract::port())).await?;
    contract::announce(listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .pipeline_flush(true)
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            // A connection that fails is the client's business.
            connection.await.ok()
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
    let path = request.uri().path();
    let response = match (request.method(), path) {
        (&Method::GET, "/") => plain(contract::HELLO.into()),
        (&Method::GET, "/download") => response("application/octet-stream", full(DOWNLOAD.clone())),
        (&Method::GET, "/stream") => {
            let pieces = (0..contract::CHUNKS).map(|_| Ok(Frame::data(Bytes::from_static(contract::CHUNK))));
            response(
                "text/plain",
                BodyExt::boxed_unsync(StreamBody::new(stream::iter(pieces))),
            )
        }
        (&Method::POST, "/upload") => count(request.into_body()).await?,
        (&Method::POST, _) => match path.strip_prefix("/items/").map(str::parse) {
            Some(Ok(id)) => receipt(id, request.into_body()).await?,
            _ => status(StatusCode::NOT_FOUND),
        },
        _ => status(StatusCode::NOT_FOUND),
    };
    Ok(response)
}

async fn count(mut body: Incoming) -> Result<Response<Body>, hyper::Error> {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(plain(bytes.to_string().into()))
}

async fn receipt(id: u64, body: Incoming) -> Result<Response<Body>, hyper::Error> {
    let bytes = body.collect().await?.to_bytes();
    let json = serde_json::from_slice::<Item>(&bytes).and_then(|item| serde_json::to_vec(&Receipt::new(id, item)));
    Ok(json.map_or_else(
        |_| status(StatusCode::UNPROCESSABLE_ENTITY),
        |json| response("application/json", full(json.into())),
    ))
}

fn plain(text: Bytes) -> Response<Body> {
    response("text/plain", full(text))
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).boxed_unsync()
}

fn response(content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(full(Bytes::new()));
    *response.status_mut() = status;
    response
}
