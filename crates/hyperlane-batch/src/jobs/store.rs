//! The statements of the queue. Who holds a job proves it by the `fence`, which grows with each lease.

use sqlx::query;
use sqlx::query_as;

use super::job::{JobId, JobState, JobStatus, NewJob};
use crate::{
    database::{Link, sql},
    error::Error,
};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS hyperlane_jobs (
        id {id},
        kind TEXT NOT NULL,
        payload TEXT NOT NULL,
        unique_key TEXT,
        idempotency_key TEXT,
        state TEXT NOT NULL DEFAULT 'ready',
        attempt BIGINT NOT NULL DEFAULT 0,
        max_attempts BIGINT NOT NULL,
        fence BIGINT NOT NULL DEFAULT 0,
        cancelling BIGINT NOT NULL DEFAULT 0,
        run_at BIGINT NOT NULL,
        lease_until BIGINT NOT NULL DEFAULT 0,
        last_error TEXT,
        created_at BIGINT NOT NULL,
        finished_at BIGINT
    );
    CREATE INDEX IF NOT EXISTS hyperlane_jobs_ready ON hyperlane_jobs (run_at, id) WHERE state = 'ready';
    CREATE INDEX IF NOT EXISTS hyperlane_jobs_running ON hyperlane_jobs (lease_until) WHERE state = 'running';
    CREATE UNIQUE INDEX IF NOT EXISTS hyperlane_jobs_unique ON hyperlane_jobs (kind, unique_key)
        WHERE unique_key IS NOT NULL AND state IN ('ready', 'running');
    CREATE UNIQUE INDEX IF NOT EXISTS hyperlane_jobs_idempotency ON hyperlane_jobs (kind, idempotency_key)
        WHERE idempotency_key IS NOT NULL;
    CREATE TABLE IF NOT EXISTS hyperlane_schedules (name TEXT PRIMARY KEY, next_at BIGINT NOT NULL, cron TEXT NOT NULL);
";

/// The most that is kept of an error's text, in characters.
const MAX_ERROR: usize = 1000;

const INSERT: &str = "
    INSERT INTO hyperlane_jobs (kind, payload, unique_key, idempotency_key, max_attempts, run_at, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id
";

const SAME: &str = "
    SELECT id FROM hyperlane_jobs WHERE kind = $1
        AND ((unique_key = $2 AND state IN ('ready', 'running')) OR idempotency_key = $3)
    ORDER BY id DESC LIMIT 1
";

pub(super) async fn insert(link: &mut Link<'_>, job: &NewJob, now: i64) -> Result<JobId, Error> {
    let payload = job.payload.as_ref().map_err(|reason| {
        Error::misuse(format!(
            "the payload of a job of kind {:?} can't be JSON: {reason}",
            job.kind
        ))
    })?;
    // The other job may end between the two statements.
    for _ in 0..8 {
        let inserted: Option<(i64,)> = sql!(link.again(), connection => query_as(INSERT)
            .bind(&job.kind)
            .bind(payload)
            .bind(&job.unique)
            .bind(&job.idempotency)
            .bind(i64::from(job.max_attempts))
            .bind(job.run_at(now))
            .bind(now)
            .fetch_optional(connection)
            .await)?;
        if let Some((id,)) = inserted {
            return Ok(JobId(id));
        }
        let same: Option<(i64,)> = sql!(link.again(), connection => query_as(SAME)
            .bind(&job.kind)
            .bind(&job.unique)
            .bind(&job.idempotency)
            .fetch_optional(connection)
            .await)?;
        if let Some((id,)) = same {
            return Ok(JobId(id));
        }
    }
    Err(Error::unknown(format!(
        "a job of kind {:?} with the same key comes and goes; try again",
        job.kind
    )))
}

/// A job that was taken by a lease.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) id: JobId,
    pub(super) kind: String,
    pub(super) payload: String,
    pub(super) attempt: i64,
    pub(super) max_attempts: i64,
    pub(super) fence: i64,
}

