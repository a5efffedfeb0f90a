//! Measures an import: `cargo run --release -p hyperlane-batch --features postgres --example million -- --records 1000000`.
//!
//! `--database URL` is where to, by default an SQLite file of its own in the temporary folder; `--stored` writes the
//! source to disk first and imports it as a job. It prints how long it took and the most memory that the process ever had.

use std::{env, time::Instant};

use futures_util::{StreamExt, stream};
use hyperlane::{Body, Bytes, Error};
use hyperlane_batch::{
    Database,
    imports::{Format, Importer, Imports, OnConflict},
    jobs::{Jobs, Worker},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Person {
    email: String,
    name: String,
    age: u8,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let option = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).cloned()
    };
    let records: usize = option("--records")
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    let stored = arguments.iter().any(|argument| argument == "--stored");
    let folder = tempfile::tempdir()
        .map_err(|_| ())
        .expect("the temporary folder can be written");
    let own = format!("sqlite:{}", folder.path().join("million.sqlite").display());
    let database = Database::connect(&option("--database").unwrap_or(own)).await?;
    const TABLE: &str = "CREATE TABLE IF NOT EXISTS million_people (email TEXT PRIMARY KEY, name TEXT, age BIGINT)";
    match database.as_sqlite() {
        Some(pool) => {
            sqlx::query(TABLE).execute(pool).await?;
        }
        #[cfg(feature = "postgres")]
        None => {
            let pool = database.as_postgres().expect("there are two databases");
            sqlx::query("DROP TABLE IF EXISTS million_people").execute(pool).await?;
            sqlx::query(TABLE).execute(pool).await?;
        }
        #[cfg(not(feature = "postgres"))]
        None => unreachable!("there is one database"),
    }

    let people = Importer::<Person>::new("million")
        .into_table("million_people", ["email", "name", "age"], |person| {
            [person.email.into(), person.name.into(), person.age.into()]
        })
        .on_conflict(OnConflict::Reject);
    let jobs = Jobs::open(database).await?;
    let imports = Imports::open(&jobs, folder.path().join("sources"), [people]).await?;
    let body = body(records);
    let begun = Instant::now();
    let status = if stored {
        let import = imports.store("million", "a million", Format::CSV, body).await?;
        println!("stored after {:.1} s", begun.elapsed().as_secs_f64());
        let worker = Worker::new(&jobs).imports(&imports).start();
        let mut watch = imports.watch(import.id);
        let mut last = import;
        while let Some(status) = watch.next().await? {
            last = status;
        }
        worker.shutdown().await;
        last
    } else {
        imports.stream("million", "a million", Format::CSV, body).await?
    };
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{}: {} of {records} records written in {seconds:.1} s, {:.0} a second; most memory ever: {}",
        status.state.name(),
        status.written,
        status.written as f64 / seconds,
        peak()
    );
    Ok(())
}

/// Made as it is asked for, a thousand records at a time.
fn body(records: usize) -> Body {
    let header = stream::iter([Ok::<_, std::io::Error>(Bytes::from("email,name,age\n"))]);
    let pieces = stream::iter((0..records).step_by(1000)).map(move |start| {
        let line = |n| format!("person{n}@example.org,\"Person, number {n}\",{}\n", n % 90);
        let lines: String = (start..records.min(start + 1000)).map(line).collect();
        Ok(Bytes::from(lines))
    });
    Body::stream(header.chain(pieces))
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.map_or("not known on this system".to_owned(), |line| {
        line["VmHWM:".len()..].trim().to_owned()
    })
}
