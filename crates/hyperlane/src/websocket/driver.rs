//! What runs in the connection's own task: the application's future, and around it all that goes on whatever the
//! application waits for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use hyperlane_core::{Draining, HandlerPanic};
use hyperlane_proto::websocket::CloseCode;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use super::WebSocketError;
use super::socket::Shared;

/// When the server ends and the socket has been closed, an application that does not look at it has this long.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

pin_project! {
    /// A connection from its upgrade to its end.
    pub(super) struct Driver<F> {
        shared: Arc<Shared>,
        #[pin]
        application: Option<F>,
        draining: Option<Draining>,
        // Whether the server ends.
        drained: bool,
        timer: Option<Pin<Box<Sleep>>>,
        // Until when the application may go on.
        grace: Option<Instant>,
    }

    impl<F> PinnedDrop for Driver<F> {
        fn drop(this: Pin<&mut Self>) {
            // Sockets in other tasks must learn that nobody drives them.
            this.shared.with(|connection| connection.give_up(WebSocketError::disconnected(None)));
        }
    }
}

impl<F> Driver<F> {
    pub(super) fn new(shared: Arc<Shared>, application: Option<F>, draining: Option<Draining>) -> Self {
        Self {
            shared,
            application,
            draining,
            drained: false,
            timer: None,
            grace: None,
        }
    }
}

impl<F: Future<Output = ()>> Future for Driver<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let mut this = self.project();
        loop {
            if let Some(draining) = this.draining
                && Pin::new(draining).poll(cx).is_ready()
            {
                *this.draining = None;
                *this.drained = true;
                this.shared
                    .with(|connection| connection.close_with(CloseCode::GOING_AWAY, "server shuts down"));
            }
            this.shared.with(|connection| connection.start_driving(cx));
            if let Some(application) = this.application.as_mut().as_pin_mut() {
                let polled = catch_unwind(AssertUnwindSafe(|| application.poll(cx)));
                let ended = match polled {
                    Ok(polled) => polled.is_ready(),
                    Err(payload) => {
                        let panic = HandlerPanic::from_payload(&*payload);
                        tracing::error!(%panic, "websocket handler panicked: closing with 1011");
                        this.shared
                            .with(|connection| connection.close_with(CloseCode::INTERNAL, "handler failed"));
                        true
                    }
                };
                if ended {
                    this.application.set(None);
                }
            }
            let idle = this.application.is_none();
            let (over, deadline) = this.shared.with(|connection| {
                if connection.is_abandoned() {
                    connection.close_with(CloseCode::NORMAL, "");
                }
                connection.drive(cx);
                (connection.is_over(), connection.deadline())
            });
            if over && idle {
                return Poll::Ready(());
            }
            let deadline = match over {
                true if *this.drained => {
                    let end = *this.grace.get_or_insert_with(|| Instant::now() + DRAIN_GRACE);
                    if end <= Instant::now() {
                        this.application.set(None);
                        continue;
                    }
                    Some(end)
                }
                _ => deadline,
            };
            let Some(deadline) = deadline else {
                return Poll::Pending;
            };
            let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            // A deadline that has moved on is looked at again when the earlier one has come.
            if deadline < timer.deadline() || timer.is_elapsed() {
                timer.as_mut().reset(deadline);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.shared.with(|connection| connection.on_time(Instant::now()));
        }
    }
}
