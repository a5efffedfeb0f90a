//! The life of an HTTP/2 connection: requests come in and are answered side by side, in the connection's own task.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use h2::{Ping, PingPong, Reason};
use hyperlane_core::{ConnectionInfo, Service};
use tokio::time::{Instant, timeout};

use super::guard::{Guarded, LINGER, Watch};
use super::stream;
use crate::h1::timer::{Deadlines, Timer};
use crate::shutdown::Shutdown;
use crate::{Config, Transport};

/// How long a connection without streams stays once it has said that it will end: a request may be under way, which the
/// client has sent before it could know.
const GRACE: Duration = Duration::from_millis(500);

/// What all streams of a connection share.
pub(super) struct Shared<S> {
    pub(super) service: Arc<S>,
    pub(super) info: Arc<ConnectionInfo>,
    pub(super) config: Arc<Config>,
    pub(super) watch: Arc<Watch>,
}

/// Serves HTTP/2 until the connection ends. `read_ahead` was received already, the preface or a part of it.
pub(crate) async fn serve<S: Service>(
    io: Box<dyn Transport>,
    read_ahead: Bytes,
    info: Arc<ConnectionInfo>,
    service: Arc<S>,
    config: Arc<Config>,
    shutdown: Arc<Shutdown>,
) {
    let watch = Watch::new(config.http2.limits(config.head_limit));
    let guarded = Guarded::new(io, read_ahead, Arc::clone(&watch), Arc::clone(&shutdown));
    let handshake = config.http2.builder(config.head_limit).handshake::<_, Bytes>(guarded);
    let mut connection = match timeout(config.head_timeout, handshake).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return tracing::debug!(%error, "connection is refused: its preface is not that of HTTP/2"),
        Err(_) => return tracing::debug!("connection is refused: its preface took too long"),
    };
    let mut streams = FuturesUnordered::new();
    let mut driver = Driver::new(&config, &shutdown, &watch, connection.ping_pong());
    let shared = Arc::new(Shared {
        service,
        info,
        config: Arc::clone(&config),
        watch: Arc::clone(&watch),
    });
    poll_fn(|cx| {
        loop {
            loop {
                match connection.poll_accept(cx) {
                    Poll::Ready(Some(Ok((request, respond)))) => {
                        streams.push(stream::answer(Arc::clone(&shared), request, respond));
                    }
                    Poll::Ready(Some(Err(error))) => {
                        tracing::debug!(%error, "connection ended");
                        return Poll::Ready(());
                    }
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Pending => break,
                }
            }
            let mut progress = false;
            while let Poll::Ready(Some(())) = streams.poll_next_unpin(cx) {
                progress = true;
            }
            if progress {
                driver.last_stream = Instant::now();
                // What they have said is written now and not when the task is next polled.
                continue;
            }
            match driver.poll(cx, streams.is_empty()) {
                Poll::Ready(Step::Drain) => connection.graceful_shutdown(),
                Poll::Ready(Step::End(reason)) => connection.abrupt_shutdown(reason),
                Poll::Ready(Step::Abandon) => {
                    watch.abandon();
                    return Poll::Ready(());
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
}

/// What the driver wants to be done.
enum Step {
    /// Take no further streams, and end when the open ones have.
    Drain,
    /// Say why, and end.
    End(Reason),
    /// End without a word.
    Abandon,
}

/// Decides when a connection ends.
struct Driver<'a> {
    config: &'a Config,
    shutdown: &'a Shutdown,
    watch: &'a Watch,
    /// When the last stream ended.
    last_stream: Instant,
    /// Since when the client knows, or could, that no further stream is taken.
    draining: Option<Instant>,
    /// Since when the connection has its last words to say.
    ending: Option<Instant>,
    keep_alive: Option<KeepAlive>,
    timer: Timer,
}

struct KeepAlive {
    pings: PingPong,
    interval: Duration,
    sent: Option<Instant>,
}

impl<'a> Driver<'a> {
    fn new(config: &'a Config, shutdown: &'a Shutdown, watch: &'a Watch, pings: Option<PingPong>) -> Self {
        let keep_alive = config.http2.keep_alive_interval.zip(pings);
        Self {
            config,
            shutdown,
            watch,
            last_stream: Instant::now(),
            draining: None,
            ending: None,
            keep_alive: keep_alive.map(|(interval, pings)| KeepAlive {
                pings,
                interval,
                sent: None,
            }),
            timer: Timer::default(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, idle: bool) -> Poll<Step> {
        loop {
            let mut deadlines = Deadlines::new();
            if let Some(step) = self.next_step(cx, idle, &mut deadlines) {
                return Poll::Ready(step);
            }
            if deadlines.poll(cx, &mut self.timer).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn next_step(&mut self, cx: &mut Context<'_>, idle: bool, deadlines: &mut Deadlines) -> Option<Step> {
        let config = self.config;
        let waits = self.watch.waits();
        if waits
            .write
            .is_some_and(|since| deadlines.is_past(since + config.write_timeout))
        {
            tracing::debug!("connection is given up: its client takes nothing");
            return Some(Step::Abandon);
        }
        if let Some(since) = self.ending {
            return deadlines.is_past(since + 2 * LINGER).then_some(Step::Abandon);
        }
        if let Some(violation) = self.watch.violation() {
            tracing::debug!(why = violation.why, code = ?violation.code, "connection ends by a fault of its client");
            return Some(self.end(Reason::from(violation.code as u32), deadlines));
        }
        if waits
            .frame
            .is_some_and(|since| deadlines.is_past(since + config.head_timeout))
            || waits
                .data
                .is_some_and(|since| deadlines.is_past(since + config.body_timeout))
        {
            tracing::debug!("connection ends: a frame that has begun does not come");
            return Some(self.end(Reason::ENHANCE_YOUR_CALM, deadlines));
        }
        if self.keep_alive.as_mut().is_some_and(|keep_alive| {
            keep_alive.is_dead(cx, waits.last_read, config.http2.keep_alive_timeout, deadlines)
        }) {
            tracing::debug!("connection is given up: its client does not answer a ping");
            return Some(Step::Abandon);
        }
        if idle && self.watch.is_held() {
            // A body or a tunnel that was moved to another task. Its end wakes nobody here, so it is looked for again.
            self.last_stream = deadlines.now;
        }
        match self.draining {
            None => {
                let expired = idle && deadlines.is_past(self.last_stream + config.idle_timeout);
                if expired || self.shutdown.is_draining() {
                    self.draining = Some(deadlines.now);
                    return Some(Step::Drain);
                }
            }
            Some(since) => {
                // A stream ends here once it has handed over its last bytes. While the client is slow to take what was
                // written, the `h2` crate still has some of them, and an end would throw these away.
                if idle && waits.write.is_none() && deadlines.is_past(since.max(self.last_stream) + GRACE) {
                    return Some(self.end(Reason::NO_ERROR, deadlines));
                }
            }
        }
        None
    }

    fn end(&mut self, reason: Reason, deadlines: &Deadlines) -> Step {
        self.ending = Some(deadlines.now);
        Step::End(reason)
    }
}

impl KeepAlive {
    /// Asks a client that was silent for long whether it is there.
    fn is_dead(
        &mut self,
        cx: &mut Context<'_>,
        last_read: Instant,
        patience: Duration,
        deadlines: &mut Deadlines,
    ) -> bool {
        if let Some(sent) = self.sent {
            if self.pings.poll_pong(cx).is_pending() {
                return deadlines.is_past(sent + patience);
            }
            self.sent = None;
        }
        if deadlines.is_past(last_read + self.interval) && self.pings.send_ping(Ping::opaque()).is_ok() {
            self.sent = Some(deadlines.now);
            // So that the answer wakes us.
            if self.pings.poll_pong(cx).is_pending() {
                return deadlines.is_past(deadlines.now + patience);
            }
        }
        false
    }
}
