//! The article's claim: a thousand requests that each wait 300 ms, answered in about one such wait.

mod support;

use std::time::{Duration, Instant};

use futures::future::join_all;
use support::Running;

/// One wait is 300 ms; the rest is room for a busy machine on which client and server share two
/// cores. One after another, the same waits would take five minutes.
const BOUND: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_requests_at_once_take_about_one_wait() {
    let showcase = Running::start(1.0).await;
    let start = Instant::now();
    let statuses = join_all((0..1000).map(|_| async {
        let response = showcase.get("/async-data").await;
        let status = response.status();
        let body = response.text().await.unwrap();
        assert!(body.contains("\"execution_mode\":\"concurrent\""), "{body}");
        status
    }))
    .await;
    let elapsed = start.elapsed();
    println!("1,000 requests at once took {elapsed:?}");

    assert!(statuses.iter().all(|status| *status == 200));
    assert!(elapsed >= Duration::from_millis(300), "{elapsed:?}");
    assert!(elapsed < BOUND, "{elapsed:?}");
    showcase.stop().await;
}
