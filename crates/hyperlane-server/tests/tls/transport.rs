//! Bytes in both directions, and the ways in which a connection inside of TLS ends.

use std::io;

use hyperlane_server::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Authority, LARGE, ask, connect, large, start, start_with, within};

#[tokio::test]
async fn large_bodies_arrive_whole_in_both_directions() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let mut stream = connect(server.local_addr(), "localhost", authority.client())
        .await
        .expect("a handshake");
    let body = large();
    let (mut reader, mut writer) = tokio::io::split(&mut stream);
    let sending = async {
        let head =
            format!("POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: {LARGE}\r\nconnection: close\r\n\r\n");
        writer.write_all(head.as_bytes()).await.expect("open");
        writer.write_all(&body).await.expect("open");
        writer.flush().await.expect("open");
    };
    let mut answer = Vec::new();
    let (read, ()) = within(async { tokio::join!(reader.read_to_end(&mut answer), sending) }).await;
    read.expect("ended in order");
    let start = answer.len() - LARGE;
    assert!(answer[..start].ends_with(b"\r\n\r\n"));
    assert!(answer[start..] == body[..], "the body was changed on its way");
}

#[tokio::test]
async fn a_response_is_sent_in_full_records() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let tcp = tokio::net::TcpStream::connect(server.local_addr())
        .await
        .expect("listening");
    let name = rustls::pki_types::ServerName::try_from("localhost").expect("a name");
    let mut session = rustls::ClientConnection::new(authority.client().into(), name).expect("valid");
    let mut tcp = tcp.into_std().expect("open");
    tcp.set_nonblocking(false).expect("open");
    let wire = tokio::task::spawn_blocking(move || {
        use std::io::Write;
        while session.is_handshaking() {
            session.complete_io(&mut tcp).expect("a handshake");
        }
        session
            .writer()
            .write_all(b"GET /large HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .expect("in memory");
        while session.wants_write() {
            session.write_tls(&mut tcp).expect("open");
        }
        let mut wire = Vec::new();
        io::Read::read_to_end(&mut tcp, &mut wire).expect("ended");
        wire
    });
    let wire = within(wire).await.expect("no panic");
    let (mut at, mut records) = (0, 0);
    while at + 5 <= wire.len() {
        at += 5 + usize::from(u16::from_be_bytes([wire[at + 3], wire[at + 4]]));
        records += 1;
    }
    // 512 records of 16 KiB are the least (RFC 8446 §5.1); tickets, the head and the ends of writes are the rest.
    assert!((512..=512 + 160).contains(&records), "{records} records");
}

#[tokio::test]
async fn requests_follow_each_other_on_one_connection() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let mut stream = connect(server.local_addr(), "localhost", authority.client())
        .await
        .expect("a handshake");
    let one = "POST /length HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\n\r\nabc";
    let last = "POST /length HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc";
    let answers = ask(&mut stream, &format!("{}{last}", one.repeat(9)))
        .await
        .expect("served");
    assert_eq!(
        answers.matches("HTTP/1.1 200 OK").count(),
        9,
        "and the first, which is cut off"
    );
}

#[tokio::test]
async fn the_server_says_when_it_ends() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let mut stream = connect(server.local_addr(), "localhost", authority.client())
        .await
        .expect("a handshake");
    // `read_to_string` in it fails where `close_notify` is missing (RFC 8446 §6.1).
    ask(&mut stream, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .expect("ended in order");
    let mut idle = connect(server.local_addr(), "localhost", authority.client())
        .await
        .expect("a handshake");
    let shutdown = tokio::spawn(async move { server.shutdown().await });
    let mut rest = Vec::new();
    within(idle.read_to_end(&mut rest)).await.expect("ended in order");
    assert!(rest.is_empty());
    within(shutdown).await.expect("no panic");
}

#[tokio::test]
async fn a_client_that_said_it_sends_no_more_is_answered() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let mut stream = connect(server.local_addr(), "localhost", authority.client())
        .await
        .expect("a handshake");
    stream
        .write_all(b"POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc")
        .await
        .expect("open");
    // `close_notify` ends one direction alone (RFC 8446 §6.1).
    stream.get_mut().1.send_close_notify();
    stream.flush().await.expect("open");
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer))
        .await
        .expect("ended in order");
    assert!(answer.ends_with("\r\n\r\n3"), "{answer}");
}

#[tokio::test]
async fn a_body_that_was_cut_is_not_taken_for_a_whole_one() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    for (head, cut_in_order) in [
        ("content-length: 10", true),
        ("content-length: 10", false),
        ("transfer-encoding: chunked", true),
        ("transfer-encoding: chunked", false),
    ] {
        let mut stream = connect(server.local_addr(), "localhost", authority.client())
            .await
            .expect("a handshake");
        let request = format!("POST /length HTTP/1.1\r\nhost: a\r\n{head}\r\n\r\n5\r\nab");
        stream.write_all(request.as_bytes()).await.expect("open");
        stream.flush().await.expect("open");
        if cut_in_order {
            stream.get_mut().1.send_close_notify();
            stream.flush().await.expect("open");
        } else {
            stream.get_mut().0.shutdown().await.expect("open");
        }
        let mut answer = Vec::new();
        let _ = within(stream.read_to_end(&mut answer)).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(
            !text.contains("200 OK") || text.ends_with("Incomplete"),
            "{head} {cut_in_order}: {text}"
        );
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_given_up_and_its_memory_freed() {
    let authority = Authority::new();
    let mut config = Config::default();
    config.write_timeout = std::time::Duration::from_millis(300);
    let server = start_with(authority.issue(&["localhost"]).tls(), config).await;
    let mut stream = connect(server.local_addr(), "localhost", authority.client())
        .await
        .expect("a handshake");
    stream
        .write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    stream.flush().await.expect("open");
    within(async {
        while server.connections() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_hundred_clients_at_once_are_served() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let clients: Vec<_> = (0..100)
        .map(|_| {
            tokio::spawn(crate::support::get(
                server.local_addr(),
                "localhost",
                authority.client(),
            ))
        })
        .collect();
    for client in clients {
        within(client).await.expect("no panic").expect("served");
    }
}

#[tokio::test]
async fn curl_trusts_the_authority_and_nobody_else() {
    let Some(curl) = crate::support::tool("curl") else {
        return;
    };
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("root.pem");
    std::fs::write(&root, &authority.pem).expect("written");
    let url = format!("https://localhost:{}/", server.local_addr().port());
    let run = async |arguments: &[&str]| {
        let mut command = tokio::process::Command::new(&curl);
        command
            .args(["--silent", "--show-error", "--http1.1", "--ipv4", "--max-time", "20"])
            .args(arguments)
            .arg(&url);
        within(command.output()).await.expect("it starts")
    };
    let output = run(&["--cacert", root.to_str().expect("utf-8")]).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.starts_with("TLSv1.3") && text.contains("alpn=http/1.1 name=localhost"),
        "{output:?}"
    );
    let output = run(&[]).await;
    assert_eq!(
        output.status.code(),
        Some(60),
        "curl's own code for an unknown issuer: {output:?}"
    );
}
