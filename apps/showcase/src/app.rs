//! The application: its state and its routes, apart from the program that runs it.

use std::sync::Arc;

use hyperlane::Server;

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
#[must_use]
pub fn app(showcase: Showcase) -> Server {
    let server = Server::new();
    server.state(showcase);
    server
        .get("/", page::index)
        .get("/assets/{name}", page::asset)
        .get("/favicon.ico", page::favicon);
    server
        .get("/async-data", async_data)
        .get("/sync-data", sync_data)
        .get("/concurrent-ops", concurrent_ops)
        .get("/stream", stream)
        .get("/errors", errors)
        .get("/best-practices", best_practices)
        .get("/scenarios", scenarios)
        .get("/performance", performance);
    server
}
