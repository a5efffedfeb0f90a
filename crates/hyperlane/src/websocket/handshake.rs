//! The opening handshake: what of a request must be right before a socket is opened (RFC 6455 §4.2.1; over HTTP/2 and
//! HTTP/3 RFC 8441 §5).

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use http::header::{
    ALLOW, CONTENT_LENGTH, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderName, HeaderValue, Method, StatusCode, Version};
use hyperlane_core::{ConnectProtocol, Head, IntoResponse, Response};
use hyperlane_proto::websocket::{Extension, accept_key, is_valid_key, parse_extensions};

use crate::context::Context;
use crate::extract::{Rejection, RejectionKind};

/// The upgrade token, and the value of `:protocol`.
const WEBSOCKET: &str = "websocket";
/// The one version there is (RFC 6455 §4.1).
const VERSION: &str = "13";

/// Why a request opens no socket.
///
/// | status | why |
/// |---|---|
/// | 400 | a header of the handshake is missing or wrong |
/// | 403 | it comes from a page of another origin |
/// | 405 | its method is not `GET` |
/// | 426 | it asks for no WebSocket, or for another version than 13 |
#[derive(Debug)]
pub struct UpgradeRejection {
    rejection: Rejection,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A request that may open a socket.
#[derive(Debug)]
pub(super) struct Handshake {
    /// The answer to the client's key; over HTTP/2 there is none.
    pub(super) accept: Option<String>,
    /// The subprotocols that the client speaks, as it prefers them.
    pub(super) protocols: Vec<String>,
    /// The extensions that the client offers, as they were sent.
    extensions: Vec<String>,
}

impl Handshake {
    /// Reads a request.
    pub(super) fn read(ctx: &Context) -> Result<Self, UpgradeRejection> {
        let head = ctx.request_head();
        let accept = match ctx.extension::<ConnectProtocol>() {
            Some(protocol) if protocol.is(WEBSOCKET) => None,
            Some(_) => return Err(upgrade_required("request asks for another protocol than websocket")),
            None => Some(Self::read_http1(head)?),
        };
        read_version(head)?;
        let accept = match accept {
            Some(()) => Some(read_key(head)?),
            None => None,
        };
        if has_body(head) && accept.is_some() {
            return Err(bad("a websocket begins behind a request without a body"));
        }
        Ok(Self {
            accept,
            protocols: read_protocols(head)?,
            extensions: read_extensions(head)?,
        })
    }

    fn read_http1(head: &Head) -> Result<(), UpgradeRejection> {
        if !names(head, &UPGRADE, WEBSOCKET) || !names(head, &http::header::CONNECTION, "upgrade") {
            return Err(upgrade_required(
                "this is a websocket: send `connection: upgrade` and `upgrade: websocket`",
            ));
        }
        if *head.method() != Method::GET {
            return Err(
                UpgradeRejection::new(StatusCode::METHOD_NOT_ALLOWED, "a websocket is opened with GET")
                    .with_header(ALLOW, "GET"),
            );
        }
        if head.version() < Version::HTTP_11 {
            return Err(bad("a websocket is opened with http/1.1 or later"));
        }
        Ok(())
    }

    /// The extensions that the client offers, in order.
    pub(super) fn extensions(&self) -> Vec<Extension<'_>> {
        let lists = self.extensions.iter().filter_map(|list| parse_extensions(list));
        lists.flatten().collect()
    }

    /// Whether a request wants a socket at all. Another protocol that it would switch to, as `h2c`, is no reason to
    /// refuse it (RFC 9110 §7.8).
    pub(super) fn is_wanted(ctx: &Context) -> bool {
        ctx.extension::<ConnectProtocol>().is_some() || names(ctx.request_head(), &UPGRADE, WEBSOCKET)
    }
}

