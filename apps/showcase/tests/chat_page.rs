//! The chat in a real browser: two visitors, one of whom loses the connection for a while.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

#[path = "support/browser.rs"]
mod browser;
mod support;

use std::{env, path::PathBuf};

use browser::Browser;
use fantoccini::key::Key;
use serde_json::json;
use support::{Running, tool};

async fn enter(browser: &Browser, showcase: &Running, name: &str) {
    browser.client.goto(&showcase.url("/chat")).await.unwrap();
    browser.find("#rooms input:checked").await;
    let field = browser.find("#name").await;
    field.clear().await.unwrap();
    field.send_keys(name).await.unwrap();
    browser.press("enter").await;
    browser.wait_for_text("#connection", |text| text == "Connected").await;
}

async fn say(browser: &Browser, text: &str) {
    let field = browser.find("#text").await;
    field.send_keys(text).await.unwrap();
    field.send_keys(&Key::Enter.to_string()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_visitors_hear_each_other_and_miss_nothing_when_a_connection_is_lost() {
    let test = "two_visitors_hear_each_other_and_miss_nothing_when_a_connection_is_lost";
    let (Some(driver), Some(chromium)) = (tool("chromedriver", test), tool("chromium", test)) else {
        return;
    };
    let browser = Browser::start(&driver, &chromium).await;
    let showcase = Running::start(0.0).await;
    let ada = browser.client.window().await.unwrap();
    enter(&browser, &showcase, "Ada").await;
    assert_eq!(browser.text("#present").await, "Ada (you)");
    say(&browser, "Is anybody here?").await;
    browser
        .wait_for_text("#said", |text| text.contains("Is anybody here?"))
        .await;

    // Another tab is another visitor; it finds what was said before.
    let bob = browser.client.new_window(true).await.unwrap().handle;
    browser.client.switch_to_window(bob.clone()).await.unwrap();
    enter(&browser, &showcase, "Bob").await;
    browser
        .wait_for_text("#said", |text| text.contains("Is anybody here?"))
        .await;
    assert_eq!(browser.text("#present").await, "Ada\nBob (you)");
    say(&browser, "I am. <b>Hello</b>!").await;
    browser
        .wait_for_text("#said", |text| text.contains("I am. <b>Hello</b>!"))
        .await;
    assert_eq!(
        showcase.json("/chat/rooms").await[0],
        json!({ "name": "lobby", "members": 2 })
    );

    browser.client.switch_to_window(ada.clone()).await.unwrap();
    let heard = browser.wait_for_text("#said", |text| text.contains("I am.")).await;
    assert!(heard.contains("Bob came in."), "{heard}");
    // The network is gone for this tab alone, and back.
    let network =
        |offline: bool| json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    browser.devtools("Network.enable", json!({})).await;
    browser
        .devtools("Network.emulateNetworkConditions", network(true))
        .await;
    browser
        .wait_for_text("#connection", |text| text.starts_with("The connection is lost"))
        .await;

    browser.client.switch_to_window(bob).await.unwrap();
    for line in ["One.", "Two.", "Three."] {
        say(&browser, line).await;
    }
    browser.wait_for_text("#said", |text| text.contains("Three.")).await;
    browser.client.switch_to_window(ada).await.unwrap();
    browser
        .devtools("Network.emulateNetworkConditions", network(false))
        .await;
    browser.wait_for_text("#connection", |text| text == "Connected").await;
    let heard = browser.wait_for_text("#said", |text| text.contains("Three.")).await;
    for line in ["Is anybody here?", "I am. <b>Hello</b>!", "One.", "Two.", "Three."] {
        assert_eq!(heard.matches(line).count(), 1, "{line} in {heard}");
    }
    assert!(!heard.contains("is gone"), "{heard}");

    for width in [1280, 390] {
        browser.resize(width).await;
        let needed = browser
            .run("return document.documentElement.scrollWidth")
            .await
            .as_u64()
            .unwrap();
        assert!(needed <= u64::from(width), "{needed} pixels on a screen of {width}");
        if let Some(folder) = env::var_os("HYPERLANE_PICTURES").map(PathBuf::from) {
            browser.picture(folder.join(format!("chat-{width}.png"))).await;
        }
    }
    browser.press("leave").await;
    browser.wait_for_text("#rooms", |text| text.contains("1 here")).await;
    browser.stop().await;
    showcase.stop().await;
}
