//! The log: who comes back misses nothing and gets nothing twice, or is told.

use std::time::Duration;

use hyperlane::State;
use hyperlane::sse::{Event, EventLog, FallenBehind, LastEventId, Missed, Sse, Subscription};
use tokio::time::timeout;

use super::client;

fn number(n: u64) -> Event {
    Event::new(n.to_string())
}

async fn next(subscription: &mut Subscription) -> Event {
    let event = timeout(Duration::from_secs(5), subscription.next()).await;
    event.unwrap().unwrap()
}

async fn data(subscription: &mut Subscription) -> String {
    next(subscription).await.data().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_subscriber_gets_a_position_and_then_what_comes() {
    let log = EventLog::new();
    log.publish(number(1)).unwrap();
    let mut new = log.subscribe(None);
    log.publish(number(2)).unwrap();
    let position = next(&mut new).await;
    assert!(position.data().is_none() && position.id().is_some());
    assert_eq!(data(&mut new).await, "2");
    // Its connection was lost before the first event.
    let mut back = log.subscribe(position.id());
    assert_eq!((data(&mut back).await.as_str(), back.missed()), ("2", None));
}

#[tokio::test]
async fn who_comes_back_gets_what_it_missed_then_what_comes() {
    let log = EventLog::new();
    let ids: Vec<_> = (1..=5).map(|n| log.publish(number(n)).unwrap()).collect();
    let mut back = log.subscribe(ids[2].id());
    assert_eq!(data(&mut back).await, "4");
    assert_eq!(data(&mut back).await, "5");
    log.publish(number(6)).unwrap();
    assert_eq!(data(&mut back).await, "6");
    let mut up_to_date = log.subscribe(log.publish(number(7)).unwrap().id());
    log.publish(number(8)).unwrap();
    assert_eq!(data(&mut up_to_date).await, "8");
}

#[tokio::test]
async fn ids_of_the_application_are_kept_and_found() {
    let log = EventLog::new();
    for n in 1..=4 {
        log.publish(number(n).with_id(format!("row {n}"))).unwrap();
    }
    let mut back = log.subscribe(Some("row 2"));
    let third = next(&mut back).await;
    assert_eq!((third.id(), third.data()), (Some("row 3"), Some("3")));
}

#[tokio::test]
async fn who_was_away_for_too_long_is_told_once_and_gets_what_is_kept() {
    let log = EventLog::new().max_events(3).gap_event("reload");
    let first = log.publish(number(1)).unwrap();
    for n in 2..=6 {
        log.publish(number(n)).unwrap();
    }
    let mut back = log.subscribe(first.id());
    assert_eq!(back.missed(), Some(Missed::Events(2)));
    let gap = next(&mut back).await;
    assert_eq!((gap.name(), gap.data()), (Some("reload"), Some("{\"missed\":2}")));
    for n in 4..=6 {
        assert_eq!(data(&mut back).await, n.to_string());
    }
    let mut again = log.subscribe(gap.id());
    assert_eq!(again.missed(), None);
    assert_eq!(data(&mut again).await, "4");
}

#[tokio::test]
async fn ids_of_another_log_of_the_future_and_of_nobody_are_a_gap_of_unknown_length() {
    let log = EventLog::new();
    let own = log.publish(number(1)).unwrap().id().unwrap().to_owned();
    let foreign = EventLog::new();
    let foreign = foreign.publish(number(1)).unwrap().id().unwrap().to_owned();
    let mark = own.split_once('-').unwrap().0;
    let future = format!("{mark}-2");
    let huge = format!("{mark}-18446744073709551615");
    for id in [&*foreign, &*future, &*huge, "7", "", "-", "\u{fffd}"] {
        let mut subscription = log.subscribe(Some(id));
        assert_eq!(subscription.missed(), Some(Missed::Unknown), "{id:?}");
        let gap = next(&mut subscription).await;
        assert_eq!((gap.name(), gap.data()), (Some("gap"), Some("{\"missed\":null}")));
        assert_eq!(data(&mut subscription).await, "1", "{id:?}");
    }
}

#[tokio::test]
async fn the_log_is_bounded_by_number_and_by_bytes() {
    let log = EventLog::new().max_events(10).max_bytes(4000);
    for n in 0..1000 {
        log.publish(number(n)).unwrap();
    }
    assert_eq!(log.len(), 10);
    for _ in 0..10 {
        log.publish(Event::new("x".repeat(1000))).unwrap();
    }
    assert_eq!(log.len(), 3);
    let error = log.publish(Event::new("x".repeat(4001))).unwrap_err();
    assert!(error.is_too_large() && error.to_string().contains("4000"), "{error}");
    assert!(log.publish(Event::new("").with_name("\n")).unwrap_err().is_invalid());
    assert_eq!(log.len(), 3, "what was refused has pushed nothing out");
}

#[tokio::test]
async fn a_subscriber_that_is_too_slow_is_told_or_ended_and_holds_nobody_up() {
    for policy in [FallenBehind::Tell, FallenBehind::End] {
        let log = EventLog::new().max_events(2).fallen_behind(policy);
        let mut slow = log.subscribe(None);
        next(&mut slow).await;
        for n in 1..=10 {
            log.publish(number(n)).unwrap();
        }
        if policy == FallenBehind::End {
            assert!(slow.next().await.is_none());
            continue;
        }
        let gap = next(&mut slow).await;
        assert_eq!((gap.name(), gap.data()), (Some("gap"), Some("{\"missed\":8}")));
        assert_eq!(slow.missed(), Some(Missed::Events(8)));
        assert_eq!(data(&mut slow).await, "9");
        assert_eq!(data(&mut slow).await, "10");
    }
}

#[tokio::test]
async fn subscriptions_end_with_their_log() {
    let log = EventLog::new();
    let mut waiting = log.subscribe(None);
    next(&mut waiting).await;
    let waits = tokio::spawn(async move { waiting.next().await.is_none() });
    tokio::task::yield_now().await;
    let mut behind = log.subscribe(None);
    log.clone().publish(number(1)).unwrap();
    assert!(!waits.await.unwrap(), "a clone that is dropped ends nothing");
    next(&mut behind).await;
    log.close();
    assert!(log.publish(number(2)).unwrap_err().is_closed());
    assert_eq!(data(&mut behind).await, "1", "what was published is delivered");
    assert!(behind.next().await.is_none());

    let log = EventLog::new();
    let mut waiting = log.subscribe(None);
    next(&mut waiting).await;
    let waits = tokio::spawn(async move { waiting.next().await.is_none() });
    tokio::task::yield_now().await;
    drop(log);
    assert!(timeout(Duration::from_secs(5), waits).await.unwrap().unwrap());
}

/// Four publish at once; eight listen, and leave and come back all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_concurrent_publishing_nothing_is_missed_and_nothing_comes_twice() {
    const EACH: u64 = 2_000;
    let log = EventLog::new().max_events(10_000).max_bytes(10 << 20);
    let start = log.subscribe(None).next().await.unwrap();
    let listeners: Vec<_> = (0..8_usize)
        .map(|listener| {
            let (log, start) = (log.clone(), start.id().unwrap().to_owned());
            tokio::spawn(async move {
                let (mut last, mut got) = (start, Vec::new());
                'listening: loop {
                    let mut subscription = log.subscribe(Some(&last));
                    for _ in 0..=(listener * 7 + got.len() % 13) {
                        if got.len() as u64 == 4 * EACH {
                            break 'listening;
                        }
                        let event = next(&mut subscription).await;
                        assert_eq!(event.name(), None, "no gap");
                        last = event.id().unwrap().to_owned();
                        got.push(event.data().unwrap().to_owned());
                    }
                    // What is at hand and not taken is lost with the connection.
                    drop(subscription);
                }
                got
            })
        })
        .collect();
    let publishers: Vec<_> = (0..4)
        .map(|publisher| {
            let log = log.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    log.publish(Event::new(format!("{publisher}:{n}"))).unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let mut all = Vec::new();
    for listener in listeners {
        all.push(timeout(Duration::from_secs(60), listener).await.unwrap().unwrap());
    }
    for got in &all {
        assert_eq!(got, &all[0], "all in the same order");
    }
    for publisher in 0..4 {
        let prefix = format!("{publisher}:");
        let own: Vec<_> = all[0].iter().filter_map(|data| data.strip_prefix(&prefix)).collect();
        let expected: Vec<_> = (0..EACH).map(|n| n.to_string()).collect();
        assert_eq!(own, expected);
    }
}

#[tokio::test]
async fn a_page_that_reloads_goes_on_where_it_was() {
    let log = EventLog::new();
    let client = client(|server| {
        server.state(log.clone()).get(
            "/",
            async |State(log): State<EventLog>, LastEventId(last): LastEventId| {
                Sse::new(log.subscribe(last.as_deref()))
            },
        );
    });
    let mut events = client.get("/").await.events();
    log.publish(number(1)).unwrap();
    assert_eq!(events.next().await.unwrap().data, "1");
    let last = events.last_event_id().to_owned();
    drop(events);
    log.publish(number(2)).unwrap();
    let mut events = client.get("/").header("last-event-id", last).await.events();
    log.publish(number(3)).unwrap();
    assert_eq!(events.next().await.unwrap().data, "2");
    assert_eq!(events.next().await.unwrap().data, "3");
}
