//! Ten thousand requests, with sources that hang, fail, are slow, and come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use hyperlane_aggregate::{Aggregate, Breaker, Cache, Retry, Source, State};
use tokio::time::{Instant, sleep};

use crate::support::{Calls, ms};

const REQUESTS: u64 = 10_000;
const DEADLINE: u64 = 250;

/// Each source gets a key of its own, so that none is shared and every request asks.
fn sources(calls: &[Calls; 5]) -> Aggregate<u64> {
    let [good, slow, failing, hanging, flapping] = calls.clone();
    let asked = Arc::new(AtomicU64::new(0));
    let patient = |source: Source<u64, u64>| source.concurrency(500).waiting(500);
    failing.fail(true);
    let good = Source::keyed("good", move |_| {
        let calls = good.clone();
        async move { calls.call(ms(5)).await }
    });
    let slow = Source::keyed("slow", move |_| {
        let calls = slow.clone();
        async move { calls.call(ms(120)).await }
    });
    let failing = Source::keyed("failing", move |_| {
        let calls = failing.clone();
        async move { calls.call(ms(3)).await }
    });
    let hanging = Source::keyed("hanging", move |_| {
        let calls = hanging.clone();
        async move { calls.call(ms(3_600_000)).await }
    });
    let flapping = Source::keyed("flapping", move |_| {
        let calls = flapping.clone();
        let number = asked.fetch_add(1, Ordering::Relaxed);
        async move {
            let value = calls.call(ms(10)).await?;
            if number.is_multiple_of(3) {
                Err("not now".to_owned())
            } else {
                Ok(value)
            }
        }
    });
    Aggregate::keyed()
        .source(patient(good))
        .source(patient(slow).cache(Cache::fresh_for(ms(50))))
        .source(
            patient(failing)
                .retry(Retry::new().delay(ms(10)))
                .breaker(Breaker::new())
                .fallback(|_| 0),
        )
        .source(patient(hanging).timeout(ms(100)).breaker(Breaker::new()))
        .source(patient(flapping).retry(Retry::new().delay(ms(10)).budget(1.0)))
        .required("good")
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_requests_are_all_answered_in_time_and_the_sums_are_right() {
    let calls: [Calls; 5] = Default::default();
    let aggregate = sources(&calls);
    let mut requests = Vec::new();
    for number in 0..REQUESTS {
        let aggregate = aggregate.clone();
        requests.push(tokio::spawn(async move {
            let begun = Instant::now();
            let report = aggregate.run_for(number, ms(DEADLINE)).await;
            (begun.elapsed(), report)
        }));
        // A thousand a second.
        sleep(ms(1)).await;
    }
    let mut times = Vec::new();
    let mut states = [[0_u64; 4]; 5];
    for request in join_all(requests).await {
        let (time, report) = request.expect("no request panics");
        assert!(report.missing().next().is_none(), "the good one is always there");
        times.push(time);
        for (part, states) in report.parts().zip(&mut states) {
            states[part.state() as usize] += 1;
        }
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("p50 {:?}, p99 {:?}, max {:?}", at(0.5), at(0.99), at(1.0));
    assert!(at(1.0) <= ms(DEADLINE), "{:?}", at(1.0));

    let [good, slow, failing, hanging, flapping] = states;
    assert_eq!(good, [REQUESTS, 0, 0, 0]);
    assert_eq!(slow, [REQUESTS, 0, 0, 0]);
    assert_eq!(failing, [0, 0, REQUESTS, 0]);
    assert_eq!(hanging, [0, 0, 0, REQUESTS]);
    assert_eq!(
        flapping[State::Fresh as usize] + flapping[State::Failed as usize],
        REQUESTS
    );
    assert!(
        flapping[State::Fresh as usize] > REQUESTS * 9 / 10,
        "retries mend most: {flapping:?}"
    );

    for (name, counts) in aggregate.counts() {
        let parts = counts.fresh + counts.cached + counts.stale + counts.fallback + counts.failed;
        assert_eq!((counts.asked, parts), (REQUESTS, REQUESTS), "{name}: {counts:?}");
        println!("{name}: {counts:?}");
    }
    for calls in &calls {
        assert_eq!(
            calls.begun(),
            calls.ended() + calls.dropped(),
            "nothing goes on that nobody waits for"
        );
    }
    assert!(
        calls[2].begun() < 500,
        "a source that is down is left alone: {}",
        calls[2].begun()
    );
    assert!(calls[3].begun() < 1500, "and one that hangs: {}", calls[3].begun());
}
