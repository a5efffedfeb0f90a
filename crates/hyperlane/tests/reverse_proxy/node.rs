//! Node's own HTTP server as the upstream: another implementation of everything.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::support::{PATIENCE, client, to};

const SERVER: &str = "
const http = require('node:http');
const server = http.createServer((request, response) => {
    if (request.url === '/die') {
        response.write('a part');
        setImmediate(() => response.destroy());
        return;
    }
    response.setHeader('x-method', request.method);
    response.setHeader('x-via', request.headers.via);
    response.setHeader('trailer', 'x-end');
    request.on('data', data => response.write(data));
    request.on('end', () => { response.addTrailers({ 'x-end': 'yes' }); response.end(); });
});
server.on('upgrade', (request, socket, head) => {
    socket.write('HTTP/1.1 101 Switching Protocols\\r\\nconnection: upgrade\\r\\nupgrade: echo\\r\\n\\r\\n');
    if (head.length) socket.write(head);
    socket.pipe(socket);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_behind_the_proxy_answers_streams_switches_and_dies() {
    let Some(node) = node("node_behind_the_proxy_answers_streams_switches_and_dies") else {
        return;
    };
    let upstream = Node::start(node);
    let client = client(to(upstream.addr));
    for method in ["POST", "PUT", "PATCH"] {
        let body = "x".repeat(1 << 20);
        let response = client
            .request(method.parse().unwrap(), "/")
            .header("te", "trailers")
            .body(body.clone())
            .await;
        response
            .assert_status(200)
            .assert_header("x-method", method)
            .assert_header("x-via", "1.1 hyperlane");
        response.assert_text(&body).await;
        assert_eq!(response.trailers().await.unwrap()["x-end"], "yes");
    }
    client.get("/").await.assert_status(200).assert_text("").await;

    let response = client.get("/die").await;
    assert!(
        timeout(PATIENCE, response.try_bytes()).await.unwrap().is_err(),
        "a part is not taken for the whole"
    );

    let mut connection = client.upgrade("/", "echo").await;
    connection.write_all(b"through").await.unwrap();
    let mut back = [0; 7];
    timeout(PATIENCE, connection.read_exact(&mut back))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&back, b"through");
}

struct Node {
    process: Child,
    addr: SocketAddr,
}

impl Node {
    fn start(program: PathBuf) -> Self {
        let mut process = Command::new(program)
            .args(["-e", SERVER])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut port)
            .unwrap();
        let addr = SocketAddr::from(([127, 0, 0, 1], port.trim().parse().unwrap()));
        Self { process, addr }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Node, or `None` after saying that the test is skipped for want of it. With `HYPERLANE_TESTS_MUST_NOT_SKIP=1` a missing
/// tool is a failure.
fn node(test: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|folder| folder.join("node"))
        .find(|file| file.is_file());
    if found.is_none() {
        let must_run = env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
        assert!(!must_run, "{test} needs node, which is not installed");
        // Not through `eprintln`, which the test harness keeps to itself when the test passes.
        let _ = writeln!(io::stderr(), "SKIPPED: {test} needs node, which is not installed");
    }
    found
}
