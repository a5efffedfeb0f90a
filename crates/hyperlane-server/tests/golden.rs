//! Golden wire tests: what goes in (`golden/*.request`) and what must come out (`golden/*.response`), byte for byte but
//! for the time of day.
//!
//! A client sends the whole file and half-closes. `UPDATE_GOLDEN=1 cargo test -p hyperlane-server --test golden` writes
//! the responses anew; read the difference before you commit it.

use std::fs;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::Frame;
use hyperlane_core::{Body, Bytes, ConnectionInfo, IntoResponse, Request, Response, Service};
use hyperlane_server::{Config, serve_transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// However the bytes are split over reads, the answer is the same.
const WIDTHS: [usize; 4] = [4096, 64, 7, 1];

struct App;

impl Service for App {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(&self, mut request: Request) -> Self::Future {
        Box::pin(async move {
            let path = request.head().path().to_owned();
            match path.as_str() {
                "/hello" => "hello".into_response(),
                "/echo" => match request.body_mut().bytes().await {
                    Ok(bytes) => {
                        let sum = request
                            .body()
                            .trailers()
                            .and_then(|trailers| trailers.get("x-sum"))
                            .cloned();
                        (HeaderMap::from_iter(sum.map(|sum| (http::header::ETAG, sum))), bytes).into_response()
                    }
                    Err(error) => (error.status(), error.to_string()).into_response(),
                },
                "/unread" => "unread".into_response(),
                "/created" => (StatusCode::CREATED, [("location", "/made/1")], "made").into_response(),
                "/none" => StatusCode::NO_CONTENT.into_response(),
                "/not-modified" => (StatusCode::NOT_MODIFIED, [("etag", "\"1\"")], "ignored").into_response(),
                "/close" => ([("connection", "close")], "last").into_response(),
                "/own-framing" => (
                    [("content-length", "999"), ("transfer-encoding", "chunked")],
                    "framed by the engine",
                )
                    .into_response(),
                "/stream" => {
                    let mut trailers = HeaderMap::new();
                    trailers.insert("x-sum", HeaderValue::from_static("11"));
                    Response::new(Body::wrap(Pieces(vec!["world", "hello "])).with_trailers(trailers))
                }
                "/split" => ([("x-name", "a\r\nset-cookie: b")], "never sent").into_response(),
                "/panic" => panic!("on purpose"),
                path => format!("{} {path} {:?}", request.head().method(), request.head().query()).into_response(),
            }
        })
    }
}

/// Pieces of unknown length in all, the last one first.
struct Pieces(Vec<&'static str>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.pop().map(|piece| Ok(Frame::data(Bytes::from(piece)))))
    }
}

/// What is answered over a pipe that holds `width` bytes, so that no read brings more.
async fn answer(request: Vec<u8>, width: usize) -> String {
    let (client, server) = duplex(width);
    let mut config = Config::default();
    config.body_limit = 1000;
    tokio::spawn(serve_transport(
        server,
        ConnectionInfo::default(),
        Arc::new(App),
        config,
    ));
    let (mut reading, mut writing) = tokio::io::split(client);
    tokio::spawn(async move {
        // A server that has refused stops reading; the rest is not its business.
        let _ = writing.write_all(&request).await;
        let _ = writing.shutdown().await;
    });
    let mut received = String::new();
    reading
        .read_to_string(&mut received)
        .await
        .expect("responses are text here");
    let lines = received
        .split_inclusive("\r\n")
        .map(|line| match line.starts_with("date: ") {
            true => "date: (now)\r\n",
            false => line,
        });
    lines.collect()
}

#[tokio::test(start_paused = true)]
async fn every_request_is_answered_as_its_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut requests: Vec<_> = fs::read_dir(&folder)
        .expect("is there")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    requests.retain(|path| path.extension().is_some_and(|extension| extension == "request"));
    requests.sort();
    let mut wrong = Vec::new();
    for path in &requests {
        let request = fs::read(path).expect("readable");
        let response = path.with_extension("response");
        if update {
            fs::write(&response, answer(request.clone(), WIDTHS[0]).await).expect("writable");
        }
        let expected = fs::read_to_string(&response).unwrap_or_default();
        for width in WIDTHS {
            // Who waits for the word to continue gets it, who has sent the body with the head does not.
            if width != WIDTHS[0] && path.ends_with("expect-read.request") {
                continue;
            }
            let answer = answer(request.clone(), width).await;
            if answer != expected {
                let name = path.display();
                wrong.push(format!(
                    "{name}, {width} bytes a read\n  expected {expected:?}\n  received {answer:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(requests.len() >= 30, "only {} pairs were found", requests.len());
}
