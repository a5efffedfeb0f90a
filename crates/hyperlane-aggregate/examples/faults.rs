//! Requests in real time against five sources, of which one hangs, one fails, one is slow and one comes and goes:
//! how long they take, and what the sources saw.
//!
//! ```text
//! cargo run --release -p hyperlane-aggregate --example faults -- --requests 10000 --per-second 2000 --deadline-ms 250
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyperlane_aggregate::{Aggregate, Breaker, Retry, Source, State};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let requests = number("--requests", 10_000)?;
    let per_second = number("--per-second", 2000)?.max(1);
    let deadline = Duration::from_millis(number("--deadline-ms", 250)?);
    let aggregate = sources();
    let mut ticks = interval(Duration::from_secs(1) / u32::try_from(per_second)?);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begun = Instant::now();
    let mut running = Vec::new();
    for key in 0..requests {
        ticks.tick().await;
        let aggregate = aggregate.clone();
        running.push(tokio::spawn(async move {
            let begun = Instant::now();
            let report = aggregate.run_for(key, deadline).await;
            (begun.elapsed(), report)
        }));
    }
    let mut times = Vec::new();
    let mut whole = 0;
    for request in running {
        let (time, report) = request.await?;
        times.push(time);
        whole += u64::from(report.parts().filter(|part| part.state() == State::Fresh).count() == 3);
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{requests} requests in {:.2?}, deadline {deadline:?}", begun.elapsed());
    println!(
        "p50 {:.2?}, p99 {:.2?}, p99.9 {:.2?}, max {:.2?}",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
    println!("{whole} with all three parts that could be had");
    for (name, counts) in aggregate.counts() {
        println!("{name:9} {counts:?}");
    }
    Ok(())
}

fn sources() -> Aggregate<u64> {
    let millis = Duration::from_millis;
    let timed = |name: &'static str, time: Duration| {
        Source::keyed(name, move |key: u64| async move {
            sleep(time).await;
            Ok::<_, String>(key)
        })
    };
    let asked = Arc::new(AtomicU64::new(0));
    let flapping = Source::keyed("flapping", move |key: u64| {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        async move {
            sleep(millis(5)).await;
            if number.is_multiple_of(10) {
                Err("not now")
            } else {
                Ok(key)
            }
        }
    });
    let failing = Source::keyed("failing", async |_: u64| Err::<u64, _>("it is down"));
    let hanging = timed("hanging", Duration::from_secs(3600)).timeout(millis(150));
    let roomy = |source: Source<u64, u64>| source.concurrency(2000).waiting(2000);
    Aggregate::keyed()
        .source(roomy(timed("good", millis(2))))
        .source(roomy(timed("slow", millis(120))))
        .source(roomy(flapping).retry(Retry::new().delay(millis(10))))
        .source(
            roomy(failing)
                .retry(Retry::new().delay(millis(10)))
                .breaker(Breaker::new())
                .fallback(|_| 0),
        )
        .source(roomy(hanging).breaker(Breaker::new()))
}

fn number(name: &str, default: u64) -> Result<u64, String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    match arguments.next() {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| format!("{name} takes a whole number, not {text:?}")),
    }
}
