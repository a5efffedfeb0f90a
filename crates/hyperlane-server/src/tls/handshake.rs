//! The handshake: from a transport to one inside of TLS, or an alert that says why not.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use hyperlane_core::{TlsInfo, TlsVersion};
use rustls::server::{Accepted, Acceptor};
use rustls::{ProtocolVersion, ServerConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::server::StartHandshake;

use super::{Tls, TlsStream};
use crate::{Transport, pool};

/// What is answered to plain HTTP, so that a person who forgot the `s` of `https` sees why there is no page.
const PLAIN_HTTP: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 59\r\n\
    connection: close\r\n\r\nthis port speaks TLS: ask for the same address with https:\n";

/// A record with the fatal alert 112 (RFC 6066 §3).
const UNRECOGNIZED_NAME: &[u8] = &[21, 3, 3, 0, 2, 2, 112];

impl Tls {
    /// Completes the handshake with a client. It has no time-out of its own.
    ///
    /// # Errors
    ///
    /// The client does not speak TLS, nothing was found that both support, or the client's certificate was refused;
    /// the client was told so by an alert (RFC 8446 §6.2). Or it left.
    pub(crate) async fn accept<T: Transport>(&self, mut io: T) -> io::Result<TlsStream<T>> {
        let live = self.live().map_err(io::Error::other)?;
        let hello = read_hello(&mut io).await?;
        #[cfg(feature = "acme")]
        if super::acme::asks_for(&hello.client_hello()) {
            let kept = self.0.settings.certificates.iter().filter_map(|one| one.kept());
            super::acme::answer(hello, io, kept.map(|kept| &**kept)).await?;
            return Err(io::Error::other(
                "the client was an acme authority, which got its proof",
            ));
        }
        if let Some(name) = hello.client_hello().server_name()
            && live.certificates.refuses(name)
        {
            let error = io::Error::new(io::ErrorKind::InvalidData, format!("no certificate is for {name:?}"));
            io.write_all(UNRECOGNIZED_NAME).await?;
            io.shutdown().await?;
            return Err(error);
        }
        let stream = StartHandshake::from_parts(hello, io)
            .into_stream(Arc::clone(&live.tcp))
            .await?;
        let info = describe(stream.get_ref().1);
        Ok(TlsStream::new(stream, info))
    }
}

/// Reads until the client has said which server it wants, and what it can do (RFC 8446 §4.1.2).
async fn read_hello<T: Transport>(io: &mut T) -> io::Result<Accepted> {
    let mut acceptor = Acceptor::default();
    let mut buffer = pool::take();
    let mut first = true;
    loop {
        buffer.clear();
        if io.read_buf(&mut buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if std::mem::take(&mut first) && looks_like_http(&buffer) {
            pool::give(buffer);
            io.write_all(PLAIN_HTTP).await?;
            io.shutdown().await?;
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the client speaks plain http",
            ));
        }
        let mut unread = &buffer[..];
        while !unread.is_empty() {
            acceptor.read_tls(&mut unread)?;
        }
        match acceptor.accept() {
            Ok(Some(hello)) => {
                pool::give(buffer);
                return Ok(hello);
            }
            Ok(None) => {}
            Err((error, mut alert)) => {
                let mut bytes = Vec::new();
                alert.write_all(&mut bytes)?;
                io.write_all(&bytes).await?;
                io.shutdown().await?;
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
    }
}

/// A record of TLS begins with a byte of its own (RFC 8446 §5.1), a request of HTTP with the letters of its method.
fn looks_like_http(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(u8::is_ascii_uppercase)
}

fn describe(session: &ServerConnection) -> TlsInfo {
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
        _ => TlsVersion::Tls12,
    };
    let suite = session.negotiated_cipher_suite();
    let suite = suite.and_then(|suite| suite.suite().as_str()).unwrap_or("unknown");
    let mut info = TlsInfo::new(version, suite);
    info.alpn = session
        .alpn_protocol()
        .map(|protocol| String::from_utf8_lossy(protocol).into());
    info.server_name = session.server_name().map(|name| name.to_ascii_lowercase().into());
    let chain = session.peer_certificates().unwrap_or_default();
    info.client_certificates = chain
        .iter()
        .map(|certificate| Bytes::copy_from_slice(certificate))
        .collect();
    info
}
