//! Variants that were compressed beforehand (RFC 9110 §12.5.3, §12.5.5).

use hyperlane::testing::TestClient;

use super::support::{Site, client, set_age};

fn site() -> Site {
    Site::new(&[
        ("app.js", "the script itself, in full"),
        ("app.js.br", "brotli"),
        ("app.js.zst", "zstandard"),
        ("app.js.gz", "gzip-gzip-gzip"),
        ("plain.css", "no variants"),
        ("index.html", "<p>the page"),
        ("index.html.gz", "gz page"),
    ])
}

fn variants(site: &Site) -> TestClient {
    client(site.files().precompressed(true))
}

#[tokio::test]
async fn the_most_wanted_variant_is_given_and_of_equals_the_smallest() {
    let site = site();
    let client = variants(&site);
    for (accept, coding) in [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, zstd", "zstd"),
        ("gzip", "gzip"),
        ("br;q=0.1, gzip;q=0.2", "gzip"),
        ("*", "br"),
        ("br;q=0, *", "zstd"),
        ("identity;q=0, gzip;q=0.001", "gzip"),
    ] {
        let response = client.get("/app.js").header("accept-encoding", accept).await;
        response
            .assert_status(200)
            .assert_header("content-encoding", coding)
            .assert_header("vary", "accept-encoding")
            .assert_header("content-type", "text/javascript; charset=utf-8");
        let expected = ["brotli", "zstandard", "gzip-gzip-gzip"]
            .into_iter()
            .find(|text| text.starts_with(&coding[..2]));
        response.assert_text(expected.expect("is one of them")).await;
    }
    for accept in ["", "identity", "gzip;q=0", "gzip;q=0.5, identity;q=1", "compress"] {
        let response = client.get("/app.js").header("accept-encoding", accept).await;
        response
            .assert_status(200)
            .assert_no_header("content-encoding")
            .assert_header("vary", "accept-encoding")
            .assert_text("the script itself, in full")
            .await;
    }
}

#[tokio::test]
async fn a_file_without_variants_does_not_vary() {
    let site = site();
    let response = variants(&site).get("/plain.css").header("accept-encoding", "br").await;
    response
        .assert_status(200)
        .assert_no_header("content-encoding")
        .assert_no_header("vary");
}

#[tokio::test]
async fn variants_are_left_alone_unless_asked_for() {
    let site = site();
    let response = site.client().get("/app.js").header("accept-encoding", "br").await;
    response.assert_no_header("content-encoding").assert_no_header("vary");
}

#[tokio::test]
async fn each_variant_has_its_own_tag_and_ranges_rfc_9110_8_8_3_3() {
    let site = site();
    let client = variants(&site);
    let mut tags = Vec::new();
    for accept in ["identity", "br", "zstd", "gzip"] {
        let response = client.get("/app.js").header("accept-encoding", accept).await;
        tags.push(response.header("etag").expect("has one").to_owned());
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4, "{tags:?}");
    let response = client
        .get("/app.js")
        .header("accept-encoding", "br")
        .header("range", "bytes=2-")
        .await;
    response
        .assert_status(206)
        .assert_header("content-encoding", "br")
        .assert_header("content-range", "bytes 2-5/6")
        .assert_text("otli")
        .await;
    let several = client
        .get("/app.js")
        .header("accept-encoding", "br")
        .header("range", "bytes=0-0,2-2")
        .await;
    several
        .assert_status(200)
        .assert_header("content-encoding", "br")
        .assert_text("brotli")
        .await;
    let tag = client
        .get("/app.js")
        .header("accept-encoding", "br")
        .await
        .header("etag")
        .expect("has one")
        .to_owned();
    let again = client
        .get("/app.js")
        .header("accept-encoding", "br")
        .header("if-none-match", &tag)
        .await;
    again
        .assert_status(304)
        .assert_header("vary", "accept-encoding")
        .assert_no_header("content-encoding");
    let other = client
        .get("/app.js")
        .header("accept-encoding", "gzip")
        .header("if-none-match", &tag)
        .await;
    other.assert_status(200);
}

#[tokio::test]
async fn a_variant_older_than_its_file_was_forgotten_and_is_not_sent() {
    let site = site();
    set_age(&site.root().join("app.js"), 10);
    let response = variants(&site)
        .get("/app.js")
        .header("accept-encoding", "br, gzip")
        .await;
    response
        .assert_no_header("content-encoding")
        .assert_text("the script itself, in full")
        .await;
}

#[tokio::test]
async fn an_index_file_has_variants_too() {
    let site = site();
    let response = variants(&site).get("/").header("accept-encoding", "gzip").await;
    response
        .assert_header("content-encoding", "gzip")
        .assert_header("content-type", "text/html; charset=utf-8")
        .assert_text("gz page")
        .await;
}

#[tokio::test]
async fn a_large_variant_is_streamed() {
    let site = Site::new(&[("big.json", "{}")]);
    site.write("big.json.gz", vec![b'z'; 700_000]);
    let response = variants(&site).get("/big.json").header("accept-encoding", "gzip").await;
    response
        .assert_header("content-encoding", "gzip")
        .assert_header("content-type", "application/json")
        .assert_header("content-length", "700000");
    assert_eq!(response.bytes().await.len(), 700_000);
    // From memory the other.
    variants(&site).get("/big.json").await.assert_text("{}").await;
}
