//! From a request to a socket: the extractor with its settings, and the answer.

use std::time::Duration;

use http::StatusCode;
use http::header::{HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL};
use hyperlane_core::{IntoResponse, Response, Upgraded};
use hyperlane_proto::websocket::{Decoder, DeflateAgreement, Deflater, Inflater, Role};

use super::connection::Connection;
use super::driver::Driver;
use super::handshake::{Handshake, UpgradeRejection, is_token};
use super::origin::{Origins, is_origin};
use super::output::Output;
use super::settings::{Compression, KeepAlive, Settings};
use super::socket::{Shared, WebSocket};
use crate::context::Context;
use crate::extract::FromContext;

/// A request that may open a [`WebSocket`], as a handler's argument.
///
/// [`on_upgrade`](Self::on_upgrade) makes the response that opens it; before that, everything can be set for which the
/// defaults do not fit. A request that asks for no WebSocket, or wrongly, is answered as
/// [`UpgradeRejection`] says, and the handler does not run; an [`Option`] of it is `None` where nothing is asked for.
/// [`Context::upgrade`] does the same with the defaults.
///
/// It works alike over HTTP/1.1 and, by an extended `CONNECT` (RFC 8441), over HTTP/2: one `GET` route is for both.
///
/// ```
/// use hyperlane::websocket::{Compression, Message, WebSocketUpgrade};
/// use hyperlane::{Response, Server};
///
/// async fn chat(upgrade: WebSocketUpgrade) -> Response {
///     upgrade
///         .protocols(["chat.v2", "chat.v1"])
///         .max_message_size(64 * 1024)
///         .compression(Compression::new())
///         .on_upgrade(async |mut socket| {
///             let version = socket.protocol().unwrap_or("chat.v1").to_owned();
///             let _ = socket.send(format!("welcome to {version}")).await;
///         })
/// }
///
/// let server = Server::new();
/// server.get("/chat", chat);
/// ```
#[derive(Debug)]
#[must_use = "the socket is opened by the response of `on_upgrade`"]
pub struct WebSocketUpgrade {
    handshake: Handshake,
    ctx: Context,
    settings: Settings,
    origins: Origins,
    protocol: Option<String>,
}

impl WebSocketUpgrade {
    fn read(ctx: &Context) -> Result<Self, UpgradeRejection> {
        Ok(Self {
            handshake: Handshake::read(ctx)?,
            ctx: ctx.clone(),
            settings: Settings::default(),
            origins: Origins::Same,
            protocol: None,
        })
    }

