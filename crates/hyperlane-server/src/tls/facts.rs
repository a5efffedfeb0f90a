//! What stands in a certificate and matters to a server: for which names it is, and when it is valid.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::TlsError;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// From when on a certificate's end is told of. Automatic renewals are done weeks before it.
const SOON: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Debug)]
pub(super) struct Facts {
    /// The DNS names in it (RFC 5280 §4.2.1.6).
    pub(super) names: Vec<String>,
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
}

impl Facts {
    pub(super) fn read(certificate: Option<&CertificateDer<'_>>, what: &str) -> Result<Self, TlsError> {
        let der = certificate.map(|certificate| &**certificate).unwrap_or_default();
        let parsed = x509_cert::Certificate::from_der(der)
            .map_err(|error| TlsError::with_source(format!("{what} is no valid x.509 certificate"), error))?;
        let content = parsed.tbs_certificate();
        let names = match content.get_extension::<SubjectAltName>() {
            Ok(Some((_, names))) => names.0,
            Ok(None) => Vec::new(),
            Err(error) => {
                return Err(TlsError::with_source(
                    format!("the names in {what} can't be read"),
                    error,
                ));
            }
        };
        let names = names.into_iter().filter_map(|name| match name {
            GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
            _ => None,
        });
        let validity = content.validity();
        Ok(Self {
            names: names.collect(),
            not_before: UNIX_EPOCH + validity.not_before.to_unix_duration(),
            not_after: UNIX_EPOCH + validity.not_after.to_unix_duration(),
        })
    }

    /// The server goes on with a certificate that clients refuse: it is their choice, and nothing is gained by ending.
    pub(super) fn warn_of_dates(&self, what: &str) {
        let now = SystemTime::now();
        if let Ok(ago) = now.duration_since(self.not_after) {
            let days = ago.as_secs() / DAY.as_secs();
            tracing::warn!("{what} expired {days} days ago: clients will refuse it; renew it and put it in place");
        } else if let Ok(left) = self.not_after.duration_since(now)
            && left < SOON
        {
            let days = left.as_secs() / DAY.as_secs();
            tracing::warn!("{what} expires in {days} days: renew it");
        }
        if self.not_before > now {
            tracing::warn!("{what} is not valid yet: clients will refuse it; check it, and this machine's clock");
        }
    }
}
