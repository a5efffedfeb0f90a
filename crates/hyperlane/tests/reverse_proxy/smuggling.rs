//! Messages are framed anew on each side: nothing that one side frames oddly means something else to the other (RFC 9112
//! §6.3, §11.2), and nobody outside chooses the upstream.

use super::support::{Raw, Then, ask_raw, client, proxy_server, to};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Requests of which some server would read the length differently: none reaches the upstream with more than it should.
#[tokio::test]
async fn oddly_framed_requests_are_refused_before_they_reach_the_upstream() {
    let upstream = Raw::start(OK, Then::Continue).await;
    let proxy = proxy_server(to(upstream.addr)).await;
    let inner = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    for fields in [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 40\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding:\r\n chunked\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "content-length: 0\r\ncontent-length: 41\r\n",
        "content-length: +41\r\n",
        "x: a\r\n content-length: 41\r\n",
        "content-length: 0\n\r\nx: y\r\n",
    ] {
        let request = format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n0\r\n\r\n{inner}");
        let answer = ask_raw(proxy.local_addr(), request.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.1 501 "),
            "{fields:?}: {answer}"
        );
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{fields:?}: {answer}");
    }
    assert_eq!(upstream.requests(), [""; 0]);
}

#[tokio::test]
async fn framing_fields_that_connection_names_do_not_change_the_framing() {
    let upstream = Raw::start(OK, Then::Continue).await;
    let proxy = proxy_server(to(upstream.addr)).await;
    for (fields, body, framed) in [
        (
            "connection: content-length\r\ncontent-length: 4",
            "GET ",
            "content-length: 4\r\n",
        ),
        ("connection: transfer-encoding, host,,", "", "\r\n\r\n"),
        (
            "connection: transfer-encoding\r\ntransfer-encoding: chunked",
            "4\r\nGET \r\n0\r\n\r\n",
            "transfer-encoding: chunked\r\n",
        ),
    ] {
        let request = format!("POST /x HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n{body}");
        let answer = ask_raw(proxy.local_addr(), request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{fields:?}: {answer}");
        let seen = upstream.requests.lock().unwrap().pop().unwrap();
        let (head, rest) = seen.split_once("\r\n\r\n").unwrap();
        assert!(format!("{head}\r\n\r\n").contains(framed), "{seen}");
        assert!(head.contains(&format!("\r\nhost: {}", upstream.addr)), "{seen}");
        assert_eq!(rest, body, "{seen}");
    }
}

#[tokio::test]
async fn pipelined_requests_stay_apart() {
    let upstream = Raw::start(OK, Then::Continue).await;
    let proxy = proxy_server(to(upstream.addr)).await;
    let answer = ask_raw(
        proxy.local_addr(),
        b"POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nhost: a\r\n\r\n",
    )
    .await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    let requests = upstream.requests();
    assert!(requests[0].starts_with("POST /1 ") && requests[0].ends_with("\r\n\r\nabc"));
    assert!(requests[1].starts_with("GET /2 ") && requests[1].ends_with("\r\n\r\n"));
}

#[tokio::test]
async fn neither_host_nor_target_choose_the_upstream() {
    let upstream = Raw::start(OK, Then::Continue).await;
    let elsewhere = Raw::start(OK, Then::Continue).await;
    let proxy = proxy_server(to(upstream.addr)).await;
    let evil = elsewhere.addr;
    for request in [
        format!("GET http://{evil}/x HTTP/1.1\r\nhost: {evil}\r\n\r\n"),
        format!("GET /x HTTP/1.1\r\nhost: {evil}\r\nx-forwarded-host: {evil}\r\n\r\n"),
        format!("GET //{evil}/x HTTP/1.1\r\nhost: a\r\n\r\n"),
        format!("GET /@{evil}/x HTTP/1.1\r\nhost: a\r\n\r\n"),
        format!("GET /http://{evil}/x HTTP/1.1\r\nhost: a\r\n\r\n"),
    ] {
        let answer = ask_raw(proxy.local_addr(), request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{request:?}: {answer}");
        let seen = upstream.requests.lock().unwrap().pop().unwrap();
        assert!(seen.contains(&format!("\r\nhost: {}\r\n", upstream.addr)), "{seen}");
        assert!(seen.starts_with("GET /"), "{seen}");
    }
    let connect = format!("CONNECT {evil} HTTP/1.1\r\nhost: {evil}\r\n\r\n");
    let answer = ask_raw(proxy.local_addr(), connect.as_bytes()).await;
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    assert_eq!(elsewhere.requests(), [""; 0]);
}

/// What the upstream frames oddly, or does not frame at all, is no response.
#[tokio::test]
async fn badly_framed_responses_are_502_and_their_rest_is_never_read_as_a_response() {
    for response in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!",
        "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nx-a: b\r\n folded\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nbad name: b\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nname : b\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/3.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: shout\r\n\r\n",
        "ok\r\n\r\n",
        "SSH-2.0-x\r\n",
        "",
    ] {
        let upstream = Raw::start(response, Then::Close).await;
        let answer = client(to(upstream.addr)).get("/").await;
        answer.assert_status(502);
        answer.assert_header("content-type", "application/problem+json");
        let body = answer.text().await;
        assert!(
            !body.contains("detail") && !body.contains("127.0.0.1"),
            "{response:?}: {body}"
        );
    }
}

#[tokio::test]
async fn bytes_behind_a_response_are_not_taken_for_the_next_one() {
    let forged = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged";
    let upstream = Raw::start(format!("{OK}{forged}"), Then::Continue).await;
    let client = client(to(upstream.addr));
    for _ in 0..5 {
        client.get("/").await.assert_status(200).assert_text("ok").await;
    }
}

#[tokio::test]
async fn a_head_beyond_its_limit_is_502() {
    let upstream = Raw::start(
        format!(
            "HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n",
            "y".repeat(20_000)
        ),
        Then::Close,
    )
    .await;
    client(to(upstream.addr)).get("/").await.assert_status(200);
    client(to(upstream.addr).response_head_limit(10_000))
        .get("/")
        .await
        .assert_status(502);
    let endless = Raw::start(format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(100_000)), Then::Hang).await;
    client(to(endless.addr)).get("/").await.assert_status(502);
}
