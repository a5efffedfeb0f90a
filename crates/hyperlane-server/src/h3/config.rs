//! The limits that HTTP/3 has beyond those of HTTP/1.1.

use std::time::Duration;

use quinn::{IdleTimeout, TransportConfig, VarInt};

/// Settings of HTTP/3. All of them hold by default; none has to be remembered.
///
/// What all versions have is in [`Config`](crate::Config), and holds for each stream: `head_timeout`, `body_limit`,
/// `body_timeout`, `body_min_rate`, `write_timeout`, `handler_timeout`. `head_limit` is
/// `SETTINGS_MAX_FIELD_SECTION_SIZE`, `handshake_timeout` the time for the handshake of QUIC, and `idle_timeout` the
/// time without a request after which a connection is closed, and without a sign of life after which it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Http3Config {
    /// Requests at once on a connection (RFC 9000 §4.6). Clients wait with further ones. Default: 200, twice what
    /// RFC 9114 §6.1 recommends as the least.
    pub max_concurrent_streams: u32,
    /// Bytes of one request's body that may be under way and unread (RFC 9000 §4.1). Default: 262,144, with which one
    /// upload is as fast as 20 Mbit/s at a round trip of 100 ms.
    pub stream_window: u32,
    /// The same of all requests on a connection: the most memory that its uploads can take. Default: 1,048,576.
    pub connection_window: u32,
    /// Bytes of a connection's responses that are sent and not yet acknowledged: the most memory that they can take in
    /// the transport. Default: 1,048,576.
    pub send_window: u32,
    /// Requests that end in a reset at once, by the client or because of its faults; more end the connection with
    /// `H3_EXCESSIVE_LOAD`. Default: 200, so that all requests of a page that was left can be cancelled. Each response
    /// that is sent to its end gives one back. Without the limit a client could begin and cancel requests as fast as it
    /// can write.
    pub reset_burst: u32,
    /// How many more of them a second. Default: 20.
    pub resets_per_second: u32,
    /// Handshakes at once from addresses that were not proven yet; further clients must prove theirs first, by a round
    /// trip (RFC 9000 §8.1). Default: 256.
    pub unproven_handshakes: usize,
    /// For how long clients may remember that there is HTTP/3, when the other versions tell them (`ma` of `Alt-Svc`,
    /// RFC 7838 §3.1). Default: one day, as the RFC has it.
    pub remembered_for: Duration,
}

impl Default for Http3Config {
    fn default() -> Self {
        Self {
            max_concurrent_streams: 200,
            stream_window: 256 * 1024,
            connection_window: 1024 * 1024,
            send_window: 1024 * 1024,
            reset_burst: 200,
            resets_per_second: 20,
            unproven_handshakes: 256,
            remembered_for: Duration::from_secs(24 * 3600),
        }
    }
}

impl Http3Config {
    /// The names of the settings that are out of their range, each with what is wrong.
    pub fn mistakes(&self) -> Vec<(&'static str, &'static str)> {
        let wrong = [
            (
                "http3.max_concurrent_streams",
                "0: no request could be served",
                self.max_concurrent_streams == 0,
            ),
            ("http3.stream_window", "0: no body could come", self.stream_window == 0),
            (
                "http3.connection_window",
                "0: no request could come",
                self.connection_window == 0,
            ),
            (
                "http3.send_window",
                "0: no response could be sent",
                self.send_window == 0,
            ),
        ];
        wrong
            .into_iter()
            .filter(|(.., wrong)| *wrong)
            .map(|(name, why, _)| (name, why))
            .collect()
    }

    pub(super) fn transport(&self, idle_timeout: Duration) -> TransportConfig {
        /// Streams of one direction: control and compression need three, and greasing sends one at times.
        const UNIDIRECTIONAL: u32 = 8;

        let mut transport = TransportConfig::default();
        transport
            .max_concurrent_bidi_streams(VarInt::from_u32(self.max_concurrent_streams.max(1)))
            .max_concurrent_uni_streams(VarInt::from_u32(UNIDIRECTIONAL))
            .stream_receive_window(VarInt::from_u32(self.stream_window.max(1)))
            .receive_window(VarInt::from_u32(self.connection_window.max(1)))
            .send_window(u64::from(self.send_window.max(1)))
            // Nothing that we speak has datagrams.
            .datagram_receive_buffer_size(None)
            .max_idle_timeout(IdleTimeout::try_from(idle_timeout).ok())
            // A client that waits for a slow handler says nothing, and must not be given up for that.
            .keep_alive_interval(Some(idle_timeout / 3));
        transport
    }
}
