//! RFC 9113 §6 and §7: each kind of frame, and codes.

use hyperlane_server::Config;

use crate::client::{Client, code, flag, frame, get, get_path, kind, ping, post, reset, settings};
use crate::hpack;
use crate::table::{Outcome, Step, all, case, data, headers, run, steps};

const PROTOCOL: Outcome = Outcome::ConnectionError(code::PROTOCOL_ERROR);
const SIZE: Outcome = Outcome::ConnectionError(code::FRAME_SIZE_ERROR);
const FLOW: Outcome = Outcome::ConnectionError(code::FLOW_CONTROL_ERROR);
const ANSWERED: Outcome = Outcome::Status(1, 200);

const INITIAL_WINDOW_SIZE: u16 = 4;

#[tokio::test(start_paused = true)]
async fn data_rfc9113_6_1() {
    let padded = |payload: &[u8]| data(1, flag::END_STREAM | flag::PADDED, payload);
    run(vec![
        case(
            "6.1 one DATA frame",
            all([post(1), data(1, flag::END_STREAM, b"test")]),
            ANSWERED,
        ),
        case(
            "6.1 two DATA frames",
            all([post(1), data(1, 0, b"te"), data(1, flag::END_STREAM, b"st")]),
            ANSWERED,
        ),
        case(
            "6.1 padding",
            all([post(1), padded(b"\x04test\0\0\0\0")]),
            Outcome::Payload(kind::DATA, b"test".to_vec()),
        ),
        case(
            "6.1 nothing but padding",
            all([post(1), padded(b"\x03\0\0\0")]),
            ANSWERED,
        ),
        case("6.1 DATA on the connection", data(0, 0, b"x"), PROTOCOL),
        case(
            "6.1 DATA on a stream that is half-closed",
            all([get_path(1, "/never"), data(1, 0, b"x")]),
            Outcome::StreamError(1, code::STREAM_CLOSED),
        ),
        case(
            "6.1 padding as long as the frame",
            all([post(1), padded(b"\x04\0\0\0")]),
            PROTOCOL,
        ),
        case(
            "6.1 padding longer than the frame",
            all([post(1), padded(b"\xffxx")]),
            PROTOCOL,
        ),
        case("6.1 padded, and empty", all([post(1), padded(b"")]), SIZE),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn headers_rfc9113_6_2() {
    let with = |flags, before: &[u8], behind: &[u8]| {
        headers(1, flag::END_STREAM | flags, &[before, hpack::GET, behind].concat())
    };
    let begun = frame(kind::HEADERS, flag::END_STREAM, 1, hpack::GET);
    run(vec![
        case("6.2 HEADERS", get(1), ANSWERED),
        case("6.2 padding", with(flag::PADDED, b"\x03", b"\0\0\0"), ANSWERED),
        case("6.2 priority", with(flag::PRIORITY, b"\x80\0\0\x03\xff", b""), ANSWERED),
        case(
            "6.2 both",
            with(flag::PADDED | flag::PRIORITY, b"\x02\0\0\0\0\0", b"\0\0"),
            ANSWERED,
        ),
        case(
            "6.2 without END_HEADERS, then PRIORITY",
            all([begun.clone(), frame(kind::PRIORITY, 0, 1, &[0; 5])]),
            PROTOCOL,
        ),
        case(
            "6.2 without END_HEADERS, then another stream",
            all([begun, get(3)]),
            PROTOCOL,
        ),
        case(
            "6.2 on the connection",
            headers(0, flag::END_STREAM, hpack::GET),
            PROTOCOL,
        ),
        case(
            "6.2 padding longer than the frame",
            with(flag::PADDED, b"\xff", b""),
            PROTOCOL,
        ),
        case(
            "6.2 padded, and empty",
            frame(kind::HEADERS, flag::WHOLE | flag::PADDED, 1, b""),
            SIZE,
        ),
        case(
            "6.2 priority that is cut",
            frame(kind::HEADERS, flag::WHOLE | flag::PRIORITY, 1, b"\0\0\0"),
            SIZE,
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn priority_rfc9113_6_3() {
    let priority = |stream, payload: &[u8]| frame(kind::PRIORITY, 0, stream, payload);
    run(vec![
        case(
            "6.3 the least weight",
            all([priority(1, b"\0\0\0\0\0"), get(1)]),
            ANSWERED,
        ),
        case(
            "6.3 the largest weight",
            all([priority(1, b"\0\0\0\0\xff"), get(1)]),
            ANSWERED,
        ),
        case(
            "6.3 a dependency",
            all([priority(1, b"\0\0\0\x03\xff"), get(1)]),
            ANSWERED,
        ),
        case(
            "6.3 an exclusive one",
            all([priority(1, b"\x80\0\0\x03\xff"), get(1)]),
            ANSWERED,
        ),
        case("6.3 on the connection", priority(0, &[0; 5]), PROTOCOL),
        case(
            "6.3 of another length",
            all([get_path(1, "/never"), priority(1, &[0; 4])]),
            Outcome::StreamError(1, code::FRAME_SIZE_ERROR),
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn rst_stream_rfc9113_6_4() {
    run(vec![
        case(
            "6.4 a reset",
            all([get_path(1, "/never"), reset(1, code::CANCEL)]),
            Outcome::Alive,
        ),
        case("6.4 on the connection", reset(0, code::CANCEL), PROTOCOL),
        case("6.4 on an idle stream", reset(1, code::CANCEL), PROTOCOL),
        case(
            "6.4 of another length",
            all([get_path(1, "/never"), frame(kind::RST_STREAM, 0, 1, &[0; 3])]),
            SIZE,
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn settings_rfc9113_6_5() {
    let is = |id, value| settings(&[(id, value)]);
    run(vec![
        case(
            "6.5 settings are acknowledged",
            is(1, 4096),
            Outcome::Payload(kind::SETTINGS, vec![]),
        ),
        case(
            "6.5 an acknowledgement that is not empty",
            frame(kind::SETTINGS, flag::ACK, 0, &[0]),
            SIZE,
        ),
        case(
            "6.5 on a stream",
            frame(kind::SETTINGS, 0, 1, &[0, 1, 0, 0, 0x10, 0]),
            PROTOCOL,
        ),
        case(
            "6.5 of a length that is no multiple of six",
            frame(kind::SETTINGS, 0, 0, &[0; 3]),
            SIZE,
        ),
        case("6.5.2 ENABLE_PUSH of 2", is(2, 2), PROTOCOL),
        case(
            "6.5.2 INITIAL_WINDOW_SIZE above its limit",
            is(INITIAL_WINDOW_SIZE, 0x8000_0000),
            FLOW,
        ),
        case("6.5.2 MAX_FRAME_SIZE below its limit", is(5, 16_383), PROTOCOL),
        case("6.5.2 MAX_FRAME_SIZE above its limit", is(5, 16_777_216), PROTOCOL),
        case("6.5.2 an unknown setting", is(0xff, 1), Outcome::Alive),
        case("6.5.2 ENABLE_CONNECT_PROTOCOL of 2 (RFC 8441 §3)", is(8, 2), PROTOCOL),
        case("6.5.2 no table for our field blocks", all([is(1, 0), get(1)]), ANSWERED),
        case("6.5.2 a larger table for them", all([is(1, 65_536), get(1)]), ANSWERED),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_several_values_the_last_counts_rfc9113_6_5_3() {
    let mut client = Client::connect_with(
        Config::default(),
        &[(INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)],
    )
    .await;
    client.send(&get(1)).await;
    assert_eq!(client.wait(kind::DATA).await.payload, b"w");
}

#[tokio::test(start_paused = true)]
async fn push_promise_rfc9113_8_4() {
    let promise = [&2_u32.to_be_bytes()[..], hpack::GET].concat();
    run(vec![case(
        "8.4 PUSH_PROMISE of a client",
        all([post(1), frame(kind::PUSH_PROMISE, flag::END_HEADERS, 1, &promise)]),
        PROTOCOL,
    )])
    .await;
}

#[tokio::test(start_paused = true)]
async fn ping_rfc9113_6_7() {
    run(vec![
        case(
            "6.7 a PING is answered with its payload",
            ping(b"8 bytes!"),
            Outcome::Payload(kind::PING, b"8 bytes!".to_vec()),
        ),
        case(
            "6.7 an answer is not answered",
            all([frame(kind::PING, flag::ACK, 0, b"invalid!"), ping(b"8 bytes!")]),
            Outcome::Payload(kind::PING, b"8 bytes!".to_vec()),
        ),
        case("6.7 on a stream", frame(kind::PING, 0, 1, &[0; 8]), PROTOCOL),
        case("6.7 of another length", frame(kind::PING, 0, 0, &[0; 6]), SIZE),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn goaway_rfc9113_6_8() {
    let goaway = |stream, code: u32| {
        frame(
            kind::GOAWAY,
            0,
            stream,
            &[&[0; 4][..], &code.to_be_bytes(), b"debug"].concat(),
        )
    };
    run(vec![
        case("6.8 on a stream", goaway(1, 0), PROTOCOL),
        case("6.8 that is cut", frame(kind::GOAWAY, 0, 0, &[0; 7]), SIZE),
        case(
            "6.8 open streams go on",
            all([post(1), goaway(0, 0), data(1, flag::END_STREAM, b"x")]),
            ANSWERED,
        ),
        case(
            "7 a GOAWAY with an unknown code",
            all([post(1), goaway(0, 0xff), data(1, flag::END_STREAM, b"x")]),
            ANSWERED,
        ),
        case(
            "7 a reset with an unknown code",
            all([get_path(1, "/never"), reset(1, 0xff)]),
            Outcome::Alive,
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn continuation_rfc9113_6_10() {
    let (first, rest) = hpack::GET.split_at(2);
    let (second, third) = rest.split_at(1);
    let begun = frame(kind::HEADERS, flag::END_STREAM, 1, first);
    let more = |flags, fragment: &[u8]| frame(kind::CONTINUATION, flags, 1, fragment);
    let extra = hpack::field("a", "b");
    run(vec![
        case(
            "6.10 one",
            all([begun.clone(), more(flag::END_HEADERS, rest)]),
            ANSWERED,
        ),
        case(
            "6.10 several",
            all([
                begun.clone(),
                more(0, second),
                more(0, b""),
                more(flag::END_HEADERS, third),
            ]),
            ANSWERED,
        ),
        case(
            "6.10 then another kind",
            all([begun.clone(), more(0, second), data(1, flag::END_STREAM, b"x")]),
            PROTOCOL,
        ),
        case(
            "6.10 on the connection",
            all([begun.clone(), frame(kind::CONTINUATION, flag::END_HEADERS, 0, rest)]),
            PROTOCOL,
        ),
        case(
            "6.10 on another stream",
            all([begun.clone(), frame(kind::CONTINUATION, flag::END_HEADERS, 3, rest)]),
            PROTOCOL,
        ),
        case(
            "6.10 behind HEADERS with END_HEADERS",
            all([get(1), more(flag::END_HEADERS, &extra)]),
            PROTOCOL,
        ),
        case(
            "6.10 behind CONTINUATION with END_HEADERS",
            all([begun, more(flag::END_HEADERS, rest), more(flag::END_HEADERS, &extra)]),
            PROTOCOL,
        ),
        case(
            "6.10 behind DATA",
            all([post(1), data(1, 0, b"x"), more(flag::END_HEADERS, &extra)]),
            PROTOCOL,
        ),
        steps(
            "6.10 long after",
            vec![
                Step::Send(get(1)),
                Step::Response(1),
                Step::Send(more(flag::END_HEADERS, &extra)),
            ],
            PROTOCOL,
        ),
    ])
    .await;
}
