//! The server under test: one small application that every group of cases talks to.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream;
use hyperlane::Runtime;
use hyperlane::{
    Body, Bytes, Context, Cookie, HeaderMap, Method, Path, Response, Server, ServerConfig, ServerHandle, State,
    StatusCode,
};

/// The marker paths that were served.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks(Arc<Mutex<HashSet<String>>>);

impl Marks {
    /// Whether `/marker/{tag}` was served.
    pub(crate) fn hit(&self, tag: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(tag)
    }

    /// Remembers a hit.
    pub(crate) fn set(&self, tag: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(tag.to_owned());
    }
}

/// A running server.
#[derive(Debug)]
pub(crate) struct TestApp {
    handle: ServerHandle,
    marks: Marks,
}

impl TestApp {
    /// Starts the application with the default limits and time-outs.
    pub(crate) async fn start() -> Self {
        Self::start_with(ServerConfig::new()).await
    }

    /// Starts the application with this configuration, on a free port of the loopback address.
    pub(crate) async fn start_with(config: ServerConfig) -> Self {
        let marks = Marks::default();
        config.host("127.0.0.1").port(0).runtime(runtime()).threads(2);
        let server = server(marks.clone());
        server.config(config);
        let handle = server.run().await.expect("the loopback address has a free port");
        Self { handle, marks }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.handle.local_addr()
    }

    pub(crate) fn marks(&self) -> &Marks {
        &self.marks
    }

    pub(crate) fn handle(&self) -> &ServerHandle {
        &self.handle
    }

    /// Ends the server without waiting for connections that cases have left behind.
    pub(crate) async fn stop(self) {
        self.handle.shutdown_within(Duration::from_millis(50)).await;
    }
}

/// What serves the connections, from the environment variable `HYPERLANE_RUNTIME`.
fn runtime() -> Runtime {
    match std::env::var("HYPERLANE_RUNTIME").as_deref() {
        Err(_) | Ok("shared") => Runtime::Shared,
        Ok("per-core") => Runtime::PerCore,
        Ok("io-uring") => Runtime::IoUring,
        Ok(other) => panic!("HYPERLANE_RUNTIME is `{other}`: write `shared`, `per-core` or `io-uring`"),
    }
}

/// The application, registered but not yet running.
pub(crate) fn server(marks: Marks) -> Server {
    let server = Server::new();
    server
        .state(marks)
        .get("/", async || "root")
        .get("/hello", async || "hello")
        .post("/echo", async |body: Bytes| body)
        .route("/context-echo", context_echo)
        .route("/headers", dump_headers)
        .route("/header/{name}", one_header)
        .route("/ignore", async || "ignored")
        .get("/slow", slow)
        .get("/held", held)
        .get("/never", async || std::future::pending::<()>().await)
        .get("/panic", panics)
        .get("/marker/{tag}", mark)
        .get("/user/{id}", async |Path(id): Path<u64>| format!("user {id}"))
        .get("/item/{name}", async |Path(name): Path<String>| name)
        .get("/files/{*path}", async |Path(path): Path<String>| path)
        .get("/query", async |ctx: Context| ctx.query("name").unwrap_or_default())
        .get("/raw", raw_target)
        .route("/any", async |method: Method| format!("any {method}"))
        .get("/multi", async || "GET")
        .put("/multi", async || "PUT")
        .post("/multi", async || "POST")
        .delete("/multi", async || "DELETE")
        .patch("/multi", async || "PATCH")
        .get("/own-head", async || "from GET")
        .head("/own-head", own_head)
        .options("/own-options", async || "own")
        .on(propfind(), "/dav", async || "found");
    register_responses(&server);
    server
}

