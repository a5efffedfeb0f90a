//! Streamed responses: pieces handed over one by one, at the pace of the client.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::MutexGuard;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::StatusCode;
use hyperlane_core::{Body, BodyError, IntoResponse, Response};

use super::{Context, Reply};

impl Context {
    /// Sends the body that was set as the next piece of a streamed response, and waits until it was taken to be
    /// written, or there is room for it among what is: so a slow client holds the handler back.
    ///
    /// The first call freezes status and headers, which go out with it; without a body it sends them alone. Further
    /// pieces are set with [`set_response_body`](Self::set_response_body). The stream ends when the handler does, or
    /// with [`closed`](Self::closed); what was set and not sent then is not sent. A stream that is set as a body is
    /// sent whole, piece by piece.
    ///
    /// Tasks that hold a clone may send too, as long as the handler runs; several senders queue in order. The place of
    /// the body is one for all clones, so that tasks that run at once use [`send_piece`](Self::send_piece).
    ///
    /// When the client leaves in the middle, this fails, and the handler goes on to its end in a task of its own, so
    /// that it can clean up. A panic, or a returned error status, in the middle ends the response as incomplete.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// async fn count(ctx: Context) -> Result<(), SendError> {
    ///     ctx.set_response_header("content-type", "text/plain");
    ///     for i in 0..1000 {
    ///         ctx.set_response_body(format!("{i}\n")).send_body().await?;
    ///     }
    ///     ctx.closed().await
    /// }
    /// # Server::new().get("/count", count);
    /// ```
    ///
    /// # Errors
    ///
    /// The client is gone, the response has ended, or the stream that was set as a body failed.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, its piece is sent whole if it was taken already, and otherwise not at all.
    pub async fn send_body(&self) -> Result<(), SendError> {
        match poll_fn(|cx| Poll::Ready(begin(self.reply(), cx))).await? {
            None => Ok(()),
            Some(body) => self.send_all(body).await,
        }
    }

    /// Sends this piece of a streamed response: [`set_response_body`](Self::set_response_body) and
    /// [`send_body`](Self::send_body) in one step, which no other task can come between.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// async fn both(ctx: Context) {
    ///     let other = ctx.clone();
    ///     let task = tokio::spawn(async move { other.send_piece("from a task\n").await });
    ///     let _ = ctx.send_piece("from the handler\n").await;
    ///     let _ = task.await;
    /// }
    /// # Server::new().get("/both", both);
    /// ```
    ///
    /// # Errors
    ///
    /// As [`send_body`](Self::send_body).
    ///
    /// # Cancel safety
    ///
    /// As [`send_body`](Self::send_body).
    pub async fn send_piece(&self, piece: impl IntoResponse) -> Result<(), SendError> {
        let mut piece = piece.into_response();
        let begun = poll_fn(|cx| {
            let mut reply = self.reply();
            reply.set_body(&mut piece);
            Poll::Ready(begin(reply, cx))
        })
        .await;
        // What was set before, and not sent.
        drop(piece);
        match begun? {
            None => Ok(()),
            Some(body) => self.send_all(body).await,
        }
    }

    /// Ends the response. A stream ends behind what was sent; a response that is not streamed is sent as it is,
    /// while the handler may go on. Closing twice is no error.
    ///
    /// # Errors
    ///
    /// The client left before the end.
    pub async fn closed(&self) -> Result<(), SendError> {
        let mut reply = self.reply();
        let outcome = reply.close();
        let driver = reply.driver_to_wake();
        drop(reply);
        if let Some(driver) = driver {
            driver.wake();
        }
        outcome
    }

    async fn send_all(&self, mut body: Body) -> Result<(), SendError> {
        if let Some(chunk) = body.take_full() {
            return self.send_chunk(chunk).await;
        }
        while let Some(chunk) = body.chunk().await {
            self.send_chunk(chunk.map_err(SendError::body)?).await?;
        }
        Ok(())
    }

    async fn send_chunk(&self, chunk: Bytes) -> Result<(), SendError> {
        if chunk.is_empty() {
            // In a stream an empty piece is none: in HTTP/1.1 it would end the body (RFC 9112 §7.1).
            return Ok(());
        }
        SendChunk {
            ctx: self,
            chunk,
            ticket: None,
        }
        .await
    }
}

/// Begins the stream if that has not happened, and takes the piece that was set. `None`: it is sent already.
fn begin(mut reply: MutexGuard<'_, Reply>, cx: &TaskContext<'_>) -> Result<Option<Body>, SendError> {
    if reply.send_ahead(cx) {
        return Ok(None);
    }
    let body = reply.begin()?;
    let driver = reply.driver_to_wake();
    drop(reply);
    if let Some(driver) = driver {
        driver.wake();
    }
    Ok(Some(body))
}

/// Queues a piece and waits until it was taken.
struct SendChunk<'a> {
    ctx: &'a Context,
    chunk: Bytes,
    ticket: Option<u64>,
}

impl Future for SendChunk<'_> {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut reply = self.ctx.reply();
        if let Some(ticket) = self.ticket {
            let taken = reply.poll_taken(ticket, cx);
            drop(reply);
            if taken.is_ready() {
                self.ticket = None;
            }
            return taken;
        }
        let chunk = self.chunk.clone();
        let ticket = reply.offer(chunk, cx)?;
        let driver = reply.driver_to_wake();
        drop(reply);
        self.ticket = Some(ticket);
        if let Some(driver) = driver {
            driver.wake();
        }
        Poll::Pending
    }
}

impl Drop for SendChunk<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let withdrawn = self.ctx.reply().withdraw(ticket);
            // Outside of the lock: the bytes may have an owner with a drop of its own.
            drop(withdrawn);
        }
    }
}

/// Why a piece of a response could not be sent.
#[derive(Debug)]
pub struct SendError {
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    ClientGone,
    Closed,
    Body(BodyError),
}

impl SendError {
    pub(super) fn client_gone() -> Self {
        Self {
            cause: Cause::ClientGone,
        }
    }

    pub(super) fn closed() -> Self {
        Self { cause: Cause::Closed }
    }

    fn body(error: BodyError) -> Self {
        Self {
            cause: Cause::Body(error),
        }
    }

    /// Whether nobody reads the response any more: the client left, was too slow, or the server cut the connection.
    pub fn is_client_gone(&self) -> bool {
        matches!(self.cause, Cause::ClientGone)
    }

    /// Whether the response had ended before.
    pub fn is_closed(&self) -> bool {
        matches!(self.cause, Cause::Closed)
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::ClientGone => f.write_str("client is gone: nobody reads the response, stop sending"),
            Cause::Closed => f.write_str("response has ended: send before `closed`, and while the handler runs"),
            Cause::Body(error) => write!(f, "stream that was set as a body failed: {error}"),
        }
    }
}

impl StdError for SendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.cause {
            Cause::Body(error) => Some(error),
            Cause::ClientGone | Cause::Closed => None,
        }
    }
}

/// So that a handler can use `?`. Where the response had begun, as it has after most of these errors, it ends as
/// incomplete.
impl IntoResponse for SendError {
    fn into_response(self) -> Response {
        Response::from(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
