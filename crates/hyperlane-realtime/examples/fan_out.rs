//! How long a message takes to the queues, and to the tasks, of many members of one room.
//!
//! `cargo run --release -p hyperlane-realtime --example fan_out -- --members 10000 --messages 100`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyperlane_realtime::{DeliveryKind, Hub};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (members, messages) = (argument("--members", 10_000)?, argument("--messages", 100)?);
    let hub = Hub::builder().max_members(members).presence_events(0).build();
    let heard = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    for number in 0..members {
        let mut member = hub.join("room", format!("member-{number}"))?;
        let heard = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Some(delivery) = member.recv().await {
                if delivery.kind() == DeliveryKind::Message {
                    heard.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    println!("{members} members joined in {:?}", begin.elapsed());
    let room = hub.room("room");
    let (mut queued, mut received) = (Vec::new(), Vec::new());
    for number in 0..messages {
        let wanted = heard.load(Ordering::Relaxed) + members;
        let begin = Instant::now();
        room.broadcast(&format!("message {number}"))?;
        queued.push(begin.elapsed());
        while heard.load(Ordering::Relaxed) < wanted {
            tokio::task::yield_now().await;
        }
        received.push(begin.elapsed());
    }
    report("in all queues", &mut queued);
    report("received by all", &mut received);
    Ok(())
}

fn argument(name: &str, default: usize) -> Result<usize, std::num::ParseIntError> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1).map_or(Ok(default), |value| value.parse())
}

fn report(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
    let [median, high] = [50, 99].map(|share| at(share).copied().unwrap_or_default());
    println!("{what}: median {median:?}, 99th percentile {high:?}");
}
