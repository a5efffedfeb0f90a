use hyperlane_proto::h1::{Chunk, ChunkedDecoder, Decoded};
use hyperlane_proto::{ChunkLimits, Error, ErrorKind};

/// Data, number of bytes consumed, and the decoder for its trailers.
fn decode_with(input: &[u8], limits: ChunkLimits) -> Result<(Vec<u8>, usize, ChunkedDecoder), Error> {
    let mut decoder = ChunkedDecoder::new(limits);
    let (mut at, mut data) = (0, Vec::new());
    loop {
        let decoded = decoder.decode(&input[at..])?;
        if let Chunk::Data(range) = &decoded.chunk {
            data.extend_from_slice(&input[at..][range.clone()]);
        }
        at += decoded.consumed;
        if matches!(decoded.chunk, Chunk::NeedMore | Chunk::End) {
            return Ok((data, at, decoder));
        }
    }
}

fn decode(input: &[u8]) -> Result<(Vec<u8>, usize, ChunkedDecoder), Error> {
    decode_with(input, ChunkLimits::default())
}

/// The kind of the error, and that the bytes before the last one are no error yet.
#[track_caller]
fn fault_at_last_byte(input: &[u8]) -> ErrorKind {
    let before = &input[..input.len() - 1];
    assert!(decode(before).is_ok(), "{}", before.escape_ascii());
    decode(input).unwrap_err().kind()
}

#[test]
fn yields_data_by_range_and_nothing_after_the_end() {
    let input = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nnext";
    let mut decoder = ChunkedDecoder::new(ChunkLimits::default());
    assert_eq!(
        decoder.decode(input),
        Ok(Decoded {
            consumed: 6,
            chunk: Chunk::Data(3..6)
        })
    );
    assert_eq!(
        decoder.decode(&input[6..]),
        Ok(Decoded {
            consumed: 7,
            chunk: Chunk::Data(5..7)
        })
    );
    assert!(!decoder.is_done());
    assert_eq!(
        decoder.decode(&input[13..]),
        Ok(Decoded {
            consumed: 7,
            chunk: Chunk::End
        })
    );
    assert!(decoder.is_done());
    assert_eq!(
        decoder.decode(&input[20..]),
        Ok(Decoded {
            consumed: 0,
            chunk: Chunk::End
        })
    );
    assert_eq!(decoder.take_trailers(), None);
}

#[test]
fn yields_data_before_the_chunk_is_whole() {
    let mut decoder = ChunkedDecoder::new(ChunkLimits::default());
    assert_eq!(
        decoder.decode(b"ffffffffffffffff\r\nab"),
        Ok(Decoded {
            consumed: 20,
            chunk: Chunk::Data(18..20)
        })
    );
    assert_eq!(
        decoder.decode(b""),
        Ok(Decoded {
            consumed: 0,
            chunk: Chunk::NeedMore
        })
    );
    assert_eq!(
        decoder.decode(b"c"),
        Ok(Decoded {
            consumed: 1,
            chunk: Chunk::Data(0..1)
        })
    );
}

#[test]
fn reads_sizes_of_1_to_16_hex_digits_in_any_case_rfc9112_7_1() {
    for size in ["a", "A", "0a", "000000000000000A"] {
        let input = format!("{size}\r\n0123456789\r\n0000\r\n\r\n");
        let (data, consumed, decoder) = decode(input.as_bytes()).unwrap();
        assert_eq!(
            (&data[..], consumed, decoder.is_done()),
            (&b"0123456789"[..], input.len(), true)
        );
    }
    for input in [
        &b"\r"[..],
        b" ",
        b"\t",
        b";",
        b"+",
        b"-",
        b"g",
        b"0x",
        b"5_",
        b"00000000000000000",
        b"5,",
        b"\xef",
    ] {
        assert_eq!(
            fault_at_last_byte(input),
            ErrorKind::InvalidChunkSize,
            "{}",
            input.escape_ascii()
        );
    }
}

