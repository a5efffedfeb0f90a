//! However a stream is cut into pieces, it means the same: for streams that are valid, nearly valid and
//! garbage, with limits small enough to be hit.

use http::{HeaderName, HeaderValue};
use hyperlane_proto::h1::{Chunk, ChunkedDecoder, HeadParser, RequestHead};
use hyperlane_proto::{ChunkLimits, Error, HeadLimits};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use proptest::{prop_assert, prop_assert_eq};

#[derive(Debug, PartialEq)]
enum HeadOutcome {
    Complete(String),
    Incomplete,
    Failed(Error),
}

/// Parses with a new call after each of `cuts`, which are taken modulo the length.
fn parse_in_pieces(stream: &[u8], cuts: &[usize], limits: &HeadLimits) -> HeadOutcome {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    ends.push(stream.len());
    ends.sort_unstable();
    let (mut parser, mut head) = (HeadParser::default(), RequestHead::default());
    for end in ends {
        match parser.parse(&stream[..end], limits, &mut head) {
            Ok(true) => return HeadOutcome::Complete(format!("{head:?}")),
            Ok(false) => {}
            Err(error) => {
                assert_eq!(parser.parse(stream, limits, &mut head), Err(error), "errors stay");
                return HeadOutcome::Failed(error);
            }
        }
    }
    HeadOutcome::Incomplete
}

#[derive(Debug, PartialEq)]
struct ChunkedOutcome {
    data: Vec<u8>,
    /// `None` after a failure, where it has no meaning.
    consumed: Option<usize>,
    end: Result<bool, Error>,
    trailers: String,
}

fn decode_in_pieces(stream: &[u8], cuts: &[usize], limits: ChunkLimits) -> ChunkedOutcome {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    ends.push(stream.len());
    ends.sort_unstable();
    let mut decoder = ChunkedDecoder::new(limits);
    let (mut at, mut data) = (0, Vec::new());
    let mut outcome = Ok(false);
    'pieces: for end in ends {
        loop {
            let input = &stream[at..end];
            match decoder.decode(input) {
                Ok(decoded) => {
                    assert!(decoded.consumed <= input.len());
                    at += decoded.consumed;
                    match decoded.chunk {
                        Chunk::Data(range) => {
                            assert!(!range.is_empty() && range.end == decoded.consumed);
                            data.extend_from_slice(&input[range]);
                        }
                        Chunk::NeedMore => {
                            assert_eq!(at, end);
                            break;
                        }
                        Chunk::End => {
                            outcome = Ok(true);
                            break 'pieces;
                        }
                    }
                }
                Err(error) => {
                    assert_eq!(decoder.decode(b"0\r\n\r\n"), Err(error), "errors stay");
                    outcome = Err(error);
                    break 'pieces;
                }
            }
        }
    }
    ChunkedOutcome {
        data,
        consumed: outcome.is_ok().then_some(at),
        end: outcome,
        trailers: format!("{:?}", decoder.take_trailers()),
    }
}

/// Changes of single bytes: position, kind, new byte.
fn mutations() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    let byte = prop_oneof![select(b"\r\n :;\t\0/\"0".to_vec()), any::<u8>()];
    prop_oneof![3 => Just(Vec::new()), 2 => vec((any::<usize>(), 0..3_u8, byte), 1..4)]
}

fn mutated(mut stream: Vec<u8>, mutations: Vec<(usize, u8, u8)>) -> Vec<u8> {
    for (position, kind, byte) in mutations {
        let at = position % (stream.len() + 1);
        match kind {
            0 => stream.insert(at, byte),
            _ if at == stream.len() => {}
            1 => stream[at] = byte,
            _ => {
                stream.remove(at);
            }
        }
    }
    stream
}

