//! What comes behind a response: the rest of a body, a refusal, and the ways in which a connection ends.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use http::{StatusCode, Version};
use hyperlane_core::into_response::TEXT;
use hyperlane_core::{Response, Upgraded};
use hyperlane_proto::h1::{BodySize, ResponseContext};
use tokio::time::Instant;

use super::body::Incoming;
use super::connection::{Connection, DRAIN_GRACE};
use super::respond::write_head;
use super::timer::Deadlines;
use crate::Transport;

/// How long, and for how many bytes, a connection is read on after its last response: a reset caused by unread bytes
/// would destroy that response on its way (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 16 * 1024 * 1024;

impl<T: Transport> Connection<T> {
    /// Brings the rest of a request's body to a reader that outlives the response.
    pub(super) async fn deliver(&mut self, rest: &mut Incoming) {
        let mut last_progress = Instant::now();
        let mut received = rest.received();
        poll_fn(|cx| {
            loop {
                let mut deadlines = Deadlines::new();
                if std::mem::replace(&mut received, rest.received()) != rest.received() {
                    last_progress = deadlines.now;
                }
                match self.writer.poll_flush(cx, &mut self.io) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Pending if self.note_stalled(&mut deadlines).is_ok() => {}
                    Poll::Ready(Err(_)) | Poll::Pending => return Poll::Ready(()),
                }
                let Self {
                    io,
                    reader,
                    writer,
                    config,
                    ..
                } = self;
                rest.poll(cx, io, reader, writer, &mut deadlines, config);
                if !rest.has_reader() || deadlines.is_past(last_progress + config.idle_timeout) {
                    return Poll::Ready(());
                }
                if received == rest.received() {
                    ready!(deadlines.poll(cx, &mut self.timer));
                }
            }
        })
        .await;
    }

    /// Throws away what is left of a request's body. Returns whether the connection can go on.
    pub(super) async fn drain(&mut self, rest: &mut Incoming) -> bool {
        poll_fn(|cx| {
            loop {
                let mut deadlines = Deadlines::new();
                match self.writer.poll_flush(cx, &mut self.io) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(false),
                    Poll::Pending => {
                        if self.note_stalled(&mut deadlines).is_err() {
                            return Poll::Ready(false);
                        }
                    }
                }
                let Self { io, reader, config, .. } = self;
                if let Poll::Ready(drained) = rest.poll_drain(cx, io, reader, &mut deadlines, config) {
                    return Poll::Ready(drained);
                }
                ready!(deadlines.poll(cx, &mut self.timer));
            }
        })
        .await
    }

    /// Answers something that is no acceptable request. The connection must end with it: where the next request would
    /// begin is not known any more.
    pub(super) fn write_refusal(&mut self, refusal: &Refusal, head_request: bool) {
        let Refusal { status, why } = refusal;
        tracing::debug!(%status, why, "request refused");
        self.now = Instant::now();
        let cx = ResponseContext {
            version: Version::HTTP_11,
            head_request,
            keep_alive: false,
            accepts_trailers: false,
        };
        let gathered = self.writer.gathered();
        write_head(
            gathered,
            &cx,
            &refusal.response(),
            BodySize::Known(why.len() as u64),
            self.now,
        );
        if !head_request {
            gathered.extend_from_slice(why.as_bytes());
        }
    }

    /// The connection for another protocol, with what was received of that already.
    pub(super) fn into_upgraded(mut self) -> Upgraded {
        let read_ahead = self.reader.take_rest();
        Upgraded::new(self.io, read_ahead)
    }

    /// Ends the connection behind its last response.
    pub(super) async fn close(&mut self, incoming: Option<&Incoming>) {
        if incoming.is_some_and(|rest| !rest.is_done()) || !self.reader.is_empty() || self.shutdown.is_draining() {
            self.linger().await;
        } else {
            self.finish().await;
        }
    }

    /// Sends what is left, and ends our side.
    pub(super) async fn finish(&mut self) {
        if self.flush(None).await.is_err() {
            return self.io.abandon();
        }
        let _ = poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await;
    }

    /// Sends what is left, ends our side, and reads on for a while until the client ends its own.
    pub(super) async fn linger(&mut self) {
        self.finish().await;
        // A server that drains has told the client; it waits only for what may be under way.
        let time = if self.shutdown.is_draining() {
            DRAIN_GRACE
        } else {
            LINGER
        };
        let deadline = Instant::now() + time;
        let mut read = 0;
        poll_fn(|cx| {
            loop {
                self.reader.consume(usize::MAX);
                match self.reader.poll_fill(cx, &mut self.io) {
                    Poll::Ready(Ok(n)) if n > 0 && read < LINGER_BYTES => read += n as u64,
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return self.timer.poll(cx, deadline),
                }
            }
        })
        .await;
    }
}

/// What the engine itself answers to something that it does not take.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    /// It is boxed, since it is rare and would make what mostly goes without it large.
    pub(super) fn new(status: StatusCode, why: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            status,
            why: why.into(),
        })
    }

    pub(super) fn response(&self) -> Response {
        Response::typed(&TEXT, self.why.clone()).with_status(self.status)
    }
}
