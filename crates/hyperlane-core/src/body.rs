//! Bodies: empty, at hand, or arriving piece by piece.
//!
//! One type serves requests and responses. It is an [`http_body::Body`] and a [`Stream`], so whatever the ecosystem
//! can read or produce fits.
//!
//! ```
//! use hyperlane_core::Body;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let mut body = Body::from("some text");
//! assert_eq!(body.chunk().await.unwrap().unwrap(), "some text");
//! assert!(body.chunk().await.is_none());
//! # }
//! ```

mod channel;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{BodyError, BodyErrorKind, BoxError};

use channel::Receiver;
pub use channel::{BodySender, Demand};

/// The most bytes that are set aside for a body before they have arrived, whatever length it announced.
const MAX_PREALLOCATION: usize = 64 * 1024;

/// The body of a request or a response.
///
/// A request's body arrives as it is read: who does not read holds the client back (back-pressure), within the
/// server's limits and time-outs.
pub struct Body {
    kind: Kind,
    trailers: Option<Box<HeaderMap>>,
}

enum Kind {
    Empty,
    Full(Bytes),
    Incoming(Receiver),
    Stream(Pin<Box<dyn Paced>>),
}

/// A body whose producer may run ahead of its reader, as far as the reader has room: see [`Body::paced`].
pub trait Paced: http_body::Body<Data = Bytes, Error = BodyError> + Send {
    /// Says that the reader has room for about so many bytes. Until it says so again, the producer may make them without
    /// waiting for each piece to be taken. Default: it does not run ahead.
    fn grant(self: Pin<&mut Self>, bytes: usize) {
        let _ = bytes;
    }
}

impl Body {
    /// A body without bytes.
    pub const fn empty() -> Self {
        Self {
            kind: Kind::Empty,
            trailers: None,
        }
    }

    /// A body of the items of a stream, sent one by one as they come.
    ///
    /// An error ends the response where it stands: the client sees that it is incomplete.
    pub fn stream<S, B, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<B, E>> + Send + 'static,
        B: Into<Bytes>,
        E: Into<BoxError>,
    {
        Self::wrap(StreamBody { stream })
    }

