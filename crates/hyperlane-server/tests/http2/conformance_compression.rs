//! RFC 7541: field blocks that can be decoded, and those that can't.

use hyperlane_server::Config;

use crate::client::{Client, code, flag, get};
use crate::hpack::{self, field, indexed_field, integer};
use crate::table::{Outcome, all, case, headers, run};

const ANSWERED: Outcome = Outcome::Status(1, 200);
const BROKEN: Outcome = Outcome::ConnectionError(code::COMPRESSION_ERROR);

/// A GET whose field block ends so.
fn get_with(block: &[u8]) -> Vec<u8> {
    headers(1, flag::END_STREAM, &[hpack::GET, block].concat())
}

/// A change of the table's size.
fn resize(bytes: usize) -> Vec<u8> {
    let mut block = Vec::new();
    integer(&mut block, 5, bytes);
    block[0] |= 0x20;
    block
}

#[tokio::test(start_paused = true)]
async fn representations_rfc7541_6() {
    // `user-agent` is entry 58; `test`, and `x-test`, in Huffman code.
    let coded_value = b"\x83\x49\x50\x9f";
    let coded_name = b"\x85\xf2\xb2\x4a\x84\xff";
    let literal = |first: &[u8], name: &[u8], value: &[u8]| get_with(&[first, name, value].concat());
    run(vec![
        case("6.1 indexed", get_with(b"\x90"), ANSWERED),
        case(
            "6.2.1 into the table, name by index",
            literal(b"\x7a", b"", b"\x04test"),
            ANSWERED,
        ),
        case(
            "6.2.1 into the table, name by index, coded",
            literal(b"\x7a", b"", coded_value),
            ANSWERED,
        ),
        case(
            "6.2.1 into the table, a new name",
            literal(b"\x40", b"\x06x-test", b"\x04test"),
            ANSWERED,
        ),
        case(
            "6.2.1 into the table, a new name, coded",
            literal(b"\x40", coded_name, coded_value),
            ANSWERED,
        ),
        case(
            "6.2.2 not into the table, name by index",
            literal(b"\x0f\x2b", b"", b"\x04test"),
            ANSWERED,
        ),
        case(
            "6.2.2 not into the table, name by index, coded",
            literal(b"\x0f\x2b", b"", coded_value),
            ANSWERED,
        ),
        case(
            "6.2.2 not into the table, a new name",
            literal(b"\x00", b"\x06x-test", b"\x04test"),
            ANSWERED,
        ),
        case(
            "6.2.2 not into the table, a new name, coded",
            literal(b"\x00", coded_name, coded_value),
            ANSWERED,
        ),
        case(
            "6.2.3 never into a table, name by index",
            literal(b"\x1f\x2b", b"", b"\x04test"),
            ANSWERED,
        ),
        case(
            "6.2.3 never into a table, name by index, coded",
            literal(b"\x1f\x2b", b"", coded_value),
            ANSWERED,
        ),
        case(
            "6.2.3 never into a table, a new name",
            literal(b"\x10", b"\x06x-test", b"\x04test"),
            ANSWERED,
        ),
        case(
            "6.2.3 never into a table, a new name, coded",
            literal(b"\x10", coded_name, coded_value),
            ANSWERED,
        ),
        case(
            "6.3 a change of size",
            headers(1, flag::END_STREAM, &[resize(128), hpack::GET.to_vec()].concat()),
            ANSWERED,
        ),
        case(
            "6.3 two changes of size",
            headers(
                1,
                flag::END_STREAM,
                &[resize(128), resize(4096), hpack::GET.to_vec()].concat(),
            ),
            ANSWERED,
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn decoding_errors_rfc7541() {
    run(vec![
        case("2.3.3 an index past the table", get_with(b"\xc6"), BROKEN),
        case(
            "2.3.3 a name's index past the table",
            get_with(b"\x7f\x07\x04test"),
            BROKEN,
        ),
        case("4.2 a change of size behind a field", get_with(&resize(100)), BROKEN),
        case(
            "5.1 an integer that overflows",
            get_with(b"\xff\xff\xff\xff\xff\xff\xff\x7f"),
            BROKEN,
        ),
        case(
            "5.2 padding of more than seven bits",
            get_with(b"\x00\x86\xf2\xb2\x4a\x84\xff\xff\x83\x49\x50\x9f"),
            BROKEN,
        ),
        case(
            "5.2 more padding in the value",
            get_with(b"\x00\x01a\x84\x49\x50\x9f\xff"),
            BROKEN,
        ),
        case("5.2 padding of zeros", get_with(b"\x00\x01a\x83\x49\x50\x90"), BROKEN),
        case(
            "5.2 the end of string as a symbol",
            get_with(b"\x00\x01a\x88\xff\xff\xff\xff\x83\x49\x50\x9f"),
            BROKEN,
        ),
        case(
            "5.2 a string that is longer than the block",
            get_with(b"\x00\x01a\x05abc"),
            BROKEN,
        ),
        case("6.1 index 0", get_with(b"\x80"), BROKEN),
        case(
            "6.3 a size above the limit",
            headers(1, flag::END_STREAM, &[resize(4097), hpack::GET.to_vec()].concat()),
            BROKEN,
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_table_lives_on_from_block_to_block_rfc7541_2_3() {
    let first = headers(
        1,
        flag::END_STREAM,
        &[hpack::GET.to_vec(), indexed_field("x-kept", "1")].concat(),
    );
    let second = headers(3, flag::END_STREAM, &[hpack::GET, b"\xbe"].concat());
    let third = headers(5, flag::END_STREAM, &[hpack::GET, b"\xbf"].concat());
    let mut client = Client::connect(Config::default()).await;
    client.send(&all([first, second])).await;
    assert_eq!(client.response(3).await.0, 200);
    client.send(&third).await;
    assert_eq!(
        client.goaway().await,
        Some(code::COMPRESSION_ERROR),
        "there is one entry, not two"
    );
}

#[tokio::test(start_paused = true)]
async fn the_table_keeps_to_its_size_rfc7541_4() {
    let mut client = Client::connect(Config::default()).await;
    // Each entry takes 1,000 bytes and 33 more: the table holds three.
    for stream in [1, 3, 5, 7] {
        let block = [hpack::GET.to_vec(), indexed_field("x", &"y".repeat(1000))].concat();
        client.send(&headers(stream, flag::END_STREAM, &block)).await;
    }
    client
        .send(&headers(9, flag::END_STREAM, &[hpack::GET, b"\xc0"].concat()))
        .await;
    client
        .send(&headers(11, flag::END_STREAM, &[hpack::GET, b"\xc1"].concat()))
        .await;
    assert_eq!(client.goaway().await, Some(code::COMPRESSION_ERROR));
}

#[tokio::test(start_paused = true)]
async fn a_malformed_request_does_not_disturb_the_table_rfc9113_8_1_1() {
    let malformed = [
        hpack::GET.to_vec(),
        indexed_field("x-kept", "1"),
        field("connection", "close"),
    ]
    .concat();
    let mut client = Client::connect(Config::default()).await;
    client.send(&headers(1, flag::END_STREAM, &malformed)).await;
    let reset = client.wait(crate::client::kind::RST_STREAM).await;
    assert_eq!((reset.stream, reset.code()), (1, code::PROTOCOL_ERROR));
    client
        .send(&headers(3, flag::END_STREAM, &[hpack::GET, b"\xbe"].concat()))
        .await;
    client.send(&get(5)).await;
    assert_eq!(client.response(5).await.0, 200);
}
