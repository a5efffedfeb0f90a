//! The application: its state and its routes, apart from the program that runs it.

use std::sync::Arc;

use hyperlane::{
    Route, Router, Server,
    middleware::{AccessLog, Compression, RequestIds, SecurityHeaders},
    openapi::OpenApi,
};

use crate::{
    args::Args,
    handlers::{
        async_data::async_data, best_practices::best_practices, concurrent_ops::concurrent_ops, errors::errors,
        performance::performance, scenarios::scenarios, stream::stream, sync_data::sync_data,
    },
    page,
    results::ResultsFile,
    sources::{SourceError, Sources},
};

/// What the handlers share; cheap to clone.
#[derive(Debug, Clone)]
pub struct Showcase {
    pub(crate) sources: Arc<Sources>,
    pub(crate) results: Arc<ResultsFile>,
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
            results: Arc::new(ResultsFile::new(args.results.clone())),
        })
    }

    /// Closes the sources, after the server has ended.
    pub async fn close(&self) {
        self.sources.close().await;
    }
}

/// The showcase's server, without an address to listen on.
///
/// Every answer has a request id, a line in the access log and the headers that keep browsers careful; the page is
/// compressed, the demos are not, since their chunks shall be seen one by one. `/openapi.json` describes the demos, and
/// `/docs` is a page to read and try them.
#[must_use]
pub fn app(showcase: Showcase) -> Server {
    let server = Server::new();
    server
        .state(showcase)
        .middleware(RequestIds::new())
        .middleware(AccessLog::new())
        .middleware(SecurityHeaders::new())
        .merge(page())
        .merge(demos());
    OpenApi::new("hyperlane showcase", env!("CARGO_PKG_VERSION"))
        .description("The article's application, with real parts.")
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

/// What the article shows.
fn demos() -> Router {
    let router = Router::new();
    router
        .get("/async-data", async_data)
        .get("/sync-data", sync_data)
        .get("/concurrent-ops", concurrent_ops)
        .get("/stream", stream)
        .get("/errors", errors)
        .get("/best-practices", best_practices)
        .get("/scenarios", scenarios)
        .get("/performance", performance);
    router
}
