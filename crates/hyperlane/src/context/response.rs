//! Setters of the response.
//!
//! They work until the response has begun: until the handler ends, or until its first
//! [`send_body`](Context::send_body). Later ones have no effect, and the first of them logs a warning.

use std::panic::Location;

use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HOST,
    SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyperlane_core::{IntoResponse, InvalidHeader};

use super::Context;
use super::reply::{Reply, Stage};
use crate::version::HttpVersion;

/// Fields that must not stand behind a body, where they would change how it is framed, routed, or read
/// (RFC 9110 §6.5.1).
const NOT_IN_TRAILERS: [HeaderName; 13] = [
    AUTHORIZATION,
    CACHE_CONTROL,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    HOST,
    SET_COOKIE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

impl Context {
    /// Sets the version, which is a hint without effect: the connection decides which version is spoken.
    pub fn set_response_version(&self, version: HttpVersion) -> &Self {
        let _ = version;
        self
    }

    /// Sets the status. Default: 200.
    ///
    /// One out of 200 to 599 makes the response a 500, and an error is logged: 1xx are not answers.
    #[track_caller]
    pub fn set_response_status_code(&self, code: u16) -> &Self {
        let outcome = self.try_set_response_status_code(code);
        self.reject_if(outcome, Location::caller())
    }

    /// Sets the status.
    ///
    /// # Errors
    ///
    /// It is out of 200 to 599, or the response has begun; nothing is changed.
    pub fn try_set_response_status_code(&self, code: u16) -> Result<&Self, InvalidHeader> {
        match StatusCode::from_u16(code) {
            Ok(status) if (200..=599).contains(&code) => self.edit(|reply| {
                reply.draft.status_set = true;
                *reply.draft.response.status_mut() = status;
            }),
            _ => Err(InvalidHeader::other(format!(
                "response status {code} is out of 200 to 599"
            ))),
        }
    }

    /// Sets a header; earlier values of it are replaced.
    ///
    /// A name or value that must not go on the wire (with CR, LF, NUL …) makes the response a 500, and an error is
    /// logged. Framing headers are hints at most: `Transfer-Encoding` and the like are the engine's.
    #[track_caller]
    pub fn set_response_header<N, V>(&self, name: N, value: V) -> &Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
        N::Error: Into<http::Error>,
        V::Error: Into<http::Error>,
    {
        let outcome = self.try_set_response_header(name, value);
        self.reject_if(outcome, Location::caller())
    }

    /// Sets a header; earlier values of it are replaced.
    ///
    /// # Errors
    ///
    /// The name or the value must not go on the wire, or the response has begun; nothing is changed.
    pub fn try_set_response_header<N, V>(&self, name: N, value: V) -> Result<&Self, InvalidHeader>
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
        N::Error: Into<http::Error>,
        V::Error: Into<http::Error>,
    {
        let (name, value) = InvalidHeader::check(name, value)?;
        self.edit(|reply| {
            reply.draft.content_type_set |= name == CONTENT_TYPE;
            reply.draft.response.insert_header(name, value);
        })
    }

    /// Adds a header beside those of its name. A bad one is treated as by
    /// [`set_response_header`](Self::set_response_header).
    #[track_caller]
    pub fn add_response_header<N, V>(&self, name: N, value: V) -> &Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
        N::Error: Into<http::Error>,
        V::Error: Into<http::Error>,
    {
        let outcome = self.try_add_response_header(name, value);
        self.reject_if(outcome, Location::caller())
    }

    /// Adds a header beside those of its name.
    ///
    /// # Errors
    ///
    /// As [`try_set_response_header`](Self::try_set_response_header).
    pub fn try_add_response_header<N, V>(&self, name: N, value: V) -> Result<&Self, InvalidHeader>
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
        N::Error: Into<http::Error>,
        V::Error: Into<http::Error>,
    {
        let (name, value) = InvalidHeader::check(name, value)?;
        self.edit(|reply| {
            reply.draft.content_type_set |= name == CONTENT_TYPE;
            reply.draft.response.append_header(name, value);
        })
    }

    /// Removes all headers of this name that were set here.
    pub fn remove_response_header(&self, name: impl AsRef<str>) -> &Self {
        let name = name.as_ref();
        let _ = self.edit(|reply| {
            reply.draft.content_type_set &= !name.eq_ignore_ascii_case(CONTENT_TYPE.as_str());
            reply.draft.response.remove_header(name);
        });
        self
    }

    /// Sets a trailer field, which is sent behind the body to clients that accept trailers (RFC 9110 §6.5). It may
    /// be set until a stream ends.
    ///
    /// A bad one is treated as by [`set_response_header`](Self::set_response_header); so are fields that must not
    /// stand there, like `Content-Type`. Behind a stream that has begun it is left out instead.
    #[track_caller]
    pub fn set_response_trailer<N, V>(&self, name: N, value: V) -> &Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
        N::Error: Into<http::Error>,
        V::Error: Into<http::Error>,
    {
        let outcome = InvalidHeader::check(name, value).and_then(|(name, value)| {
            if NOT_IN_TRAILERS.contains(&name) {
                return Err(InvalidHeader::other(format!(
                    "`{name}` must not be a trailer: set it as a header"
                )));
            }
            let mut reply = self.reply();
            if reply.stage == Stage::Closed {
                return Err(late());
            }
            reply.draft.trailers.get_or_insert_default().insert(name, value);
            drop(reply);
            Ok(self)
        });
        self.reject_if(outcome, Location::caller())
    }

    /// Sets the body, and its content type unless one was set by hand: text is `text/plain; charset=utf-8`, bytes are
    /// `application/octet-stream`, [`Json`](crate::Json) is `application/json`. Takes all that a handler may return; of
    /// a response with an error status it takes over the status too.
    ///
    /// While a response is streamed it is the next piece, for [`send_body`](Self::send_body). Clones share the place:
    /// tasks that run at once use [`send_piece`](Self::send_piece).
    #[track_caller]
    pub fn set_response_body(&self, body: impl IntoResponse) -> &Self {
        let mut body = body.into_response();
        // What was there before is dropped behind the lock: that may run code of the application.
        if self.reply().set_body(&mut body) {
            self
        } else {
            self.reject_if(Err(late()), Location::caller())
        }
    }

    /// The status as it is set now; 200 if none was.
    pub fn response_status_code(&self) -> u16 {
        self.reply().draft.response.status().as_u16()
    }

    /// The headers as they are set now.
    pub fn response_headers(&self) -> HeaderMap {
        self.reply().draft.response.headers().clone()
    }

    /// Changes the response, if it has not begun.
    pub(super) fn edit(&self, change: impl FnOnce(&mut Reply)) -> Result<&Self, InvalidHeader> {
        let mut reply = self.reply();
        if reply.stage != Stage::Building {
            return Err(late());
        }
        change(&mut reply);
        drop(reply);
        Ok(self)
    }

    /// Makes the response unsendable if a setter failed; once it has begun, only a warning is logged, the first time.
    #[inline]
    pub(super) fn reject_if(&self, outcome: Result<&Self, InvalidHeader>, caller: &'static Location<'static>) -> &Self {
        if let Err(error) = outcome {
            self.reject(error, caller);
        }
        self
    }

    #[cold]
    fn reject(&self, error: InvalidHeader, caller: &'static Location<'static>) {
        let mut reply = self.reply();
        if reply.stage == Stage::Building {
            tracing::error!(%error, at = %caller, "response can't be sent as it was set; it becomes a 500");
            reply.draft.response.reject(error);
        } else if !std::mem::replace(&mut reply.warned, true) {
            tracing::warn!(%error, at = %caller, "a setter had no effect");
        }
    }
}

fn late() -> InvalidHeader {
    InvalidHeader::other("response has begun: set this before the first `send_body`, and before the handler ends")
}
