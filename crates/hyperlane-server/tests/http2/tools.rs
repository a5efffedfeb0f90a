//! Other people's clients, over sockets and with prior knowledge (RFC 9113 §3.3): curl, nghttp, Python's httpx, Node.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use hyperlane_server::{Config, ServerHandle, bind, serve};
use tokio::process::Command;
use tokio::time::timeout;

use crate::app::{App, config};

const PATIENCE: Duration = Duration::from_secs(60);

async fn start() -> (ServerHandle, String) {
    let config = config(|config: &mut Config| config.shutdown_deadline = Duration::from_millis(100));
    let listener = bind("127.0.0.1", 0, &config).await.expect("a free port");
    let server = serve(listener, Arc::new(App::default()), config)
        .await
        .expect("a server");
    let url = format!("http://{}", server.local_addr());
    (server, url)
}

/// Whether the tool is there. Without it the test is skipped, and says so; with `HYPERLANE_TESTS_MUST_NOT_SKIP=1` a missing
/// one fails it.
fn is_there(tool: &Path, how: &str) -> bool {
    let found = std::process::Command::new(tool).arg("--version").output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        let must_run = std::env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
        assert!(!must_run, "{} is missing: {how}", tool.display());
        eprintln!("SKIPPED: {} is missing: {how}", tool.display());
    }
    found
}

