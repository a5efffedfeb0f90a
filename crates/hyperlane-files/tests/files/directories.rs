//! Directories, stand-ins for what is missing, and cache headers.

use hyperlane::Server;
use hyperlane::testing::TestClient;
use hyperlane_files::{CacheControl, Files, has_hash};

use super::support::{Site, client};

fn site() -> Site {
    Site::new(&[
        ("index.html", "home"),
        ("docs/index.html", "docs"),
        ("docs/a b.txt", "spaced"),
        ("empty/.keep", ""),
        ("app.3f9c2b71.js", "hashed"),
        ("404.html", "nothing here"),
    ])
}

#[tokio::test]
async fn a_directory_is_its_index_and_has_a_slash_behind_it() {
    let site = site();
    let client = site.client();
    client.get("/").await.assert_status(200).assert_text("home").await;
    client.get("/docs/").await.assert_status(200).assert_text("docs").await;
    client
        .get("/docs")
        .await
        .assert_status(308)
        .assert_header("location", "/docs/");
    client
        .get("/docs?a=1&b")
        .await
        .assert_status(308)
        .assert_header("location", "/docs/?a=1&b");
    client
        .get("/docs/a%20b.txt")
        .await
        .assert_status(200)
        .assert_text("spaced")
        .await;
    client.get("/docs/index.html/").await.assert_status(404);
    client.get("/empty/").await.assert_status(404);
    client
        .head("/docs/")
        .await
        .assert_status(200)
        .assert_header("content-length", "4");
}

#[tokio::test]
async fn a_redirect_never_leads_to_another_host() {
    let site = site();
    let server = Server::new();
    server.fallback(site.files());
    let client = TestClient::new(server);
    for path in ["//docs", "//evil.example/..", "/%2fdocs", "/\\docs", "/%5cdocs"] {
        client.get(path).await.assert_status(404);
    }
    client
        .get("/docs")
        .await
        .assert_status(308)
        .assert_header("location", "/docs/");
}

#[tokio::test]
async fn only_get_and_head_are_answered() {
    let site = site();
    let server = Server::new();
    server.route("/{*path}", site.files());
    let client = TestClient::new(server);
    client
        .post("/404.html")
        .await
        .assert_status(405)
        .assert_header("allow", "GET, HEAD");
    client.delete("/404.html").await.assert_status(405);
    client.head("/404.html").await.assert_status(200);
}

#[tokio::test]
async fn a_pattern_without_a_wildcard_is_the_directory_itself() {
    let site = site();
    let server = Server::new();
    server
        .get("/site/", site.files())
        .get("/site", site.files())
        .get("/site/{*path}", site.files());
    let client = TestClient::new(server);
    client
        .get("/site")
        .await
        .assert_status(308)
        .assert_header("location", "/site/");
    client.get("/site/").await.assert_text("home").await;
    client.get("/site/404.html").await.assert_text("nothing here").await;
}

#[tokio::test]
async fn all_of_a_directory_is_registered_at_once() {
    let site = site();
    let server = Server::new();
    server.add(site.files().at("/a/b/")).add(site.files().at(""));
    let client = TestClient::new(server);
    client
        .get("/a/b")
        .await
        .assert_status(308)
        .assert_header("location", "/a/b/");
    for path in ["/a/b/", "/", "/index.html", "/a/b/index.html"] {
        client.get(path).await.assert_status(200).assert_text("home").await;
    }
    client.get("/a/").await.assert_status(404);
}

#[tokio::test]
async fn a_parameter_at_the_end_of_the_pattern_is_the_path() {
    let site = site();
    let server = Server::new();
    server
        .get("/{tenant}/one/{file}", site.files())
        .get("/{tenant}/site/", site.files());
    let client = TestClient::new(server);
    client
        .get("/a%2Fb/one/404.html")
        .await
        .assert_text("nothing here")
        .await;
    client.get("/a/one/docs%2Findex.html").await.assert_status(404);
    client.get("/404.html/site/").await.assert_text("home").await;
}