#[test]
fn space_after_a_size_is_only_for_an_extension_rfc9112_7_1_1() {
    assert!(decode(b"1 \t;a\r\nx\r\n").is_ok());
    for input in [&b"1 \r"[..], b"1 5", b"1\t\r", b"1 a"] {
        assert_eq!(fault_at_last_byte(input), ErrorKind::InvalidChunkExtension);
    }
}

#[test]
fn parses_over_extensions_rfc9112_7_1_1() {
    for extension in [
        ";a",
        ";a=b",
        ";a=\"\"",
        ";a=\"b;c\\\"\\\\ \t\u{e9}\"",
        " ; a = b ; c",
        ";a;b;c=\"x\" ;d",
        ";a \t= \t\"x\"",
    ] {
        let input = format!("1{extension}\r\nx\r\n0{extension}\r\n\r\n");
        let (data, consumed, _) = decode(input.as_bytes()).unwrap();
        assert_eq!((&data[..], consumed), (&b"x"[..], input.len()), "{extension:?}");
    }
    for extension in [
        ";\r",
        ";;",
        ";=",
        ";a=\r",
        ";a=;",
        ";a=b=",
        ";a=\"\r",
        ";a=\"\0",
        ";a=\"\\\r",
        ";a=\"b\"c",
        ";a \r",
        ";a b",
        ";a=b \r",
        ";a=b c",
        ";a=b\"",
        ";(",
        ";a=\"b\"\t\r",
    ] {
        let input = format!("1{extension}");
        assert_eq!(
            fault_at_last_byte(input.as_bytes()),
            ErrorKind::InvalidChunkExtension,
            "{extension:?}"
        );
    }
}

#[test]
fn requires_crlf_after_size_and_data_rfc9112_7_1() {
    for (input, kind) in [
        (&b"1\n"[..], ErrorKind::BareLineFeed),
        (b"1;a\n", ErrorKind::BareLineFeed),
        (b"1;a=\"\n", ErrorKind::BareLineFeed),
        (b"1\rx", ErrorKind::BareCarriageReturn),
        (b"1\r\r", ErrorKind::BareCarriageReturn),
        (b"1\r\nxy", ErrorKind::MissingChunkEnd),
        (b"1\r\nx\n", ErrorKind::BareLineFeed),
        (b"1\r\nx\ry", ErrorKind::MissingChunkEnd),
        (b"0\r\n\n", ErrorKind::BareLineFeed),
        (b"0\r\n\rx", ErrorKind::BareCarriageReturn),
    ] {
        assert_eq!(fault_at_last_byte(input), kind, "{}", input.escape_ascii());
    }
}

#[test]
fn errors_stay() {
    let mut decoder = ChunkedDecoder::new(ChunkLimits::default());
    let error = decoder.decode(b"x").unwrap_err();
    assert_eq!(decoder.decode(b"0\r\n\r\n"), Err(error));
    assert!(!decoder.is_done());
}

#[test]
fn bounds_each_size_line() {
    let limits = ChunkLimits {
        size_line_bytes: 8,
        ..ChunkLimits::default()
    };
    assert!(decode_with(b"1;aaaaaa\r\nx\r\n1;bbbbbb\r\ny\r\n", limits).is_ok());
    let error = decode_with(b"1;aaaaaaa", limits).unwrap_err();
    assert_eq!(
        (error.kind(), error.status().as_u16()),
        (ErrorKind::ChunkSizeLineTooLong, 400)
    );
    assert_eq!(
        error.to_string(),
        "chunk size line exceeds 8 bytes, send shorter extensions"
    );
}

#[test]
fn bounds_extensions_of_the_whole_body_rfc9112_7_1_1() {
    let limits = ChunkLimits {
        extension_bytes_total: 9,
        ..ChunkLimits::default()
    };
    assert!(decode_with(b"1;aa\r\nx\r\n1;bb\r\ny\r\n1 ;c\r\nz\r\n1", limits).is_ok());
    let error = decode_with(b"1;aa\r\nx\r\n1;bb\r\ny\r\n1 ;cd", limits).unwrap_err();
    assert_eq!(
        (error.kind(), error.status().as_u16()),
        (ErrorKind::ChunkExtensionsTooLarge, 400)
    );
}

