//! Compression of responses, as far as clients accept it.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use hyperlane_core::{Body, BodyError, Response};
use tower_http::CompressionLevel;
use tower_http::compression::predicate::Predicate;
use tower_service::Service;

use super::vary::add_vary;
use super::{Middleware, Next};
use crate::context::Context;
use crate::extract::Requirements;

/// Compresses responses with `zstd`, `br` or `gzip`, whichever the client prefers (RFC 9110 §12.5.3), by `tower-http`.
///
/// Compressed is what shrinks: text, JSON, XML, SVG, JavaScript, WebAssembly and the like, from
/// [`min_size`](Self::min_size) bytes on or of unknown length. Left as they are: what has a `Content-Encoding` or
/// `Cache-Control: no-transform`, parts (206), answers without a body and to `HEAD`, and event streams, unless
/// [`event_streams`](Self::event_streams) are wanted. `Vary: accept-encoding` is set wherever the answer could have been
/// compressed; a strong `ETag` becomes weak.
///
/// A client that accepts none of these and not even the plain body gets the plain body all the same, as the handler has
/// done its work by then.
///
/// Streams stay streams: whenever no next piece is there, what was compressed so far is sent.
///
/// Where an answer holds a secret next to something that the asker chose (a CSRF token next to a search term), its
/// compressed length tells the secret piece by piece (the BREACH attack). Leave such routes out, or keep the two apart.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::Compression;
///
/// let server = Server::new();
/// server.middleware(Compression::new()).get("/", async || "hello ".repeat(1000));
/// ```
#[derive(Clone, Debug)]
pub struct Compression {
    min_size: u64,
    event_streams: bool,
    zstd: bool,
    br: bool,
    gzip: bool,
    level: CompressionLevel,
}

impl Compression {
    /// Compresses from 860 bytes on, at levels that cost little.
    pub fn new() -> Self {
        Self {
            // What fits into one packet anyway is not worth the work.
            min_size: 860,
            event_streams: false,
            zstd: true,
            br: true,
            gzip: true,
            level: CompressionLevel::Default,
        }
    }

    /// The least size of a body, in bytes, that is compressed. Default: 860.
    #[must_use]
    pub fn min_size(mut self, bytes: u64) -> Self {
        self.min_size = bytes;
        self
    }

    /// Whether `text/event-stream` is compressed too. Default: no, since some proxies hold such events back.
    #[must_use]
    pub fn event_streams(mut self, compress: bool) -> Self {
        self.event_streams = compress;
        self
    }

    /// Whether `zstd` is offered. Default: yes.
    #[must_use]
    pub fn zstd(mut self, offer: bool) -> Self {
        self.zstd = offer;
        self
    }

    /// Whether `br` is offered. Default: yes.
    #[must_use]
    pub fn br(mut self, offer: bool) -> Self {
        self.br = offer;
        self
    }

    /// Whether `gzip` is offered. Default: yes.
    #[must_use]
    pub fn gzip(mut self, offer: bool) -> Self {
        self.gzip = offer;
        self
    }

    /// The coding's own level: more is smaller and slower. Default: that which suits answers made on the fly (`zstd` 3,
    /// `br` 4, `gzip` 6).
    #[must_use]
    pub fn level(mut self, level: i32) -> Self {
        self.level = CompressionLevel::Precise(level);
        self
    }

    fn suits(&self, response: &Response) -> bool {
        let headers = response.headers();
        let status = response.status();
        let whole = (status.is_success() || status.is_client_error() || status.is_server_error())
            && !matches!(
                status,
                StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::PARTIAL_CONTENT
            );
        whole
            && response.defect().is_none()
            && !headers.contains_key(CONTENT_ENCODING)
            && !headers.contains_key(CONTENT_RANGE)
            && !forbids_transformation(headers)
            && http_body::Body::size_hint(response.body())
                .exact()
                .is_none_or(|bytes| bytes >= self.min_size && bytes > 0)
            && headers
                .get(CONTENT_TYPE)
                .is_some_and(|value| shrinks(value, self.event_streams))
    }

