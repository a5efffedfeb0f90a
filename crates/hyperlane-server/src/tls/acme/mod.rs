//! Certificates that the server asks an authority for, and renews, by itself (ACME, RFC 8555). Needs the cargo feature
//! `acme`.
//!
//! The authority makes sure that the names are the server's own by a handshake on port 443 (TLS-ALPN-01, RFC 8737),
//! which the listener answers itself: nothing else has to run, and no other port has to be open.

mod account;
mod challenge;
mod order;
mod renewal;
mod store;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;
use challenge::Challenges;
use store::Store;

pub(super) use challenge::{answer, asks_for};

/// The authority that is asked by default.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// Its twin for trials, whose certificates nobody trusts and whose limits are wide.
const LETS_ENCRYPT_STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";

/// A certificate that is asked for and renewed by ACME.
///
/// The names must lead to this server, and its port 443 must be reached from outside. Using it means that you agree to
/// the authority's terms of service.
///
/// While there is no certificate yet, handshakes fail; with one in the [cache](Self::cache_dir) a restart is served at
/// once. It is renewed when two thirds of its time are over, and when that fails, again and again until it succeeds: at
/// first after a minute, then after ever longer waits of up to six hours.
///
/// ```
/// use hyperlane_server::tls::{Acme, Tls};
///
/// let tls = Tls::acme(
///     Acme::new(["example.org", "www.example.org"])
///         .contact("admin@example.org")
///         .cache_dir("/var/lib/example/acme"),
/// );
/// # let _ = tls;
/// ```
#[derive(Clone)]
pub struct Acme {
    names: Vec<String>,
    contact: Vec<String>,
    cache_dir: Option<PathBuf>,
    directory: String,
    root: Option<PathBuf>,
    /// Identifier and key of an account that the authority knows already (§7.3.4).
    external_account: Option<(String, Vec<u8>)>,
}

impl Acme {
    /// One certificate for these names, by Let's Encrypt. Wildcards can't be had: the authority wants other proofs for
    /// them.
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self {
            names: names.into_iter().map(|name| name.into().to_ascii_lowercase()).collect(),
            contact: Vec::new(),
            cache_dir: None,
            directory: LETS_ENCRYPT.to_owned(),
            root: None,
            external_account: None,
        }
    }

    /// An e-mail address to which the authority may write. Default: none.
    #[must_use]
    pub fn contact(mut self, address: impl Into<String>) -> Self {
        let address = address.into();
        let uri = if address.contains(':') {
            address
        } else {
            format!("mailto:{address}")
        };
        self.contact.push(uri);
        self
    }

    /// The folder that keeps account, key and certificate over restarts; it is made if it is missing. It must be given:
    /// authorities limit how often they issue the same certificate. Only the server's user should be able to read it.
    #[must_use]
    pub fn cache_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache_dir = Some(folder.into());
        self
    }

    /// Asks the authority whose directory (§7.1.1) is at this URL. Default: Let's Encrypt.
    #[must_use]
    pub fn directory(mut self, url: impl Into<String>) -> Self {
        self.directory = url.into();
        self
    }

    /// Asks the trial authority of Let's Encrypt, whose certificates no client trusts: to try the way without being
    /// held to the limits.
    #[must_use]
    pub fn staging(self) -> Self {
        self.directory(LETS_ENCRYPT_STAGING)
    }

    /// A file in PEM with the certificate that vouches for the authority's own server, where the system does not trust
    /// it: for an authority within a company, or in a test.
    #[must_use]
    pub fn root_pem_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.root = Some(path.into());
        self
    }

    /// Binds the account to one that the authority knows already (§7.3.4), by its identifier and its key, which the
    /// authority gives in base64url and which stands here decoded.
    #[must_use]
    pub fn external_account(mut self, identifier: impl Into<String>, key: impl Into<Vec<u8>>) -> Self {
        self.external_account = Some((identifier.into(), key.into()));
        self
    }
}

impl fmt::Debug for Acme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acme")
            .field("names", &self.names)
            .field("directory", &self.directory)
            .field("cache_dir", &self.cache_dir)
            .finish_non_exhaustive()
    }
}

/// A chain, the server's own certificate first, and its key.
pub(super) type Issued = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificate that is kept, and the proofs that are being given for the next one.
pub(super) struct Kept {
    acme: Acme,
    issued: Mutex<Option<Issued>>,
    challenges: Challenges,
}

impl Kept {
    pub(super) fn new(acme: Acme) -> Self {
        Self {
            acme,
            issued: Mutex::new(None),
            challenges: Challenges::default(),
        }
    }

    pub(super) fn names(&self) -> &[String] {
        &self.acme.names
    }

    /// The certificate, from the cache at first; `None` until one was issued.
    pub(super) fn get(&self) -> Result<Option<Issued>, TlsError> {
        let store = self.store()?;
        let mut issued = self.issued();
        if issued.is_none() {
            *issued = store.certificate();
        }
        Ok(issued.as_ref().map(|(chain, key)| (chain.clone(), key.clone_key())))
    }

    fn put(&self, fresh: Issued) {
        *self.issued() = Some(fresh);
    }

    /// Where it is cached; a mistake in the settings is told here.
    fn store(&self) -> Result<Store, TlsError> {
        let Acme { names, cache_dir, .. } = &self.acme;
        if names.is_empty() {
            return Err(TlsError::new("acme needs a name: give those that lead to this server"));
        }
        if let Some(name) = names
            .iter()
            .find(|name| name.contains(['*', '/', ' ']) || name.is_empty())
        {
            let message = format!("acme can't ask for {name:?}: give whole names, as `example.org`");
            return Err(TlsError::new(message));
        }
        let Some(folder) = cache_dir else {
            let message = "acme needs a cache folder (`cache_dir`): without it each start would ask for a new \
                           certificate, and authorities limit that";
            return Err(TlsError::new(message));
        };
        Store::new(folder, &self.acme)
    }

    fn issued(&self) -> MutexGuard<'_, Option<Issued>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the certificate fresh as long as the server lives.
pub(super) fn keep(inner: std::sync::Weak<super::Inner>, kept: Arc<Kept>) {
    tokio::spawn(renewal::run(inner, kept));
}
