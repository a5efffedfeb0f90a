//! The limits that HTTP/2 has beyond those of HTTP/1.1.

use std::time::Duration;

use hyperlane_proto::h2::Limits;

/// Settings of HTTP/2. All of them hold by default; none has to be remembered.
///
/// What both versions have is in [`Config`](crate::Config), and holds for each stream: `body_limit`, `body_timeout`,
/// `body_min_rate`, `write_timeout`, `handler_timeout`. `head_limit` is `SETTINGS_MAX_HEADER_LIST_SIZE`, `head_timeout`
/// the time that a frame, or a head over several frames, may take, and `idle_timeout` the time without a stream after
/// which the connection says GOAWAY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Http2Config {
    /// Streams at once (`SETTINGS_MAX_CONCURRENT_STREAMS`, RFC 9113 §5.1.2); further ones are refused, and clients try
    /// them again. Default: 200, twice what the RFC recommends as the least.
    pub max_concurrent_streams: u32,
    /// Bytes of a frame that are accepted (`SETTINGS_MAX_FRAME_SIZE`, §4.2), from 16,384 to 16,777,215. Default: 16,384:
    /// larger frames keep others waiting and save next to nothing.
    pub max_frame_size: u32,
    /// Bytes of one request's body that may be under way and unread (`SETTINGS_INITIAL_WINDOW_SIZE`, §6.9.2), at most
    /// 2,147,483,647. Default: 262,144, with which one upload is as fast as 20 Mbit/s at a round trip of 100 ms.
    pub stream_window: u32,
    /// Bytes of all requests' bodies on a connection that may be under way and unread (§6.9.1), from 65,535 to
    /// 2,147,483,647: the most memory that a connection's uploads can take, whatever its streams do. Default: 1,048,576.
    pub connection_window: u32,
    /// Bytes of one response that are handed over for sending at once. Default: 65,536: a client that gives windows but
    /// does not read can make the server hold no more than this for a stream.
    pub send_buffer: usize,
    /// Streams that end in a reset at once, by the client or because of its faults; more end the connection with
    /// ENHANCE_YOUR_CALM. Default: 200, so that all streams of a page that was left can be reset. Each response that is
    /// sent to its end gives one back. Without the limit a client could begin and reset requests as fast as it can write
    /// (CVE-2023-44487, and CVE-2025-8671 where it makes the server reset them).
    pub reset_burst: u32,
    /// How many more of them a second. Default: 20.
    pub resets_per_second: u32,
    /// Frames at once that cost more to take than to send (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown
    /// kinds); more end the connection with ENHANCE_YOUR_CALM. Default: 1,000. Requests, and data in either direction,
    /// give some back (CVE-2019-9512, 9515, 9518).
    pub control_burst: u32,
    /// How many more of them a second. Default: 100.
    pub control_per_second: u32,
    /// Time without a byte from the client after which a PING is sent; a client that does not answer it within
    /// [`keep_alive_timeout`](Self::keep_alive_timeout) is gone. Default: none, since `idle_timeout` ends connections
    /// without requests, and `write_timeout` those whose client takes no response.
    pub keep_alive_interval: Option<Duration>,
    /// Time for the answer to a PING. Default: 20 s.
    pub keep_alive_timeout: Duration,
}

impl Default for Http2Config {
    fn default() -> Self {
        Self {
            max_concurrent_streams: 200,
            max_frame_size: 16_384,
            stream_window: 256 * 1024,
            connection_window: 1024 * 1024,
            send_buffer: 64 * 1024,
            reset_burst: 200,
            resets_per_second: 20,
            control_burst: 1000,
            control_per_second: 100,
            keep_alive_interval: None,
            keep_alive_timeout: Duration::from_secs(20),
        }
    }
}

/// The largest window, and the largest stream number, that there is (RFC 9113 §6.9.1).
const LARGEST_WINDOW: u32 = 0x7fff_ffff;
const FRAME_SIZES: std::ops::RangeInclusive<u32> = 16_384..=16_777_215;

impl Http2Config {
    /// The names of the settings that are out of their range, each with what is wrong.
    pub fn mistakes(&self) -> Vec<(&'static str, &'static str)> {
        let wrong = [
            (
                "http2.max_concurrent_streams",
                "0: no request could be served",
                self.max_concurrent_streams == 0,
            ),
            (
                "http2.max_frame_size",
                "not from 16,384 to 16,777,215",
                !FRAME_SIZES.contains(&self.max_frame_size),
            ),
            (
                "http2.stream_window",
                "0 or above 2,147,483,647",
                self.stream_window == 0 || self.stream_window > LARGEST_WINDOW,
            ),
            (
                "http2.connection_window",
                "not from 65,535 to 2,147,483,647",
                !(65_535..=LARGEST_WINDOW).contains(&self.connection_window),
            ),
            ("http2.send_buffer", "0: no body could be sent", self.send_buffer == 0),
            (
                "http2.control_burst",
                "below 20: no connection could begin",
                self.control_burst < 20,
            ),
        ];
        wrong
            .into_iter()
            .filter(|(.., wrong)| *wrong)
            .map(|(name, why, _)| (name, why))
            .collect()
    }

    /// What the frames are held to. A field block may take four times what its head may have.
    pub(super) fn limits(&self, head_limit: usize) -> Limits {
        let mut limits = Limits::default();
        limits.frame_bytes = self.max_frame_size.clamp(*FRAME_SIZES.start(), *FRAME_SIZES.end());
        limits.block_bytes = head_limit.saturating_mul(4);
        limits.control_burst = self.control_burst;
        limits.control_per_second = self.control_per_second;
        limits.reset_burst = self.reset_burst;
        limits.reset_per_second = self.resets_per_second;
        limits
    }

    /// The settings for the `h2` crate, all within their ranges.
    pub(super) fn builder(&self, head_limit: usize) -> h2::server::Builder {
        let mut builder = h2::server::Builder::new();
        builder
            .max_concurrent_streams(self.max_concurrent_streams.max(1))
            .max_frame_size(self.max_frame_size.clamp(*FRAME_SIZES.start(), *FRAME_SIZES.end()))
            .max_header_list_size(u32::try_from(head_limit).unwrap_or(u32::MAX))
            .initial_window_size(self.stream_window.clamp(1, LARGEST_WINDOW))
            .initial_connection_window_size(self.connection_window.clamp(65_535, LARGEST_WINDOW))
            .max_send_buffer_size(self.send_buffer.clamp(1, LARGEST_WINDOW as usize))
            // The guard limits resets by their rate. The crate's own limits are for the whole life of a connection,
            // which would end one that lives long.
            .max_local_error_reset_streams(None)
            // All streams that are open may be answered, and so reset, while their bodies are under way.
            .max_concurrent_reset_streams(self.max_concurrent_streams.max(50) as usize)
            .reset_stream_duration(Duration::from_secs(10))
            .max_pending_accept_reset_streams(self.max_concurrent_streams.max(20) as usize)
            .enable_connect_protocol();
        builder
    }
}
