//! A site from a directory: pages that are asked for each time, assets with a hash in their names that are kept for ever,
//! variants that were compressed beforehand, a page for what is not there, and a download that can be taken up again.
//!
//! Run it: `cargo run -p example-static-files`, or of another directory: `ROOT=/srv/site cargo run -p example-static-files`.
//! Then try `curl -r 0-99 localhost:8080/`, or `curl -C - -O -J localhost:8080/download` twice.

use std::path::PathBuf;

use hyperlane::{Context, Error, Response, Server, ServerConfig, State};
use hyperlane_files::{Download, Files, has_hash};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let root = std::env::var_os("ROOT").map_or(PathBuf::from(ROOT), PathBuf::from);
    let server = app(root);
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/public");

#[derive(Clone)]
struct Root(PathBuf);

fn app(root: PathBuf) -> Server {
    let site = Files::new(&root)
        .precompressed(true)
        .immutable(has_hash)
        .not_found("404.html");
    let server = Server::new();
    server.state(Root(root)).get("/download", download).add(site.at("/"));
    server
}

async fn download(ctx: Context, State(Root(root)): State<Root>) -> Response {
    Download::new(root.join("index.html"))
        .name("Seite für unterwegs.html")
        .respond(&ctx)
        .await
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test]
    async fn pages_are_asked_for_each_time_and_assets_once() {
        let client = TestClient::new(app(ROOT.into()));
        let page = client.get("/").await;
        page.assert_status(200)
            .assert_header("content-type", "text/html; charset=utf-8")
            .assert_header("cache-control", "no-cache");
        let tag = page.header("etag").expect("has one").to_owned();
        client.get("/").header("if-none-match", tag).await.assert_status(304);
        let style = client.get("/assets/style.5d0e1f3a.css").await;
        style.assert_header("cache-control", "public, max-age=31536000, immutable");
    }

    #[tokio::test]
    async fn what_is_not_there_has_a_page() {
        let client = TestClient::new(app(ROOT.into()));
        for path in ["/missing", "/assets/", "/..%2fCargo.toml", "/.env"] {
            let response = client.get(path).await;
            response.assert_status(404);
            assert!(response.text().await.contains("Nothing here"), "{path}");
        }
    }

    #[tokio::test]
    async fn a_download_has_a_name_and_can_be_taken_up_again() {
        let client = TestClient::new(app(ROOT.into()));
        let whole = client.get("/download").await;
        let name = whole.header("content-disposition").expect("is saved");
        assert!(
            name.ends_with("filename*=UTF-8''Seite%20f%C3%BCr%20unterwegs.html"),
            "{name}"
        );
        let whole = whole.text().await;
        let rest = client.get("/download").header("range", "bytes=100-").await;
        rest.assert_status(206).assert_text(&whole[100..]).await;
    }
}
