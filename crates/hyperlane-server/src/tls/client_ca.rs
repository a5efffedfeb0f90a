//! Certificates of clients: who may vouch for them, and whether one must be shown.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::TlsError;
use super::file::{File, Part};

/// The authorities whose certificates clients show (mutual TLS).
///
/// Unless it is [optional](Self::optional), a client without a certificate that one of them issued does not get
/// through the handshake.
///
/// ```
/// use hyperlane_server::tls::{ClientCa, Tls};
///
/// let tls = Tls::pem_files("server.pem", "server.key").client_ca(ClientCa::pem_file("clients.pem").optional());
/// # let _ = tls;
/// ```
#[derive(Clone)]
pub struct ClientCa {
    authorities: Part,
    revoked: Option<Part>,
    optional: bool,
}

impl ClientCa {
    /// A file in PEM with the certificates of one or more authorities; it is read again when it changes.
    pub fn pem_file(path: impl Into<PathBuf>) -> Self {
        Self::new(Part::File(path.into()))
    }

    /// The same from memory.
    pub fn pem(authorities: impl Into<Vec<u8>>) -> Self {
        Self::new(Part::bytes(authorities))
    }

    /// Lets clients through that show no certificate. One that is shown must be valid all the same.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// A file in PEM with lists of revoked certificates (RFC 5280 §5), one of each authority; it is read again when
    /// it changes. A certificate of which no list knows anything is refused: so is everybody's where a list is missing.
    #[must_use]
    pub fn revoked_pem_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.revoked = Some(Part::File(path.into()));
        self
    }

    /// The same from memory.
    #[must_use]
    pub fn revoked_pem(mut self, lists: impl Into<Vec<u8>>) -> Self {
        self.revoked = Some(Part::bytes(lists));
        self
    }

    fn new(authorities: Part) -> Self {
        Self {
            authorities,
            revoked: None,
            optional: false,
        }
    }

    pub(super) fn files(&self) -> impl Iterator<Item = File> {
        let revoked = self.revoked.as_ref().and_then(Part::file);
        self.authorities.file().into_iter().chain(revoked)
    }

    pub(super) fn load(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let what = self.authorities.describe("client ca");
        let failed = |error: rustls::Error| TlsError::with_source(format!("{what} can't be used"), error);
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(&self.authorities.read("client ca")?) {
            let authority =
                authority.map_err(|error| TlsError::with_source(format!("{what} is no valid pem"), error))?;
            roots.add(authority).map_err(failed)?;
        }
        if roots.is_empty() {
            return Err(TlsError::new(format!(
                "{what} holds no certificate: it must be pem, with `-----BEGIN CERTIFICATE-----`"
            )));
        }
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        if let Some(revoked) = &self.revoked {
            let what = revoked.describe("revocation list");
            let lists = CertificateRevocationListDer::pem_slice_iter(&revoked.read("revocation list")?)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| TlsError::with_source(format!("{what} is no valid pem"), error))?;
            if lists.is_empty() {
                return Err(TlsError::new(format!(
                    "{what} holds no list: it must be pem, with `-----BEGIN X509 CRL-----`"
                )));
            }
            // Authorities in between need no list of their own.
            builder = builder.with_crls(lists).only_check_end_entity_revocation();
        }
        if self.optional {
            builder = builder.allow_unauthenticated();
        }
        builder
            .build()
            .map_err(|error| TlsError::with_source(format!("{what} can't be used"), error))
    }
}

impl fmt::Debug for ClientCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCa")
            .field("authorities", &self.authorities.describe("pem"))
            .field("revoked", &self.revoked.as_ref().map(|lists| lists.describe("pem")))
            .field("optional", &self.optional)
            .finish()
    }
}
