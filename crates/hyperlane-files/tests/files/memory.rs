//! Small files in memory: seen for a second as they were, then looked at again.

use std::fs;
use std::time::Duration;

use super::support::{Site, client, set_age};

#[tokio::test(start_paused = true)]
async fn a_file_is_answered_from_memory_for_a_second_and_then_looked_at_again() {
    let site = Site::new(&[("a.txt", "one")]);
    let client = site.client();
    client.get("/a.txt").await.assert_text("one").await;
    site.write("a.txt", "two");
    set_age(&site.root().join("a.txt"), 1);
    client.get("/a.txt").await.assert_text("one").await;
    tokio::time::advance(Duration::from_millis(1001)).await;
    client.get("/a.txt").await.assert_text("two").await;
    fs::remove_file(site.root().join("a.txt")).expect("is there");
    client.get("/a.txt").await.assert_text("two").await;
    tokio::time::advance(Duration::from_millis(1001)).await;
    client.get("/a.txt").await.assert_status(404);
    client.get("/a.txt").await.assert_status(404);
}

/// Also where the time and the length stay as they were, which the tag can't tell (on Unix).
#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_file_that_takes_the_place_of_another_is_read_anew() {
    let site = Site::new(&[("a.txt", "one"), ("b.txt", "two")]);
    let client = site.client();
    client.get("/a.txt").await.assert_text("one").await;
    fs::rename(site.root().join("b.txt"), site.root().join("a.txt")).expect("takes its place");
    tokio::time::advance(Duration::from_secs(2)).await;
    client.get("/a.txt").await.assert_text("two").await;
}

#[tokio::test]
async fn nothing_is_kept_where_there_is_no_cache() {
    let site = Site::new(&[("a.txt", "one")]);
    let client = client(site.files().cache_size(0));
    client.get("/a.txt").await.assert_text("one").await;
    site.write("a.txt", "three");
    client.get("/a.txt").await.assert_text("three").await;
}

#[tokio::test]
async fn a_cache_that_is_too_small_for_a_file_serves_it_all_the_same() {
    let site = Site::new(&[]);
    let content = "x".repeat(200_000);
    for name in ["a", "b", "c"] {
        site.write(name, &content);
    }
    let client = client(site.files().cache_size(64 << 10));
    for name in ["/a", "/b", "/c", "/a"] {
        client.get(name).await.assert_text(&content).await;
    }
}

/// A large file is known for a second, too; but it is opened for each download, and seen if it is another one.
#[tokio::test(start_paused = true)]
async fn a_large_file_that_was_replaced_is_never_mixed_with_the_old_one() {
    let site = Site::new(&[]);
    site.write("big", vec![b'1'; 500_000]);
    let client = site.client();
    let before = client.get("/big").await;
    let tag = before.header("etag").expect("has one").to_owned();
    assert_eq!(before.bytes().await, vec![b'1'; 500_000]);
    site.write("big", vec![b'2'; 600_000]);
    set_age(&site.root().join("big"), 1);
    let after = client.get("/big").await;
    assert_ne!(after.header("etag"), Some(tag.as_str()));
    after.assert_header("content-length", "600000");
    assert_eq!(after.bytes().await, vec![b'2'; 600_000]);
}
