//! The PROXY protocol: what a proxy says about the client in front of everything else, in version 1 (a line) and
//! version 2 (binary), as HAProxy's specification has it.
//!
//! It comes before TLS and HTTP (`handshake.rs`). Only peers that are trusted are believed.

use std::fmt::Display;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ipnet::IpNet;
use proxy_header::{Error, ParseConfig, Protocol, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::Transport;

/// How version 1 begins. The shortest header of all is longer.
const V1: &[u8] = b"PROXY ";
/// How version 2 begins.
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1 (§2.1), with its end.
const V1_LIMIT: usize = 107;
/// What comes before the variable part of version 2 (§2.2): its length is in the last two bytes.
const V2_FIXED: usize = 16;

/// Who may say for whom it connects.
#[derive(Clone, Debug)]
pub(crate) struct ProxyProtocol {
    trusted: Arc<[IpNet]>,
}

impl ProxyProtocol {
    /// Believes these addresses and networks. The error says which is none.
    pub(crate) fn from_trusted<I>(proxies: I) -> Result<Self, String>
    where
        I: IntoIterator,
        I::Item: Display,
    {
        let mut trusted = Vec::new();
        for proxy in proxies {
            trusted.push(parse_network(&proxy.to_string())?);
        }
        if trusted.is_empty() {
            return Err("`proxy_protocol` names no proxy, so that no connection could come: name one".to_owned());
        }
        Ok(Self {
            trusted: trusted.into(),
        })
    }

    /// Whether `peer` may say it. A Unix socket has no address: there the rights of its file decide.
    pub(crate) fn trusts(&self, peer: Option<SocketAddr>) -> bool {
        peer.is_none_or(|peer| {
            let peer = peer.ip().to_canonical();
            self.trusted.iter().any(|network| network.contains(&peer))
        })
    }
}

/// An address is a network of one.
fn parse_network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>();
    network
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| format!("`{text}` is neither an ip address nor a network like 10.0.0.0/8"))
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The proxy connects for this client.
    Client(SocketAddr),
    /// The proxy connects for itself (a health check), or for somebody without an address.
    Nobody,
}