    /// Any body of the ecosystem.
    pub fn wrap<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::paced(Wrapped { body })
    }

    /// A body whose producer may run ahead of its reader, within what that [grants](Self::grant). For frameworks.
    pub fn paced(body: impl Paced + 'static) -> Self {
        Self {
            kind: Kind::Stream(Box::pin(body)),
            trailers: None,
        }
    }

    /// Tells the producer of a [`paced`](Self::paced) body how many bytes the reader has room for, so that it makes
    /// several small pieces at one go. It holds until it is said again. For engines; nothing else need call it.
    #[inline]
    pub fn grant(&mut self, bytes: usize) {
        if let Kind::Stream(body) = &mut self.kind {
            body.as_mut().grant(bytes);
        }
    }

    /// A request body in the making: what is pushed into the sender comes out of the body. For engines.
    ///
    /// `length` is the announced length in bytes, if one was.
    pub fn channel(length: Option<u64>) -> (BodySender, Self) {
        let (sender, receiver) = channel::channel(length);
        (
            sender,
            Self {
                kind: Kind::Incoming(receiver),
                trailers: None,
            },
        )
    }

    /// Adds trailer fields (RFC 9110 §6.5) to be sent behind the body, where the client accepts them.
    #[must_use]
    pub fn with_trailers(mut self, trailers: HeaderMap) -> Self {
        self.trailers = (!trailers.is_empty()).then(|| Box::new(trailers));
        self
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// The body is over its limit, malformed, late or cut short; nothing more will come.
    ///
    /// # Cancel safety
    ///
    /// A piece is never lost when the future is dropped.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, BodyError>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// All of the body.
    ///
    /// # Errors
    ///
    /// As [`chunk`](Self::chunk); nothing of an incomplete body is returned.
    pub async fn bytes(&mut self) -> Result<Bytes, BodyError> {
        if let Kind::Full(bytes) = &mut self.kind {
            let bytes = std::mem::take(bytes);
            self.kind = Kind::Empty;
            return Ok(bytes);
        }
        let Some(first) = self.chunk().await else {
            return Ok(Bytes::new());
        };
        let first = first?;
        let Some(second) = self.chunk().await else {
            return Ok(first);
        };
        let expected = usize::try_from(http_body::Body::size_hint(self).lower()).unwrap_or(usize::MAX);
        let mut all = BytesMut::with_capacity(expected.min(MAX_PREALLOCATION) + first.len());
        all.extend_from_slice(&first);
        all.extend_from_slice(&second?);
        while let Some(chunk) = self.chunk().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all.freeze())
    }

    /// The trailer fields, once the body's end was read: those that a client sent behind a chunked body
    /// (RFC 9112 §7.1.2), or those set for a response.
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_deref()
    }

    /// Whether it is known that there are no bytes (and no trailers).
    pub fn is_empty(&self) -> bool {
        self.trailers.is_none()
            && match &self.kind {
                Kind::Empty => true,
                Kind::Full(bytes) => bytes.is_empty(),
                Kind::Incoming(_) | Kind::Stream(_) => false,
            }
    }

    /// The bytes, where all of them are at hand and no trailers follow; the body is empty afterwards.
    pub fn take_full(&mut self) -> Option<Bytes> {
        if self.trailers.is_some() {
            return None;
        }
        match &mut self.kind {
            Kind::Empty => Some(Bytes::new()),
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.kind = Kind::Empty;
                Some(bytes)
            }
            Kind::Incoming(_) | Kind::Stream(_) => None,
        }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            match ready!(self.poll_data_or_trailers(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => return Poll::Ready(Some(Ok(data))),
                    Err(frame) => {
                        // Trailers end a body; they are kept for who asks.
                        self.trailers = frame.into_trailers().ok().map(Box::new);
                        self.kind = Kind::Empty;
                        return Poll::Ready(None);
                    }
                },
            }
        }
    }

    fn poll_data_or_trailers(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.kind = Kind::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Kind::Incoming(receiver) => receiver.poll_frame(cx),
            Kind::Stream(body) => body.as_mut().poll_frame(cx),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = self.poll_data_or_trailers(cx);
        if let Poll::Ready(None) = polled {
            self.kind = Kind::Empty;
            return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(*trailers))));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Incoming(receiver) => receiver.size_hint(),
            Kind::Stream(body) => body.size_hint(),
        }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_chunk(cx)
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Empty => f.write_str("Body::Empty"),
            Kind::Full(bytes) => write!(f, "Body::Full({} bytes)", bytes.len()),
            Kind::Incoming(_) => f.write_str("Body::Incoming"),
            Kind::Stream(_) => f.write_str("Body::Stream"),
        }
    }
}

macro_rules! from_bytes {
    ($($source:ty),*) => {$(
        impl From<$source> for Body {
            fn from(source: $source) -> Self {
                Self { kind: Kind::Full(Bytes::from(source)), trailers: None }
            }
        }
    )*};
}

from_bytes!(Bytes, BytesMut, Vec<u8>, String, &'static str, &'static [u8], Box<[u8]>);

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

pin_project! {
    /// A stream's items as data frames.
    struct StreamBody<S> {
        #[pin]
        stream: S,
    }
}

impl<S, B, E> http_body::Body for StreamBody<S>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
{
    type Data = Bytes;
    type Error = E;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let item = ready!(self.project().stream.poll_next(cx));
        Poll::Ready(item.map(|item| item.map(|data| Frame::data(data.into()))))
    }
}

pin_project! {
    /// A foreign body with its errors made ours.
    struct Wrapped<B> {
        #[pin]
        body: B,
    }
}

impl<B> http_body::Body for Wrapped<B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(self.project().body.poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map_err(into_body_error)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Paced for Wrapped<B>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Into<BoxError>,
{
}

/// A request body handed on as a response body keeps its own error.
fn into_body_error(error: impl Into<BoxError>) -> BodyError {
    match error.into().downcast::<BodyError>() {
        Ok(error) => *error,
        Err(error) => BodyError::with_source(BodyErrorKind::Producer, error),
    }
}
