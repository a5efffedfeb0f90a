//! What holds for a socket: limits, time-outs and compression, with their defaults.

use std::time::Duration;

use hyperlane_proto::websocket::{DeflateSettings, MessageLimits};

/// How messages are compressed (`permessage-deflate`, RFC 7692).
///
/// It is off by default: compressing costs twenty times the processor time of sending, and where secrets travel in one
/// message with what an attacker chose, the length tells about the secret (the attacks called CRIME and BREACH).
///
/// ```
/// use hyperlane::websocket::{Compression, WebSocketUpgrade};
/// use hyperlane::{Response, Server};
///
/// async fn prices(upgrade: WebSocketUpgrade) -> Response {
///     upgrade.compression(Compression::new()).on_upgrade(async |mut socket| {
///         let _ = socket.send(r#"{"price": 7}"#.repeat(100)).await;
///     })
/// }
/// # Server::new().get("/prices", prices);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    pub(super) agreed: DeflateSettings,
    pub(super) level: u32,
    pub(super) threshold: usize,
}

impl Compression {
    /// Each message for itself, with windows of 32 KiB: compressors and decompressors belong to the threads, and a
    /// connection holds none while it is idle.
    pub fn new() -> Self {
        Self {
            agreed: DeflateSettings {
                context_takeover: false,
                window_bits: 15,
            },
            level: 3,
            threshold: 256,
        }
    }

    /// Whether messages may refer to earlier ones. Default: false.
    ///
    /// It makes many small and similar messages far smaller, and a compressor of about 300 KiB and a decompressor of
    /// about 50 KiB stay with each connection from its first compressed message on. With smaller
    /// [windows](Self::window_bits) it is less.
    #[must_use]
    pub fn context_takeover(mut self, context_takeover: bool) -> Self {
        self.agreed.context_takeover = context_takeover;
        self
    }

    /// The base-2 logarithm of the window, in bytes, in either direction: from 9 (512 bytes) to 15 (32 KiB). Default: 15.
    ///
    /// # Panics
    ///
    /// It is not in this range.
    #[must_use]
    #[track_caller]
    pub fn window_bits(mut self, bits: u8) -> Self {
        assert!((9..=15).contains(&bits), "a window has 9 to 15 bits, not {bits}");
        self.agreed.window_bits = bits;
        self
    }

    /// The effort, from 1 (fast) to 9 (small). Default: 3, about twice as fast as the usual 6 for a few percent more
    /// bytes.
    ///
    /// # Panics
    ///
    /// It is not in this range.
    #[must_use]
    #[track_caller]
    pub fn level(mut self, level: u32) -> Self {
        assert!((1..=9).contains(&level), "a level is 1 to 9, not {level}");
        self.level = level;
        self
    }

    /// Shorter messages, in bytes, go uncompressed, and so do those that do not get shorter. Default: 256: on less,
    /// compressing saves less than it costs. With 0 every message is compressed.
    #[must_use]
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::new()
    }
}

/// All that can be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) limits: MessageLimits,
    pub(super) compression: Option<Compression>,
    pub(super) keep_alive: Option<KeepAlive>,
    pub(super) close_timeout: Duration,
    pub(super) write_timeout: Duration,
}

/// How a dead peer is noticed.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeepAlive {
    /// The silence after which the peer is asked.
    pub(super) interval: Duration,
    /// The time that it has to say something.
    pub(super) timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: MessageLimits::default(),
            compression: None,
            keep_alive: Some(KeepAlive {
                interval: Duration::from_secs(30),
                timeout: Duration::from_secs(20),
            }),
            close_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(30),
        }
    }
}
