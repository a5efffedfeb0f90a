//! The certificate that a client showed.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::StatusCode;
use hyperlane_core::{Bytes, TlsInfo};
use x509_cert::der::Decode;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, Utf8StringRef};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::context::Context;
use crate::extract::{FromContext, Rejection, RejectionKind};

/// The certificate by which a client proved who it is (mutual TLS): verified against the authorities of
/// [`ClientCa`](super::ClientCa), within its dates, and its key was used in the handshake.
///
/// Without one, the request is answered 403; an [`Option`] of it is `None` then. What the names in it mean is up to
/// the authority that issued it.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::tls::ClientCertificate;
///
/// async fn whoami(client: ClientCertificate) -> String {
///     format!("{} by {}", client.subject(), client.issuer())
/// }
/// # Server::new().get("/", whoami);
/// ```
#[derive(Clone)]
pub struct ClientCertificate {
    session: Arc<TlsInfo>,
    parsed: Arc<x509_cert::Certificate>,
}

impl ClientCertificate {
    /// The certificate, in DER.
    pub fn der(&self) -> &Bytes {
        // There is one, or this value would not have been made.
        &self.session.client_certificates[0]
    }

    /// The certificate and those that the client sent along to prove it, in DER, its own first.
    pub fn chain(&self) -> &[Bytes] {
        &self.session.client_certificates
    }

    /// Whom it was issued to, as RFC 4514 writes it: `CN=billing,O=Example`.
    pub fn subject(&self) -> String {
        self.parsed.tbs_certificate().subject().to_string()
    }

    /// Who issued it, in the same form.
    pub fn issuer(&self) -> String {
        self.parsed.tbs_certificate().issuer().to_string()
    }

    /// The common name of its subject, if it has one.
    pub fn common_name(&self) -> Option<String> {
        let subject = self.parsed.tbs_certificate().subject();
        let mut attributes = subject.iter_rdn().flat_map(|rdn| rdn.iter());
        let name = attributes.find(|attribute| attribute.oid == x509_cert::der::oid::db::rfc4519::CN)?;
        let text = |value: &str| value.to_owned();
        name.value
            .decode_as::<Utf8StringRef<'_>>()
            .map(|value| text(value.as_str()))
            .or_else(|_| {
                name.value
                    .decode_as::<PrintableStringRef<'_>>()
                    .map(|value| text(value.as_str()))
            })
            .or_else(|_| {
                name.value
                    .decode_as::<Ia5StringRef<'_>>()
                    .map(|value| text(value.as_str()))
            })
            .ok()
    }

    /// The DNS names it is for (RFC 5280 §4.2.1.6).
    pub fn dns_names(&self) -> Vec<String> {
        self.names(|name| match name {
            GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
            _ => None,
        })
    }

    /// The e-mail addresses it is for.
    pub fn emails(&self) -> Vec<String> {
        self.names(|name| match name {
            GeneralName::Rfc822Name(name) => Some(name.as_str().to_owned()),
            _ => None,
        })
    }

    /// The URIs it is for, as `spiffe://example.org/billing`.
    pub fn uris(&self) -> Vec<String> {
        self.names(|name| match name {
            GeneralName::UniformResourceIdentifier(name) => Some(name.as_str().to_owned()),
            _ => None,
        })
    }

    /// Its number among those of its issuer, in hexadecimal digits.
    pub fn serial_number(&self) -> String {
        let serial = self.parsed.tbs_certificate().serial_number().as_bytes();
        serial.iter().map(|octet| format!("{octet:02X}")).collect()
    }

    /// Its SHA-256, as `openssl x509 -fingerprint` writes it: what tells it from all others.
    pub fn fingerprint(&self) -> String {
        hyperlane_server::tls::fingerprint(self.der())
    }

    /// Until when it is valid.
    pub fn not_after(&self) -> SystemTime {
        UNIX_EPOCH + self.parsed.tbs_certificate().validity().not_after.to_unix_duration()
    }

    fn names(&self, pick: impl Fn(GeneralName) -> Option<String>) -> Vec<String> {
        let extension = self.parsed.tbs_certificate().get_extension::<SubjectAltName>();
        let names = extension.ok().flatten().map(|(_, names)| names.0);
        names.into_iter().flatten().filter_map(pick).collect()
    }
}

impl FromContext for ClientCertificate {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        Self::from_context_if_present(ctx).await?.ok_or_else(|| {
            let message = "a client certificate is needed: show one that this server's authority issued";
            Rejection::new(StatusCode::FORBIDDEN, message).with_kind(RejectionKind::Missing)
        })
    }

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        let Some(session) = &ctx.connection().tls else {
            return Ok(None);
        };
        let Some(own) = session.client_certificates.first() else {
            return Ok(None);
        };
        match x509_cert::Certificate::from_der(own) {
            Ok(parsed) => Ok(Some(Self {
                session: Arc::clone(session),
                parsed: Arc::new(parsed),
            })),
            // It was verified, so it is odd rather than wrong.
            Err(error) => Err(Rejection::new(
                StatusCode::FORBIDDEN,
                "the client certificate can't be read: it does not follow RFC 5280",
            )
            .with_source(error)),
        }
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("subject", &self.subject())
            .field("issuer", &self.issuer())
            .field("serial_number", &self.serial_number())
            .finish_non_exhaustive()
    }
}
