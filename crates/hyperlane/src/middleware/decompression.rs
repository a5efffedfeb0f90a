//! Decompression of requests, within a bound.

use std::borrow::Cow;
use std::io;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use bytes::Bytes;
use futures_core::Stream;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderValue, StatusCode};
use hyperlane_core::{Body, BodyError, BodyErrorKind, ConnectProtocol, Request, Response};
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};

use super::limited::Limited;
use super::refusal::refusal;
use super::{Middleware, Next};
use crate::context::Context;
use crate::extract::{FromContext, Requirements};

/// The largest window of `zstd`, as a power of two: 8 MiB (RFC 9659 §3). A frame may ask for more memory than that.
const ZSTD_WINDOW_LOG: u32 = 23;
/// What the codings are called that are decoded here.
const CODINGS: HeaderValue = HeaderValue::from_static("zstd, br, gzip");

/// Decompresses the bodies of requests whose `Content-Encoding` is `zstd`, `br` or `gzip` (RFC 9110 §8.4).
///
/// Other codings, and several at once, are answered 415 with `Accept-Encoding` (RFC 9110 §12.5.3). The server's limit
/// holds for what comes over the line; what it becomes is bounded here: beyond [`limit`](Self::limit) the body fails,
/// and what reads it answers 413, so that a small request can't fill the memory. What is malformed is 400.
///
/// The rest sees the request without `Content-Encoding` and `Content-Length`. The body stays a stream.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::Decompression;
///
/// let server = Server::new();
/// server.middleware(Decompression::new().limit(8 * 1024 * 1024)).post("/", async |text: String| text);
/// ```
#[derive(Clone, Debug)]
pub struct Decompression {
    limit: u64,
}

impl Decompression {
    /// Bodies of at most 2 MiB after decompression.
    pub fn new() -> Self {
        Self { limit: 2 * 1024 * 1024 }
    }

    /// The most bytes that a body may become. Default: 2 MiB.
    #[must_use]
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }
}

impl Default for Decompression {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for Decompression {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        // What such a request sends is no body, but the other protocol (RFC 8441 §5).
        if ctx.extension::<ConnectProtocol>().is_some() {
            return next.run(ctx).await;
        }
        let coding = match coding(&ctx) {
            Ok(None) => return next.run(ctx).await,
            Ok(Some(coding)) => coding,
            Err(named) => {
                let message = format!("content coding {named:?} is not understood: send zstd, br or gzip");
                return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).with_header(ACCEPT_ENCODING, CODINGS);
            }
        };
        let Ok(request) = Request::from_context(&ctx).await;
        drop(ctx);
        let mut request = request.into_http();
        request.headers_mut().remove(CONTENT_ENCODING);
        request.headers_mut().remove(CONTENT_LENGTH);
        let body = std::mem::take(request.body_mut());
        if !body.is_empty() {
            *request.body_mut() = Body::wrap(Limited::new(decoded(coding, body), self.limit));
        }
        next.run(Request::from(request)).await
    }

    fn check(&self, needs: &mut Requirements) {
        if self.limit == 0 {
            needs.problem("a limit of 0 bytes refuses every compressed body: give some, or leave the middleware out");
        }
    }
}

#[derive(Clone, Copy)]
enum Coding {
    Zstd,
    Brotli,
    Gzip,
}

/// The coding of the body; an error is what was sent instead of one that is known.
fn coding(ctx: &Context) -> Result<Option<Coding>, Cow<'_, str>> {
    let mut found = None;
    for line in ctx.headers().get_all(CONTENT_ENCODING) {
        let text = String::from_utf8_lossy(line.as_bytes());
        let coding = match text.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => continue,
            "zstd" => Coding::Zstd,
            "br" => Coding::Brotli,
            // RFC 9110 §8.4.1.3.
            "gzip" | "x-gzip" => Coding::Gzip,
            _ => return Err(text),
        };
        if found.replace(coding).is_some() {
            return Err(text);
        }
    }
    Ok(found)
}

fn decoded(coding: Coding, body: Body) -> Body {
    let source = StreamReader::new(Source(body));
    let decoder: Pin<Box<dyn AsyncRead + Send>> = match coding {
        // A body is a series of frames (RFC 8878 §3), or of members (RFC 1952 §2.2): the first is not all of it.
        Coding::Zstd => {
            let mut decoder = ZstdDecoder::with_params(source, &[DParameter::window_log_max(ZSTD_WINDOW_LOG)]);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Coding::Brotli => Box::pin(BrotliDecoder::new(source)),
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(source);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
    };
    Body::stream(Decoded(ReaderStream::new(decoder)))
}

/// The bytes that came over the line, as a reader wants them.
struct Source(Body);

impl Stream for Source {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let chunk = ready!(Pin::new(&mut self.0).poll_next(cx));
        Poll::Ready(chunk.map(|chunk| chunk.map_err(io::Error::other)))
    }
}

/// The decoder's bytes, with its errors as those of a body: one of the line stays what it was, others mean that the
/// client sent nonsense.
struct Decoded<R>(ReaderStream<R>);

impl<R: AsyncRead + Unpin> Stream for Decoded<R> {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let chunk = ready!(Pin::new(&mut self.0).poll_next(cx));
        Poll::Ready(chunk.map(|chunk| chunk.map_err(body_error)))
    }
}

fn body_error(error: io::Error) -> BodyError {
    match error.downcast::<BodyError>() {
        Ok(error) => error,
        Err(error) => BodyError::with_source(BodyErrorKind::Malformed, error),
    }
}
