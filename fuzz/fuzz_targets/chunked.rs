//! A chunked body means the same however it is cut, no more is consumed than is there, there is less data
//! than input, and no trailer comes out that could change what the request is.

#![no_main]

use hyperlane_proto::h1::{CHUNK_END, Chunk, ChunkedDecoder, encode_chunk_head, encode_last_chunk};
use hyperlane_proto::{ChunkLimits, Error};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, PartialEq)]
struct Outcome {
    data: Vec<u8>,
    /// The bytes consumed and whether the body has ended.
    end: Result<(usize, bool), Error>,
    trailers: String,
}

fuzz_target!(|stream: &[u8]| {
    let small = ChunkLimits {
        size_line_bytes: 20,
        extension_bytes_total: 30,
        trailer_bytes: 40,
        trailer_count: 2,
    };
    for limits in [ChunkLimits::default(), small] {
        let whole = decode(stream, limits, stream.len().max(1));
        for step in [1, 2, 7, 1 + stream.len() / 3] {
            assert_eq!(whole, decode(stream, limits, step), "in steps of {step}");
        }
        assert!(whole.data.len() <= stream.len());
    }
    assert_round_trip(stream);
});

fn decode(stream: &[u8], limits: ChunkLimits, step: usize) -> Outcome {
    let mut decoder = ChunkedDecoder::new(limits);
    let (mut at, mut end, mut data) = (0, 0, Vec::new());
    let outcome = loop {
        let input = &stream[at..end];
        let decoded = match decoder.decode(input) {
            Ok(decoded) => decoded,
            Err(error) => break Err(error),
        };
        assert!(decoded.consumed <= input.len());
        at += decoded.consumed;
        match decoded.chunk {
            Chunk::Data(range) => {
                assert!(!range.is_empty() && range.end == decoded.consumed);
                data.extend_from_slice(&input[range]);
            }
            Chunk::NeedMore => {
                assert_eq!(at, end, "everything is consumed");
                if end == stream.len() {
                    break Ok((at, false));
                }
                end = (end + step).min(stream.len());
            }
            Chunk::End => break Ok((at, true)),
        }
    };
    assert_eq!(decoder.is_done(), matches!(outcome, Ok((_, true))));
    let trailers = decoder.take_trailers();
    for (name, _) in trailers.iter().flatten() {
        assert!(!matches!(
            name.as_str(),
            "content-length" | "transfer-encoding" | "host" | "authorization" | "cookie" | "connection"
        ));
    }
    Outcome {
        data,
        end: outcome,
        trailers: format!("{trailers:?}"),
    }
}

fn assert_round_trip(data: &[u8]) {
    let mut stream = Vec::new();
    for part in data.chunks(1 + data.len() / 2) {
        encode_chunk_head(&mut stream, part.len());
        stream.extend_from_slice(part);
        stream.extend_from_slice(CHUNK_END);
    }
    encode_last_chunk(&mut stream, None);
    let outcome = decode(&stream, ChunkLimits::default(), 11);
    assert_eq!(outcome.data, data);
    assert_eq!(outcome.end, Ok((stream.len(), true)));
}
