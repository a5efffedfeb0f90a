//! The response: a stream of events, kept alive, that ends with its client or its server.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::header::CACHE_CONTROL;
use http::{HeaderName, HeaderValue};
use hyperlane_core::{Body, BoxError, ConnectionSlot, Draining, IntoResponse, Response};
use tokio::time::{Instant, Sleep, sleep};

use super::channel::{EventSender, channel};
use super::event::Event;

/// Proxies give up a quiet connection after 30 to 60 seconds, most of them.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A comment without text, and no empty line behind it: it dispatches nothing, and comes between events only.
const ALIVE: Bytes = Bytes::from_static(b":\n");

static EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");

/// A `text/event-stream` as a response: `200`, with `Cache-Control: no-store`, and `X-Accel-Buffering: no` so that nginx
/// passes events on at once.
///
/// An error of the stream, or an event that can't go on the wire, breaks the response off and is logged; a browser then
/// comes back. The stream is dropped when the client leaves, and when the server begins to shut down: the response ends
/// with the last event that was sent.
///
/// A browser reconnects to a stream that ends, too. Who wants it to stay away sends an event that tells the page to close
/// its `EventSource`, or answers its next request with `204` ([`NoContent`](crate::NoContent)).
///
/// ```
/// use hyperlane::sse::{Event, Sse};
/// use hyperlane::*;
/// use std::time::Duration;
///
/// async fn ticks() -> Sse {
///     let (sender, events) = Sse::channel(8);
///     tokio::spawn(async move {
///         let mut number = 0_u64;
///         // It fails once the page is left.
///         while sender.send(Event::new(number.to_string()).with_name("tick")).await.is_ok() {
///             number += 1;
///             tokio::time::sleep(Duration::from_secs(1)).await;
///         }
///     });
///     events.retry(Duration::from_secs(2))
/// }
/// # Server::new().get("/ticks", ticks);
/// ```
pub struct Sse {
    events: Events,
    keep_alive: Option<Duration>,
    retry: Option<Duration>,
}

impl Sse {
    /// The events of a stream.
    pub fn new<S, E>(events: S) -> Self
    where
        S: Stream<Item = Result<Event, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        Self {
            events: Box::pin(BoxedErrors(Box::pin(events))),
            keep_alive: Some(KEEP_ALIVE),
            retry: None,
        }
    }

    /// Events that are at hand, or can be computed without waiting.
    pub fn from_events<I, E>(events: I) -> Self
    where
        I: IntoIterator<Item = Result<Event, E>>,
        I::IntoIter: Send + 'static,
        E: Into<BoxError> + 'static,
    {
        Self::new(Iterated(Box::new(events.into_iter())))
    }

    /// The events that are sent through a channel of so many places, at least one. A few suffice: they even out the
    /// paces of sender and client.
    pub fn channel(capacity: usize) -> (EventSender, Self) {
        let (sender, receiving) = channel(capacity);
        (sender, Self::new(receiving))
    }

    /// How long it is quiet at most: then a comment is sent, so that proxies keep the connection and a client that is
    /// gone without a word is noticed. Default: 15 seconds.
    #[must_use]
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.keep_alive = Some(interval);
        self
    }

    /// Sends no comments. A client that is gone is then noticed with the next event only.
    #[must_use]
    pub fn without_keep_alive(mut self) -> Self {
        self.keep_alive = None;
        self
    }

    /// How long a browser shall wait before it reconnects; it is sent first. Default: the browser's own, a few seconds.
    #[must_use]
    pub fn retry(mut self, time: Duration) -> Self {
        self.retry = Some(time);
        self
    }
}

impl IntoResponse for Sse {
    fn into_response(self) -> Response {
        let slot = ConnectionSlot::default();
        let body = Body::stream(Sending {
            events: Some(self.events),
            first: self.retry.map(Event::retry),
            alive: self.keep_alive.map(KeepAlive::new),
            slot: slot.clone(),
            draining: None,
            broken: None,
        });
        let mut response = Response::typed(&EVENT_STREAM, body);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        );
        response.extensions_mut().insert(slot);
        response
    }
}

