//! A client that writes frames as it is told to, right or wrong, and reads them one by one.

use std::time::Duration;

use hyperlane_server::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;

use crate::app;
use crate::hpack;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const PRIORITY: u8 = 2;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PUSH_PROMISE: u8 = 5;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

pub(crate) mod flag {
    pub(crate) const ACK: u8 = 1;
    pub(crate) const END_STREAM: u8 = 1;
    pub(crate) const END_HEADERS: u8 = 4;
    pub(crate) const PADDED: u8 = 8;
    pub(crate) const PRIORITY: u8 = 0x20;
    /// Of a whole request without a body.
    pub(crate) const WHOLE: u8 = END_STREAM | END_HEADERS;
}

pub(crate) mod code {
    pub(crate) const NO_ERROR: u32 = 0;
    pub(crate) const PROTOCOL_ERROR: u32 = 1;
    pub(crate) const FLOW_CONTROL_ERROR: u32 = 3;
    pub(crate) const STREAM_CLOSED: u32 = 5;
    pub(crate) const FRAME_SIZE_ERROR: u32 = 6;
    pub(crate) const REFUSED_STREAM: u32 = 7;
    pub(crate) const CANCEL: u32 = 8;
    pub(crate) const COMPRESSION_ERROR: u32 = 9;
    pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;
}

/// A frame, as bytes.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A GET of `/`.
pub(crate) fn get(stream: u32) -> Vec<u8> {
    frame(kind::HEADERS, flag::WHOLE, stream, hpack::GET)
}

/// A request of this path without a body.
pub(crate) fn get_path(stream: u32, path: &str) -> Vec<u8> {
    frame(kind::HEADERS, flag::WHOLE, stream, &hpack::request("GET", path))
}

/// The head of a POST to `/echo`, of which the body is to come.
pub(crate) fn post(stream: u32) -> Vec<u8> {
    frame(kind::HEADERS, flag::END_HEADERS, stream, hpack::POST_ECHO)
}

pub(crate) fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let payload: Vec<u8> = settings
        .iter()
        .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
        .collect();
    frame(kind::SETTINGS, 0, 0, &payload)
}

pub(crate) fn window_update(stream: u32, increment: u32) -> Vec<u8> {
    frame(kind::WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

pub(crate) fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(kind::RST_STREAM, 0, stream, &code.to_be_bytes())
}

pub(crate) fn ping(payload: &[u8; 8]) -> Vec<u8> {
    frame(kind::PING, 0, 0, payload)
}

/// A frame that was received.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The code of RST_STREAM or GOAWAY.
    pub(crate) fn code(&self) -> u32 {
        let at = if self.kind == kind::GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().expect("four bytes"))
    }
}

/// A connection of frames.
pub(crate) struct Client {
    pub(crate) io: DuplexStream,
}

impl Client {
    /// Connects, and goes through the exchange of settings.
    pub(crate) async fn connect(config: Config) -> Self {
        Self::connect_with(config, &[]).await
    }

    pub(crate) async fn connect_with(config: Config, own: &[(u16, u32)]) -> Self {
        let mut client = Self::begin(config);
        client.send(&[PREFACE, &settings(own)].concat()).await;
        let first = client.next().await.expect("settings of the server");
        assert_eq!((first.kind, first.has(flag::ACK)), (kind::SETTINGS, false));
        client.send(&frame(kind::SETTINGS, flag::ACK, 0, b"")).await;
        client.wait(kind::SETTINGS).await;
        client
    }

    /// Connects, and says nothing yet.
    pub(crate) fn begin(config: Config) -> Self {
        let (io, _) = app::connect(config);
        Self { io }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        // The server may have closed already: what it has said before is what a test looks at.
        let _ = self.io.write_all(bytes).await;
    }

    /// The next frame; `None` at the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        let read = timeout(Duration::from_secs(600), self.io.read_exact(&mut head)).await;
        read.expect("the server says something, or closes").ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        self.io.read_exact(&mut payload).await.expect("a whole frame");
        let [_, _, _, kind, flags, stream @ ..] = head;
        Some(Frame {
            kind,
            flags,
            stream: u32::from_be_bytes(stream),
            payload,
        })
    }

    /// The next frame of this kind.
    pub(crate) async fn wait(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self
                .next()
                .await
                .unwrap_or_else(|| panic!("a frame of kind {kind} before the end"));
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// Reads until the response on this stream has ended. Returns its status and its body.
    pub(crate) async fn response(&mut self, stream: u32) -> (u16, Vec<u8>) {
        let (mut status, mut body) = (0, Vec::new());
        loop {
            let frame = self.next().await.expect("a response before the end");
            assert_ne!(frame.kind, kind::GOAWAY, "code {}", frame.code());
            if frame.stream != stream {
                continue;
            }
            match frame.kind {
                kind::HEADERS if status == 0 => status = hpack::status(&frame.payload),
                kind::DATA => body.extend_from_slice(&frame.payload),
                kind::RST_STREAM => panic!("a response, and not a reset with code {}", frame.code()),
                _ => {}
            }
            if matches!(frame.kind, kind::HEADERS | kind::DATA) && frame.has(flag::END_STREAM) {
                return (status, body);
            }
        }
    }

    /// Whether the connection still works: a PING is answered (and nothing ends it before).
    pub(crate) async fn is_alive(&mut self) -> bool {
        self.send(&ping(b"are you?")).await;
        while let Some(frame) = self.next().await {
            match frame.kind {
                kind::PING if frame.has(flag::ACK) && frame.payload == b"are you?" => return true,
                kind::GOAWAY => return false,
                _ => {}
            }
        }
        false
    }

    /// Everything until the server closes, and the code of its last GOAWAY.
    pub(crate) async fn goaway(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some(frame) = self.next().await {
            if frame.kind == kind::GOAWAY {
                code = Some(frame.code());
            }
        }
        code
    }
}
