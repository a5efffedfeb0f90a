//! Memory stays flat, however long a source is. A process of its own, since the system counts for the whole process.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "how a test says what must hold")]

mod support;

use std::sync::{Arc, Mutex};

use futures_util::{StreamExt as _, stream};
use hyperlane::{Body, Bytes};
use hyperlane_batch::imports::{Format, ImportState};
use support::{Place, people};

const RECORDS: usize = 200_000;

/// What this process has in memory, in KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn two_hundred_thousand_records_take_no_more_memory_than_twenty_thousand() {
    let place = Place::sqlite().await;
    let (_, imports) = place.imports(people()).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    // Made as it is asked for: 200 records at a time.
    let pieces = stream::iter(0..=RECORDS / 200).map({
        let seen = seen.clone();
        move |piece| {
            seen.lock().unwrap().push(resident());
            if piece == 0 {
                return Ok::<_, std::io::Error>(Bytes::from("email,name,age\n"));
            }
            let line = |n: usize| format!("p{n}@example.org,\"Person, number {n}\",{}\n", n % 90);
            Ok(Bytes::from(
                (piece * 200 - 200..piece * 200).map(line).collect::<String>(),
            ))
        }
    });
    let status = imports
        .stream("people", "", Format::CSV, Body::stream(pieces))
        .await
        .unwrap();
    assert_eq!(
        (status.state, status.written),
        (ImportState::Done, RECORDS as u64),
        "{status:?}"
    );
    let seen = seen.lock().unwrap();
    let early = *seen[..seen.len() / 10].iter().max().unwrap();
    let late = *seen.iter().max().unwrap();
    assert!(late < early + 8 * 1024, "{early} KiB after a tenth, {late} KiB later");
}
