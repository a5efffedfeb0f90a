//! A certificate for development, made in memory.

use std::sync::{Mutex, PoisonError};

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::TlsError;

/// It is made once: clients that accepted it must not meet another after a reload.
pub(super) struct SelfSigned {
    names: Vec<String>,
    made: Mutex<Option<Made>>,
}

struct Made {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
}

impl SelfSigned {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self {
            names,
            made: Mutex::new(None),
        }
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn get(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let made = match &mut *made {
            Some(made) => made,
            none => none.insert(self.make()?),
        };
        let key = PrivateKeyDer::Pkcs8(made.key.clone_key());
        Ok((vec![made.certificate.clone()], key))
    }

    fn make(&self) -> Result<Made, TlsError> {
        let failed = |error| {
            let message = format!("can't make a self-signed certificate for {:?}", self.names);
            TlsError::with_source(message, error)
        };
        if self.names.is_empty() {
            return Err(TlsError::new(
                "a self-signed certificate needs a name: give `localhost`, or an address",
            ));
        }
        let mut params = CertificateParams::new(self.names.clone()).map_err(failed)?;
        params
            .distinguished_name
            .push(DnType::CommonName, "hyperlane development certificate");
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?.der().clone();
        let fingerprint = super::fingerprint(&certificate);
        tracing::info!(names = ?self.names, %fingerprint, "made a self-signed certificate; clients will not trust it");
        Ok(Made {
            certificate,
            key: PrivatePkcs8KeyDer::from(key.serialize_der()),
        })
    }
}
