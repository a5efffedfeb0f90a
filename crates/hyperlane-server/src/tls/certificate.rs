//! A certificate and its key: where they come from, and how they are read.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::TlsError;
#[cfg(feature = "acme")]
use super::acme::{Acme, Kept};
use super::facts::Facts;
use super::file::{File, Part};
#[cfg(feature = "tls-self-signed")]
use super::self_signed::SelfSigned;

/// A certificate with its chain and its key, for the names in it.
///
/// Nothing is read before the server starts: a mistake is told by its `run`.
///
/// ```
/// use hyperlane_server::tls::Certificate;
///
/// let own = Certificate::pem_files("/etc/tls/example.org.pem", "/etc/tls/example.org.key");
/// let other = Certificate::pem_files("/etc/tls/legacy.pem", "/etc/tls/legacy.key").names(["legacy.example.org"]);
/// # let _ = (own, other);
/// ```
#[derive(Clone)]
pub struct Certificate {
    source: Source,
    names: Vec<String>,
}

#[derive(Clone)]
enum Source {
    Pem {
        chain: Part,
        key: Part,
    },
    #[cfg(feature = "tls-self-signed")]
    SelfSigned(Arc<SelfSigned>),
    #[cfg(feature = "acme")]
    Acme(Arc<Kept>),
}

/// A certificate that was read, and found to be whole.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) key: Arc<CertifiedKey>,
    /// For which servers it is shown, in lower case: names, and names with `*` as their first label.
    pub(super) names: Vec<String>,
}

impl Certificate {
    /// Files in PEM: the certificate with the intermediate ones behind it, and its key (PKCS#8, PKCS#1 or SEC 1,
    /// not encrypted).
    ///
    /// They are read again when they [change](super::Tls::reload_every).
    pub fn pem_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self::from_parts(Part::File(certificate.into()), Part::File(key.into()))
    }

    /// The same from memory.
    pub fn pem(certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self::from_parts(Part::bytes(certificate), Part::bytes(key))
    }

    /// A certificate that nobody but the server itself vouches for, made when the server starts. For development: its
    /// key is in memory only, and browsers ask before they accept it. Its fingerprint is logged.
    ///
    /// The names may be addresses.
    #[cfg(feature = "tls-self-signed")]
    pub fn self_signed<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        Self {
            source: Source::SelfSigned(Arc::new(SelfSigned::new(names))),
            names: Vec::new(),
        }
    }

    /// A certificate that is asked for, and renewed, by ACME.
    #[cfg(feature = "acme")]
    pub fn acme(acme: Acme) -> Self {
        Self {
            source: Source::Acme(Arc::new(Kept::new(acme))),
            names: Vec::new(),
        }
    }

    /// Shows it for these names instead of those in it: names, or names that begin with `*.`, which stands for one
    /// label. Clients check what is in the certificate all the same.
    #[must_use]
    pub fn names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    fn from_parts(chain: Part, key: Part) -> Self {
        Self {
            source: Source::Pem { chain, key },
            names: Vec::new(),
        }
    }

    /// The files that it is read from.
    pub(super) fn files(&self) -> impl Iterator<Item = File> {
        let parts = match &self.source {
            Source::Pem { chain, key } => [chain.file(), key.file()],
            #[cfg(feature = "tls-self-signed")]
            Source::SelfSigned(_) => [None, None],
            #[cfg(feature = "acme")]
            Source::Acme(_) => [None, None],
        };
        parts.into_iter().flatten()
    }

    /// What keeps it fresh, where that is not up to others.
    #[cfg(feature = "acme")]
    pub(super) fn kept(&self) -> Option<&Arc<Kept>> {
        match &self.source {
            Source::Acme(kept) => Some(kept),
            _ => None,
        }
    }

    /// Reads and checks it; `None` where it is still to be issued.
    pub(super) fn load(&self, provider: &CryptoProvider) -> Result<Option<Loaded>, TlsError> {
        let (chain, key, what) = match &self.source {
            Source::Pem { chain, key } => {
                let what = chain.describe("certificate");
                (read_chain(chain)?, read_key(key)?, what)
            }
            #[cfg(feature = "tls-self-signed")]
            Source::SelfSigned(made) => {
                let (chain, key) = made.get()?;
                (chain, key, "the self-signed certificate".to_owned())
            }
            #[cfg(feature = "acme")]
            Source::Acme(kept) => match kept.get()? {
                Some((chain, key)) => (chain, key, "the certificate of acme".to_owned()),
                None => return Ok(None),
            },
        };
        let facts = Facts::read(chain.first(), &what)?;
        facts.warn_of_dates(&what);
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| self.mismatch(&what, error))?;
        let names = if self.names.is_empty() {
            facts.names
        } else {
            self.names.clone()
        };
        Ok(Some(Loaded {
            key: Arc::new(certified),
            names: names.into_iter().map(|name| name.to_ascii_lowercase()).collect(),
        }))
    }

    fn mismatch(&self, what: &str, error: rustls::Error) -> TlsError {
        let key = match &self.source {
            Source::Pem { key, .. } => key.describe("key"),
            #[cfg(any(feature = "acme", feature = "tls-self-signed"))]
            _ => "its key".to_owned(),
        };
        match error {
            rustls::Error::InconsistentKeys(_) => TlsError::new(format!(
                "{key} does not belong to {what}: give the key for which that certificate was issued, and put the \
                 server's own certificate first in its chain"
            )),
            error => TlsError::with_source(format!("{key} can't be used with {what}"), error),
        }
    }
}

impl fmt::Debug for Certificate {
    /// Without keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printed = f.debug_struct("Certificate");
        match &self.source {
            Source::Pem { chain, key } => printed
                .field("chain", &chain.describe("pem"))
                .field("key", &key.describe("pem")),
            #[cfg(feature = "tls-self-signed")]
            Source::SelfSigned(made) => printed.field("self_signed", &made.names()),
            #[cfg(feature = "acme")]
            Source::Acme(kept) => printed.field("acme", &kept.names()),
        };
        printed.field("names", &self.names).finish()
    }
}

fn read_chain(part: &Part) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let what = part.describe("certificate");
    let text = part.read("certificate")?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| TlsError::with_source(format!("{what} is no valid pem"), error))?;
    if chain.is_empty() {
        return Err(TlsError::new(format!(
            "{what} holds no certificate: it must be pem, with `-----BEGIN CERTIFICATE-----`"
        )));
    }
    Ok(chain)
}

fn read_key(part: &Part) -> Result<PrivateKeyDer<'static>, TlsError> {
    let what = part.describe("key");
    let text = part.read("key")?;
    if is_encrypted(&text) {
        return Err(TlsError::new(format!(
            "{what} is encrypted, and a server can't ask for its passphrase: decrypt it with `openssl pkey -in \
             encrypted.key -out plain.key`, and let only the server read the result"
        )));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::new(format!(
            "{what} holds no private key: it must be pem, with `-----BEGIN PRIVATE KEY-----` (or `RSA PRIVATE KEY`, \
             `EC PRIVATE KEY`)"
        )),
        error => TlsError::with_source(format!("{what} is no valid pem"), error),
    })
}

/// By its label (RFC 7468 §11), or by the header that OpenSSL wrote before (RFC 1421 §4.6.1.1).
fn is_encrypted(text: &[u8]) -> bool {
    [&b"-----BEGIN ENCRYPTED PRIVATE KEY-----"[..], b"Proc-Type: 4,ENCRYPTED"]
        .iter()
        .any(|mark| text.windows(mark.len()).any(|window| window == *mark))
}
