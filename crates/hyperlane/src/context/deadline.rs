//! How long a request may take, and what ends with it: deadline, cancellation, and work started for a request.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use http::StatusCode;
use hyperlane_core::{HandlerPanic, IntoResponse, Response};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::{Context, lock};

impl Context {
    /// When the time for this request is up: its route's [`timeout`](crate::Route::timeout), or else the server's
    /// [`handler_timeout`](crate::ServerConfig::handler_timeout), or less where a middleware allows less. `None` if it
    /// has no end.
    ///
    /// Pass it on to what the handler calls, so that nobody works on an answer that will not be sent.
    pub fn deadline(&self) -> Option<Instant> {
        *lock(&self.inner().deadline)
    }

    /// The time that is left until the [`deadline`](Self::deadline); zero once it is over.
    pub fn time_left(&self) -> Option<Duration> {
        let deadline = self.deadline()?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Moves the [`deadline`](Self::deadline) forward, to `within` from now; it never moves back. Who calls it ends the
    /// request by then: a middleware that gives handlers less time.
    pub fn shorten_deadline(&self, within: Duration) {
        let Some(new) = Instant::now().checked_add(within) else {
            return;
        };
        let mut deadline = lock(&self.inner().deadline);
        if deadline.is_none_or(|old| new < old) {
            *deadline = Some(new);
        }
    }

    /// Waits until nobody waits for the answer any more: the client has left before its end, the request was given up,
    /// or its time is up. It never ends when the response ends as it should.
    ///
    /// A handler that is cancelled with its request (see [`OnDisconnect`](crate::OnDisconnect)) needs it not: it is
    /// dropped. It is for work that goes on elsewhere.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// async fn report(ctx: Context) -> String {
    ///     let (tell, told) = tokio::sync::oneshot::channel();
    ///     let watched = ctx.clone();
    ///     tokio::spawn(async move {
    ///         tokio::select! {
    ///             () = watched.cancelled() => {}
    ///             _ = tell_when_made(tell) => {}
    ///         }
    ///     });
    ///     told.await.unwrap_or_default()
    /// }
    /// # async fn tell_when_made(tell: tokio::sync::oneshot::Sender<String>) -> Result<(), String> { tell.send(String::new()) }
    /// # Server::new().get("/report", report);
    /// ```
    pub async fn cancelled(&self) {
        let gone = Gone {
            ctx: self,
            ticket: None,
        };
        match self.deadline() {
            None => gone.await,
            Some(deadline) => tokio::select! {
                () = gone => {}
                () = sleep_until(deadline) => {}
            },
        }
    }

    /// Whether nobody waits for the answer any more: see [`cancelled`](Self::cancelled).
    pub fn is_cancelled(&self) -> bool {
        self.reply().is_gone() || self.is_overdue()
    }

    /// Whether the time for this request is up.
    pub(crate) fn is_overdue(&self) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= Instant::now())
    }

    /// Starts work that belongs to this request, beside the handler. It is cancelled when the request is
    /// ([`cancelled`](Self::cancelled)), and when its [`Task`] is dropped, so that none outlives its request unseen.
    ///
    /// Work that shall go on behind the response is for `tokio::spawn`.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// async fn both(ctx: Context) -> Result<String, TaskError> {
    ///     let (one, two) = (ctx.spawn(async { 1 }), ctx.spawn(async { 2 }));
    ///     Ok(format!("{}", one.await? + two.await?))
    /// }
    /// # Server::new().get("/both", both);
    /// ```
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn spawn<F>(&self, work: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let ctx = self.clone();
        Task(tokio::spawn(async move {
            tokio::select! {
                biased;
                () = ctx.cancelled() => None,
                output = work => Some(output),
            }
        }))
    }

    /// Runs work that computes or blocks on a thread of its own, away from those that serve connections. Where the
    /// request is cancelled before it has begun it is not begun; once it runs nothing can stop it, so that long work
    /// looks at [`is_cancelled`](Self::is_cancelled) now and then.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// async fn hash(ctx: Context, body: Bytes) -> Result<String, TaskError> {
    ///     ctx.spawn_blocking(move || format!("{}", body.iter().map(|byte| u64::from(*byte)).sum::<u64>())).await
    /// }
    /// # Server::new().post("/hash", hash);
    /// ```
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn spawn_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
        let ctx = self.clone();
        Task(tokio::task::spawn_blocking(move || (!ctx.is_cancelled()).then(work)))
    }
}

/// Waits until nobody reads the response any more.
struct Gone<'c> {
    ctx: &'c Context,
    ticket: Option<u64>,
}

impl Future for Gone<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let this = &mut *self;
        this.ctx.reply().poll_gone(&mut this.ticket, cx)
    }
}

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let watcher = self.ctx.reply().unwatch(ticket);
            drop(watcher);
        }
    }
}

/// Work that was started for a request ([`Context::spawn`], [`Context::spawn_blocking`]). Awaited, it gives what the
/// work made; dropped, it cancels the work.
#[derive(Debug)]
#[must_use = "dropping a task cancels its work: await it"]
pub struct Task<T>(JoinHandle<Option<T>>);

impl<T> Task<T> {
    /// Whether the work has ended.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// Cancels the work; awaiting it gives [`TaskError`] then.
    pub fn cancel(&self) {
        self.0.abort();
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|joined| match joined {
            Ok(Some(output)) => Ok(output),
            Ok(None) => Err(TaskError { panic: None }),
            Err(error) if error.is_panic() => {
                let panic = HandlerPanic::from_payload(&*error.into_panic());
                tracing::error!(%panic, "work that was started for a request panicked");
                Err(TaskError { panic: Some(panic) })
            }
            Err(_) => Err(TaskError { panic: None }),
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Work that was started for a request has no result: it was cancelled, or it panicked. As a response it is a 503, or
/// a 500.
#[derive(Debug)]
pub struct TaskError {
    panic: Option<HandlerPanic>,
}

impl TaskError {
    /// Whether the work panicked, which is logged.
    pub fn is_panic(&self) -> bool {
        self.panic.is_some()
    }

    /// Whether the work was cancelled: with its request, or by hand.
    pub fn is_cancelled(&self) -> bool {
        self.panic.is_none()
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.panic {
            Some(panic) => write!(f, "work that was started for a request panicked: {panic}"),
            None => f.write_str("work that was started for a request was cancelled"),
        }
    }
}

impl StdError for TaskError {}

impl IntoResponse for TaskError {
    fn into_response(self) -> Response {
        Response::from(match self.panic {
            Some(_) => StatusCode::INTERNAL_SERVER_ERROR,
            None => StatusCode::SERVICE_UNAVAILABLE,
        })
    }
}
