//! The folder in which account and certificate outlive the process.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Acme, Issued};
use crate::tls::{TlsError, fingerprint};

/// Files are told apart by authority, and certificates by their names too: other settings find other files.
pub(super) struct Store {
    folder: PathBuf,
    account: String,
    certificate: String,
}

impl Store {
    pub(super) fn new(folder: &Path, acme: &Acme) -> Result<Self, TlsError> {
        fs::create_dir_all(folder).map_err(|error| {
            let message = format!(
                "can't make the folder `{}` for acme; make it yourself",
                folder.display()
            );
            TlsError::with_source(message, error)
        })?;
        let mut names = acme.names.clone();
        names.sort();
        Ok(Self {
            folder: folder.to_owned(),
            account: format!("account-{}.json", digest(&acme.directory)),
            certificate: format!("certificate-{}.pem", digest(&format!("{} {names:?}", acme.directory))),
        })
    }

    pub(super) fn account(&self) -> Option<Vec<u8>> {
        fs::read(self.folder.join(&self.account)).ok()
    }

    pub(super) fn put_account(&self, credentials: &[u8]) -> io::Result<()> {
        self.write(&self.account, credentials)
    }

    /// What was cached; a file that can't be used is as good as none, since a new one is asked for then.
    pub(super) fn certificate(&self) -> Option<Issued> {
        let path = self.folder.join(&self.certificate);
        let text = fs::read(&path).ok()?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        match (chain, PrivateKeyDer::from_pem_slice(&text)) {
            (Ok(chain), Ok(key)) if !chain.is_empty() => Some((chain, key)),
            _ => {
                tracing::warn!(path = %path.display(), "the cached certificate can't be read: asking for a new one");
                None
            }
        }
    }

    pub(super) fn put_certificate(&self, chain_and_key: &[u8]) -> io::Result<()> {
        self.write(&self.certificate, chain_and_key)
    }

    /// In whole or not at all: what was there stays until all of the new is.
    fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let half = self.folder.join(format!("{name}.new"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // There are keys in it.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&half)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(half, self.folder.join(name))
    }
}

/// Enough of it to tell a few files apart.
fn digest(text: &str) -> String {
    fingerprint(text.as_bytes()).replace(':', "").chars().take(16).collect()
}
