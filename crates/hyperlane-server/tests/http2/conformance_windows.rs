//! RFC 9113 §6.9: windows, and how they change.

use hyperlane_server::Config;

use crate::client::{Client, code, flag, frame, get, get_path, kind, post, settings, window_update};
use crate::hpack;
use crate::table::{Outcome, all, case, data, run};

const PROTOCOL: Outcome = Outcome::ConnectionError(code::PROTOCOL_ERROR);
const SIZE: Outcome = Outcome::ConnectionError(code::FRAME_SIZE_ERROR);
const FLOW: Outcome = Outcome::ConnectionError(code::FLOW_CONTROL_ERROR);
const ANSWERED: Outcome = Outcome::Status(1, 200);

const INITIAL_WINDOW_SIZE: u16 = 4;

#[tokio::test(start_paused = true)]
async fn window_update_rfc9113_6_9() {
    let most = 0x7fff_ffff;
    let open = get_path(1, "/never");
    run(vec![
        case("6.9 on the connection", window_update(0, 1), Outcome::Alive),
        case(
            "6.9 on a stream",
            all([post(1), window_update(1, 1), data(1, flag::END_STREAM, b"x")]),
            ANSWERED,
        ),
        case("6.9 of nothing on the connection", window_update(0, 0), PROTOCOL),
        case(
            "6.9 of nothing on a stream",
            all([open.clone(), window_update(1, 0)]),
            Outcome::StreamError(1, code::PROTOCOL_ERROR),
        ),
        case(
            "6.9 of nothing, with the reserved bit",
            window_update(0, 0x8000_0000),
            PROTOCOL,
        ),
        case(
            "6.9 of another length",
            frame(kind::WINDOW_UPDATE, 0, 0, &[0, 0, 1]),
            SIZE,
        ),
        case(
            "6.9.1 above the limit of the connection",
            all([window_update(0, most), window_update(0, most)]),
            FLOW,
        ),
        case(
            "6.9.1 above the limit of a stream",
            all([open, window_update(1, most), window_update(1, most)]),
            Outcome::StreamError(1, code::FLOW_CONTROL_ERROR),
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn flow_control_rfc9113_6_9_2() {
    // A window of one byte lets one byte through.
    let mut client = Client::connect_with(Config::default(), &[(INITIAL_WINDOW_SIZE, 1)]).await;
    client.send(&get(1)).await;
    assert_eq!(client.wait(kind::DATA).await.payload.len(), 1);

    // A change of the initial size changes windows that are open.
    let mut client = Client::connect_with(Config::default(), &[(INITIAL_WINDOW_SIZE, 0)]).await;
    client.send(&get(1)).await;
    client.wait(kind::HEADERS).await;
    client.send(&settings(&[(INITIAL_WINDOW_SIZE, 1)])).await;
    assert_eq!(client.wait(kind::DATA).await.payload.len(), 1);

    // A window below zero is made up for first.
    let mut client = Client::connect_with(Config::default(), &[(INITIAL_WINDOW_SIZE, 3)]).await;
    client.send(&get(1)).await;
    assert_eq!(client.wait(kind::DATA).await.payload.len(), 3);
    client.send(&settings(&[(INITIAL_WINDOW_SIZE, 2)])).await;
    client.wait(kind::SETTINGS).await;
    client.send(&window_update(1, 2)).await;
    assert_eq!(client.wait(kind::DATA).await.payload.len(), 1);

    // And one that would grow past the limit by it is an error (§6.9.2).
    let mut client = Client::connect(Config::default()).await;
    client
        .send(&all([get_path(1, "/never"), window_update(1, 0x7fff_ffff - 65_535)]))
        .await;
    client.send(&settings(&[(INITIAL_WINDOW_SIZE, 65_536)])).await;
    assert_eq!(client.goaway().await, Some(code::FLOW_CONTROL_ERROR));
}

#[tokio::test(start_paused = true)]
async fn a_client_must_keep_to_the_windows_rfc9113_6_9_1() {
    let mut config = Config::default();
    config.http2.stream_window = 65_535;
    config.http2.connection_window = 65_535;
    let mut client = Client::connect(config).await;
    // Nobody reads the body, so that the window stays used.
    client
        .send(&frame(
            kind::HEADERS,
            flag::END_HEADERS,
            1,
            &hpack::request("POST", "/never"),
        ))
        .await;
    for _ in 0..4 {
        client.send(&data(1, 0, &[0; 16_384])).await;
    }
    assert_eq!(client.goaway().await, Some(code::FLOW_CONTROL_ERROR));
}