/// Takes up to `limit` jobs of these kinds: those whose time has come, and those whose holder has not renewed its lease.
pub(super) async fn claim(
    link: &mut Link<'_>,
    kinds: &[String],
    limit: i64,
    now: i64,
    lease: i64,
) -> Result<Vec<Claimed>, Error> {
    // Several machines share the work: each passes over what another is just taking. SQLite has one writer at a time.
    let lock = match link {
        Link::Sqlite(_) => "",
        #[cfg(feature = "postgres")]
        Link::Postgres(_) => "FOR UPDATE SKIP LOCKED",
    };
    let places: Vec<String> = (4..4 + kinds.len()).map(|place| format!("${place}")).collect();
    let places = places.join(", ");
    let statement = format!(
        "UPDATE hyperlane_jobs SET state = 'running', attempt = attempt + 1, fence = fence + 1, lease_until = $2
         WHERE id IN (
             SELECT id FROM hyperlane_jobs
             WHERE ((state = 'ready' AND run_at <= $1) OR (state = 'running' AND lease_until < $1 AND attempt < max_attempts))
                 AND cancelling = 0 AND kind IN ({places})
             ORDER BY run_at, id LIMIT $3 {lock}
         )
         RETURNING id, kind, payload, attempt, max_attempts, fence"
    );
    let rows: Vec<(i64, String, String, i64, i64, i64)> = sql!(link.again(), connection => {
        let mut query = query_as(&statement).bind(now).bind(now.saturating_add(lease)).bind(limit);
        for kind in kinds {
            query = query.bind(kind);
        }
        query.fetch_all(connection).await
    })?;
    let claimed = |(id, kind, payload, attempt, max_attempts, fence)| Claimed {
        id: JobId(id),
        kind,
        payload,
        attempt,
        max_attempts,
        fence,
    };
    Ok(rows.into_iter().map(claimed).collect())
}

/// Buries what took its holder's process down with it at each attempt, and ends what was cancelled while its holder died.
pub(super) async fn bury(link: &mut Link<'_>, now: i64) -> Result<(), Error> {
    const STATEMENT: &str = "
        UPDATE hyperlane_jobs SET finished_at = $1,
            state = CASE WHEN cancelling = 1 THEN 'cancelled' ELSE 'dead' END,
            last_error = CASE WHEN cancelling = 1 THEN last_error
                ELSE COALESCE(last_error || '; then ', '') || 'the process that ran the last attempt has died' END
        WHERE state = 'running' AND lease_until < $1 AND (attempt >= max_attempts OR cancelling = 1)
    ";
    sql!(link.again(), connection => query(STATEMENT).bind(now).execute(connection).await.map(|_| ()))?;
    Ok(())
}

/// What a heartbeat finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    Kept,
    Cancelled,
    Lost,
}

pub(super) async fn renew(link: &mut Link<'_>, id: JobId, fence: i64, until: i64) -> Result<Renewal, Error> {
    const STATEMENT: &str = "
        UPDATE hyperlane_jobs SET lease_until = $1 WHERE id = $2 AND fence = $3 AND state = 'running'
        RETURNING cancelling
    ";
    let row: Option<(i64,)> = sql!(link.again(), connection => query_as(STATEMENT)
        .bind(until)
        .bind(id.0)
        .bind(fence)
        .fetch_optional(connection)
        .await)?;
    Ok(match row {
        Some((0,)) => Renewal::Kept,
        Some(_) => Renewal::Cancelled,
        None => Renewal::Lost,
    })
}

/// How an attempt ends.
#[derive(Debug, Clone)]
pub(super) enum Ending {
    Done,
    Cancelled,
    Dead(String),
    Later { reason: String, run_at: i64 },
    GivenBack,
}

