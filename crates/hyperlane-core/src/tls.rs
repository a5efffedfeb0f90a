//! What is known of the TLS session under a connection.

use std::fmt;

use bytes::Bytes;

/// What a TLS handshake agreed on; shared by all requests of the connection.
///
/// It is found in [`ConnectionInfo::tls`](crate::ConnectionInfo::tls).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The version of the protocol.
    pub version: TlsVersion,
    /// The IANA name of the cipher suite, like `TLS13_AES_128_GCM_SHA256`.
    pub cipher_suite: &'static str,
    /// The application protocol that was negotiated (ALPN, RFC 7301): `h2`, `http/1.1` or `h3`; `None` where the
    /// client did not ask for one, which means HTTP/1.1.
    pub alpn: Option<Box<str>>,
    /// The name that the client asked for (SNI, RFC 6066 §3), in lower case; `None` where it gave none, as with an
    /// address instead of a name. It is what the client claims.
    pub server_name: Option<Box<str>>,
    /// The client's certificate and those it sent along, in DER, the client's own first. Empty where it showed none.
    ///
    /// What stands here was verified against the authorities that the server was given.
    pub client_certificates: Vec<Bytes>,
}

impl TlsInfo {
    /// A session of this version and cipher suite, about which nothing else is known. For engines.
    pub fn new(version: TlsVersion, cipher_suite: &'static str) -> Self {
        Self {
            version,
            cipher_suite,
            alpn: None,
            server_name: None,
            client_certificates: Vec::new(),
        }
    }
}

/// A version of TLS that is still safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl fmt::Display for TlsVersion {
    /// The name as access logs have it: `TLSv1.3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        })
    }
}
