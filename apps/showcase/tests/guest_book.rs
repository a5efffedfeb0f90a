//! The guest book and the API's page in a real browser: sessions over reloads, forms by keyboard, a try of an operation.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

#[path = "support/browser.rs"]
mod browser;
mod support;

use browser::Browser;
use fantoccini::key::Key;
use serde_json::json;
use support::{Running, tool};

async fn browser(test: &str) -> Option<Browser> {
    let (driver, chromium) = (tool("chromedriver", test)?, tool("chromium", test)?);
    Some(Browser::start(&driver, &chromium).await)
}

/// Types into what has the focus.
async fn type_keys(browser: &Browser, keys: &str) {
    let active = browser.client.active_element().await.unwrap();
    active.send_keys(keys).await.unwrap();
}

/// Goes on by the tabulator until this element has the focus.
async fn tab_to(browser: &Browser, id: &str) {
    for _ in 0..60 {
        type_keys(browser, &Key::Tab.to_string()).await;
        if focused(browser).await == id {
            return;
        }
    }
    panic!("{id} is not reached by keyboard");
}

async fn focused(browser: &Browser) -> String {
    let id = browser.run("return document.activeElement.id").await;
    id.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_forms_are_filled_by_keyboard_and_the_visitor_is_known_after_a_reload() {
    let test = "the_forms_are_filled_by_keyboard_and_the_visitor_is_known_after_a_reload";
    let Some(browser) = browser(test).await else {
        return;
    };
    let showcase = Running::start(0.0).await;
    browser.client.goto(&showcase.url("/")).await.unwrap();
    browser
        .wait_for_text("#no-notes", |text| text == "Nobody has written yet.")
        .await;

    // A mistake is told beside its field, which the keyboard is led to.
    tab_to(&browser, "visitor-name").await;
    type_keys(&browser, &Key::Enter.to_string()).await;
    browser
        .wait_for_text("#visitor-name-mistake", |text| !text.is_empty())
        .await;
    assert_eq!(focused(&browser).await, "visitor-name");
    let invalid = browser.find("#visitor-name").await.attr("aria-invalid").await.unwrap();
    assert_eq!(invalid.as_deref(), Some("true"));

    type_keys(&browser, &format!("Kim <b>{}", Key::Enter)).await;
    browser
        .wait_for_text("#greeting", |text| text == "Hello, Kim <b>.")
        .await;
    assert_eq!(
        browser.find("#visitor-name").await.attr("aria-invalid").await.unwrap(),
        None
    );

    tab_to(&browser, "note-text").await;
    type_keys(&browser, "Written by keyboard.").await;
    tab_to(&browser, "write-note").await;
    type_keys(&browser, &Key::Enter.to_string()).await;
    browser
        .wait_for_text("#notes", |text| text.contains("Written by keyboard."))
        .await;
    assert!(browser.text("#notes").await.contains("Kim <b>"), "text is text");

    // Two requests later it is the same visitor: the session is what the server kept.
    browser.client.refresh().await.unwrap();
    browser
        .wait_for_text("#greeting", |text| text == "Hello, Kim <b>.")
        .await;
    browser
        .wait_for_text("#notes", |text| text.contains("Written by keyboard."))
        .await;

    browser.find("#notes button").await.click().await.unwrap();
    browser
        .wait_for_text("#guestbook-status", |text| text == "Note 1 is removed.")
        .await;
    assert_eq!(focused(&browser).await, "note-text");
    browser.press("forget").await;
    browser
        .wait_for_text("#greeting", |text| text == "You have not said your name yet.")
        .await;
    // The one mistake, which the browser notes on its own.
    let console = browser.console().await;
    let entries = console.as_array().unwrap();
    assert!(
        entries.len() == 1 && entries[0]["message"].as_str().unwrap().contains("422"),
        "{console}"
    );
    browser.stop().await;
    showcase.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_is_tried_out_on_the_page_of_the_api() {
    let Some(browser) = browser("an_operation_is_tried_out_on_the_page_of_the_api").await else {
        return;
    };
    let showcase = Running::start(0.0).await;
    browser.client.goto(&showcase.url("/docs")).await.unwrap();
    browser
        .wait_for_text(".info .title", |text| text.contains("hyperlane showcase"))
        .await;
    assert!(browser.client.title().await.unwrap().starts_with("hyperlane showcase"));
    assert_eq!(browser.count(".opblock").await, 23);
    let shown = browser.text("#viewer").await;
    for summary in ["Asks three sources at once", "Writes a note", "Removes a note of yours"] {
        assert!(shown.contains(summary), "{summary} in {shown}");
    }

    let operation = "#operations-guest_book-get_notes";
    let press = async |part: &str| {
        let element = browser.find(&format!("{operation} {part}")).await;
        element.click().await.unwrap();
    };
    browser
        .run(&format!("document.querySelector('{operation}').scrollIntoView()"))
        .await;
    press(".opblock-summary-control").await;
    press(".try-out__btn").await;
    press(".execute").await;
    let answer = format!("{operation} .live-responses-table tbody .response-col_status");
    browser.wait_for_text(&answer, |text| text.starts_with("200")).await;
    assert_eq!(
        browser.console().await,
        json!([]),
        "nothing goes against the page's policy"
    );
    browser.stop().await;
    showcase.stop().await;
}
