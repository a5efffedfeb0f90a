//! Sessions in a SQLite database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use hyperlane_core::BoxError;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};

use super::{SessionKey, SessionRecord, SessionStore};

/// How often, at most, sessions that are over are cleared away, in seconds.
const CLEAR_EVERY: u64 = 60;

/// Keeps sessions in a SQLite database, by `sqlx`: they outlive the process, and several processes of one machine can
/// share them.
///
/// The table is `hyperlane_sessions`; it is made where it is missing. Clones are the same store.
///
/// ```no_run
/// use hyperlane::middleware::{Sessions, SqliteStore};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let sessions = Sessions::new(SqliteStore::open("sessions.db").await?);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteStore {
    pool: SqlitePool,
    /// In seconds since 1970.
    cleared: Arc<AtomicU64>,
}

impl SqliteStore {
    /// Opens the database in this file, which is made where it is missing.
    ///
    /// # Errors
    ///
    /// The file can't be opened, or is no database.
    pub async fn open(path: impl AsRef<std::path::Path>) -> Result<Self, BoxError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(5));
        Self::with_pool(SqlitePool::connect_with(options).await?).await
    }

    /// Uses the connections that the program has already.
    ///
    /// # Errors
    ///
    /// The table is missing and can't be made.
    pub async fn with_pool(pool: SqlitePool) -> Result<Self, BoxError> {
        for statement in [
            "CREATE TABLE IF NOT EXISTS hyperlane_sessions \
             (key TEXT PRIMARY KEY, record TEXT NOT NULL, ends INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE INDEX IF NOT EXISTS hyperlane_sessions_ends ON hyperlane_sessions (ends)",
        ] {
            sqlx::query(statement).execute(&pool).await?;
        }
        Ok(Self {
            pool,
            cleared: Arc::default(),
        })
    }

    async fn clear(&self, now: u64) -> Result<(), BoxError> {
        let before = self.cleared.load(Ordering::Relaxed);
        let turn = now.saturating_sub(before) >= CLEAR_EVERY
            && self
                .cleared
                .compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if turn {
            sqlx::query("DELETE FROM hyperlane_sessions WHERE ends <= ?")
                .bind(integer(now))
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }
}

impl SessionStore for SqliteStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionRecord>, BoxError> {
        let row: Option<(String,)> = sqlx::query_as("SELECT record FROM hyperlane_sessions WHERE key = ? AND ends > ?")
            .bind(key.as_str())
            .bind(integer(now()))
            .fetch_optional(&self.pool)
            .await?;
        Ok(match row {
            Some((json,)) => Some(serde_json::from_str(&json)?),
            None => None,
        })
    }

    async fn create(&self, key: &SessionKey, record: &SessionRecord, lifetime: Duration) -> Result<(), BoxError> {
        let now = now();
        self.clear(now).await?;
        sqlx::query("INSERT INTO hyperlane_sessions (key, record, ends) VALUES (?, ?, ?)")
            .bind(key.as_str())
            .bind(serde_json::to_string(record)?)
            .bind(integer(now.saturating_add(lifetime.as_secs())))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn update(&self, key: &SessionKey, record: &SessionRecord, lifetime: Duration) -> Result<bool, BoxError> {
        let now = now();
        let done = sqlx::query("UPDATE hyperlane_sessions SET record = ?, ends = ? WHERE key = ? AND ends > ?")
            .bind(serde_json::to_string(record)?)
            .bind(integer(now.saturating_add(lifetime.as_secs())))
            .bind(key.as_str())
            .bind(integer(now))
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn delete(&self, key: &SessionKey) -> Result<bool, BoxError> {
        let done = sqlx::query("DELETE FROM hyperlane_sessions WHERE key = ?")
            .bind(key.as_str())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// SQLite's integers have a sign.
fn integer(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
