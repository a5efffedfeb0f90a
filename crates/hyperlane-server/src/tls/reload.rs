//! New certificates for a server that runs: files are read again when they change, or when SIGHUP comes.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::file::{File, Stamp};
use super::{Inner, Tls};

impl Tls {
    /// Begins to look for changes, where there are files and a runtime; once.
    pub(super) fn watch(&self) {
        let files = self.0.settings.files();
        if Handle::try_current().is_err() || self.0.watched.swap(true, Ordering::AcqRel) {
            return;
        }
        #[cfg(feature = "acme")]
        for kept in self.0.settings.certificates.iter().filter_map(|one| one.kept()) {
            super::acme::keep(Arc::downgrade(&self.0), Arc::clone(kept));
        }
        if files.is_empty() {
            return;
        }
        // The task must not keep alive what it looks after.
        let inner = Arc::downgrade(&self.0);
        let seen = stamps(&files);
        if let Some(interval) = self.0.settings.reload_every {
            tokio::spawn(reload_when_changed(Weak::clone(&inner), files, seen, interval));
        }
        #[cfg(unix)]
        if self.0.settings.reload_on_hangup {
            tokio::spawn(reload_on_hangup(inner));
        }
    }
}

async fn reload_when_changed(inner: Weak<Inner>, files: Vec<File>, mut seen: Vec<Option<Stamp>>, interval: Duration) {
    let mut wait = interval;
    loop {
        sleep(wait).await;
        let begun = Instant::now();
        let Some(inner) = inner.upgrade() else {
            return;
        };
        let tls = Tls(inner);
        let looked = {
            let (files, seen) = (files.clone(), seen.clone());
            spawn_blocking(move || {
                // Taken before the files are read: what is written meanwhile is a change for the next look.
                let now = stamps(&files);
                if now != seen {
                    log(tls.reload(), "changed");
                }
                now
            })
        };
        if let Ok(now) = looked.await {
            seen = now;
        }
        wait = interval.saturating_sub(begun.elapsed()).max(Duration::from_millis(1));
    }
}

#[cfg(unix)]
async fn reload_on_hangup(inner: Weak<Inner>) {
    use tokio::signal::unix::{SignalKind, signal};

    /// How soon the task notices that the server is gone.
    const LOOK: Duration = Duration::from_secs(60);

    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        tracing::warn!("can't listen for SIGHUP: certificates are not read again when it comes");
        return;
    };
    loop {
        let came = tokio::time::timeout(LOOK, hangup.recv()).await.is_ok();
        let Some(inner) = inner.upgrade() else {
            return;
        };
        if came {
            let tls = Tls(inner);
            let _ = spawn_blocking(move || log(tls.reload(), "to be read again, by SIGHUP")).await;
        }
    }
}

fn log(outcome: Result<(), super::TlsError>, why: &str) {
    match outcome {
        Ok(()) => tracing::info!("certificates were {why}: new connections use the new ones"),
        Err(error) => tracing::error!(
            %error,
            "certificates were {why}, but can't be used: the old ones stay; put right what is said, the files are looked at again"
        ),
    }
}

fn stamps(files: &[File]) -> Vec<Option<Stamp>> {
    files.iter().map(File::stamp).collect()
}
