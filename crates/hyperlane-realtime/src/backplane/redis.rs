//! One hub over many servers, by a stream in Redis.

use std::fmt;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::{StreamId, StreamRangeReply, StreamReadReply};
use redis::{AsyncCommands, AsyncConnectionConfig, Client, cmd, pipe};

use super::{Backplane, BackplaneError, Link, Position, Session};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a read waits for something new; a connection that is gone without a word is noticed after this and
/// [`RESPONSE_TIMEOUT`].
const BLOCK: Duration = Duration::from_secs(2);
/// The most entries that are read, or appended, at once.
const BATCH: usize = 256;
const MAX_ENTRIES: usize = 10_000;
/// The field of an entry. Every entry bears it, so it is short.
const FIELD: &str = "e";

/// A [`Backplane`] by a stream in Redis (5.0 or later): one key, so that it may be a cluster.
///
/// Entries are appended with `XADD` and read by one `XREAD` of each node, which goes on where it was: no message that is
/// still in the stream is missed, however long a node was away. Whether the stream outlives Redis itself is said by the
/// persistence of Redis (`appendonly`); where it does not, members are told that they missed something.
///
/// ```no_run
/// use hyperlane_realtime::Hub;
/// use hyperlane_realtime::backplane::Redis;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let hub = Hub::builder().backplane(Redis::new("redis://127.0.0.1/", "chat")?);
/// hub.online().await;
/// # Ok(()) }
/// ```
pub struct Redis {
    client: Client,
    key: String,
    max_entries: usize,
}

impl Redis {
    /// The stream of this key in the database of this address (`redis://…`). Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// The address is none.
    pub fn new(address: &str, key: impl Into<String>) -> Result<Self, BackplaneError> {
        Ok(Self {
            client: Client::open(address)?,
            key: key.into(),
            max_entries: MAX_ENTRIES,
        })
    }

    /// How many entries the stream keeps, about. A node that was away for longer than these reach has missed some, and
    /// its members are told so. Default: 10,000.
    #[must_use]
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries.max(1);
        self
    }

    async fn connect(&self, timeout: Duration) -> Result<MultiplexedConnection, BackplaneError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(timeout));
        Ok(self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?)
    }

    async fn run(&self, link: &Link) -> Result<(), BackplaneError> {
        // A read that waits holds up whatever is behind it on its connection.
        let mut reader = self.connect(BLOCK + RESPONSE_TIMEOUT).await?;
        let mut writer = self.connect(RESPONSE_TIMEOUT).await?;
        let mut cursor = self.catch_up(&mut reader, link).await?;
        link.caught_up();
        let reading = async {
            loop {
                let reply: Option<StreamReadReply> = cmd("XREAD")
                    .arg("COUNT")
                    .arg(BATCH)
                    .arg("BLOCK")
                    .arg(u64::try_from(BLOCK.as_millis()).unwrap_or(u64::MAX))
                    .arg("STREAMS")
                    .arg(&self.key)
                    .arg(id_of(cursor))
                    .query_async(&mut reader)
                    .await?;
                let entries = reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids);
                let entries: Vec<_> = entries.collect();
                self.begin_if_lagging(&mut reader, link, cursor, &entries).await?;
                for entry in &entries {
                    cursor = deliver(link, entry)?;
                }
            }
        };
        let writing = async {
            loop {
                let mut commands = pipe();
                // All or none: a later one of this node in the log says that the earlier ones are there.
                commands.atomic();
                for entry in link.outgoing(BATCH).await {
                    let command = commands.cmd("XADD").arg(&self.key).arg("MAXLEN").arg("~");
                    command.arg(self.max_entries).arg("*").arg(FIELD).arg(&*entry).ignore();
                }
                commands.exec_async(&mut writer).await?;
            }
        };
        tokio::select! {
            ended = reading => ended,
            ended = writing => ended,
        }
    }

    /// Delivers what is there, and returns the place of the last entry.
    async fn catch_up(&self, reader: &mut MultiplexedConnection, link: &Link) -> Result<Position, BackplaneError> {
        let mut cursor = match link.resume() {
            Some(cursor) => {
                let begin = self.begin(reader, cursor).await?;
                link.begin(begin);
                begin
            }
            None => {
                let backlog = link.backlog();
                let last: StreamRangeReply = reader.xrevrange_count(&self.key, "+", "-", backlog).await?;
                let first = last.ids.last().map(|entry| position_of(&entry.id)).transpose()?;
                let begin = match first {
                    Some(first) if last.ids.len() >= backlog => first.before(),
                    // All of it.
                    _ => Position::START,
                };
                link.begin(begin);
                let mut cursor = begin;
                for entry in last.ids.iter().rev() {
                    cursor = deliver(link, entry)?;
                }
                cursor
            }
        };
        loop {
            let from = id_of(cursor.next());
            let entries: StreamRangeReply = reader.xrange_count(&self.key, from, "+", BATCH).await?;
            if entries.ids.is_empty() {
                return Ok(cursor);
            }
            self.begin_if_lagging(reader, link, cursor, &entries.ids).await?;
            for entry in &entries.ids {
                cursor = deliver(link, entry)?;
            }
        }
    }

    /// Entries behind the cursor may have been dropped before they were read. Then the stream is full of later ones, so
    /// that only who got many has to look.
    async fn begin_if_lagging(
        &self,
        reader: &mut MultiplexedConnection,
        link: &Link,
        cursor: Position,
        entries: &[StreamId],
    ) -> Result<(), BackplaneError> {
        let Some(first) = entries.first().filter(|_| entries.len() >= BATCH.min(self.max_entries)) else {
            return Ok(());
        };
        if self.begin(reader, cursor).await? > cursor {
            link.begin(position_of(&first.id)?.before());
        }
        Ok(())
    }

    /// Where a node that was there goes on: there, unless the stream does not reach back so far. The entry of that place
    /// still stands in it then.
    async fn begin(&self, reader: &mut MultiplexedConnection, cursor: Position) -> Result<Position, BackplaneError> {
        if cursor == Position::START {
            return Ok(cursor);
        }
        let id = id_of(cursor);
        let there: StreamRangeReply = reader.xrange_count(&self.key, &id, &id, 1).await?;
        if !there.ids.is_empty() {
            return Ok(cursor);
        }
        let first: StreamRangeReply = reader.xrange_count(&self.key, "-", "+", 1).await?;
        let first = first.ids.first().map(|entry| position_of(&entry.id)).transpose()?;
        Ok(first.map_or(cursor, Position::before).max(cursor.next()))
    }
}

impl Backplane for Redis {
    fn session<'a>(&'a self, link: &'a Link) -> Session<'a> {
        Box::pin(self.run(link))
    }
}

/// Without the address, which may hold a password.
impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("key", &self.key)
            .field("max_entries", &self.max_entries)
            .finish_non_exhaustive()
    }
}

fn deliver(link: &Link, entry: &StreamId) -> Result<Position, BackplaneError> {
    let position = position_of(&entry.id)?;
    // What somebody else has written there is passed over.
    let bytes: Vec<u8> = entry.get(FIELD).unwrap_or_default();
    link.deliver(position, &bytes);
    Ok(position)
}

fn id_of(position: Position) -> String {
    format!("{}-{}", position.log(), position.number())
}

fn position_of(id: &str) -> Result<Position, BackplaneError> {
    let pair = id
        .split_once('-')
        .and_then(|(log, number)| Some((log.parse().ok()?, number.parse().ok()?)));
    let (log, number) = pair.ok_or_else(|| format!("`{id}` is no id of an entry in a stream"))?;
    Ok(Position::new(log, number))
}
