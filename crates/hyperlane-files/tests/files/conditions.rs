//! Conditional requests (RFC 9110 §13) over the wire.

use super::support::{AFTER, BEFORE, CHANGED, Site};

#[tokio::test]
async fn a_file_says_what_it_is_known_by() {
    let site = Site::new(&[("a.txt", "hello")]);
    let response = site.client().get("/a.txt").await;
    response
        .assert_status(200)
        .assert_header("content-type", "text/plain; charset=utf-8")
        .assert_header("last-modified", CHANGED)
        .assert_header("accept-ranges", "bytes")
        .assert_header("cache-control", "no-cache")
        .assert_header("x-content-type-options", "nosniff")
        .assert_header("content-length", "5")
        .assert_no_header("vary")
        .assert_text("hello")
        .await;
    let tag = response.header("etag").expect("has one");
    assert!(tag.starts_with('"') && tag.ends_with("-5\""), "{tag} is strong");
}

#[tokio::test]
async fn who_has_the_file_gets_304_without_what_it_knows_rfc_9110_15_4_5() {
    let site = Site::new(&[("a.txt", "hello")]);
    let client = site.client();
    let tag = client.get("/a.txt").await.header("etag").expect("has one").to_owned();
    for (name, value) in [
        ("if-none-match", tag.as_str()),
        ("if-none-match", "*"),
        ("if-modified-since", CHANGED),
        ("if-modified-since", AFTER),
    ] {
        for request in [client.get("/a.txt"), client.head("/a.txt")] {
            let response = request.header(name, value).await;
            response
                .assert_status(304)
                .assert_header("etag", &tag)
                .assert_header("cache-control", "no-cache")
                .assert_no_header("content-type")
                .assert_text("")
                .await;
        }
    }
    for (name, value) in [
        ("if-none-match", "\"other\""),
        ("if-modified-since", BEFORE),
        ("if-modified-since", "nonsense"),
    ] {
        client.get("/a.txt").header(name, value).await.assert_status(200);
    }
}

#[tokio::test]
async fn who_wants_another_file_gets_412() {
    let site = Site::new(&[("a.txt", "hello")]);
    let client = site.client();
    let tag = client.get("/a.txt").await.header("etag").expect("has one").to_owned();
    client.get("/a.txt").header("if-match", &tag).await.assert_status(200);
    client
        .get("/a.txt")
        .header("if-match", "\"other\"")
        .await
        .assert_status(412);
    client
        .get("/a.txt")
        .header("if-unmodified-since", BEFORE)
        .await
        .assert_status(412);
    client
        .get("/a.txt")
        .header("if-unmodified-since", CHANGED)
        .await
        .assert_status(200);
    // If-Match goes before the range, which would be 416 (§13.2.2).
    let response = client
        .get("/a.txt")
        .header("if-match", "\"other\"")
        .header("range", "bytes=9-")
        .await;
    response.assert_status(412);
}

#[tokio::test]
async fn conditions_on_what_is_not_there_do_not_count_rfc_9110_13_2_1() {
    let site = Site::new(&[]);
    let client = site.client();
    client
        .get("/a.txt")
        .header("if-none-match", "*")
        .await
        .assert_status(404);
    client.get("/a.txt").header("if-match", "*").await.assert_status(404);
}

#[tokio::test]
async fn a_changed_file_has_another_tag() {
    let site = Site::new(&[("a.txt", "one")]);
    let client = super::support::client(site.files().cache_time(std::time::Duration::ZERO));
    let before = client.get("/a.txt").await.header("etag").expect("has one").to_owned();
    site.write("a.txt", "two");
    super::support::set_age(&site.root().join("a.txt"), 1);
    let response = client.get("/a.txt").header("if-none-match", &before).await;
    response.assert_status(200).assert_text("two").await;
    assert_ne!(response.header("etag"), Some(before.as_str()));
}

/// As packers leave it that give one time to all files of all releases.
#[cfg(unix)]
#[tokio::test]
async fn a_file_whose_time_is_none_is_told_apart_all_the_same() {
    let site = Site::new(&[("a.txt", "one")]);
    let client = super::support::client(site.files().cache_time(std::time::Duration::ZERO));
    let mut tags = Vec::new();
    for content in ["one", "two"] {
        site.write("a.txt", content);
        let file = std::fs::File::options().write(true).open(site.root().join("a.txt"));
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1);
        file.and_then(|file| file.set_modified(time)).expect("is ours");
        let response = client.get("/a.txt").await;
        response.assert_no_header("last-modified").assert_text(content).await;
        tags.push(response.header("etag").expect("has one").to_owned());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_ne!(tags[0], tags[1]);
}

#[tokio::test]
async fn a_tag_of_the_content_does_not_change_with_the_time() {
    let site = Site::new(&[("a.txt", "same"), ("b/a.txt", "same"), ("c.txt", "other")]);
    super::support::set_age(&site.root().join("b/a.txt"), 5);
    let client = super::support::client(site.files().content_tags(true));
    let mut tags = Vec::new();
    for path in ["/a.txt", "/b/a.txt", "/c.txt"] {
        tags.push(client.get(path).await.header("etag").expect("has one").to_owned());
    }
    assert!(tags[0] == tags[1] && tags[1] != tags[2], "{tags:?}");
    client
        .get("/b/a.txt")
        .header("if-none-match", &tags[0])
        .await
        .assert_status(304);
}

#[tokio::test]
async fn a_time_in_the_future_is_not_said_rfc_9110_8_8_2_1() {
    let site = Site::new(&[("a.txt", "one")]);
    super::support::set_age(&site.root().join("a.txt"), 4_000_000_000);
    let response = site.client().get("/a.txt").await;
    let year = response
        .header("last-modified")
        .and_then(|date| date.split(' ').nth(3))
        .expect("has one");
    assert!(year.parse::<u32>().expect("a year") < 2100, "{year}");
}
