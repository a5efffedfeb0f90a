//! The page of uploads in a real browser: images are chosen, break off, go on, become thumbnails, and are refused.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

#[path = "support/browser.rs"]
mod browser;
mod support;

use browser::Browser;
use serde_json::json;
use support::{Running, tool};

/// Gives the page files that the browser makes: pictures of so many pixels, or text.
const CHOOSE: &str = "
    const [done] = [arguments[arguments.length - 1]];
    const give = (file) => {
        const transfer = new DataTransfer();
        transfer.items.add(file);
        const input = document.getElementById('choose');
        input.files = transfer.files;
        input.dispatchEvent(new Event('change'));
        done();
    };
    if (arguments[1] === 0) give(new File(['<html>no picture</html>'], arguments[0], { type: 'image/png' }));
    else {
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [arguments[1], arguments[1]];
        const context = canvas.getContext('2d');
        const pixels = context.createImageData(canvas.width, canvas.height);
        for (let at = 0; at < pixels.data.length; at += 1) pixels.data[at] = at % 4 === 3 ? 255 : (at * 7919) % 256 * Math.random();
        context.putImageData(pixels, 0, 0);
        canvas.toBlob((blob) => give(new File([blob], arguments[0], { type: 'image/png' })));
    }";

async fn choose(browser: &Browser, name: &str, side: u32) {
    let arguments = vec![json!(name), json!(side)];
    browser.client.execute_async(CHOOSE, arguments).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_is_uploaded_paused_gone_on_with_shown_and_removed() {
    let test = "an_image_is_uploaded_paused_gone_on_with_shown_and_removed";
    let (Some(driver), Some(chromium)) = (tool("chromedriver", test), tool("chromium", test)) else {
        return;
    };
    let browser = Browser::start(&driver, &chromium).await;
    let showcase = Running::start(1.0).await;
    browser.client.goto(&showcase.url("/uploads")).await.unwrap();
    assert_eq!(browser.text("#none").await, "Nothing is uploaded yet.");

    choose(&browser, "small.png", 300).await;
    let said = |text: &str| text.contains("small.png is uploaded, and its thumbnail is there");
    browser.wait_for_text("#uploads-status", said).await;
    let about = browser.text(".file .said").await;
    assert!(about.contains("image/png"), "{about}");
    let picture =
        "const picture = document.querySelector('.file img'); return picture.complete && picture.naturalWidth;";
    for _ in 0..500 {
        if browser.run(picture).await == json!(300) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(browser.run(picture).await, json!(300));

    // Slow enough to be paused in the middle.
    let slow = json!({ "offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 700_000 });
    browser.devtools("Network.enable", json!({})).await;
    browser.devtools("Network.emulateNetworkConditions", slow).await;
    choose(&browser, "large.png", 900).await;
    browser
        .wait_for_text(".file .said", |text| text.contains(" of ") && !text.starts_with("0 "))
        .await;
    browser.find(".file .buttons button").await.click().await.unwrap();
    let paused = browser
        .wait_for_text(".file .said", |text| text.starts_with("Paused"))
        .await;
    assert!(paused.contains(" of "), "{paused}");
    let fast = json!({ "offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    browser.devtools("Network.emulateNetworkConditions", fast).await;
    browser.find(".file .buttons button").await.click().await.unwrap();
    let said = |text: &str| text.contains("large.png is uploaded, and its thumbnail is there");
    browser.wait_for_text("#uploads-status", said).await;

    choose(&browser, "lie.png", 0).await;
    let refused = browser
        .wait_for_text("#uploads-status", |text| text.contains("lie.png was not"))
        .await;
    assert!(refused.contains("text/html"), "{refused}");
    assert_eq!(browser.count(".file").await, 3);
    if let Some(folder) = std::env::var_os("HYPERLANE_PICTURES") {
        for (width, name) in [(1280, "uploads-wide.png"), (390, "uploads-narrow.png")] {
            browser.resize(width).await;
            browser.picture(std::path::Path::new(&folder).join(name)).await;
        }
    }
    let overflow = "return document.documentElement.scrollWidth > innerWidth";
    browser.resize(390).await;
    assert_eq!(browser.run(overflow).await, json!(false), "nothing is cut at the side");

    // What was uploaded is there again, and what was refused is not.
    browser.client.goto(&showcase.url("/uploads")).await.unwrap();
    browser.find(".file:nth-child(2) img").await;
    assert_eq!(browser.count(".file").await, 2);
    for left in [1, 0] {
        browser
            .run("document.querySelector('.file .buttons button').click()")
            .await;
        for _ in 0..500 {
            if browser.count(".file").await == left {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(browser.count(".file").await, left);
    }
    assert_eq!(browser.text("#none").await, "Nothing is uploaded yet.");
    let files = std::fs::read_dir(showcase.data_file("uploads").join("files")).unwrap();
    assert_eq!(files.count(), 0);
    browser.stop().await;
    showcase.stop().await;
}