#[tokio::test]
async fn a_listing_is_made_when_asked_for_and_shows_what_can_be_had() {
    let site = Site::new(&[
        ("b.txt", "bee"),
        ("a/x", ""),
        (".hidden", "no"),
        ("<i>&.txt", "odd"),
        ("z dir/y", ""),
    ]);
    #[cfg(unix)]
    {
        std::fs::write(site.outside().join("secret"), "no").expect("can be written");
        std::os::unix::fs::symlink("../secret", site.root().join("leads-out")).expect("can be made");
        std::os::unix::fs::symlink("b.txt", site.root().join("leads-in")).expect("can be made");
    }
    site.client().get("/").await.assert_status(404);
    let response = client(site.files().listing(true)).get("/").await;
    response
        .assert_status(200)
        .assert_header("content-type", "text/html; charset=utf-8")
        .assert_header("x-content-type-options", "nosniff");
    let policy = response.header("content-security-policy").expect("is set");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let page = response.text().await;
    assert!(
        !page.contains("hidden") && !page.contains("leads-out") && !page.contains("<i>"),
        "{page}"
    );
    let places: Vec<usize> = ["./a/\"", "./z%20dir/\"", "./%3Ci%3E%26.txt\"", "./b.txt\""]
        .iter()
        .map(|link| page.find(link).unwrap_or_else(|| panic!("no {link} in {page}")))
        .collect();
    assert!(places.is_sorted(), "directories first, then by name: {page}");
    #[cfg(unix)]
    assert!(page.contains("./leads-in\""));
    let response = client(site.files().listing(true)).get("/a/").await;
    let page = response.text().await;
    assert!(page.contains("href=\"../\"") && page.contains("Index of /a/"), "{page}");
}

#[tokio::test]
async fn a_fallback_stands_in_for_pages_and_not_for_what_pages_load() {
    let site = site();
    let client = client(site.files().fallback("index.html"));
    for path in ["/users/7", "/users/7/", "/deep/er/link"] {
        client.get(path).await.assert_status(200).assert_text("home").await;
    }
    for path in ["/missing.js", "/img/missing.png"] {
        client
            .get(path)
            .await
            .assert_status(404)
            .assert_header("vary", "accept");
    }
    let page = client
        .get("/users/john.doe")
        .header("accept", "text/html,*/*;q=0.8")
        .await;
    page.assert_status(200)
        .assert_header("vary", "accept")
        .assert_text("home")
        .await;
    // What is refused is not there, whoever asks.
    client
        .get("/../etc/passwd")
        .header("accept", "text/html")
        .await
        .assert_status(404);
    client.get("/.env").await.assert_status(404);
    let tag = client.get("/users/7").await.header("etag").expect("has one").to_owned();
    client
        .get("/users/8")
        .header("if-none-match", tag)
        .await
        .assert_status(304);
}

#[tokio::test]
async fn a_page_goes_with_a_404_and_has_neither_conditions_nor_ranges() {
    let site = site();
    let files = site.files().not_found("404.html");
    let client = client(files.cache_control(CacheControl::immutable()));
    let response = client
        .get("/missing")
        .header("range", "bytes=0-1")
        .header("if-none-match", "*")
        .await;
    response
        .assert_status(404)
        .assert_header("cache-control", "no-store")
        .assert_text("nothing here")
        .await;
    client
        .get("/..%2f..%2fetc/passwd")
        .await
        .assert_status(404)
        .assert_text("nothing here")
        .await;
    client
        .head("/missing")
        .await
        .assert_status(404)
        .assert_header("content-length", "12");
}

#[tokio::test]
async fn names_with_a_hash_are_kept_for_ever() {
    let site = site();
    let client = client(site.files().immutable(has_hash).cache_control(CacheControl::no_store()));
    let hashed = client.get("/app.3f9c2b71.js").await;
    hashed.assert_header("cache-control", "public, max-age=31536000, immutable");
    client.get("/404.html").await.assert_header("cache-control", "no-store");
}

#[tokio::test]
async fn hidden_files_are_served_when_asked_for() {
    let site = site();
    site.client().get("/empty/.keep").await.assert_status(404);
    client(site.files().dot_files(true))
        .get("/empty/.keep")
        .await
        .assert_status(200);
}

#[tokio::test]
async fn a_root_that_is_missing_is_500_and_says_nothing() {
    let client = client(Files::new("/nowhere/at/all"));
    let response = client.get("/a.txt").await;
    response.assert_status(500);
    assert!(!response.text().await.contains("nowhere"));
}

#[tokio::test]
async fn a_media_type_of_ones_own_counts() {
    let site = Site::new(&[("a.X3D", "x")]);
    let value = hyperlane::HeaderValue::from_static("model/x3d+xml");
    client(site.files().media_type("x3d", value))
        .get("/a.X3D")
        .await
        .assert_header("content-type", "model/x3d+xml");
}

/// A deployment that turns a link to the next release is seen without a restart.
#[cfg(unix)]
#[tokio::test]
async fn a_root_that_is_a_link_may_be_turned() {
    let site = Site::new(&[("one/a.txt", "1"), ("two/a.txt", "2")]);
    let current = site.outside().join("current");
    std::os::unix::fs::symlink(site.root().join("one"), &current).expect("can be made");
    let client = client(Files::new(&current).cache_time(std::time::Duration::ZERO));
    client.get("/a.txt").await.assert_text("1").await;
    std::fs::remove_file(&current).expect("is there");
    std::os::unix::fs::symlink(site.root().join("two"), &current).expect("can be made");
    client.get("/a.txt").await.assert_text("2").await;
}
