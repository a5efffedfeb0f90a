//! What can't be used is told when the server starts, with what to do.

use std::fs;

use hyperlane_server::tls::{Certificate, ClientCa, Tls};
use hyperlane_server::{Config, Listen};
use rcgen::KeyPair;

use crate::support::{Authority, get, start};

fn complaint(tls: &Tls) -> String {
    tls.load().expect_err("it can't be used").to_string()
}

#[test]
fn a_missing_file_is_named() {
    let text = complaint(&Tls::pem_files("/nowhere/site.pem", "/nowhere/site.key"));
    assert!(
        text.contains("`/nowhere/site.pem`") && text.contains("check the path"),
        "{text}"
    );
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    let chain = folder.path().join("site.pem");
    fs::write(&chain, authority.issue(&["a.example"]).chain).expect("written");
    let text = complaint(&Tls::pem_files(chain, "/nowhere/site.key"));
    assert!(text.contains("key file `/nowhere/site.key`"), "{text}");
}

#[test]
fn a_key_of_another_certificate_is_told() {
    let authority = Authority::new();
    let (one, other) = (authority.issue(&["a.example"]), authority.issue(&["a.example"]));
    let text = complaint(&Tls::pem(one.chain.as_str(), other.key.as_str()));
    assert!(text.contains("does not belong to"), "{text}");
}

#[test]
fn an_encrypted_key_is_told_with_the_command_that_decrypts_it() {
    let issued = Authority::new().issue(&["a.example"]);
    for key in [
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGj\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIGj\n-----END RSA PRIVATE KEY-----\n",
    ] {
        let text = complaint(&Tls::pem(issued.chain.as_str(), key));
        assert!(text.contains("encrypted") && text.contains("openssl pkey"), "{text}");
    }
}

#[test]
fn swapped_empty_and_malformed_parts_are_told_apart() {
    let issued = Authority::new().issue(&["a.example"]);
    let cases = [
        (issued.key.as_str(), issued.chain.as_str(), "holds no certificate"),
        (issued.chain.as_str(), issued.chain.as_str(), "holds no private key"),
        ("", issued.key.as_str(), "holds no certificate"),
        (issued.chain.as_str(), "", "holds no private key"),
        (
            "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
            issued.key.as_str(),
            "is no valid pem",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nMIGj\n-----END CERTIFICATE-----\n",
            issued.key.as_str(),
            "is no valid x.509 certificate",
        ),
        (
            issued.chain.as_str(),
            "-----BEGIN PRIVATE KEY-----\nMIGj\n-----END PRIVATE KEY-----\n",
            "can't be used with",
        ),
    ];
    for (chain, key, wanted) in cases {
        let text = complaint(&Tls::pem(chain, key));
        assert!(text.contains(wanted), "{text:?} lacks {wanted:?}");
    }
}

#[test]
fn an_authority_that_can_t_be_used_is_told() {
    let issued = Authority::new().issue(&["a.example"]);
    let text = complaint(&issued.tls().client_ca(ClientCa::pem("")));
    assert!(
        text.contains("client ca given in memory holds no certificate"),
        "{text}"
    );
    let text = complaint(&issued.tls().client_ca(ClientCa::pem_file("/nowhere/ca.pem")));
    assert!(text.contains("`/nowhere/ca.pem`"), "{text}");
}

#[tokio::test]
async fn binding_fails_with_the_mistake() {
    let listen = Listen::tcp("127.0.0.1", 0).tls(Tls::pem_files("/nowhere/site.pem", "/nowhere/site.key"));
    let error = listen.bind(&Config::default()).await.expect_err("it can't be used");
    assert!(error.to_string().contains("/nowhere/site.pem"), "{error}");
}

#[test]
fn keys_are_not_printed() {
    let issued = Authority::new().issue(&["a.example"]);
    let printed = format!("{:?}", issued.tls());
    assert!(
        !printed.contains("PRIVATE KEY") && !printed.contains("45, 45, 45"),
        "{printed}"
    );
}

#[tokio::test]
async fn every_usual_form_of_a_key_is_read() {
    let authority = Authority::new();
    for algorithm in [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
    ] {
        let key = KeyPair::generate_for(algorithm).expect("random numbers");
        let issued = authority.issue_for_key(&["localhost"], &key, |_| {});
        let server = start(issued.tls()).await;
        get(server.local_addr(), "localhost", authority.client())
            .await
            .expect("served");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_shown_and_warned_of() {
    let authority = Authority::new();
    let expired = authority.issue_with(&["localhost"], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 1);
    });
    let log = crate::support::Log::default();
    {
        let _capturing = log.capture();
        expired.tls().load().expect("it is the client's choice");
    }
    assert!(
        log.text().contains("expired") && log.text().contains("days ago"),
        "{}",
        log.text()
    );
    let server = start(expired.tls()).await;
    let error = get(server.local_addr(), "localhost", authority.client())
        .await
        .expect_err("this client minds");
    assert!(
        error.to_string().contains("Expired") || error.to_string().contains("expired"),
        "{error}"
    );
}

#[tokio::test]
async fn a_self_signed_certificate_is_made_on_the_spot_and_told_by_its_fingerprint() {
    let log = crate::support::Log::default();
    let tls = Tls::new(Certificate::self_signed(["localhost", "127.0.0.1"]));
    {
        let _capturing = log.capture();
        tls.load().expect("made");
    }
    assert!(log.text().contains("fingerprint="), "{}", log.text());
    let text = complaint(&Tls::self_signed(Vec::<String>::new()));
    assert!(text.contains("needs a name"), "{text}");
}
