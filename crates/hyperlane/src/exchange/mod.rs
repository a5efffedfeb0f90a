//! The exchange: a request being answered, from the handler's first poll to the response.
//!
//! The engine polls it within the connection's task. It ends with the response: a whole one when the handler ends, or
//! the head of a stream whose body (`body.rs`) owns the handler's future and goes on polling it.

mod body;
mod detached;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use http::HeaderValue;
use http::header::CONNECTION;
use hyperlane_core::{Body, HandlerPanic, Response};

use crate::app::answer_panic;
use crate::context::{Begun, Context, Finished};
use crate::middleware::Next;
use crate::routing::{Action, OnDisconnect};
use crate::watchdog::watched;

use body::StreamBody;
use detached::{Rest, detach};

/// The answer of an [`App`](crate::App) in the making, or that of what comes behind a middleware
/// ([`Next::run`](crate::Next::run)).
///
/// Dropping it before it has ended drops the handler: the client is gone, and nothing has been sent.
pub struct Exchange {
    state: State,
}

enum State {
    Ready(Box<Response>),
    Running(Running),
    /// A handler that has no context: what it returns is all there is.
    Bare {
        handler: BoxFuture<'static, Response>,
        endpoint: u64,
    },
    Done,
}

struct Running {
    handler: BoxFuture<'static, Response>,
    link: Link,
    /// Whether it was polled before.
    polled: bool,
    /// Whether a panic is answered here, so that middleware sees the answer.
    guarded: bool,
    /// Whether nothing stands around it: with its end the response is complete.
    outermost: bool,
}

/// The driver's hold on a context. Dropped before [`release`](Self::release), it tells senders that nobody reads.
struct Link {
    /// Hollow once it is released.
    ctx: Context,
}

impl Exchange {
    /// Begins with the first middleware, or the handler where there is none.
    pub(crate) fn outermost(ctx: Context) -> Self {
        Self::begin(ctx, 0, true)
    }

    /// Begins behind a middleware.
    pub(crate) fn inner(ctx: Context, position: usize) -> Self {
        Self::begin(ctx, position, false)
    }

    /// Runs a handler that takes nothing of its request.
    pub(crate) fn bare(handler: BoxFuture<'static, Response>, endpoint: u64) -> Self {
        Self {
            state: State::Bare { handler, endpoint },
        }
    }

    /// An answer that is known already.
    pub(crate) fn ready(response: Response) -> Self {
        Self {
            state: State::Ready(Box::new(response)),
        }
    }

    fn begin(ctx: Context, position: usize, outermost: bool) -> Self {
        let endpoint = ctx.endpoint();
        let (handler, guarded) = match (endpoint.chain.get(position), &endpoint.action) {
            (Some(middleware), _) => {
                let next = Next::new(ctx.clone(), position + 1);
                (Arc::clone(middleware).call(ctx.clone(), next), false)
            }
            (None, Action::Handler(handler)) => (handler.call(ctx.clone()), !outermost),
            (None, _) => return Self::ready(endpoint.answer(ctx.request_head())),
        };
        Self {
            state: State::Running(Running {
                handler,
                link: Link { ctx },
                polled: false,
                guarded,
                outermost,
            }),
        }
    }

    /// The limit that its route has for it.
    pub(crate) fn time_limit(&self) -> Option<Duration> {
        match &self.state {
            State::Running(running) => running.link.ctx.endpoint().options.timeout,
            State::Ready(_) | State::Bare { .. } | State::Done => None,
        }
    }

    #[cold]
    fn take_ready(&mut self) -> Response {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Ready(response) => *response,
            State::Running(_) | State::Bare { .. } | State::Done => panic!("an exchange was polled after it had ended"),
        }
    }

    fn take_running(&mut self) -> Running {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Running(running) => running,
            State::Ready(_) | State::Bare { .. } | State::Done => unreachable!("it was running a moment ago"),
        }
    }
}

impl Future for Exchange {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Response> {
        let running = match &mut self.state {
            State::Running(running) => running,
            State::Bare { handler, endpoint } => {
                let polled = watched(*endpoint, || handler.as_mut().poll(cx));
                if polled.is_ready() {
                    self.state = State::Done;
                }
                return polled;
            }
            State::Ready(_) | State::Done => return Poll::Ready(self.take_ready()),
        };
        // False while it is polled: a handler that panics is not let run on.
        if std::mem::take(&mut running.polled) {
            running.link.ctx.reply().start_driving(0, cx);
        }
        let returned = if running.outermost {
            let id = running.link.ctx.endpoint().id;
            watched(id, || running.handler.as_mut().poll(cx))
        } else if running.guarded {
            match poll_guarded(&mut running.handler, cx) {
                Ok(returned) => returned,
                Err(panic) => return Poll::Ready(self.take_running().panicked(&panic)),
            }
        } else {
            running.handler.as_mut().poll(cx)
        };
        let Poll::Ready(returned) = returned else {
            running.polled = true;
            let begun = running.link.ctx.reply().stop_driving(cx);
            return match begun {
                Begun::No => Poll::Pending,
                begun => Poll::Ready(self.take_running().go_on(begun)),
            };
        };
        let Running {
            handler,
            link,
            outermost,
            ..
        } = self.take_running();
        // What the handler still holds of the context goes first, so that its memory can be reused.
        drop(handler);
        Poll::Ready(end(link, returned, outermost))
    }
}

