//! A response on its way, as far as the client's windows let it.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h3::error::StreamError;
use h3::server::RequestStream;
use http_body::{Body as _, Frame};
use hyperlane_core::{Body, BodyError};
use tokio::time::timeout;

use super::quic::{self, Stopped};
use crate::h2::{Announced, Failure, allowed_trailers};

/// Bytes that are handed over at once. A client that takes less than this within the time-out takes nothing.
const PIECE: usize = 16 * 1024;

/// The sending half of a request's stream.
pub(super) struct Sender {
    stream: RequestStream<quic::SendHalf, Bytes>,
    stopped: Option<Stopped>,
    write_timeout: Duration,
}

impl Sender {
    pub(super) fn new(
        stream: RequestStream<quic::SendHalf, Bytes>,
        stopped: Option<Stopped>,
        write_timeout: Duration,
    ) -> Self {
        Self {
            stream,
            stopped,
            write_timeout,
        }
    }

    /// Ready once the client wants no response any more, or is gone.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(stopped) = &mut self.stopped else {
            return Poll::Pending;
        };
        let _ = ready!(stopped.as_mut().poll(cx));
        self.stopped = None;
        Poll::Ready(())
    }

    /// Sends a head: the response's, or an interim one.
    pub(super) async fn send_head(&mut self, head: http::Response<()>) -> Result<(), Failure> {
        in_time(self.write_timeout, self.stream.send_response(head)).await
    }

    /// Sends a body that is at hand.
    pub(super) async fn send_whole(&mut self, mut bytes: Bytes) -> Result<(), Failure> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            in_time(self.write_timeout, self.stream.send_data(piece)).await?;
        }
        Ok(())
    }

    /// Sends a body as its pieces come, `left` bytes if that is known.
    pub(super) async fn send_stream(&mut self, mut body: Body, left: Option<u64>) -> Result<(), Failure> {
        let mut left = Announced(left);
        while let Some(frame) = self.next_frame(&mut body).await? {
            match frame.into_data() {
                Ok(data) => {
                    left.take(data.len())?;
                    self.send_whole(data).await?;
                }
                Err(frame) => {
                    left.end()?;
                    let trailers = frame.into_trailers().ok().map(allowed_trailers);
                    if let Some(trailers) = trailers.filter(|trailers| !trailers.is_empty()) {
                        in_time(self.write_timeout, self.stream.send_trailers(trailers)).await?;
                    }
                    return Ok(());
                }
            }
        }
        left.end()
    }

    async fn next_frame(&mut self, body: &mut Body) -> Result<Option<Frame<Bytes>>, Failure> {
        poll_fn(|cx| {
            match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut *body).poll_frame(cx))) {
                Ok(Poll::Ready(frame)) => {
                    let frame = frame.transpose();
                    return Poll::Ready(frame.map_err(|error: BodyError| Failure::Body(error.to_string())));
                }
                Ok(Poll::Pending) => {}
                Err(payload) => return Poll::Ready(Err(Failure::panicked(&*payload))),
            }
            self.poll_gone(cx).map(|()| Err(Failure::ClientGone))
        })
        .await
    }

    /// Ends the response, and waits until the client has it: who closes the connection before that takes it back.
    pub(super) async fn finish(&mut self) -> Result<(), Failure> {
        in_time(self.write_timeout, self.stream.finish()).await?;
        let Some(stopped) = self.stopped.take() else {
            return Ok(());
        };
        match timeout(self.write_timeout, stopped).await {
            Ok(Ok(None)) => Ok(()),
            Ok(_) => Err(Failure::ClientGone),
            Err(_) => Err(Failure::Stalled),
        }
    }

    /// Ends the stream before its time, so that the client sees that the response is incomplete (RFC 9114 §4.1.1).
    pub(super) fn reset(&mut self, code: h3::error::Code) {
        self.stream.stop_stream(code);
    }
}

async fn in_time(limit: Duration, sending: impl Future<Output = Result<(), StreamError>>) -> Result<(), Failure> {
    match timeout(limit, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(StreamError::HeaderTooBig { max_size, .. })) => Err(Failure::Body(format!(
            "the client takes no more than {max_size} bytes of header fields"
        ))),
        Ok(Err(_)) => Err(Failure::ClientGone),
        Err(_) => Err(Failure::Stalled),
    }
}
