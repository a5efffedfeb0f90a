//! A WebSocket of a test.

use std::future::IntoFuture;
use std::panic::Location;
use std::pin::Pin;

use bytes::Bytes;
use http::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName};
use hyperlane_proto::websocket::accept_key;
#[cfg(feature = "json")]
use serde::{Serialize, de::DeserializeOwned};

use super::{TestClient, TestRequest, TestResponse};
use crate::websocket::{CloseCode, CloseFrame, Message, WebSocket, client_socket};

/// Any key does: it is no secret, and shows only that the server speaks WebSocket.
const KEY: &str = "aHlwZXJsYW5lIHRlc3QgIQ==";

/// The opening handshake of a WebSocket; awaited, it is sent.
#[derive(Debug)]
#[must_use = "a handshake is sent when it is awaited"]
pub struct TestWebSocketRequest {
    request: TestRequest,
    protocols: Vec<String>,
    compressed: bool,
    at: &'static Location<'static>,
}

/// A WebSocket of a test, whose other end is the application's.
///
/// It answers pings by itself. What is not as expected panics, naming the line of the test.
///
/// ```
/// use hyperlane::testing::TestClient;
/// use hyperlane::websocket::WebSocketUpgrade;
/// use hyperlane::*;
///
/// async fn sums(upgrade: WebSocketUpgrade) -> Response {
///     upgrade.on_upgrade(async |mut socket| {
///         while let Some(Ok(numbers)) = socket.recv_json::<Vec<i64>>().await {
///             let _ = socket.send_json(&numbers.iter().sum::<i64>()).await;
///         }
///     })
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let server = Server::new();
/// server.get("/sums", sums);
///
/// let mut socket = TestClient::new(server).websocket("/sums").await;
/// socket.send_json(&[1, 2, 3]).await;
/// assert_eq!(socket.json::<i64>().await, 6);
/// socket.close(1000, "done").await;
/// # }
/// ```
#[derive(Debug)]
pub struct TestWebSocket {
    socket: WebSocket,
    headers: HeaderMap,
    at: &'static Location<'static>,
}

impl TestClient {
    /// Opens a WebSocket, as [`get`](Self::get) asks for a page.
    ///
    /// # Panics
    ///
    /// The target is no URI; and, when it is awaited, the server opens no WebSocket.
    #[track_caller]
    pub fn websocket(&self, target: &str) -> TestWebSocketRequest {
        TestWebSocketRequest {
            request: self
                .get(target)
                .header(CONNECTION, "upgrade")
                .header(UPGRADE, "websocket")
                .header(SEC_WEBSOCKET_VERSION, "13")
                .header(SEC_WEBSOCKET_KEY, KEY),
            protocols: Vec::new(),
            compressed: false,
            at: Location::caller(),
        }
    }
}

impl TestWebSocketRequest {
    /// Adds a header, as [`TestRequest::header`] does.
    ///
    /// # Panics
    ///
    /// Name or value must not go on the wire.
    #[track_caller]
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
        N::Error: Into<http::Error>,
        V::Error: Into<http::Error>,
    {
        self.request = self.request.header(name, value);
        self
    }

    /// Adds a cookie, as [`TestRequest::cookie`] does.
    ///
    /// # Panics
    ///
    /// Name or value must not go on the wire.
    #[track_caller]
    pub fn cookie(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.cookie(name, value);
        self
    }

    /// Offers a subprotocol, behind those that were offered before.
    pub fn protocol(mut self, name: &str) -> Self {
        self.protocols.push(name.to_owned());
        self
    }

    /// Offers compression; what the server agrees to is used for every message.
    pub fn compressed(mut self) -> Self {
        self.compressed = true;
        self
    }

    /// Sends the handshake and returns whatever is answered: for a refusal.
    ///
    /// # Panics
    ///
    /// No response comes.
    pub async fn response(self) -> TestResponse {
        let mut request = self.request;
        if !self.protocols.is_empty() {
            request = request.header(SEC_WEBSOCKET_PROTOCOL, self.protocols.join(", "));
        }
        if self.compressed {
            request = request.header(SEC_WEBSOCKET_EXTENSIONS, "permessage-deflate; client_max_window_bits");
        }
        request.send().await
    }

