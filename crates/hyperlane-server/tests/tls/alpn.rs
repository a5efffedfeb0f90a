//! Which protocol is agreed on (RFC 7301), and what handlers learn of the handshake.

use hyperlane_core::TlsVersion;

use crate::support::{Authority, connect, get, start};

fn offers(authority: &Authority, protocols: &[&str]) -> rustls::ClientConfig {
    let mut client = authority.client();
    client.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    client
}

#[tokio::test]
async fn a_service_learns_what_the_handshake_agreed_on() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let told = get(server.local_addr(), "localhost", offers(&authority, &["http/1.1"]))
        .await
        .expect("served");
    assert!(told.starts_with("TLSv1.3 TLS13_"), "{told}");
    assert!(told.ends_with(" alpn=http/1.1 name=localhost certificates=0"), "{told}");
}

#[tokio::test]
async fn a_client_without_alpn_is_served_http_1_1() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let told = get(server.local_addr(), "localhost", authority.client())
        .await
        .expect("served");
    assert!(told.contains("alpn=- "), "{told}");
}

#[tokio::test]
async fn tls_1_2_is_spoken_unless_it_is_forbidden() {
    let authority = Authority::new();
    let certificate = authority.issue(&["localhost"]);
    let old = || {
        rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS12])
            .expect("the provider has it")
            .with_root_certificates(authority.roots())
            .with_no_client_auth()
    };
    let server = start(certificate.tls()).await;
    let told = get(server.local_addr(), "localhost", old()).await.expect("served");
    assert!(told.starts_with("TLSv1.2 TLS_ECDHE_"), "{told}");
    let server = start(certificate.tls().min_version(TlsVersion::Tls13)).await;
    let error = get(server.local_addr(), "localhost", old()).await.expect_err("refused");
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
}

#[tokio::test]
async fn http_2_is_preferred_where_it_is_offered_and_left_out_where_it_is_not() {
    let authority = Authority::new();
    let certificate = authority.issue(&["localhost"]);
    let negotiated = async |tls| {
        let server = start(tls).await;
        // The server's order counts, not the client's.
        let client = offers(&authority, &["http/1.1", "h2"]);
        let stream = connect(server.local_addr(), "localhost", client)
            .await
            .expect("a handshake");
        stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)
    };
    let first = if cfg!(feature = "http2") {
        &b"h2"[..]
    } else {
        b"http/1.1"
    };
    assert_eq!(negotiated(certificate.tls()).await.as_deref(), Some(first));
    assert_eq!(
        negotiated(certificate.tls().http2(false)).await.as_deref(),
        Some(&b"http/1.1"[..])
    );
}

#[tokio::test]
async fn a_client_with_no_protocol_in_common_is_refused_as_rfc_7301_3_2_says() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let error = connect(server.local_addr(), "localhost", offers(&authority, &["spdy/3"]))
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
}