/// Writes how an attempt ended; one that was cancelled meanwhile is not begun again. `false` where the job is somebody
/// else's by now, or ended already.
pub(super) async fn finish(
    link: &mut Link<'_>,
    id: JobId,
    fence: i64,
    ending: Ending,
    now: i64,
) -> Result<bool, Error> {
    const STATEMENT: &str = "
        UPDATE hyperlane_jobs SET last_error = COALESCE($2, last_error), run_at = COALESCE($3, run_at),
            attempt = attempt - $4, lease_until = 0,
            state = CASE WHEN cancelling = 1 AND $1 = 'ready' THEN 'cancelled' ELSE $1 END,
            finished_at = CASE WHEN cancelling = 1 AND $1 = 'ready' THEN $8 ELSE $5 END
        WHERE id = $6 AND fence = $7 AND state = 'running'
    ";
    let (state, reason, run_at, uncounted) = match ending {
        Ending::Done => (JobState::Done, None, None, 0_i64),
        Ending::Cancelled => (JobState::Cancelled, None, None, 0),
        Ending::Dead(reason) => (JobState::Dead, Some(reason), None, 0),
        Ending::Later { reason, run_at } => (JobState::Ready, Some(reason), Some(run_at), 0),
        Ending::GivenBack => (JobState::Ready, None, None, 1),
    };
    let reason: Option<String> = reason.map(|reason| reason.replace('\0', "").chars().take(MAX_ERROR).collect());
    let finished = state.is_final().then_some(now);
    let rows = sql!(link.again(), connection => query(STATEMENT)
        .bind(state.name())
        .bind(reason)
        .bind(run_at)
        .bind(uncounted)
        .bind(finished)
        .bind(id.0)
        .bind(fence)
        .bind(now)
        .execute(connection)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows > 0)
}

pub(super) async fn cancel(link: &mut Link<'_>, id: JobId, now: i64) -> Result<bool, Error> {
    const STATEMENT: &str = "
        UPDATE hyperlane_jobs SET cancelling = CASE WHEN state = 'running' THEN 1 ELSE 0 END,
            finished_at = CASE WHEN state = 'running' THEN NULL ELSE $1 END,
            state = CASE WHEN state = 'running' THEN 'running' ELSE 'cancelled' END
        WHERE id = $2 AND state IN ('ready', 'running')
    ";
    let rows = sql!(link.again(), connection => query(STATEMENT)
        .bind(now)
        .bind(id.0)
        .execute(connection)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows > 0)
}

pub(super) async fn retry(link: &mut Link<'_>, id: JobId, now: i64) -> Result<bool, Error> {
    const STATEMENT: &str = "
        UPDATE hyperlane_jobs SET state = 'ready', attempt = 0, run_at = $1, cancelling = 0, finished_at = NULL
        WHERE id = $2 AND state IN ('dead', 'cancelled')
    ";
    let rows = sql!(link.again(), connection => query(STATEMENT)
        .bind(now)
        .bind(id.0)
        .execute(connection)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows > 0)
}

pub(super) async fn purge(link: &mut Link<'_>, before: i64) -> Result<u64, Error> {
    const STATEMENT: &str =
        "DELETE FROM hyperlane_jobs WHERE finished_at < $1 AND state IN ('done', 'dead', 'cancelled')";
    Ok(sql!(link.again(), connection => query(STATEMENT)
        .bind(before)
        .execute(connection)
        .await
        .map(|done| done.rows_affected()))?)
}

type Row = (i64, String, String, i64, i64, i64, Option<String>);

pub(super) async fn get(link: &mut Link<'_>, id: JobId) -> Result<Option<JobStatus>, Error> {
    const STATEMENT: &str =
        "SELECT id, kind, state, attempt, max_attempts, run_at, last_error FROM hyperlane_jobs WHERE id = $1";
    let row: Option<Row> =
        sql!(link.again(), connection => query_as(STATEMENT).bind(id.0).fetch_optional(connection).await)?;
    row.map(status).transpose()
}

pub(super) async fn list(link: &mut Link<'_>, state: Option<JobState>, limit: i64) -> Result<Vec<JobStatus>, Error> {
    const STATEMENT: &str = "
        SELECT id, kind, state, attempt, max_attempts, run_at, last_error FROM hyperlane_jobs
        WHERE state = $1 OR $1 = '' ORDER BY id DESC LIMIT $2
    ";
    let rows: Vec<Row> = sql!(link.again(), connection => query_as(STATEMENT)
        .bind(state.map_or("", JobState::name))
        .bind(limit)
        .fetch_all(connection)
        .await)?;
    rows.into_iter().map(status).collect()
}

fn status((id, kind, state, attempt, max_attempts, run_at_ms, last_error): Row) -> Result<JobStatus, Error> {
    Ok(JobStatus {
        id: JobId(id),
        kind,
        state: state.parse()?,
        attempt,
        max_attempts,
        run_at_ms,
        last_error,
    })
}
