//! Reading the request's body: whole and as often as wanted, or once as a stream.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use hyperlane_core::{Body, BodyError, BodyErrorKind};

use super::Context;
use crate::extract::{self, MediaType, Rejection, RejectionKind};

/// The body of a request and how far it was read.
#[derive(Default)]
pub(super) struct RequestBody {
    body: Body,
    state: State,
}

#[derive(Default)]
enum State {
    /// Not read, or partly: a reader may have been cancelled, and the next goes on where it stopped.
    #[default]
    Unread,
    Partial {
        /// The only piece so far, uncopied, while `all` is empty.
        first: Bytes,
        all: BytesMut,
    },
    Whole {
        bytes: Bytes,
        trailers: Option<Box<HeaderMap>>,
    },
    Taken,
    Failed(BodyErrorKind),
}

impl RequestBody {
    pub(super) fn new(body: Body) -> Self {
        Self {
            body,
            state: State::Unread,
        }
    }

    /// Forgets the body.
    pub(super) fn reset(&mut self) {
        if !self.body.is_empty() || !matches!(self.state, State::Unread) {
            *self = Self::default();
        }
    }

    async fn bytes(&mut self) -> Result<Bytes, BodyError> {
        match &self.state {
            State::Whole { bytes, .. } => return Ok(bytes.clone()),
            State::Taken => return Err(BodyError::new(BodyErrorKind::Taken)),
            State::Failed(kind) => return Err(BodyError::new(*kind)),
            State::Unread => {
                if let Some(bytes) = self.body.take_full() {
                    return Ok(self.keep(bytes));
                }
            }
            State::Partial { .. } => {}
        }
        loop {
            match self.body.chunk().await {
                Some(Ok(chunk)) => self.append(chunk),
                Some(Err(error)) => {
                    self.state = State::Failed(error.kind());
                    return Err(error);
                }
                None => {
                    let bytes = self.take_partial();
                    return Ok(self.keep(bytes));
                }
            }
        }
    }

    /// Whether it is known that there are no bytes.
    fn is_empty(&self) -> bool {
        match &self.state {
            State::Unread => self.body.is_empty(),
            State::Whole { bytes, .. } => bytes.is_empty(),
            State::Partial { .. } | State::Taken | State::Failed(_) => false,
        }
    }

    fn append(&mut self, chunk: Bytes) {
        match &mut self.state {
            State::Partial { first, all } => {
                if all.is_empty() {
                    all.extend_from_slice(first);
                }
                all.extend_from_slice(&chunk);
            }
            state => {
                *state = State::Partial {
                    first: chunk,
                    all: BytesMut::new(),
                }
            }
        }
    }

    fn take_partial(&mut self) -> Bytes {
        match std::mem::take(&mut self.state) {
            State::Partial { first, all } if all.is_empty() => first,
            State::Partial { all, .. } => all.freeze(),
            _ => Bytes::new(),
        }
    }

    fn keep(&mut self, bytes: Bytes) -> Bytes {
        let trailers = self.body.trailers().map(|trailers| Box::new(trailers.clone()));
        self.state = State::Whole {
            bytes: bytes.clone(),
            trailers,
        };
        bytes
    }

    fn stream(&mut self) -> Body {
        match std::mem::replace(&mut self.state, State::Taken) {
            State::Unread => std::mem::take(&mut self.body),
            State::Whole { bytes, trailers } => {
                let body = Body::from(bytes.clone());
                let body = match &trailers {
                    Some(trailers) => body.with_trailers((**trailers).clone()),
                    None => body,
                };
                // What is kept can be read again.
                self.state = State::Whole { bytes, trailers };
                body
            }
            State::Partial { .. } | State::Taken => failing(BodyErrorKind::Taken),
            State::Failed(kind) => {
                self.state = State::Failed(kind);
                failing(kind)
            }
        }
    }
}

fn failing(kind: BodyErrorKind) -> Body {
    struct Failing(Option<BodyError>);

    impl futures_core::Stream for Failing {
        type Item = Result<Bytes, BodyError>;

        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            std::task::Poll::Ready(self.0.take().map(Err))
        }
    }

    Body::stream(Failing(Some(BodyError::new(kind))))
}

impl Context {
    /// All of the request's body. It is kept, so that it can be read again.
    ///
    /// # Errors
    ///
    /// The body is over the limit (413), malformed or cut short (400), too slow (408), or was taken as a stream
    /// before (500).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped; the next call goes on where it stopped.
    pub async fn bytes(&self) -> Result<Bytes, Rejection> {
        Ok(self.inner().body.lock().await.bytes().await?)
    }

    /// All of the request's body as text. It is kept, so that it can be read again.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes), and 400 if it is not UTF-8.
    pub async fn text(&self) -> Result<String, Rejection> {
        let bytes = self.bytes().await?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => {
                let message = format!("request body is not utf-8: byte {} is invalid", error.valid_up_to());
                let rejection = Rejection::new(http::StatusCode::BAD_REQUEST, message);
                Err(rejection.with_kind(RejectionKind::Malformed).with_source(error))
            }
        }
    }

    /// All of the request's body as a value, read from JSON: the same as [`Json<T>`](crate::Json).
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes); 415 if the content type is neither `application/json` nor one with `+json`, 400 if
    /// it is no JSON, and 422 if it is JSON of another shape than `T`.
    #[cfg(feature = "json")]
    pub async fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Rejection> {
        MediaType::Json.check(self)?;
        extract::json_from_slice(&self.bytes().await?)
    }

    /// All of the request's body as a value, read from a form: the same as [`Form<T>`](crate::Form).
    ///
    /// # Errors
    ///
    /// As [`text`](Self::text); 415 if the content type is not `application/x-www-form-urlencoded`, and 422 if it does
    /// not fit `T`.
    pub async fn form<T: serde::de::DeserializeOwned>(&self) -> Result<T, Rejection> {
        MediaType::Form.check(self)?;
        extract::form_from_str(&self.text().await?)
    }

    /// Whether it is known, without waiting, that the request has no body.
    pub(crate) fn has_no_body(&self) -> bool {
        self.inner().body.try_lock().is_ok_and(|body| body.is_empty())
    }

    /// Puts something around the body, where there is one and nobody has begun to read it.
    pub(crate) fn wrap_body(&self, wrap: impl FnOnce(Body) -> Body) {
        if let Ok(mut body) = self.inner().body.try_lock()
            && matches!(body.state, State::Unread)
            && !body.body.is_empty()
        {
            body.body = wrap(std::mem::take(&mut body.body));
        }
    }

    /// The request's body as it arrives. It can be taken once; afterwards [`bytes`](Self::bytes) and the like fail,
    /// and a second stream ends with an error at once. A body that was read whole before can be taken any number of
    /// times.
    ///
    /// Who does not read holds the client back.
    pub fn body_stream(&self) -> Body {
        match self.inner().body.try_lock() {
            Ok(mut body) => body.stream(),
            // Somebody is reading it at this moment.
            Err(_) => failing(BodyErrorKind::Taken),
        }
    }

    /// The trailer fields that the client sent behind the body (RFC 9110 §6.5), once it was read whole here. Those
    /// of a [`body_stream`](Self::body_stream) are in [`Body::trailers`].
    pub fn trailers(&self) -> Option<HeaderMap> {
        match &self.inner().body.try_lock().ok()?.state {
            State::Whole { trailers, .. } => trailers.as_deref().cloned(),
            _ => None,
        }
    }
}
