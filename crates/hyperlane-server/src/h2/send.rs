//! The body of a response on its way, as far as the client's windows let it.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body::Body as _;
use hyperlane_core::Body;
use tokio::time::Instant;

use super::body::allowed;
use super::failure::{Announced, Failure};
use crate::h1::timer::Timer;

/// For how many bytes a handler may run ahead of the stream: small pieces are then taken in one go.
const AHEAD: usize = 16 * 1024;

/// The sending half of a stream behind its head.
pub(super) struct Sender {
    stream: SendStream<Bytes>,
    write_timeout: Duration,
    timer: Timer,
    /// Since when the client gives no window, if it does not.
    stalled: Option<Instant>,
}

impl Sender {
    pub(super) fn new(stream: SendStream<Bytes>, write_timeout: Duration) -> Self {
        Self {
            stream,
            write_timeout,
            timer: Timer::default(),
            stalled: None,
        }
    }

    /// Sends a body that is at hand, and ends the stream.
    pub(super) async fn send_whole(&mut self, mut bytes: Bytes) -> Result<(), Failure> {
        poll_fn(|cx| self.poll_send(cx, &mut bytes, true)).await
    }

    /// Sends a body as its pieces come, `left` bytes if that is known, and ends the stream.
    pub(super) async fn send_stream(&mut self, mut body: Body, left: Option<u64>) -> Result<(), Failure> {
        let mut left = Announced(left);
        let mut piece = Bytes::new();
        poll_fn(|cx| {
            loop {
                if !piece.is_empty() {
                    // The last piece is not known as such: the end comes by itself.
                    ready!(self.poll_send(cx, &mut piece, false))?;
                }
                body.grant(AHEAD);
                let frame = match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut body).poll_frame(cx))) {
                    Ok(Poll::Ready(Some(Ok(frame)))) => frame,
                    Ok(Poll::Ready(Some(Err(error)))) => return Poll::Ready(Err(Failure::Body(error.to_string()))),
                    Err(payload) => return Poll::Ready(Err(Failure::panicked(&*payload))),
                    Ok(Poll::Ready(None)) => return Poll::Ready(self.end(left)),
                    Ok(Poll::Pending) => {
                        ready!(self.poll_gone(cx));
                        return Poll::Ready(Err(Failure::ClientGone));
                    }
                };
                match frame.into_data() {
                    Ok(data) => {
                        left.take(data.len())?;
                        piece = data;
                    }
                    Err(frame) => {
                        let trailers = frame.into_trailers().ok().map(allowed);
                        let Some(trailers) = trailers.filter(|trailers| !trailers.is_empty()) else {
                            return Poll::Ready(self.end(left));
                        };
                        left.end()?;
                        let sent = self.stream.send_trailers(trailers);
                        return Poll::Ready(sent.map_err(|_| Failure::ClientGone));
                    }
                }
            }
        })
        .await
    }

    /// Ends the stream before its time, so that the client sees that the response is incomplete.
    pub(super) fn reset(&mut self, failure: &Failure) {
        self.stream.send_reset(match failure {
            Failure::ClientGone | Failure::Stalled => Reason::CANCEL,
            Failure::Body(_) => Reason::INTERNAL_ERROR,
        });
    }

    fn end(&mut self, left: Announced) -> Result<(), Failure> {
        left.end()?;
        let ended = self.stream.send_data(Bytes::new(), true);
        ended.map_err(|_| Failure::ClientGone)
    }

    /// Hands `bytes` over as there is room for them: no more than the client's windows have, so that what waits is held
    /// here once, and not a second time for each stream in the connection's buffers.
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &mut Bytes, last: bool) -> Poll<Result<(), Failure>> {
        while !bytes.is_empty() {
            // The crate takes 32 bits of it: 4 GiB would be none.
            self.stream.reserve_capacity(bytes.len().min(u32::MAX as usize));
            let mut room = self.stream.capacity();
            while room == 0 {
                match self.stream.poll_capacity(cx) {
                    Poll::Ready(Some(Ok(capacity))) => room = capacity,
                    Poll::Ready(_) => return Poll::Ready(Err(Failure::ClientGone)),
                    Poll::Pending => {
                        let since = *self.stalled.get_or_insert_with(Instant::now);
                        ready!(self.timer.poll(cx, since + self.write_timeout));
                        return Poll::Ready(Err(Failure::Stalled));
                    }
                }
            }
            self.stalled = None;
            let piece = bytes.split_to(room.min(bytes.len()));
            let end = last && bytes.is_empty();
            if self.stream.send_data(piece, end).is_err() {
                return Poll::Ready(Err(Failure::ClientGone));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_reset(cx).map(drop)
    }
}
