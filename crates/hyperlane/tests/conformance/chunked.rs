//! The chunked coding: RFC 9112 §7.1.

use std::time::Duration;

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;
use crate::probe::Step;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = well_formed();
    cases.extend(malformed());
    cases.extend(incomplete());
    cases.extend(abusive());
    cases
}

fn post(body: impl AsRef<[u8]>) -> Vec<u8> {
    let head = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    [head, body.as_ref()].concat()
}

fn well_formed() -> Vec<Case> {
    let served =
        |name, body: &[u8], echoed: &str| case(name, "RFC 9112 §7.1", post(body)).marker_reached_after(200, echoed);
    let ten = "0123456789";
    let mut cases = vec![
        served("reads_an_empty_body", b"0\r\n\r\n", ""),
        served(
            "reads_several_chunks",
            b"2\r\nhe\r\n1\r\nl\r\n2\r\nlo\r\n0\r\n\r\n",
            "hello",
        ),
        served("reads_a_size_in_lower_case", b"a\r\n0123456789\r\n0\r\n\r\n", ten),
        served("reads_a_size_in_upper_case", b"A\r\n0123456789\r\n0\r\n\r\n", ten),
        served(
            "reads_a_size_with_leading_zeros",
            b"000A\r\n0123456789\r\n0\r\n\r\n",
            ten,
        ),
        served(
            "reads_a_size_of_sixteen_digits",
            b"000000000000000A\r\n0123456789\r\n0\r\n\r\n",
            ten,
        ),
        served("reads_a_last_chunk_of_several_zeros", b"1\r\nx\r\n000\r\n\r\n", "x"),
        served(
            "reads_data_that_looks_like_the_end",
            b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",
            "0\r\n\r\n",
        ),
        served("ignores_an_extension", b"5;a\r\nhello\r\n0\r\n\r\n", "hello"),
        served(
            "ignores_an_extension_with_a_value",
            b"5;a=b\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        served(
            "ignores_a_quoted_extension",
            b"5;a=\"b;c\\\"d\"\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        served(
            "ignores_several_extensions",
            b"5;a=b;c;d=e\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        served(
            "ignores_an_extension_of_the_last_chunk",
            b"5\r\nhello\r\n0;a=b\r\n\r\n",
            "hello",
        ),
        served(
            "accepts_white_space_before_an_extension",
            b"5 ;a\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        served(
            "accepts_white_space_after_the_semicolon",
            b"5; a\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        case(
            "reads_chunks_sent_byte_by_byte",
            "RFC 9112 §7.1",
            post("2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
        )
        .byte_by_byte()
        .answers(200)
        .body("hello"),
        case("reads_chunks_that_arrive_apart", "RFC 9112 §7.1", post(""))
            .then_send("5\r")
            .then_send("\nhel")
            .then_send("lo\r")
            .then_send("\n0\r\n\r")
            .then_send("\n")
            .answers(200)
            .body("hello"),
        case(
            "reads_chunks_in_context_style",
            "RFC 9112 §7.1",
            "POST /context-echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
             2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        )
        .marker_reached_after(200, "hello"),
    ];
    let every_byte: Vec<u8> = (0..=255).collect();
    let binary = post([b"100\r\n", &every_byte[..], b"\r\n0\r\n\r\n"].concat());
    cases.push(
        case("reads_every_byte_value", "RFC 9112 §7.1", binary)
            .answers(200)
            .body(every_byte),
    );
    let single: String = "1\r\nx\r\n".repeat(2_000);
    cases.push(
        case(
            "reads_two_thousand_chunks_of_one_byte",
            "RFC 9112 §7.1",
            post(single + "0\r\n\r\n"),
        )
        .answers(200)
        .body("x".repeat(2_000)),
    );
    cases
}

fn malformed() -> Vec<Case> {
    let rejected: [(&str, &[u8]); 33] = [
        ("rejects_an_empty_size", b"\r\nhello\r\n0\r\n\r\n"),
        ("rejects_an_extension_without_size", b";a\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_leading_space", b" 5\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_leading_tab", b"\t5\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_trailing_space", b"5 \r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_trailing_tab", b"5\t\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_space_within", b"0 5\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_plus_sign", b"+5\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_minus_sign", b"-5\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_hexadecimal_prefix", b"0x5\r\nhello\r\n0\r\n\r\n"),
        ("rejects_an_underscore", b"0_5\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_letter_beyond_f", b"5g\r\nhello\r\n0\r\n\r\n"),
        ("rejects_an_h_suffix", b"5h\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_word", b"five\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_fraction", b"5.0\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_quoted_size", b"\"5\"\r\nhello\r\n0\r\n\r\n"),
        (
            "rejects_a_size_of_seventeen_digits",
            b"00000000000000005\r\nhello\r\n0\r\n\r\n",
        ),
        (
            "rejects_a_size_that_wraps_to_5",
            b"10000000000000005\r\nhello\r\n0\r\n\r\n",
        ),
        (
            "rejects_a_size_of_seventeen_f",
            b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
        ),
        ("rejects_a_nul_after_the_size", b"5\0\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_comma_after_the_size", b"5,a\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_bare_lf_after_the_size", b"5\nhello\r\n0\r\n\r\n"),
        ("rejects_a_bare_cr_after_the_size", b"5\rhello\r\n0\r\n\r\n"),
        ("rejects_a_bare_lf_in_an_extension", b"5;a\nhello\r\n0\r\n\r\n"),
        ("rejects_a_bare_cr_in_an_extension", b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_nul_in_an_extension", b"5;a\0b\r\nhello\r\n0\r\n\r\n"),
        (
            "rejects_a_bare_lf_in_a_quoted_extension",
            b"5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
        ),
        ("rejects_data_longer_than_the_size", b"4\r\nhello\r\n0\r\n\r\n"),
        ("rejects_data_shorter_than_the_size", b"6\r\nhello\r\n0\r\n\r\n"),
        ("rejects_a_bare_lf_after_the_data", b"5\r\nhello\n0\r\n\r\n"),
        ("rejects_two_other_bytes_after_the_data", b"5\r\nhelloXX0\r\n\r\n"),
        ("rejects_a_bare_lf_after_the_last_chunk", b"5\r\nhello\r\n0\n\r\n"),
        ("rejects_a_bare_lf_at_the_end", b"5\r\nhello\r\n0\r\n\n"),
    ];
    rejected
        .into_iter()
        .map(|(name, body)| case(name, "RFC 9112 §7.1", post(body)).marker_unreached().refused(400))
        .collect()
}

/// RFC 9112 §8: a chunked message is complete only with the chunk of size 0.
fn incomplete() -> Vec<Case> {
    let silence = || Step::Silence(Duration::from_millis(50));
    let mut cases = vec![
        case(
            "does_not_answer_before_the_last_chunk",
            "RFC 9112 §7.1",
            post("5\r\nhello\r\n"),
        )
        .then(silence())
        .then_send("0\r\n\r\n")
        .answers(200)
        .body("hello"),
        case(
            "does_not_answer_before_the_last_crlf",
            "RFC 9112 §7.1",
            post("5\r\nhello\r\n0\r\n"),
        )
        .then(silence())
        .then_send("\r\n")
        .answers(200)
        .body("hello"),
    ];
    for (name, body) in [
        ("does_not_serve_a_body_without_chunks", ""),
        ("does_not_serve_a_size_cut_short", "5"),
        ("does_not_serve_data_cut_short", "5\r\nhel"),
        ("does_not_serve_a_body_without_last_chunk", "5\r\nhello\r\n"),
        ("does_not_serve_a_last_chunk_cut_short", "5\r\nhello\r\n0\r\n"),
    ] {
        cases.push(case(name, "RFC 9112 §8", post(body)).half_close().dropped(&[400, 408]));
    }
    cases
}

fn abusive() -> Vec<Case> {
    let extension = format!("5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(64 * 1024));
    let zeros = format!("{}5\r\nhello\r\n0\r\n\r\n", "0".repeat(64 * 1024));
    // 2 MiB of extensions around 2 KiB of data: cheap to send, dear to read.
    let costly = format!("1;{}\r\nx\r\n", "a".repeat(1024)).repeat(2048) + "0\r\n\r\n";
    vec![
        case(
            "limits_an_extension",
            "abuse: 64 KiB of chunk extension",
            post(extension),
        )
        .refused_any(&[400, 413, 431]),
        case(
            "limits_leading_zeros",
            "abuse: 64 KiB of zeros in a chunk size",
            post(zeros),
        )
        .refused_any(&[400, 413, 431]),
        case(
            "limits_all_extensions_of_a_body",
            "abuse: CVE-2023-39326 (chunk extension overhead)",
            post(costly),
        )
        .refused_any(&[400, 413, 431]),
        case(
            "refuses_a_chunk_of_2_to_the_63_bytes",
            "abuse: overflow",
            post("8000000000000000\r\nhello"),
        )
        .marker_unreached()
        .refused_any(&[400, 413]),
        case(
            "refuses_a_chunk_of_the_largest_u64",
            "abuse: overflow",
            post("FFFFFFFFFFFFFFFF\r\nhello"),
        )
        .marker_unreached()
        .refused_any(&[400, 413]),
        case(
            "refuses_sizes_whose_sum_wraps",
            "abuse: overflow",
            post("5\r\nhello\r\nFFFFFFFFFFFFFFFE\r\nhello"),
        )
        .marker_unreached()
        .refused_any(&[400, 413]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunked_bodies_are_read_strictly() {
    let app = TestApp::start().await;
    run_all("chunked", &app, cases()).await;
    app.stop().await;
}
