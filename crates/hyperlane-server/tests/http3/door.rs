//! The second way in: how clients learn of it, what it shares with the first, and where it can't be.

use std::sync::Arc;

use hyperlane_server::tls::{ClientCa, Tls};
use hyperlane_server::{Config, Listen, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::authority::Authority;
use crate::support::{App, Client, Served, connect, until, within};

#[tokio::test]
async fn responses_over_tcp_tell_of_it_rfc7838() {
    let served = Served::start().await;
    let tcp = tokio::net::TcpStream::connect(served.address())
        .await
        .expect("listening");
    let name = rustls::pki_types::ServerName::try_from("localhost").expect("a name");
    let connector = tokio_rustls::TlsConnector::from(Arc::new(served.authority.client()));
    let mut stream = connector.connect(name, tcp).await.expect("a handshake");
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .expect("open");
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.expect("answered");
    let alternative = format!("alt-svc: h3=\":{}\"; ma=86400\r\n", served.address().port());
    assert!(answer.contains(&alternative), "{answer}");
}

#[tokio::test]
async fn it_has_the_same_certificates_after_a_reload_too() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().expect("a folder");
    let (chain, key) = (folder.path().join("site.pem"), folder.path().join("site.key"));
    let write = |issued: &crate::authority::Issued| {
        std::fs::write(&chain, &issued.chain).expect("written");
        std::fs::write(&key, &issued.key).expect("written");
    };
    let (first, second) = (servers.issue(&["localhost"]), servers.issue(&["localhost"]));
    write(&first);
    let tls = Tls::pem_files(&chain, &key)
        .client_ca(ClientCa::pem(clients.pem.as_str()).optional())
        .reload_every(None)
        .reload_on_hangup(false);
    let config = Config::default();
    let listen = Listen::tcp("127.0.0.1", 0).tls(tls.clone()).http3(true);
    let listeners = listen.bind(&config).await.expect("a free port");
    let handle = serve(listeners, Arc::new(App::default()), config)
        .await
        .expect("it can start");
    let shown = async || {
        let connection = connect(handle.local_addr(), servers.client())
            .await
            .expect("a handshake");
        let chain = connection.peer_identity().expect("there is one");
        let chain = chain
            .downcast::<Vec<rustls::pki_types::CertificateDer<'static>>>()
            .expect("of rustls");
        chain[0].clone()
    };
    assert_eq!(shown().await, first.ders()[0]);
    write(&second);
    tls.reload().expect("they can be used");
    within(async {
        while shown().await != second.ders()[0] {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // And the same clients.
    let with_own = servers.client_with(&clients.issue(&["a.example"]));
    let connection = connect(handle.local_addr(), with_own).await.expect("a handshake");
    let answer = Client::new(connection).await.get("/").await;
    assert!(answer.text().contains("certificates=1"), "{}", answer.text());
}

#[tokio::test]
async fn connections_count_for_the_room_of_all() {
    let served = Served::start_with(|config| config.max_connections = 1).await;
    let mut first = served.client().await;
    assert_eq!(first.get("/").await.status(), 200);
    assert_eq!(served.handle.connections(), 1);
    connect(served.address(), served.authority.client())
        .await
        .expect_err("there is no room");
    first.connection.close(0x100_u32.into(), b"");
    until(|| served.handle.connections() == 0).await;
    let connected = async {
        loop {
            if let Ok(connection) = connect(served.address(), served.authority.client()).await {
                break connection;
            }
        }
    };
    let mut second = Client::new(within(connected).await).await;
    assert_eq!(second.get("/").await.status(), 200);
}

#[tokio::test]
async fn clients_with_unproven_addresses_prove_them_where_there_are_many() {
    let served = Served::start_with(|config| config.http3.unproven_handshakes = 0).await;
    assert_eq!(served.client().await.get("/").await.status(), 200);
}

#[tokio::test]
async fn without_tls_or_tcp_it_is_a_mistake() {
    for listen in [
        Listen::tcp("127.0.0.1", 0).http3(true),
        Listen::unix("/tmp/x.sock").http3(true),
    ] {
        let error = listen.check().expect_err("it makes no sense");
        assert!(error.is_setting() && error.to_string().contains("http3"), "{error}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_over_udp_is_told() {
    // A port that is free over TCP and taken over UDP.
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = udp.local_addr().expect("bound").port();
    let tls = Authority::new().issue(&["localhost"]).tls();
    let listen = Listen::tcp("127.0.0.1", port).tls(tls).http3(true);
    let error = listen.bind(&Config::default()).await.expect_err("it is taken");
    assert!(
        error.to_string().contains("UDP") || error.to_string().contains("in use"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_with_a_runtime_for_each_core() {
    let served = Served::start_with(|config| {
        config.runtime = hyperlane_server::Runtime::PerCore;
        config.threads = Some(2);
    })
    .await;
    assert_eq!(served.client().await.get("/").await.status(), 200);
    within(served.handle.shutdown()).await;
}
