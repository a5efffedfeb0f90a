//! `Decompression`.

use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use futures::stream;
use hyperlane::middleware::Decompression;
use hyperlane::{Body, BodyError, BodyErrorKind, Bytes, Context, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::support::{app, header, post, text};

async fn encode(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut encoder: Box<dyn AsyncRead + Unpin> = match coding {
        "gzip" => Box::new(GzipEncoder::new(body)),
        "br" => Box::new(BrotliEncoder::new(body)),
        _ => Box::new(ZstdEncoder::new(body)),
    };
    let mut encoded = Vec::new();
    encoder.read_to_end(&mut encoded).await.unwrap();
    encoded
}

fn echoing(decompression: Decompression) -> hyperlane::App {
    app(|server| {
        server
            .middleware(decompression)
            .post("/", async |ctx: Context, body: Bytes| {
                for name in ["content-encoding", "content-length"] {
                    assert!(ctx.header(name).is_none_or(|_| body == "plain"), "{name}");
                }
                body
            })
            .post("/deaf", async || StatusCode::NO_CONTENT);
    })
}

#[tokio::test]
async fn a_body_of_several_members_or_frames_is_read_to_its_end() {
    let app = echoing(Decompression::new());
    for coding in ["gzip", "zstd"] {
        let body = [encode(coding, b"first ").await, encode(coding, b"second").await].concat();
        let response = post(&app, "/", &[("content-encoding", coding)], body).await;
        assert_eq!(
            text(response).await,
            "first second",
            "{coding}: RFC 1952 §2.2, RFC 8878 §3"
        );
    }
    let garbage = [encode("gzip", b"first").await, b"garbage".to_vec()].concat();
    let response = post(&app, "/", &[("content-encoding", "gzip")], garbage).await;
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn the_handler_reads_what_was_compressed() {
    let app = echoing(Decompression::new());
    for (name, coding) in [
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
    ] {
        let body = encode(coding, b"hello hello hello").await;
        let pieces: Vec<_> = body
            .chunks(3)
            .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
            .collect();
        for body in [Body::from(body), Body::stream(stream::iter(pieces))] {
            let response = post(&app, "/", &[("content-encoding", name)], body).await;
            assert_eq!(text(response).await, "hello hello hello", "{name}: RFC 9110 §8.4");
        }
    }
    let nothing = post(&app, "/", &[("content-encoding", "gzip")], "").await;
    assert_eq!((nothing.status().as_u16(), text(nothing).await.as_str()), (200, ""));
    for headers in [&[][..], &[("content-encoding", "identity")]] {
        assert_eq!(text(post(&app, "/", headers, "plain").await).await, "plain");
    }
}

#[tokio::test]
async fn a_coding_that_is_not_known_is_415_with_those_that_are() {
    let app = echoing(Decompression::new());
    for headers in [
        &[("content-encoding", "deflate")][..],
        &[("content-encoding", "gzip, br")],
        &[("content-encoding", "gzip"), ("content-encoding", "br")],
        &[("content-encoding", "gzip"), ("content-encoding", "gzip")],
        &[("content-encoding", "\"><script>")],
    ] {
        let response = post(&app, "/", headers, "x").await;
        assert_eq!(response.status(), 415, "{headers:?}: RFC 9110 §15.5.16");
        assert_eq!(
            header(&response, "accept-encoding"),
            "zstd, br, gzip",
            "RFC 9110 §12.5.3"
        );
    }
}

#[tokio::test]
async fn a_bomb_is_413_at_the_limit() {
    let app = echoing(Decompression::new().limit(1024 * 1024));
    let bomb = vec![0; 8 * 1024 * 1024];
    for coding in ["gzip", "br", "zstd"] {
        let body = encode(coding, &bomb).await;
        assert!(body.len() < 100 * 1024);
        let response = post(&app, "/", &[("content-encoding", coding)], body.clone()).await;
        assert_eq!(response.status(), 413, "{coding}: RFC 9110 §15.5.14");
        assert!(text(response).await.contains("1048576 bytes"));
        let deaf = post(&app, "/deaf", &[("content-encoding", coding)], body).await;
        assert_eq!(deaf.status(), 204, "nothing is decompressed that nobody reads");
    }
}

#[tokio::test]
async fn a_frame_that_wants_a_window_of_128_mib_is_refused() {
    // A head without a single segment, a window descriptor of exponent 17 (2^27 bytes), and a raw block of 1 byte, the
    // last (RFC 8878 §3.1.1.1.2).
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x09, 0x00, 0x00, b'x'];
    let app = echoing(Decompression::new());
    let response = post(&app, "/", &[("content-encoding", "zstd")], frame.to_vec()).await;
    assert_eq!(response.status(), 400, "RFC 9659 §3");
    let mut modest = frame;
    modest[5] = 13 << 3;
    let response = post(&app, "/", &[("content-encoding", "zstd")], modest.to_vec()).await;
    assert_eq!(text(response).await, "x", "8 MiB is fine");
}

#[tokio::test]
async fn what_is_malformed_or_cut_short_is_400() {
    let app = echoing(Decompression::new());
    for coding in ["gzip", "br", "zstd"] {
        let whole = encode(coding, &b"hello hello hello ".repeat(50)).await;
        for body in [b"nonsense, not compressed".to_vec(), whole[..whole.len() - 3].to_vec()] {
            let response = post(&app, "/", &[("content-encoding", coding)], body).await;
            assert_eq!(response.status(), 400, "{coding}");
        }
    }
}

#[tokio::test]
async fn an_error_of_the_line_stays_what_it_was() {
    let app = echoing(Decompression::new());
    let (sender, body) = Body::channel(None);
    let cx = std::task::Context::from_waker(std::task::Waker::noop());
    sender.fail(BodyError::new(BodyErrorKind::Timeout), &cx);
    let response = post(&app, "/", &[("content-encoding", "gzip")], body).await;
    assert_eq!(response.status(), 408);
}
