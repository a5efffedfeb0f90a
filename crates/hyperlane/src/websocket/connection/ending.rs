//! How a connection ends: the closing handshake (RFC 6455 §7), and the time-outs.

use std::pin::{Pin, pin};
use std::task::{Context as TaskContext, Poll, ready};

use hyperlane_proto::websocket::{CloseCode, CloseFrame, OpCode};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::time::Instant;

use super::super::WebSocketError;
use super::super::buffers;
use super::super::output::Output;
use super::super::settings::Settings;
use super::{Connection, Reading};

/// The most bytes that are thrown away behind a failure, so that its close frame arrives: with unread bytes a socket is
/// reset instead of closed.
const LINGER_BYTES: usize = 1024 * 1024;

impl Connection {
    /// Begins the closing handshake on behalf of the application.
    pub(in crate::websocket) fn close(&mut self, frame: Option<&CloseFrame>) -> Result<(), WebSocketError> {
        if let Some(frame) = frame
            && !frame.is_sendable()
        {
            return Err(WebSocketError::invalid(
                "a close frame has a code from 1000 to 1003, 1007 to 1014 or 3000 to 4999, and a reason of at most 123 bytes",
            ));
        }
        if self.io.is_none() || self.close_sent.is_some() {
            return Err(WebSocketError::closed());
        }
        self.begin_close(frame);
        self.wake_driver();
        Ok(())
    }

    /// Sends a close frame if none was sent.
    pub(in crate::websocket) fn begin_close(&mut self, frame: Option<&CloseFrame>) {
        if self.io.is_none() || self.close_sent.is_some() {
            return;
        }
        let payload = frame.map(CloseFrame::to_payload).unwrap_or_default();
        self.output.push_control(OpCode::Close, &payload);
        self.close_sent = Some(Instant::now());
        self.to_wake.append(&mut self.sender_wakers);
    }

    /// The closing code that tells the peer of what became of the handler.
    pub(in crate::websocket) fn close_with(&mut self, code: CloseCode, reason: &str) {
        self.begin_close(Some(&CloseFrame::new(code, reason)));
    }

    /// Goes on with the end, once the close frame is written.
    pub(super) fn poll_close(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        if self.reading == Reading::Messages {
            // The peer's close frame is waited for, or its end.
            return Poll::Pending;
        }
        let Some(io) = &mut self.io else {
            return Poll::Ready(());
        };
        // The server ends the connection first (RFC 6455 §7.1.1).
        let _ = ready!(Pin::new(&mut *io).poll_shutdown(cx));
        let mut waste = buffers::take();
        while self.reading == Reading::Rest && self.lingered < LINGER_BYTES {
            waste.clear();
            let Poll::Ready(read) = pin!(io.read_buf(&mut waste)).poll(cx) else {
                buffers::give(waste);
                return Poll::Pending;
            };
            match read {
                Ok(n) if n > 0 => self.lingered += n,
                _ => break,
            }
        }
        buffers::give(waste);
        self.end();
        Poll::Ready(())
    }

    /// When something is to be done that nobody else will wake for.
    pub(in crate::websocket) fn deadline(&mut self) -> Option<Instant> {
        self.io.as_ref()?;
        // One that is too far off to be told is none.
        let Settings {
            close_timeout,
            write_timeout,
            keep_alive,
            ..
        } = self.settings;
        let close = self.close_sent.and_then(|sent| sent.checked_add(close_timeout));
        let write = self.output.stalled().and_then(|since| since.checked_add(write_timeout));
        let silence = match keep_alive {
            Some(keep_alive) if self.close_sent.is_none() => match self.asked {
                Some(asked) => asked.checked_add(keep_alive.timeout),
                None => self.last_received.checked_add(keep_alive.interval),
            },
            _ => None,
        };
        [close, write, silence].into_iter().flatten().min()
    }

    /// Does what is due at `now`.
    pub(in crate::websocket) fn on_time(&mut self, now: Instant) {
        let Settings {
            close_timeout,
            write_timeout,
            keep_alive,
            ..
        } = self.settings;
        if self
            .close_sent
            .is_some_and(|sent| now.duration_since(sent) >= close_timeout)
        {
            return self.end();
        }
        if self
            .output
            .stalled()
            .is_some_and(|since| now.duration_since(since) >= write_timeout)
        {
            return self.give_up(WebSocketError::stalled(write_timeout));
        }
        let Some(keep_alive) = keep_alive.filter(|_| self.close_sent.is_none() && self.io.is_some()) else {
            return;
        };
        match self.asked {
            // While the application takes nothing, nothing is read, and the peer's answer can't be known. While the peer
            // takes nothing, it can't be asked, and the time for that runs already.
            _ if !self.may_read_ahead() || !self.output.has_room() => {
                self.asked = None;
                self.last_received = now;
            }
            Some(asked) if now.duration_since(asked) >= keep_alive.timeout => {
                self.give_up(WebSocketError::silent(keep_alive.timeout));
            }
            None if now.duration_since(self.last_received) >= keep_alive.interval => {
                self.asked = Some(now);
                self.output.push_control(OpCode::Ping, b"");
            }
            _ => {}
        }
    }

    /// Ends a connection whose peer is gone or might as well be.
    pub(in crate::websocket) fn give_up(&mut self, error: WebSocketError) {
        if self.io.is_some() {
            self.deliver(Err(error));
            self.end();
        }
    }

    pub(super) fn end(&mut self) {
        self.io = None;
        self.output = Output::default();
        self.discard_input(Reading::Nothing);
    }

    /// Whether the connection is gone.
    pub(in crate::websocket) fn is_over(&self) -> bool {
        self.io.is_none()
    }

    /// Waits until the connection is gone.
    pub(in crate::websocket) fn poll_over(&mut self, cx: &TaskContext<'_>) -> Poll<()> {
        if self.is_over() {
            return Poll::Ready(());
        }
        if !self.sender_wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.sender_wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}
