//! What breaks in the middle of an import: its database, the disk below that, its sender, its worker.

#![expect(clippy::unwrap_used, reason = "how a test says what must hold")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use hyperlane::{Body, Bytes};
use hyperlane_batch::{
    Database,
    imports::{Format, ImportState, Imports, ReportFormat},
    jobs::{Jobs, Worker},
};
use support::{Place, people, people_csv, slow, until};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A way to a server that can be cut: what is open breaks, and what is new is refused.
async fn way_to(port: u16) -> (u16, watch::Sender<bool>) {
    let (open, cut) = watch::channel(true);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut cut = cut.clone();
            tokio::spawn(async move {
                if !*cut.borrow() {
                    return;
                }
                let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else {
                    return;
                };
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut server) => {}
                    _ = cut.wait_for(|open| !*open) => {}
                }
            });
        }
    });
    (own, open)
}

#[tokio::test]
async fn a_database_that_goes_away_and_comes_back_gets_every_record_once() {
    let test = "a_database_that_goes_away_and_comes_back_gets_every_record_once";
    let Some(place) = Place::postgres(test).await else {
        return;
    };
    let port = place
        .url
        .rsplit(':')
        .next()
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let (way, open) = way_to(port).await;
    let url = place.url.replace(&format!(":{port}/"), &format!(":{way}/"));
    let away = Jobs::open(Database::connect(&url).await.unwrap()).await.unwrap();
    let imports = Imports::open(&away, place.sources(), [slow()]).await.unwrap();
    let (_, watching) = place.imports(slow()).await;
    let importing = tokio::spawn(async move {
        let body = Body::from(people_csv(20_000));
        imports.stream("people", "", Format::CSV, body).await
    });
    let id = loop {
        if let Some(status) = watching.list(1).await.unwrap().first() {
            break status.id;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let mut seen = 0;
    for _ in 0..4 {
        let status = until(&watching, id, |status| status.written > seen + 1500).await;
        open.send_replace(false);
        seen = status.written;
        // It must be noticed, or nothing would have been tried.
        tokio::time::sleep(Duration::from_millis(300)).await;
        open.send_replace(true);
    }
    let status = importing.await.unwrap().unwrap();
    assert_eq!(
        (status.state, status.written, status.rejected),
        (ImportState::Done, 20_000, 0),
        "{status:?}"
    );
    place.assert_people(20_000).await;
}

#[tokio::test]
async fn a_database_that_stays_away_makes_a_stored_import_wait_and_not_fail() {
    let test = "a_database_that_stays_away_makes_a_stored_import_wait_and_not_fail";
    let Some(place) = Place::postgres(test).await else {
        return;
    };
    let (jobs, imports) = place.imports(slow().patience(Duration::ZERO)).await;
    let worker = Worker::new(&jobs)
        .imports(&imports)
        .lease(Duration::from_secs(1))
        .retry_after(Duration::from_millis(100))
        .start();
    let body = Body::from(people_csv(10_000));
    let import = imports.store("people", "", Format::CSV, body).await.unwrap();
    let mut seen = 0;
    for _ in 0..3 {
        seen = until(&imports, import.id, |status| status.written > seen + 500)
            .await
            .written;
        place
            .texts("SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
            .await;
    }
    let status = until(&imports, import.id, |status| status.state.is_final()).await;
    assert_eq!(
        (status.state, status.written),
        (ImportState::Done, 10_000),
        "{status:?}"
    );
    place.assert_people(10_000).await;
    worker.shutdown().await;
}

#[tokio::test]
async fn a_database_whose_disk_is_full_goes_on_when_there_is_room() {
    let place = Place::sqlite().await;
    let pool = place.database.as_sqlite().unwrap().clone();
    // Each connection has its own limit: one connection, then.
    let url = format!("{}?mode=rw", place.url);
    let options = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    let single = options.connect(&url).await.unwrap();
    let jobs = Jobs::open(single.clone().into()).await.unwrap();
    let imports = Imports::open(&jobs, place.sources(), [people().batch(10)])
        .await
        .unwrap();
    let limit = |pages: i64| format!("PRAGMA max_page_count = {pages}");
    sqlx::query(&limit(100)).execute(&single).await.unwrap();
    let importing = {
        let imports = imports.clone();
        tokio::spawn(async move {
            let body = Body::from(people_csv(5000));
            imports.stream("people", "", Format::CSV, body).await
        })
    };
    let stuck = async {
        loop {
            let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM people")
                .fetch_one(&pool)
                .await
                .unwrap();
            let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&pool).await.unwrap();
            if rows > 0 && pages >= 95 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(support::PATIENCE, stuck).await.unwrap();
    assert!(!importing.is_finished());
    sqlx::query(&limit(1_000_000)).execute(&single).await.unwrap();
    let status = importing.await.unwrap().unwrap();
    assert_eq!((status.state, status.written), (ImportState::Done, 5000), "{status:?}");
    place.assert_people(5000).await;
}

#[tokio::test]
async fn a_sender_that_leaves_ends_its_import_and_what_was_committed_stays() {
    let place = Place::sqlite().await;
    let (_, imports) = place.imports(people().batch(10)).await;
    let pieces = [
        Ok(Bytes::from(people_csv(50))),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ];
    let body = Body::stream(stream::iter(pieces));
    let status = imports.stream("people", "", Format::CSV, body).await.unwrap();
    assert_eq!((status.state, status.written), (ImportState::Failed, 50));
    assert!(
        status
            .reason
            .as_deref()
            .unwrap()
            .starts_with("reading the source failed"),
        "{status:?}"
    );

    // And where the server notices first and drops the handler.
    let silent = Body::stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let stalled = imports.stream("people", "", Format::CSV, silent);
    assert!(tokio::time::timeout(Duration::from_millis(50), stalled).await.is_err());
    let id = imports.list(1).await.unwrap()[0].id;
    let status = until(&imports, id, |status| status.state.is_final()).await;
    assert_eq!(status.reason.as_deref(), Some("its sender has left"));
}

#[tokio::test]
async fn an_import_whose_job_is_gone_has_failed_and_can_be_gone_on_with() {
    let place = Place::sqlite().await;
    let (jobs, imports) = place.imports(people()).await;
    let body = Body::from(people_csv(10));
    let import = imports.store("people", "", Format::CSV, body).await.unwrap();
    place
        .run("UPDATE hyperlane_jobs SET state = 'dead', finished_at = 1")
        .await;
    assert_eq!(jobs.purge(Duration::ZERO).await.unwrap(), 1);
    let status = imports.status(import.id).await.unwrap().unwrap();
    assert_eq!(status.state, ImportState::Failed, "{status:?}");
    assert!(imports.retry(import.id).await.unwrap());
    let status = imports.status(import.id).await.unwrap().unwrap();
    assert_eq!(status.state, ImportState::Waiting, "{status:?}");
}

#[tokio::test]
async fn a_database_that_is_busy_holds_the_sender_up() {
    let place = Place::sqlite().await;
    let (_, imports) = place.imports(people().batch(100)).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let header = stream::iter([Ok(Bytes::from("email,name,age\n"))]);
    let pieces = stream::iter(0..5000_usize).map({
        let sent = sent.clone();
        move |piece| {
            sent.store(piece, SeqCst);
            let line = |n| format!("p{n}@example.org,{},{}\n", "x".repeat(900), n % 90);
            let lines: String = (piece * 10..piece * 10 + 10).map(line).collect();
            Ok::<_, std::io::Error>(Bytes::from(lines))
        }
    });
    let body = Body::stream(header.chain(pieces));
    let lock = place.database.begin().await.unwrap();
    let importing = tokio::spawn({
        let imports = imports.clone();
        async move { imports.stream("people", "", Format::CSV, body).await }
    });
    // The import's own row waits for the lock, too: nothing at all is read.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(sent.load(SeqCst), 0);
    lock.commit().await.unwrap();
    let id = loop {
        if let Some(status) = imports
            .list(1)
            .await
            .unwrap()
            .first()
            .filter(|status| status.written > 0)
        {
            break status.id;
        }
        tokio::task::yield_now().await;
    };
    let lock = place.database.begin().await.unwrap();
    let written = imports.status(id).await.unwrap().unwrap().written;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let ahead = sent.load(SeqCst) * 10 - usize::try_from(written).unwrap();
    // Three batches of a hundred, and two buffers of 64 KiB.
    assert!(ahead < 300 + 200, "{ahead} records were read ahead");
    lock.commit().await.unwrap();
    let status = importing.await.unwrap().unwrap();
    assert_eq!(
        (status.state, status.written),
        (ImportState::Done, 50_000),
        "{status:?}"
    );
    place.assert_people(50_000).await;
}

#[tokio::test]
async fn a_cancelled_import_stops_and_can_be_gone_on_with() {
    let place = Place::sqlite().await;
    let (jobs, imports) = place.imports(slow()).await;
    let worker = Worker::new(&jobs).imports(&imports).start();
    let body = Body::from(people_csv(10_000));
    let import = imports.store("people", "", Format::CSV, body).await.unwrap();
    until(&imports, import.id, |status| status.written > 1000).await;
    assert!(imports.cancel(import.id).await.unwrap());
    assert!(!imports.cancel(import.id).await.unwrap());
    let cancelled = imports.status(import.id).await.unwrap().unwrap();
    assert_eq!(cancelled.state, ImportState::Cancelled);
    assert!(cancelled.stored && cancelled.written < 10_000);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(
        i64::try_from(cancelled.written).unwrap(),
        place.number("SELECT COUNT(*) FROM people").await
    );

    assert!(imports.retry(import.id).await.unwrap());
    assert!(!imports.retry(import.id).await.unwrap());
    let status = until(&imports, import.id, |status| status.state.is_final()).await;
    assert_eq!(
        (status.state, status.written),
        (ImportState::Done, 10_000),
        "{status:?}"
    );
    place.assert_people(10_000).await;
    worker.shutdown().await;
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_gives_the_import_to_the_next() {
    let place = Place::sqlite().await;
    let (jobs, imports) = place.imports(slow()).await;
    let first = Worker::new(&jobs).imports(&imports).start();
    let body = Body::from(people_csv(10_000));
    let import = imports.store("people", "", Format::CSV, body).await.unwrap();
    until(&imports, import.id, |status| status.written > 1000).await;
    tokio::time::timeout(Duration::from_secs(3), first.shutdown())
        .await
        .unwrap();
    assert_eq!(
        imports.status(import.id).await.unwrap().unwrap().state,
        ImportState::Waiting
    );

    let next = Worker::new(&jobs).imports(&imports).start();
    let status = until(&imports, import.id, |status| status.state.is_final()).await;
    assert_eq!(
        (status.state, status.written),
        (ImportState::Done, 10_000),
        "{status:?}"
    );
    place.assert_people(10_000).await;
    assert!(imports.remove(import.id).await.unwrap());
    assert!(imports.status(import.id).await.unwrap().is_none());
    let gone = imports.report(import.id, ReportFormat::Csv).await.unwrap_err();
    assert!(gone.is_unknown(), "{gone}");
    next.shutdown().await;
}

#[tokio::test]
async fn a_sender_that_leaves_while_its_import_is_written_leaves_no_file_behind() {
    let place = Place::sqlite().await;
    let (jobs, imports) = place.imports(people()).await;
    let lock = place.database.begin().await.unwrap();
    let storing = imports.store("people", "", Format::CSV, Body::from(people_csv(10)));
    assert!(tokio::time::timeout(Duration::from_millis(500), storing).await.is_err());
    lock.commit().await.unwrap();
    let worker = Worker::new(&jobs).imports(&imports).start();
    let files = || std::fs::read_dir(place.sources()).unwrap().count();
    let gone = async {
        while files() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(support::PATIENCE, gone).await.unwrap();
    worker.shutdown().await;
}