/// Routes about what a handler can do to its response.
fn register_responses(server: &Server) {
    server
        .get("/status/{code}", status)
        .get("/empty", async || ())
        .get("/nothing", async |_ctx: Context| ())
        .get("/no-content", async || (StatusCode::NO_CONTENT, "must not be sent"))
        .get("/not-modified", async || (StatusCode::NOT_MODIFIED, "must not be sent"))
        .get("/reset-content", async || {
            (StatusCode::RESET_CONTENT, "must not be sent")
        })
        .get("/stream", stream_in_context)
        .get("/stream-value", stream_as_value)
        .get("/stream-empty", async |ctx: Context| drop(ctx.closed().await))
        .get("/stream-no-content", stream_no_content)
        .get("/stream-trailers", stream_trailers)
        .get("/stream-breaks", stream_breaks)
        .get("/stream-panics", stream_panics)
        .get("/stream-chunked-by-hand", stream_chunked_by_hand)
        .get("/ticks", ticks)
        .get("/endless", endless)
        .post("/duplex", duplex)
        .post("/trailers", request_trailers)
        .get("/large", async || vec![b'x'; 1 << 20])
        .get("/says-own-length", says_own_length)
        .get("/says-own-coding", says_own_coding)
        .get("/says-own-date", says_own_date)
        .get("/says-close", says_close)
        .get("/says-1.0", says_old_version)
        .get("/inject-value", inject_value)
        .get("/inject-name", inject_name)
        .get("/inject-nul", inject_nul)
        .get("/inject-body", inject_body)
        .get("/cookies", cookies)
        .get("/repeats", repeats);
}

fn propfind() -> Method {
    Method::from_bytes(b"PROPFIND").expect("a method is any token")
}

async fn context_echo(ctx: Context) {
    match ctx.bytes().await {
        Ok(body) => ctx.set_response_status_code(200).set_response_body(body),
        Err(_) => ctx.set_response_status_code(400),
    };
}

async fn dump_headers(headers: HeaderMap) -> Vec<u8> {
    let mut dump = Vec::new();
    for (name, value) in &headers {
        dump.extend_from_slice(name.as_str().as_bytes());
        dump.extend_from_slice(b"=[");
        dump.extend_from_slice(value.as_bytes());
        dump.extend_from_slice(b"]\n");
    }
    dump
}

async fn one_header(ctx: Context, Path(name): Path<String>) -> String {
    ctx.header(&name).unwrap_or("none").to_owned()
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_millis(30)).await;
    "slow"
}

/// Marks that it has begun, and takes its time.
async fn held(State(marks): State<Marks>) -> &'static str {
    marks.set("held");
    tokio::time::sleep(Duration::from_millis(100)).await;
    "held"
}

async fn panics() -> &'static str {
    panic!("this handler panics on purpose")
}

async fn mark(State(marks): State<Marks>, Path(tag): Path<String>) -> &'static str {
    marks.set(&tag);
    "marked"
}

async fn raw_target(ctx: Context) -> String {
    format!("{} {}", ctx.path(), ctx.query_string().unwrap_or("none"))
}

async fn own_head(ctx: Context) {
    ctx.set_response_header("x-head", "own");
}

async fn status(ctx: Context, Path(code): Path<u16>) {
    ctx.set_response_status_code(code).set_response_body("body");
}

async fn stream_in_context(ctx: Context) {
    for part in ["one ", "two ", "three"] {
        let _ = ctx.set_response_body(part).send_body().await;
    }
    let _ = ctx.closed().await;
}

async fn stream_as_value() -> Response {
    let parts = ["one ", "", "two ", "three"];
    Response::new(Body::stream(stream::iter(parts.map(Ok::<_, Infallible>))))
}

async fn stream_no_content(ctx: Context) {
    ctx.set_response_status_code(204);
    let _ = ctx.set_response_body("must not be sent").send_body().await;
    let _ = ctx.closed().await;
}

async fn stream_trailers(ctx: Context) {
    let _ = ctx.set_response_body("body").send_body().await;
    ctx.set_response_trailer("x-sum", "42");
    let _ = ctx.closed().await;
}

async fn stream_breaks() -> Response {
    let parts = [
        Ok(Bytes::from_static(b"half of it")),
        Err(std::io::Error::other("broken")),
    ];
    Response::new(Body::stream(stream::iter(parts)))
}

async fn stream_panics(ctx: Context) {
    let _ = ctx.set_response_body("half of it").send_body().await;
    panic!("this handler panics on purpose, in the middle of its stream")
}

