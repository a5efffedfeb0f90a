//! The database that jobs, imports and their rows share: SQLite, or PostgreSQL with the feature `postgres`.
//!
//! The statements of this crate are the same for both where they can be; [`sql!`] runs one on whichever it is.

use std::{fmt, str::FromStr, time::Duration};

use sqlx::{
    Executor as _, Sqlite, SqliteConnection, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
#[cfg(feature = "postgres")]
use sqlx::{PgConnection, PgPool, Postgres, postgres::PgPoolOptions};

use crate::error::Error;

/// How long a statement waits for a connection of the pool; a database that is away is noticed after it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long SQLite waits for another process's write to end. Transactions of imports take some milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// SQLite has one writer at a time, so that a few connections suffice for those who read beside it.
const SQLITE_CONNECTIONS: u32 = 6;

/// A modest share of the hundred clients that PostgreSQL admits by default.
#[cfg(feature = "postgres")]
const POSTGRES_CONNECTIONS: u32 = 12;

/// A pool of connections; cheap to clone.
///
/// # Example
///
/// ```
/// use hyperlane_batch::Database;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hyperlane_batch::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let file = folder.path().join("batch.sqlite");
/// let database = Database::connect(&format!("sqlite:{}", file.display())).await?;
/// assert!(database.as_sqlite().is_some());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Database(Pool);

#[derive(Debug, Clone)]
enum Pool {
    Sqlite(SqlitePool),
    #[cfg(feature = "postgres")]
    Postgres(PgPool),
}

impl Database {
    /// Connects to `sqlite:FILE`, which is made where it is missing, or to `postgres://…`.
    ///
    /// SQLite runs with a write-ahead log, so that who reads does not wait for an import. A pool with settings of your
    /// own is made a `Database` by `From`; give SQLite a `busy_timeout` of some seconds then.
    ///
    /// # Errors
    ///
    /// When the URL is for no database that this program knows, or the database can't be opened.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        if url.contains(":memory:") || url.contains("mode=memory") {
            return Err(Error::misuse(
                "a database in memory is another one for each connection; give a file",
            ));
        }
        if url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(url)?
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .busy_timeout(BUSY_TIMEOUT);
            let pool = SqlitePoolOptions::new()
                .max_connections(SQLITE_CONNECTIONS)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .connect_with(options)
                .await?;
            return Ok(pool.into());
        }
        #[cfg(feature = "postgres")]
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let pool = PgPoolOptions::new()
                .max_connections(POSTGRES_CONNECTIONS)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .connect(url)
                .await?;
            return Ok(pool.into());
        }
        // The URL itself may hold a password and is not repeated.
        Err(Error::misuse(
            "the database's url has to start with sqlite: or, with the feature `postgres`, with postgres://",
        ))
    }

    /// The pool, where the database is SQLite.
    #[must_use]
    pub fn as_sqlite(&self) -> Option<&SqlitePool> {
        match &self.0 {
            Pool::Sqlite(pool) => Some(pool),
            #[cfg(feature = "postgres")]
            Pool::Postgres(_) => None,
        }
    }

    /// The pool, where the database is PostgreSQL.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn as_postgres(&self) -> Option<&PgPool> {
        match &self.0 {
            Pool::Postgres(pool) => Some(pool),
            Pool::Sqlite(_) => None,
        }
    }

    /// Begins a transaction; dropped without [`Transaction::commit`], it changes nothing.
    ///
    /// In SQLite it takes the lock for writing at once: one that reads first and writes later may be refused in between.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        Ok(self.open().await?)
    }

    pub(crate) async fn open(&self) -> Result<Transaction, sqlx::Error> {
        Ok(Transaction(match &self.0 {
            Pool::Sqlite(pool) => Open::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => Open::Postgres(pool.begin().await?),
        }))
    }

    pub(crate) async fn acquire(&self) -> Result<Held, sqlx::Error> {
        Ok(match &self.0 {
            Pool::Sqlite(pool) => Held::Sqlite(pool.acquire().await?),
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => Held::Postgres(pool.acquire().await?),
        })
    }

    /// Closes the connections, once they are not in use.
    pub async fn close(&self) {
        match &self.0 {
            Pool::Sqlite(pool) => pool.close().await,
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => pool.close().await,
        }
    }

    /// Makes tables that are not there yet. Several processes may do so at once.
    pub(crate) async fn create(&self, schema: &str) -> Result<(), Error> {
        let mut transaction = self.open().await?;
        match transaction.link() {
            Link::Sqlite(connection) => {
                let schema = schema.replace("{id}", "INTEGER PRIMARY KEY AUTOINCREMENT");
                connection.execute(schema.as_str()).await?;
            }
            #[cfg(feature = "postgres")]
            Link::Postgres(connection) => {
                // `IF NOT EXISTS` does not keep two sessions from making the same table at the same time.
                sqlx::query("SELECT pg_advisory_xact_lock(7881695137283061)")
                    .execute(&mut *connection)
                    .await?;
                let schema = schema.replace("{id}", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY");
                connection.execute(schema.as_str()).await?;
            }
        }
        transaction.commit().await
    }
}

