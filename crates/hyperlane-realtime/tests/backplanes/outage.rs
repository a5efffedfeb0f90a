//! Nodes that are cut off and come back, on a log in memory and in paused time.

use std::sync::{Arc, Mutex};

use hyperlane::Bytes;
use hyperlane_realtime::backplane::{Backplane, Link, Position, Session};
use hyperlane_realtime::{DeliveryKind, Hub, HubBuilder, Joiner, Member};
use tokio::sync::watch;

use super::support::{builder, next, until};

/// A log that nodes can be cut off from.
#[derive(Clone)]
struct Log {
    entries: Arc<Mutex<Vec<Bytes>>>,
    length: Arc<watch::Sender<usize>>,
    /// How often each entry is appended, as by a node that was not told that it had been.
    times: usize,
}

struct Node {
    log: Log,
    cut: watch::Receiver<bool>,
}

impl Log {
    fn new(times: usize) -> Self {
        Self {
            entries: Arc::default(),
            length: Arc::new(watch::channel(0).0),
            times,
        }
    }

    async fn node(&self, builder: HubBuilder) -> (Hub, watch::Sender<bool>) {
        let (cut, is_cut) = watch::channel(false);
        let hub = builder.backplane(Node {
            log: self.clone(),
            cut: is_cut,
        });
        hub.online().await;
        (hub, cut)
    }
}

impl Backplane for Node {
    fn session<'a>(&'a self, link: &'a Link) -> Session<'a> {
        Box::pin(async move {
            let mut cut = self.cut.clone();
            if *cut.borrow_and_update() {
                return Err("cut off".into());
            }
            let mut length = self.log.length.subscribe();
            let mut cursor = link.resume().unwrap_or_default().number() as usize;
            link.begin(Position::new(0, cursor as u64));
            let mut is_caught_up = false;
            loop {
                length.borrow_and_update();
                let entries: Vec<_> = self.log.entries.lock().unwrap().iter().skip(cursor).cloned().collect();
                for entry in entries {
                    cursor += 1;
                    link.deliver(Position::new(0, cursor as u64), &entry);
                }
                if !std::mem::replace(&mut is_caught_up, true) {
                    link.caught_up();
                }
                tokio::select! {
                    _ = cut.changed() => return Err("cut off".into()),
                    _ = length.changed() => {}
                    appended = link.outgoing(3) => {
                        let mut entries = self.log.entries.lock().unwrap();
                        for _ in 0..self.log.times {
                            entries.extend(appended.iter().cloned());
                        }
                        self.log.length.send_replace(entries.len());
                    }
                }
            }
        })
    }
}

fn heard(member: &mut Member) -> Vec<String> {
    let deliveries = std::iter::from_fn(|| member.try_recv());
    let messages = deliveries.filter(|delivery| delivery.kind() == DeliveryKind::Message);
    messages
        .map(|delivery| delivery.data().trim_matches('"').to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_appended_twice_is_heard_once() {
    let log = Log::new(2);
    let ((a, _cut_a), (b, _cut_b)) = (log.node(builder()).await, log.node(builder()).await);
    let (mut ada, mut bob) = (a.join("lobby", "ada").unwrap(), b.join("lobby", "bob").unwrap());
    for n in 0..20 {
        ada.broadcast(&n).unwrap();
    }
    a.send_to("bob", "end").unwrap();
    next(&mut bob, DeliveryKind::Direct).await;
    let history = |hub: &Hub| hub.room("lobby").history(100).len();
    assert_eq!((history(&a), history(&b)), (20, 20));
    assert_eq!(heard(&mut ada).len(), 20);
}

#[tokio::test(start_paused = true)]
async fn who_changes_the_node_while_the_first_is_cut_off_misses_nothing_and_hears_nothing_twice() {
    let log = Log::new(1);
    let ((a, cut), (b, _cut_b)) = (log.node(builder()).await, log.node(builder()).await);
    let mut at_a = a.join("lobby", "carl").unwrap();
    a.room("lobby").broadcast("zero").unwrap();
    next(&mut at_a, DeliveryKind::Message).await;
    cut.send_replace(true);
    until("a is cut off", || !a.is_online()).await;
    a.room("lobby").broadcast("a1").unwrap();
    let a1 = next(&mut at_a, DeliveryKind::Message).await;
    a.room("lobby").broadcast("a2").unwrap();
    b.room("lobby").broadcast("b1").unwrap();
    until("b hears b1", || b.room("lobby").history(9).len() == 2).await;

    let mut at_b = b.join("lobby", Joiner::new("carl").since(a1.id())).unwrap();
    assert_eq!(heard(&mut at_b), ["b1"]);
    b.room("lobby").broadcast("b2").unwrap();
    cut.send_replace(false);
    until("a is back", || a.is_online()).await;
    until("all is there", || {
        b.room("lobby").history(9).len() == 5 && a.room("lobby").history(9).len() == 5
    })
    .await;
    assert_eq!(heard(&mut at_b), ["b2", "a2"], "a1 was heard at the other node");
    assert_eq!(heard(&mut at_a), ["a2", "b1", "b2"]);

    // And back again: what a member of `b` has seen, in the order of the log, is nothing new at `a`.
    let mut last = b.join("lobby", Joiner::new("dora").history(9)).unwrap();
    let mut id = None;
    while let Some(delivery) = last.try_recv() {
        id = delivery.id().map(str::to_owned).or(id);
    }
    let mut back = a.join("lobby", Joiner::new("dora").since(id.as_deref())).unwrap();
    assert_eq!(heard(&mut back), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_to_a_node_that_lags_behind_hears_nothing_twice() {
    let log = Log::new(1);
    let ((a, _cut_a), (b, cut)) = (log.node(builder()).await, log.node(builder()).await);
    let mut at_a = a.join("lobby", "carl").unwrap();
    cut.send_replace(true);
    until("b is cut off", || !b.is_online()).await;
    a.room("lobby").broadcast("one").unwrap();
    a.room("lobby").broadcast("two").unwrap();
    let one = next(&mut at_a, DeliveryKind::Message).await;
    let mut at_b = b.join("lobby", Joiner::new("carl").since(one.id())).unwrap();
    let joined = at_b.try_recv().unwrap();
    assert!(joined.text().contains("\"missed\":false"), "{joined}");
    assert_eq!(at_b.try_recv().unwrap().kind(), DeliveryKind::Offline);
    cut.send_replace(false);
    assert_eq!(next(&mut at_b, DeliveryKind::Message).await.data(), "\"two\"");
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_place_while_a_node_is_cut_off_is_told_to_the_others() {
    let log = Log::new(1);
    let ((a, cut), (b, _cut_b)) = (log.node(builder().outbox_messages(3)).await, log.node(builder()).await);
    let (mut ada, mut bob) = (a.join("lobby", "ada").unwrap(), b.join("lobby", "bob").unwrap());
    next(&mut bob, DeliveryKind::Joined).await;
    until("the others know", || b.room("lobby").members() == 2).await;
    cut.send_replace(true);
    until("a is cut off", || !a.is_online()).await;
    for n in 0..5 {
        ada.broadcast(&n).unwrap();
    }
    assert_eq!(heard(&mut ada).len(), 5);
    cut.send_replace(false);
    let missed = next(&mut bob, DeliveryKind::Missed).await;
    assert!(missed.text().contains("\"count\":2"), "{missed}");
    assert_eq!(b.room("lobby").history(9).len(), 3);
    until("presence is told at last", || {
        b.room("lobby").members() == 2 && a.room("lobby").members() == 2
    })
    .await;
}
