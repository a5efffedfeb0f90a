//! Request ids: one name for a request in all logs, here and in the services behind.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderName, HeaderValue, StatusCode};
use hyperlane_core::Response;

use super::{Middleware, Next};
use crate::context::Context;
use crate::extract::{FromContext, Rejection};

/// The most characters of an id that a client sent.
const MAX_LENGTH: usize = 128;

/// Gives each request an id: that which came with it, or a new one.
///
/// The id is the argument [`RequestId`] of handlers and goes out with the response. Register it before everything
/// that logs, so that [`Trace`](super::Trace) and [`AccessLog`](super::AccessLog) can name it.
///
/// An id that came in is taken if it has 1 to 128 characters out of `A–Z a–z 0–9 - _ . : / + = @ ~`; it can't break a
/// log line or a header. Anybody can send one, so it proves nothing: on a server that faces the world,
/// [`ignore_incoming`](Self::ignore_incoming) makes all of them here.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::{RequestId, RequestIds};
///
/// async fn order(id: RequestId) -> String {
///     // Pass it on, so that the other service's log can be matched: `.header("x-request-id", id.as_str())`
///     format!("order was asked for by {id}")
/// }
///
/// let server = Server::new();
/// server.middleware(RequestIds::new()).get("/order", order);
/// ```
#[derive(Debug)]
pub struct RequestIds {
    header: HeaderName,
    take_incoming: bool,
    generator: Generator,
}

impl RequestIds {
    /// Ids in the header `x-request-id`.
    pub fn new() -> Self {
        Self {
            header: HeaderName::from_static("x-request-id"),
            take_incoming: true,
            generator: Generator::default(),
        }
    }

    /// The header in which ids come in and go out. Default: `x-request-id`.
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Self {
        self.header = name;
        self
    }

    /// Makes an id for each request, whatever came with it.
    #[must_use]
    pub fn ignore_incoming(mut self) -> Self {
        self.take_incoming = false;
        self
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for RequestIds {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        let incoming = ctx.header(self.header.as_str()).filter(|_| self.take_incoming);
        let id = match incoming.filter(|id| is_sane(id)) {
            Some(id) => RequestId(id.into()),
            None => self.generator.next(),
        };
        ctx.set_extension(id.clone());
        let mut response = next.run(ctx).await;
        if let Ok(value) = HeaderValue::try_from(id.as_str()) {
            response.headers_mut().insert(self.header.clone(), value);
        }
        response
    }
}

fn is_sane(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@~".contains(&byte);
    (1..=MAX_LENGTH).contains(&id.len()) && id.bytes().all(allowed)
}

/// The id of the request, as [`RequestIds`] gave it: an argument of handlers, and among the extensions of the request.
///
/// Without that middleware it is a 500, which is logged: take `Option<RequestId>` where there may be none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id as text: visible ASCII that may stand in a header, a URL or a log line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromContext for RequestId {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        ctx.extension().ok_or(Rejection::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "request has no id: put the middleware `RequestIds` around the route",
        ))
    }

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        Ok(ctx.extension())
    }
}

/// Makes ids of 128 bits: a counter, under keyed hashes whose keys come from the system's random numbers.
///
/// They are not for secrets, but nobody meets one twice.
#[derive(Debug, Default)]
struct Generator {
    keys: [RandomState; 2],
    counter: AtomicU64,
}

impl Generator {
    fn next(&self) -> RequestId {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let [high, low] = &self.keys;
        RequestId(format!("{:016x}{:016x}", high.hash_one(count), low.hash_one(count)).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_break_a_line_are_not_taken() {
        for id in [
            "",
            "a b",
            "a\"b",
            "a\u{e9}",
            "a\tb",
            &"x".repeat(129),
            "<script>",
            "a,b",
            "a;b",
        ] {
            assert!(!is_sane(id), "{id:?}");
        }
        for id in [
            "7",
            "0190163d-8694-739b-aea5-966c26f8ad91",
            &"x".repeat(128),
            "Root=1-67891233-abcdef",
        ] {
            assert!(is_sane(id), "{id:?}");
        }
    }

    #[test]
    fn generated_ids_are_sane_and_differ() {
        let (one, other) = (Generator::default(), Generator::default());
        let ids: std::collections::HashSet<_> = (0..1000).flat_map(|_| [one.next(), other.next()]).collect();
        assert_eq!(ids.len(), 2000);
        assert!(ids.iter().all(|id| is_sane(id.as_str()) && id.as_str().len() == 32));
    }
}