fn head_stream() -> impl Strategy<Value = Vec<u8>> {
    let lead = select(vec!["", "", "", "\r\n", "\r\n\r\n"]);
    let method = select(vec!["GET", "POST", "OPTIONS", "CONNECT", "M-X", "HEAD"]);
    let target = select(vec![
        "/",
        "/a?b=c",
        "*",
        "http://h/x?y",
        "https://h",
        "a:443",
        "//",
        "/%zz",
        "http://u@h/",
    ]);
    let version = select(vec![
        "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.9", "HTTP/2.0", "HTTP/1.",
    ]);
    let field = select(vec![
        "A: b",
        "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "Host: b",
        "Content-Length: 5",
        "Content-Length: 0",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: gzip",
        "Connection: close, upgrade",
        "Upgrade: x",
        "Expect: 100-continue",
        "TE: trailers",
        "Empty:",
        "Blank: \t ",
        "Tabs:\ta\tb\t",
        "Obs: \u{e9}",
        "Bad : x",
        " folded",
        ": y",
        "nocolon",
        "Cookie: a=1; b=2; c=3; d=4; e=5; f=6; g=7; h=8; i=9",
    ]);
    (
        lead,
        method,
        target,
        version,
        any::<bool>(),
        vec(field, 0..8),
        any::<[bool; 2]>(),
    )
        .prop_map(|(lead, method, target, version, host, fields, [end, tail])| {
            let host = if host { "Host: a\r\n" } else { "" };
            let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
            let end = if end { "\r\n" } else { "" };
            let tail = if tail { "GET /next" } else { "" };
            format!("{lead}{method} {target} {version}\r\n{host}{fields}{end}{tail}").into_bytes()
        })
}

fn chunked_stream() -> impl Strategy<Value = Vec<u8>> {
    let part = select(vec![
        "1\r\nx\r\n",
        "5\r\nhello\r\n",
        "00A\r\n0123456789\r\n",
        "5;a=b\r\nhello\r\n",
        "1 ;\ta = \"q\\\"\" ; c\r\nx\r\n",
        "3\r\n\r\n\0\r\n",
        "2\r\nabc\r\n",
        "1 \r\nx\r\n",
        "ffffffffffffffff\r\n",
        "10000000000000000\r\n",
        "\r\n",
    ]);
    let end = select(vec![
        "0\r\n\r\n",
        "0\r\nA: b\r\n\r\n",
        "000;x\r\nA:\r\nb: \t c \r\nHost: h\r\n\r\n",
        "0\r\nA: b\r\n c\r\n\r\n",
        "0\r\n",
        "",
        "0\r\nA: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\nGET /next",
    ]);
    (vec(part, 0..6), end).prop_map(|(parts, end)| [parts.concat(), end.to_owned()].concat().into_bytes())
}

fn garbage() -> impl Strategy<Value = Vec<u8>> {
    vec(
        prop_oneof![select(b"\r\n :;/=\"\tGET0123456789abcdefHTTP.".to_vec()), any::<u8>()],
        0..80,
    )
}

fn head_limits() -> impl Strategy<Value = HeadLimits> {
    prop_oneof![
        Just(HeadLimits::default()),
        (0..60_usize, 0..200_usize, 0..6_usize).prop_map(|(request_line_bytes, head_bytes, header_count)| HeadLimits {
            request_line_bytes,
            head_bytes,
            header_count
        }),
    ]
}

