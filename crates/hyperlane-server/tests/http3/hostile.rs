//! Clients that break the rules, and what they are answered. None of them harms the next one.

use std::time::Duration;

use tokio::time::Instant;

use crate::raw::{
    EXCESSIVE_LOAD, End, FRAME_UNEXPECTED, MESSAGE_ERROR, METHOD_GET, METHOD_POST, QPACK_DECOMPRESSION_FAILED,
    REQUEST_INCOMPLETE, ROOT, SCHEME, authority, closed, data, end, field, frame, greet, headers, number, path,
    request, status,
};
use crate::support::{Served, get, post, read, until, within};

#[tokio::test]
async fn a_request_by_hand_is_answered() {
    let served = Served::start().await;
    let connection = served.connect().await;
    let _control = greet(&connection).await;
    let good = headers(&[METHOD_GET, SCHEME, &authority("localhost"), ROOT]);
    assert_eq!(status(&end(request(&connection, &good).await).await), Some(200));
}

#[tokio::test]
async fn malformed_requests_are_reset_rfc9114_4_1_2_and_4_3() {
    let served = Served::start().await;
    let connection = served.connect().await;
    let _control = greet(&connection).await;
    let host = authority("localhost");
    let cases: &[(&str, Vec<&[u8]>)] = &[
        ("no method", vec![SCHEME, &host, ROOT]),
        ("no scheme", vec![METHOD_GET, &host, ROOT]),
        ("no path", vec![METHOD_GET, SCHEME, &host]),
        ("no authority and no host", vec![METHOD_GET, SCHEME, ROOT]),
        ("two methods", vec![METHOD_GET, METHOD_POST, SCHEME, &host, ROOT]),
        ("two paths", vec![METHOD_GET, SCHEME, &host, ROOT, ROOT]),
        ("two authorities", vec![METHOD_GET, SCHEME, &host, &host, ROOT]),
        (
            "a pseudo-header behind a field",
            vec![METHOD_GET, SCHEME, &host, &[0x21, b'a', 1, b'b'], ROOT],
        ),
        ("a status", vec![METHOD_GET, SCHEME, &host, ROOT, &[0xd9]]),
        (
            "an unknown pseudo-header",
            vec![METHOD_GET, SCHEME, &host, ROOT, &[0x23, b':', b'x', b'y', 0]],
        ),
        ("an empty path", vec![METHOD_GET, SCHEME, &host, &[0x51, 0]]),
        (
            "an upper-case name",
            vec![METHOD_GET, SCHEME, &host, ROOT, &[0x21, b'A', 1, b'b']],
        ),
        (
            "a line end in a value",
            vec![METHOD_GET, SCHEME, &host, ROOT, &[0x21, b'a', 1, b'\n']],
        ),
        (
            "a zero in a value",
            vec![METHOD_GET, SCHEME, &host, ROOT, &[0x21, b'a', 1, 0]],
        ),
    ];
    for (what, lines) in cases {
        let ended = end(request(&connection, &headers(lines)).await).await;
        assert_eq!(ended, End::Reset(MESSAGE_ERROR), "{what}");
    }
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
        "te",
    ] {
        let forbidden = field(name, "x");
        let malformed = headers(&[METHOD_GET, SCHEME, &host, ROOT, &forbidden]);
        let ended = end(request(&connection, &malformed).await).await;
        assert_eq!(ended, End::Reset(MESSAGE_ERROR), "{name}");
    }
    let good = headers(&[METHOD_GET, SCHEME, &host, ROOT]);
    assert_eq!(
        status(&end(request(&connection, &good).await).await),
        Some(200),
        "the connection goes on"
    );
}

#[tokio::test]
async fn a_body_of_another_length_than_announced_is_malformed_rfc9114_4_1_2() {
    let served = Served::start().await;
    let connection = served.connect().await;
    let _control = greet(&connection).await;
    let host = authority("localhost");
    for (announced, sent) in [("5", &b"four"[..]), ("3", b"four"), ("0", b"four")] {
        let length = field("content-length", announced);
        let head = headers(&[METHOD_POST, SCHEME, &host, &path("/length"), &length]);
        let ended = end(request(&connection, &[head, data(sent)].concat()).await).await;
        let refused = status(&ended).is_some_and(|status| status != 200) || ended == End::Reset(MESSAGE_ERROR);
        assert!(refused, "{announced}: {ended:?}");
    }
}

