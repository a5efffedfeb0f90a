//! The page in a real browser: what a person sees after pressing each button, by mouse and by keyboard.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

#[path = "support/browser.rs"]
mod browser;
mod support;

use std::{
    env, fs,
    io::{self, Write},
};

use browser::Browser;
use fantoccini::key::Key;
use serde_json::json;
use support::{Running, tool};

/// A button, where its outcome is said, and what that must contain.
const BUTTONS: [(&str, &str, &str); 9] = [
    ("run-both", "#both-status", "less waiting"),
    ("run-sync", "#sources-status", "One after another: "),
    ("run-async", "#sources-status", "All at once: "),
    ("run-concurrent", "#tasks-status", "100 of 100 tasks succeeded"),
    (
        "run-stream",
        "#streaming-status",
        "The stream ended after 1,000 chunks.",
    ),
    (
        "run-errors",
        "#failures-status",
        "6 of 10 operations failed, in 6 different ways",
    ),
    ("run-practices", "#practices-status", "Operation timed out after 1"),
    ("run-scenarios", "#scenarios-status", "4 scenarios."),
    ("run-performance", "#performance-status", "There is no measurement yet."),
];

/// Starts the browser, or says why the test is skipped.
async fn browser(test: &str) -> Option<Browser> {
    let (driver, chromium) = (tool("chromedriver", test)?, tool("chromium", test)?);
    Some(Browser::start(&driver, &chromium).await)
}

