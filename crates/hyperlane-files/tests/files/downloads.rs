//! One file as the answer of a handler.

use hyperlane::testing::TestClient;
use hyperlane::{Context, Response, Server, State};
use hyperlane_files::Download;

use super::support::{CHANGED, Site, numbered};

fn app(site: &Site, path: &str, change: fn(Download) -> Download) -> TestClient {
    let server = Server::new();
    let download = change(Download::new(site.root().join(path)));
    let handler = async |ctx: Context, State(download): State<Download>| -> Response { download.respond(&ctx).await };
    server.state(download).route("/get", handler);
    TestClient::new(server)
}

#[tokio::test]
async fn a_download_is_saved_under_its_name() {
    let site = Site::new(&[("x1.pdf", "%PDF")]);
    let client = app(&site, "x1.pdf", |download| download.name("Bericht März.pdf"));
    let response = client.get("/get").await;
    response
        .assert_status(200)
        .assert_header("content-type", "application/pdf")
        .assert_header("last-modified", CHANGED)
        .assert_header("cache-control", "private, no-cache")
        .assert_header("x-content-type-options", "nosniff")
        .assert_header(
            "content-disposition",
            "attachment; filename=\"Bericht M_rz.pdf\"; filename*=UTF-8''Bericht%20M%C3%A4rz.pdf",
        )
        .assert_text("%PDF")
        .await;
    let client = app(&site, "x1.pdf", Download::inline);
    client
        .get("/get")
        .await
        .assert_header("content-disposition", "inline; filename=\"x1.pdf\"");
}

#[tokio::test]
async fn a_download_is_taken_up_again() {
    let site = Site::new(&[]);
    let content = numbered(600_000);
    site.write("big.bin", &content);
    let client = app(&site, "big.bin", |download| download);
    let tag = client.head("/get").await.header("etag").expect("has one").to_owned();
    let rest = client
        .get("/get")
        .header("range", "bytes=599990-")
        .header("if-range", &tag)
        .await;
    rest.assert_status(206);
    assert_eq!(rest.bytes().await, content[599_990..]);
    client.get("/get").header("if-none-match", tag).await.assert_status(304);
}

#[tokio::test]
async fn a_download_that_answers_a_post_has_neither_conditions_nor_ranges() {
    let site = Site::new(&[("a.txt", "hello")]);
    let client = app(&site, "a.txt", |download| download);
    let response = client
        .post("/get")
        .header("range", "bytes=0-0")
        .header("if-none-match", "*")
        .await;
    response.assert_status(200).assert_text("hello").await;
}

#[tokio::test]
async fn what_is_no_file_is_404() {
    let site = Site::new(&[("d/a", "")]);
    app(&site, "missing", |download| download)
        .get("/get")
        .await
        .assert_status(404);
    app(&site, "d", |download| download)
        .get("/get")
        .await
        .assert_status(404);
}
