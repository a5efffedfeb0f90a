//! Progress of an import, as it is committed.

use std::time::Duration;

use futures_util::stream;
use hyperlane::sse::{Event, Sse};

use super::{
    Imports,
    status::{ImportId, ImportStatus},
};
use crate::error::Error;

/// How often somebody who watches is told at most: a bar that moves ten times a second looks smooth.
const FRAME: Duration = Duration::from_millis(100);

/// How often it looks for what other processes have done, which tell nobody here.
const POLL: Duration = Duration::from_millis(500);

/// Follows an import, in whatever process it runs; made by [`Imports::watch`].
///
/// As a response ([`into_sse`](Self::into_sse)) it is a stream of events `progress`, each with an [`ImportStatus`] as
/// JSON; the last one has a final state.
#[derive(Debug)]
pub struct Watch {
    imports: Imports,
    id: ImportId,
    last: Option<ImportStatus>,
}

impl Watch {
    pub(super) fn new(imports: Imports, id: ImportId) -> Self {
        Self {
            imports,
            id,
            last: None,
        }
    }

    /// The status at the first call, and later the next one that differs; `None` after a final one, or where there is no
    /// such import (any more).
    ///
    /// # Errors
    ///
    /// When the database can't be reached. It may be called again.
    pub async fn next(&mut self) -> Result<Option<ImportStatus>, Error> {
        if self.last.as_ref().is_some_and(|status| status.state.is_final()) {
            return Ok(None);
        }
        if self.last.is_some() {
            tokio::time::sleep(FRAME).await;
        }
        loop {
            let changed = self.imports.inner.changed.notified();
            let status = self.imports.status(self.id).await?;
            if status.is_none() || status != self.last {
                self.last.clone_from(&status);
                return Ok(status);
            }
            // What changed may be another import: of that one no more often than this one is told of.
            if tokio::time::timeout(POLL, changed).await.is_ok() {
                tokio::time::sleep(FRAME).await;
            }
        }
    }

    /// The same as a stream of events. While the database is away it is quiet.
    #[must_use]
    pub fn into_sse(self) -> Sse {
        Sse::new(stream::unfold(self, async |mut watch| {
            loop {
                match watch.next().await {
                    Ok(Some(status)) => {
                        let event = Event::json(&status).map(|event| event.with_name("progress"));
                        return Some((event, watch));
                    }
                    Ok(None) => return None,
                    Err(error) => {
                        tracing::warn!(%error, "the progress of an import can't be read at the moment");
                        tokio::time::sleep(POLL).await;
                    }
                }
            }
        }))
    }
}
