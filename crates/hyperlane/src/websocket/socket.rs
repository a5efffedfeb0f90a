//! The socket in an application's hands, whole or in halves.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};

use futures_core::Stream;
use futures_sink::Sink;
use hyperlane_proto::websocket::{CloseCode, CloseFrame};
#[cfg(feature = "json")]
use serde::{Serialize, de::DeserializeOwned};

use super::WebSocketError;
use super::connection::Connection;
use super::message::Message;

/// A connection that speaks WebSocket.
///
/// Pings are answered, a peer that died is noticed, and a shutdown of the server is told to the peer, whatever the
/// application does meanwhile. [`recv`](Self::recv) and [`send`](Self::send) in one task are enough for most; for
/// sending and receiving in two tasks there are [halves](Self::split). It is a [`Stream`] and a [`Sink`] of messages
/// too.
///
/// What is sent goes out when the application waits for something, many messages in one write, and a sender waits while
/// 64 KiB are under way. Dropped, it is closed with code 1000.
///
/// ```
/// use hyperlane::websocket::{Message, WebSocket};
/// use hyperlane::{Context, Response, Server};
///
/// async fn echo(ctx: Context) -> Response {
///     ctx.upgrade(async |mut socket: WebSocket| {
///         while let Some(Ok(message)) = socket.recv().await {
///             if message.data().is_some() && socket.send(message).await.is_err() {
///                 break;
///             }
///         }
///     })
/// }
/// # Server::new().get("/echo", echo);
/// ```
pub struct WebSocket {
    receiver: WebSocketReceiver,
    sender: WebSocketSender,
    protocol: Option<Box<str>>,
}

/// The receiving half of a [`WebSocket`]. Dropped, messages that come are thrown away.
pub struct WebSocketReceiver {
    shared: Arc<Shared>,
}

/// The sending half of a [`WebSocket`], to be cloned for as many tasks as send.
pub struct WebSocketSender {
    shared: Arc<Shared>,
}

/// The connection that the halves and the driver share.
pub(super) struct Shared(Mutex<Connection>);

impl Shared {
    pub(super) fn new(connection: Connection) -> Arc<Self> {
        Arc::new(Self(Mutex::new(connection)))
    }

    /// Does something with the connection, and wakes whom it concerns.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Connection) -> R) -> R {
        // No code of the application runs under the lock, so that a poisoned one holds a sound value.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut connection);
        let wakers = connection.take_wakers();
        drop(connection);
        for waker in wakers {
            waker.wake();
        }
        result
    }
}

impl WebSocket {
    /// One with one receiver and one sender, as a fresh [`Connection`] has it.
    pub(super) fn new(shared: &Arc<Shared>, protocol: Option<Box<str>>) -> Self {
        Self {
            receiver: WebSocketReceiver {
                shared: Arc::clone(shared),
            },
            sender: WebSocketSender {
                shared: Arc::clone(shared),
            },
            protocol,
        }
    }

    /// The subprotocol that was [agreed on](super::WebSocketUpgrade::protocols).
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// The next message: text, bytes, or as the last one the peer's close. `None` when there will be no more.
    ///
    /// # Errors
    ///
    /// The peer broke the protocol or a limit, died, or went away without a close. It is the last thing that is
    /// received.
    ///
    /// # Cancel safety
    ///
    /// A message is either returned or still there.
    pub async fn recv(&mut self) -> Option<Result<Message, WebSocketError>> {
        self.receiver.recv().await
    }

    /// The next message as a value in JSON, be it text or bytes. `None` when the peer has closed.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv); and a message that is no JSON or not of this type, which
    /// [`is_json`](WebSocketError::is_json) and behind which the socket goes on.
    #[cfg(feature = "json")]
    pub async fn recv_json<T: DeserializeOwned>(&mut self) -> Option<Result<T, WebSocketError>> {
        self.receiver.recv_json().await
    }

    /// Sends a message. It waits while too much is under way.
    ///
    /// # Errors
    ///
    /// The socket is closed or closing; or the message can't be sent (a ping of more than 125 bytes, an invalid close
    /// code).
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, it has not sent anything.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), WebSocketError> {
        self.sender.send(message).await
    }

    /// Sends a value as a message of text, in JSON.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and a value that can't be written as JSON.
    #[cfg(feature = "json")]
    pub async fn send_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WebSocketError> {
        self.sender.send_json(value).await
    }

    /// Waits until all that was sent is given to the system. Sending does not need it, except before work that keeps the
    /// thread.
    ///
    /// # Errors
    ///
    /// The socket is closed or closing.
    pub async fn flush(&mut self) -> Result<(), WebSocketError> {
        self.sender.flush().await
    }

    /// Closes with a code and a reason, and waits for the peer to agree (for
    /// [a while](super::WebSocketUpgrade::close_timeout)). What it still sends is thrown away.
    ///
    /// # Errors
    ///
    /// The code must not be sent, the reason has more than 123 bytes, or the socket was closed before.
    pub async fn close(self, code: impl Into<CloseCode>, reason: &str) -> Result<(), WebSocketError> {
        let Self { receiver, sender, .. } = self;
        drop(receiver);
        sender.close(code, reason)?;
        sender.closed().await;
        Ok(())
    }

    /// Takes it apart, for sending and receiving in two tasks.
    pub fn split(self) -> (WebSocketSender, WebSocketReceiver) {
        (self.sender, self.receiver)
    }
}