    async fn compress(&self, accept: Vec<HeaderValue>, mut response: Response) -> Response {
        let status = response.status();
        let trailers = response.body().trailers().cloned();
        let mut request = http::Request::new(());
        for value in accept {
            request.headers_mut().append(ACCEPT_ENCODING, value);
        }
        let extensions = response.extensions().cloned();
        let body = std::mem::take(response.body_mut());
        let mut plain = http::Response::new(body);
        *plain.headers_mut() = std::mem::take(response.headers_mut());
        let mut service = tower_http::compression::Compression::new(Answered(Some(plain)))
            .compress_when(Always)
            .zstd(self.zstd)
            .br(self.br)
            .gzip(self.gzip)
            .quality(self.level);
        let Ok(compressed) = service.call(request).await;
        let (mut parts, body) = compressed.into_parts();
        add_vary(&mut parts.headers, "accept-encoding");
        let mut compressed = Response::new(Body::empty()).with_status(status);
        if !parts.headers.contains_key(CONTENT_ENCODING) {
            *compressed.headers_mut() = parts.headers;
            *compressed.body_mut() = body.into_inner();
        } else {
            weaken(&mut parts.headers);
            *compressed.headers_mut() = parts.headers;
            let body = Body::wrap(body);
            *compressed.body_mut() = trailers.into_iter().fold(body, Body::with_trailers);
        }
        if let Some(extensions) = extensions {
            *compressed.extensions_mut() = extensions;
        }
        compressed
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for Compression {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        let method = ctx.method().clone();
        let accept: Vec<_> = ctx.headers().get_all(ACCEPT_ENCODING).iter().cloned().collect();
        let mut response = next.run(ctx).await;
        if response.status() == StatusCode::NOT_MODIFIED {
            // It stands for an answer that may have been compressed: what that had, it has (RFC 9110 §15.4.5).
            add_vary(response.headers_mut(), "accept-encoding");
            if !accept.is_empty() {
                weaken(response.headers_mut());
            }
            return response;
        }
        if !self.suits(&response) {
            return response;
        }
        if method == Method::HEAD {
            // Of which length the body of a `GET` were is not known without compressing it (RFC 9110 §8.6).
            response.headers_mut().remove(CONTENT_LENGTH);
            add_vary(response.headers_mut(), "accept-encoding");
            let nothing: Option<Result<Bytes, BodyError>> = None;
            return response.with_body(Body::stream(OfUnknownLength(nothing)));
        }
        self.compress(accept, response).await
    }

    fn check(&self, needs: &mut Requirements) {
        if !(self.zstd || self.br || self.gzip) {
            needs.problem("no coding is offered: offer one of zstd, br and gzip");
        }
    }
}

fn forbids_transformation(headers: &HeaderMap) -> bool {
    headers.get_all(CACHE_CONTROL).iter().any(|line| {
        let mut directives = line.as_bytes().split(|byte| *byte == b',');
        directives.any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
    })
}

/// Whether content of a type is worth it. What is compressed in itself (images, audio, video, archives) is not.
fn shrinks(content_type: &HeaderValue, event_streams: bool) -> bool {
    let Ok(value) = content_type.to_str() else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "text/event-stream" => event_streams,
        "application/json"
        | "application/javascript"
        | "application/xml"
        | "application/wasm"
        | "application/manifest+json"
        | "application/x-ndjson"
        | "application/x-javascript"
        | "application/vnd.ms-fontobject"
        | "application/rtf"
        | "application/graphql"
        | "application/yaml"
        | "application/toml"
        | "application/sql"
        | "image/svg+xml"
        | "image/bmp"
        | "image/x-icon"
        | "font/ttf"
        | "font/otf" => true,
        other => {
            other.starts_with("text/")
                || ["+json", "+xml", "+text", "+yaml"]
                    .iter()
                    .any(|end| other.ends_with(end))
        }
    }
}

/// Two codings of one body are not the same bytes (RFC 9110 §8.8.3.3).
fn weaken(headers: &mut HeaderMap) {
    headers.remove(ACCEPT_RANGES);
    if let Some(tag) = headers.get(ETAG)
        && !tag.as_bytes().starts_with(b"W/")
        && let Ok(weak) = HeaderValue::try_from([b"W/", tag.as_bytes()].concat())
    {
        headers.insert(ETAG, weak);
    }
}

/// The answer that is there already, where the service of tower expects one to be made.
struct Answered(Option<http::Response<Body>>);

impl Service<http::Request<()>> for Answered {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<()>) -> Self::Future {
        ready(Ok(self.0.take().unwrap_or_default()))
    }
}

/// What is compressed was chosen before.
#[derive(Clone, Copy)]
struct Always;

impl Predicate for Always {
    fn should_compress<B: http_body::Body>(&self, _: &http::Response<B>) -> bool {
        true
    }
}

struct OfUnknownLength(Option<Result<Bytes, BodyError>>);

impl futures_core::Stream for OfUnknownLength {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: std::pin::Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_shrinks() {
        for (content_type, expected) in [
            ("text/html; charset=utf-8", true),
            ("Application/JSON", true),
            ("application/problem+json", true),
            ("image/svg+xml", true),
            ("image/png", false),
            ("video/mp4", false),
            ("application/zip", false),
            ("application/grpc", false),
            ("text/event-stream", false),
            ("application/octet-stream", false),
            ("", false),
        ] {
            assert_eq!(
                shrinks(&HeaderValue::from_static(content_type), false),
                expected,
                "{content_type}"
            );
        }
    }
}
