//! Interim responses, over both versions (RFC 9110 §15.2, RFC 8297).

use hyperlane_server::Config;
use tokio::io::AsyncReadExt;

use crate::client::{Client, flag, get_path, kind};
use crate::hpack;

#[tokio::test(start_paused = true)]
async fn interim_responses_come_before_the_response_rfc9113_8_1() {
    let mut client = Client::connect(Config::default()).await;
    client.send(&get_path(1, "/hints")).await;
    for expected in [103, 103, 200] {
        let head = client.wait(kind::HEADERS).await;
        let status = match head.payload[..] {
            // The second of a connection is out of the table.
            [0xbe..=0xff, ..] => 103,
            _ => hpack::status(&head.payload),
        };
        assert_eq!((status, head.has(flag::END_STREAM)), (expected, false));
    }
    assert_eq!(client.wait(kind::DATA).await.payload, b"hinted");
}

#[tokio::test(start_paused = true)]
async fn interim_responses_of_http_1_stand_before_each_response() {
    let mut client = Client::begin(Config::default());
    client
        .send(b"GET /hints HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\nGET /hints HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    let mut answers = String::new();
    client.io.read_to_string(&mut answers).await.expect("text");
    let statuses: Vec<_> = answers
        .match_indices("HTTP/1.1 ")
        .map(|(at, before)| &answers[at + before.len()..][..3])
        .collect();
    assert_eq!(statuses, ["103", "103", "200", "200", "103", "103", "200"]);
    assert!(
        answers.starts_with("HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n"),
        "{answers}"
    );
}

#[tokio::test(start_paused = true)]
async fn http_1_0_has_no_interim_responses_rfc9110_15_2() {
    let mut client = Client::begin(Config::default());
    client.send(b"GET /hints HTTP/1.0\r\nhost: a\r\n\r\n").await;
    let mut answer = String::new();
    client.io.read_to_string(&mut answer).await.expect("text");
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhinted"),
        "{answer}"
    );
}
