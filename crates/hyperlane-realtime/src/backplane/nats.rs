//! One hub over many servers, by a stream of NATS JetStream.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{DeliverPolicy, push};
use async_nats::jetstream::stream;
use async_nats::{ConnectOptions, Event, jetstream};
use futures_util::StreamExt;
use tokio::sync::Notify;

use super::{Backplane, BackplaneError, Link, Position, Session};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How soon a connection that is gone without a word is noticed, twice over.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const BATCH: usize = 256;
const MAX_ENTRIES: i64 = 10_000;

/// A [`Backplane`] by a stream of JetStream (NATS 2.9 or later, with `-js`).
///
/// Entries are published to the subject `NAME.log` and kept by the stream `NAME`, which is made if there is none, on
/// disk. Each node reads it in order from where it was: no message that is still in the stream is missed.
///
/// ```no_run
/// use hyperlane_realtime::Hub;
/// use hyperlane_realtime::backplane::Nats;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let hub = Hub::builder().backplane(Nats::new("nats://127.0.0.1", "chat"));
/// hub.online().await;
/// # }
/// ```
pub struct Nats {
    address: String,
    stream: String,
    max_entries: i64,
}

impl Nats {
    /// The stream of this name at this address (`nats://…`, or several with commas). Nothing is connected yet.
    pub fn new(address: impl Into<String>, stream: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            stream: stream.into(),
            max_entries: MAX_ENTRIES,
        }
    }

    /// How many entries the stream keeps, if it is made now. A node that was away for longer than these reach has missed
    /// some, and its members are told so. Default: 10,000.
    #[must_use]
    pub fn max_entries(mut self, entries: u32) -> Self {
        self.max_entries = i64::from(entries.max(1));
        self
    }

    async fn run(&self, link: &Link) -> Result<(), BackplaneError> {
        let lost = Arc::new(Notify::new());
        let heard = Arc::clone(&lost);
        let client = ConnectOptions::new()
            .connection_timeout(CONNECT_TIMEOUT)
            .request_timeout(Some(REQUEST_TIMEOUT))
            .ping_interval(PING_INTERVAL)
            .event_callback(move |event| {
                let heard = Arc::clone(&heard);
                async move {
                    if matches!(event, Event::Disconnected | Event::Closed | Event::SlowConsumer(_)) {
                        heard.notify_one();
                    }
                }
            })
            .connect(&self.address)
            .await?;
        let context = jetstream::new(client.clone());
        let subject = format!("{}.log", self.stream);
        let config = stream::Config {
            name: self.stream.clone(),
            subjects: vec![subject.clone()],
            max_messages: self.max_entries,
            ..stream::Config::default()
        };
        let stream = context.get_or_create_stream(config).await?;
        let info = stream.cached_info();
        // A stream that was made anew begins to count anew.
        let log = u64::try_from(info.created.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
        let (first, last) = (info.state.first_sequence.max(1), info.state.last_sequence);
        let mut next = match link.resume() {
            Some(cursor) if cursor.log() == log => (cursor.number() + 1).max(first),
            Some(_) => first,
            None => first.max((last + 1).saturating_sub(link.backlog() as u64)),
        };
        link.begin(Position::new(log, next - 1));
        let config = push::OrderedConfig {
            deliver_subject: client.new_inbox(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: next },
            ..push::OrderedConfig::default()
        };
        let mut messages = stream.create_consumer(config).await?.messages().await?;
        let mut is_caught_up = false;
        let reading = async {
            loop {
                if !is_caught_up && next > last {
                    is_caught_up = true;
                    link.caught_up();
                }
                let Some(message) = messages.next().await else {
                    return Err("stream has ended".into());
                };
                let message = message?;
                let number = message.info().map_err(|error| error.to_string())?.stream_sequence;
                if number > next {
                    // What was between was dropped before this node could read it.
                    link.begin(Position::new(log, number - 1));
                }
                link.deliver(Position::new(log, number), &message.payload);
                next = number + 1;
            }
        };
        let writing = async {
            loop {
                let mut acknowledged = Vec::new();
                for entry in link.outgoing(BATCH).await {
                    acknowledged.push(context.publish(subject.clone(), entry).await?);
                }
                for entry in acknowledged {
                    entry.await?;
                }
            }
        };
        tokio::select! {
            ended = reading => ended,
            ended = writing => ended,
            () = lost.notified() => Err("connection to nats is lost".into()),
        }
    }
}

impl Backplane for Nats {
    fn session<'a>(&'a self, link: &'a Link) -> Session<'a> {
        Box::pin(self.run(link))
    }
}

/// Without the address, which may hold a password.
impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nats")
            .field("stream", &self.stream)
            .field("max_entries", &self.max_entries)
            .finish_non_exhaustive()
    }
}
