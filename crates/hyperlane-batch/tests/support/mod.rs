//! What the tests share: databases, the table that is imported into, and waiting for a condition.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

#[path = "../../../../apps/showcase/tests/support/postgres.rs"]
mod postgres;

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use hyperlane_batch::{
    Database,
    imports::{ImportId, ImportStatus, Importer, Imports, TableImporter},
    jobs::Jobs,
};
pub(crate) use postgres::Postgres;
use serde::Deserialize;
use tempfile::TempDir;

/// How long something may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A database with the table `people`, and a folder for sources.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) url: String,
    pub(crate) database: Database,
    pub(crate) server: Option<Postgres>,
}

impl Place {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("batch.sqlite").display());
        Self::with(folder, url, None).await
    }

    /// PostgreSQL, or `None` after saying that `test` is skipped for want of it.
    pub(crate) async fn postgres(test: &str) -> Option<Self> {
        let Some(programs) = postgres::programs() else {
            let must_run = env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
            assert!(!must_run, "{test} needs postgresql, which is not installed");
            // Not through `eprintln`, which the test harness keeps to itself when the test passes.
            let _ = writeln!(io::stderr(), "SKIPPED: {test} needs postgresql, which is not installed");
            return None;
        };
        let server = Postgres::start(&programs);
        let url = server.url();
        Some(Self::with(tempfile::tempdir().unwrap(), url, Some(server)).await)
    }

    async fn with(folder: TempDir, url: String, server: Option<Postgres>) -> Self {
        let database = Database::connect(&url).await.unwrap();
        let place = Self {
            folder,
            url,
            database,
            server,
        };
        place
            .run("CREATE TABLE people (email TEXT PRIMARY KEY, name TEXT NOT NULL, age BIGINT)")
            .await;
        place
    }

    pub(crate) fn sources(&self) -> PathBuf {
        self.folder.path().join("sources")
    }

    pub(crate) async fn jobs(&self) -> Jobs {
        Jobs::open(self.database.clone()).await.unwrap()
    }

    pub(crate) async fn imports(&self, importer: TableImporter) -> (Jobs, Imports) {
        let jobs = self.jobs().await;
        let imports = Imports::open(&jobs, self.sources(), [importer]).await.unwrap();
        (jobs, imports)
    }

    pub(crate) async fn run(&self, statement: &str) {
        match self.database.as_sqlite() {
            Some(pool) => {
                sqlx::query(statement).execute(pool).await.unwrap();
            }
            None => {
                let pool = self.database.as_postgres().unwrap();
                sqlx::query(statement).execute(pool).await.unwrap();
            }
        }
    }

    pub(crate) async fn number(&self, query: &str) -> i64 {
        match self.database.as_sqlite() {
            Some(pool) => sqlx::query_scalar(query).fetch_one(pool).await.unwrap(),
            None => sqlx::query_scalar(query)
                .fetch_one(self.database.as_postgres().unwrap())
                .await
                .unwrap(),
        }
    }

    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        match self.database.as_sqlite() {
            Some(pool) => sqlx::query_scalar(query).fetch_all(pool).await.unwrap(),
            None => sqlx::query_scalar(query)
                .fetch_all(self.database.as_postgres().unwrap())
                .await
                .unwrap(),
        }
    }

    /// That each of `count` records of [`people_csv`] is there, once.
    pub(crate) async fn assert_people(&self, count: i64) {
        assert_eq!(self.number("SELECT COUNT(*) FROM people").await, count);
        assert_eq!(self.number("SELECT COUNT(DISTINCT email) FROM people").await, count);
        let sum = self.number("SELECT CAST(SUM(age) AS BIGINT) FROM people").await;
        assert_eq!(sum, (0..count).map(|n| n % 90).sum::<i64>());
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) age: Option<u8>,
}

pub(crate) fn people() -> TableImporter {
    Importer::<Person>::new("people").into_table("people", ["email", "name", "age"], |person| {
        [person.email.into(), person.name.into(), person.age.into()]
    })
}

/// So many people, each with an address of their own.
pub(crate) fn people_csv(count: usize) -> String {
    let mut csv = String::from("email,name,age\n");
    for n in 0..count {
        csv.push_str(&format!("p{n}@example.org,\"Person, number {n}\",{}\n", n % 90));
    }
    csv
}

/// Waits until an import is as wanted.
pub(crate) async fn until(imports: &Imports, id: ImportId, wanted: impl Fn(&ImportStatus) -> bool) -> ImportStatus {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            let status = imports.status(id).await.unwrap().unwrap();
            if wanted(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    match waited.await {
        Ok(status) => status,
        Err(_) => panic!("still {:?}", imports.status(id).await),
    }
}

/// Lines of the report: line, field, reason.
pub(crate) async fn report(imports: &Imports, id: ImportId) -> Vec<(u64, String, String)> {
    let report = imports
        .report(id, hyperlane_batch::imports::ReportFormat::Ndjson)
        .await
        .unwrap();
    let bytes = report.into_body().bytes().await.unwrap();
    let line = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        (
            value["line"].as_u64().unwrap(),
            value["field"].as_str().unwrap().to_owned(),
            value["reason"].as_str().unwrap().to_owned(),
        )
    };
    std::str::from_utf8(&bytes).unwrap().lines().map(line).collect()
}

/// Some seconds for some ten thousand records, so that there is a middle to break in.
pub(crate) fn slow() -> TableImporter {
    Importer::<Person>::new("people")
        .map(32, async |person| {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(person)
        })
        .into_table("people", ["email", "name", "age"], |person| {
            [person.email.into(), person.name.into(), person.age.into()]
        })
        .batch(100)
}
