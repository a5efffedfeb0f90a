//! The seam between the engine and whatever answers requests.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use http::{Method, StatusCode};

use crate::{Head, Request, Response};

/// Answers requests: the one thing that the engine knows of an application.
///
/// A service is shared by all connections and called by many at once, so it takes `&self`. Its future owns all that
/// it needs; it is dropped when the client leaves before an answer began.
pub trait Service: Send + Sync + 'static {
    /// The answer in the making.
    type Future: Future<Output = Response> + Send;

    /// Begins to answer `request`.
    fn call(&self, request: Request) -> Self::Future;

    /// Begins to answer a request of which no more than method and path is looked at; `None` if that is not so, which is
    /// the default. Then [`call`](Self::call) follows with the whole request.
    ///
    /// An engine may ask it before it copies a head, for a request that has no body. `path` is as it was sent:
    /// percent-encoded, beginning with `/`, without the query.
    fn call_without_head(&self, method: &Method, path: &str) -> Option<Self::Future> {
        let _ = (method, path);
        None
    }

    /// The largest body, in bytes, that this request may have; `None` leaves it to the server's own limit.
    fn body_limit(&self, head: &Head) -> Option<u64> {
        let _ = head;
        None
    }

    /// How long this answer may take until its response begins, before it is dropped and a 503 sent; `None` leaves it
    /// to the server's own limit.
    fn time_limit(&self, answer: &Self::Future) -> Option<Duration> {
        let _ = answer;
        None
    }

    /// The answer to a request whose handler panicked: a plain 500 unless the service says otherwise.
    fn panic_response(&self, panic: &HandlerPanic) -> Response {
        let _ = panic;
        Response::from(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// What is known of a panic in a handler.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandlerPanic {
    /// The panic's message. It is for logs: clients must not see it.
    pub message: String,
}

impl HandlerPanic {
    /// Reads the message out of what `std::panic::catch_unwind` caught.
    pub fn from_payload(payload: &(dyn Any + Send)) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&'static str>() {
            (*text).to_owned()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.clone()
        } else {
            "a panic without a message".to_owned()
        };
        Self { message }
    }
}

impl fmt::Display for HandlerPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