async fn assert_quiet_console(browser: &Browser) {
    assert_eq!(browser.console().await, json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_button_shows_its_demo_to_the_mouse() {
    let Some(browser) = browser("every_button_shows_its_demo_to_the_mouse").await else {
        return;
    };
    let showcase = Running::start(1.0).await;
    browser.client.goto(&showcase.url("/")).await.unwrap();
    assert!(browser.client.title().await.unwrap().starts_with("hyperlane"));
    assert_eq!(browser.text("#tasks-panel").await, "No task has run yet.");

    for (button, status, wanted) in BUTTONS {
        browser.press(button).await;
        browser.wait_for_text(status, |text| text.contains(wanted)).await;
    }
    // What was pressed last is what the table of the sources shows.
    let table = browser.text("#sources-answers").await;
    for answer in [
        "60 orders from the north",
        "Delivery to the north takes 2 days",
        "region = north",
    ] {
        assert!(table.contains(answer), "{table}");
    }
    assert_bars_follow_the_spans(&browser).await;

    assert_eq!(browser.count("#tasks-panel .grid-of-tasks .done").await, 100);
    let tail = browser.text("#stream-tail").await;
    assert!(tail.ends_with("Chunk 999: processed_data_999"), "{tail}");
    assert_eq!(browser.text("#stream-chunks").await, "1,000");
    assert_eq!(browser.count("table.failures tbody tr").await, 10);
    let report = browser.text("table.failures").await;
    for kind in [
        "file not found",
        "connection refused",
        "request timed out",
        "task panicked",
    ] {
        assert!(report.contains(kind), "{report}");
    }
    assert!(browser.text("#practices-panel").await.contains("100 ms"));
    assert!(
        browser
            .text("#scenarios-panel")
            .await
            .contains("the article's claim, not measured here")
    );
    assert_quiet_console(&browser).await;
    browser.stop().await;
    showcase.stop().await;
}

/// Side by side in the sequential picture, from one common start in the concurrent one.
async fn assert_bars_follow_the_spans(browser: &Browser) {
    let script = "return [...document.querySelectorAll('#timeline rect.bar')].map((bar) => [bar.x.baseVal.value, bar.width.baseVal.value])";
    let bars: Vec<(f64, f64)> = serde_json::from_value(browser.run(script).await).unwrap();
    let [a, b, c, d, e, f] = bars[..] else {
        panic!("{bars:?}")
    };
    assert!(a.0 + a.1 <= b.0 + 1.0 && b.0 + b.1 <= c.0 + 1.0, "{bars:?}");
    for bar in [d, e, f] {
        assert!((bar.0 - a.0).abs() < a.1 / 2.0, "{bars:?}");
    }
    assert!(b.1 > a.1 && a.1 > c.1 && e.1 > d.1 && d.1 > f.1, "{bars:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_button_is_reached_and_pressed_by_keyboard() {
    let Some(browser) = browser("every_button_is_reached_and_pressed_by_keyboard").await else {
        return;
    };
    let showcase = Running::start(0.5).await;
    browser.client.goto(&showcase.url("/")).await.unwrap();

    let focused =
        "const at = document.activeElement; return [at.id || at.className, getComputedStyle(at).outlineStyle]";
    let mut waiting: Vec<_> = BUTTONS.to_vec();
    let mut first = None;
    for _ in 0..100 {
        let active = browser.client.active_element().await.unwrap();
        active.send_keys(&Key::Tab.to_string()).await.unwrap();
        let (name, outline): (String, String) = serde_json::from_value(browser.run(focused).await).unwrap();
        first.get_or_insert(name.clone());
        if let Some(index) = waiting.iter().position(|(button, ..)| *button == name) {
            let (_, status, wanted) = waiting.remove(index);
            assert_ne!(outline, "none", "{name} shows no focus");
            let active = browser.client.active_element().await.unwrap();
            active.send_keys(&Key::Enter.to_string()).await.unwrap();
            browser.wait_for_text(status, |text| text.contains(wanted)).await;
            // The keyboard's place must survive the press.
            let (after, _): (String, String) = serde_json::from_value(browser.run(focused).await).unwrap();
            assert_eq!(after, name);
        }
        if waiting.is_empty() {
            break;
        }
    }
    assert_eq!(waiting, []);
    assert_eq!(first.as_deref(), Some("skip"));
    assert_quiet_console(&browser).await;
    browser.stop().await;
    showcase.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_is_seen_arriving_and_can_be_stopped() {
    let Some(browser) = browser("the_stream_is_seen_arriving_and_can_be_stopped").await else {
        return;
    };
    let showcase = Running::start(0.0).await;
    browser.client.goto(&showcase.url("/")).await.unwrap();
    let chunks = |text: &str| text.replace(',', "").parse::<u64>().unwrap_or(0);

    let delay = browser.find("#delay").await;
    delay.clear().await.unwrap();
    delay.send_keys("20").await.unwrap();
    browser.press("run-stream").await;
    let early = chunks(&browser.wait_for_text("#stream-chunks", |text| chunks(text) > 0).await);
    let later = chunks(
        &browser
            .wait_for_text("#stream-chunks", |text| chunks(text) > early + 10)
            .await,
    );
    assert!(later < 1000, "{later} chunks came at once");
    browser.press("stop-stream").await;
    browser
        .wait_for_text("#streaming-status", |text| {
            text.starts_with("You stopped the stream after ")
        })
        .await;

    delay.clear().await.unwrap();
    delay.send_keys("5000").await.unwrap();
    browser.press("run-stream").await;
    browser
        .wait_for_text("#streaming-status", |text| {
            text.contains("delay_ms must be a number from 0 to 1000")
        })
        .await;
    browser.stop().await;
    showcase.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_are_shown_with_their_origin_or_not_at_all() {
    let Some(browser) = browser("figures_are_shown_with_their_origin_or_not_at_all").await else {
        return;
    };
    let showcase = Running::start(0.0).await;
    let file = showcase.folder.path().join("results.json");
    browser.client.goto(&showcase.url("/")).await.unwrap();
    let measured = "#performance-panel .block:first-child";

    browser.press("run-performance").await;
    browser
        .wait_for_text("#performance-status", |text| text == "There is no measurement yet.")
        .await;
    assert_eq!(browser.count(&format!("{measured} .bars")).await, 0);
    assert!(
        browser.text(measured).await.contains("there is no"),
        "the file is named"
    );
    let article = browser.text("#performance-panel .block:last-child").await;
    assert!(
        article.contains("not measured here") && article.contains("324,323.71 requests/s"),
        "{article}"
    );

    fs::write(&file, r#"{"schema":1,"#).unwrap();
    browser.press("run-performance").await;
    browser
        .wait_for_text("#performance-status", |text| {
            text == "The benchmark's file can't be used."
        })
        .await;
    assert!(browser.text(measured).await.contains("EOF"));

    fs::write(&file, example_results().to_string()).unwrap();
    browser.press("run-performance").await;
    browser
        .wait_for_text("#performance-status", |text| text == "3 servers were measured.")
        .await;
    let figures = browser.text(measured).await;
    for figure in [
        "a test's machine",
        "1,234,567 requests/s",
        "1,111,111 requests/s",
        "10% fewer requests than raw tokio",
    ] {
        assert!(figures.contains(figure), "{figures}");
    }
    assert_quiet_console(&browser).await;
    browser.stop().await;
    showcase.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_is_reported_in_words() {
    let Some(browser) = browser("a_server_that_is_gone_is_reported_in_words").await else {
        return;
    };
    let showcase = Running::start(0.0).await;
    browser.client.goto(&showcase.url("/")).await.unwrap();
    browser.find("#run-async").await;
    showcase.stop().await;
    for (button, status) in [("run-async", "#sources-status"), ("run-errors", "#failures-status")] {
        browser.press(button).await;
        browser
            .wait_for_text(status, |text| text.contains("The server did not answer"))
            .await;
    }
    browser.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fits_light_dark_and_narrow_screens() {
    let Some(browser) = browser("fits_light_dark_and_narrow_screens").await else {
        return;
    };
    let showcase = Running::start(1.0).await;
    fs::write(
        showcase.folder.path().join("results.json"),
        example_results().to_string(),
    )
    .unwrap();
    fs::write(showcase.folder.path().join("growth.json"), example_growth().to_string()).unwrap();
    let folder = env::temp_dir().join(format!("hyperlane-showcase-pictures-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    browser.resize(1280).await;
    browser.client.goto(&showcase.url("/")).await.unwrap();
    browser.resize(1280).await;
    browser
        .wait_for_text("#no-notes", |text| text == "Nobody has written yet.")
        .await;
    browser.picture(folder.join("fresh.png")).await;
    for (button, status, wanted) in BUTTONS {
        let wanted = if button == "run-performance" {
            "3 servers"
        } else {
            wanted
        };
        browser.press(button).await;
        browser.wait_for_text(status, |text| text.contains(wanted)).await;
    }

    assert_eq!(browser.count("#performance-panel .growth polyline").await, 3);
    for (field, text, button, status, wanted) in [
        ("#visitor-name", "Kim", "say-name", "#greeting", "Hello, Kim."),
        (
            "#note-text",
            "A note that is long enough to need a second line on a narrow screen.",
            "write-note",
            "#guestbook-status",
            "Your note is number 1.",
        ),
        ("#note-text", "", "write-note", "#note-text-mistake", "length"),
    ] {
        browser.find(field).await.send_keys(text).await.unwrap();
        browser.press(button).await;
        browser.wait_for_text(status, |text| text.contains(wanted)).await;
    }
    browser.console().await;

    let luminance = "const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number); return (r + g + b) / 3";
    browser.resize(1280).await;
    assert!(browser.run(luminance).await.as_f64().unwrap() > 200.0);
    browser.picture(folder.join("light.png")).await;

    let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    browser.devtools("Emulation.setEmulatedMedia", dark).await;
    assert!(browser.run(luminance).await.as_f64().unwrap() < 60.0);
    browser.picture(folder.join("dark.png")).await;
    // The button goes against the system's preference, and the choice survives a reload.
    let theme = browser.find("#theme").await;
    assert_eq!(
        theme.attr("aria-label").await.unwrap().unwrap(),
        "Switch to the light theme"
    );
    theme.click().await.unwrap();
    assert!(browser.run(luminance).await.as_f64().unwrap() > 200.0);
    browser.picture(folder.join("toggled.png")).await;

    for width in [360, 768] {
        browser.resize(width).await;
        let needed = browser
            .run("return document.documentElement.scrollWidth")
            .await
            .as_u64()
            .unwrap();
        assert!(needed <= u64::from(width), "{needed} pixels on a screen of {width}");
        browser.picture(folder.join(format!("wide-{width}.png"))).await;
    }
    browser.client.refresh().await.unwrap();
    assert!(browser.run(luminance).await.as_f64().unwrap() > 200.0);
    assert_quiet_console(&browser).await;
    let _ = writeln!(io::stderr(), "pictures of the page are in {}", folder.display());
    browser.stop().await;
    showcase.stop().await;
}

/// Growth that is a test's and nobody's measurement.
fn example_growth() -> serde_json::Value {
    let line = |server: &str, cpu: [f64; 4]| {
        let points = [1, 10, 100, 1000].into_iter().zip(cpu);
        let points: Vec<_> = points
            .map(|(value, cpu)| json!({"value": value, "cpu": {"median": cpu}}))
            .collect();
        json!({"server": server, "version": "1", "case": "last", "points": points})
    };
    json!({"schema": 1, "machine": "a test's machine", "axes": [{
        "name": "routes", "description": "made up for a test", "measured": "2000-01-01 00:00", "quick": true,
        "lines": [
            line("hyperlane", [3.0, 3.0, 3.1, 3.2]),
            line("another", [3.5, 3.7, 4.1, 6.9]),
            line("raw tokio", [2.9, 2.9, 2.9, 2.9]),
        ],
    }]})
}

/// Figures that are a test's and nobody's measurement.
fn example_results() -> serde_json::Value {
    json!({
        "schema": 1, "date": "2000-01-01", "machine": "a test's machine", "workload": "made up for a test",
        "rows": [
            {"name": "raw tokio", "requests_per_second": 1_234_567.0},
            {"name": "hyperlane", "version": "0.1.0", "requests_per_second": 1_111_111.0, "latency_avg_ms": 1.25,
             "latency_p99_ms": 4.0, "ratio_to_raw_tokio": 0.9, "requests_total": 66_666_660, "errors": 0},
            {"name": "another", "requests_per_second": 1_000_000.0},
        ],
    })
}
