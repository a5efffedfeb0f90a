//! Sessions that are taken up again, and what must not be.

use std::sync::Arc;

use hyperlane_server::tls::ClientCa;
use rustls::{ClientConfig, HandshakeKind};

use crate::support::{Authority, ask, connect, start};

const CLOSE: &str = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// How a handshake went, after which the client has read its tickets.
async fn handshake(address: std::net::SocketAddr, client: &ClientConfig) -> Option<HandshakeKind> {
    let mut stream = connect(address, "localhost", client.clone())
        .await
        .expect("a handshake");
    ask(&mut stream, CLOSE).await.expect("served");
    stream.get_ref().1.handshake_kind()
}

#[tokio::test]
async fn a_session_is_resumed_and_outlives_a_reload() {
    let authority = Authority::new();
    let tls = authority.issue(&["localhost"]).tls();
    let server = start(tls.clone()).await;
    let client = authority.client();
    assert_eq!(handshake(server.local_addr(), &client).await, Some(HandshakeKind::Full));
    assert_eq!(
        handshake(server.local_addr(), &client).await,
        Some(HandshakeKind::Resumed)
    );
    tls.reload().expect("nothing changed");
    assert_eq!(
        handshake(server.local_addr(), &client).await,
        Some(HandshakeKind::Resumed)
    );
}

#[tokio::test]
async fn a_reload_makes_clients_with_certificates_show_them_again() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let tls = servers
        .issue(&["localhost"])
        .tls()
        .client_ca(ClientCa::pem(clients.pem.as_str()));
    let server = start(tls.clone()).await;
    let client = servers.client_with(&clients.issue(&["a.example"]));
    assert_eq!(handshake(server.local_addr(), &client).await, Some(HandshakeKind::Full));
    assert_eq!(
        handshake(server.local_addr(), &client).await,
        Some(HandshakeKind::Resumed)
    );
    // The authorities may be others now: a ticket of before must not vouch for anybody.
    tls.reload().expect("nothing changed");
    assert_eq!(handshake(server.local_addr(), &client).await, Some(HandshakeKind::Full));
}

#[tokio::test]
async fn early_data_that_could_be_replayed_is_not_taken() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let mut client = authority.client();
    client.enable_early_data = true;
    handshake(server.local_addr(), &client).await;
    // A ticket says how much early data it allows (RFC 8446 §4.2.10): ours allow none.
    let name = rustls::pki_types::ServerName::try_from("localhost").expect("a name");
    let mut session = rustls::ClientConnection::new(Arc::new(client), name).expect("valid");
    assert!(session.early_data().is_none());
}
