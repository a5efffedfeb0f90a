//! Several upstreams in turn, and those that can't be reached left out.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;

use super::connector::Connector;
use super::proxy::Settings;
use super::request_body::RequestBody;
use super::upstream::Address;

/// Idle connections that are kept to each upstream.
const KEPT: usize = 128;
/// Shorter than what servers keep them for, so that few are found closed.
const KEPT_FOR: Duration = Duration::from_secs(20);

/// The upstreams of a proxy, with their connections.
pub(super) struct Pool {
    upstreams: Vec<Upstream>,
    turn: AtomicUsize,
}

pub(super) struct Upstream {
    pub(super) address: Address,
    pub(super) client: Client<Connector, RequestBody>,
    /// Until when it is left out.
    down_until: Mutex<Option<Instant>>,
}

impl Pool {
    pub(super) fn new(settings: &Settings) -> Self {
        let upstreams = settings.upstreams.iter().map(|address| Upstream {
            address: address.clone(),
            client: client(address, settings),
            down_until: Mutex::default(),
        });
        Self {
            upstreams: upstreams.collect(),
            turn: AtomicUsize::new(0),
        }
    }

    /// The upstreams in the order in which one request tries them: from the one whose turn it is on, those that are left
    /// out last.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = &Upstream> {
        let turn = match self.upstreams.len() {
            1 => 0,
            several => self.turn.fetch_add(1, Ordering::Relaxed) % several,
        };
        let (after, before) = self.upstreams.split_at(turn);
        let mut order: Vec<&Upstream> = before.iter().chain(after).collect();
        if order.len() > 1 {
            let now = Instant::now();
            order.sort_by_key(|upstream| upstream.is_down(now));
        }
        order.into_iter()
    }
}

impl Upstream {
    /// It can't be reached.
    pub(super) fn leave_out(&self, time: Duration) {
        let until = Instant::now().checked_add(time);
        *self.down_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn is_down(&self, now: Instant) -> bool {
        let until = *self.down_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| now < until)
    }
}

fn client(address: &Address, settings: &Settings) -> Client<Connector, RequestBody> {
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(KEPT_FOR)
        .pool_max_idle_per_host(KEPT)
        .pool_timer(TokioTimer::new())
        .http1_max_buf_size(settings.response_head_limit)
        .http1_max_headers(256)
        .set_host(false)
        .build(Connector::new(address, settings))
}
