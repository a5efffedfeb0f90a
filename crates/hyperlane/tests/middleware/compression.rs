//! `Compression`.

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use hyperlane::middleware::{Compression, ETags};
use hyperlane::{Body, Context, Response, Server, ServerConfig, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use crate::support::{app, bytes, call, get, header, length, request, text};

const TEXT: &str = "the same words again and again, ";

fn long() -> String {
    TEXT.repeat(200)
}

fn compressing(compression: Compression) -> hyperlane::App {
    app(|server| {
        server
            .middleware(compression)
            .get("/", async || long())
            .get("/tagged", async || {
                ([("etag", "\"v1\""), ("accept-ranges", "bytes")], long())
            })
            .get("/small", async || "small")
            .get("/image", async || ([("content-type", "image/png")], long()))
            .get("/untyped", async || Response::new(long()))
            .get("/done", async || {
                ([("content-encoding", "gzip"), ("etag", "\"v1\"")], long())
            })
            .get("/fixed", async || ([("cache-control", "public, no-transform")], long()))
            .get("/part", async || {
                (StatusCode::PARTIAL_CONTENT, [("content-range", "bytes 0-9/10")], long())
            })
            .get("/error", async || (StatusCode::BAD_REQUEST, long()))
            .get("/none", async || StatusCode::NO_CONTENT)
            .get("/vary", async || ([("vary", "Accept-Encoding")], long()))
            .get("/stream", async |ctx: Context| {
                ctx.set_response_header("content-type", "text/plain");
                for piece in ["one ", "two ", "three"] {
                    ctx.set_response_body(piece).send_body().await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
            .get("/events", async |ctx: Context| {
                ctx.set_response_header("content-type", "text/event-stream");
                ctx.set_response_body("data: first\n\n").send_body().await.unwrap();
                std::future::pending::<()>().await;
            });
    })
}

async fn decode(coding: &str, body: &[u8]) -> String {
    let mut decoder: Box<dyn AsyncRead + Unpin> = match coding {
        "gzip" => Box::new(GzipDecoder::new(body)),
        "br" => Box::new(BrotliDecoder::new(body)),
        "zstd" => Box::new(ZstdDecoder::new(body)),
        _ => Box::new(body),
    };
    let mut text = String::new();
    decoder.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn compresses_with_what_the_client_accepts_and_says_so() {
    let app = compressing(Compression::new());
    for (accept, coding) in [
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip;q=0.5, br;q=0.9", "br"),
        ("zstd;q=0, gzip", "gzip"),
        ("GZIP", "gzip"),
    ] {
        let response = get(&app, "/", &[("accept-encoding", accept)]).await;
        assert_eq!(
            header(&response, "content-encoding"),
            coding,
            "{accept}: RFC 9110 §12.5.3"
        );
        assert_eq!(header(&response, "vary"), "accept-encoding");
        assert_eq!(length(&response), None);
        let body = bytes(response).await;
        assert!(body.len() < 400, "{} bytes", body.len());
        assert_eq!(decode(coding, &body).await, long());
    }
}

#[tokio::test]
async fn what_the_client_does_not_accept_is_left_as_it_is_with_its_length() {
    let app = compressing(Compression::new());
    for headers in [
        &[][..],
        &[("accept-encoding", "identity")],
        &[("accept-encoding", "identity;q=0")],
        &[("accept-encoding", "*;q=0")],
        &[("accept-encoding", "gzip;q=nonsense")],
        &[("accept-encoding", ",,;q=")],
        &[("accept-encoding", "deflate")],
    ] {
        let response = get(&app, "/", headers).await;
        assert_eq!(header(&response, "content-encoding"), "", "{headers:?}");
        assert_eq!(header(&response, "vary"), "accept-encoding", "a cache has to know");
        assert_eq!(length(&response), Some(long().len() as u64));
        assert_eq!(text(response).await, long());
    }
    let picky = compressing(Compression::new().br(false).zstd(false));
    let response = get(&picky, "/", &[("accept-encoding", "br, zstd, gzip")]).await;
    assert_eq!(header(&response, "content-encoding"), "gzip");
}

#[tokio::test]
async fn what_does_not_shrink_or_must_not_change_is_left_as_it_is() {
    let app = compressing(Compression::new());
    for path in ["/small", "/image", "/untyped", "/fixed", "/part", "/none", "/events"] {
        let response = get(&app, path, &[("accept-encoding", "gzip")]).await;
        assert_eq!(header(&response, "content-encoding"), "", "{path}");
        assert_eq!(header(&response, "vary"), "", "{path}");
    }
    let done = get(&app, "/done", &[("accept-encoding", "gzip")]).await;
    assert_eq!(
        (header(&done, "content-encoding"), header(&done, "etag")),
        ("gzip", "\"v1\"")
    );
    assert_eq!(text(done).await, long());
}

#[tokio::test]
async fn head_has_the_same_vary_and_no_length_that_would_be_wrong() {
    let app = compressing(Compression::new());
    let response = call(&app, request("HEAD", "/", &[("accept-encoding", "gzip")], "")).await;
    assert_eq!(header(&response, "content-encoding"), "");
    assert_eq!(header(&response, "vary"), "accept-encoding");
    assert_eq!(length(&response), None, "RFC 9110 §8.6");
    assert!(bytes(response).await.is_empty());
}

#[tokio::test]
async fn validators_become_weak_and_vary_is_not_doubled() {
    let app = compressing(Compression::new());
    let response = get(&app, "/tagged", &[("accept-encoding", "gzip")]).await;
    assert_eq!(header(&response, "etag"), "W/\"v1\"", "RFC 9110 §8.8.3.3");
    assert_eq!(header(&response, "accept-ranges"), "");
    let plain = get(&app, "/tagged", &[]).await;
    assert_eq!(
        (header(&plain, "etag"), header(&plain, "accept-ranges")),
        ("\"v1\"", "bytes")
    );
    let vary = get(&app, "/vary", &[("accept-encoding", "gzip")]).await;
    assert_eq!(vary.headers().get_all("vary").iter().count(), 1);
    let error = get(&app, "/error", &[("accept-encoding", "gzip")]).await;
    assert_eq!(
        (error.status().as_u16(), header(&error, "content-encoding")),
        (400, "gzip")
    );
}

#[tokio::test]
async fn a_stream_is_compressed_as_it_comes() {
    let app = compressing(Compression::new());
    for coding in ["gzip", "br", "zstd"] {
        let response = get(&app, "/stream", &[("accept-encoding", coding)]).await;
        assert_eq!(header(&response, "content-encoding"), coding);
        assert_eq!(decode(coding, &bytes(response).await).await, "one two three");
    }
}

#[tokio::test]
async fn an_event_is_sent_before_the_next_one_is_there() {
    let app = compressing(Compression::new().event_streams(true));
    for coding in ["gzip", "br", "zstd"] {
        let mut response = get(&app, "/events", &[("accept-encoding", coding)]).await;
        assert_eq!(header(&response, "content-encoding"), coding);
        let mut received = Vec::new();
        // The handler waits for ever: what comes is what was flushed.
        while let std::task::Poll::Ready(Some(chunk)) = futures::poll!(std::pin::pin!(response.body_mut().chunk())) {
            received.extend_from_slice(&chunk.unwrap());
        }
        let mut plain = vec![0; 13];
        let mut decoder: Box<dyn AsyncRead + Unpin> = match coding {
            "gzip" => Box::new(GzipDecoder::new(&received[..])),
            "br" => Box::new(BrotliDecoder::new(&received[..])),
            _ => Box::new(ZstdDecoder::new(&received[..])),
        };
        decoder.read_exact(&mut plain).await.unwrap();
        assert_eq!(plain, b"data: first\n\n", "{coding}");
    }
}

#[tokio::test]
async fn trailers_and_extensions_go_with_the_compressed_answer() {
    let app = app(|server| {
        server.middleware(Compression::new()).get("/", async || {
            let mut trailers = hyperlane::HeaderMap::new();
            trailers.insert("x-sum", "1".parse().unwrap());
            let body = Body::from(long()).with_trailers(trailers);
            let mut response = Response::new(body).with_header("content-type", "text/plain");
            response.extensions_mut().insert(7_u8);
            response
        });
    });
    let mut response = get(&app, "/", &[("accept-encoding", "gzip")]).await;
    assert_eq!(response.extensions().and_then(|it| it.get::<u8>()), Some(&7));
    let body = response.body_mut().bytes().await.unwrap();
    assert_eq!(decode("gzip", &body).await, long());
    assert_eq!(response.body().trailers().unwrap()["x-sum"], "1", "RFC 9110 §6.5");
}

#[tokio::test]
async fn over_a_connection_head_and_get_follow_each_other() {
    let server = Server::new();
    server
        .config(ServerConfig::new().host("127.0.0.1").port(0))
        .middleware(Compression::new())
        .get("/", async || long());
    let handle = server.run().await.unwrap();
    let mut socket = tokio::net::TcpStream::connect(handle.local_addr()).await.unwrap();
    let ask =
        |method: &str, more: &str| format!("{method} / HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n{more}\r\n");
    let requests = [ask("HEAD", ""), ask("GET", "connection: close\r\n")].concat();
    socket.write_all(requests.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let (head, get) = text.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("http/1.1 200") && !head.contains("content-length"),
        "{head}"
    );
    assert!(get.starts_with("http/1.1 200"), "nothing stands between them: {get}");
    let (get, _) = get.split_once("\r\n\r\n").unwrap();
    assert!(
        get.contains("content-encoding: gzip") && get.contains("transfer-encoding: chunked"),
        "{get}"
    );
    handle.shutdown().await;
}

/// RFC 9110 §15.4.5: what varies, and by which tag, is told as with the answer that it stands for.
#[tokio::test]
async fn not_modified_says_what_the_answer_would_have_said() {
    let app = app(|server| {
        server
            .middleware(Compression::new())
            .middleware(ETags::new())
            .get("/", async || ([("etag", "\"one\"")], long()));
    });
    let coded = [("accept-encoding", "gzip")];
    let response = get(&app, "/", &coded).await;
    assert_eq!(
        (header(&response, "etag"), header(&response, "vary")),
        ("W/\"one\"", "accept-encoding")
    );
    let known = get(&app, "/", &[coded[0], ("if-none-match", "W/\"one\"")]).await;
    assert_eq!(known.status(), 304);
    assert_eq!(
        (header(&known, "etag"), header(&known, "vary")),
        ("W/\"one\"", "accept-encoding")
    );
    let plain = get(&app, "/", &[("if-none-match", "\"one\"")]).await;
    assert_eq!(
        (header(&plain, "etag"), header(&plain, "vary")),
        ("\"one\"", "accept-encoding")
    );
}
