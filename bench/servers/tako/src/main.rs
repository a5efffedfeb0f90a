//! Tako in its mode of one runtime for each core, with its default settings.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::error::Error;
use std::sync::LazyLock;

use bytes::Bytes;
use contract::{Item, Receipt};
use futures::stream;
use http_body_util::BodyExt;
use tako::body::TakoBody;
use tako::extractors::json::Json;
use tako::extractors::path::Path;
use tako::header::{CONTENT_TYPE, HeaderValue};
use tako::responder::Responder;
use tako::router::Router;
use tako::types::{Request, Response};
use tako::{Full, PerThreadConfig, StatusCode, serve_per_thread};

static DOWNLOAD: LazyLock<Bytes> = LazyLock::new(|| contract::download().into());

fn main() -> Result<(), Box<dyn Error>> {
    let address = format!("127.0.0.1:{}", contract::port());
    let mut router = Router::new();
    router.get("/", async || contract::HELLO);
    router.post("/items/{id}", receipt);
    router.get("/download", download);
    router.post("/upload", count);
    router.get("/stream", pieces);
    let config = PerThreadConfig::default();
    contract::announce(&address);
    serve_per_thread(&address, router, config)?;
    Ok(())
}

async fn receipt(Path(id): Path<u64>, Json(item): Json<Item>) -> Json<Receipt> {
    Json(Receipt::new(id, item))
}

async fn download() -> Response {
    response("application/octet-stream", TakoBody::full(Full::new(DOWNLOAD.clone())))
}

async fn count(request: Request) -> impl Responder {
    let mut body = request.into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes += frame.data_ref().map_or(0, Bytes::len),
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        }
    }
    bytes.to_string().into_response()
}

async fn pieces() -> Response {
    let pieces = (0..contract::CHUNKS).map(|_| Ok::<_, Infallible>(Bytes::from_static(contract::CHUNK)));
    response("text/plain", TakoBody::from_stream(stream::iter(pieces)))
}

fn response(content_type: &'static str, body: TakoBody) -> Response {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
