//! Upstreams that speak TLS: whom the proxy trusts, and that it looks.

use std::sync::Arc;

use hyperlane::reverse_proxy::ReverseProxy;
use hyperlane::{Server, ServerConfig, ServerHandle, Tls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::support::{client, tell};

/// A server with a certificate for `localhost`, and that certificate as PEM.
async fn serve() -> (ServerHandle, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.pem();
    let server = Server::new();
    let tls = Tls::pem(certificate.clone(), made.signing_key.serialize_pem());
    server.config(ServerConfig::new().port(0).tls(tls));
    server.fallback(tell);
    (server.run().await.unwrap(), certificate)
}

fn trusting(certificate: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(builder.unwrap().with_root_certificates(roots).with_no_client_auth())
}

#[tokio::test]
async fn an_upstream_with_a_trusted_certificate_is_asked() {
    let (upstream, certificate) = serve().await;
    let port = upstream.local_addr().port();
    let proxy = ReverseProxy::to(format!("https://localhost:{port}")).unwrap();
    let mut config = ClientConfig::clone(&trusting(&certificate));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = client(proxy.tls_config(Arc::new(config)));
    for _ in 0..3 {
        let told = client.post("/x").body("over tls").await.text().await;
        assert!(
            told.starts_with("POST /x\n") && told.ends_with("\n\nover tls"),
            "{told}"
        );
        assert!(told.contains(&format!("\nhost: localhost:{port}\n")), "{told}");
    }
}

#[tokio::test]
async fn one_with_an_unknown_certificate_or_another_name_is_502() {
    let (upstream, certificate) = serve().await;
    let port = upstream.local_addr().port();
    let unknown = ReverseProxy::to(format!("https://localhost:{port}")).unwrap();
    client(unknown.clone()).get("/").await.assert_status(502);
    let (_other, other) = serve().await;
    client(unknown.tls_config(trusting(&other)))
        .get("/")
        .await
        .assert_status(502);
    let by_address = ReverseProxy::to(format!("https://127.0.0.1:{port}")).unwrap();
    client(by_address.tls_config(trusting(&certificate)))
        .get("/")
        .await
        .assert_status(502);
}