/// Whether a list in a header has `token` among its members.
fn names(head: &Head, name: &HeaderName, token: &str) -> bool {
    let mut values = head.header_all(name.as_str());
    values.any(|value| {
        let mut options = value.split(|byte| *byte == b',');
        options.any(|option| option.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    })
}

fn read_version(head: &Head) -> Result<(), UpgradeRejection> {
    match only(head, &SEC_WEBSOCKET_VERSION)? {
        Some(version) if version == VERSION.as_bytes() => Ok(()),
        // The versions that are spoken are told (RFC 6455 §4.4).
        Some(_) => Err(upgrade_required("this server speaks version 13 of websocket")),
        None => Err(bad("`sec-websocket-version` is missing").with_header(SEC_WEBSOCKET_VERSION, VERSION)),
    }
}

fn read_key(head: &Head) -> Result<String, UpgradeRejection> {
    match only(head, &SEC_WEBSOCKET_KEY)? {
        Some(key) if is_valid_key(key) => Ok(accept_key(key)),
        Some(_) => Err(bad("`sec-websocket-key` is not 16 bytes in base64")),
        None => Err(bad("`sec-websocket-key` is missing")),
    }
}

/// Names of subprotocols are tokens, and each is there once (RFC 6455 §4.1).
fn read_protocols(head: &Head) -> Result<Vec<String>, UpgradeRejection> {
    let mut protocols: Vec<String> = Vec::new();
    // A head has room for thousands, too many to look at each for each.
    let mut seen = HashSet::new();
    for value in head.header_all(SEC_WEBSOCKET_PROTOCOL.as_str()) {
        for name in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            // Empty members of a list mean nothing (RFC 9110 §5.6.1.2).
            if name.is_empty() {
                continue;
            }
            let name = std::str::from_utf8(name).ok().filter(|name| is_token(name));
            match name {
                Some(name) if seen.insert(name) => protocols.push(name.to_owned()),
                _ => return Err(bad("`sec-websocket-protocol` is not a list of different tokens")),
            }
        }
    }
    Ok(protocols)
}

fn read_extensions(head: &Head) -> Result<Vec<String>, UpgradeRejection> {
    let lists = head.header_all(SEC_WEBSOCKET_EXTENSIONS.as_str()).map(|value| {
        let list = std::str::from_utf8(value)
            .ok()
            .filter(|list| parse_extensions(list).is_some());
        list.map(str::to_owned)
            .ok_or_else(|| bad("`sec-websocket-extensions` is not a list of extensions"))
    });
    lists.collect()
}

fn has_body(head: &Head) -> bool {
    head.header_bytes(TRANSFER_ENCODING.as_str()).is_some()
        || head
            .header_bytes(CONTENT_LENGTH.as_str())
            .is_some_and(|length| length.trim_ascii() != b"0")
}

/// The value of a header that must not be there twice.
fn only<'a>(head: &'a Head, name: &'a HeaderName) -> Result<Option<&'a [u8]>, UpgradeRejection> {
    let mut values = head.header_all(name.as_str());
    let first = values.next();
    match values.next() {
        None => Ok(first.map(<[u8]>::trim_ascii)),
        Some(_) => Err(bad(format!("`{name}` is there twice"))),
    }
}

/// Whether it can be the name of a subprotocol.
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty() && HeaderName::from_bytes(name.as_bytes()).is_ok()
}

fn bad(message: impl Into<Cow<'static, str>>) -> UpgradeRejection {
    UpgradeRejection::new(StatusCode::BAD_REQUEST, message)
}

fn upgrade_required(message: &'static str) -> UpgradeRejection {
    UpgradeRejection::new(StatusCode::UPGRADE_REQUIRED, message)
        .with_header(UPGRADE, WEBSOCKET)
        .with_header(SEC_WEBSOCKET_VERSION, VERSION)
}

impl UpgradeRejection {
    pub(super) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            rejection: Rejection::new(status, message).with_kind(RejectionKind::Malformed),
            headers: Vec::new(),
        }
    }

    fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.rejection.status()
    }
}

impl IntoResponse for UpgradeRejection {
    fn into_response(self) -> Response {
        let mut response = self.rejection.into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

impl fmt::Display for UpgradeRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rejection.fmt(f)
    }
}

impl std::error::Error for UpgradeRejection {}
