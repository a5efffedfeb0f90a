//! The fourth scenario: records are read, checked and written side by side, in transactions of bounded size.

use std::error::Error as StdError;

use contract::scenarios::{Imported, RECORDS_SQL, Record, SUM_QUERY, Settings, Sum};
use hyperlane::{Context, Error, Json, State};
use hyperlane_batch::Database;
use hyperlane_batch::imports::{Format, ImportState, Importer, Imports, Rejected};
use hyperlane_batch::jobs::Jobs;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

const NAME: &str = "records";

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Import {
    imports: Imports,
    database: SqlitePool,
}

impl Import {
    pub(crate) async fn open(settings: &Settings) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        // A write-ahead log, which is synchronised when it is moved to the database, on both sides.
        let options = SqliteConnectOptions::new()
            .filename(settings.records())
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        let database = SqlitePool::connect_with(options).await?;
        sqlx::raw_sql(RECORDS_SQL).execute(&database).await?;
        let records = Importer::<Record>::new(NAME)
            .check(|record| {
                if record.is_valid() {
                    Ok(())
                } else {
                    Err(Rejected::new("is no valid record"))
                }
            })
            .into_table(NAME, ["id", "name", "email", "amount"], |record| {
                [
                    record.id.into(),
                    record.name.into(),
                    record.email.into(),
                    record.amount.into(),
                ]
            });
        let jobs = Jobs::open(Database::from(database.clone())).await?;
        let imports = Imports::open(&jobs, settings.folder.join("sources"), [records]).await?;
        Ok(Self { imports, database })
    }
}

pub(crate) async fn import(ctx: Context, State(import): State<Import>) -> Result<Json<Imported>, Error> {
    let status = import
        .imports
        .stream(NAME, "benchmark", Format::CSV, ctx.body_stream())
        .await?;
    if status.state != ImportState::Done {
        return Err(Error::new(format!("the import ended otherwise: {status:?}")));
    }
    Ok(Json(Imported {
        records: status.written,
    }))
}

pub(crate) async fn sum(State(import): State<Import>) -> Result<Json<Sum>, Error> {
    let (records, sum): (i64, i64) = sqlx::query_as(SUM_QUERY)
        .fetch_one(&import.database)
        .await
        .map_err(Error::new)?;
    Ok(Json(Sum {
        records: records.unsigned_abs(),
        sum: sum.unsigned_abs(),
    }))
}