impl From<SqlitePool> for Database {
    fn from(pool: SqlitePool) -> Self {
        Self(Pool::Sqlite(pool))
    }
}

#[cfg(feature = "postgres")]
impl From<PgPool> for Database {
    fn from(pool: PgPool) -> Self {
        Self(Pool::Postgres(pool))
    }
}

/// A transaction of either database.
pub struct Transaction(Open);

enum Open {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    /// Makes its changes last.
    ///
    /// # Errors
    ///
    /// When the database can't be reached or refuses; it is then not known whether the changes last.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.finish().await?)
    }

    pub(crate) async fn finish(self) -> Result<(), sqlx::Error> {
        match self.0 {
            Open::Sqlite(transaction) => transaction.commit().await,
            #[cfg(feature = "postgres")]
            Open::Postgres(transaction) => transaction.commit().await,
        }
    }

    /// The connection that it runs on, for statements of your own, where the database is SQLite.
    pub fn as_sqlite(&mut self) -> Option<&mut SqliteConnection> {
        match &mut self.0 {
            Open::Sqlite(transaction) => Some(transaction),
            #[cfg(feature = "postgres")]
            Open::Postgres(_) => None,
        }
    }

    /// The connection that it runs on, for statements of your own, where the database is PostgreSQL.
    #[cfg(feature = "postgres")]
    pub fn as_postgres(&mut self) -> Option<&mut PgConnection> {
        match &mut self.0 {
            Open::Postgres(transaction) => Some(transaction),
            Open::Sqlite(_) => None,
        }
    }

    pub(crate) fn link(&mut self) -> Link<'_> {
        match &mut self.0 {
            Open::Sqlite(transaction) => Link::Sqlite(transaction),
            #[cfg(feature = "postgres")]
            Open::Postgres(transaction) => Link::Postgres(transaction),
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}

/// A connection, or the one that a transaction runs on: what [`Jobs::enqueue`](crate::jobs::Jobs::enqueue) writes to.
///
/// It is made from `&mut` of a [`Transaction`], of an `sqlx::Transaction` and of a connection of `sqlx`.
pub struct Connection<'c>(pub(crate) Link<'c>);

impl fmt::Debug for Connection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl<'c> From<&'c mut Transaction> for Connection<'c> {
    fn from(transaction: &'c mut Transaction) -> Self {
        Self(transaction.link())
    }
}

impl<'c> From<&'c mut SqliteConnection> for Connection<'c> {
    fn from(connection: &'c mut SqliteConnection) -> Self {
        Self(Link::Sqlite(connection))
    }
}

impl<'c> From<&'c mut sqlx::Transaction<'_, Sqlite>> for Connection<'c> {
    fn from(transaction: &'c mut sqlx::Transaction<'_, Sqlite>) -> Self {
        Self(Link::Sqlite(transaction))
    }
}

#[cfg(feature = "postgres")]
impl<'c> From<&'c mut PgConnection> for Connection<'c> {
    fn from(connection: &'c mut PgConnection) -> Self {
        Self(Link::Postgres(connection))
    }
}

#[cfg(feature = "postgres")]
impl<'c> From<&'c mut sqlx::Transaction<'_, Postgres>> for Connection<'c> {
    fn from(transaction: &'c mut sqlx::Transaction<'_, Postgres>) -> Self {
        Self(Link::Postgres(transaction))
    }
}

/// A connection of the pool, for statements that stand alone.
pub(crate) enum Held {
    Sqlite(PoolConnection<Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(PoolConnection<Postgres>),
}

impl Held {
    pub(crate) fn link(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(connection) => Link::Sqlite(connection),
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => Link::Postgres(connection),
        }
    }
}

/// Where statements go.
pub(crate) enum Link<'c> {
    Sqlite(&'c mut SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(&'c mut PgConnection),
}

impl Link<'_> {
    pub(crate) fn again(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(connection) => Link::Sqlite(connection),
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => Link::Postgres(connection),
        }
    }

    /// Runs a statement that takes no values, such as `SAVEPOINT`.
    pub(crate) async fn run(&mut self, statement: &str) -> Result<(), sqlx::Error> {
        sql!(self.again(), connection => connection.execute(statement).await.map(|_| ()))
    }
}

/// Writes an expression once for both databases: `sql!(link, connection => query(…).execute(connection).await)`.
macro_rules! sql {
    ($link:expr, $connection:ident => $body:expr) => {
        match $link {
            $crate::database::Link::Sqlite($connection) => $body,
            #[cfg(feature = "postgres")]
            $crate::database::Link::Postgres($connection) => $body,
        }
    };
}
pub(crate) use sql;
