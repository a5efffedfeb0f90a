//! Range requests (RFC 9110 §14) over the wire, for files in memory and on the disk alike.

use hyperlane::testing::TestClient;

use super::support::{AFTER, CHANGED, Site, client, numbered};

/// A small file, which is kept in memory, and a large one, which is read as it is sent.
async fn sizes() -> [(Site, TestClient, Vec<u8>); 2] {
    [1000, 1_000_000].map(|length| {
        let content = numbered(length);
        let site = Site::new(&[]);
        site.write("data.bin", &content);
        let client = client(site.files());
        (site, client, content)
    })
}

#[tokio::test]
async fn one_range_is_206_with_content_range() {
    for (_site, client, content) in sizes().await {
        let length = content.len();
        for (asked, first, last) in [
            ("bytes=0-499".to_owned(), 0, 499),
            ("bytes=500-".to_owned(), 500, length - 1),
            ("bytes=-100".to_owned(), length - 100, length - 1),
            ("bytes=0-".to_owned(), 0, length - 1),
            (format!("bytes={}-", length - 1), length - 1, length - 1),
            ("bytes=7-7".to_owned(), 7, 7),
            (format!("bytes=10-{}", length + 50), 10, length - 1),
        ] {
            let response = client.get("/data.bin").header("range", &asked).await;
            response
                .assert_status(206)
                .assert_header("content-range", &format!("bytes {first}-{last}/{length}"))
                .assert_header("content-type", "application/octet-stream")
                .assert_header("content-length", &(last - first + 1).to_string());
            assert_eq!(response.bytes().await, content[first..=last], "{asked} of {length}");
        }
    }
}

#[tokio::test]
async fn several_ranges_are_multipart_byteranges_rfc_9110_14_6() {
    for (_site, client, content) in sizes().await {
        let length = content.len();
        let response = client.get("/data.bin").header("range", "bytes=0-9, 200-299, -5").await;
        response.assert_status(206).assert_no_header("content-range");
        let boundary = response
            .header("content-type")
            .and_then(|value| value.split("boundary=").nth(1))
            .expect("has one");
        let announced: usize = response
            .header("content-length")
            .expect("is known")
            .parse()
            .expect("a number");
        let mut expected = Vec::new();
        for (first, last) in [(0, 9), (200, 299), (length - 5, length - 1)] {
            let separator = if expected.is_empty() { "" } else { "\r\n" };
            expected.extend_from_slice(
                format!(
                    "{separator}--{boundary}\r\ncontent-type: application/octet-stream\r\n\
                     content-range: bytes {first}-{last}/{length}\r\n\r\n"
                )
                .as_bytes(),
            );
            expected.extend_from_slice(&content[first..=last]);
        }
        expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert_eq!(announced, expected.len());
        assert_eq!(response.bytes().await, expected);
    }
}

#[tokio::test]
async fn a_range_behind_the_end_is_416_with_the_length() {
    for (_site, client, content) in sizes().await {
        let length = content.len();
        for asked in [
            format!("bytes={length}-"),
            "bytes=-0".to_owned(),
            format!("bytes={length}-,9999999-"),
        ] {
            let response = client.get("/data.bin").header("range", &asked).await;
            response
                .assert_status(416)
                .assert_header("content-range", &format!("bytes */{length}"))
                .assert_no_header("etag");
        }
    }
}

#[tokio::test]
async fn what_is_no_range_or_abuse_is_answered_with_the_whole() {
    for (_site, client, content) in sizes().await {
        let overlapping = format!("bytes={}", ["0-"; 10].join(","));
        let tiny: Vec<String> = (0..400).map(|at| format!("{0}-{0}", at * 2)).collect();
        let tiny = format!("bytes={}", tiny.join(","));
        for asked in ["bytes=5-4", "bytes=a-b", "lines=1-2", "bytes", "", &overlapping, &tiny] {
            let response = client.get("/data.bin").header("range", asked).await;
            response.assert_status(200).assert_no_header("content-range");
            assert_eq!(response.bytes().await.len(), content.len(), "{asked}");
        }
    }
}

#[tokio::test]
async fn overlapping_ranges_are_sent_once() {
    for (_site, client, content) in sizes().await {
        let response = client
            .get("/data.bin")
            .header("range", "bytes=0-99,50-149,150-199")
            .await;
        response
            .assert_status(206)
            .assert_header("content-range", &format!("bytes 0-199/{}", content.len()));
        assert_eq!(response.bytes().await, content[..200]);
    }
}

#[tokio::test]
async fn a_head_has_no_range_rfc_9110_14_2() {
    for (_site, client, content) in sizes().await {
        let response = client.head("/data.bin").header("range", "bytes=0-9").await;
        response
            .assert_status(200)
            .assert_no_header("content-range")
            .assert_header("content-length", &content.len().to_string())
            .assert_text("")
            .await;
    }
}

#[tokio::test]
async fn if_range_gives_the_rest_of_the_same_file_alone_rfc_9110_13_1_5() {
    for (_site, client, content) in sizes().await {
        let tag = client
            .head("/data.bin")
            .await
            .header("etag")
            .expect("has one")
            .to_owned();
        for (value, status) in [
            (tag.as_str(), 206),
            (CHANGED, 206),
            (AFTER, 200),
            ("\"other\"", 200),
            (&format!("W/{tag}"), 200),
        ] {
            let response = client
                .get("/data.bin")
                .header("range", "bytes=990-")
                .header("if-range", value)
                .await;
            response.assert_status(status);
            let expected = if status == 206 { &content[990..] } else { &content };
            assert_eq!(response.bytes().await, expected, "{value}");
        }
    }
}

#[tokio::test]
async fn an_empty_file_has_no_ranges() {
    let site = Site::new(&[("empty", "")]);
    let client = site.client();
    client
        .get("/empty")
        .await
        .assert_status(200)
        .assert_header("content-length", "0");
    client
        .get("/empty")
        .header("range", "bytes=0-")
        .await
        .assert_status(416)
        .assert_header("content-range", "bytes */0");
    client
        .get("/empty")
        .header("range", "bytes=-1")
        .await
        .assert_status(200)
        .assert_text("")
        .await;
}
