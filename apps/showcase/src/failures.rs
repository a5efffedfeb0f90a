//! Ten operations of which six fail for real, each in its own way, for the report of `/errors`.
//!
//! Nothing here is simulated: the file is not there, the port is closed, the statement is wrong. What
//! the framework shows is that failures beside what succeeds are data, and leave the server answering.

use std::{
    error::Error,
    io,
    net::TcpListener,
    string::FromUtf8Error,
    time::{Duration, Instant},
};

use futures::future::{BoxFuture, FutureExt, join_all};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::task::JoinError;

use crate::sources::{Sources, milliseconds};

/// How long the operation that meets a silent server is prepared to wait.
const SILENCE_TIMEOUT: Duration = Duration::from_millis(50);

/// Time enough for a call on this machine that is expected to fail at once.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(2);

/// What became of one operation.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OperationResult {
    pub(crate) operation_id: usize,
    pub(crate) operation: &'static str,
    pub(crate) success: bool,
    pub(crate) data: Option<String>,
    pub(crate) error_type: Option<&'static str>,
    pub(crate) error_message: Option<String>,
    pub(crate) elapsed_ms: f64,
}

/// Runs the ten operations at once and returns their results in order.
pub(crate) async fn run_all(sources: &Sources) -> Vec<OperationResult> {
    let operations: [(&'static str, BoxFuture<'_, Result<String, Failure>>); 10] = [
        ("read a missing file", missing_file(sources).boxed()),
        ("call a closed port", refused_connection(sources).boxed()),
        ("run a misspelt SQL statement", misspelt_statement(sources).boxed()),
        ("run a SQL statement", sound_statement(sources).boxed()),
        ("call a server that stays silent", silent_server(sources).boxed()),
        ("parse an answer as JSON", well_formed_json().boxed()),
        ("call a page that fails", failing_page(sources).boxed()),
        ("wait for a task that panics", panicking_task().boxed()),
        ("read the settings as text", settings_as_text(sources).boxed()),
        ("listen on a free port", free_port().boxed()),
    ];
    let numbered = operations.into_iter().enumerate();
    join_all(numbered.map(|(id, (operation, future))| observe(id, operation, future))).await
}

async fn observe(
    operation_id: usize,
    operation: &'static str,
    future: BoxFuture<'_, Result<String, Failure>>,
) -> OperationResult {
    let start = Instant::now();
    let outcome = future.await;
    let elapsed_ms = milliseconds(start.elapsed());
    let (data, failure) = match outcome {
        Ok(data) => (Some(data), None),
        Err(failure) => (None, Some(failure)),
    };
    OperationResult {
        operation_id,
        operation,
        success: data.is_some(),
        data,
        error_type: failure.as_ref().map(|failure| failure.kind),
        error_message: failure.map(|failure| failure.message),
        elapsed_ms,
    }
}

async fn missing_file(sources: &Sources) -> Result<String, Failure> {
    let bytes = sources.file().read_sibling("no-such-file.txt").await?;
    Ok(format!("{} bytes", bytes.len()))
}

async fn refused_connection(sources: &Sources) -> Result<String, Failure> {
    // A port that was free a moment ago and is closed again.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    Ok(sources.partner().call_local(address, "/", LOCAL_TIMEOUT).await?)
}

async fn misspelt_statement(sources: &Sources) -> Result<String, Failure> {
    sources.database().execute("SELEC region FROM showcase_orders").await?;
    Ok("the statement ran".to_owned())
}

async fn sound_statement(sources: &Sources) -> Result<String, Failure> {
    sources
        .database()
        .execute("SELECT region FROM showcase_orders WHERE id = 1")
        .await?;
    Ok("the statement ran".to_owned())
}

async fn silent_server(sources: &Sources) -> Result<String, Failure> {
    // The system accepts the connection, nobody answers on it.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    Ok(sources.partner().call_local(address, "/", SILENCE_TIMEOUT).await?)
}

async fn well_formed_json() -> Result<String, Failure> {
    let value: serde_json::Value = serde_json::from_str(r#"{"delivery_days": 2}"#)?;
    Ok(value.to_string())
}

async fn failing_page(sources: &Sources) -> Result<String, Failure> {
    Ok(sources.partner().ask_failing().await?)
}

async fn panicking_task() -> Result<String, Failure> {
    // Unwinds like any panic, but leaves the log to panics that nobody planned.
    let task = tokio::spawn(async { std::panic::resume_unwind(Box::new("the task gave up")) });
    let text: String = task.await?;
    Ok(text)
}

async fn settings_as_text(sources: &Sources) -> Result<String, Failure> {
    let text = String::from_utf8(sources.file().read_sibling("config.txt").await?)?;
    Ok(format!("{} lines", text.lines().count()))
}

async fn free_port() -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(format!("listening on {}", listener.local_addr()?))
}

/// An operation's error, told apart by what the library that failed says about it.
#[derive(Debug)]
struct Failure {
    kind: &'static str,
    message: String,
}

impl Failure {
    /// Keeps the innermost cause: it is the one that says what happened.
    fn new(kind: &'static str, error: &(dyn Error + 'static)) -> Self {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Self {
            kind,
            message: innermost.to_string(),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => "file not found",
            io::ErrorKind::AddrInUse => "address in use",
            _ => "input or output failed",
        };
        Self::new(kind, &error)
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let kind = match &error {
            error if error.is_timeout() => "request timed out",
            error if error.is_connect() => "connection refused",
            error if error.is_status() => "unexpected status",
            _ => "request failed",
        };
        Self::new(kind, &error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let kind = match &error {
            sqlx::Error::Database(error) if error.is_unique_violation() => "constraint violated",
            sqlx::Error::Database(_) => "statement rejected",
            _ => "database failed",
        };
        Self::new(kind, &error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::new("malformed json", &error)
    }
}

impl From<FromUtf8Error> for Failure {
    fn from(error: FromUtf8Error) -> Self {
        Self::new("invalid utf-8", &error)
    }
}

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Self {
        Self::new(
            if error.is_panic() {
                "task panicked"
            } else {
                "task cancelled"
            },
            &error,
        )
    }
}
