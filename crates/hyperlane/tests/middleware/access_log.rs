//! `AccessLog`, in memory and over a connection.

use std::io::Write;
use std::sync::{Arc, Mutex};

use hyperlane::middleware::{AccessFormat, AccessLog, RequestIds};
use hyperlane::{App, Body, Context, Server, ServerConfig, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{app, bytes, call, get, request, text, three_pieces};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// The one line that was written since the last call.
    fn one(&self) -> String {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        let line = text.strip_suffix('\n').unwrap_or_else(|| panic!("no line: {text:?}"));
        assert!(!line.contains('\n'), "{text:?}");
        line.to_owned()
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

fn register(server: &Server, lines: &Lines, format: AccessFormat) {
    server
        .middleware(RequestIds::new())
        .middleware(AccessLog::new().writer(lines.clone(), format))
        .get("/item/{id}", async || "four")
        .get("/stream", three_pieces)
        .get("/fails", async |ctx: Context| {
            ctx.set_response_body("begun").send_body().await.unwrap();
            StatusCode::INTERNAL_SERVER_ERROR
        })
        .get("/never", async || std::future::pending::<()>().await);
}

fn logging(format: AccessFormat) -> (App, Lines) {
    let lines = Lines::default();
    (app(|server| register(server, &lines, format)), lines)
}

#[tokio::test]
async fn a_line_in_the_common_format_is_written_at_the_end_of_the_body() {
    let (app, lines) = logging(AccessFormat::Common);
    let response = get(&app, "/item/5?token=secret", &[]).await;
    assert!(lines.is_empty());
    assert_eq!(text(response).await, "four");
    let line = lines.one();
    let (front, back) = line.split_once('[').unwrap();
    let (time, back) = back.split_once("] ").unwrap();
    assert_eq!(front, "0.0.0.0 - - ");
    assert_eq!(back, "\"GET /item/5 HTTP/1.1\" 200 4");
    // 24/Nov/2026:11:45:07 +0000
    assert_eq!(time.len(), 26);
    assert!(
        time.ends_with(" +0000") && time.as_bytes()[2] == b'/' && time.as_bytes()[6] == b'/',
        "{time}"
    );
}

#[tokio::test]
async fn what_a_client_sends_stays_within_its_quotation() {
    let (app, lines) = logging(AccessFormat::Combined);
    let hostile = "x\" 200 1\n127.0.0.1 - - \\";
    let mut request = request("GET", "/item/5", &[("referer", "https://a.example/\"\\")], "");
    request
        .headers_mut()
        .insert("user-agent", hostile.replace('\n', "\t").parse().unwrap());
    drop(text(call(&app, request).await).await);
    let line = lines.one();
    assert!(
        line.ends_with(r#" 200 4 "https://a.example/\"\\" "x\" 200 1\x09127.0.0.1 - - \\""#),
        "{line}"
    );
    drop(text(get(&app, "/item/%22%0a%20x", &[]).await).await);
    assert!(
        lines
            .one()
            .contains("\"GET /item/%22%0a%20x HTTP/1.1\" 200 4 \"-\" \"-\"")
    );
}

#[tokio::test]
async fn json_lines_have_all_fields() {
    let (app, lines) = logging(AccessFormat::Json);
    let headers = [("user-agent", "a \"quoted\" one"), ("x-request-id", "r-7")];
    drop(text(get(&app, "/item/5", &headers).await).await);
    let line: serde_json::Value = serde_json::from_str(&lines.one()).unwrap();
    for (field, value) in [
        ("peer", serde_json::json!("0.0.0.0")),
        ("method", serde_json::json!("GET")),
        ("path", serde_json::json!("/item/5")),
        ("version", serde_json::json!("HTTP/1.1")),
        ("pattern", serde_json::json!("/item/{id}")),
        ("status", serde_json::json!(200)),
        ("bytes", serde_json::json!(4)),
        ("bytes_in", serde_json::json!(0)),
        ("id", serde_json::json!("r-7")),
        ("user_agent", serde_json::json!("a \"quoted\" one")),
        ("referer", serde_json::Value::Null),
        ("aborted", serde_json::json!(false)),
    ] {
        assert_eq!(line[field], value, "{field}");
    }
    assert!(line["ms"].is_number());
    let time = line["time"].as_str().unwrap();
    assert!(
        time.len() == 24 && time.ends_with('Z') && time.as_bytes()[10] == b'T',
        "{time}: RFC 3339 §5.6"
    );
}

#[tokio::test]
async fn the_bytes_of_a_request_are_counted_as_they_are_read() {
    let lines = Lines::default();
    let app = app(|server| {
        server
            .middleware(AccessLog::new().writer(lines.clone(), AccessFormat::Json))
            .post("/all", async |text: String| text)
            .post("/first", async |mut body: Body| {
                drop(body.chunk().await);
            });
    });
    let pieces = || Body::stream(futures::stream::iter(["12345", "678"].map(Ok::<_, std::io::Error>)));
    let bytes_in = async |path: &str, body: Body| {
        drop(bytes(call(&app, request("POST", path, &[], body)).await).await);
        let line: serde_json::Value = serde_json::from_str(&lines.one()).unwrap();
        line["bytes_in"].as_u64().unwrap()
    };
    assert_eq!(bytes_in("/all", Body::from("123")).await, 3, "at hand");
    assert_eq!(bytes_in("/all", pieces()).await, 8);
    assert_eq!(bytes_in("/first", pieces()).await, 5, "the rest was not read");
    assert_eq!(bytes_in("/nowhere", pieces()).await, 0);
}

#[tokio::test]
async fn the_query_is_logged_where_it_is_wanted() {
    let lines = Lines::default();
    let app = app(|server| {
        server
            .middleware(
                AccessLog::new()
                    .writer(lines.clone(), AccessFormat::Common)
                    .with_query(),
            )
            .get("/", async || "");
    });
    drop(get(&app, "/?q=%22", &[]).await);
    assert!(lines.one().ends_with("\"GET /?q=%22 HTTP/1.1\" 200 -"));
}

#[tokio::test]
async fn answers_to_head_count_no_bytes_and_are_not_aborted() {
    let (app, lines) = logging(AccessFormat::Json);
    drop(call(&app, request("HEAD", "/item/5", &[], "")).await);
    let line: serde_json::Value = serde_json::from_str(&lines.one()).unwrap();
    assert_eq!((&line["bytes"], &line["aborted"]), (&0.into(), &false.into()));
}

#[tokio::test]
async fn what_ends_before_its_time_is_aborted() {
    let (app, lines) = logging(AccessFormat::Json);
    let parse = |line: String| serde_json::from_str::<serde_json::Value>(&line).unwrap();

    let mut response = get(&app, "/stream", &[]).await;
    response.body_mut().chunk().await.unwrap().unwrap();
    drop(response);
    let line = parse(lines.one());
    assert_eq!((&line["bytes"], &line["aborted"]), (&4.into(), &true.into()));

    let mut response = get(&app, "/fails", &[]).await;
    assert!(response.body_mut().bytes().await.is_err());
    let line = parse(lines.one());
    assert_eq!((&line["bytes"], &line["aborted"]), (&5.into(), &true.into()));

    let given_up =
        futures::future::select(Box::pin(get(&app, "/never", &[])), Box::pin(tokio::task::yield_now())).await;
    drop(given_up);
    let line = parse(lines.one());
    assert_eq!((&line["status"], &line["aborted"]), (&499.into(), &true.into()));
}

#[tokio::test]
async fn an_answer_keeps_its_length_and_its_trailers() {
    let (app, _) = logging(AccessFormat::Common);
    let response = get(&app, "/item/5", &[]).await;
    assert_eq!(crate::support::length(&response), Some(4));
    assert_eq!(bytes(response).await, b"four");
}

#[tokio::test]
async fn over_a_connection_the_bytes_of_whole_answers_and_of_streams_are_counted() {
    let lines = Lines::default();
    let server = Server::new();
    server.config(ServerConfig::new().host("127.0.0.1").port(0));
    register(&server, &lines, AccessFormat::Json);
    let handle = server.run().await.unwrap();
    for (path, length) in [("/item/5", 4), ("/stream", 13), ("/nowhere", 0)] {
        let mut socket = tokio::net::TcpStream::connect(handle.local_addr()).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        let line: serde_json::Value = serde_json::from_str(&lines.one()).unwrap();
        assert_eq!(line["path"], path);
        assert_eq!(line["peer"], "127.0.0.1");
        assert_eq!(line["aborted"], false, "{line}");
        if length > 0 {
            assert_eq!(line["bytes"], length, "{line}");
        }
    }
    handle.shutdown().await;
}

/// Hands each line to who waits for it.
struct Sender(tokio::sync::mpsc::UnboundedSender<String>);

impl Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.send(String::from_utf8(bytes.to_vec()).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn over_a_connection_a_client_that_leaves_is_logged_when_it_left() {
    let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel();
    let (begun, mut began) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::new();
    server
        .config(ServerConfig::new().host("127.0.0.1").port(0))
        .middleware(AccessLog::new().writer(Sender(sender), AccessFormat::Json))
        .get("/never", move || {
            begun.send(()).unwrap();
            std::future::pending::<()>()
        })
        .get("/endless", async |ctx: Context| {
            while ctx.set_response_body("piece").send_body().await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
    let handle = server.run().await.unwrap();
    for (path, status) in [("/endless", 200), ("/never", 499)] {
        let mut socket = tokio::net::TcpStream::connect(handle.local_addr()).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        match status {
            200 => drop(socket.read_exact(&mut [0; 200]).await.unwrap()),
            _ => began.recv().await.unwrap(),
        }
        // A reset: who only ends his side may still wait for the answer.
        socket.set_zero_linger().unwrap();
        drop(socket);
        let line: serde_json::Value = serde_json::from_str(&lines.recv().await.unwrap()).unwrap();
        assert_eq!((&line["path"], &line["status"]), (&path.into(), &status.into()));
        assert_eq!(line["aborted"], true, "{line}");
    }
    handle.shutdown().await;
}
