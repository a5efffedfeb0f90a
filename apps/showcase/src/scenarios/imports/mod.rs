//! `/imports`: a file of records imported, watched and reported.
//!
//! Readings of instruments come as CSV, plain or compressed. Each is looked up, which takes a moment, so that an import can
//! be watched and cancelled; what is wrong with a reading stands in a report. Everybody sees all imports.

mod readings;

use std::time::Duration;

use hyperlane::{
    Context, Created, Error, Json, NoContent, Path, Problem, Query, Route, Router, State, StatusCode,
    middleware::{Csrf, RateLimit},
    openapi::Operation,
    sse::Sse,
};
use hyperlane_batch::{
    imports::{Format, ImportId, ImportState, ImportStatus, Imports as Batch, Report, ReportFormat},
    jobs::{Jobs, Worker, WorkerHandle},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::readings::Readings;
use crate::{args::Args, page, sources::SourceError};

/// The largest file, in bytes as it is sent: a hundred thousand readings, and nobody fills the disk.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// How many imports are remembered, with their reports; the oldest goes for the newest.
const MAX_IMPORTS: usize = 12;

/// What the page needs.
#[derive(Debug)]
pub(super) struct Imports {
    desk: Desk,
    worker: WorkerHandle,
    writes_per_minute: u32,
}

/// What its handlers share.
#[derive(Debug, Clone)]
struct Desk {
    batch: Batch,
    readings: Readings,
}

impl Imports {
    /// Opens its database and goes on with what was being imported.
    pub(super) async fn open(args: &Args) -> Result<Self, SourceError> {
        let told = |error: hyperlane_batch::Error| SourceError::new("imports", error);
        let readings = Readings::open(&args.data_dir).await.map_err(told)?;
        let jobs = Jobs::open(readings.database().clone()).await.map_err(told)?;
        let sources = args.data_dir.join("imports");
        let importer = readings::importer(args.scale);
        let batch = Batch::open(&jobs, sources, [importer]).await.map_err(told)?;
        let worker = Worker::new(&jobs).imports(&batch).concurrency(2).start();
        Ok(Self {
            desk: Desk { batch, readings },
            worker,
            writes_per_minute: args.writes_per_minute,
        })
    }

    /// Its page and what the page asks.
    pub(super) fn routes(&self) -> Router {
        let reads = Router::new();
        reads
            .get("/imports", Route::new(page).undocumented())
            .get("/assets/scenarios/imports.js", Route::new(script).undocumented())
            .get("/assets/scenarios/imports.css", Route::new(style).undocumented())
            .get("/imports/{id:i64}/events", Route::new(events).undocumented())
            .get("/imports/{id:i64}/report", Route::new(report).undocumented())
            .get(
                "/imports/list",
                Route::new(list).openapi(|operation| operation.summary("Lists the latest imports").tag("imports")),
            )
            .get(
                "/imports/{id:i64}",
                Route::new(status).openapi(|operation| one(operation.summary("Says how far an import is"))),
            );
        let writes = Router::new();
        writes
            .middleware(RateLimit::new(self.writes_per_minute, Duration::from_secs(60)))
            .middleware(Csrf::new())
            .post("/imports", Route::new(start).body_limit(MAX_FILE).undocumented())
            .post(
                "/imports/{id:i64}/cancel",
                Route::new(cancel).openapi(|operation| written(operation.summary("Cancels an import"))),
            )
            .post(
                "/imports/{id:i64}/retry",
                Route::new(retry).openapi(|operation| {
                    written(operation.summary("Goes on with an import that was cancelled or failed"))
                }),
            )
            .delete(
                "/imports/{id:i64}",
                Route::new(remove).openapi(|operation| written(operation.summary("Forgets an import"))),
            );
        let router = Router::new();
        router.state(self.desk.clone()).merge(reads).merge(writes);
        router
    }

    /// Gives back what is being imported: the next start goes on with it.
    pub(super) async fn close(&self) {
        self.worker.shutdown().await;
        self.desk.readings.database().close().await;
    }
}

fn one(operation: Operation) -> Operation {
    operation.tag("imports").problem(404, "there is no such import")
}

fn written(operation: Operation) -> Operation {
    let operation = operation.tag("imports");
    operation
        .problem(403, "the request comes from another site")
        .problem(404, "there is no such import, or it is in no state to do so")
        .problem(429, "too many writes in too short a time")
}

/// An import, as far as it is committed.
#[derive(Debug, Serialize, JsonSchema)]
struct Import {
    id: i64,
    /// Where it is.
    url: String,
    /// The name of its file.
    label: String,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    state: String,
    /// Records that were read.
    read: u64,
    /// Records that were written.
    written: u64,
    /// Records that were refused; `report` below its URL tells why.
    rejected: u64,
    /// Bytes that were read of its file.
    bytes_read: u64,
    /// All bytes of its file.
    bytes_total: Option<u64>,
    /// Why it failed, or why the last attempt did.
    reason: Option<String>,
}

impl From<ImportStatus> for Import {
    fn from(status: ImportStatus) -> Self {
        Self {
            id: status.id.0,
            url: format!("/imports/{}", status.id),
            label: status.label,
            state: status.state.name().to_owned(),
            read: status.read,
            written: status.written,
            rejected: status.rejected,
            bytes_read: status.bytes_read,
            bytes_total: status.bytes_total,
            reason: status.reason,
        }
    }
}

/// What a file is called.
#[derive(Debug, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

/// `POST /imports?name=readings.csv`: stores the body, and answers once it is on the disk.
async fn start(
    ctx: Context,
    State(desk): State<Desk>,
    Query(named): Query<Named>,
) -> Result<Created<Json<Import>>, Error> {
    desk.make_room().await?;
    let format = ctx
        .header("content-type")
        .and_then(Format::from_media_type)
        .unwrap_or(Format::CSV);
    let label: String = named.name.chars().take(80).collect();
    let label = if label.is_empty() { "a file".to_owned() } else { label };
    let import = Import::from(
        desk.batch
            .store(readings::NAME, &label, format, ctx.body_stream())
            .await?,
    );
    Ok(Created::new(import.url.clone(), Json(import)))
}

/// `GET /imports/list`: the latest first.
async fn list(State(desk): State<Desk>) -> Result<Json<Vec<Import>>, Error> {
    Ok(Json(
        desk.batch.list(100).await?.into_iter().map(Import::from).collect(),
    ))
}

/// `GET /imports/{id}`.
async fn status(State(desk): State<Desk>, Path(id): Path<i64>) -> Result<Json<Import>, Error> {
    let status = desk.batch.status(ImportId(id)).await?.ok_or_else(no_such_import)?;
    Ok(Json(status.into()))
}

/// `GET /imports/{id}/events`: its progress.
async fn events(State(desk): State<Desk>, Path(id): Path<i64>) -> Result<Sse, Error> {
    desk.batch.status(ImportId(id)).await?.ok_or_else(no_such_import)?;
    Ok(desk.batch.watch(ImportId(id)).into_sse())
}

/// How a report is written.
#[derive(Debug, Deserialize)]
struct Wanted {
    #[serde(default)]
    format: String,
}

/// `GET /imports/{id}/report`, as CSV or with `?format=ndjson`.
async fn report(State(desk): State<Desk>, Path(id): Path<i64>, Query(wanted): Query<Wanted>) -> Result<Report, Error> {
    desk.batch.status(ImportId(id)).await?.ok_or_else(no_such_import)?;
    let format = match wanted.format.as_str() {
        "ndjson" => ReportFormat::Ndjson,
        _ => ReportFormat::Csv,
    };
    Ok(desk.batch.report(ImportId(id), format).await?)
}

/// `POST /imports/{id}/cancel`.
async fn cancel(State(desk): State<Desk>, Path(id): Path<i64>) -> Result<NoContent, Error> {
    found(desk.batch.cancel(ImportId(id)).await?)
}

/// `POST /imports/{id}/retry`.
async fn retry(State(desk): State<Desk>, Path(id): Path<i64>) -> Result<NoContent, Error> {
    found(desk.batch.retry(ImportId(id)).await?)
}

/// `DELETE /imports/{id}`.
async fn remove(State(desk): State<Desk>, Path(id): Path<i64>) -> Result<NoContent, Error> {
    found(desk.batch.remove(ImportId(id)).await?)
}

fn found(found: bool) -> Result<NoContent, Error> {
    if found { Ok(NoContent) } else { Err(no_such_import()) }
}

fn no_such_import() -> Error {
    let detail = "there is no such import, or it is in no state to do so";
    Error::problem(Problem::new(StatusCode::NOT_FOUND).with_detail(detail))
}

impl Desk {
    /// Forgets the oldest imports, and the readings once they are many.
    async fn make_room(&self) -> Result<(), Error> {
        let imports = self.batch.list(1000).await?;
        let busy = imports.iter().filter(|import| !import.state.is_final()).count();
        if busy >= MAX_IMPORTS {
            let detail = "many files are being imported; try again in a moment";
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE).with_detail(detail);
            return Err(Error::problem(problem));
        }
        for old in imports.iter().skip(MAX_IMPORTS - 1) {
            if old.state.is_final() {
                self.batch.remove(old.id).await?;
            }
        }
        if imports.iter().all(|import| import.state != ImportState::Running) {
            self.readings.make_room().await?;
        }
        Ok(())
    }
}

async fn page() -> impl hyperlane::IntoResponse {
    page::html(include_str!("../../assets/scenarios/imports.html"))
}

async fn script() -> impl hyperlane::IntoResponse {
    page::script(include_str!("../../assets/scenarios/imports.js"))
}

async fn style() -> impl hyperlane::IntoResponse {
    let headers = [
        ("content-type", "text/css; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-cache"),
    ];
    (headers, include_str!("../../assets/scenarios/imports.css"))
}
