//! When a certificate is asked for: at once where there is none, and in time before it ends.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::Kept;
use crate::tls::facts::Facts;
use crate::tls::{Inner, Tls};

/// The first wait after a failure; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(60);
/// The longest one: authorities allow a handful of failures in an hour.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 3600);
/// The longest that an order may take: a peer that accepts the connection and says nothing would hold it for ever.
const ORDER: Duration = Duration::from_secs(900);
/// The longest sleep. The wall clock may be put forward, and the server may have ended.
const LOOK: Duration = Duration::from_secs(600);

pub(super) async fn run(inner: Weak<Inner>, kept: Arc<Kept>) {
    let mut wait = FIRST_WAIT;
    loop {
        if let Some(left) = until_due(&kept) {
            sleep(left.min(LOOK)).await;
            if inner.strong_count() == 0 {
                return;
            }
            continue;
        }
        let names = kept.names().join(", ");
        let ordered = timeout(ORDER, kept.order()).await;
        match ordered.unwrap_or_else(|_| Err("the authority does not answer".into())) {
            Ok(issued) => {
                wait = FIRST_WAIT;
                kept.put(issued);
                let Some(inner) = inner.upgrade() else {
                    return;
                };
                let reloaded = spawn_blocking(move || Tls(inner).reload()).await;
                match reloaded {
                    Ok(Ok(())) => tracing::info!(names, "a certificate was issued by acme"),
                    Ok(Err(error)) => tracing::error!(%error, names, "the certificate that acme issued can't be used"),
                    Err(_) => return,
                }
            }
            Err(error) => {
                tracing::error!(
                    %error, names, again_in = ?wait,
                    "acme gave no certificate: do the names lead to this server, and is its port 443 open?"
                );
                sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
                if inner.strong_count() == 0 {
                    return;
                }
            }
        }
    }
}

/// How long the certificate is still young; `None`: a new one is due.
fn until_due(kept: &Kept) -> Option<Duration> {
    let (chain, _) = kept.get().ok().flatten()?;
    let facts = Facts::read(chain.first(), "the certificate of acme").ok()?;
    let lifetime = facts.not_after.duration_since(facts.not_before).ok()?;
    let due = facts.not_before + lifetime * 2 / 3;
    due.duration_since(SystemTime::now())
        .ok()
        .filter(|left| !left.is_zero())
}
