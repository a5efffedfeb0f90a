//! The statements of imports. Who runs one proves it by the `fence`, which grows with each attempt and with cancelling.

use sqlx::{QueryBuilder, query, query_as};

use super::{format::Format, reader::Place, rejected::Rejected, status::ImportId};
use crate::{
    database::{Link, sql},
    error::Error,
};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS hyperlane_imports (
        id {id},
        importer TEXT NOT NULL,
        label TEXT NOT NULL,
        format BIGINT NOT NULL,
        source TEXT,
        owned BIGINT NOT NULL DEFAULT 0,
        job BIGINT,
        state TEXT NOT NULL,
        fence BIGINT NOT NULL DEFAULT 0,
        beat_at BIGINT NOT NULL,
        at_offset BIGINT NOT NULL DEFAULT 0,
        at_lines BIGINT NOT NULL DEFAULT 0,
        at_records BIGINT NOT NULL DEFAULT 0,
        written BIGINT NOT NULL DEFAULT 0,
        rejected BIGINT NOT NULL DEFAULT 0,
        forgiven BIGINT NOT NULL DEFAULT 0,
        bytes_read BIGINT NOT NULL DEFAULT 0,
        bytes_total BIGINT,
        reason TEXT,
        created_at BIGINT NOT NULL,
        finished_at BIGINT
    );
    CREATE TABLE IF NOT EXISTS hyperlane_import_errors (
        import BIGINT NOT NULL,
        record BIGINT NOT NULL,
        fault BIGINT NOT NULL,
        line BIGINT NOT NULL,
        field TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (import, record, fault)
    );
";

/// A streamed import gives a sign of life this often, in milliseconds, and counts as dead after four are missing.
pub(super) const BEAT: u64 = 15_000;
pub(super) const DEAD_AFTER: i64 = 60_000;

/// Faults of one statement, six values each; SQLite takes 32,766.
const FAULTS: usize = 500;

/// The most that is kept of why an import ended, in characters.
const MAX_REASON: usize = 1000;

/// An import before it has a number.
pub(super) struct NewImport<'a> {
    pub(super) importer: &'a str,
    pub(super) label: &'a str,
    pub(super) format: Format,
    pub(super) source: Option<&'a str>,
    pub(super) owned: bool,
    pub(super) bytes_total: Option<u64>,
}

pub(super) async fn insert(link: &mut Link<'_>, new: &NewImport<'_>, now: i64) -> Result<ImportId, Error> {
    const STATEMENT: &str = "
        INSERT INTO hyperlane_imports
            (importer, label, format, source, owned, bytes_total, state, beat_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, $7) RETURNING id
    ";
    let label: String = new.label.chars().filter(|char| *char != '\0').take(200).collect();
    let (id,): (i64,) = sql!(link.again(), connection => query_as(STATEMENT)
        .bind(new.importer)
        .bind(label)
        .bind(new.format.number())
        .bind(new.source)
        .bind(i64::from(new.owned))
        .bind(new.bytes_total.map(signed))
        .bind(now)
        .fetch_one(connection)
        .await)?;
    Ok(ImportId(id))
}

pub(super) async fn set_job(link: &mut Link<'_>, id: ImportId, job: i64) -> Result<(), Error> {
    const STATEMENT: &str = "UPDATE hyperlane_imports SET job = $1 WHERE id = $2";
    sql!(link.again(), connection => query(STATEMENT).bind(job).bind(id.0).execute(connection).await.map(|_| ()))?;
    Ok(())
}

/// How far an import is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) place: Place,
    pub(super) taken: u64,
    pub(super) written: u64,
    pub(super) rejected: u64,
}

/// An import that an attempt was begun at.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    pub(super) id: ImportId,
    pub(super) fence: i64,
    pub(super) importer: String,
    pub(super) format: Format,
    pub(super) source: Option<String>,
    /// Whether the source is a file of ours, and goes when it was imported.
    pub(super) owned: bool,
    pub(super) place: Place,
    written: u64,
    rejected: u64,
    pub(super) forgiven: u64,
}

impl Begun {
    pub(super) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            place: self.place,
            taken: 0,
            written: self.written,
            rejected: self.rejected,
        }
    }
}

type BegunRow = (i64, i64, String, i64, Option<String>, i64, i64, i64, i64, i64, i64, i64);

