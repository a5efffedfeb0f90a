//! What stands between the socket and the `h2` crate: it sees all bytes, stops what must end the connection, and knows
//! since when something is waited for.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyperlane_proto::h2::{Inspector, Limits, Unfinished, Violation};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::Transport;
use crate::h1::timer::Timer;
use crate::shutdown::Shutdown;

/// How long, and for how many bytes, a connection is read on after its end: a reset caused by unread bytes would destroy
/// what is on its way, as the GOAWAY that says why.
pub(super) const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 16 * 1024 * 1024;
/// The same while the server drains.
const LINGER_DRAINING: Duration = Duration::from_millis(500);

/// What is known of the bytes of a connection; shared by the transport, the driver and the bodies.
#[derive(Debug)]
pub(super) struct Watch {
    began: Instant,
    /// Streams that somebody holds, perhaps in another task than the connection's.
    held: AtomicUsize,
    state: Mutex<State>,
}

/// A stream that somebody reads or writes: its connection is not idle.
#[derive(Debug)]
pub(super) struct Held(Arc<Watch>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Release);
    }
}

#[derive(Debug)]
struct State {
    inspector: Inspector,
    violation: Option<Violation>,
    /// Since when something is unfinished.
    frame_began: Instant,
    last_read: Instant,
    /// Since when the client takes nothing of what is to be written.
    stalled: Option<Instant>,
    /// Whether the connection is thrown away with what is unsent.
    abandoned: bool,
}

/// What the client keeps the connection waiting for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    /// A frame, or a head over several frames, that has begun.
    pub(super) frame: Option<Instant>,
    /// A frame of a body that has begun: since its last byte.
    pub(super) data: Option<Instant>,
    /// Room to write.
    pub(super) write: Option<Instant>,
    pub(super) last_read: Instant,
}

impl Watch {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            began: now,
            held: AtomicUsize::new(0),
            state: Mutex::new(State {
                inspector: Inspector::new(limits),
                violation: None,
                frame_began: now,
                last_read: now,
                stalled: None,
                abandoned: false,
            }),
        })
    }

    pub(super) fn hold(self: &Arc<Self>) -> Held {
        self.held.fetch_add(1, Ordering::Relaxed);
        Held(Arc::clone(self))
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire) > 0
    }

    /// Why the connection must end, if it must.
    pub(super) fn violation(&self) -> Option<Violation> {
        self.lock().violation
    }

    pub(super) fn waits(&self) -> Waits {
        let state = self.lock();
        let unfinished = state.inspector.unfinished();
        Waits {
            frame: (unfinished == Unfinished::Frame).then_some(state.frame_began),
            data: (unfinished == Unfinished::Data).then_some(state.last_read),
            write: state.stalled,
            last_read: state.last_read,
        }
    }

    /// Bytes of a request's body received so far, of frames that are not complete, too.
    pub(super) fn body_bytes(&self, stream: u32) -> Option<u64> {
        self.lock().inspector.body_bytes(stream)
    }

    /// Has the connection thrown away together with what is unsent.
    pub(super) fn abandon(&self) {
        self.lock().abandoned = true;
    }

    /// No code panics under the lock, so a poisoned one holds a sound value.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The transport that the `h2` crate works with.
pub(super) struct Guarded {
    // Boxed, so that the large machinery above is compiled once and not for each kind of transport.
    io: Box<dyn Transport>,
    read_ahead: Bytes,
    watch: Arc<Watch>,
    shutdown: Arc<Shutdown>,
    /// The client has sent all that it will.
    ended: bool,
    linger: Option<Linger>,
}

/// A connection whose own side has ended.
struct Linger {
    until: Instant,
    latest: Instant,
    timer: Timer,
    read: u64,
}

impl Guarded {
    /// `read_ahead` was received before, and is read first.
    pub(super) fn new(io: Box<dyn Transport>, read_ahead: Bytes, watch: Arc<Watch>, shutdown: Arc<Shutdown>) -> Self {
        Self {
            io,
            read_ahead,
            watch,
            shutdown,
            ended: false,
            linger: None,
        }
    }

    fn poll_received(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.read_ahead.is_empty() {
            return Pin::new(&mut *self.io).poll_read(cx, buf);
        }
        let n = self.read_ahead.len().min(buf.remaining());
        buf.put_slice(&self.read_ahead.split_to(n));
        if self.read_ahead.is_empty() {
            self.read_ahead = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }

    fn note_written(&self, written: &Poll<io::Result<usize>>, slices: &[IoSlice<'_>]) {
        let mut state = self.watch.lock();
        let now = Instant::now();
        let Poll::Ready(written) = written else {
            state.stalled.get_or_insert(now);
            return;
        };
        state.stalled = None;
        let mut left = *written.as_ref().unwrap_or(&0);
        for slice in slices {
            let sent = slice.get(..left.min(slice.len())).unwrap_or_default();
            left -= sent.len();
            if let Err(violation) = state.inspector.sent(sent, now - self.watch.began) {
                state.violation.get_or_insert(violation);
            }
            if left == 0 {
                break;
            }
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.watch.violation().is_some() {
            // The driver, which polls us, sees it and ends the connection.
            return Poll::Pending;
        }
        let before = buf.filled().len();
        ready!(this.poll_received(cx, buf))?;
        let received = buf.filled().get(before..).unwrap_or_default();
        if received.is_empty() {
            this.ended = true;
            return Poll::Ready(Ok(()));
        }
        let now = Instant::now();
        let mut state = this.watch.lock();
        state.last_read = now;
        let (completed, unfinished) = (state.inspector.completed(), state.inspector.unfinished());
        if let Err(stop) = state.inspector.received(received, now - this.watch.began) {
            state.violation = Some(stop.violation);
            buf.set_filled(before + stop.passable);
            return match stop.passable {
                0 => Poll::Pending,
                _ => Poll::Ready(Ok(())),
            };
        }
        if unfinished == Unfinished::Nothing || state.inspector.completed() != completed {
            state.frame_began = now;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut *this.io).poll_write(cx, buf);
        this.note_written(&written, &[IoSlice::new(buf)]);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut *this.io).poll_write_vectored(cx, bufs);
        this.note_written(&written, bufs);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut *this.io).poll_flush(cx);
        // A transport that gathers, as TLS does, waits here.
        if flushed.is_pending() {
            this.watch.lock().stalled.get_or_insert_with(Instant::now);
        }
        flushed
    }

    /// Ends our side, and reads on for a while until the client ends its own.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let linger = match &mut this.linger {
            Some(linger) => linger,
            None => {
                ready!(Pin::new(&mut *this.io).poll_shutdown(cx))?;
                let time = match this.shutdown.is_draining() {
                    true => LINGER_DRAINING,
                    false => LINGER,
                };
                let now = Instant::now();
                this.linger.insert(Linger {
                    until: now + time,
                    latest: now + 2 * LINGER,
                    timer: Timer::default(),
                    read: 0,
                })
            }
        };
        let mut waste = [0; 4096];
        while !this.ended {
            let mut buf = ReadBuf::new(&mut waste);
            match Pin::new(&mut *this.io).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() && linger.read < LINGER_BYTES => {
                    linger.read += buf.filled().len() as u64;
                    // It gives windows, and so is still taking what was sent: an end now would be a reset.
                    linger.until = linger.until.max(Instant::now() + LINGER_DRAINING).min(linger.latest);
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    ready!(linger.timer.poll(cx, linger.until));
                    break;
                }
            }
        }
        this.ended = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if self.watch.lock().abandoned {
            self.io.abandon();
        }
    }
}
