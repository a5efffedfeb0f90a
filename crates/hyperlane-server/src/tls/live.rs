//! What connections are made with: all that was given, read and checked.

use std::sync::Arc;

use hyperlane_core::TlsVersion;
use rustls::ServerConfig;
use rustls::crypto::ring::Ticketer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, ProducesTickets};
use rustls::version::{TLS12, TLS13};

use super::certificate::Certificate;
use super::resolver::Certificates;
use super::{Inner, Settings, Tls, TlsError};

/// The state that new handshakes use. A reload puts another in its place; those begun before keep theirs.
#[derive(Debug)]
pub(crate) struct Live {
    pub(super) certificates: Arc<Certificates>,
    /// For HTTP/1.1 and HTTP/2.
    pub(super) tcp: Arc<ServerConfig>,
    /// For HTTP/3.
    #[cfg(feature = "http3")]
    pub(crate) quic: Arc<ServerConfig>,
}

impl Tls {
    /// Reads what was given, unless that is done, and begins to look for changes. A server does it when it starts, so
    /// that mistakes are told then and not to the first client.
    ///
    /// # Errors
    ///
    /// A file can't be read, is no PEM or is encrypted, a key does not belong to its certificate, or a setting can't
    /// be met.
    pub fn load(&self) -> Result<(), TlsError> {
        self.live()?;
        // Also where it was read before: by `reload`, or outside of a runtime.
        self.watch();
        Ok(())
    }

    /// Reads all files again. Connections that are open go on; new ones get what was read.
    ///
    /// It reads files, so that asynchronous code should call it by `spawn_blocking` where the disk may be slow.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load): then everything stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        let live = self.0.read()?;
        self.0.live.send_replace(Some(Arc::new(live)));
        Ok(())
    }

    /// Tells of each reload.
    #[cfg(feature = "http3")]
    pub(crate) fn reloads(&self) -> tokio::sync::watch::Receiver<Option<Arc<Live>>> {
        self.0.live.subscribe()
    }

    pub(crate) fn live(&self) -> Result<Arc<Live>, TlsError> {
        if let Some(live) = &*self.0.live.borrow() {
            return Ok(Arc::clone(live));
        }
        let live = Arc::new(self.0.read()?);
        self.0.live.send_replace(Some(Arc::clone(&live)));
        self.watch();
        Ok(live)
    }
}

impl Inner {
    fn read(&self) -> Result<Live, TlsError> {
        let tickets = self.tickets()?;
        self.settings.read(&tickets)
    }

    fn tickets(&self) -> Result<Arc<dyn ProducesTickets>, TlsError> {
        let made =
            || Ticketer::new().map_err(|error| TlsError::with_source("the system gives no random numbers", error));
        // A ticket holds the certificate that its client showed: it must not outlive the authorities that were asked.
        if self.settings.client_ca.is_some() {
            return made();
        }
        if let Some(tickets) = self.tickets.get() {
            return Ok(Arc::clone(tickets));
        }
        let tickets = made()?;
        Ok(Arc::clone(self.tickets.get_or_init(|| tickets)))
    }
}

impl Settings {
    fn read(&self, tickets: &Arc<dyn ProducesTickets>) -> Result<Live, TlsError> {
        let mut loaded = Vec::new();
        for certificate in &self.certificates {
            loaded.extend(certificate.load(&self.provider)?);
        }
        let certificates = Arc::new(Certificates::new(loaded, self.refuse_unknown_names));
        let verifier = match &self.client_ca {
            Some(ca) => ca.load(Arc::clone(&self.provider))?,
            None => Arc::new(NoClientAuth),
        };
        let versions: &[_] = match self.min_version {
            TlsVersion::Tls13 => &[&TLS13],
            _ => &[&TLS13, &TLS12],
        };
        let config = |versions: &[&'static rustls::SupportedProtocolVersion], protocols: &[&str]| {
            let verifier: Arc<dyn ClientCertVerifier> = Arc::clone(&verifier);
            let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
                .with_protocol_versions(versions)
                .map_err(|error| TlsError::with_source("the crypto provider can't speak the versions of tls", error))?
                .with_client_cert_verifier(verifier)
                .with_cert_resolver(Arc::clone(&certificates) as _);
            config.ticketer = Arc::clone(tickets);
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
            Ok::<_, TlsError>(Arc::new(config))
        };
        let http2 = self.http2 && cfg!(feature = "http2");
        Ok(Live {
            tcp: config(versions, if http2 { &["h2", "http/1.1"] } else { &["http/1.1"] })?,
            // QUIC is never older than TLS 1.3 (RFC 9001 §4.2).
            #[cfg(feature = "http3")]
            quic: config(&[&TLS13], &["h3"])?,
            certificates,
        })
    }

    /// Every file that may change.
    pub(super) fn files(&self) -> Vec<super::file::File> {
        let certificates = self.certificates.iter().flat_map(Certificate::files);
        let authorities = self.client_ca.iter().flat_map(super::ClientCa::files);
        certificates.chain(authorities).collect()
    }
}
