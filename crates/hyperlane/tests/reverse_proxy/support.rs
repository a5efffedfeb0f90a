//! Upstreams: one that tells what it got, and raw ones that say whatever a test has them say.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyperlane::reverse_proxy::ReverseProxy;
use hyperlane::testing::TestClient;
use hyperlane::{Context, Route, Server, ServerConfig, ServerHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Longer than anything takes that goes well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a free port.
pub(crate) async fn serve(register: impl FnOnce(&Server)) -> ServerHandle {
    let server = Server::new();
    server.config(ServerConfig::new().port(0).shutdown_deadline(Duration::from_secs(60)));
    register(&server);
    server.run().await.unwrap()
}

/// Tells method, target and fields of its request, then sends its body back.
pub(crate) async fn tell(ctx: Context) -> String {
    let query = ctx.query_string().map(|query| format!("?{query}")).unwrap_or_default();
    let mut told = format!("{} {}{query}\n", ctx.method(), ctx.path());
    let mut fields: Vec<_> = ctx
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
        .collect();
    fields.sort();
    told.extend(fields);
    told.push('\n');
    told.push_str(&ctx.text().await.unwrap());
    told
}

pub(crate) fn to(upstream: SocketAddr) -> ReverseProxy {
    ReverseProxy::to(format!("http://{upstream}")).unwrap()
}

/// A client of a server that passes everything on.
pub(crate) fn client(proxy: ReverseProxy) -> TestClient {
    let server = Server::new();
    pass_on(&server, proxy);
    TestClient::new(server)
}

/// A server that passes everything on, for raw connections.
pub(crate) async fn proxy_server(proxy: ReverseProxy) -> ServerHandle {
    serve(|server| pass_on(server, proxy)).await
}

fn pass_on(server: &Server, proxy: ReverseProxy) {
    let proxy = Route::new(proxy).body_limit(1 << 30);
    server.route("/", proxy.clone()).fallback(proxy);
}

/// Sends bytes, ends its side, and returns all that comes.
pub(crate) async fn ask_raw(server: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(request).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    // A reset is an end, too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A server that reads heads (and bodies of a told length) and answers each with the same bytes.
pub(crate) struct Raw {
    pub(crate) addr: SocketAddr,
    /// The requests as they came, head and body.
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    /// Tells of every connection that has ended.
    pub(crate) ended: mpsc::UnboundedReceiver<()>,
}

/// What a raw server does behind its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It waits for the next request.
    Continue,
    /// It ends the connection.
    Close,
    /// It resets the connection.
    Reset,
    /// It says nothing more, and waits until the other side ends.
    Hang,
}

impl Raw {
    pub(crate) async fn start(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (sender, ended) = mpsc::unbounded_channel();
        let (answer, log) = (answer.into(), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, log, sender) = (answer.clone(), Arc::clone(&log), sender.clone());
                tokio::spawn(async move {
                    converse(stream, &answer, then, &log).await;
                    let _ = sender.send(());
                });
            }
        });
        Self { addr, requests, ended }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn converse(mut stream: TcpStream, answer: &[u8], then: Then, log: &Mutex<Vec<String>>) {
    while let Some(request) = read_request(&mut stream).await {
        log.lock().unwrap().push(request);
        if stream.write_all(answer).await.is_err() {
            return;
        }
        match then {
            Then::Continue => {}
            Then::Close => return,
            Then::Reset => {
                let _ = stream.set_zero_linger();
                return;
            }
            Then::Hang => {
                let mut rest = [0; 1024];
                while stream.read(&mut rest).await.is_ok_and(|n| n > 0) {}
                return;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    if let Some(length) = length {
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        bytes.extend(body);
    } else if head.contains("transfer-encoding: chunked") {
        while !bytes.ends_with(b"\r\n0\r\n\r\n") {
            bytes.push(stream.read_u8().await.ok()?);
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