#[test]
fn trailers_come_once_after_the_end() {
    let input = b"0\r\nA:  b c\t\r\nx-D:\r\nA: \xff\r\n\r\nnext";
    let (_, consumed, mut decoder) = decode(input).unwrap();
    assert_eq!(consumed, input.len() - 4);
    let trailers = decoder.take_trailers().unwrap();
    let values: Vec<_> = trailers.get_all("a").iter().map(|value| value.as_bytes()).collect();
    assert_eq!(values, [&b"b c"[..], b"\xff"]);
    assert_eq!(trailers["x-d"], "");
    assert_eq!(decoder.take_trailers(), None);

    let (_, _, mut unfinished) = decode(b"0\r\nA: b\r\n").unwrap();
    assert_eq!(unfinished.take_trailers(), None);
}

#[test]
fn trailers_are_as_strict_as_headers_rfc9112_7_1_2() {
    for (line, kind) in [
        (&b" "[..], ErrorKind::ObsoleteLineFolding),
        (b"A: b\r\n\tc", ErrorKind::ObsoleteLineFolding),
        (b": b", ErrorKind::EmptyHeaderName),
        (b"A : b", ErrorKind::WhitespaceInHeaderName),
        (b"A", ErrorKind::MissingColon),
        (b"A\0: b", ErrorKind::InvalidHeaderName),
        (b"A: b\0", ErrorKind::InvalidHeaderValue),
        // Also where the field would be dropped.
        (b"Host: b\0", ErrorKind::InvalidHeaderValue),
    ] {
        let input = [b"0\r\n", line, b"\r\n\r\n"].concat();
        assert_eq!(fault_at_last_byte(&input), kind, "{}", line.escape_ascii());
    }
}

#[test]
fn rejects_bare_cr_and_lf_in_trailers_at_once_rfc9112_2_2() {
    for (input, kind) in [
        (&b"0\r\nA\n"[..], ErrorKind::BareLineFeed),
        (b"0\r\nA: b\n", ErrorKind::BareLineFeed),
        (b"0\r\nA: b\r\n\n", ErrorKind::BareLineFeed),
        (b"0\r\nA\rc", ErrorKind::BareCarriageReturn),
        (b"0\r\nA: b\rc", ErrorKind::BareCarriageReturn),
        (b"0\r\nA: b\r\r", ErrorKind::BareCarriageReturn),
        (b"0\r\nA: b\r\n\rc", ErrorKind::BareCarriageReturn),
    ] {
        assert_eq!(fault_at_last_byte(input), kind, "{}", input.escape_ascii());
    }
}

#[test]
fn drops_trailers_that_would_change_framing_or_routing_rfc9110_6_5_1() {
    let input =
        b"0\r\nTransfer-Encoding: chunked\r\nCONTENT-LENGTH: 9\r\nHost: b\r\nCookie: c\r\nAuthorization: d\r\n\r\n";
    let (_, consumed, mut decoder) = decode(input).unwrap();
    assert_eq!(consumed, input.len());
    assert_eq!(decoder.take_trailers(), None);
}

#[test]
fn bounds_the_trailer_section_in_bytes_and_fields() {
    let limits = ChunkLimits {
        trailer_bytes: 12,
        trailer_count: 2,
        ..ChunkLimits::default()
    };
    assert!(decode_with(b"0\r\nA: b\r\nC: d\r\n\r\n", limits).unwrap().2.is_done());
    let error = decode_with(b"0\r\nA: b\r\nC: de\r\n", limits).unwrap_err();
    assert_eq!(
        (error.kind(), error.status().as_u16()),
        (ErrorKind::TrailersTooLarge, 431)
    );
    let error = decode_with(b"0\r\nA:\r\nC:\r\nD", limits).unwrap_err();
    assert_eq!(
        (error.kind(), error.status().as_u16()),
        (ErrorKind::TooManyTrailers, 431)
    );

    let none = ChunkLimits {
        trailer_bytes: 0,
        trailer_count: 0,
        ..ChunkLimits::default()
    };
    assert!(decode_with(b"0\r\n\r\n", none).unwrap().2.is_done());
}
