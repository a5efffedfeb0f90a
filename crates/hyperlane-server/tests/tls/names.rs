//! Which certificate is shown, by the name that a client asks for (RFC 6066 §3).

use std::sync::Arc;

use hyperlane_server::tls::Tls;
use rcgen::KeyPair;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::support::{Authority, Issued, connect, shown, start};

/// Takes any certificate: which one is shown is what is looked at.
#[derive(Debug)]
struct Anything(Vec<SignatureScheme>);

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}

fn easy_client(schemes: &[SignatureScheme]) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything(schemes.to_vec())))
        .with_no_client_auth()
}

const ALL: &[SignatureScheme] = &[SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519];

/// Which of `known` is shown to a client that asks for each of the names.
async fn check(tls: Tls, known: &[(&str, &Issued)], cases: &[(&str, &str)]) {
    let server = start(tls).await;
    for (asked, wanted) in cases {
        let stream = connect(server.local_addr(), asked, easy_client(ALL))
            .await
            .expect("a handshake");
        let der = shown(&stream);
        let found = known
            .iter()
            .find(|(_, issued)| issued.ders()[0] == der)
            .map(|(label, _)| *label);
        assert_eq!(found, Some(*wanted), "asked for {asked}");
    }
}

#[tokio::test]
async fn the_name_chooses_exactly_then_by_wildcard_then_the_default() {
    let authority = Authority::new();
    let default = authority.issue(&["default.example"]);
    let exact = authority.issue(&["a.example.org", "example.org"]);
    let wildcard = authority.issue(&["*.example.org"]);
    let tls = default
        .tls()
        .certificate(wildcard.certificate())
        .certificate(exact.certificate());
    let known = [("default", &default), ("exact", &exact), ("wildcard", &wildcard)];
    check(
        tls,
        &known,
        &[
            ("a.example.org", "exact"),
            ("A.Example.ORG", "exact"),
            ("b.example.org", "wildcard"),
            ("example.org", "exact"),
            // RFC 9525 §6.3: a wildcard stands for one label.
            ("b.c.example.org", "default"),
            ("other.example", "default"),
            ("default.example", "default"),
            // No name at all (RFC 6066 §3 has none for addresses).
            ("127.0.0.1", "default"),
        ],
    )
    .await;
}

#[tokio::test]
async fn given_names_replace_those_in_the_certificate() {
    let authority = Authority::new();
    let default = authority.issue(&["default.example"]);
    let other = authority.issue(&["inside.example"]);
    let named = other.certificate().names(["given.example", "*.given.example"]);
    check(
        default.tls().certificate(named),
        &[("default", &default), ("other", &other)],
        &[
            ("given.example", "other"),
            ("a.given.example", "other"),
            ("inside.example", "default"),
        ],
    )
    .await;
}

#[tokio::test]
async fn unknown_names_are_refused_by_alert_where_that_is_asked_for() {
    let authority = Authority::new();
    let server = start(authority.issue(&["example.org"]).tls().refuse_unknown_names()).await;
    let address = server.local_addr();
    let error = connect(address, "example.net", easy_client(ALL))
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("UnrecognisedName"), "{error}");
    assert!(connect(address, "example.org", easy_client(ALL)).await.is_ok());
    assert!(
        connect(address, "127.0.0.1", easy_client(ALL)).await.is_ok(),
        "it named none"
    );
}

#[tokio::test]
async fn of_two_kinds_of_keys_the_one_that_the_client_can_check_is_shown() {
    let authority = Authority::new();
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("random numbers");
    let modern = authority.issue_for_key(&["example.org"], &key, |_| {});
    let usual = authority.issue(&["example.org"]);
    let server = start(modern.tls().certificate(usual.certificate())).await;
    for (scheme, wanted) in [
        (SignatureScheme::ED25519, &modern),
        (SignatureScheme::ECDSA_NISTP256_SHA256, &usual),
    ] {
        let client = easy_client(&[scheme]);
        let stream = connect(server.local_addr(), "example.org", client)
            .await
            .expect("a handshake");
        assert_eq!(shown(&stream), wanted.ders()[0], "{scheme:?}");
    }
}