    async fn open(self) -> TestWebSocket {
        let at = self.at;
        let response = self.response().await;
        let headers = response.headers().clone();
        let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let accept = header(SEC_WEBSOCKET_ACCEPT).map(str::to_owned);
        let protocol = header(SEC_WEBSOCKET_PROTOCOL).map(str::to_owned);
        let extensions = header(SEC_WEBSOCKET_EXTENSIONS).map(str::to_owned);
        let io = response.upgraded().await;
        assert_eq!(
            accept.as_deref(),
            Some(&*accept_key(KEY.as_bytes())),
            "the server switched to something that is no websocket, at {at}"
        );
        TestWebSocket {
            socket: client_socket(io, protocol.as_deref(), extensions.as_deref()),
            headers,
            at,
        }
    }
}

impl IntoFuture for TestWebSocketRequest {
    type Output = TestWebSocket;
    type IntoFuture = Pin<Box<dyn Future<Output = TestWebSocket> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl TestWebSocket {
    /// The subprotocol that the server chose.
    pub fn protocol(&self) -> Option<&str> {
        self.socket.protocol()
    }

    /// The headers of the handshake's response.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Sends a message.
    ///
    /// # Panics
    ///
    /// The socket is closed.
    pub async fn send(&mut self, message: impl Into<Message>) {
        if let Err(error) = self.socket.send(message).await {
            panic!("message can't be sent: {error}, to the websocket opened at {}", self.at);
        }
    }

    /// Sends a value as JSON.
    ///
    /// # Panics
    ///
    /// The socket is closed, or the value can't be written as JSON.
    #[cfg(feature = "json")]
    pub async fn send_json<T: Serialize + ?Sized>(&mut self, value: &T) {
        match Message::json(value) {
            Ok(message) => self.send(message).await,
            Err(error) => panic!("{error}, for the websocket opened at {}", self.at),
        }
    }

    /// The next message; the last one is the server's close. `None` behind it.
    ///
    /// # Panics
    ///
    /// The connection ended without a close, or the server broke the protocol.
    pub async fn recv(&mut self) -> Option<Message> {
        match self.socket.recv().await? {
            Ok(message) => Some(message),
            Err(error) => panic!("{error}, on the websocket opened at {}", self.at),
        }
    }

    /// The next message, which is text.
    ///
    /// # Panics
    ///
    /// It is something else, or there is none.
    pub async fn text(&mut self) -> String {
        match self.recv().await {
            Some(Message::Text(text)) => text.to_string(),
            other => self.unexpected("text", other.as_ref()),
        }
    }

    /// The next message, which is bytes.
    ///
    /// # Panics
    ///
    /// It is something else, or there is none.
    pub async fn binary(&mut self) -> Bytes {
        match self.recv().await {
            Some(Message::Binary(bytes)) => bytes,
            other => self.unexpected("bytes", other.as_ref()),
        }
    }

    /// The next message as a value in JSON.
    ///
    /// # Panics
    ///
    /// It is no JSON or not of this type, or there is none.
    #[cfg(feature = "json")]
    pub async fn json<T: DeserializeOwned>(&mut self) -> T {
        let message = self.recv().await;
        match message.as_ref().map(Message::to_json) {
            Some(Ok(value)) => value,
            Some(Err(error)) => panic!("{error}: {message:?}, on the websocket opened at {}", self.at),
            None => self.unexpected("json", None),
        }
    }

    /// What the server closes with, which is the next that it sends; `None` if it gives no code.
    ///
    /// # Panics
    ///
    /// It sends a message instead, or nothing.
    pub async fn closed(&mut self) -> Option<CloseFrame> {
        match self.recv().await {
            Some(Message::Close(frame)) => frame,
            other => self.unexpected("a close", other.as_ref()),
        }
    }

    /// Closes, and waits for the server to agree; if that has closed already, there is nothing to do.
    ///
    /// # Panics
    ///
    /// The code must not be sent, or the reason is too long.
    pub async fn close(self, code: impl Into<CloseCode>, reason: &str) {
        if let Err(error) = self.socket.close(code, reason).await
            && !error.is_closed()
        {
            panic!("websocket can't be closed: {error}, for the one opened at {}", self.at);
        }
    }

    /// The socket itself, to be split or used as a stream and a sink.
    pub fn into_inner(self) -> WebSocket {
        self.socket
    }

    fn unexpected(&self, wanted: &str, got: Option<&Message>) -> ! {
        match got {
            Some(message) => panic!(
                "expected {wanted}, got {message:?}, on the websocket opened at {}",
                self.at
            ),
            None => panic!("expected {wanted}, got the end, on the websocket opened at {}", self.at),
        }
    }
}