#[tokio::test]
async fn broken_sequences_of_frames_end_the_connection_rfc9114_4_1() {
    let host = authority("localhost");
    let good = headers(&[METHOD_POST, SCHEME, &host, &path("/length")]);
    let cases = [
        ("data first", data(b"x"), FRAME_UNEXPECTED),
        ("settings on a request", frame(0x04, &[]), FRAME_UNEXPECTED),
        (
            "goaway on a request",
            [&good[..], &frame(0x07, &[0])].concat(),
            FRAME_UNEXPECTED,
        ),
        (
            "a kind of HTTP/2",
            [&good[..], &frame(0x06, &[0])].concat(),
            FRAME_UNEXPECTED,
        ),
        // H3_FRAME_ERROR (section 7.1).
        ("data that does not come", [&good[..], &[0x00, 0x0a]].concat(), 0x106),
        ("data that is cut", [&good[..], &[0x00, 0x0a, b'x']].concat(), 0x106),
        (
            "the dynamic table",
            frame(0x01, &[0x02, 0x00, 0x80]),
            QPACK_DECOMPRESSION_FAILED,
        ),
        (
            "an entry that is none",
            headers(&[&[0xff, 0x60]]),
            QPACK_DECOMPRESSION_FAILED,
        ),
    ];
    let served = Served::start().await;
    for (what, bytes, code) in cases {
        let connection = served.connect().await;
        let _control = greet(&connection).await;
        let _answer = request(&connection, &bytes).await;
        assert_eq!(closed(&connection).await, code, "{what}");
    }
    assert_eq!(served.client().await.get("/").await.status(), 200);
}

#[tokio::test]
async fn a_stream_that_ends_too_early_is_reset() {
    let served = Served::start().await;
    let connection = served.connect().await;
    let _control = greet(&connection).await;
    assert_eq!(
        end(request(&connection, b"").await).await,
        End::Reset(REQUEST_INCOMPLETE)
    );
}

#[tokio::test]
async fn frames_that_would_have_to_be_kept_end_the_connection_before_they_come() {
    let served = Served::start().await;
    let host = authority("localhost");
    let good = headers(&[METHOD_POST, SCHEME, &host, &path("/length")]);
    let announce = |kind: u8| [&[kind], &number(1 << 20)[..], &[0; 1000]].concat();
    for bytes in [
        announce(0x01),
        // Grease, and unknown kinds, would be skipped: once they were there.
        announce(0x21),
        [&good[..], &announce(0x01)].concat(),
        [0x21, 0x00].repeat(1000),
        [&good[..], &[0x00, 0x00].repeat(1000)].concat(),
    ] {
        let connection = served.connect().await;
        let _control = greet(&connection).await;
        let (mut send, _recv) = within(connection.open_bi()).await.expect("allowed");
        let _ = send.write_all(&bytes).await;
        assert_eq!(closed(&connection).await, EXCESSIVE_LOAD);
    }
    // The same on the control stream.
    let connection = served.connect().await;
    let mut control = within(connection.open_uni()).await.expect("allowed");
    let _ = control
        .write_all(&[&[0x00, 0x04], &number(1 << 20)[..], &[0; 1000]].concat())
        .await;
    assert_eq!(closed(&connection).await, EXCESSIVE_LOAD);
    assert_eq!(served.client().await.get("/").await.status(), 200);
}

#[tokio::test]
async fn heads_over_a_limit_are_answered_431_or_414() {
    let served = Served::start_with(|config| {
        config.head_limit = 2000;
        config.header_count_limit = 20;
        config.request_line_limit = 500;
    })
    .await;
    let connection = served.connect().await;
    let _control = greet(&connection).await;
    let host = authority("localhost");
    let long = field("x-long", &"x".repeat(2500));
    let many: Vec<Vec<u8>> = (0..25).map(|number| field(&format!("x-{number}"), "1")).collect();
    let many = many.concat();
    let far = path(&format!("/{}", "a".repeat(120)));
    let requests = [
        headers(&[METHOD_GET, SCHEME, &host, ROOT, &long]),
        headers(&[METHOD_GET, SCHEME, &host, ROOT, &many]),
    ];
    for bytes in requests {
        let ended = end(request(&connection, &bytes).await).await;
        let End::Finished(answer) = &ended else {
            panic!("{ended:?}");
        };
        assert!(find(answer, b"431") || status(&ended) == Some(0), "{answer:?}");
    }
    let good = headers(&[METHOD_GET, SCHEME, &host, &far]);
    assert_eq!(status(&end(request(&connection, &good).await).await), Some(404));
}

