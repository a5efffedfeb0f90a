//! The article's four uses at work: aggregation, uploads, real-time messages and batches, each a page of its own.
//!
//! Each file opens what it needs below the data folder, and gives its routes to [`crate::app`].

mod chat;
mod dashboard;
mod imports;
mod uploads;

use hyperlane::Router;

use self::{chat::Chat, dashboard::Dashboard, imports::Imports, uploads::Uploads};
use crate::{args::Args, sources::SourceError};

/// The four, open and ready.
#[derive(Debug)]
pub(crate) struct Scenarios {
    dashboard: Dashboard,
    uploads: Uploads,
    chat: Chat,
    imports: Imports,
}

impl Scenarios {
    /// Opens what the four need.
    ///
    /// # Errors
    ///
    /// When the data folder can't be written, or a source can't be reached; the message says which.
    pub(crate) async fn open(args: &Args) -> Result<Self, SourceError> {
        Ok(Self {
            dashboard: Dashboard::open(args).await?,
            uploads: Uploads::open(args).await?,
            chat: Chat::open(args).await?,
            imports: Imports::open(args).await?,
        })
    }

    /// The routes of the four.
    pub(crate) fn routes(&self) -> Router {
        let router = Router::new();
        router
            .merge(self.dashboard.routes())
            .merge(self.uploads.routes())
            .merge(self.chat.routes())
            .merge(self.imports.routes());
        router
    }

    /// Ends what runs in the background, after the server has ended.
    pub(crate) async fn close(&self) {
        self.dashboard.close().await;
        self.uploads.close().await;
        self.chat.close().await;
        self.imports.close().await;
    }
}
