//! The database source: one short SQL query over a pool of connections.
//!
//! Without `DATABASE_URL` the database is an SQLite file in the data folder; with it, a PostgreSQL
//! server (or another SQLite file). The statements are the same for both. The table is created and
//! filled on the first run; doing it again changes nothing, so several showcases may share it.

use std::{path::Path, str::FromStr, time::Duration};

use hyperlane::middleware::SqliteStore;
use sqlx::{
    PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};

use super::{Cause, notes};

/// SQLite runs each connection on a thread of its own; a query takes microseconds, so a few threads
/// serve a thousand requests, and more would only compete for the cores.
const SQLITE_CONNECTIONS: u32 = 8;

/// PostgreSQL's own default admits 100 clients in all; a showcase takes a modest share.
const POSTGRES_CONNECTIONS: u32 = 16;

/// How long a request waits for a connection before it fails.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

const FILE_NAME: &str = "showcase.sqlite";
const SESSIONS_FILE_NAME: &str = "sessions.sqlite";

/// The region that the demos ask for.
const REGION: &str = "north";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS showcase_orders (
        id BIGINT PRIMARY KEY,
        region TEXT NOT NULL,
        total_cents BIGINT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS showcase_orders_region ON showcase_orders (region, total_cents);
    INSERT INTO showcase_orders (id, region, total_cents)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 240)
    SELECT n,
           CASE n % 4 WHEN 0 THEN 'north' WHEN 1 THEN 'east' WHEN 2 THEN 'south' ELSE 'west' END,
           500 + (n * 7919) % 20000
    FROM numbers WHERE true
    ON CONFLICT (id) DO NOTHING;
";

const SUMMARY: &str = "
    SELECT COUNT(*), CAST(COALESCE(SUM(total_cents), 0) AS BIGINT)
    FROM showcase_orders WHERE region = $1
";

/// A pool of connections to the orders.
#[derive(Debug)]
pub(crate) enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Database {
    /// Connects to `url`, or to the SQLite file in `data_dir`, and makes sure the orders are there.
    pub(super) async fn open(url: Option<&str>, data_dir: &Path) -> Result<Self, Cause> {
        let database = match url {
            None => {
                let file = data_dir.join(FILE_NAME);
                let opened = Self::sqlite(SqliteConnectOptions::new().filename(&file)).await;
                opened.map_err(|error| format!("cannot open {}: {error}", file.display()))?
            }
            Some(url) if url.starts_with("sqlite:") => Self::sqlite(SqliteConnectOptions::from_str(url)?).await?,
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => Self::Postgres(
                PgPoolOptions::new()
                    .max_connections(POSTGRES_CONNECTIONS)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .connect_with(PgConnectOptions::from_str(url)?)
                    .await?,
            ),
            // The URL itself may hold a password and is not repeated.
            Some(_) => return Err("DATABASE_URL must start with postgres://, postgresql:// or sqlite:".into()),
        };
        match &database {
            Self::Sqlite(pool) => {
                sqlx::raw_sql(SCHEMA).execute(pool).await?;
                sqlx::raw_sql(notes::SQLITE_SCHEMA).execute(pool).await?;
            }
            Self::Postgres(pool) => {
                sqlx::raw_sql(SCHEMA).execute(pool).await?;
                sqlx::raw_sql(notes::POSTGRES_SCHEMA).execute(pool).await?;
            }
        }
        Ok(database)
    }

    /// The orders of one region and their worth, as a sentence.
    pub(super) async fn summary(&self) -> Result<String, Cause> {
        let (orders, cents): (i64, i64) = match self {
            Self::Sqlite(pool) => sqlx::query_as(SUMMARY).bind(REGION).fetch_one(pool).await?,
            Self::Postgres(pool) => sqlx::query_as(SUMMARY).bind(REGION).fetch_one(pool).await?,
        };
        Ok(format!(
            "{orders} orders from the {REGION}, worth {}.{:02} in all",
            cents / 100,
            cents % 100
        ))
    }

    /// Runs a statement for its effect or its error.
    pub(crate) async fn execute(&self, statement: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(pool) => sqlx::query(statement).execute(pool).await.map(drop),
            Self::Postgres(pool) => sqlx::query(statement).execute(pool).await.map(drop),
        }
    }

    /// A store of sessions in this database, or, beside a PostgreSQL server, in a SQLite file of its own.
    pub(super) async fn sessions(&self, data_dir: &Path) -> Result<SqliteStore, Cause> {
        match self {
            Self::Sqlite(pool) => SqliteStore::with_pool(pool.clone()).await,
            Self::Postgres(_) => SqliteStore::open(data_dir.join(SESSIONS_FILE_NAME)).await,
        }
    }

    /// Waits for the connections in use and closes them all.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }

    async fn sqlite(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        // A write-ahead log lets readers go on while another process fills the table.
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(ACQUIRE_TIMEOUT);
        // A local file does not go away between two uses as a server does: no ping before each.
        let pool = SqlitePoolOptions::new()
            .max_connections(SQLITE_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        Ok(Self::Sqlite(pool))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn fills_the_file_on_the_first_run_and_leaves_it_alone_on_the_second() {
        let folder = tempfile::tempdir().unwrap();
        let first = Database::open(None, folder.path()).await.unwrap();
        let answer = first.summary().await.unwrap();
        assert!(answer.starts_with("60 orders from the north, worth "), "{answer}");
        first
            .execute("DELETE FROM showcase_orders WHERE id > 240")
            .await
            .unwrap();
        first.close().await;

        let second = Database::open(None, folder.path()).await.unwrap();
        assert_eq!(second.summary().await.unwrap(), answer);
        second.close().await;
    }

    #[tokio::test]
    async fn names_a_file_that_cannot_be_opened() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(FILE_NAME)).unwrap();
        let error = Database::open(None, folder.path()).await.unwrap_err().to_string();
        assert!(
            error.starts_with("cannot open ") && error.contains(FILE_NAME),
            "{error}"
        );
    }

    #[tokio::test]
    async fn refuses_an_unknown_database_without_repeating_the_url() {
        let folder = tempfile::tempdir().unwrap();
        let error = Database::open(Some("mysql://user:secret@host/db"), folder.path())
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("postgres://") && !error.contains("secret"), "{error}");
    }
}
