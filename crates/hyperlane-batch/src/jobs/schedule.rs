//! Jobs that come again and again: a `cron` expression and what is enqueued when its time has come.
//!
//! The next time stands in the database. Of several workers, on however many machines, the one that moves it on enqueues
//! the job, in the same transaction. Times that went by while no worker ran are made up for by one job, not by all.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use croner::Cron;
use sqlx::{query, query_as};

use super::{Jobs, NewJob, store};
use crate::{
    database::{Link, sql},
    error::Error,
};

#[derive(Debug, Clone)]
pub(super) struct Schedule {
    name: String,
    expression: String,
    cron: Cron,
    job: NewJob,
}

impl Schedule {
    pub(super) fn new(name: &str, expression: &str, job: NewJob) -> Result<Self, Error> {
        let cron = Cron::from_str(expression)
            .map_err(|error| Error::misuse(format!("the schedule {name:?} can't be read: {expression:?}: {error}")))?;
        let schedule = Self {
            name: name.to_owned(),
            expression: expression.to_owned(),
            cron,
            job,
        };
        // Such as the 30th of February.
        schedule.next_after(0)?;
        if let Err(reason) = &schedule.job.payload {
            return Err(Error::misuse(format!(
                "the job of the schedule {name:?} can't be JSON: {reason}"
            )));
        }
        Ok(schedule)
    }

    /// The first time after this one, both in milliseconds since 1970, in UTC.
    fn next_after(&self, now: i64) -> Result<i64, Error> {
        let never = || {
            Error::misuse(format!(
                "the schedule {:?} never comes: {:?}",
                self.name, self.expression
            ))
        };
        let now: DateTime<Utc> = DateTime::from_timestamp_millis(now).ok_or_else(never)?;
        let next = self.cron.find_next_occurrence(&now, false).map_err(|_| never())?;
        Ok(next.timestamp_millis())
    }

    /// Enqueues the job if its time has come. Tells whether it did.
    pub(super) async fn tick(&self, jobs: &Jobs) -> Result<bool, Error> {
        const READ: &str = "SELECT next_at FROM hyperlane_schedules WHERE name = $1 AND cron = $2";
        const FIRST: &str = "
            INSERT INTO hyperlane_schedules (name, next_at, cron) VALUES ($1, $2, $3)
            ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at, cron = excluded.cron
            WHERE hyperlane_schedules.cron <> excluded.cron
        ";
        const MOVE: &str = "UPDATE hyperlane_schedules SET next_at = $1 WHERE name = $2 AND next_at = $3 AND cron = $4";
        let now = jobs.clock().now();
        let due: Option<(i64,)> = sql!(jobs.database().acquire().await?.link(), connection => query_as(READ)
            .bind(&self.name)
            .bind(&self.expression)
            .fetch_optional(connection)
            .await)?;
        // An expression with a year has a last time.
        let next = self.next_after(now).unwrap_or(i64::MAX);
        let Some((due,)) = due else {
            // New, or changed in the program: the times of the old expression no longer count.
            sql!(jobs.database().acquire().await?.link(), connection => query(FIRST)
                .bind(&self.name)
                .bind(next)
                .bind(&self.expression)
                .execute(connection)
                .await
                .map(|_| ()))?;
            return Ok(false);
        };
        if due > now {
            return Ok(false);
        }
        let mut transaction = jobs.database().begin().await?;
        let mut link: Link<'_> = transaction.link();
        let moved = sql!(link.again(), connection => query(MOVE)
            .bind(next)
            .bind(&self.name)
            .bind(due)
            .bind(&self.expression)
            .execute(connection)
            .await
            .map(|done| done.rows_affected()))?;
        if moved == 0 {
            return Ok(false);
        }
        store::insert(&mut link, &self.job, now).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    };

    use super::*;
    use crate::{clock::Clock, database::Database};

    const DAY: i64 = 24 * 60 * 60 * 1000;

    fn nightly() -> Schedule {
        Schedule::new("nightly", "0 3 * * *", NewJob::new("clean", &())).expect("it can be read")
    }

    async fn two_workers(time: &Arc<AtomicI64>) -> (tempfile::TempDir, Jobs, Jobs) {
        let folder = tempfile::tempdir().expect("there is room");
        let url = format!("sqlite:{}", folder.path().join("jobs.sqlite").display());
        let open = async || {
            let database = Database::connect(&url).await.expect("a file");
            Jobs::open_with(database, Clock::by_hand(time.clone()))
                .await
                .expect("tables")
        };
        let (one, other) = (open().await, open().await);
        (folder, one, other)
    }

    #[test]
    fn the_next_time_is_in_utc() {
        assert_eq!(nightly().next_after(0).expect("it comes"), 3 * 60 * 60 * 1000);
        assert_eq!(
            nightly().next_after(3 * 60 * 60 * 1000).expect("it comes"),
            DAY + 3 * 60 * 60 * 1000
        );
    }

    #[test]
    fn a_schedule_that_cannot_be_read_or_never_comes_is_told() {
        for (expression, told) in [("every night", "can't be read"), ("0 3 30 2 *", "never comes")] {
            let error = Schedule::new("nightly", expression, NewJob::new("clean", &())).expect_err("it is wrong");
            let text = error.to_string();
            assert!(
                error.is_misuse() && text.contains(told) && text.contains(expression),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn of_two_workers_one_enqueues_and_missed_times_are_made_up_for_once() {
        let time = Arc::new(AtomicI64::new(0));
        let (_folder, one, other) = two_workers(&time).await;
        let nightly = nightly();
        assert!(!nightly.tick(&one).await.expect("first"), "it is not yet three");
        time.store(4 * 60 * 60 * 1000, SeqCst);
        let both = tokio::join!(nightly.tick(&one), nightly.tick(&other));
        assert!(both.0.expect("one") ^ both.1.expect("other"));

        // Ten nights without a worker.
        time.store(10 * DAY, SeqCst);
        assert!(nightly.tick(&one).await.expect("late"));
        assert!(!nightly.tick(&one).await.expect("again"));
        assert_eq!(one.list(None, 100).await.expect("a list").len(), 2);
    }

    #[tokio::test]
    async fn the_last_time_of_an_expression_with_a_year_is_not_missed() {
        let time = Arc::new(AtomicI64::new(0));
        let (_folder, jobs, _) = two_workers(&time).await;
        let once = Schedule::new("once", "0 0 0 2 1 * 1970", NewJob::new("clean", &())).expect("it can be read");
        assert!(!once.tick(&jobs).await.expect("first"));
        time.store(DAY, SeqCst);
        assert!(once.tick(&jobs).await.expect("due"));
        time.store(2 * DAY, SeqCst);
        assert!(!once.tick(&jobs).await.expect("never again"));
    }

    #[tokio::test]
    async fn a_changed_expression_begins_anew() {
        let time = Arc::new(AtomicI64::new(0));
        let (_folder, jobs, _) = two_workers(&time).await;
        nightly().tick(&jobs).await.expect("first");
        let hourly = Schedule::new("nightly", "0 * * * *", NewJob::new("clean", &())).expect("it can be read");
        time.store(DAY - 1, SeqCst);
        assert!(!hourly.tick(&jobs).await.expect("changed"));
        time.store(DAY, SeqCst);
        assert!(hourly.tick(&jobs).await.expect("due"));
    }
}
