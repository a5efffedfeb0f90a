//! The page of the imports in a real browser: records are made, watched, cancelled, gone on with, and reported.

#[path = "support/browser.rs"]
mod browser;
mod support;

use std::{env, path::PathBuf};

use browser::Browser;
use serde_json::json;
use support::{Running, tool};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_watched_cancelled_gone_on_with_and_reported() {
    let test = "an_import_is_watched_cancelled_gone_on_with_and_reported";
    let (Some(driver), Some(chromium)) = (tool("chromedriver", test), tool("chromium", test)) else {
        return;
    };
    let browser = Browser::start(&driver, &chromium).await;
    let showcase = Running::start(1.0).await;
    browser.client.goto(&showcase.url("/imports")).await.unwrap();
    assert_eq!(browser.text("#none").await, "Nothing has been imported yet.");

    browser.press("make").await;
    let running = |text: &str| text.starts_with("Running") && !text.contains(" 0 written");
    browser.wait_for_text(".import .state", running).await;
    browser.find(".import .buttons button").await.click().await.unwrap();
    let cancelled = browser
        .wait_for_text(".import .state", |text| text.starts_with("Cancelled"))
        .await;
    assert!(!cancelled.contains("19,980 written"), "{cancelled}");

    browser
        .run("document.querySelector('.import .buttons button').click()")
        .await;
    let done = browser
        .wait_for_text(".import .state", |text| text.starts_with("Done"))
        .await;
    assert_eq!(done, "Done · 19,980 written, 20 refused");

    browser.find(".import summary").await.click().await.unwrap();
    let report = browser
        .wait_for_text(".import details", |text| text.contains("Download"))
        .await;
    for reason in [
        "502",
        "celsius",
        "451 is not on this earth",
        "has 2 fields where the header has 3",
        "The first 8 of 20.",
    ] {
        assert!(report.contains(reason), "{report}");
    }
    let download = showcase.get("/imports/1/report").await;
    let name = download.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert_eq!(name, "attachment; filename=\"import-1-report.csv\"");
    assert_eq!(download.text().await.unwrap().lines().count(), 21);

    if let Some(folder) = env::var_os("HYPERLANE_PICTURES") {
        for (name, width, scheme) in [
            ("light", 1280, "light"),
            ("dark", 1280, "dark"),
            ("narrow", 390, "light"),
        ] {
            let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
            browser.devtools("Emulation.setEmulatedMedia", features).await;
            browser.resize(width).await;
            let picture = PathBuf::from(&folder).join(format!("imports-{name}.png"));
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