/// Begins an attempt; whoever was at it before can commit nothing from now on. `None` where it has ended.
pub(super) async fn begin(link: &mut Link<'_>, id: ImportId, now: i64) -> Result<Option<Begun>, Error> {
    const STATEMENT: &str = "
        UPDATE hyperlane_imports SET fence = fence + 1, state = 'running', beat_at = $2
        WHERE id = $1 AND state IN ('waiting', 'running')
        RETURNING id, fence, importer, format, source, owned, at_offset, at_lines, at_records, written, rejected, forgiven
    ";
    let row: Option<BegunRow> =
        sql!(link.again(), connection => query_as(STATEMENT).bind(id.0).bind(now).fetch_optional(connection).await)?;
    Ok(row.map(
        |(id, fence, importer, format, source, owned, offset, lines, records, written, rejected, forgiven)| Begun {
            id: ImportId(id),
            fence,
            importer,
            format: Format::from_number(format),
            source,
            owned: owned == 1,
            place: Place {
                offset: unsigned(offset),
                lines: unsigned(lines),
                records: unsigned(records),
            },
            written: unsigned(written),
            rejected: unsigned(rejected),
            forgiven: unsigned(forgiven),
        },
    ))
}

/// Moves the checkpoint, in the transaction of the rows; `false` where it is not where this attempt left it.
pub(super) async fn advance(
    link: &mut Link<'_>,
    begun: &Begun,
    from: Checkpoint,
    to: Checkpoint,
    now: i64,
) -> Result<bool, sqlx::Error> {
    const STATEMENT: &str = "
        UPDATE hyperlane_imports SET at_offset = $1, at_lines = $2, at_records = $3, written = $4, rejected = $5,
            bytes_read = $6, beat_at = $7
        WHERE id = $8 AND fence = $9 AND at_records = $10 AND state = 'running'
    ";
    let rows = sql!(link.again(), connection => query(STATEMENT)
        .bind(signed(to.place.offset))
        .bind(signed(to.place.lines))
        .bind(signed(to.place.records))
        .bind(signed(to.written))
        .bind(signed(to.rejected))
        .bind(signed(to.taken))
        .bind(now)
        .bind(begun.id.0)
        .bind(begun.fence)
        .bind(signed(from.place.records))
        .execute(connection)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows > 0)
}

/// Where the checkpoint is, if this attempt still counts.
pub(super) async fn reached(link: &mut Link<'_>, begun: &Begun) -> Result<Option<Checkpoint>, sqlx::Error> {
    const STATEMENT: &str = "
        SELECT at_offset, at_lines, at_records, bytes_read, written, rejected FROM hyperlane_imports
        WHERE id = $1 AND fence = $2 AND state = 'running'
    ";
    let row: Option<(i64, i64, i64, i64, i64, i64)> = sql!(link.again(), connection => query_as(STATEMENT)
        .bind(begun.id.0)
        .bind(begun.fence)
        .fetch_optional(connection)
        .await)?;
    Ok(
        row.map(|(offset, lines, records, taken, written, rejected)| Checkpoint {
            place: Place {
                offset: unsigned(offset),
                lines: unsigned(lines),
                records: unsigned(records),
            },
            taken: unsigned(taken),
            written: unsigned(written),
            rejected: unsigned(rejected),
        }),
    )
}