    /// The subprotocols that the application speaks. The first of the client's own list that is among them is agreed on
    /// (RFC 6455 §4.2.2: a client lists what it prefers first); with none, the socket opens without one.
    ///
    /// # Panics
    ///
    /// A name is no token.
    #[track_caller]
    pub fn protocols<P: AsRef<str>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        let own: Vec<P> = protocols.into_iter().collect();
        for name in &own {
            assert!(
                is_token(name.as_ref()),
                "`{}` is no name of a subprotocol",
                name.as_ref()
            );
        }
        let mut wanted = self.handshake.protocols.iter();
        let agreed = wanted.find(|name| own.iter().any(|own| own.as_ref() == name.as_str()));
        self.protocol = agreed.cloned();
        self
    }

    /// The subprotocol that was agreed on by [`protocols`](Self::protocols).
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// The most bytes of a message, decompressed. Default: 1,048,576 (1 MiB): a connection holds up to one message that
    /// is not complete, and there may be tens of thousands of connections.
    ///
    /// A larger one is refused by the length that its frame announces, with code 1009.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.settings.limits.message_bytes = bytes;
        self
    }

    /// The most fragments of a message. Default: 16,384: enough for a message of 1 MiB in fragments of 64 bytes, and an
    /// end to empty ones.
    ///
    /// With more the socket is closed with code 1008.
    pub fn max_fragments(mut self, fragments: usize) -> Self {
        self.settings.limits.fragments = fragments;
        self
    }

    /// Compresses messages, if the client offers to. Default: they are not compressed; [`Compression`] says why.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.settings.compression = Some(compression);
        self
    }

    /// Lets pages of these origins open the socket, beside those of the host itself: `https://app.example`, with the
    /// port where it is not that of the scheme.
    ///
    /// Default: only pages of the host that the request is for, since browsers open sockets for every page, with the
    /// user's cookies (RFC 6455 §10.2). Clients that are no browsers send no `Origin` and are let in.
    ///
    /// # Panics
    ///
    /// One is no origin: a scheme and a host, without a path.
    #[track_caller]
    pub fn allow_origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        let origins: Vec<String> = origins.into_iter().map(Into::into).collect();
        for origin in &origins {
            assert!(
                is_origin(origin),
                "`{origin}` is no origin: write scheme and host without a path, like `https://app.example`"
            );
        }
        self.origins = Origins::These(origins);
        self
    }

    /// Lets pages of any origin open the socket: for public data, or where a token and not a cookie tells who asks.
    pub fn allow_any_origin(mut self) -> Self {
        self.origins = Origins::Any;
        self
    }

    /// Asks the peer by a ping whether it is there, after so long without a sign of it; and gives it up if there is none
    /// for `timeout` after that. Default: 30 s and 20 s: within what proxies and routers keep a silent connection, and
    /// dead peers do not pile up.
    pub fn keep_alive(mut self, interval: Duration, timeout: Duration) -> Self {
        self.settings.keep_alive = Some(KeepAlive { interval, timeout });
        self
    }

    /// Never asks: a peer that died is noticed only when something is sent to it.
    pub fn without_keep_alive(mut self) -> Self {
        self.settings.keep_alive = None;
        self
    }

    /// How long the peer's answer to a close is waited for. Default: 5 s, half of what a server's shutdown takes.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.settings.close_timeout = timeout;
        self
    }

    /// The longest time in which the peer takes nothing of what is sent. Default: 30 s, as for any response.
    ///
    /// Afterwards the connection is given up.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.settings.write_timeout = timeout;
        self
    }

    /// The response that opens the socket and gives it to `f`, which runs in the connection's own task: the connection
    /// lives until it ends, or until the last part of the socket is dropped where that went elsewhere.
    ///
    /// A page of a foreign origin is answered 403 instead.
    pub fn on_upgrade<F, Fut>(self, f: F) -> Response
    where
        F: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        if let Err(rejection) = self.check_origin() {
            return rejection.into_response();
        }
        let agreement = self.settings.compression.and_then(|compression| {
            let agreement = compression.agreed.agree(&self.handshake.extensions())?;
            Some((agreement, compression))
        });
        let draining = self.ctx.connection().draining();
        let Self {
            handshake,
            settings,
            protocol,
            ..
        } = self;
        let header = |value: &str| HeaderValue::try_from(value).ok();
        let accept = handshake.accept.as_deref().and_then(header);
        let extensions = agreement.and_then(|(agreement, _)| header(&agreement.to_header()));
        let protocol_header = protocol.as_deref().and_then(header);
        let protocol = protocol.map(String::into_boxed_str);
        let mut response = Response::upgrade(HeaderValue::from_static("websocket"), move |io| {
            let shared = Shared::new(server_end(io, settings, agreement));
            let socket = WebSocket::new(&shared, protocol);
            Driver::new(shared, Some(f(socket)), draining)
        });
        let headers = [
            (SEC_WEBSOCKET_ACCEPT, accept),
            (SEC_WEBSOCKET_PROTOCOL, protocol_header),
            (SEC_WEBSOCKET_EXTENSIONS, extensions),
        ];
        for (name, value) in headers {
            if let Some(value) = value {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    fn check_origin(&self) -> Result<(), UpgradeRejection> {
        let head = self.ctx.request_head();
        let mut origins = head.header_all(ORIGIN.as_str());
        let admitted = match (origins.next(), origins.next()) {
            (None, _) => true,
            (Some(origin), None) => {
                let origin = std::str::from_utf8(origin).unwrap_or_default();
                self.origins.admit(origin, head.authority())
            }
            _ => matches!(self.origins, Origins::Any),
        };
        if admitted {
            return Ok(());
        }
        tracing::warn!(
            path = self.ctx.path(),
            "a page of another origin wanted a websocket and was refused"
        );
        Err(UpgradeRejection::new(
            StatusCode::FORBIDDEN,
            "a page of this origin may not open this websocket",
        ))
    }
}

/// The server's end of a connection.
fn server_end(io: Upgraded, settings: Settings, agreement: Option<(DeflateAgreement, Compression)>) -> Connection {
    let decoder = Decoder::new(Role::Server, settings.limits);
    let Some((agreed, compression)) = agreement else {
        return Connection::new(io, settings, decoder, Output::new(None));
    };
    let inflater = Inflater::new(agreed.client_window_bits, agreed.client_context_takeover);
    let deflater = Deflater::new(
        agreed.server_window_bits,
        compression.level,
        agreed.server_context_takeover,
    );
    Connection::new(
        io,
        settings,
        decoder.with_inflater(inflater),
        Output::new(Some((deflater, compression.threshold))),
    )
}

impl FromContext for WebSocketUpgrade {
    type Rejection = UpgradeRejection;

    async fn from_context(ctx: &Context) -> Result<Self, UpgradeRejection> {
        Self::read(ctx)
    }

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, UpgradeRejection> {
        match Handshake::is_wanted(ctx) {
            true => Self::read(ctx).map(Some),
            false => Ok(None),
        }
    }
}

impl Context {
    /// Opens a WebSocket with the default settings and gives it to `f`: the same as
    /// [`WebSocketUpgrade::on_upgrade`]. Return what it returns; a request that opens no socket gets its refusal.
    pub fn upgrade<F, Fut>(&self, f: F) -> Response
    where
        F: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        match WebSocketUpgrade::read(self) {
            Ok(upgrade) => upgrade.on_upgrade(f),
            Err(rejection) => rejection.into_response(),
        }
    }
}
