//! A connection that speaks WebSocket: what was received and not decoded, decoded and not taken, sent and not written,
//! and how far its end has come.
//!
//! Whoever polls it holds its lock for as long as that takes, and never across an await. Wakers are collected, and woken
//! when the lock is free.

mod ending;
mod receiving;
mod sending;

use std::collections::VecDeque;
use std::task::{Context as TaskContext, Waker};

use hyperlane_core::Upgraded;
use hyperlane_proto::websocket::Decoder;
use tokio::time::Instant;

use super::WebSocketError;
use super::message::Message;
use super::output::Output;
use super::settings::Settings;

/// Messages that are decoded before anybody asks for them, so that pings behind them are answered and a close is
/// noticed. With so many, or so many bytes, nothing more is read: the peer has to wait.
const READ_AHEAD_MESSAGES: usize = 16;
const READ_AHEAD_BYTES: usize = 64 * 1024;

pub(super) struct Connection {
    /// Gone when the connection is over.
    io: Option<Upgraded>,
    settings: Settings,
    decoder: Decoder,
    /// Received; what stands before `input_at` is done with.
    input: Vec<u8>,
    input_at: usize,
    inbox: VecDeque<Result<Message, WebSocketError>>,
    inbox_bytes: usize,
    output: Output,
    reading: Reading,
    /// When the close frame was sent, or put to what is sent; or when something of what stands before it last went out.
    close_sent: Option<Instant>,
    /// The bytes thrown away behind a failure.
    lingered: usize,
    last_received: Instant,
    /// When the peer was asked whether it is there, and has not said anything since.
    asked: Option<Instant>,
    /// Whether a read found nothing since the driver was last woken.
    read_pending: bool,
    pub(super) receivers: usize,
    pub(super) senders: usize,
    /// The task that drives the connection.
    driver: Option<Waker>,
    /// Whether that task is polling the application right now, and will look here afterwards.
    pub(super) driving: bool,
    receiver_waker: Option<Waker>,
    sender_wakers: Vec<Waker>,
    to_wake: Vec<Waker>,
}

/// What is done with received bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// They are decoded.
    Messages,
    /// They are thrown away until the peer ends its side.
    Rest,
    /// There are none to come, or they do not matter.
    Nothing,
}

impl Connection {
    pub(super) fn new(io: Upgraded, settings: Settings, decoder: Decoder, output: Output) -> Self {
        Self {
            io: Some(io),
            settings,
            decoder,
            input: Vec::new(),
            input_at: 0,
            inbox: VecDeque::new(),
            inbox_bytes: 0,
            output,
            reading: Reading::Messages,
            close_sent: None,
            lingered: 0,
            last_received: Instant::now(),
            asked: None,
            read_pending: false,
            receivers: 1,
            senders: 1,
            driver: None,
            driving: false,
            receiver_waker: None,
            sender_wakers: Vec::new(),
            to_wake: Vec::new(),
        }
    }

    /// Says who drives, and that the application is polled now.
    pub(super) fn start_driving(&mut self, cx: &TaskContext<'_>) {
        if !self.driver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.driver = Some(cx.waker().clone());
        }
        self.driving = true;
        self.read_pending = false;
    }

    /// Does what the application does not wait for itself: writes, reads ahead, closes.
    pub(super) fn drive(&mut self, cx: &mut TaskContext<'_>) {
        self.driving = false;
        let _ = self.poll_write(cx);
        while self.reading == Reading::Messages && self.may_read_ahead() {
            if !self.decode() && (self.read_pending || self.poll_fill(cx).is_pending()) {
                break;
            }
        }
        if self.poll_write(cx).is_ready() && self.close_sent.is_some() {
            let _ = self.poll_close(cx);
        }
    }

    fn may_read_ahead(&self) -> bool {
        self.inbox.len() < READ_AHEAD_MESSAGES && self.inbox_bytes < READ_AHEAD_BYTES
    }

    fn is_nested(&self, cx: &TaskContext<'_>) -> bool {
        self.driving && self.driver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
    }

    pub(super) fn wake_driver(&mut self) {
        // Taken: it is there again when the driver was polled.
        self.to_wake.extend(self.driver.take());
    }

    fn wake_all(&mut self) {
        self.to_wake.extend(self.receiver_waker.take());
        self.to_wake.append(&mut self.sender_wakers);
    }

    pub(super) fn take_wakers(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.to_wake)
    }

    /// Whether nobody has it any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.receivers == 0 && self.senders == 0
    }

    /// Forgets what nobody will take.
    pub(super) fn drop_receiver(&mut self) -> VecDeque<Result<Message, WebSocketError>> {
        self.receivers = 0;
        self.inbox_bytes = 0;
        self.receiver_waker = None;
        self.wake_driver();
        std::mem::take(&mut self.inbox)
    }
}
