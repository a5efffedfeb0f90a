//! What the peer sends: bytes to messages, and messages to whoever waits for them.

use std::pin::pin;
use std::task::{Context as TaskContext, Poll};

use hyperlane_proto::websocket::{CloseFrame, Event};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use super::super::WebSocketError;
use super::super::buffers;
use super::super::message::Message;
use super::{Connection, Reading};

/// The most that is read at once of a large message.
const LARGE_READ: usize = 64 * 1024;

impl Connection {
    /// The next message; `None` when there will be no more.
    pub(in crate::websocket) fn poll_receive(
        &mut self,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Message, WebSocketError>>> {
        let nested = self.is_nested(cx);
        self.receiver_waker = None;
        loop {
            if let Some(message) = self.inbox.pop_front() {
                self.inbox_bytes -= message.as_ref().map_or(0, Message::size);
                if !nested {
                    // There is room to read ahead again.
                    self.wake_driver();
                }
                return Poll::Ready(Some(message));
            }
            if self.reading != Reading::Messages {
                return Poll::Ready(None);
            }
            if !nested {
                self.receiver_waker = Some(cx.waker().clone());
                self.wake_driver();
                return Poll::Pending;
            }
            if self.decode() {
                continue;
            }
            // Answers to what was received before go out before the wait for more.
            let _ = self.poll_write(cx);
            if self.reading == Reading::Messages && self.poll_fill(cx).is_pending() {
                self.receiver_waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
    }

    /// Decodes one event of what was received. False: more has to be received.
    pub(super) fn decode(&mut self) -> bool {
        let Some(input) = self.input.get_mut(self.input_at..).filter(|input| !input.is_empty()) else {
            return false;
        };
        match self.decoder.decode(input) {
            Ok(decoded) => {
                self.input_at += decoded.consumed;
                if self.input_at == self.input.len() {
                    self.input_at = 0;
                    buffers::give(std::mem::take(&mut self.input));
                }
                match decoded.event {
                    Some(event) => self.take_event(event),
                    None => return false,
                }
            }
            Err(error) => {
                let frame = CloseFrame::new(error.close_code(), error.to_string());
                self.deliver(Err(WebSocketError::protocol(error)));
                self.begin_close(Some(&frame));
                self.discard_input(Reading::Rest);
            }
        }
        true
    }

    pub(super) fn take_event(&mut self, event: Event) {
        match event {
            Event::Ping(payload) if self.close_sent.is_none() => self.output.push_pong(payload),
            Event::Ping(_) | Event::Pong(_) => {}
            Event::Close(frame) => {
                // The code comes back (RFC 6455 §5.5.1).
                let echo = frame.as_ref().map(|frame| CloseFrame::new(frame.code, ""));
                self.deliver(Ok(Message::Close(frame)));
                self.begin_close(echo.as_ref());
                self.discard_input(Reading::Nothing);
            }
            data => self.deliver(Ok(Message::of_event(data))),
        }
    }

    pub(super) fn deliver(&mut self, message: Result<Message, WebSocketError>) {
        if self.receivers == 0 {
            return;
        }
        self.inbox_bytes += message.as_ref().map_or(0, Message::size);
        self.inbox.push_back(message);
        self.to_wake.extend(self.receiver_waker.take());
    }

    pub(super) fn discard_input(&mut self, reading: Reading) {
        self.input_at = 0;
        buffers::give(std::mem::take(&mut self.input));
        self.reading = reading;
        self.wake_all();
    }

    /// Receives something. Ready: there is more to decode, or the connection has come to its end.
    pub(super) fn poll_fill(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        let Some(io) = &mut self.io else {
            return Poll::Ready(());
        };
        if self.input.capacity() == 0 {
            self.input = buffers::take();
        } else if self.input_at > 0 {
            // What is left is the beginning of a head or of a control frame.
            self.input.drain(..self.input_at);
            self.input_at = 0;
        }
        if self.decoder.remaining() > self.input.capacity() as u64 {
            self.input.reserve_exact(LARGE_READ.saturating_sub(self.input.len()));
        }
        let read = pin!(io.read_buf(&mut self.input)).poll(cx);
        if self.input.is_empty() {
            buffers::give(std::mem::take(&mut self.input));
        }
        match read {
            Poll::Pending => {
                self.read_pending = true;
                return Poll::Pending;
            }
            Poll::Ready(Ok(0)) => {
                // Behind our own close frame an end without another is no fault worth telling.
                if self.close_sent.is_none() {
                    self.deliver(Err(WebSocketError::disconnected(None)));
                }
                self.end();
            }
            Poll::Ready(Ok(_)) => {
                self.last_received = Instant::now();
                self.asked = None;
            }
            Poll::Ready(Err(error)) => {
                if self.close_sent.is_none() {
                    self.deliver(Err(WebSocketError::disconnected(Some(error))));
                }
                self.end();
            }
        }
        Poll::Ready(())
    }
}
