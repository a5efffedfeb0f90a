//! What is imported: readings of instruments, into a table of their own.

use std::{path::Path, time::Duration};

use hyperlane_batch::{
    Database, Error,
    imports::{Importer, OnConflict, Rejected, TableImporter},
};
use serde::Deserialize;

/// What the importer is known by.
pub(super) const NAME: &str = "readings";

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS readings (station TEXT NOT NULL, day TEXT NOT NULL, celsius REAL NOT NULL, PRIMARY KEY (station, day))
";

/// How many readings are kept before the table is emptied for new ones.
const MAX_ROWS: i64 = 200_000;

/// How many readings are looked up at a time.
const LOOK_UPS: usize = 16;

/// What a look-up takes.
const LOOK_UP: Duration = Duration::from_millis(2);

/// The table, in a file of its own in the data folder.
#[derive(Debug, Clone)]
pub(super) struct Readings(Database);

impl Readings {
    pub(super) async fn open(data_dir: &Path) -> Result<Self, Error> {
        let file = data_dir.join("imports.sqlite");
        let readings = Self(Database::connect(&format!("sqlite:{}", file.display())).await?);
        readings.execute(TABLE).await?;
        Ok(readings)
    }

    pub(super) fn database(&self) -> &Database {
        &self.0
    }

    /// Empties the table once it is large.
    pub(super) async fn make_room(&self) -> Result<(), Error> {
        self.execute(&format!(
            "DELETE FROM readings WHERE (SELECT COUNT(*) FROM readings) > {MAX_ROWS}"
        ))
        .await
    }

    async fn execute(&self, statement: &str) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        if let Some(connection) = transaction.as_sqlite() {
            sqlx::query(statement).execute(connection).await?;
        }
        transaction.commit().await
    }
}

#[derive(Debug, Deserialize)]
struct Reading {
    station: String,
    day: String,
    celsius: f64,
}

/// Readings must be possible ones; a later one for the same day takes the place of an earlier one.
pub(super) fn importer(scale: f64) -> TableImporter {
    let look_up = LOOK_UP.mul_f64(scale);
    Importer::<Reading>::new(NAME)
        .check(|reading| {
            if reading.station.is_empty() {
                return Err(Rejected::field("station", "is missing"));
            }
            if !(-90.0..=60.0).contains(&reading.celsius) {
                return Err(Rejected::field(
                    "celsius",
                    format!("{} is not on this earth", reading.celsius),
                ));
            }
            Ok(())
        })
        .map(LOOK_UPS, move |reading| async move {
            if !look_up.is_zero() {
                tokio::time::sleep(look_up).await;
            }
            Ok(reading)
        })
        .into_table("readings", ["station", "day", "celsius"], |reading| {
            [reading.station.into(), reading.day.into(), reading.celsius.into()]
        })
        .on_conflict(OnConflict::Update(vec!["station".to_owned(), "day".to_owned()]))
        .batch(500)
        .max_errors(2000)
        .max_bytes(64 * 1024 * 1024)
}
