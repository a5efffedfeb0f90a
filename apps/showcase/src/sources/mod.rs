//! The three sources of the demos: a query, a call, a file.
//!
//! Each does its work for real (SQL, HTTP, a read on the file system) and then waits for its service
//! time, so that the picture is the same on every machine: 200 ms for the database, 300 ms for the
//! partner and 100 ms for the file, times the showcase's scale. The wait comes after the work and
//! outside of what the work holds (a pooled connection, a thread of the blocking pool).
//!
//! Called by the handlers of `/async-data` and `/sync-data`:
//!
//! ```no_run
//! # async fn run(sources: showcase::sources::Sources) -> Result<(), showcase::sources::SourceError> {
//! let answers = sources.concurrently().await?;
//! println!("{} in {:?}", answers.database.data, answers.total);
//! # Ok(())
//! # }
//! ```

mod database;
mod file;
mod notes;
mod partner;

use std::{
    error::Error,
    fmt, fs,
    time::{Duration, Instant},
};

use hyperlane::middleware::SqliteStore;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::sleep;

pub(crate) use self::{
    database::Database,
    file::ConfigFile,
    notes::StoredNote,
    partner::{Partner, SLOW_ANSWER},
};
use crate::args::Args;

/// The boxed cause of a source's failure.
type Cause = Box<dyn Error + Send + Sync>;

/// The three sources, open and ready.
#[derive(Debug)]
pub struct Sources {
    database: Database,
    sessions: SqliteStore,
    partner: Partner,
    file: ConfigFile,
    service_times: ServiceTimes,
}

impl Sources {
    /// Opens the database (creating and filling it on the first run), the partner and the file.
    ///
    /// # Errors
    ///
    /// When the data folder can't be written, or a source can't be reached; the message says which.
    pub async fn open(args: &Args) -> Result<Self, SourceError> {
        fs::create_dir_all(&args.data_dir).map_err(|error| {
            let folder = args.data_dir.display();
            SourceError::new(
                "data folder",
                format!("cannot create {folder}: {error}; choose another with --data-dir"),
            )
        })?;
        let database = Database::open(args.database_url.as_deref(), &args.data_dir)
            .await
            .map_err(|cause| SourceError::new(DATABASE, cause))?;
        let sessions = database
            .sessions(&args.data_dir)
            .await
            .map_err(|cause| SourceError::new("sessions", cause))?;
        Ok(Self {
            database,
            sessions,
            partner: Partner::open(args.partner_url.as_deref())
                .await
                .map_err(|cause| SourceError::new(PARTNER, cause))?,
            file: ConfigFile::open(&args.data_dir).map_err(|cause| SourceError::new(FILE, cause))?,
            service_times: ServiceTimes::scaled(args.scale),
        })
    }

    /// Asks all three at once: the answer takes as long as the slowest.
    ///
    /// # Errors
    ///
    /// When a source fails; the others are still waited for, and the first failure is returned.
    pub async fn concurrently(&self) -> Result<Answers, SourceError> {
        let start = Instant::now();
        let (database, partner, file) =
            tokio::join!(self.ask_database(start), self.ask_partner(start), self.ask_file(start));
        Ok(Answers {
            database: database?,
            partner: partner?,
            file: file?,
            total: start.elapsed(),
        })
    }

    /// Asks one after another: the answer takes as long as all three together.
    ///
    /// # Errors
    ///
    /// When a source fails; those behind it are not asked.
    pub async fn one_after_another(&self) -> Result<Answers, SourceError> {
        let start = Instant::now();
        let database = self.ask_database(start).await?;
        let partner = self.ask_partner(start).await?;
        let file = self.ask_file(start).await?;
        Ok(Answers {
            database,
            partner,
            file,
            total: start.elapsed(),
        })
    }

    /// Ends the partner and closes the database's connections.
    pub async fn close(&self) {
        self.partner.close().await;
        self.database.close().await;
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    pub(crate) fn sessions(&self) -> SqliteStore {
        self.sessions.clone()
    }

    pub(crate) fn partner(&self) -> &Partner {
        &self.partner
    }

    pub(crate) fn file(&self) -> &ConfigFile {
        &self.file
    }

    async fn ask_database(&self, start: Instant) -> Result<Answer, SourceError> {
        timed(DATABASE, start, self.service_times.database, self.database.summary()).await
    }

    async fn ask_partner(&self, start: Instant) -> Result<Answer, SourceError> {
        timed(PARTNER, start, self.service_times.partner, self.partner.ask()).await
    }

    async fn ask_file(&self, start: Instant) -> Result<Answer, SourceError> {
        timed(FILE, start, self.service_times.file, self.file.read()).await
    }
}

const DATABASE: &str = "database";
const PARTNER: &str = "partner";
const FILE: &str = "file";

/// What the three sources answered.
#[derive(Debug)]
pub struct Answers {
    /// From the SQL query.
    pub database: Answer,
    /// From the HTTP call.
    pub partner: Answer,
    /// From the file.
    pub file: Answer,
    /// From the first question to the last answer.
    pub total: Duration,
}

/// One source's answer, with when it was worked on.
#[derive(Debug)]
pub struct Answer {
    /// The answer's text.
    pub data: String,
    /// The time it took.
    pub span: Span,
}

/// The time a source took, in milliseconds since the handler started.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Span {
    /// `database`, `partner` or `file`.
    pub source: &'static str,
    /// When the source was asked.
    pub start_ms: f64,
    /// When its answer was there.
    pub end_ms: f64,
}

/// A source that did not answer.
#[derive(Debug)]
pub struct SourceError {
    source_name: &'static str,
    cause: Cause,
}

impl SourceError {
    /// The source's name, as in [`Span::source`].
    #[must_use]
    pub fn source_name(&self) -> &'static str {
        self.source_name
    }

    pub(crate) fn new(source_name: &'static str, cause: impl Into<Cause>) -> Self {
        Self {
            source_name,
            cause: cause.into(),
        }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source_name, self.cause)
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

/// The article's service times, scaled.
#[derive(Debug, Clone, Copy)]
struct ServiceTimes {
    database: Duration,
    partner: Duration,
    file: Duration,
}

impl ServiceTimes {
    fn scaled(scale: f64) -> Self {
        let scaled = |ms| Duration::from_millis(ms).mul_f64(scale);
        Self {
            database: scaled(200),
            partner: scaled(300),
            file: scaled(100),
        }
    }
}

/// Runs one source's work, adds its service time and notes when both began and ended.
async fn timed(
    source: &'static str,
    start: Instant,
    service_time: Duration,
    work: impl Future<Output = Result<String, Cause>>,
) -> Result<Answer, SourceError> {
    let start_ms = milliseconds(start.elapsed());
    let data = work.await.map_err(|cause| SourceError::new(source, cause))?;
    if !service_time.is_zero() {
        sleep(service_time).await;
    }
    let end_ms = milliseconds(start.elapsed());
    Ok(Answer {
        data,
        span: Span {
            source,
            start_ms,
            end_ms,
        },
    })
}

/// Milliseconds to a hundredth: finer digits would only be noise on the page.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}
