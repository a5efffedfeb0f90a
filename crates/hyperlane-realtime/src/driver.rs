//! The task of a hub with a backplane: one session after another, and the heartbeat.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::backplane::{Backplane, Link};
use crate::hub::HubInner;
use crate::link::Shared;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Runs until the hub is gone or closed.
pub(crate) async fn drive(hub: Weak<HubInner>, shared: Arc<Shared>, backplane: Box<dyn Backplane>) {
    let link = Link {
        hub,
        shared: Arc::clone(&shared),
    };
    tokio::select! {
        () = sessions(&link, &*backplane) => {}
        () = beats(&link) => {}
        () = shared.ended.notified() => {}
    }
}

async fn sessions(link: &Link, backplane: &dyn Backplane) {
    let mut pause = FIRST_PAUSE;
    loop {
        let ended = backplane.session(link).await;
        let Some(hub) = link.hub.upgrade() else {
            return;
        };
        let was_up = hub.go_offline(&link.shared);
        drop(hub);
        if was_up {
            pause = FIRST_PAUSE;
        }
        let error = ended.err().map(|error| error.to_string());
        let error = error.as_deref().unwrap_or("it ended");
        tracing::warn!(
            error,
            ?pause,
            "session with the backplane is over: members hear only those of this node"
        );
        sleep(jittered(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn beats(link: &Link) {
    let Some(every) = link.hub.upgrade().map(|hub| hub.limits.heartbeat) else {
        return;
    };
    let mut beats = interval(every);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        match link.hub.upgrade() {
            Some(hub) => hub.beat(&link.shared),
            None => return,
        }
    }
}

/// Between half of it and all of it, so that many nodes do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let share = RandomState::new().hash_one(0) % 512;
    pause / 2 + pause * u32::try_from(share).unwrap_or(0) / 1024
}