/// Reads the header from `io`, and at most `limit` bytes. Returns what it says, and the transport with what came
/// behind it.
///
/// # Errors
///
/// There is no header, or none that is well-formed, or it is too long.
pub(crate) async fn read<T: Transport>(mut io: T, limit: usize) -> io::Result<(Told, Box<dyn Transport>)> {
    let mut received = Vec::with_capacity(256);
    loop {
        // Some room behind the header is usual: the request follows at once.
        let mut chunk = (&mut io).take(1024);
        if chunk.read_buf(&mut received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some((told, length)) = parse(&received, limit).map_err(refused)? {
            received.drain(..length);
            let io: Box<dyn Transport> = match received.is_empty() {
                true => Box::new(io),
                false => Box::new(Replay { received, at: 0, io }),
            };
            return Ok((told, io));
        }
    }
}

fn refused(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// What the header at the start of `received` says, and how long it is; `None` while it is not complete. The result
/// does not depend on how the bytes were cut into pieces.
fn parse(received: &[u8], limit: usize) -> Result<Option<(Told, usize)>, &'static str> {
    const NONE: &str = "no header of the proxy protocol where one was expected";
    const MALFORMED: &str = "malformed header of the proxy protocol";
    const TOO_LONG: &str = "header of the proxy protocol is too long";
    let begins = |with: &[u8]| received.iter().zip(with).all(|(one, other)| one == other);
    if begins(V1) {
        let line = match received.windows(2).position(|two| two == b"\r\n") {
            Some(end) if end + 2 <= V1_LIMIT.min(limit) => &received[..end + 2],
            None if received.len() < V1_LIMIT.min(limit) => return Ok(None),
            _ => return Err(TOO_LONG),
        };
        // Numbers are digits alone; the parser would take a sign.
        if line.contains(&b'+') {
            return Err(MALFORMED);
        }
        return match ProxyHeader::parse(line, ParseConfig::default()) {
            Ok((header, length)) if length == line.len() => Ok(Some((told(&header), length))),
            _ => Err(MALFORMED),
        };
    }
    if !begins(V2) {
        return Err(NONE);
    }
    let Some(&[high, low]) = received.get(V2_FIXED - 2..V2_FIXED) else {
        return Ok(None);
    };
    let length = V2_FIXED + usize::from(u16::from_be_bytes([high, low]));
    if length > limit {
        return Err(TOO_LONG);
    }
    let config = ParseConfig {
        include_tlvs: true,
        ..ParseConfig::default()
    };
    // A wrong version or command is found before all has come.
    let header = received.get(..length).unwrap_or(received);
    match ProxyHeader::parse(header, config) {
        Ok((header, length)) if header.tlvs().all(|field| field.is_ok()) => Ok(Some((told(&header), length))),
        Err(Error::BufferTooShort) if received.len() < length => Ok(None),
        _ => Err(MALFORMED),
    }
}

fn told(header: &ProxyHeader<'_>) -> Told {
    match header.proxied_address() {
        // What a proxy received as datagrams is no connection of a client.
        Some(address) if matches!(address.protocol, Protocol::Stream) => {
            let client = address.source;
            Told::Client(SocketAddr::new(client.ip().to_canonical(), client.port()))
        }
        _ => Told::Nobody,
    }
}

/// A transport that begins with what was received of it before.
struct Replay<T> {
    received: Vec<u8>,
    at: usize,
    io: T,
}

impl<T: Transport> Transport for Replay<T> {
    fn abandon(&mut self) {
        self.io.abandon();
    }
}

impl<T: Transport> AsyncRead for Replay<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let rest = this.received.get(this.at..).unwrap_or_default();
        if rest.is_empty() {
            return Pin::new(&mut this.io).poll_read(cx, buf);
        }
        let length = rest.len().min(buf.remaining());
        buf.put_slice(rest.get(..length).unwrap_or_default());
        this.at += length;
        if this.at == this.received.len() {
            this.received = Vec::new();
            this.at = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Transport> AsyncWrite for Replay<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 4096;

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).expect("short");
        [V2, &[command, family], &length.to_be_bytes(), rest].concat()
    }

    const V4_ADDRESSES: [u8; 12] = [192, 0, 2, 7, 127, 0, 0, 1, 0x30, 0x39, 0, 80];

    /// The result for every way to cut the bytes in two, and for one byte at a time.
    fn parse_in_pieces(bytes: &[u8]) -> Result<Option<(Told, usize)>, &'static str> {
        let whole = parse(bytes, LIMIT);
        for at in 0..bytes.len() {
            match parse(&bytes[..at], LIMIT) {
                Ok(None) => {}
                early => assert_eq!(early, whole, "after {at} bytes of {bytes:?}"),
            }
        }
        whole
    }

    #[test]
    fn tells_the_client_of_both_versions() {
        let client = Told::Client("192.0.2.7:12345".parse().expect("an address"));
        let line = b"PROXY TCP4 192.0.2.7 127.0.0.1 12345 80\r\n";
        assert_eq!(parse_in_pieces(line), Ok(Some((client, line.len()))));
        let line = b"PROXY TCP6 ::ffff:192.0.2.7 ::1 12345 80\r\nGET / HTTP/1.1\r\n";
        assert_eq!(parse(line, LIMIT), Ok(Some((client, 42))));
        let binary = v2(0x21, 0x11, &V4_ADDRESSES);
        assert_eq!(parse_in_pieces(&binary), Ok(Some((client, binary.len()))));
        // With the name that the client asked for, and a field that nobody knows.
        let fields = [&V4_ADDRESSES[..], &[2, 0, 1, b'a', 0xee, 0, 2, 1, 2]].concat();
        let binary = v2(0x21, 0x11, &fields);
        assert_eq!(parse_in_pieces(&binary), Ok(Some((client, binary.len()))));
    }

    #[test]
    fn a_proxy_that_connects_for_itself_names_nobody() {
        for header in [
            b"PROXY UNKNOWN\r\n".to_vec(),
            b"PROXY UNKNOWN ::1 ::1 1 2\r\n".to_vec(),
            v2(0x20, 0, &[]),
            v2(0x20, 0x11, &V4_ADDRESSES),
            v2(0x21, 0, &[]),
            v2(0x21, 0x12, &V4_ADDRESSES),
            v2(0x21, 0x31, &[0; 216]),
        ] {
            assert_eq!(
                parse_in_pieces(&header),
                Ok(Some((Told::Nobody, header.len()))),
                "{header:?}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_header() {
        let long = [b"PROXY UNKNOWN ".to_vec(), vec![b'a'; 100]].concat();
        let long_with_end = [long.clone(), b"\r\n".to_vec()].concat();
        for bytes in [
            b"GET / HTTP/1.1\r\n".to_vec(),
            b"\x16\x03\x01".to_vec(),
            b"proxy TCP4 192.0.2.7 127.0.0.1 1 80\r\n".to_vec(),
            b"PROXYxTCP4 192.0.2.7 127.0.0.1 1 80\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 127.0.0.1 1 80 \r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 127.0.0.1 +1 80\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 127.0.0.1 65536 80\r\n".to_vec(),
            b"PROXY TCP4 ::1 ::1 1 80\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.256 127.0.0.1 1 80\r\n".to_vec(),
            b"PROXY TCP5 192.0.2.7 127.0.0.1 1 80\r\n".to_vec(),
            b"PROXY \r\n".to_vec(),
            b"PROXY TCP4\r\n\r\n\r\n\r\n".to_vec(),
            long,
            long_with_end,
            v2(0x11, 0x11, &V4_ADDRESSES),
            v2(0x22, 0x11, &V4_ADDRESSES),
            v2(0x21, 0x41, &V4_ADDRESSES),
            v2(0x21, 0x11, &V4_ADDRESSES[..11]),
            v2(0x21, 0x21, &V4_ADDRESSES),
            v2(0x21, 0x31, &[0; 215]),
            // A field that says that it is longer than the header.
            v2(0x21, 0x11, &[&V4_ADDRESSES[..], &[2, 0, 9, b'a']].concat()),
            v2(0x21, 0x11, &[&V4_ADDRESSES[..], &[2, 0]].concat()),
            [V2, &[0x21, 0x11, 0xff, 0xff]].concat(),
        ] {
            let result = parse_in_pieces(&bytes);
            assert!(result.is_err(), "{result:?} for {:?}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn trusts_only_those_that_are_named() {
        let protocol = ProxyProtocol::from_trusted(["10.0.0.0/8", "2001:db8::7"]).expect("two networks");
        let trusts = |peer: &str| protocol.trusts(Some(peer.parse().expect("an address")));
        assert!(trusts("10.9.8.7:1") && trusts("[::ffff:10.9.8.7]:1") && trusts("[2001:db8::7]:1"));
        assert!(!trusts("11.0.0.1:1") && !trusts("[2001:db8::8]:1") && !trusts("127.0.0.1:1"));
        assert!(protocol.trusts(None));
    }
}