impl WebSocketReceiver {
    /// As [`WebSocket::recv`].
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn recv(&mut self) -> Option<Result<Message, WebSocketError>> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// As [`WebSocket::recv_json`].
    ///
    /// # Errors
    ///
    /// The same.
    #[cfg(feature = "json")]
    pub async fn recv_json<T: DeserializeOwned>(&mut self) -> Option<Result<T, WebSocketError>> {
        match self.recv().await? {
            Ok(Message::Close(_)) => None,
            Ok(message) => Some(message.to_json()),
            Err(error) => Some(Err(error)),
        }
    }

    fn poll_recv(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Message, WebSocketError>>> {
        self.shared.with(|connection| connection.poll_receive(cx))
    }
}

impl WebSocketSender {
    /// As [`WebSocket::send`].
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), WebSocketError> {
        let mut message = Some(message.into());
        poll_fn(|cx| {
            self.shared.with(|connection| {
                connection.poll_ready(cx).map(|ready| {
                    ready?;
                    message
                        .take()
                        .map_or(Ok(()), |message| connection.send(message, Some(cx)))
                })
            })
        })
        .await
    }

    /// As [`WebSocket::send_json`].
    ///
    /// # Errors
    ///
    /// The same.
    #[cfg(feature = "json")]
    pub async fn send_json<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), WebSocketError> {
        self.send(Message::json(value)?).await
    }

    /// As [`WebSocket::flush`].
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn flush(&self) -> Result<(), WebSocketError> {
        poll_fn(|cx| self.shared.with(|connection| connection.poll_flushed(cx))).await
    }

    /// Begins to close: the receiving half gets what the peer still sends, and its close.
    ///
    /// # Errors
    ///
    /// The code must not be sent, the reason has more than 123 bytes, or the socket was closed before.
    pub fn close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), WebSocketError> {
        let frame = CloseFrame::new(code, reason);
        self.shared.with(|connection| connection.close(Some(&frame)))
    }

    /// Waits until the connection is gone, for whatever reason: for a task that only sends now and then.
    pub async fn closed(&self) {
        poll_fn(|cx| self.shared.with(|connection| connection.poll_over(cx))).await;
    }
}

impl Stream for WebSocketReceiver {
    type Item = Result<Message, WebSocketError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx)
    }
}

impl Stream for WebSocket {
    type Item = Result<Message, WebSocketError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(cx)
    }
}

impl Sink<Message> for WebSocketSender {
    type Error = WebSocketError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Result<(), WebSocketError>> {
        self.shared.with(|connection| connection.poll_ready(cx))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), WebSocketError> {
        self.shared.with(|connection| connection.send(message, None))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Result<(), WebSocketError>> {
        self.shared.with(|connection| connection.poll_flushed(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Result<(), WebSocketError>> {
        self.shared.with(|connection| {
            connection.close_with(CloseCode::NORMAL, "");
            connection.wake_driver();
            connection.poll_over(cx).map(Ok)
        })
    }
}

impl Sink<Message> for WebSocket {
    type Error = WebSocketError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Result<(), WebSocketError>> {
        Pin::new(&mut self.sender).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), WebSocketError> {
        Pin::new(&mut self.sender).start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Result<(), WebSocketError>> {
        Pin::new(&mut self.sender).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Result<(), WebSocketError>> {
        Pin::new(&mut self.sender).poll_close(cx)
    }
}

impl Clone for WebSocketSender {
    fn clone(&self) -> Self {
        self.shared.with(|connection| connection.senders += 1);
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Drop for WebSocketSender {
    fn drop(&mut self) {
        self.shared.with(|connection| {
            connection.senders -= 1;
            connection.wake_driver();
        });
    }
}

impl Drop for WebSocketReceiver {
    fn drop(&mut self) {
        let rest = self.shared.with(Connection::drop_receiver);
        drop(rest);
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WebSocketReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebSocketReceiver")
    }
}

impl fmt::Debug for WebSocketSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebSocketSender")
    }
}