fn chunk_limits() -> impl Strategy<Value = ChunkLimits> {
    prop_oneof![
        Just(ChunkLimits::default()),
        (0..24_usize, 0..24_usize, 0..40_usize, 0..3_usize).prop_map(
            |(size_line_bytes, extension_bytes_total, trailer_bytes, trailer_count)| ChunkLimits {
                size_line_bytes,
                extension_bytes_total,
                trailer_bytes,
                trailer_count
            }
        ),
    ]
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    vec(any::<usize>(), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn head_means_the_same_in_any_pieces(
        stream in prop_oneof![4 => head_stream(), 1 => garbage()],
        mutations in mutations(),
        cuts in cuts(),
        limits in head_limits(),
    ) {
        let stream = mutated(stream, mutations);
        let whole = parse_in_pieces(&stream, &[], &limits);
        prop_assert_eq!(&whole, &parse_in_pieces(&stream, &cuts, &limits));
        let every_byte: Vec<usize> = (0..stream.len()).collect();
        prop_assert_eq!(&whole, &parse_in_pieces(&stream, &every_byte, &limits));
    }

    #[test]
    fn chunked_body_means_the_same_in_any_pieces(
        stream in prop_oneof![4 => chunked_stream(), 1 => garbage()],
        mutations in mutations(),
        cuts in cuts(),
        limits in chunk_limits(),
    ) {
        let stream = mutated(stream, mutations);
        let whole = decode_in_pieces(&stream, &[], limits);
        prop_assert_eq!(&whole, &decode_in_pieces(&stream, &cuts, limits));
        let every_byte: Vec<usize> = (0..stream.len()).collect();
        prop_assert_eq!(&whole, &decode_in_pieces(&stream, &every_byte, limits));
    }

    /// What was decided stays decided, whatever comes after it.
    #[test]
    fn head_outcome_does_not_depend_on_later_bytes(
        stream in head_stream(),
        mutations in mutations(),
        later in garbage(),
        limits in head_limits(),
    ) {
        let stream = mutated(stream, mutations);
        let outcome = parse_in_pieces(&stream, &[], &limits);
        if outcome != HeadOutcome::Incomplete {
            prop_assert_eq!(outcome, parse_in_pieces(&[stream, later].concat(), &[], &limits));
        }
    }

    /// `httparse`, which we call for the fields alone, takes every head that we take, from the request line to
    /// the same end, and our spans cover what it sees; the `http` crate's types take the names and values.
    #[test]
    fn httparse_agrees_with_every_accepted_head(stream in head_stream(), mutations in mutations()) {
        let stream = mutated(stream, mutations);
        let mut head = RequestHead::default();
        let accepted = HeadParser::default().parse(&stream, &HeadLimits::default(), &mut head) == Ok(true);
        // It knows no minor version above 1.
        let version = stream.get(head.target.end as usize + 1..).unwrap_or_default();
        let known_version = version.starts_with(b"HTTP/1.0") || version.starts_with(b"HTTP/1.1");
        if accepted && known_version {
            let mut fields = [httparse::EMPTY_HEADER; 64];
            let mut request = httparse::Request::new(&mut fields);
            prop_assert_eq!(request.parse(&stream), Ok(httparse::Status::Complete(head.len)));
            prop_assert_eq!(request.method, Some(head.method.as_str()));
            prop_assert_eq!(request.path.unwrap().as_bytes(), head.target.of(&stream));
            prop_assert_eq!(request.headers.len(), head.headers.len());
            for (theirs, ours) in request.headers.iter().zip(&head.headers) {
                prop_assert!(HeaderName::from_bytes(ours.name.of(&stream)).is_ok());
                prop_assert!(HeaderValue::from_bytes(ours.value.of(&stream)).is_ok());
                prop_assert_eq!(theirs.name.as_bytes(), ours.name.of(&stream));
                prop_assert_eq!(theirs.value, ours.value.of(&stream));
            }
        }
    }

    #[test]
    fn decoding_returns_what_was_encoded(bodies in vec(vec(any::<u8>(), 1..300), 0..6), cuts in cuts()) {
        let mut stream = Vec::new();
        for data in &bodies {
            hyperlane_proto::h1::encode_chunk_head(&mut stream, data.len());
            stream.extend_from_slice(data);
            stream.extend_from_slice(hyperlane_proto::h1::CHUNK_END);
        }
        hyperlane_proto::h1::encode_last_chunk(&mut stream, None);
        let outcome = decode_in_pieces(&stream, &cuts, ChunkLimits::default());
        prop_assert!(outcome.end == Ok(true));
        prop_assert_eq!(outcome.data, bodies.concat());
        prop_assert_eq!(outcome.consumed, Some(stream.len()));
    }
}
