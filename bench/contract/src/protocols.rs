//! What servers for the comparison of protocols answer, and how they are told of TLS.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | [`HELLO`](crate::HELLO), over HTTP/1.1 and HTTP/2 with prior knowledge on the same port |
//! | `GET /download` | [`download`](crate::download), over both |
//! | `GET /ws` | a WebSocket that sends each message back, without compression unless the client asks for it |
//!
//! Where [`Secure::from_environment`] has something, the same is served over TLS on a port of its own.

use std::env;

/// A port for TLS, with files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secure {
    /// On 127.0.0.1.
    pub port: u16,
    /// The path of the chain.
    pub certificate: String,
    /// The path of its key.
    pub key: String,
}

impl Secure {
    /// From the variables `TLS_PORT`, `CERTIFICATE` and `KEY`; `None` unless all of them are there.
    ///
    /// # Panics
    ///
    /// `TLS_PORT` holds something else than a port: the program can't run.
    pub fn from_environment() -> Option<Self> {
        let port = env::var("TLS_PORT").ok()?;
        Some(Self {
            port: port.parse().expect("TLS_PORT is a number up to 65535"),
            certificate: env::var("CERTIFICATE").ok()?,
            key: env::var("KEY").ok()?,
        })
    }
}
