//! RFC 9113 §5: streams, their states and their numbers.

use hyperlane_server::Config;

use crate::app::config;
use crate::client::{Client, code, flag, frame, get, get_path, kind, ping, post, reset, window_update};
use crate::hpack;
use crate::table::{Outcome, Step, all, case, data, headers, run, steps};

const PROTOCOL: Outcome = Outcome::ConnectionError(code::PROTOCOL_ERROR);
const CLOSED: Outcome = Outcome::StreamError(1, code::STREAM_CLOSED);

fn priority(stream: u32, depends_on: u32) -> Vec<u8> {
    let payload = [&depends_on.to_be_bytes()[..], &[255]].concat();
    frame(kind::PRIORITY, 0, stream, &payload)
}

fn continuation(stream: u32) -> Vec<u8> {
    frame(kind::CONTINUATION, flag::END_HEADERS, stream, &hpack::field("a", "b"))
}

#[tokio::test(start_paused = true)]
async fn idle_streams_rfc9113_5_1() {
    run(vec![
        case("5.1 idle: DATA", data(1, flag::END_STREAM, b"x"), PROTOCOL),
        case("5.1 idle: RST_STREAM", reset(1, code::CANCEL), PROTOCOL),
        case("5.1 idle: WINDOW_UPDATE", window_update(1, 100), PROTOCOL),
        case("5.1 idle: CONTINUATION", continuation(1), PROTOCOL),
        case("5.1 idle: PRIORITY", priority(1, 0), Outcome::Alive),
        case("5.1 idle: DATA on a stream of the server", data(2, 0, b"x"), PROTOCOL),
        case(
            "5.1 idle: WINDOW_UPDATE on a stream of the server",
            window_update(2, 1),
            PROTOCOL,
        ),
        case(
            "5.1 idle: PRIORITY, then a lower stream",
            all([priority(5, 3), get(1)]),
            Outcome::Status(1, 200),
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn half_closed_streams_rfc9113_5_1() {
    let open = get_path(1, "/never");
    run(vec![
        case(
            "5.1 half-closed: DATA",
            all([open.clone(), data(1, flag::END_STREAM, b"x")]),
            CLOSED,
        ),
        case("5.1 half-closed: HEADERS", all([open.clone(), get(1)]), CLOSED),
        case(
            "5.1 half-closed: CONTINUATION",
            all([open.clone(), continuation(1)]),
            PROTOCOL,
        ),
        case(
            "5.1 half-closed: WINDOW_UPDATE",
            all([open.clone(), window_update(1, 1)]),
            Outcome::Alive,
        ),
        case(
            "5.1 half-closed: PRIORITY",
            all([open.clone(), priority(1, 0)]),
            Outcome::Alive,
        ),
        case(
            "5.1 half-closed: RST_STREAM",
            all([open, reset(1, code::CANCEL)]),
            Outcome::Alive,
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn closed_streams_rfc9113_5_1() {
    let reset_before = || Step::Send(all([get_path(1, "/never"), reset(1, code::CANCEL)]));
    let ended_before = || [Step::Send(get(1)), Step::Response(1)];
    let after_reset = |name, send, outcome| steps(name, vec![reset_before(), Step::Send(send)], outcome);
    let after_end = |name, send, outcome| {
        let mut all: Vec<_> = ended_before().into();
        all.push(Step::Send(send));
        steps(name, all, outcome)
    };
    run(vec![
        after_reset("5.1 closed by a reset: DATA", data(1, flag::END_STREAM, b"x"), CLOSED),
        after_reset("5.1 closed by a reset: HEADERS", get(1), CLOSED),
        after_reset("5.1 closed by a reset: CONTINUATION", continuation(1), PROTOCOL),
        after_reset(
            "5.1 closed by a reset: WINDOW_UPDATE",
            window_update(1, 1),
            Outcome::Alive,
        ),
        after_reset(
            "5.1 closed by a reset: another reset",
            reset(1, code::CANCEL),
            Outcome::Alive,
        ),
        after_end("5.1 closed: DATA", data(1, flag::END_STREAM, b"x"), CLOSED),
        after_end("5.1 closed: HEADERS", get(1), CLOSED),
        after_end("5.1 closed: CONTINUATION", continuation(1), PROTOCOL),
        after_end("5.1 closed: PRIORITY", priority(1, 0), Outcome::Alive),
        after_end("5.1 closed: WINDOW_UPDATE", window_update(1, 1), Outcome::Alive),
        after_end("5.1 closed: RST_STREAM", reset(1, code::CANCEL), Outcome::Alive),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_client_sends_before_it_hears_of_a_reset_is_no_fault_rfc9113_5_1() {
    // The body is longer than its limit: the server answers and resets, while the client still sends.
    let mut client = Client::connect(config(|config| config.body_limit = 10)).await;
    client.send(&all([post(1), data(1, 0, &[0; 100])])).await;
    assert_eq!(client.response(1).await.0, 413);
    client.wait(kind::RST_STREAM).await;
    client
        .send(&all([data(1, 0, &[0; 100]), data(1, flag::END_STREAM, b"x")]))
        .await;
    assert!(client.is_alive().await);
    client.send(&get(3)).await;
    assert_eq!(client.response(3).await.1, b"word");
}

#[tokio::test(start_paused = true)]
async fn stream_identifiers_rfc9113_5_1_1() {
    run(vec![
        case("5.1.1 an even number", get(2), PROTOCOL),
        case("5.1.1 a number below the last", all([get(5), get(3)]), PROTOCOL),
        case(
            "5.1.1 a number below the last, far off",
            all([get(1001), get(7)]),
            PROTOCOL,
        ),
        case(
            "5.1.1 the largest number",
            get(0x7fff_ffff),
            Outcome::Status(0x7fff_ffff, 200),
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn stream_concurrency_rfc9113_5_1_2() {
    let mut client = Client::connect(config(|config| config.http2.max_concurrent_streams = 3)).await;
    for stream in [1, 3, 5, 7] {
        client.send(&get_path(stream, "/never")).await;
    }
    let refused = client.wait(kind::RST_STREAM).await;
    assert_eq!((refused.stream, refused.code()), (7, code::REFUSED_STREAM));
    client.send(&reset(3, code::CANCEL)).await;
    client.send(&get(9)).await;
    assert_eq!(client.response(9).await.1, b"word");
}

#[tokio::test(start_paused = true)]
async fn the_limits_are_announced_rfc9113_6_5_2() {
    let mut client = Client::begin(Config::default());
    client
        .send(&[crate::client::PREFACE, &crate::client::settings(&[])].concat())
        .await;
    let settings = client.next().await.expect("settings").payload;
    let announced: Vec<(u16, u32)> = settings
        .chunks(6)
        .map(|setting| {
            let (id, value) = setting.split_at(2);
            (
                u16::from_be_bytes(id.try_into().expect("two bytes")),
                u32::from_be_bytes(value.try_into().expect("four bytes")),
            )
        })
        .collect();
    // MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE, ENABLE_CONNECT_PROTOCOL.
    for expected in [(3, 200), (4, 262_144), (5, 16_384), (6, 16_384), (8, 1)] {
        assert!(announced.contains(&expected), "{expected:?} in {announced:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn priority_rfc7540_5_3_1() {
    let dependent = [&1_u32.to_be_bytes()[..], &[255], hpack::GET].concat();
    run(vec![
        case(
            "5.3.1 HEADERS that depends on its own stream",
            headers(1, flag::END_STREAM | flag::PRIORITY, &dependent),
            Outcome::StreamError(1, code::PROTOCOL_ERROR),
        ),
        case(
            "5.3.1 PRIORITY that depends on its own stream",
            priority(1, 1),
            Outcome::StreamError(1, code::PROTOCOL_ERROR),
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn errors_end_the_connection_rfc9113_5_4_1() {
    let mut client = Client::connect(Config::default()).await;
    client.send(&all([get(1), get_path(3, "/never")])).await;
    client.response(1).await;
    client.send(&frame(kind::PING, 0, 0, b"short")).await;
    let goaway = client.wait(kind::GOAWAY).await;
    assert_eq!(goaway.code(), code::FRAME_SIZE_ERROR);
    assert_eq!(
        goaway.payload[..4],
        3_u32.to_be_bytes(),
        "the last stream that was begun"
    );
    assert!(client.next().await.is_none(), "the connection is closed");
}

#[tokio::test(start_paused = true)]
async fn extensions_rfc9113_5_5() {
    let begun = frame(kind::HEADERS, flag::END_STREAM, 1, hpack::GET);
    run(vec![
        case(
            "5.5 a frame of an extension",
            all([frame(0xfe, 0xff, 3, b"x"), ping(b"12345678")]),
            Outcome::Alive,
        ),
        case(
            "5.5 one in the middle of a field block",
            all([begun, frame(0xfe, 0, 1, b"x")]),
            PROTOCOL,
        ),
    ])
    .await;
}