fn find(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test]
async fn a_body_over_the_limit_is_answered_413() {
    let served = Served::start_with(|config| config.body_limit = 1000).await;
    let mut client = served.client().await;
    // Announced: before it comes.
    let mut announced = post("/length");
    announced
        .headers_mut()
        .insert("content-length", "1001".parse().expect("valid"));
    let mut stream = client.begin(announced).await;
    assert_eq!(read(&mut stream).await.expect("answered").status(), 413);
    // Not announced: once it is too long.
    let mut stream = client.begin(post("/length")).await;
    let _ = stream.send_data(vec![b'x'; 1001].into()).await;
    let _ = stream.finish().await;
    assert_eq!(read(&mut stream).await.expect("answered").status(), 413);
    assert_eq!(client.get("/").await.status(), 200);
}

#[tokio::test]
async fn heads_and_bodies_that_do_not_come_are_given_up() {
    let served = Served::start_with(|config| {
        config.head_timeout = Duration::from_millis(200);
        config.body_timeout = Duration::from_millis(200);
    })
    .await;
    let mut client = served.client().await;
    let mut stream = client.begin(post("/length")).await;
    assert_eq!(read(&mut stream).await.expect("answered").status(), 408);
    drop(client);
    let connection = served.connect().await;
    let _control = greet(&connection).await;
    let (mut send, recv) = within(connection.open_bi()).await.expect("allowed");
    send.write_all(&[0x01, 0x20, 0x00]).await.expect("open");
    assert!(matches!(end(recv).await, End::Reset(_)));
}

#[tokio::test]
async fn requests_that_are_cancelled_as_fast_as_they_begin_end_the_connection() {
    let served = Served::start_with(|config| {
        config.http3.reset_burst = 20;
        config.http3.resets_per_second = 1;
    })
    .await;
    let connection = served.connect().await;
    let _control = greet(&connection).await;
    let never = headers(&[METHOD_GET, SCHEME, &authority("localhost"), &path("/never")]);
    let flood = async {
        loop {
            let Ok((mut send, mut recv)) = connection.open_bi().await else {
                return;
            };
            let _ = send.write_all(&never).await;
            let _ = send.reset(0x10c_u32.into());
            let _ = recv.stop(0x10c_u32.into());
        }
    };
    within(flood).await;
    assert_eq!(closed(&connection).await, EXCESSIVE_LOAD);
    served.until_waiting(0).await;
    until(|| served.handle.connections() == 0).await;
    assert_eq!(served.client().await.get("/").await.status(), 200);
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_given_up() {
    let served = Served::start_with(|config| config.write_timeout = Duration::from_millis(300)).await;
    let mut client = served.client().await;
    let mut stream = client.begin(get("/large")).await;
    stream.finish().await.expect("open");
    let head = within(stream.recv_response()).await.expect("answered");
    assert_eq!(head.status(), 200);
    tokio::time::sleep(Duration::from_millis(800)).await;
    let mut received = 0;
    let error = loop {
        match within(stream.recv_data()).await {
            Ok(Some(piece)) => received += bytes::Buf::remaining(&piece),
            Ok(None) => panic!("it was cut, and looked whole: {received} bytes"),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("H3_REQUEST_CANCELLED"), "{error}");
    assert_eq!(client.get("/").await.status(), 200);
}

#[tokio::test]
async fn a_connection_without_requests_is_closed_in_order() {
    let served = Served::start_with(|config| config.idle_timeout = Duration::from_millis(300)).await;
    let begun = Instant::now();
    let mut client = served.client().await;
    assert_eq!(client.get("/").await.status(), 200);
    assert_eq!(closed(&client.connection).await, crate::raw::NO_ERROR);
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn plain_connect_and_unknown_upgrades_are_refused() {
    let served = Served::start().await;
    let connection = served.connect().await;
    let _control = greet(&connection).await;
    let connect = headers(&[&[0xcf], &authority("localhost:80")]);
    let End::Finished(answer) = end(request(&connection, &connect).await).await else {
        panic!("answered");
    };
    assert!(!answer.is_empty());
}
