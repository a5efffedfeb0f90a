//! The context: a handler's view of its request, and the place of its response.
//!
//! [`App`](crate::App) makes one for each request after routing; it is dropped when the response is written. Getters
//! are in `request.rs` and `cookies.rs`, the request's body in `body.rs`, setters of the response in `response.rs`,
//! its merge with what the handler returned in
//! `draft.rs`, and streaming in `stream.rs` over the stages of `reply.rs`.

mod body;
#[cfg(feature = "cookies")]
mod cookies;
mod deadline;
mod draft;
mod early_hints;
mod pool;
mod reply;
mod request;
mod response;
mod stream;

use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Extensions;
use hyperlane_core::{ConnectionInfo, Head, Request, Response};
use hyperlane_router::Params;

use crate::routing::Endpoint;

use tokio::time::Instant;

use body::RequestBody;
pub use deadline::{Task, TaskError};
use reply::Stage;
pub(crate) use reply::{Begun, Finished, Piece, Reply};
pub use stream::SendError;

/// One request and its response, as handlers see them.
///
/// It is a cheap handle: clones are the same request. What was received is read with `&self` getters, which wait for
/// nothing; the body is read with `async` ones. The response is what the setters made of it when the handler ends,
/// or what the handler returned instead (with the headers and cookies that were set here and that it does not have
/// itself), or a stream, from the first [`send_body`](Self::send_body) on.
///
/// A clone that outlives the handler can still read the request; its setters have no effect any more.
///
/// ```
/// use hyperlane::*;
///
/// async fn greet(ctx: Context) {
///     let name = ctx.query("name").unwrap_or_else(|| "stranger".to_owned());
///     ctx.set_response_status_code(200)
///         .set_response_header("x-path", ctx.path())
///         .set_response_body(format!("hello {name}"));
/// }
/// # let server = Server::new();
/// # server.get("/", greet);
/// ```
pub struct Context(
    /// Is there until the drop, which takes it out to keep it for a later request; gone in one that is hollow.
    Option<Arc<Inner>>,
);

/// The memory of a request, reused for later ones.
#[derive(Default)]
struct Inner {
    /// This and the next two are `None` only between two requests.
    head: Option<Head>,
    connection: Option<Arc<ConnectionInfo>>,
    endpoint: Option<Arc<Endpoint>>,
    params: Params,
    body: tokio::sync::Mutex<RequestBody>,
    extensions: Mutex<Extensions>,
    deadline: Mutex<Option<Instant>>,
    reply: Mutex<Reply>,
}

/// More than this much memory, in bytes, is not kept for the parameters of later requests.
const KEPT_PARAMS: usize = 1024;
const IN_USE: &str = "a context has all parts of its request until its last handle is dropped";

impl Context {
    /// The context of a request; `route` says which endpoint answers it, and gives the parameters of its path.
    ///
    /// Each part goes straight to its place: a request is moved as little as can be.
    #[inline]
    pub(crate) fn new(
        request: Request,
        deadline: Option<Instant>,
        route: impl FnOnce(&Head, &mut Params) -> Arc<Endpoint>,
    ) -> Self {
        Self(Some(pool::take(|inner| {
            let (head, body, connection, extensions) = request.into_parts();
            let endpoint = route(&head, &mut inner.params);
            let limit = endpoint.time_limit;
            inner.head = Some(head);
            inner.connection = Some(connection);
            inner.endpoint = Some(endpoint);
            if !body.is_empty() {
                *inner.body.get_mut() = RequestBody::new(body);
            }
            if !extensions.is_empty() {
                *get_mut(&mut inner.extensions) = extensions;
            }
            if deadline.is_some() || limit.is_some() {
                *get_mut(&mut inner.deadline) =
                    deadline.or_else(|| limit.and_then(|limit| Instant::now().checked_add(limit)));
            }
        })))
    }

    fn inner(&self) -> &Inner {
        self.0
            .as_deref()
            .expect("a context holds its request until it is dropped")
    }

    pub(crate) fn request_head(&self) -> &Head {
        self.inner().head.as_ref().expect(IN_USE)
    }

    pub(crate) fn connection(&self) -> &Arc<ConnectionInfo> {
        self.inner().connection.as_ref().expect(IN_USE)
    }

    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        self.inner().endpoint.as_ref().expect(IN_USE)
    }

    pub(crate) fn router_params(&self) -> &Params {
        &self.inner().params
    }

    fn extensions(&self) -> MutexGuard<'_, Extensions> {
        lock(&self.inner().extensions)
    }

    pub(crate) fn reply(&self) -> MutexGuard<'_, Reply> {
        let mut reply = lock(&self.inner().reply);
        reply.touched = true;
        reply
    }

    /// Ends the response where that needs no more than what was set and what the handler returned, which becomes the
    /// answer: nobody else holds the context, and nothing has begun to be sent. Otherwise the context comes back.
    pub(crate) fn settle(mut self, returned: &mut Response) -> Option<Self> {
        let inner = self.0.take()?;
        match pool::give_back_if(inner, |unique| get_mut(&mut unique.reply).settle(returned)) {
            Ok(()) => None,
            Err(inner) => {
                let ctx = Self(Some(inner));
                let mut reply = lock(&ctx.inner().reply);
                if reply.touched {
                    drop(reply);
                    return Some(ctx);
                }
                // Somebody holds a clone of it.
                reply.stage = Stage::Closed;
                drop(reply);
                None
            }
        }
    }

    /// Takes the context out of a place that can't be left empty; what stays there is hollow.
    pub(crate) fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    /// Whether it was taken from here.
    pub(crate) fn is_hollow(&self) -> bool {
        self.0.is_none()
    }
}

impl Inner {
    /// Forgets the request.
    fn reset(&mut self) {
        self.head = None;
        self.connection = None;
        self.endpoint = None;
        if self.params.capacity() > KEPT_PARAMS {
            self.params = Params::new();
        }
        self.params.clear();
        self.body.get_mut().reset();
        let extensions = get_mut(&mut self.extensions);
        if !extensions.is_empty() {
            *extensions = Extensions::new();
        }
        *get_mut(&mut self.deadline) = None;
        get_mut(&mut self.reply).reset();
    }
}

/// No code that may panic halfway runs under these locks, so a poisoned one holds a sound value.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn get_mut<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
}

impl Clone for Context {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Some(inner) = self.0.take() {
            pool::give_back(inner);
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("method", self.method())
            .field("path", &self.path())
            .field("matched_pattern", &self.matched_pattern())
            .finish_non_exhaustive()
    }
}

impl<'a> IntoFuture for &'a Context {
    type Output = &'a Context;
    type IntoFuture = Ready<&'a Context>;

    fn into_future(self) -> Ready<&'a Context> {
        ready(self)
    }
}
