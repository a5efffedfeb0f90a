//! Handlers that run on when nobody waits for their response any more.
//!
//! The end of the walk for few requests: the client has left, or has all of the response while the handler goes on.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use hyperlane_core::{Lease, Response};

use super::poll_guarded;
use crate::routing::OnDisconnect;

/// How long a handler has to clean up that is cancelled in the middle of a stream.
const STREAM_GRACE: Duration = Duration::from_secs(10);

/// What holds for a handler whose response has no reader any more.
pub(super) struct Rest {
    pub(super) policy: OnDisconnect,
    /// A server that shuts down waits for it.
    pub(super) lease: Option<Lease>,
}

/// Lets a handler run on whose response has no reader any more, or needs it no more, for as long as its route's
/// policy has it, and no longer than the server.
pub(super) fn detach(handler: BoxFuture<'static, Response>, rest: Rest) {
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
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    let limit = match rest.policy {
        OnDisconnect::Cancel => Some(STREAM_GRACE),
        OnDisconnect::FinishWithin(limit) => Some(limit),
        OnDisconnect::Finish => None,
    };
    // Boxed, as other rare tasks are: the runtime compiles a good deal for each type of task.
    let task: BoxFuture<'static, ()> = Box::pin(async move {
        let over = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let cut = async {
            match rest.lease {
                Some(lease) => lease.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = Detached(handler) => {}
            () = over => tracing::warn!(?limit, "a handler went on for too long after its client had left: it is dropped"),
            () = cut => tracing::warn!("the server ends before a handler whose client had left: it is dropped"),
        }
    });
    runtime.spawn(task);
}