/// What the tool writes.
async fn output(tool: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(tool);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output())
        .await
        .expect("in time")
        .expect("a process");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", tool.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_gets_and_posts() {
    let curl = Path::new("curl");
    if !is_there(curl, "install curl") {
        return;
    }
    let (server, url) = start().await;
    let options = [
        "--silent",
        "--show-error",
        "--http2-prior-knowledge",
        "--max-time",
        "30",
    ];
    let run = async |more: &[&str]| output(curl, &[&options[..], more].concat()).await;
    let answer = run(&["--include", &url]).await;
    assert!(
        answer.starts_with("HTTP/2 200") && answer.ends_with("\r\n\r\nword"),
        "{answer}"
    );
    let answer = run(&["--head", &format!("{url}/large")]).await;
    assert!(answer.contains("content-length: 1048576"), "{answer}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("body");
    std::fs::write(&file, vec![b'x'; 1 << 20]).expect("room");
    let body = format!("@{}", file.display());
    // As long as it is, curl asks first whether it may be sent (RFC 9110 §10.1.1).
    for expect in ["expect:", "expect: 100-continue"] {
        let answer = run(&["--header", expect, "--data-binary", &body, &format!("{url}/echo")]).await;
        assert!(answer.len() == 1 << 20, "{} bytes", answer.len());
    }
    let answer = run(&["--include", &format!("{url}/hints")]).await;
    assert!(
        answer.contains("HTTP/2 103") && answer.contains("HTTP/2 200"),
        "{answer}"
    );
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nghttp_gets_and_posts() {
    let nghttp = Path::new("nghttp");
    if !is_there(nghttp, "install nghttp2-client") {
        return;
    }
    let (server, url) = start().await;
    assert_eq!(output(nghttp, &[&url]).await, "word");
    assert_eq!(
        output(nghttp, &["--multiply=100", "--null-out", "--stat", &url])
            .await
            .matches(" 200 ")
            .count(),
        100
    );
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("body");
    std::fs::write(&file, vec![b'x'; 1 << 20]).expect("room");
    let data = format!("--data={}", file.display());
    let answer = output(nghttp, &[&data, "--trailer=x-sum: 6", &format!("{url}/echo")]).await;
    assert!(answer.len() == 1 << 20, "{} bytes", answer.len());
    // Frames of another size, padding, and windows that are small.
    let answer = output(
        nghttp,
        &[
            "--window-bits=10",
            "--padding=100",
            "--max-concurrent-streams=1",
            &format!("{url}/large"),
        ],
    )
    .await;
    assert!(answer.len() == 1 << 20, "{} bytes", answer.len());
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn httpx_gets_posts_and_streams() {
    let folder = std::env::var_os("HYPERLANE_PYTHON_TOOLS")
        .map(PathBuf::from)
        .unwrap_or_default();
    let python = folder.join("python3");
    if !is_there(
        &python,
        "set HYPERLANE_PYTHON_TOOLS to a folder with a python3 that has httpx and h2",
    ) {
        return;
    }
    let (server, url) = start().await;
    let script = "
import asyncio, httpx, sys
url = sys.argv[1]

def pieces():
    for n in range(64):
        yield b'x' * 16384

async def many():
    async with httpx.AsyncClient(http1=False, http2=True) as client:
        answers = await asyncio.gather(*(client.get(url + '/head', params={'n': n}) for n in range(100)))
        return [answer.text for answer in answers]

with httpx.Client(http1=False, http2=True) as client:
    answer = client.get(url)
    assert (answer.http_version, answer.status_code, answer.text) == ('HTTP/2', 200, 'word'), answer
    assert client.post(url + '/echo', content=b'y' * (1 << 20)).content == b'y' * (1 << 20)
    assert len(client.post(url + '/echo', content=pieces()).content) == 1 << 20
    assert client.get(url + '/stream').text == 'one two three'
    with client.stream('GET', url + '/open') as answer:
        assert next(answer.iter_raw()) == b'begun'
    assert client.get(url + '/panic').status_code == 500
    try:
        client.get(url + '/broken')
        raise SystemExit('a broken body was taken for a whole one')
    except httpx.RemoteProtocolError:
        pass
    assert client.get(url).text == 'word'
assert all(text.startswith('HTTP/2.0 GET /head') for text in asyncio.run(many()))
";
    output(&python, &["-c", script, &url]).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_gets_posts_and_resets() {
    let node = Path::new("node");
    if !is_there(node, "install Node") {
        return;
    }
    let (server, url) = start().await;
    let script = "
const http2 = require('node:http2');
const client = http2.connect(process.argv[process.argv.length - 1]);
client.on('error', error => { throw error; });

const send = (headers, body, cut) => new Promise((resolve, reject) => {
    const request = client.request(headers);
    const answer = { pieces: [] };
    request.on('response', headers => { answer.status = headers[':status']; });
    request.on('headers', headers => { answer.interim = headers[':status']; });
    request.on('trailers', trailers => { answer.trailers = trailers; });
    request.on('data', piece => { answer.pieces.push(piece); if (cut) request.close(http2.constants.NGHTTP2_CANCEL); });
    request.on('error', reject);
    request.on('close', () => resolve({ ...answer, body: Buffer.concat(answer.pieces).toString() }));
    request.end(body);
});

const check = (condition, what) => { if (!condition) { throw new Error(what); } };

(async () => {
    check((await send({ ':path': '/' })).body === 'word', 'get');
    const large = 'z'.repeat(1 << 20);
    check((await send({ ':path': '/echo', ':method': 'POST' }, large)).body === large, 'post');
    const all = await Promise.all(Array.from({ length: 100 }, () => send({ ':path': '/large' })));
    check(all.every(answer => answer.body.length === 1 << 20), 'a hundred at once');
    check((await send({ ':path': '/trailers' })).trailers['x-sum'] === '6', 'trailers');
    check((await send({ ':path': '/hints' })).interim === 103, 'early hints');
    check((await send({ ':path': '/open' }, undefined, true)).body === 'begun', 'cut');
    let reset;
    await send({ ':path': '/broken' }).catch(error => { reset = error.code; });
    check(reset === 'ERR_HTTP2_STREAM_ERROR', 'an incomplete body');
    check((await send({ ':path': '/' })).status === 200, 'afterwards');
    client.close();
})().catch(error => { console.error(error); process.exit(1); });
";
    output(node, &["-e", script, "--", &url]).await;
    server.shutdown().await;
}
