//! The statements that read imports and their reports.

use sqlx::query_as;

use super::{
    status::{ImportId, ImportStatus},
    store::{DEAD_AFTER, unsigned},
};
use crate::{
    database::{Link, sql},
    error::Error,
};

const STATUS: &str = "
    SELECT i.id, i.importer, i.label,
        CASE WHEN i.state IN ('waiting', 'running') AND i.job IS NOT NULL AND COALESCE(j.state, 'dead') NOT IN ('ready', 'running') THEN 'failed'
             WHEN i.state = 'running' AND j.state = 'ready' THEN 'waiting'
             WHEN i.state IN ('waiting', 'running') AND i.job IS NULL AND i.beat_at < $1 THEN 'failed'
             ELSE i.state END,
        i.at_records, i.written, i.rejected, i.bytes_read, i.bytes_total,
        COALESCE(i.reason, CASE WHEN i.state IN ('waiting', 'running') THEN j.last_error END,
            CASE WHEN i.state IN ('waiting', 'running') AND i.job IS NULL AND i.beat_at < $1 THEN 'the process that ran it has died' END,
            CASE WHEN i.state IN ('waiting', 'running') AND i.job IS NOT NULL AND COALESCE(j.state, 'dead') NOT IN ('ready', 'running')
                THEN 'its job has ended before it' END),
        i.created_at, i.finished_at, CAST(CASE WHEN i.source IS NULL THEN 0 ELSE 1 END AS BIGINT)
    FROM hyperlane_imports i LEFT JOIN hyperlane_jobs j ON j.id = i.job
";

type StatusRow = (
    (i64, String, String, String),
    (i64, i64, i64, i64, Option<i64>),
    (Option<String>, i64, Option<i64>, i64),
);

pub(super) async fn status(link: &mut Link<'_>, id: ImportId, now: i64) -> Result<Option<ImportStatus>, Error> {
    let statement = format!("{STATUS} WHERE i.id = $2");
    rows(link, &statement, id.0, now)
        .await?
        .pop()
        .map(status_of)
        .transpose()
}

pub(super) async fn list(link: &mut Link<'_>, limit: i64, now: i64) -> Result<Vec<ImportStatus>, Error> {
    let statement = format!("{STATUS} ORDER BY i.id DESC LIMIT $2");
    rows(link, &statement, limit, now)
        .await?
        .into_iter()
        .map(status_of)
        .collect()
}

async fn rows(link: &mut Link<'_>, statement: &str, value: i64, now: i64) -> Result<Vec<StatusRow>, Error> {
    type Flat = (
        i64,
        String,
        String,
        String,
        i64,
        i64,
        i64,
        i64,
        Option<i64>,
        Option<String>,
        i64,
        Option<i64>,
        i64,
    );
    let rows: Vec<Flat> = sql!(link.again(), connection => query_as(statement)
        .bind(now - DEAD_AFTER)
        .bind(value)
        .fetch_all(connection)
        .await)?;
    let grouped = |(a, b, c, d, e, f, g, h, i, j, k, l, m): Flat| ((a, b, c, d), (e, f, g, h, i), (j, k, l, m));
    Ok(rows.into_iter().map(grouped).collect())
}

fn status_of(
    ((id, importer, label, state), (read, written, rejected, bytes, total), (reason, created_ms, finished_ms, stored)): StatusRow,
) -> Result<ImportStatus, Error> {
    Ok(ImportStatus {
        id: ImportId(id),
        importer,
        label,
        state: state.parse()?,
        read: unsigned(read),
        written: unsigned(written),
        rejected: unsigned(rejected),
        bytes_read: unsigned(bytes),
        bytes_total: total.map(unsigned),
        reason,
        created_ms,
        finished_ms,
        stored: stored == 1,
    })
}

/// A line of the report: record, fault, line, field, reason.
pub(super) type FaultRow = (i64, i64, i64, String, String);

/// So many lines of the report behind this one.
pub(super) async fn faults(
    link: &mut Link<'_>,
    id: ImportId,
    (record, fault): (i64, i64),
    limit: i64,
) -> Result<Vec<FaultRow>, Error> {
    const STATEMENT: &str = "
        SELECT record, fault, line, field, reason FROM hyperlane_import_errors
        WHERE import = $1 AND (record > $2 OR (record = $2 AND fault > $3)) ORDER BY record, fault LIMIT $4
    ";
    Ok(sql!(link.again(), connection => query_as(STATEMENT)
        .bind(id.0)
        .bind(record)
        .bind(fault)
        .bind(limit)
        .fetch_all(connection)
        .await)?)
}