/// Writes the faults of records into the report, in the transaction of the rows.
pub(super) async fn report(
    link: &mut Link<'_>,
    id: ImportId,
    records: &[(u64, u64, &Rejected)],
) -> Result<(), sqlx::Error> {
    const START: &str = "INSERT INTO hyperlane_import_errors (import, record, fault, line, field, reason) ";
    let mut faults = Vec::new();
    for (number, line, rejected) in records {
        for (index, fault) in rejected.faults().iter().enumerate() {
            faults.push((*number, index, *line, fault));
        }
    }
    for faults in faults.chunks(FAULTS) {
        sql!(link.again(), connection => {
            let mut query = QueryBuilder::new(START);
            query.push_values(faults, |mut row, (number, index, line, fault)| {
                row.push_bind(id.0)
                    .push_bind(signed(*number))
                    .push_bind(signed(*index as u64))
                    .push_bind(signed(*line))
                    .push_bind(&fault.field)
                    .push_bind(&fault.reason);
            });
            query.build().execute(connection).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Ends an attempt; `false` where it counts no more. An import that is done needs its source no more.
pub(super) async fn end(
    link: &mut Link<'_>,
    begun: &Begun,
    state: &str,
    reason: Option<&str>,
    now: i64,
) -> Result<bool, Error> {
    const STATEMENT: &str = "
        UPDATE hyperlane_imports SET state = $1, reason = $2, finished_at = CASE WHEN $1 = 'waiting' THEN NULL ELSE $3 END,
            bytes_read = CASE WHEN $1 = 'done' THEN COALESCE(bytes_total, bytes_read) ELSE bytes_read END,
            source = CASE WHEN $1 = 'done' THEN NULL ELSE source END
        WHERE id = $4 AND fence = $5 AND state = 'running'
    ";
    // It may quote what a stranger sent, such as the name of a column, and is listed with every import.
    let reason: Option<String> =
        reason.map(|reason| reason.chars().filter(|char| *char != '\0').take(MAX_REASON).collect());
    let rows = sql!(link.again(), connection => query(STATEMENT)
        .bind(state)
        .bind(reason)
        .bind(now)
        .bind(begun.id.0)
        .bind(begun.fence)
        .execute(connection)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows > 0)
}

pub(super) async fn beat(link: &mut Link<'_>, begun: &Begun, now: i64) -> Result<(), Error> {
    const STATEMENT: &str = "UPDATE hyperlane_imports SET beat_at = $1 WHERE id = $2 AND fence = $3";
    sql!(link.again(), connection => query(STATEMENT)
        .bind(now)
        .bind(begun.id.0)
        .bind(begun.fence)
        .execute(connection)
        .await
        .map(|_| ()))?;
    Ok(())
}

pub(super) async fn cancel(link: &mut Link<'_>, id: ImportId, now: i64) -> Result<Option<Option<i64>>, Error> {
    const STATEMENT: &str = "
        UPDATE hyperlane_imports SET state = 'cancelled', fence = fence + 1, finished_at = $1, reason = NULL
        WHERE id = $2 AND state IN ('waiting', 'running') RETURNING job
    ";
    let row: Option<(Option<i64>,)> =
        sql!(link.again(), connection => query_as(STATEMENT).bind(now).bind(id.0).fetch_optional(connection).await)?;
    Ok(row.map(|(job,)| job))
}

/// Makes an import that ended too early wait again; what was refused so far counts no more towards the ceiling.
pub(super) async fn retry(link: &mut Link<'_>, id: ImportId) -> Result<bool, Error> {
    const STATEMENT: &str = "
        UPDATE hyperlane_imports SET state = 'waiting', fence = fence + 1, forgiven = rejected, reason = NULL,
            finished_at = NULL
        WHERE id = $1 AND source IS NOT NULL AND (
            state IN ('failed', 'cancelled')
            OR (state IN ('waiting', 'running')
                AND job NOT IN (SELECT id FROM hyperlane_jobs WHERE state IN ('ready', 'running')))
        )
    ";
    let rows = sql!(link.again(), connection => query(STATEMENT)
        .bind(id.0)
        .execute(connection)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows > 0)
}

/// Forgets an import and its report; returns the file that belongs to it, if it has one.
pub(super) async fn remove(link: &mut Link<'_>, id: ImportId) -> Result<Option<Option<String>>, Error> {
    const ERRORS: &str = "DELETE FROM hyperlane_import_errors WHERE import = $1";
    const IMPORT: &str = "
        DELETE FROM hyperlane_imports WHERE id = $1 RETURNING CASE WHEN owned = 1 THEN source ELSE NULL END
    ";
    sql!(link.again(), connection => query(ERRORS).bind(id.0).execute(connection).await.map(|_| ()))?;
    let row: Option<(Option<String>,)> =
        sql!(link.again(), connection => query_as(IMPORT).bind(id.0).fetch_optional(connection).await)?;
    Ok(row.map(|(source,)| source))
}

/// The names of the files that belong to imports.
pub(super) async fn owned(link: &mut Link<'_>) -> Result<Vec<String>, Error> {
    const STATEMENT: &str = "SELECT source FROM hyperlane_imports WHERE owned = 1 AND source IS NOT NULL";
    let rows: Vec<(String,)> = sql!(link.again(), connection => query_as(STATEMENT).fetch_all(connection).await)?;
    Ok(rows.into_iter().map(|(source,)| source).collect())
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