#[cfg(feature = "openapi")]
impl crate::openapi::DescribeResponse for Sse {
    fn describe_response(responses: crate::openapi::Responses) -> crate::openapi::Responses {
        responses.add(200, |response| {
            response
                .description("events, as they come")
                .body_of::<String>("text/event-stream")
        })
    }
}

impl fmt::Debug for Sse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sse")
            .field("keep_alive", &self.keep_alive)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

type Events = Pin<Box<dyn Stream<Item = Result<Event, BoxError>> + Send>>;

/// The body. Each of its pieces is a whole event.
struct Sending {
    /// `None` once it has ended: what it held is dropped then, and not with the response.
    events: Option<Events>,
    first: Option<Event>,
    alive: Option<KeepAlive>,
    slot: ConnectionSlot,
    draining: Option<Draining>,
    /// Why the stream broke off. It is told one poll later, so that what came before is sent first.
    broken: Option<BoxError>,
}

impl Sending {
    fn is_draining(&mut self, cx: &mut Context<'_>) -> bool {
        if self.draining.is_none() {
            self.draining = self.slot.connection().and_then(|connection| connection.draining());
        }
        let draining = self.draining.as_mut();
        draining.is_some_and(|draining| Pin::new(draining).poll(cx).is_ready())
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        let Some(events) = &mut self.events else {
            return Poll::Ready(None);
        };
        if self.first.is_none() {
            match events.as_mut().poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(event))) => self.first = Some(event),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return Poll::Ready(None),
            }
        }
        let wire = self.first.take().map(|event| event.wire().map_err(Into::into));
        Poll::Ready(wire)
    }
}

impl Stream for Sending {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        if this.events.is_some() && this.is_draining(cx) {
            this.events = None;
            return Poll::Ready(None);
        }
        match this.poll_event(cx) {
            Poll::Pending => match &mut this.alive {
                Some(alive) => alive.poll(cx).map(|()| Some(Ok(ALIVE))),
                None => Poll::Pending,
            },
            Poll::Ready(Some(Ok(wire))) => {
                if let Some(alive) = &mut this.alive {
                    alive.reset();
                }
                Poll::Ready(Some(Ok(wire)))
            }
            Poll::Ready(Some(Err(error))) => {
                tracing::error!(%error, "event stream broke off");
                this.events = None;
                this.broken = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(None) => {
                this.events = None;
                Poll::Ready(None)
            }
        }
    }
}

/// The clock of the comments.
struct KeepAlive {
    interval: Duration,
    /// Begun with the first wait.
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether something was sent since the timer was set.
    stale: bool,
}

impl KeepAlive {
    fn new(interval: Duration) -> Self {
        Self {
            // An interval of nothing would send comments without end.
            interval: interval.max(Duration::from_millis(1)),
            timer: None,
            stale: false,
        }
    }

    fn reset(&mut self) {
        self.stale = true;
    }

    /// Ready when it was quiet for the interval.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.interval)));
        if std::mem::take(&mut self.stale) {
            rearm(timer, self.interval);
        }
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        rearm(timer, self.interval);
        Poll::Ready(())
    }
}

fn rearm(timer: &mut Pin<Box<Sleep>>, interval: Duration) {
    // An interval that the clock can't hold is as good as a year.
    let end = Instant::now()
        .checked_add(interval)
        .unwrap_or_else(|| Instant::now() + Duration::from_secs(365 * 24 * 3600));
    timer.as_mut().reset(end);
}

struct BoxedErrors<S>(Pin<Box<S>>);

impl<S, E> Stream for BoxedErrors<S>
where
    S: Stream<Item = Result<Event, E>>,
    E: Into<BoxError>,
{
    type Item = Result<Event, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.0.as_mut().poll_next(cx);
        polled.map(|item| item.map(|event| event.map_err(Into::into)))
    }
}

/// Boxed, so that it may be moved whatever the iterator is.
struct Iterated<I>(Box<I>);

impl<I: Iterator> Stream for Iterated<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.0.next())
    }
}
