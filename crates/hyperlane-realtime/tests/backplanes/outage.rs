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
    /// It neither reads nor writes, and does not know it: as a process that is stopped.
    stopped: watch::Receiver<bool>,
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
        let (hub, cut, _) = self.node_that_stops(builder).await;
        (hub, cut)
    }

    async fn node_that_stops(&self, builder: HubBuilder) -> (Hub, watch::Sender<bool>, watch::Sender<bool>) {
        let (cut, is_cut) = watch::channel(false);
        let (stop, stopped) = watch::channel(false);
        let hub = builder.backplane(Node {
            log: self.clone(),
            cut: is_cut,
            stopped,
        });
        hub.online().await;
        (hub, cut, stop)
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
            let mut stopped = self.stopped.clone();
            loop {
                // Without its sender it is not.
                let _ = stopped.wait_for(|stopped| !*stopped).await;
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
async fn more_members_than_messages_may_wait_are_told_all_the_same() {
    let log = Log::new(1);
    let (a, _cut_a) = log.node(builder().outbox_messages(3)).await;
    let members: Vec<_> = (0..900).map(|n| a.join("lobby", format!("m{n}")).unwrap()).collect();
    let (b, _cut_b) = log.node(builder()).await;
    until("all are known", || b.room("lobby").members() == members.len()).await;
    a.room("lobby").broadcast("not busy").unwrap();
}

#[tokio::test(start_paused = true)]
async fn members_of_a_node_that_was_only_silent_are_there_again() {
    let log = Log::new(1);
    let (a, _cut_a) = log.node(builder()).await;
    let (b, _cut_b, stop) = log.node_that_stops(builder()).await;
    let bob = b.join("lobby", "bob").unwrap();
    until("bob is known", || a.room("lobby").members() == 1).await;
    stop.send_replace(true);
    until("its members have left", || a.room("lobby").members() == 0).await;
    stop.send_replace(false);
    until("bob is known again", || a.room("lobby").members() == 1).await;
    drop(bob);
    until("bob has left", || a.room("lobby").members() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_too_late_to_a_node_that_is_cut_off_is_told() {
    let log = Log::new(1);
    let (a, cut) = log.node(builder().history_messages(3)).await;
    let id = a.join("lobby", "ada").unwrap().try_recv().unwrap();
    cut.send_replace(true);
    until("a is cut off", || !a.is_online()).await;
    (0..5).for_each(|n| a.room("lobby").broadcast(&n).unwrap());
    let back = |id: Option<&str>| {
        let mut back = a.join("lobby", Joiner::new("ada").since(id)).unwrap();
        let joined = back.try_recv().unwrap();
        let rest: Vec<_> = std::iter::from_fn(|| back.try_recv()).collect();
        (joined.text().contains("\"missed\":true"), rest)
    };
    let (missed, rest) = back(id.id());
    assert!(missed);
    let mut messages = rest.iter().filter(|delivery| delivery.kind() == DeliveryKind::Message);
    let last = messages.next_back().unwrap();
    assert!(!back(last.id()).0, "who has the last of them has missed nothing");
    cut.send_replace(false);
    until("a is back", || a.is_online()).await;
    a.room("lobby").broadcast("end").unwrap();
    until("all is there", || a.room("lobby").history(1)[0].data() == "\"end\"").await;
    assert!(back(id.id()).0);
    assert!(!back(a.room("lobby").history(1)[0].id()).0);
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
