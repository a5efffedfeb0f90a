//! Clients that show certificates, or don't.

use hyperlane_server::tls::ClientCa;
use rcgen::{CertificateRevocationListParams, ExtendedKeyUsagePurpose, KeyIdMethod, RevokedCertParams, SerialNumber};

use crate::support::{Authority, Issued, get, start};

fn client_certificate(authority: &Authority) -> Issued {
    authority.issue_with(&["billing.example"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    })
}

#[tokio::test]
async fn a_required_certificate_is_required() {
    let (servers, clients, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let tls = servers
        .issue(&["localhost"])
        .tls()
        .client_ca(ClientCa::pem(clients.pem.as_str()));
    let server = start(tls).await;
    let address = server.local_addr();
    let told = get(address, "localhost", servers.client_with(&client_certificate(&clients)))
        .await
        .expect("served");
    assert!(told.ends_with("certificates=1"), "{told}");
    let error = get(address, "localhost", servers.client())
        .await
        .expect_err("it shows none");
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
    let stranger = servers.client_with(&client_certificate(&strangers));
    let error = get(address, "localhost", stranger)
        .await
        .expect_err("issued by nobody known");
    assert!(error.to_string().contains("received fatal alert"), "{error}");
}

#[tokio::test]
async fn an_optional_certificate_may_be_missing_but_not_wrong() {
    let (servers, clients, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let ca = ClientCa::pem(clients.pem.as_str()).optional();
    let server = start(servers.issue(&["localhost"]).tls().client_ca(ca)).await;
    let address = server.local_addr();
    let told = get(address, "localhost", servers.client()).await.expect("served");
    assert!(told.ends_with("certificates=0"), "{told}");
    let told = get(address, "localhost", servers.client_with(&client_certificate(&clients)))
        .await
        .expect("served");
    assert!(told.ends_with("certificates=1"), "{told}");
    let stranger = servers.client_with(&client_certificate(&strangers));
    get(address, "localhost", stranger)
        .await
        .expect_err("issued by nobody known");
}

#[tokio::test]
async fn a_certificate_that_is_expired_or_for_servers_only_is_refused() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let tls = servers
        .issue(&["localhost"])
        .tls()
        .client_ca(ClientCa::pem(clients.pem.as_str()));
    let server = start(tls).await;
    let expired = clients.issue_with(&["a.example"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 1);
    });
    let for_servers = clients.issue_with(&["a.example"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    for wrong in [expired, for_servers] {
        get(server.local_addr(), "localhost", servers.client_with(&wrong))
            .await
            .expect_err("refused");
    }
}

#[tokio::test]
async fn a_revoked_certificate_is_refused() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let numbered = |number: u8| {
        clients.issue_with(&["a.example"], |params| {
            params.serial_number = Some(SerialNumber::from_slice(&[number]));
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    };
    let list = CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2024, 1, 1),
        next_update: rcgen::date_time_ymd(2124, 1, 1),
        crl_number: SerialNumber::from_slice(&[1]),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[7]),
            revocation_time: rcgen::date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(clients.issuer()).expect("valid").pem().expect("pem");
    let ca = ClientCa::pem(clients.pem.as_str()).revoked_pem(list);
    let server = start(servers.issue(&["localhost"]).tls().client_ca(ca)).await;
    let address = server.local_addr();
    get(address, "localhost", servers.client_with(&numbered(8)))
        .await
        .expect("served");
    let error = get(address, "localhost", servers.client_with(&numbered(7)))
        .await
        .expect_err("revoked");
    assert!(error.to_string().contains("CertificateRevoked"), "{error}");
}
