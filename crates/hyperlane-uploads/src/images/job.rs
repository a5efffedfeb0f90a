//! One conversion: how far it is, and its end.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

use hyperlane::sse::{Event, Sse};
use serde::Serialize;
use tokio::sync::watch;

use crate::id::UploadId;

use super::queue::Shared;

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Progress {
    /// It waits for a worker.
    Queued,
    /// It is being worked at.
    Running {
        /// How much of it is done, from 0 to 99.
        percent: u8,
    },
    /// It is there.
    Done {
        /// The media type of what was made.
        content_type: &'static str,
        /// Its length.
        bytes: u64,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// It can't be made.
    Failed {
        /// Why, for who uploaded the file.
        reason: String,
    },
    /// Somebody wanted it no more.
    Cancelled,
}

impl Progress {
    /// Whether nothing more will happen.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Queued | Self::Running { .. })
    }
}

/// A conversion that was submitted. It is a cheap handle, and the job goes on without it.
#[derive(Clone)]
pub struct Job {
    pub(super) inner: Arc<Inner>,
    pub(super) shared: Weak<Shared>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) file: UploadId,
    pub(super) name: String,
    pub(super) progress: watch::Sender<Progress>,
    pub(super) cancelled: AtomicBool,
}

impl Job {
    /// The file that it is made of.
    pub fn file(&self) -> UploadId {
        self.inner.file
    }

    /// The name of what is made.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.inner.progress.borrow().clone()
    }

    /// Waits until it has ended, and tells how.
    pub async fn ended(&self) -> Progress {
        let mut progress = self.inner.progress.subscribe();
        match progress.wait_for(Progress::is_final).await {
            Ok(end) => end.clone(),
            Err(_) => Progress::Cancelled,
        }
    }

    /// How far it is, as events that a page can listen to: `{"state":"running","percent":40}`. The first is how far it is
    /// now, the last how it ended; what comes faster than a client reads is left out.
    pub fn sse(&self) -> Sse {
        let (sender, sse) = Sse::channel(1);
        let mut progress = self.inner.progress.subscribe();
        tokio::spawn(async move {
            loop {
                let now = progress.borrow_and_update().clone();
                let Ok(event) = Event::json(&now) else { return };
                if sender.send(event).await.is_err() || now.is_final() || progress.changed().await.is_err() {
                    return;
                }
            }
        });
        sse
    }

    /// Cancels it: at once if it waits, and at its next step if it runs. What has ended stays.
    pub fn cancel(&self) {
        Shared::cancel(&self.shared, &self.inner);
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
