//! The dashboard in a real browser, and the answers behind it.

#[path = "support/browser.rs"]
mod browser;
mod support;

use std::{env, path::PathBuf};

use browser::Browser;
use serde_json::{Value, json};
use support::{Running, tool};

/// What a tile reads after the visitor chose how the delivery service behaves.
async fn choose(browser: &Browser, behaviour: &str, wanted: &str) -> String {
    let press = format!("document.querySelector('input[value={behaviour}]').click()");
    browser.run(&press).await;
    let tile = browser
        .wait_for_text("#tile-delivery", |text| text.contains(wanted))
        .await;
    browser.wait_for_text("#status", |text| text.contains(" after ")).await;
    tile
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tiles_fill_and_say_what_became_of_a_source_that_misbehaves() {
    let test = "the_tiles_fill_and_say_what_became_of_a_source_that_misbehaves";
    let (Some(driver), Some(chromium)) = (tool("chromedriver", test), tool("chromium", test)) else {
        return;
    };
    let browser = Browser::start(&driver, &chromium).await;
    let showcase = Running::start(1.0).await;
    browser.client.goto(&showcase.url("/dashboard")).await.unwrap();
    assert_eq!(browser.count(".tile").await, 5);

    browser.press("ask").await;
    browser
        .wait_for_text("#status", |text| text.contains("All five are there"))
        .await;
    for (tile, wanted) in [
        ("orders", "2,000"),
        ("regions", "north"),
        ("delivery", "Two days"),
        ("rates", "1.09 dollars"),
        ("notice", "closed on Sunday"),
    ] {
        let text = browser.text(&format!("#tile-{tile}")).await;
        assert!(text.contains(wanted) && text.contains("fresh"), "{text}");
    }

    choose(&browser, "slow", "Two days").await;
    let tile = choose(&browser, "failing", "fallback").await;
    assert!(
        tile.contains("Three days, as a rule") && tile.contains("The source answered with an error."),
        "{tile}"
    );
    let tile = choose(&browser, "hanging", "failed").await;
    assert!(
        tile.contains("No answer within 700 ms.") && tile.contains("2 attempts"),
        "{tile}"
    );
    let orders = browser.text("#tile-orders").await;
    assert!(orders.contains("fresh"), "the others are not touched: {orders}");
    // Two more, and its breaker is open.
    browser.press("ask").await;
    browser.wait_for_text("#circuit", |text| text.contains("is open")).await;

    if let Some(folder) = env::var_os("HYPERLANE_PICTURES") {
        for (name, width, scheme) in [
            ("light", 1280, "light"),
            ("dark", 1280, "dark"),
            ("narrow", 390, "light"),
        ] {
            let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
            browser.devtools("Emulation.setEmulatedMedia", features).await;
            browser.resize(width).await;
            let picture = PathBuf::from(&folder).join(format!("dashboard-{name}.png"));
            browser.picture(picture).await;
        }
    }
    let widths = browser
        .run("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        .await;
    assert_eq!(widths[0], widths[1], "nothing stands out at the side");
    assert_eq!(browser.console().await, json!([]));
    browser.stop().await;
    showcase.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_names_a_part_that_is_missing_and_keeps_the_others() {
    let showcase = Running::start(0.0).await;
    let well = showcase.json("/dashboard/report").await;
    assert_eq!(well["complete"], true);
    assert_eq!(well["parts"]["orders"]["value"]["count"], 2000);
    assert_eq!(well["parts"]["delivery"]["value"], "Two days to the north");

    let failing = showcase.json("/dashboard/report?delivery=failing").await;
    assert_eq!(failing["complete"], false);
    let delivery = &failing["parts"]["delivery"];
    assert_eq!(
        (&delivery["state"], &delivery["failure"]),
        (&json!("fallback"), &json!("error"))
    );
    assert_eq!(failing["parts"]["orders"]["state"], "fresh");

    let refused = showcase.get("/dashboard/report?delivery=dancing").await;
    assert_eq!(refused.status(), 400);
    showcase.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_goes_away_takes_its_tile_along_and_nothing_else() {
    let showcase = Running::start(0.0).await;
    std::fs::remove_file(showcase.data_file("dashboard-notice.txt")).unwrap();
    let report = showcase.json("/dashboard/report").await;
    assert_eq!(report["parts"]["notice"]["state"], "failed");
    assert_eq!(report["parts"]["orders"]["state"], "fresh");
    let text: &Value = &report["parts"]["notice"]["why"];
    assert_eq!(text, "the source answered with an error", "no path is told");
    showcase.stop().await;
}
