//! Handlers that ask who their client is, over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyperlane::tls::{ClientCa, ClientCertificate};
use hyperlane::{Context, Listen, Server, ServerConfig, ServerHandle, Tls};
use rcgen::{DnType, SanType, SerialNumber};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::authority::{Authority, Issued};

async fn start(tls: Tls) -> ServerHandle {
    let server = Server::new();
    server.config(ServerConfig::new().listen(Listen::tcp("127.0.0.1", 0).tls(tls)));
    server
        .get("/tls", async |ctx: Context| {
            ctx.tls()
                .map(|tls| {
                    format!(
                        "{} {:?} {} {}",
                        tls.version,
                        tls.server_name,
                        ctx.scheme(),
                        tls.cipher_suite.starts_with("TLS13_")
                    )
                })
                .unwrap_or_default()
        })
        .get("/who", async |client: ClientCertificate| {
            assert!(client.not_after() > SystemTime::now());
            assert_eq!(client.chain().len(), 1);
            assert_eq!(client.der(), &client.chain()[0]);
            format!(
                "{}|{}|{:?}|{:?}|{:?}|{:?}|{}|{}",
                client.subject(),
                client.issuer(),
                client.common_name(),
                client.dns_names(),
                client.emails(),
                client.uris(),
                client.serial_number(),
                client.fingerprint().len(),
            )
        })
        .get("/maybe", async |client: Option<ClientCertificate>| {
            client.is_some().to_string()
        });
    server.run().await.expect("it can start")
}

/// Status and body of the answer.
async fn get(address: SocketAddr, client: ClientConfig, path: &str) -> (String, String) {
    let exchange = async {
        let tcp = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").expect("a name");
        let mut stream = TlsConnector::from(Arc::new(client)).connect(name, tcp).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = timeout(Duration::from_secs(20), exchange)
        .await
        .expect("in time")
        .expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a response");
    (head[9..12].to_owned(), body.to_owned())
}

fn billing(clients: &Authority) -> Issued {
    clients.issue_with(&["billing.example"], |params| {
        params.distinguished_name.push(DnType::CommonName, "billing");
        params.distinguished_name.push(DnType::OrganizationName, "Example");
        params.serial_number = Some(SerialNumber::from_slice(&[0x12, 0xab]));
        let text = |text: &str| text.try_into().expect("ascii");
        params
            .subject_alt_names
            .push(SanType::Rfc822Name(text("billing@example.org")));
        params
            .subject_alt_names
            .push(SanType::URI(text("spiffe://example.org/billing")));
    })
}

#[tokio::test]
async fn a_handler_learns_of_the_handshake_and_of_the_client() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let ca = ClientCa::pem(clients.pem.as_str()).optional();
    let server = start(servers.issue(&["localhost"]).tls().client_ca(ca)).await;
    let address = server.local_addr();
    let known = || servers.client_with(&billing(&clients));
    let (_, told) = get(address, known(), "/tls").await;
    assert_eq!(told, "TLSv1.3 Some(\"localhost\") https true");
    let (status, told) = get(address, known(), "/who").await;
    assert_eq!(status, "200", "{told}");
    let facts: Vec<&str> = told.split('|').collect();
    assert!(
        facts[0].contains("CN=billing") && facts[0].contains("O=Example"),
        "{told}"
    );
    assert_eq!(facts[1], "CN=an authority of a test");
    assert_eq!(facts[2], "Some(\"billing\")");
    assert_eq!(facts[3], "[\"billing.example\"]");
    assert_eq!(facts[4], "[\"billing@example.org\"]");
    assert_eq!(facts[5], "[\"spiffe://example.org/billing\"]");
    assert_eq!(facts[6], "12AB");
    assert_eq!(facts[7], (32 * 3 - 1).to_string());
    assert_eq!(get(address, known(), "/maybe").await.1, "true");
}

#[tokio::test]
async fn a_client_without_a_certificate_is_forbidden_where_one_is_needed() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let ca = ClientCa::pem(clients.pem.as_str()).optional();
    let server = start(servers.issue(&["localhost"]).tls().client_ca(ca)).await;
    let (status, told) = get(server.local_addr(), servers.client(), "/who").await;
    assert_eq!(status, "403");
    assert!(told.contains("a client certificate is needed"), "{told}");
    assert_eq!(get(server.local_addr(), servers.client(), "/maybe").await.1, "false");
}

#[tokio::test]
async fn a_server_whose_certificate_can_t_be_read_does_not_start() {
    let server = Server::new();
    server.config(
        ServerConfig::new()
            .host("127.0.0.1")
            .port(0)
            .tls(Tls::pem_files("/nowhere/a.pem", "/nowhere/a.key")),
    );
    let error = server.run().await.expect_err("it can't be read");
    assert!(error.to_string().contains("/nowhere/a.pem"), "{error}");
}

#[tokio::test]
async fn a_development_server_needs_one_line() {
    let server = Server::new();
    server.config(
        ServerConfig::new()
            .host("127.0.0.1")
            .port(0)
            .tls(Tls::self_signed(["localhost"])),
    );
    server.get("/", async || "hello");
    let handle = server.run().await.expect("it can start");
    handle.shutdown().await;
}
