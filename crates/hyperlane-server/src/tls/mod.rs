//! HTTPS: transports inside of TLS, by `rustls`. Needs the cargo feature `tls`.
//!
//! It stands between accept and the connection: a handshake (`handshake.rs`) makes a transport of a transport
//! (`stream.rs`), and from there on nothing knows of it but [`ConnectionInfo::tls`](hyperlane_core::ConnectionInfo).
//! What is needed for it is collected in [`Tls`], read when the server starts (`live.rs`), and read again when it
//! changes (`reload.rs`).
//!
//! ```
//! use hyperlane_server::tls::{Certificate, Tls};
//!
//! let tls = Tls::pem_files("/etc/tls/example.org.pem", "/etc/tls/example.org.key")
//!     .certificate(Certificate::pem_files("/etc/tls/example.net.pem", "/etc/tls/example.net.key"));
//! # let _ = tls;
//! ```
//!
//! # What holds by default
//!
//! TLS 1.2 and 1.3 with the suites that `rustls` calls safe: forward secrecy and authenticated encryption in all of
//! them, no renegotiation, no compression. Sessions are resumed by tickets whose keys live in memory and change every
//! six hours. No 0-RTT data: requests in it could be replayed (RFC 8446 §8).

#[cfg(feature = "acme")]
mod acme;
mod certificate;
mod client_ca;
mod error;
mod facts;
mod file;
mod handshake;
mod live;
mod reload;
mod resolver;
#[cfg(feature = "tls-self-signed")]
mod self_signed;
mod stream;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyperlane_core::TlsVersion;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring;
use rustls::server::ProducesTickets;
use tokio::sync::watch;

#[cfg(feature = "acme")]
pub use acme::Acme;
pub use certificate::Certificate;
pub use client_ca::ClientCa;
pub use error::TlsError;
pub(crate) use live::Live;
pub(crate) use stream::TlsStream;

/// How often files are looked at: often enough that nobody waits for it, and too seldom to cost anything.
const RELOAD_EVERY: Duration = Duration::from_secs(5);

/// The certificates of a listener, and what is asked of its clients.
///
/// Clones share what was read: one is given to the server, another may be kept to [`reload`](Self::reload) it. A
/// setter makes a value of its own again.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    /// What was read last, without a mistake.
    live: watch::Sender<Option<Arc<Live>>>,
    /// Makes the tickets by which sessions are resumed, after a reload too.
    tickets: OnceLock<Arc<dyn ProducesTickets>>,
    /// Whether a task looks for changes already.
    watched: AtomicBool,
}

#[derive(Clone, Debug)]
struct Settings {
    certificates: Vec<Certificate>,
    client_ca: Option<ClientCa>,
    refuse_unknown_names: bool,
    min_version: TlsVersion,
    http2: bool,
    provider: Arc<CryptoProvider>,
    reload_every: Option<Duration>,
    reload_on_hangup: bool,
}

impl Tls {
    /// Shows this certificate, to clients that ask for no name or an unknown one too.
    pub fn new(certificate: Certificate) -> Self {
        Self::from_settings(Settings {
            certificates: vec![certificate],
            client_ca: None,
            refuse_unknown_names: false,
            min_version: TlsVersion::Tls12,
            http2: true,
            provider: Arc::new(ring::default_provider()),
            reload_every: Some(RELOAD_EVERY),
            reload_on_hangup: true,
        })
    }

