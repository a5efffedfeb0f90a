//! The ways to use a protocol.

use crate::catalog::{Entry, Program};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// HTTP/2 with prior knowledge, small answers.
    H2,
    /// HTTP/2 with prior knowledge, answers of 1 MiB.
    H2Download,
    /// HTTP/1.1 over TLS, connections that stay open.
    Tls,
    /// HTTP/1.1 over TLS, a handshake for each request.
    TlsHandshake,
    /// WebSocket, one small message on its way.
    Echo,
    /// WebSocket, sixteen small messages on their way.
    EchoPipelined,
    /// WebSocket, one message of 16 KiB on its way.
    EchoLarge,
    /// WebSockets that do nothing.
    IdleWebSocket,
}

impl Case {
    pub(super) const ALL: [Self; 8] = [
        Self::H2,
        Self::H2Download,
        Self::Tls,
        Self::TlsHandshake,
        Self::Echo,
        Self::EchoPipelined,
        Self::EchoLarge,
        Self::IdleWebSocket,
    ];

    /// On the command line and in the JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::H2 => "h2",
            Self::H2Download => "h2-download",
            Self::Tls => "tls",
            Self::TlsHandshake => "tls-handshake",
            Self::Echo => "echo",
            Self::EchoPipelined => "echo-pipelined",
            Self::EchoLarge => "echo-large",
            Self::IdleWebSocket => "idle-websocket",
        }
    }

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|case| case.name() == name)
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::H2 => "HTTP/2, small answers",
            Self::H2Download => "HTTP/2, download",
            Self::Tls => "TLS, keep-alive",
            Self::TlsHandshake => "TLS, a handshake for each request",
            Self::Echo => "WebSocket echo",
            Self::EchoPipelined => "WebSocket echo, 16 on their way",
            Self::EchoLarge => "WebSocket echo, 16 KiB",
            Self::IdleWebSocket => "idle WebSockets",
        }
    }

    pub(super) fn description(self) -> &'static str {
        match self {
            Self::H2 => "`h2load`, prior knowledge, 16 connections with 32 streams each, `GET /`.",
            Self::H2Download => "`h2load`, prior knowledge, 16 connections with 4 streams each, 1 MiB each.",
            Self::Tls => "`wrk`, 64 connections, TLS 1.3 with a P-256 certificate, HTTP/1.1, `GET /` again and again.",
            Self::TlsHandshake => "`wrk`, 32 connections at once, each of which is closed by the server's answer.",
            Self::Echo => "64 connections; each sends 128 bytes of text, and again when they are back.",
            Self::EchoPipelined => {
                "64 connections; each sends 16 messages of 128 bytes at once, and again when all of them are back."
            }
            Self::EchoLarge => "64 connections; each sends 16 KiB of binary data, and again when they are back.",
            Self::IdleWebSocket => {
                "10,000 connections that have echoed one message and then do nothing: bytes of the server's own \
                 memory for each."
            }
        }
    }

    /// What is counted.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::H2 | Self::H2Download | Self::Tls | Self::TlsHandshake => "requests/s",
            Self::Echo | Self::EchoPipelined | Self::EchoLarge => "messages/s",
            Self::IdleWebSocket => "bytes a connection",
        }
    }

    pub(super) fn prefers_less(self) -> bool {
        self == Self::IdleWebSocket
    }

    /// Whether the server can do it.
    pub(super) fn is_for(self, entry: &Entry) -> bool {
        let speaks_h2 = entry.name != "node-ws";
        let speaks_h1 = entry.name != "node-http2";
        // Through `Connection: close` alone would Node's and Go's answers be like the others'; all of these can.
        match self {
            Self::H2 | Self::H2Download => speaks_h2,
            Self::Tls | Self::TlsHandshake => speaks_h1,
            Self::Echo | Self::EchoPipelined | Self::EchoLarge | Self::IdleWebSocket => speaks_h1,
        }
    }

    /// Whether the program is one that compiles while it runs.
    pub(super) fn warms_up_slowly(entry: &Entry) -> bool {
        matches!(entry.program, Program::Node { .. })
    }
}
