//! The exchange: a request being answered, from the handler's first poll to the response.
//!
//! The engine polls it within the connection's task. It ends with the response: a whole one when the handler ends, or
//! the head of a stream whose body (`body.rs`) owns the handler's future and goes on polling it.

mod body;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use futures_core::future::BoxFuture;
use hyperlane_core::{Body, HandlerPanic, Response};

use crate::context::{Begun, Context, Finished};

use body::StreamBody;

/// The answer of an [`App`](crate::App) in the making.
///
/// Dropping it before it has ended drops the handler: the client is gone, and nothing has been sent.
pub struct Exchange {
    state: State,
}

enum State {
    Ready(Box<Response>),
    Running {
        handler: BoxFuture<'static, Response>,
        link: Link,
        /// Whether the handler was polled before.
        polled: bool,
    },
    Done,
}

/// The driver's hold on a context. Dropped before [`release`](Self::release), it tells senders that nobody reads.
struct Link {
    ctx: Context,
    released: bool,
}

impl Exchange {
    pub(crate) fn new(handler: BoxFuture<'static, Response>, ctx: Context) -> Self {
        let link = Link { ctx, released: false };
        Self {
            state: State::Running {
                handler,
                link,
                polled: false,
            },
        }
    }

    pub(crate) fn ready(response: Response) -> Self {
        Self {
            state: State::Ready(Box::new(response)),
        }
    }
}

impl Future for Exchange {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Response> {
        let State::Running { handler, link, polled } = &mut self.state else {
            return Poll::Ready(self.take_ready());
        };
        if *polled {
            link.ctx.reply().start_driving(cx);
        }
        let returned = handler.as_mut().poll(cx);
        if returned.is_pending() {
            *polled = true;
            let begun = link.ctx.reply().stop_driving(cx);
            return match begun {
                Begun::No => Poll::Pending,
                begun => Poll::Ready(self.go_on(begun)),
            };
        }
        let State::Running { handler, link, .. } = std::mem::replace(&mut self.state, State::Done) else {
            unreachable!("it was running a moment ago");
        };
        // What the handler still holds of the context goes first, so that its memory can be reused.
        drop(handler);
        returned.map(|returned| end(link, returned))
    }
}

impl Exchange {
    #[cold]
    fn take_ready(&mut self) -> Response {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Ready(response) => *response,
            State::Running { .. } | State::Done => panic!("an exchange was polled after it had ended"),
        }
    }

    /// The response that has begun while the handler goes on.
    fn go_on(&mut self, begun: Begun) -> Response {
        let State::Running { handler, link, .. } = std::mem::replace(&mut self.state, State::Done) else {
            unreachable!("only a running exchange has begun a response");
        };
        match begun {
            Begun::Stream(head) => stream(head, Some(handler), link),
            Begun::Whole(response) => {
                link.release();
                detach(handler);
                response
            }
            Begun::No => unreachable!("nothing has begun"),
        }
    }
}

/// The response of a handler that has ended.
fn end(link: Link, returned: Response) -> Response {
    if link.ctx.finish_untouched() {
        link.release();
        return returned;
    }
    let finished = link.ctx.reply().finish();
    match finished {
        Finished::Draft(draft) => {
            link.release();
            draft.merge(returned)
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
        // Only the body of a stream ends a handler whose response was taken.
        Finished::Begun(Begun::No) => {
            link.release();
            returned
        }
    }
}

fn stream(mut head: Response, handler: Option<BoxFuture<'static, Response>>, link: Link) -> Response {
    *head.body_mut() = Body::wrap(StreamBody::new(handler, link));
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

/// Lets a handler run on to its end whose response has no reader any more, or needs it no more.
fn detach(handler: BoxFuture<'static, Response>) {
    struct Detached(BoxFuture<'static, Response>);

    impl Future for Detached {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
            match poll_guarded(&mut self.0, cx) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(_)) => Poll::Ready(()),
                Err(panic) => {
                    tracing::error!(%panic, "handler panicked after its response had ended");
                    Poll::Ready(())
                }
            }
        }
    }

    // Without a runtime (it is shutting down, or there never was one) the handler ends where it is.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(Detached(handler));
    }
}

impl Link {
    /// The response is complete, or will be without the context.
    fn release(mut self) {
        self.released = true;
    }

    /// Nobody reads the response.
    fn abandon(self) {
        drop(self);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if self.released {
            return;
        }
        let senders = self.ctx.reply().abandon();
        for sender in senders {
            sender.wake();
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Ready(_) => "Exchange::Ready",
            State::Running { .. } => "Exchange::Running",
            State::Done => "Exchange::Done",
        })
    }
}