/// As the article does it: the handler names the framing itself.
async fn stream_chunked_by_hand(ctx: Context) {
    ctx.set_response_header("Transfer-Encoding", "chunked");
    for part in ["one ", "two"] {
        let _ = ctx.set_response_body(part).send_body().await;
    }
    let _ = ctx.closed().await;
}

/// Streams for more than 400 ms.
async fn ticks(ctx: Context) {
    for _ in 0..6 {
        let _ = ctx.set_response_body("tick").send_body().await;
        tokio::time::sleep(Duration::from_millis(70)).await;
    }
    let _ = ctx.closed().await;
}

/// Streams until the client is gone, and marks that it was told.
async fn endless(ctx: Context, State(marks): State<Marks>) {
    let part = Bytes::from(vec![b'x'; 64 * 1024]);
    let told = ToldOnDrop(marks);
    while ctx.set_response_body(part.clone()).send_body().await.is_ok() {}
    drop(told);
}

/// Marks `client-gone` also when the handler's future is dropped instead of told.
struct ToldOnDrop(Marks);

impl Drop for ToldOnDrop {
    fn drop(&mut self) {
        self.0.set("client-gone");
    }
}

/// Sends every part of the request body back before it waits for the next.
async fn duplex(ctx: Context) {
    let mut body: Body = ctx.body_stream();
    while let Some(Ok(part)) = body.chunk().await {
        if ctx.set_response_body(part).send_body().await.is_err() {
            return;
        }
    }
    let _ = ctx.closed().await;
}

async fn request_trailers(ctx: Context) -> Result<Vec<u8>, StatusCode> {
    let mut body = ctx.body_stream();
    while let Some(part) = body.chunk().await {
        part.map_err(|_| StatusCode::BAD_REQUEST)?;
    }
    let mut dump = dump_headers(ctx.headers().clone()).await;
    dump.extend_from_slice(b"--\n");
    dump.extend_from_slice(&dump_headers(body.trailers().cloned().unwrap_or_default()).await);
    Ok(dump)
}

async fn says_own_length(ctx: Context) {
    ctx.set_response_header("Content-Length", "3")
        .set_response_body("hello");
}

async fn says_own_coding(ctx: Context) {
    ctx.set_response_header("Content-Length", "3")
        .set_response_header("Transfer-Encoding", "chunked")
        .set_response_body("hello");
}

async fn says_own_date(ctx: Context) {
    ctx.set_response_header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
        .set_response_body("hello");
}

async fn says_close(ctx: Context) {
    ctx.set_response_header("Connection", "close")
        .set_response_body("hello");
}

async fn says_old_version(ctx: Context) {
    ctx.set_response_version(hyperlane::HttpVersion::HTTP1_0)
        .set_response_body("hello");
}

async fn inject_value(ctx: Context) {
    ctx.set_response_header("x-injected", "a\r\nset-cookie: stolen=1")
        .set_response_body("hello");
}

async fn inject_name(ctx: Context) {
    ctx.set_response_header("x-injected: a\r\nset-cookie", "stolen=1")
        .set_response_body("hello");
}

async fn inject_nul(ctx: Context) {
    ctx.set_response_header("x-injected", "a\0b").set_response_body("hello");
}

/// A refused header must not become part of the body either.
async fn inject_body(ctx: Context) -> String {
    match ctx.try_set_response_header("x-injected", "a\r\n\r\n<script>") {
        Ok(_) => "accepted".to_owned(),
        Err(_) => "refused".to_owned(),
    }
}

async fn cookies(ctx: Context) {
    ctx.set_response_cookie(Cookie::new("a", "1"))
        .set_response_cookie(Cookie::new("b", "2"))
        .set_response_body("hello");
}

async fn repeats(ctx: Context) {
    ctx.set_response_header("x-set", "1")
        .set_response_header("X-Set", "2")
        .add_response_header("x-add", "1")
        .add_response_header("X-Add", "2")
        .set_response_header("x-gone", "1")
        .remove_response_header("X-Gone")
        .set_response_body("hello");
}
