//! Entity tags for bodies at hand, and the answer 304 to who has them already.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use hyperlane_core::{Body, Response};
use sha2::{Digest, Sha256};

use super::{Middleware, Next};
use crate::context::Context;

/// Bytes of the hash that go into a tag.
const HASH: usize = 16;

/// Gives answers to `GET` and `HEAD` an `ETag`, and answers 304 without a body where `If-None-Match` has it
/// (RFC 9110 §8.8.3, §13.1.2).
///
/// The tag is a hash of the body. That saves the client's time and line, not the work of the handler. A handler that
/// knows a cheaper tag sets it itself; then only the comparison is done here. Streams get no tag: their bodies are not
/// known; nor do answers other than 200, or with `Cache-Control: no-store`.
///
/// Tags are weak (`W/"…"`), so that `Compression` may stand around this. It has to stand inside
/// of what counts or compresses bodies, as these make streams of them.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::ETags;
///
/// let server = Server::new();
/// server.middleware(ETags::new()).get("/", async || "the same each time");
/// ```
#[derive(Clone, Debug, Default)]
pub struct ETags(());

impl ETags {
    /// Weak tags for bodies at hand.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Middleware for ETags {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        if !matches!(*ctx.method(), Method::GET | Method::HEAD) {
            return next.run(ctx).await;
        }
        let mut known = ctx.headers().get_all(IF_NONE_MATCH).iter().cloned().collect::<Vec<_>>();
        let response = tagged(next.run(ctx).await);
        match response.headers().get(ETAG) {
            Some(tag) if response.status() == StatusCode::OK && known.drain(..).any(|line| has(&line, tag)) => {
                not_modified(response)
            }
            _ => response,
        }
    }
}

/// The response with a tag, where it can have one.
fn tagged(mut response: Response) -> Response {
    let taggable = response.status() == StatusCode::OK
        && !response.headers().contains_key(ETAG)
        && !is_not_stored(response.headers());
    if !taggable || response.body().is_empty() {
        return response;
    }
    let Some(bytes) = response.body_mut().take_full() else {
        return response;
    };
    let hash = Sha256::digest(&bytes);
    let tag = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&hash[..HASH]));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response.with_body(bytes)
}

fn is_not_stored(headers: &HeaderMap) -> bool {
    headers.get_all(CACHE_CONTROL).iter().any(|line| {
        let mut directives = line.as_bytes().split(|byte| *byte == b',');
        directives.any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"no-store"))
    })
}

/// Whether a line of `If-None-Match` has the tag: they are compared weakly (RFC 9110 §8.8.3.2).
fn has(line: &HeaderValue, tag: &HeaderValue) -> bool {
    let line = line.as_bytes().trim_ascii();
    if line == b"*" {
        return true;
    }
    let opaque = |tag: &'_ [u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
    let wanted = opaque(tag.as_bytes().trim_ascii());
    let mut rest = line;
    // A tag may hold commas: it ends with its second quotation mark.
    while let Some(start) = rest.iter().position(|byte| *byte == b'"') {
        let (_, quoted) = rest.split_at(start);
        let Some(length) = quoted.iter().skip(1).position(|byte| *byte == b'"') else {
            return false;
        };
        let (candidate, behind) = quoted.split_at(length + 2);
        if candidate == wanted {
            return true;
        }
        rest = behind;
    }
    false
}

/// What says about the body what a cache does not know goes with it (RFC 9110 §15.4.5).
fn not_modified(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.remove(CONTENT_TYPE);
    response.with_status(StatusCode::NOT_MODIFIED).with_body(Body::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_weakly_and_reads_lists() {
        let tag = HeaderValue::from_static("W/\"abc\"");
        for (line, found) in [
            ("\"abc\"", true),
            ("W/\"abc\"", true),
            ("\"x\", W/\"a,b\" ,\"abc\"", true),
            ("*", true),
            ("\"abcd\"", false),
            ("abc", false),
            ("\"abc", false),
            ("", false),
            ("\"x\"abc\"y\"", false),
        ] {
            assert_eq!(has(&HeaderValue::from_static(line), &tag), found, "{line}");
        }
    }
}
