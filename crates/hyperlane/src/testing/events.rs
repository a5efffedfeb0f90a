//! The events of a response, as they arrive.

use std::panic::Location;
use std::time::Duration;

use super::event_stream::{Event, Parser, StreamItem};
use super::{TestError, TestResponse};

/// The events of a response. Dropping it closes the connection, as a page does that is left.
///
/// ```
/// use hyperlane::testing::TestClient;
/// use hyperlane::*;
///
/// async fn ticks(ctx: Context) -> Result<(), SendError> {
///     ctx.set_response_header("content-type", "text/event-stream");
///     for n in 1..=2 {
///         ctx.send_piece(format!("event: tick\nid: {n}\ndata: {n} of 2\n\n")).await?;
///     }
///     ctx.closed().await
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let server = Server::new();
/// server.get("/ticks", ticks);
///
/// let mut events = TestClient::new(server).get("/ticks").await.events();
/// let first = events.next().await.expect("two are sent");
/// assert_eq!((first.name.as_str(), first.data.as_str()), ("tick", "1 of 2"));
/// assert_eq!(events.next().await.expect("two are sent").id, "2");
/// assert!(events.next().await.is_none());
/// # }
/// ```
#[derive(Debug)]
pub struct Events {
    response: TestResponse,
    parser: Parser,
    last_event_id: String,
    retry: Option<Duration>,
}

impl Events {
    pub(super) fn new(response: TestResponse) -> Self {
        Self {
            response,
            parser: Parser::default(),
            last_event_id: String::new(),
            retry: None,
        }
    }

    /// The next event; `None` at the end of the stream. Comments are passed over.
    ///
    /// # Panics
    ///
    /// The stream breaks off.
    ///
    /// # Cancel safety
    ///
    /// No event is lost when the future is dropped.
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "it is asynchronous, which iterators are not"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<Event>> + Send {
        let at = Location::caller();
        async move {
            loop {
                match self.try_next_item().await {
                    Ok(Some(StreamItem::Event(event))) => return Some(event),
                    Ok(Some(_)) => {}
                    Ok(None) => return None,
                    Err(error) => panic!("{error}, for the event that is waited for at {at}"),
                }
            }
        }
    }

    /// The next event, comment, or time to wait; `None` at the end of the stream.
    ///
    /// # Panics
    ///
    /// The stream breaks off.
    ///
    /// # Cancel safety
    ///
    /// As [`next`](Self::next).
    #[track_caller]
    pub fn next_item(&mut self) -> impl Future<Output = Option<StreamItem>> + Send {
        let at = Location::caller();
        async move {
            match self.try_next_item().await {
                Ok(item) => item,
                Err(error) => panic!("{error}, for the item that is waited for at {at}"),
            }
        }
    }

    /// The next event, comment, or time to wait; `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// The stream broke off.
    ///
    /// # Cancel safety
    ///
    /// As [`next`](Self::next).
    pub async fn try_next_item(&mut self) -> Result<Option<StreamItem>, TestError> {
        loop {
            if let Some(item) = self.parser.next() {
                match &item {
                    StreamItem::Event(event) => event.id.clone_into(&mut self.last_event_id),
                    StreamItem::Id(id) => id.clone_into(&mut self.last_event_id),
                    StreamItem::Retry(time) => self.retry = Some(*time),
                    StreamItem::Comment(_) => {}
                }
                return Ok(Some(item));
            }
            match self.response.try_chunk().await? {
                Some(chunk) => self.parser.feed(&chunk),
                None => return Ok(None),
            }
        }
    }

    /// The last id that was read, with an event or alone: what a client that comes back sends as `Last-Event-ID`.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The last time to wait that was read.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// The response whose body this is.
    pub fn response(&self) -> &TestResponse {
        &self.response
    }
}
