//! What the application sends: who may, who has to wait, and the writing.

use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use hyperlane_proto::websocket::OpCode;
use tokio::time::Instant;

use super::super::WebSocketError;
use super::super::message::Message;
use super::super::output::Output;
use super::Connection;

impl Connection {
    /// Waits until another message may be sent.
    pub(in crate::websocket) fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), WebSocketError>> {
        self.poll_output(cx, Output::has_room)
    }

    /// Waits until all that was sent is written.
    pub(in crate::websocket) fn poll_flushed(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), WebSocketError>> {
        self.poll_output(cx, Output::is_empty)
    }

    pub(super) fn poll_output(
        &mut self,
        cx: &mut TaskContext<'_>,
        enough: impl Fn(&Output) -> bool,
    ) -> Poll<Result<(), WebSocketError>> {
        let is_open = |connection: &Self| connection.io.is_some() && connection.close_sent.is_none();
        if !is_open(self) {
            return Poll::Ready(Err(WebSocketError::closed()));
        }
        if enough(&self.output) {
            return Poll::Ready(Ok(()));
        }
        if self.is_nested(cx) {
            let _ = self.poll_write(cx);
            if !is_open(self) {
                return Poll::Ready(Err(WebSocketError::closed()));
            }
            if enough(&self.output) {
                return Poll::Ready(Ok(()));
            }
        } else {
            self.wake_driver();
        }
        if !self.sender_wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.sender_wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Puts a message to what is written. There is room.
    pub(in crate::websocket) fn send(
        &mut self,
        message: Message,
        cx: Option<&TaskContext<'_>>,
    ) -> Result<(), WebSocketError> {
        if self.io.is_none() || self.close_sent.is_some() {
            return Err(WebSocketError::closed());
        }
        let short = |payload: Bytes| match payload.len() {
            0..=125 => Ok(payload),
            _ => Err(WebSocketError::invalid("a ping or pong holds at most 125 bytes")),
        };
        match message {
            Message::Text(text) => self.output.push_message(OpCode::Text, text.into_bytes()),
            Message::Binary(bytes) => self.output.push_message(OpCode::Binary, bytes),
            Message::Ping(payload) => self.output.push_control(OpCode::Ping, &short(payload)?),
            Message::Pong(payload) => self.output.push_control(OpCode::Pong, &short(payload)?),
            Message::Close(frame) => self.close(frame.as_ref())?,
        }
        if !cx.is_some_and(|cx| self.is_nested(cx)) {
            self.wake_driver();
        }
        Ok(())
    }

    pub(super) fn poll_write(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        let Some(io) = &mut self.io else {
            return Poll::Ready(());
        };
        if self.output.is_empty() {
            return Poll::Ready(());
        }
        let had_room = self.output.has_room();
        let waited = self.output.waiting();
        let flushed = self.output.poll_flush(cx, io);
        // The peer can't answer a close before it has taken what stands before it: its time runs from there.
        if self.close_sent.is_some() && self.output.waiting() < waited {
            self.close_sent = Some(Instant::now());
        }
        if flushed.is_ready() || (!had_room && self.output.has_room()) {
            self.to_wake.append(&mut self.sender_wakers);
        }
        match flushed {
            Poll::Ready(Err(error)) => {
                if self.close_sent.is_none() {
                    self.deliver(Err(WebSocketError::disconnected(Some(error))));
                }
                self.end();
                Poll::Ready(())
            }
            flushed => flushed.map(|_| ()),
        }
    }
}
