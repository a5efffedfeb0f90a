//! The queue, on both databases: what is enqueued is done, whoever dies.

#![expect(clippy::unwrap_used, reason = "how a test says what must hold")]

mod support;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use hyperlane_batch::jobs::{Job, JobError, JobState, Jobs, NewJob, Worker};
use support::Place;

async fn places(test: &str) -> Vec<Place> {
    let mut places = vec![Place::sqlite().await];
    places.extend(Place::postgres(test).await);
    places
}

async fn ended(jobs: &Jobs, id: hyperlane_batch::jobs::JobId) -> hyperlane_batch::jobs::JobStatus {
    tokio::time::timeout(support::PATIENCE, jobs.finished(id))
        .await
        .unwrap()
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_job_is_there_if_and_only_if_its_transaction_commits() {
    for place in places("a_job_is_there_if_and_only_if_its_transaction_commits").await {
        let jobs = place.jobs().await;
        let job = NewJob::new("mail", &"ann");
        let mut transaction = place.database.begin().await.unwrap();
        jobs.enqueue(&mut transaction, &job).await.unwrap();
        drop(transaction);
        assert!(jobs.list(None, 10).await.unwrap().is_empty());

        // In a transaction of the user's own `sqlx`, beside other statements.
        if let Some(pool) = place.database.as_sqlite() {
            let mut transaction = pool.begin().await.unwrap();
            jobs.enqueue(&mut transaction, &job).await.unwrap();
            transaction.commit().await.unwrap();
        } else {
            let mut transaction = place.database.as_postgres().unwrap().begin().await.unwrap();
            jobs.enqueue(&mut transaction, &job).await.unwrap();
            transaction.commit().await.unwrap();
        }
        assert_eq!(jobs.list(Some(JobState::Ready), 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn keys_keep_jobs_from_being_written_twice() {
    for place in places("keys_keep_jobs_from_being_written_twice").await {
        let jobs = place.jobs().await;
        let unique = NewJob::new("count", &()).unique("one at a time");
        let first = jobs.enqueue_now(&unique).await.unwrap();
        assert_eq!(jobs.enqueue_now(&unique).await.unwrap(), first);
        let once = NewJob::new("count", &()).idempotency_key("request 7");
        let only = jobs.enqueue_now(&once).await.unwrap();

        let worker = Worker::new(&jobs)
            .handle("count", async |_: Job, (): ()| Ok(()))
            .start();
        assert!(ended(&jobs, first).await.is_done() && ended(&jobs, only).await.is_done());
        assert_ne!(
            jobs.enqueue_now(&unique).await.unwrap(),
            first,
            "the first one has ended"
        );
        assert_eq!(jobs.enqueue_now(&once).await.unwrap(), only, "also after it has ended");
        worker.shutdown().await;
    }
}

#[tokio::test]
async fn a_job_that_fails_is_tried_again_then_dead_and_runs_again_by_hand() {
    for place in places("a_job_that_fails_is_tried_again_then_dead_and_runs_again_by_hand").await {
        let jobs = place.jobs().await;
        let tries = Arc::new(AtomicUsize::new(0));
        let worker = Worker::new(&jobs)
            .handle("call", {
                let tries = tries.clone();
                move |job: Job, (): ()| {
                    let tries = tries.clone();
                    async move {
                        assert_ne!(job.attempt(), 2, "a panic counts as well");
                        match tries.fetch_add(1, SeqCst) {
                            0 | 1 => Err(std::io::Error::other("nobody answers").into()),
                            _ => Ok(()),
                        }
                    }
                }
            })
            .retry_after(Duration::from_millis(5))
            .poll(Duration::from_millis(5))
            .start();
        let id = jobs
            .enqueue_now(&NewJob::new("call", &()).max_attempts(3))
            .await
            .unwrap();
        let status = ended(&jobs, id).await;
        assert_eq!((status.state(), status.attempt()), (JobState::Dead, 3));
        assert_eq!(status.last_error(), Some("nobody answers"));
        assert!(jobs.retry(id).await.unwrap());
        assert!(ended(&jobs, id).await.is_done());
        assert!(!jobs.retry(id).await.unwrap());

        // What is not what its handler takes would not be so the next time.
        let id = jobs.enqueue_now(&NewJob::new("call", &"text")).await.unwrap();
        let status = ended(&jobs, id).await;
        assert_eq!((status.state(), status.attempt()), (JobState::Dead, 1));
        assert!(
            status
                .last_error()
                .unwrap()
                .starts_with("the payload is not what the handler takes")
        );
        worker.shutdown().await;
        // Those that ended in an earlier millisecond.
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(jobs.purge(Duration::ZERO).await.unwrap(), 2);
        assert!(jobs.list(None, 10).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn workers_that_share_a_queue_do_each_job_once() {
    const JOBS: usize = 300;
    for place in places("workers_that_share_a_queue_do_each_job_once").await {
        let done: Arc<Mutex<HashMap<usize, usize>>> = Arc::default();
        let mut workers = Vec::new();
        for _ in 0..3 {
            // Each with a queue of its own, as on machines of their own.
            let jobs = Jobs::open(hyperlane_batch::Database::connect(&place.url).await.unwrap())
                .await
                .unwrap();
            let done = done.clone();
            let worker = Worker::new(&jobs).concurrency(8).poll(Duration::from_millis(10));
            workers.push(
                worker
                    .handle("count", move |_: Job, number: usize| {
                        let done = done.clone();
                        async move {
                            tokio::time::sleep(Duration::from_millis(1)).await;
                            *done.lock().unwrap().entry(number).or_default() += 1;
                            Ok(())
                        }
                    })
                    .start(),
            );
        }
        let jobs = place.jobs().await;
        let mut transaction = place.database.begin().await.unwrap();
        let mut last = None;
        for number in 0..JOBS {
            last = Some(
                jobs.enqueue(&mut transaction, &NewJob::new("count", &number))
                    .await
                    .unwrap(),
            );
        }
        transaction.commit().await.unwrap();
        ended(&jobs, last.unwrap()).await;
        let all = async {
            while place
                .number("SELECT COUNT(*) FROM hyperlane_jobs WHERE state = 'done'")
                .await
                < 300
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(support::PATIENCE, all).await.unwrap();
        for worker in &workers {
            worker.shutdown().await;
        }
        let done = done.lock().unwrap();
        assert_eq!(done.len(), JOBS);
        assert!(done.values().all(|times| *times == 1), "{done:?}");
    }
}

#[tokio::test]
async fn a_job_whose_holder_is_silent_is_taken_over_and_its_first_holder_can_end_nothing() {
    for place in places("a_job_whose_holder_is_silent_is_taken_over_and_its_first_holder_can_end_nothing").await {
        let jobs = place.jobs().await;
        let id = jobs.enqueue_now(&NewJob::new("write", &())).await.unwrap();
        // What a process that has died leaves behind.
        place
            .run("UPDATE hyperlane_jobs SET state = 'running', attempt = 1, fence = 1, lease_until = 1")
            .await;
        let fences: Arc<Mutex<Vec<Job>>> = Arc::default();
        let worker = Worker::new(&jobs)
            .handle("write", {
                let (fences, database) = (fences.clone(), place.database.clone());
                move |job: Job, (): ()| {
                    let (fences, database) = (fences.clone(), database.clone());
                    async move {
                        fences.lock().unwrap().push(job.clone());
                        let mut transaction = database.begin().await?;
                        job.complete(&mut transaction).await?;
                        transaction.commit().await?;
                        // The work and its end have happened together, whatever comes now.
                        Err(JobError::retry("too late to fail"))
                    }
                }
            })
            .start();
        let status = ended(&jobs, id).await;
        assert_eq!((status.state(), status.attempt()), (JobState::Done, 2));
        worker.shutdown().await;
        assert_eq!(jobs.get(id).await.unwrap().unwrap().state(), JobState::Done);
        let job = fences.lock().unwrap()[0].clone();
        let mut transaction = place.database.begin().await.unwrap();
        assert!(
            job.complete(&mut transaction).await.unwrap_err().is_unknown(),
            "it has ended already"
        );
    }
}

#[tokio::test]
async fn a_job_that_takes_its_process_down_each_time_is_buried() {
    for place in places("a_job_that_takes_its_process_down_each_time_is_buried").await {
        let jobs = place.jobs().await;
        let id = jobs
            .enqueue_now(&NewJob::new("crash", &()).max_attempts(2))
            .await
            .unwrap();
        place
            .run("UPDATE hyperlane_jobs SET state = 'running', attempt = 2, fence = 2, lease_until = 1")
            .await;
        let worker = Worker::new(&jobs)
            .handle("crash", async |_: Job, (): ()| Ok(()))
            .start();
        let status = ended(&jobs, id).await;
        assert_eq!(status.state(), JobState::Dead);
        assert_eq!(
            status.last_error(),
            Some("the process that ran the last attempt has died")
        );
        worker.shutdown().await;
    }
}

#[tokio::test]
async fn a_shutdown_gives_back_what_is_not_done_in_time_and_it_does_not_count() {
    for place in places("a_shutdown_gives_back_what_is_not_done_in_time_and_it_does_not_count").await {
        let jobs = place.jobs().await;
        let (started, mut begun) = tokio::sync::mpsc::unbounded_channel();
        let worker = Worker::new(&jobs)
            .handle("forever", {
                let started = started.clone();
                move |_: Job, (): ()| {
                    let _ = started.send(());
                    std::future::pending::<Result<(), JobError>>()
                }
            })
            .handle("polite", move |job: Job, (): ()| {
                let _ = started.send(());
                async move {
                    job.stopping().await;
                    Err(JobError::give_back())
                }
            })
            .grace(Duration::from_millis(100))
            .start();
        let ids = [
            jobs.enqueue_now(&NewJob::new("forever", &())).await.unwrap(),
            jobs.enqueue_now(&NewJob::new("polite", &())).await.unwrap(),
        ];
        begun.recv().await.unwrap();
        begun.recv().await.unwrap();
        tokio::time::timeout(Duration::from_secs(5), worker.shutdown())
            .await
            .unwrap();
        for id in ids {
            let status = jobs.get(id).await.unwrap().unwrap();
            assert_eq!((status.state(), status.attempt()), (JobState::Ready, 0), "{status:?}");
        }
    }
}

#[tokio::test]
async fn a_job_is_cancelled_before_and_while_it_runs_here_and_elsewhere() {
    for place in places("a_job_is_cancelled_before_and_while_it_runs_here_and_elsewhere").await {
        let jobs = place.jobs().await;
        let waiting = jobs
            .enqueue_now(&NewJob::new("forever", &()).delay(Duration::from_secs(60)))
            .await
            .unwrap();
        assert!(jobs.cancel(waiting).await.unwrap());
        assert_eq!(jobs.get(waiting).await.unwrap().unwrap().state(), JobState::Cancelled);

        let (started, mut begun) = tokio::sync::mpsc::unbounded_channel();
        let worker = Worker::new(&jobs)
            .handle("forever", move |_: Job, (): ()| {
                let _ = started.send(());
                std::future::pending::<Result<(), JobError>>()
            })
            .lease(Duration::from_secs(1))
            .start();
        let elsewhere = place.jobs().await;
        for canceller in [&jobs, &elsewhere] {
            let id = jobs.enqueue_now(&NewJob::new("forever", &())).await.unwrap();
            begun.recv().await.unwrap();
            assert!(canceller.cancel(id).await.unwrap());
            assert_eq!(ended(&jobs, id).await.state(), JobState::Cancelled);
        }
        worker.shutdown().await;
    }
}

#[tokio::test]
async fn a_schedule_is_kept_by_a_worker() {
    for place in places("a_schedule_is_kept_by_a_worker").await {
        let jobs = place.jobs().await;
        let (ran, mut runs) = tokio::sync::mpsc::unbounded_channel();
        let worker = Worker::new(&jobs)
            .handle("tick", move |_: Job, (): ()| {
                let _ = ran.send(());
                async { Ok(()) }
            })
            .schedule("every second", "* * * * * *", NewJob::new("tick", &()))
            .unwrap()
            .poll(Duration::from_millis(20))
            .start();
        for _ in 0..2 {
            tokio::time::timeout(support::PATIENCE, runs.recv())
                .await
                .unwrap()
                .unwrap();
        }
        worker.shutdown().await;
    }
}

#[tokio::test]
async fn a_job_that_was_cancelled_elsewhere_just_before_its_attempt_failed_ends() {
    for place in places("a_job_that_was_cancelled_elsewhere_just_before_its_attempt_failed_ends").await {
        let (jobs, elsewhere) = (place.jobs().await, place.jobs().await);
        let worker = Worker::new(&jobs)
            .handle("fails", move |job: Job, (): ()| {
                let elsewhere = elsewhere.clone();
                async move {
                    assert!(elsewhere.cancel(job.id()).await?);
                    Err(JobError::retry("not now"))
                }
            })
            .retry_after(Duration::ZERO)
            .start();
        let id = jobs.enqueue_now(&NewJob::new("fails", &())).await.unwrap();
        assert_eq!(ended(&jobs, id).await.state(), JobState::Cancelled);
        worker.shutdown().await;
    }
}
