//! The framework over HTTP/2: handlers see and say the same as over HTTP/1.1.

#[cfg(feature = "websocket")]
mod websockets;

use std::net::SocketAddr;
use std::time::Duration;

use h2::client::SendRequest;
use http::{Method, Request};
use hyperlane::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// A server with these routes, on a port of its own.
async fn start(register: impl FnOnce(&Server)) -> (ServerHandle, SocketAddr) {
    let server = Server::new();
    let config = ServerConfig::new();
    config.port(0).shutdown_deadline(Duration::from_millis(200));
    server.config(config);
    register(&server);
    let handle = server.run().await.expect("a server");
    let address = format!("{}", handle.local_addr()).parse().expect("an address");
    (handle, address)
}

async fn connect(address: SocketAddr) -> SendRequest<Bytes> {
    let io = TcpStream::connect(address).await.expect("a connection");
    let (requests, connection) = h2::client::handshake(io).await.expect("a handshake");
    tokio::spawn(connection);
    requests
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    hints: Vec<String>,
}

async fn send(
    requests: &SendRequest<Bytes>,
    method: Method,
    path: &str,
    fields: &[(&str, &str)],
    body: &'static str,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://example.org{path}"));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(()).expect("a valid request");
    let mut requests = requests.clone().ready().await.expect("an open connection");
    let (mut response, mut stream) = requests.send_request(request, body.is_empty()).expect("a stream");
    if !body.is_empty() {
        stream.send_data(Bytes::from(body), true).expect("an open stream");
    }
    let mut hints = Vec::new();
    let informational = std::future::poll_fn(|cx| {
        while let std::task::Poll::Ready(Some(Ok(interim))) = response.poll_informational(cx) {
            let links = interim.headers().get_all("link").iter();
            hints.extend(links.map(|link| link.to_str().expect("text").to_owned()));
        }
        std::pin::Pin::new(&mut response).poll(cx)
    });
    let response = timeout(PATIENCE, informational)
        .await
        .expect("in time")
        .expect("a response");
    let (parts, mut stream) = response.into_parts();
    let mut body = Vec::new();
    while let Some(piece) = stream.data().await {
        let piece = piece.expect("a whole body");
        let _ = stream.flow_control().release_capacity(piece.len());
        body.extend_from_slice(&piece);
    }
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body).expect("text"),
        hints,
    }
}

async fn get(requests: &SendRequest<Bytes>, path: &str) -> Answer {
    send(requests, Method::GET, path, &[], "").await
}

#[tokio::test]
async fn handlers_see_the_same_as_over_http_1() {
    async fn show(ctx: Context, OriginalUri(uri): OriginalUri, path: MatchedPath, Path(id): Path<u32>) -> String {
        format!(
            "{} {} {id} {uri} {} {:?} {:?} {:?}",
            ctx.method(),
            &*path,
            ctx.path(),
            ctx.query("q"),
            ctx.header("host"),
            ctx.header("x-one"),
        )
    }
    let (server, address) = start(|server| {
        server.get("/users/{id}", show);
        server.get("/version", async |ctx: Context| ctx.version().to_string());
    })
    .await;
    let requests = connect(address).await;
    let answer = send(&requests, Method::GET, "/users/7?q=x%20y", &[("x-one", "1")], "").await;
    let expected = "GET /users/{id} 7 /users/7?q=x%20y /users/7 Some(\"x y\") Some(\"example.org\") Some(\"1\")";
    assert_eq!(answer.body, expected);
    let mut io = TcpStream::connect(address).await.expect("a connection");
    io.write_all(b"GET /users/7?q=x%20y HTTP/1.1\r\nhost: example.org\r\nx-one: 1\r\nconnection: close\r\n\r\n")
        .await
        .expect("an open connection");
    let mut over_http_1 = String::new();
    io.read_to_string(&mut over_http_1).await.expect("text");
    assert!(over_http_1.ends_with(expected), "{over_http_1}");
    assert_eq!(get(&requests, "/version").await.body, "HTTP/2.0");
    server.shutdown().await;
}

