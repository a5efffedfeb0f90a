//! A connection that has left HTTP: bytes both ways, until both ends have ended.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyperlane_core::Draining;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::time::{Instant, sleep, sleep_until};

/// How long a connection has to come to its own end when the server begins to shut down: its upstream is as a rule
/// another server, which knows nothing of it.
const GRACE: Duration = Duration::from_secs(2);

/// Copies between the two until both have ended, each half by itself, through buffers of 8 KiB; or until nothing came for
/// `idle`, or the server shuts down.
pub(super) async fn tunnel(
    client: impl AsyncRead + AsyncWrite + Unpin,
    upstream: impl AsyncRead + AsyncWrite + Unpin,
    idle: Duration,
    draining: Option<Draining>,
) {
    let activity = Activity::default();
    let mut client = Watched::new(client, &activity);
    let mut upstream = Watched::new(upstream, &activity);
    let over = async {
        match draining {
            Some(draining) => draining.await,
            None => std::future::pending().await,
        }
        sleep(GRACE).await;
    };
    tokio::select! {
        copied = copy_bidirectional(&mut client, &mut upstream) => match copied {
            Ok((up, down)) => tracing::debug!(up, down, "tunnel has ended"),
            Err(error) => tracing::debug!(%error, "tunnel broke"),
        },
        () = activity.silence(idle) => tracing::debug!(?idle, "tunnel was silent for too long: it is closed"),
        () = over => tracing::debug!("tunnel is closed: the server shuts down"),
    }
}

/// When something last came from either side.
#[derive(Clone, Debug)]
struct Activity {
    start: Instant,
    /// In milliseconds since the start.
    last: Arc<AtomicU64>,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            last: Arc::default(),
        }
    }
}

impl Activity {
    fn note(&self) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(millis, Ordering::Relaxed);
    }

    /// Waits until nothing came for so long.
    async fn silence(&self, limit: Duration) {
        loop {
            let last = self.start + Duration::from_millis(self.last.load(Ordering::Relaxed));
            let Some(end) = last.checked_add(limit) else {
                return std::future::pending().await;
            };
            if end <= Instant::now() {
                return;
            }
            sleep_until(end).await;
        }
    }
}

struct Watched<T> {
    io: T,
    activity: Activity,
}

impl<T> Watched<T> {
    fn new(io: T, activity: &Activity) -> Self {
        Self {
            io,
            activity: activity.clone(),
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        if polled.is_ready() {
            self.activity.note();
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
