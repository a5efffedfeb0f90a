//! Sessions in Redis, or a server that speaks like it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use ::redis::aio::ConnectionManager;
use ::redis::{Client, cmd};
use hyperlane_core::BoxError;

use super::{SessionKey, SessionRecord, SessionStore};

/// Keeps sessions in Redis, by the crate `redis`: they outlive the process, and all servers can share them. Redis itself
/// forgets those that are over.
///
/// One connection serves all requests, and is made anew where it breaks. Clones are the same store.
///
/// ```no_run
/// use hyperlane::middleware::{RedisStore, Sessions};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let sessions = Sessions::new(RedisStore::connect("redis://127.0.0.1/").await?.prefix("shop:session:"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    connection: ConnectionManager,
    prefix: Cow<'static, str>,
}

impl RedisStore {
    /// Connects to `redis://[user:password@]host[:port][/database]`.
    ///
    /// # Errors
    ///
    /// The URL is malformed, or nobody answers there.
    pub async fn connect(url: &str) -> Result<Self, BoxError> {
        let connection = Client::open(url)?.get_connection_manager().await?;
        Ok(Self::with_connection(connection))
    }

    /// Uses a connection that the program has already.
    pub fn with_connection(connection: ConnectionManager) -> Self {
        Self {
            connection,
            prefix: Cow::Borrowed("session:"),
        }
    }

    /// What the keys in Redis begin with. Default: `session:`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<Cow<'static, str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    fn name(&self, key: &SessionKey) -> String {
        format!("{}{}", self.prefix, key.as_str())
    }

    /// `SET` where `condition` holds: `NX` for keys that are not there, `XX` for those that are.
    async fn set(
        &self,
        key: &SessionKey,
        record: &SessionRecord,
        lifetime: Duration,
        condition: &str,
    ) -> Result<bool, BoxError> {
        let done: Option<String> = cmd("SET")
            .arg(self.name(key))
            .arg(serde_json::to_string(record)?)
            .arg(condition)
            .arg("EX")
            .arg(lifetime.as_secs().max(1))
            .query_async(&mut self.connection.clone())
            .await?;
        Ok(done.is_some())
    }
}

impl SessionStore for RedisStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionRecord>, BoxError> {
        let json: Option<String> = cmd("GET")
            .arg(self.name(key))
            .query_async(&mut self.connection.clone())
            .await?;
        Ok(match json {
            Some(json) => Some(serde_json::from_str(&json)?),
            None => None,
        })
    }

    async fn create(&self, key: &SessionKey, record: &SessionRecord, lifetime: Duration) -> Result<(), BoxError> {
        match self.set(key, record, lifetime, "NX").await? {
            true => Ok(()),
            false => Err("a session of this key is there already".into()),
        }
    }

    async fn update(&self, key: &SessionKey, record: &SessionRecord, lifetime: Duration) -> Result<bool, BoxError> {
        self.set(key, record, lifetime, "XX").await
    }

    async fn delete(&self, key: &SessionKey) -> Result<bool, BoxError> {
        let deleted: u64 = cmd("DEL")
            .arg(self.name(key))
            .query_async(&mut self.connection.clone())
            .await?;
        Ok(deleted > 0)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