#[tokio::test]
async fn bodies_streams_and_problems_are_the_same() {
    let (server, address) = start(|server| {
        server.post("/echo", async |body: Bytes| body);
        server.post("/json", async |Json(numbers): Json<Vec<u32>>| {
            numbers.iter().sum::<u32>().to_string()
        });
        server.get("/count", async |ctx: Context| {
            for n in 0..3 {
                ctx.send_piece(format!("{n} ")).await.expect("a client");
            }
        });
        server.get("/panic", async || -> String { panic!("on purpose") });
    })
    .await;
    let requests = connect(address).await;
    assert_eq!(
        send(&requests, Method::POST, "/echo", &[], "a body").await.body,
        "a body"
    );
    let json = [("content-type", "application/json")];
    assert_eq!(send(&requests, Method::POST, "/json", &json, "[1,2,3]").await.body, "6");
    assert_eq!(
        send(&requests, Method::POST, "/json", &json, "[1,").await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(get(&requests, "/count").await.body, "0 1 2 ");
    let answer = get(&requests, "/nowhere").await;
    assert_eq!(
        (answer.status, &answer.headers["content-type"]),
        (
            StatusCode::NOT_FOUND,
            &HeaderValue::from_static("application/problem+json")
        )
    );
    assert_eq!(
        send(&requests, Method::PUT, "/echo", &[], "").await.headers["allow"],
        "OPTIONS, POST"
    );
    let answer = get(&requests, "/panic").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        !answer.headers.contains_key("connection"),
        "which has no place in HTTP/2"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn early_hints_come_before_the_response_rfc8297() {
    async fn page(ctx: Context) -> &'static str {
        ctx.early_hints(["</a.css>; rel=preload", "</b.js>; rel=preload", "</bad\n>"]);
        let task = tokio::spawn({
            let ctx = ctx.clone();
            async move {
                ctx.early_hints(["</c.png>; rel=preload"]);
            }
        });
        task.await.expect("no panic");
        ctx.early_hints(Vec::<String>::new());
        "page"
    }
    let (server, address) = start(|server| {
        server.get("/", page);
    })
    .await;
    let requests = connect(address).await;
    let answer = get(&requests, "/").await;
    assert_eq!(answer.body, "page");
    assert_eq!(
        answer.hints,
        ["</a.css>; rel=preload", "</b.js>; rel=preload", "</c.png>; rel=preload"]
    );
    for (version, interim) in [("1.1", 2), ("1.0", 0)] {
        let mut io = TcpStream::connect(address).await.expect("a connection");
        let request = format!("GET / HTTP/{version}\r\nhost: a\r\nconnection: close\r\n\r\n");
        io.write_all(request.as_bytes()).await.expect("an open connection");
        let mut answer = String::new();
        io.read_to_string(&mut answer).await.expect("text");
        assert_eq!(
            answer.matches("HTTP/1.1 103 Early Hints\r\n").count(),
            interim,
            "{answer}"
        );
        assert!(answer.contains("HTTP/1.1 200 OK\r\n") && answer.ends_with("page"));
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_hint_from_another_task_does_not_wait_for_the_handler() {
    let (server, address) = start(|server| {
        server.get("/", async |ctx: Context| -> &'static str {
            let clone = ctx.clone();
            tokio::spawn(async move {
                clone.early_hints(["</a.css>; rel=preload"]);
            });
            std::future::pending().await
        });
    })
    .await;
    let requests = connect(address).await;
    let request = Request::get("http://a/").body(()).expect("a valid request");
    let mut ready = requests.ready().await.expect("an open connection");
    let (mut response, _) = ready.send_request(request, true).expect("a stream");
    let hint = std::future::poll_fn(|cx| response.poll_informational(cx));
    let hint = timeout(PATIENCE, hint)
        .await
        .expect("in time")
        .expect("a hint")
        .expect("whole");
    assert_eq!(hint.status(), StatusCode::EARLY_HINTS);
    server.shutdown().await;
}

#[tokio::test]
async fn settings_that_are_out_of_range_are_errors_of_run() {
    let server = Server::new();
    let config = ServerConfig::new();
    config.port(0).http2(|http2| {
        http2.max_frame_size = 1;
        http2.connection_window = 0;
    });
    server.config(config);
    let error = server.run().await.expect_err("two mistakes").to_string();
    assert!(
        error.contains("http2.max_frame_size") && error.contains("http2.connection_window"),
        "{error}"
    );
}
