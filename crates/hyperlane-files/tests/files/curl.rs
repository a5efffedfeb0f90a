//! A real client over a real socket: curl, which is not ours.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hyperlane::{ServerConfig, ServerHandle};
use tokio::process::Command;

use super::support::{Site, numbered, server};

/// curl, or `None` after saying that the test is skipped for want of it. With `HYPERLANE_TESTS_MUST_NOT_SKIP=1` a missing
/// tool is a failure.
fn curl(test: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("curl"))
        .find(|file| file.is_file());
    if found.is_none() {
        let must_run = std::env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
        assert!(!must_run, "{test} needs curl, which is not installed");
        // Not through `eprintln`, which the test harness keeps to itself when the test passes.
        let _ = writeln!(io::stderr(), "SKIPPED: {test} needs curl, which is not installed");
    }
    found
}

async fn run(site: &Site) -> ServerHandle {
    let server = server(site.files().precompressed(true));
    server.config(ServerConfig::new().host("127.0.0.1").port(0));
    server.run().await.expect("a free port")
}

/// What curl prints; it must succeed.
async fn output(curl: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(curl)
        .args(["-sS", "--max-time", "60"])
        .args(arguments)
        .output()
        .await
        .expect("curl runs");
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[tokio::test]
async fn curl_takes_up_a_download_that_broke_off() {
    let Some(curl) = curl("curl_takes_up_a_download_that_broke_off") else {
        return;
    };
    let site = Site::new(&[]);
    let content = numbered(3_000_000);
    site.write("big.bin", &content);
    let handle = run(&site).await;
    let url = format!("http://{}/big.bin", handle.local_addr());
    let target = site.outside().join("part.bin");
    let target_text = target.to_str().expect("is text");
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        std::fs::write(&target, &content[..1_234_567]).expect("can be written");
        output(&curl, &[version, "-C", "-", "-o", target_text, &url]).await;
        assert!(std::fs::read(&target).expect("is there") == content, "{version}");
    }
    handle.shutdown().await;
}

#[tokio::test]
async fn curl_gets_ranges_variants_and_not_modified() {
    let Some(curl) = curl("curl_gets_ranges_variants_and_not_modified") else {
        return;
    };
    let site = Site::new(&[("a.txt", "0123456789"), ("a.txt.gz", "packed")]);
    let handle = run(&site).await;
    let url = format!("http://{}/a.txt", handle.local_addr());
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        assert_eq!(output(&curl, &[version, "-r", "2-4", &url]).await, b"234");
        assert_eq!(output(&curl, &[version, "-r", "-3", &url]).await, b"789");
        let parts = output(&curl, &[version, "-r", "0-1,8-9", &url]).await;
        let parts = String::from_utf8(parts).expect("text");
        assert!(parts.contains("content-range: bytes 0-1/10\r\n\r\n01\r\n--"), "{parts}");
        assert!(parts.contains("content-range: bytes 8-9/10\r\n\r\n89\r\n--"), "{parts}");
        assert_eq!(
            output(&curl, &[version, "-H", "accept-encoding: gzip", &url]).await,
            b"packed"
        );
        let code = ["-o", "/dev/null", "-w", "%{http_code} %{size_download}"];
        let tags = site.outside().join("tags");
        let tags = tags.to_str().expect("is text");
        let get = output(&curl, &[&[version, "--etag-save", tags], &code[..], &[&url]].concat()).await;
        assert_eq!(get, b"200 10");
        let again = output(
            &curl,
            &[&[version, "--etag-compare", tags], &code[..], &[&url]].concat(),
        )
        .await;
        assert_eq!(again, b"304 0");
        let head = output(&curl, &[version, "-I", &url]).await;
        let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
        assert!(
            head.contains("content-length: 10") && head.contains("accept-ranges: bytes"),
            "{head}"
        );
        // As it stands, without curl's own tidying.
        let escape = url.replace("/a.txt", "/../../../../etc/passwd");
        let outside = output(
            &curl,
            &[&[version, "--path-as-is"], &code[..2], &["-w", "%{http_code}", &escape]].concat(),
        )
        .await;
        assert_eq!(outside, b"404");
    }
    handle.shutdown().await;
}

/// Over HTTP/1.1 the connection ends too early, over HTTP/2 the stream is reset: curl sees that something is missing.
#[tokio::test]
async fn curl_sees_that_a_file_became_shorter_on_its_way() {
    let Some(curl) = curl("curl_sees_that_a_file_became_shorter_on_its_way") else {
        return;
    };
    let site = Site::new(&[]);
    let handle = run(&site).await;
    let url = format!("http://{}/big.bin", handle.local_addr());
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        site.write("big.bin", vec![b'x'; 64 << 20]);
        let target = site.outside().join(format!("part{version}"));
        let mut process = Command::new(&curl)
            .args(["-sS", "--max-time", "60", "--limit-rate", "8M", version, "-o"])
            .arg(&target)
            .arg(&url)
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("curl runs");
        let began = Instant::now();
        while std::fs::metadata(&target).map_or(0, |metadata| metadata.len()) == 0 {
            assert!(began.elapsed() < Duration::from_secs(30), "nothing arrives");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let file = std::fs::File::options().write(true).open(site.root().join("big.bin"));
        file.and_then(|file| file.set_len(1000)).expect("is ours");
        let status = process.wait().await.expect("ends");
        assert!(!status.success(), "{version}: a part must not pass for the whole");
        // CURLE_PARTIAL_FILE, CURLE_RECV_ERROR (a reset), CURLE_HTTP2_STREAM.
        assert!(matches!(status.code(), Some(18 | 56 | 92)), "{version}: {status}");
    }
    handle.shutdown().await;
}