impl Running {
    /// The response that has begun while the handler goes on.
    fn go_on(self, begun: Begun) -> Response {
        let Self { handler, link, .. } = self;
        match begun {
            Begun::Stream(head) => stream(head, Some(handler), link),
            Begun::Whole(response) => {
                let rest = link.rest_of_whole();
                link.release();
                detach(handler, rest);
                response
            }
            Begun::No => unreachable!("nothing has begun"),
        }
    }

    /// The answer of a handler that panicked. What it left behind is not known: the connection ends with it.
    fn panicked(self, panic: &HandlerPanic) -> Response {
        let endpoint = Arc::clone(self.link.ctx.endpoint());
        let pattern = endpoint.pattern.as_deref();
        tracing::error!(%panic, pattern, "handler panicked");
        drop(self.handler);
        self.link.abandon();
        answer_panic(endpoint.on_panic.as_deref(), panic).with_header(CONNECTION, HeaderValue::from_static("close"))
    }
}

/// The response of a handler that has ended.
fn end(mut link: Link, mut returned: Response, outermost: bool) -> Response {
    if !outermost {
        return merge(link, returned, false).settled();
    }
    match link.ctx.take().settle(&mut returned) {
        None => returned,
        Some(ctx) => {
            link.ctx = ctx;
            merge(link, returned, true)
        }
    }
}

/// What the handler returned, with what was set on its context.
fn merge(link: Link, mut returned: Response, outermost: bool) -> Response {
    let finished = link.ctx.reply().finish(outermost);
    match finished {
        Finished::Draft(mut draft) => {
            link.release();
            draft.settle(&mut returned);
            returned
        }
        Finished::Begun(Begun::Whole(response)) => {
            warn_of_ignored(&returned);
            link.release();
            response
        }
        Finished::Begun(Begun::Stream(_)) if is_failure(&returned) => {
            // Nothing of the stream has left yet, so that the client can still be told.
            link.abandon();
            returned
        }
        Finished::Begun(Begun::Stream(head)) => {
            warn_of_ignored(&returned);
            stream(head, None, link)
        }
        // What has begun was taken: it is what a middleware returned, or lives on in the body of a stream.
        Finished::Begun(Begun::No) => {
            link.release();
            returned
        }
    }
}

fn stream(mut head: Response, handler: Option<BoxFuture<'static, Response>>, link: Link) -> Response {
    *head.body_mut() = Body::paced(StreamBody::new(handler, link));
    head
}

/// Whether a handler says that what it streamed is not whole.
fn is_failure(returned: &Response) -> bool {
    returned.status().is_client_error() || returned.status().is_server_error()
}

fn warn_of_ignored(returned: &Response) {
    if !returned.is_deferred() {
        tracing::warn!("handler returned a response after it had sent one; what it returned is not sent");
    }
}

/// Polls a handler whose response has begun, so that the engine can't answer its panic.
fn poll_guarded(
    handler: &mut BoxFuture<'static, Response>,
    cx: &mut TaskContext<'_>,
) -> Result<Poll<Response>, HandlerPanic> {
    catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx)))
        .map_err(|payload| HandlerPanic::from_payload(&*payload))
}

/// A client that leaves before its response has begun.
impl Drop for Exchange {
    fn drop(&mut self) {
        let State::Running(running) = &self.state else {
            return;
        };
        let policy = running.link.ctx.endpoint().options.on_disconnect;
        if !running.outermost || policy == OnDisconnect::Cancel || !running.polled || running.link.ctx.is_overdue() {
            return;
        }
        let Running { handler, link, .. } = self.take_running();
        let rest = link.rest();
        // Its setters have no effect any more.
        link.abandon();
        detach(handler, rest);
    }
}

impl Link {
    /// What holds for the handler when it goes on without the link.
    fn rest(&self) -> Rest {
        Rest {
            policy: self.ctx.endpoint().options.on_disconnect,
            lease: self.ctx.connection().lease(),
        }
    }

    /// The same where the response is complete: nobody has left, so that nothing but the server's end limits it.
    fn rest_of_whole(&self) -> Rest {
        Rest {
            policy: OnDisconnect::Finish,
            ..self.rest()
        }
    }

    /// The response is complete, or will be without the context.
    fn release(mut self) {
        drop(self.ctx.take());
    }

    /// Nobody reads the response.
    fn abandon(self) {
        drop(self);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if self.ctx.is_hollow() {
            return;
        }
        let (senders, begun) = self.ctx.reply().abandon();
        drop(begun);
        for sender in senders {
            sender.wake();
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Ready(_) => "Exchange::Ready",
            State::Running(_) | State::Bare { .. } => "Exchange::Running",
            State::Done => "Exchange::Done",
        })
    }
}
