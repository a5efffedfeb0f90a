//! The dashboard's database: orders in an SQLite file of its own.

use std::{path::Path, time::Duration};

use serde::Serialize;
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, region TEXT NOT NULL, cents INTEGER NOT NULL);
    INSERT OR IGNORE INTO orders (id, region, cents)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
    SELECT n,
           CASE WHEN n % 11 < 4 THEN 'north' WHEN n % 11 < 7 THEN 'east' WHEN n % 11 < 9 THEN 'south' ELSE 'west' END,
           500 + (n * 7919) % 20000
    FROM numbers;
";

/// A query takes microseconds; more threads would only compete.
const CONNECTIONS: u32 = 4;

/// The orders; clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Ledger(SqlitePool);

/// All orders together.
#[derive(Debug, Serialize)]
pub(super) struct Orders {
    count: i64,
    cents: i64,
}

/// Those of one region.
#[derive(Debug, Serialize)]
pub(super) struct Region {
    name: String,
    cents: i64,
}

impl Ledger {
    /// Opens `dashboard.sqlite`, and fills it on the first run.
    pub(super) async fn open(data_dir: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(data_dir.join("dashboard.sqlite"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options)
            .await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        Ok(Self(pool))
    }

    pub(super) async fn orders(&self) -> Result<Orders, sqlx::Error> {
        let query = sqlx::query_as("SELECT COUNT(*), COALESCE(SUM(cents), 0) FROM orders");
        let (count, cents) = query.fetch_one(&self.0).await?;
        Ok(Orders { count, cents })
    }

    pub(super) async fn regions(&self) -> Result<Vec<Region>, sqlx::Error> {
        let query =
            sqlx::query_as("SELECT region, SUM(cents) AS cents FROM orders GROUP BY region ORDER BY cents DESC");
        let rows: Vec<(String, i64)> = query.fetch_all(&self.0).await?;
        Ok(rows.into_iter().map(|(name, cents)| Region { name, cents }).collect())
    }

    pub(super) async fn close(&self) {
        self.0.close().await;
    }
}
