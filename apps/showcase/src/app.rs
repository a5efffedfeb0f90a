//! The application: its state and its routes, apart from the program that runs it.

use std::sync::Arc;
use std::time::Duration;

use hyperlane::{
    Route, Router, Server, TypedPath,
    middleware::{AccessLog, Compression, Csrf, RateLimit, RequestIds, SecurityHeaders, Sessions},
    openapi::{OpenApi, Operation},
};

use crate::{
    args::Args,
    handlers::{
        async_data::{AsyncResponse, async_data},
        best_practices::best_practices,
        concurrent_ops::concurrent_ops,
        errors::errors,
        notes::{NotePath, list_notes, read_note, remove_note, write_note},
        performance::performance,
        scenarios::scenarios,
        stream::{Chunks, DelayMs, stream},
        sync_data::sync_data,
        visitor::{forget, introduce, visitor},
    },
    page,
    results::ResultsFile,
    scenarios::Scenarios,
    sources::{SourceError, Sources},
};

/// What the handlers share; cheap to clone.
#[derive(Debug, Clone)]
pub struct Showcase {
    pub(crate) sources: Arc<Sources>,
    pub(crate) results: Arc<ResultsFile>,
    scenarios: Arc<Scenarios>,
    writes_per_minute: u32,
}

impl Showcase {
    /// Opens the sources.
    ///
    /// # Errors
    ///
    /// When the data folder can't be written or a source can't be reached; the message says which.
    pub async fn open(args: &Args) -> Result<Self, SourceError> {
        Ok(Self {
            sources: Arc::new(Sources::open(args).await?),
            scenarios: Arc::new(Scenarios::open(args).await?),
            results: Arc::new(ResultsFile::new(args.results.clone())),
            writes_per_minute: args.writes_per_minute,
        })
    }

    /// Closes the sources, after the server has ended.
    pub async fn close(&self) {
        self.scenarios.close().await;
        self.sources.close().await;
    }
}

/// The showcase's server, without an address to listen on.
///
/// Every answer has a request id, a line in the access log and the headers that keep browsers careful, in this order:
/// what comes first sees the request first. The page is compressed, the demos are not, since their chunks shall be seen
/// one by one. `/openapi.json` describes the demos and the guest book, and `/docs` is a page to read and try them.
#[must_use]
pub fn app(showcase: Showcase) -> Server {
    let server = Server::new();
    server
        .middleware(RequestIds::new())
        .middleware(AccessLog::new())
        .middleware(SecurityHeaders::new())
        .merge(page())
        .merge(demos())
        .merge(guest_book(&showcase))
        .merge(showcase.scenarios.routes())
        .state(showcase);
    OpenApi::new("hyperlane showcase", env!("CARGO_PKG_VERSION"))
        .description("The article's application, with real parts, and a guest book.")
        .tag("demos", "What the article shows.")
        .tag("guest book", "Sessions, forms, typed paths and mistakes that are told.")
        .viewer("/docs")
        .serve(&server);
    server
}

/// What a browser loads by itself.
fn page() -> Router {
    let router = Router::new();
    router
        .middleware(Compression::new())
        .get("/", Route::new(page::index).undocumented())
        .get("/assets/{name}", Route::new(page::asset).undocumented())
        .get("/favicon.ico", Route::new(page::favicon).undocumented());
    router
}

/// What the article shows. Where a handler takes the `Context`, its route says what no type can tell.
fn demos() -> Router {
    let router = Router::new();
    router
        .get(
            "/async-data",
            Route::new(async_data).openapi(|operation| {
                let operation = operation.summary("Asks three sources at once").tag("demos");
                operation
                    .response(200, |response| response.json::<AsyncResponse>())
                    .problem(502, "a source did not answer")
            }),
        )
        .get(
            "/sync-data",
            Route::new(sync_data).openapi(|operation| {
                let operation = operation.summary("Asks three sources one after another").tag("demos");
                operation
                    .response(200, |response| response.json::<AsyncResponse>())
                    .problem(502, "a source did not answer")
            }),
        )
        .get(
            "/concurrent-ops",
            Route::new(concurrent_ops).openapi(|operation| operation.summary("Runs a hundred tasks").tag("demos")),
        )
        .get(
            "/stream",
            Route::new(stream).openapi(|operation| {
                let operation = operation.summary("Sends a body chunk by chunk").tag("demos");
                operation
                    .optional(|operation| operation.query_parameter::<Chunks>("chunks"))
                    .optional(|operation| operation.query_parameter::<DelayMs>("delay_ms"))
                    .response(200, |response| response.body_of::<String>("text/plain"))
                    .response(400, |response| response.body_of::<String>("text/plain"))
            }),
        )
        .get(
            "/errors",
            Route::new(errors).openapi(|operation| operation.summary("Lets ten operations fail").tag("demos")),
        )
        .get(
            "/best-practices",
            Route::new(best_practices)
                .openapi(|operation| operation.summary("Gives advice, and gives up in time").tag("demos")),
        )
        .get(
            "/scenarios",
            Route::new(scenarios).openapi(|operation| operation.summary("Tells where it pays").tag("demos")),
        )
        .get(
            "/performance",
            Route::new(performance).openapi(|operation| operation.summary("Shows what was measured").tag("demos")),
        );
    router
}

/// What remembers its visitors. Who writes is limited, and must come from the showcase's own page; the session stands
/// nearest to the handlers, so that it is not even looked for where one of these refuses.
fn guest_book(showcase: &Showcase) -> Router {
    // Plain HTTP may be spoken to another machine, from which browsers take no `Secure` cookie.
    let sessions = Sessions::new(showcase.sources.sessions()).secure(false);
    let limit = RateLimit::new(showcase.writes_per_minute, Duration::from_secs(60));

    let reads = Router::new();
    reads
        .middleware(sessions.clone())
        .get(
            "/visitor",
            Route::new(visitor).openapi(|operation| operation.summary("Says who you are").tag("guest book")),
        )
        .get(
            "/notes",
            Route::new(list_notes).openapi(|operation| operation.summary("Lists the latest notes").tag("guest book")),
        )
        .get(
            NotePath::PATTERN,
            Route::new(read_note).openapi(|operation| {
                let operation = operation.summary("Reads a note").tag("guest book");
                operation.problem(404, "there is no such note")
            }),
        );

    let writes = Router::new();
    writes
        .middleware(limit)
        .middleware(Csrf::new())
        .middleware(sessions)
        .post(
            "/visitor",
            Route::new(introduce).openapi(|operation| written(operation.summary("Remembers your name"))),
        )
        .delete(
            "/visitor",
            Route::new(forget).openapi(|operation| written(operation.summary("Forgets you"))),
        )
        .post(
            "/notes",
            Route::new(write_note).openapi(|operation| written(operation.summary("Writes a note"))),
        )
        .delete(
            NotePath::PATTERN,
            Route::new(remove_note).openapi(|operation| {
                written(operation.summary("Removes a note of yours")).problem(404, "there is no such note")
            }),
        );

    let router = Router::new();
    router.merge(reads).merge(writes);
    router
}

/// What is said of every route that writes.
fn written(operation: Operation) -> Operation {
    operation
        .tag("guest book")
        .problem(
            403,
            "the request comes from another site, or the note from another visitor",
        )
        .problem(429, "too many writes in too short a time")
}