    /// Shows the certificate of these files: the same as [`Certificate::pem_files`].
    pub fn pem_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self::new(Certificate::pem_files(certificate, key))
    }

    /// Shows a certificate from memory: the same as [`Certificate::pem`].
    pub fn pem(certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self::new(Certificate::pem(certificate, key))
    }

    /// Shows a certificate for development that is made on the spot: the same as [`Certificate::self_signed`].
    ///
    /// ```
    /// let tls = hyperlane_server::Tls::self_signed(["localhost", "127.0.0.1"]);
    /// tls.load()?;
    /// # Ok::<(), hyperlane_server::tls::TlsError>(())
    /// ```
    #[cfg(feature = "tls-self-signed")]
    pub fn self_signed<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::new(Certificate::self_signed(names))
    }

    /// Shows a certificate that is asked for, and renewed, by ACME: the same as [`Certificate::acme`].
    #[cfg(feature = "acme")]
    pub fn acme(acme: Acme) -> Self {
        Self::new(Certificate::acme(acme))
    }

    /// Shows one more certificate, to clients that ask for one of its names (SNI, RFC 6066 §3). An exact name goes
    /// before a wildcard. Several for one name serve clients that can't check all kinds of keys: the first that a
    /// client can check is shown.
    #[must_use]
    pub fn certificate(self, certificate: Certificate) -> Self {
        self.edit(|settings| settings.certificates.push(certificate))
    }

    /// Refuses clients that ask for a name that no certificate has, with the alert `unrecognized_name` (RFC 6066 §3).
    /// Default: they are shown the first certificate, and it is up to them.
    ///
    /// Clients that name no server, as those that go by an address, are shown the first one all the same.
    #[must_use]
    pub fn refuse_unknown_names(self) -> Self {
        self.edit(|settings| settings.refuse_unknown_names = true)
    }

    /// The oldest version that is spoken. Default: 1.2, with which a few old clients still come.
    #[must_use]
    pub fn min_version(self, version: TlsVersion) -> Self {
        self.edit(|settings| settings.min_version = version)
    }

    /// Asks clients for a certificate. Default: they are not asked.
    #[must_use]
    pub fn client_ca(self, ca: ClientCa) -> Self {
        self.edit(|settings| settings.client_ca = Some(ca))
    }

    /// Whether HTTP/2 is offered (ALPN, RFC 7301). Default: true, which does something only with the cargo feature
    /// `http2`.
    #[must_use]
    pub fn http2(self, offered: bool) -> Self {
        self.edit(|settings| settings.http2 = offered)
    }

    /// Another implementation of the cryptography, for example one that was validated (FIPS), or that has key
    /// exchanges which quantum computers can't break. Default: `ring`.
    ///
    /// What the process has installed as its default is neither needed nor looked at.
    #[must_use]
    pub fn crypto_provider(self, provider: Arc<CryptoProvider>) -> Self {
        self.edit(|settings| settings.provider = provider)
    }

    /// How often files are looked at for changes; `None`: never. Default: every 5 s.
    ///
    /// Open connections go on with what they have. Where the new files can't be used, as when only one of certificate
    /// and key was written yet, an error is logged and the old ones stay.
    #[must_use]
    pub fn reload_every(self, interval: Option<Duration>) -> Self {
        self.edit(|settings| settings.reload_every = interval)
    }

    /// Whether the signal SIGHUP makes the server read its files again, and does not end the process any more.
    /// Default: true, where there are files, and where there are signals.
    #[must_use]
    pub fn reload_on_hangup(self, reload: bool) -> Self {
        self.edit(|settings| settings.reload_on_hangup = reload)
    }

    /// Where several processes serve, each would ask for certificates of its own.
    #[cfg(all(unix, feature = "acme", feature = "processes"))]
    pub(crate) fn refuse_acme(&self) -> Result<(), &'static str> {
        match self.0.settings.certificates.iter().any(|one| one.kept().is_some()) {
            true => Err(
                "certificates by acme are for one process: leave `processes` out, or renew them by another program and \
                 give the files",
            ),
            false => Ok(()),
        }
    }

    fn edit(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = match Arc::try_unwrap(self.0) {
            Ok(inner) => inner.settings,
            Err(shared) => shared.settings.clone(),
        };
        change(&mut settings);
        Self::from_settings(settings)
    }

    fn from_settings(settings: Settings) -> Self {
        Self(Arc::new(Inner {
            settings,
            live: watch::Sender::new(None),
            tickets: OnceLock::new(),
            watched: AtomicBool::new(false),
        }))
    }
}

/// The SHA-256 of a certificate, as browsers and `openssl x509 -fingerprint` write it.
pub fn fingerprint(certificate: &[u8]) -> String {
    let suite = ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let Some(suite) = suite.tls13() else {
        return String::new();
    };
    let digest = suite.common.hash_provider.hash(certificate);
    let octets: Vec<String> = digest.as_ref().iter().map(|octet| format!("{octet:02X}")).collect();
    octets.join(":")
}
