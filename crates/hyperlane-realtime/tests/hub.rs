//! A hub in one process: rooms, presence, history, and members that are too slow.

#![expect(clippy::unwrap_used, reason = "how a test says what must hold")]

use std::time::Duration;

use hyperlane_realtime::{Closed, Delivery, DeliveryKind, Hub, HubError, Joiner, Member, SlowPolicy};
use serde_json::{Value, json};

/// All that waits, as JSON.
fn waiting(member: &mut Member) -> Vec<Value> {
    let deliveries = std::iter::from_fn(|| member.try_recv());
    deliveries
        .map(|delivery| serde_json::from_str(delivery.text()).unwrap())
        .collect()
}

fn waiting_data(member: &mut Member) -> Vec<String> {
    let deliveries = std::iter::from_fn(|| member.try_recv());
    let messages = deliveries.filter(|delivery| delivery.kind() == DeliveryKind::Message);
    messages.map(|delivery| delivery.data().to_owned()).collect()
}

#[test]
fn members_hear_who_comes_says_something_and_leaves() {
    let hub = Hub::new();
    let mut ada = hub
        .join("lobby", Joiner::new("ada").meta(&json!({"name": "Ada"})).unwrap())
        .unwrap();
    let mut bob = hub.join("lobby", "bob").unwrap();
    bob.broadcast(&json!({"text": "hello"})).unwrap();
    hub.room("lobby").broadcast("all").unwrap();
    drop(bob.try_recv());
    drop(bob);
    let heard = waiting(&mut ada);
    let kinds: Vec<_> = heard
        .iter()
        .map(|delivery| delivery["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["joined", "join", "message", "message", "leave"]);
    assert_eq!(heard[0]["members"], json!([{"id": "ada", "meta": {"name": "Ada"}}]));
    assert_eq!(heard[0]["count"], 1);
    assert_eq!(
        heard[1],
        json!({"type": "join", "room": "lobby", "member": "bob", "meta": null})
    );
    assert_eq!(heard[2]["from"], "bob");
    assert_eq!(heard[2]["data"], json!({"text": "hello"}));
    assert_eq!(heard[3]["from"], Value::Null);
    assert_eq!(heard[4], json!({"type": "leave", "room": "lobby", "member": "bob"}));
}

#[test]
fn a_member_with_two_connections_is_one_until_both_are_gone() {
    let hub = Hub::new();
    let mut ada = hub.join("lobby", "ada").unwrap();
    let first = hub.join("lobby", "bob").unwrap();
    let second = hub.join("lobby", "bob").unwrap();
    assert_eq!(hub.room("lobby").members(), 2);
    drop(first);
    assert_eq!(hub.room("lobby").members(), 2);
    drop(second);
    assert_eq!(hub.room("lobby").members(), 1);
    let kinds: Vec<_> = waiting(&mut ada)
        .iter()
        .map(|delivery| delivery["type"].to_string())
        .collect();
    assert_eq!(kinds, ["\"joined\"", "\"join\"", "\"leave\""]);
}

#[test]
fn a_message_is_written_once_for_all() {
    let hub = Hub::new();
    let mut members: Vec<_> = (0..200).map(|n| hub.join("lobby", format!("m{n}")).unwrap()).collect();
    for member in &mut members {
        waiting(member);
    }
    hub.room("lobby").broadcast("x").unwrap();
    let texts: Vec<_> = members.iter_mut().map(|member| member.try_recv().unwrap()).collect();
    let place = |delivery: &Delivery| delivery.text().as_ptr();
    assert!(texts.iter().all(|delivery| place(delivery) == place(&texts[0])));
    let message = texts[0].to_message();
    assert_eq!(message.as_text().unwrap().as_ptr(), place(&texts[0]));
}

#[test]
fn a_direct_message_comes_once_to_each_connection_of_its_member_alone() {
    let hub = Hub::new();
    let mut ada = hub.join("lobby", "ada").unwrap();
    ada.enter("attic").unwrap();
    let mut other = hub.join("lobby", "ada").unwrap();
    let mut bob = hub.join("lobby", "bob").unwrap();
    bob.speaker().say_to("ada", "psst").unwrap();
    hub.send_to("nobody", "lost").unwrap();
    for member in [&mut ada, &mut other] {
        let direct: Vec<_> = waiting(member).into_iter().filter(|d| d["type"] == "direct").collect();
        assert_eq!(direct.len(), 1);
        assert_eq!(
            (&direct[0]["from"], &direct[0]["data"]),
            (&json!("bob"), &json!("psst"))
        );
    }
    assert!(waiting(&mut bob).iter().all(|delivery| delivery["type"] != "direct"));
}

#[test]
fn who_comes_back_gets_what_it_missed_once_and_nothing_else() {
    let hub = Hub::new();
    let room = hub.room("lobby");
    room.broadcast(&0).unwrap();
    let mut ada = hub.join("lobby", "ada").unwrap();
    let joined = ada.try_recv().unwrap();
    drop(ada);
    (1..=5).for_each(|n| room.broadcast(&n).unwrap());

    let mut back = hub.join("lobby", Joiner::new("ada").since(joined.id())).unwrap();
    let again = back.try_recv().unwrap();
    assert_eq!(
        again.id(),
        None,
        "who leaves before it has got all comes back for the rest"
    );
    let second = {
        back.try_recv().unwrap();
        back.try_recv().unwrap()
    };
    drop(back);

    let mut back = hub.join("lobby", Joiner::new("ada").since(second.id())).unwrap();
    assert_eq!(waiting_data(&mut back), ["3", "4", "5"]);
    room.broadcast(&6).unwrap();
    let last = back.try_recv().unwrap();
    assert_eq!(last.data(), "6");
    let mut back = hub.join("lobby", Joiner::new("ada").since(last.id())).unwrap();
    let joined = waiting(&mut back);
    assert_eq!(joined.len(), 1);
    assert_eq!(joined[0]["missed"], false);
    assert_eq!(joined[0]["id"], last.id().unwrap());
}

#[test]
fn who_comes_back_too_late_or_from_elsewhere_is_told() {
    let hub = Hub::builder().history_messages(3).build();
    let room = hub.room("lobby");
    let mut ada = hub.join("lobby", "ada").unwrap();
    let id = ada.try_recv().unwrap().id().unwrap().to_owned();
    (1..=4).for_each(|n| room.broadcast(&n).unwrap());
    for since in [id.as_str(), "1-1", "nonsense", "ffffffffffffffff-1"] {
        let mut back = hub.join("lobby", Joiner::new("bob").since(Some(since))).unwrap();
        let heard = waiting(&mut back);
        assert_eq!(heard[0]["missed"], true, "{since}");
        assert_eq!(heard.len(), 4, "{since}");
    }
}

#[tokio::test(start_paused = true)]
async fn history_is_bounded_by_number_bytes_and_age() {
    let hub = Hub::builder().history_messages(3).build();
    let data = |hub: &Hub| {
        hub.room("lobby")
            .history(10)
            .iter()
            .map(|d| d.data().to_owned())
            .collect::<Vec<_>>()
    };
    (1..=5).for_each(|n| hub.room("lobby").broadcast(&n).unwrap());
    assert_eq!(data(&hub), ["3", "4", "5"]);
    assert_eq!(hub.room("lobby").history(2).len(), 2);
    let mut late = hub.join("lobby", Joiner::new("ada").history(2)).unwrap();
    assert_eq!(waiting_data(&mut late), ["4", "5"]);

    let small = Hub::builder().history_bytes(1000).build();
    (1..=5).for_each(|_| small.room("lobby").broadcast(&"x".repeat(300)).unwrap());
    assert_eq!(small.room("lobby").history(10).len(), 2);

    let brief = Hub::builder().history_age(Duration::from_secs(60)).build();
    brief.room("lobby").broadcast(&1).unwrap();
    tokio::time::advance(Duration::from_secs(40)).await;
    brief.room("lobby").broadcast(&2).unwrap();
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(data(&brief), ["2"]);
}

#[test]
fn a_slow_member_loses_the_oldest_and_is_told_how_many() {
    let hub = Hub::builder().queue_messages(3).build();
    let mut slow = hub.join("lobby", "slow").unwrap();
    waiting(&mut slow);
    (1..=10).for_each(|n| hub.room("lobby").broadcast(&n).unwrap());
    let heard = waiting(&mut slow);
    assert_eq!(heard[0], json!({"type": "missed", "count": 7}));
    let data: Vec<_> = heard[1..]
        .iter()
        .map(|delivery| delivery["data"].as_u64().unwrap())
        .collect();
    assert_eq!(data, [8, 9, 10]);
    assert_eq!(slow.dropped(), 7);
}

/// Not even where that is more than may wait: who is sent away for it would come back for the same, for ever.
#[test]
fn what_a_member_gets_when_it_comes_is_not_dropped() {
    for policy in [SlowPolicy::DropOldest, SlowPolicy::DropNewest, SlowPolicy::Disconnect] {
        let hub = Hub::builder().queue_messages(3).slow(policy).build();
        (1..=10).for_each(|n| hub.room("lobby").broadcast(&n).unwrap());
        let mut ada = hub.join("lobby", Joiner::new("ada").history(10)).unwrap();
        hub.room("lobby").broadcast(&11).unwrap();
        let heard = waiting(&mut ada);
        assert_eq!(heard.len(), 12, "{policy:?}");
        assert_eq!((&heard[0]["type"], &heard[11]["data"]), (&json!("joined"), &json!(11)));
        assert_eq!(ada.dropped(), 0);
    }
    let hub = Hub::builder().queue_messages(1).build();
    let mut ada = hub.join("lobby", "ada").unwrap();
    (1..=3).for_each(|n| hub.room("lobby").broadcast(&n).unwrap());
    let heard = waiting(&mut ada);
    assert_eq!(heard[0]["type"], "joined");
    assert_eq!(heard[1], json!({"type": "missed", "count": 2}));
    assert_eq!(heard[2]["data"], 3);
}

#[test]
fn a_slow_member_loses_the_newest_where_that_is_the_policy_and_is_told_where() {
    let hub = Hub::builder().queue_messages(3).slow(SlowPolicy::DropNewest).build();
    let mut slow = hub.join("lobby", "slow").unwrap();
    waiting(&mut slow);
    (1..=5).for_each(|n| hub.room("lobby").broadcast(&n).unwrap());
    let heard = waiting(&mut slow);
    assert_eq!(heard[2]["data"], 3);
    assert_eq!(heard[3], json!({"type": "missed", "count": 2}));
    hub.room("lobby").broadcast(&6).unwrap();
    assert_eq!(waiting_data(&mut slow), ["6"]);
}

#[tokio::test]
async fn a_slow_member_is_sent_away_where_that_is_the_policy_and_others_are_not() {
    let hub = Hub::builder().queue_bytes(500).slow(SlowPolicy::Disconnect).build();
    let mut slow = hub.join("lobby", "slow").unwrap();
    let mut quick = hub.join("lobby", "quick").unwrap();
    for _ in 0..5 {
        hub.room("lobby").broadcast(&"x".repeat(100)).unwrap();
        waiting(&mut quick);
    }
    assert!(slow.recv().await.is_none());
    assert_eq!(slow.closed(), Some(Closed::TooSlow));
    assert_eq!(quick.closed(), None);
}

#[test]
fn limits_are_told_by_name() {
    let limits = Hub::builder()
        .message_bytes(10)
        .max_rooms(2)
        .max_members(1)
        .meta_bytes(5);
    let hub = limits.build();
    let refused = |result: Result<(), HubError>| result.unwrap_err();
    let large = refused(hub.room("a").broadcast(&"x".repeat(9)));
    assert!(
        large.is_invalid() && large.to_string() == "message of 11 bytes exceeds 10 bytes",
        "{large}"
    );
    assert!(
        refused(hub.room("").broadcast(""))
            .to_string()
            .contains("name of a room")
    );
    assert!(
        refused(hub.join("a", "x".repeat(257)).map(drop))
            .to_string()
            .contains("id of a member")
    );
    assert!(refused(hub.join("a", Joiner::new("x").meta("12345").unwrap()).map(drop)).is_invalid());
    let _first = hub.join("a", "ada").unwrap();
    assert!(refused(hub.join("a", "bob").map(drop)).is_full());
    let _second = hub.join("b", "ada").unwrap();
    assert!(refused(hub.join("c", "ada").map(drop)).is_full());
}

#[test]
fn an_empty_room_gives_its_place_to_a_new_one() {
    let hub = Hub::builder().max_rooms(20).build();
    let _here = hub.join("kept", "ada").unwrap();
    for n in 0..19 {
        hub.room(format!("r{n}")).broadcast(&n).unwrap();
    }
    hub.room("new").broadcast("x").unwrap();
    assert_eq!(hub.room("new").history(1).len(), 1);
    assert_eq!(hub.room("kept").members(), 1);
}

#[test]
fn a_crowd_is_not_told_of_each_who_comes() {
    let hub = Hub::builder().presence_events(3).build();
    let mut first = hub.join("lobby", "m0").unwrap();
    let others: Vec<_> = (1..6).map(|n| hub.join("lobby", format!("m{n}")).unwrap()).collect();
    let joins = waiting(&mut first)
        .iter()
        .filter(|delivery| delivery["type"] == "join")
        .count();
    assert_eq!(joins, 2);
    assert_eq!(hub.room("lobby").members(), 6);
    assert_eq!(hub.room("lobby").presence().len(), 6);
    drop(others);
    assert_eq!(hub.room("lobby").members(), 1);
}

#[tokio::test]
async fn a_hub_that_is_closed_ends_its_members() {
    let hub = Hub::new();
    let mut ada = hub.join("lobby", "ada").unwrap();
    assert!(hub.disconnect("ada") && !hub.disconnect("bob"));
    waiting(&mut ada);
    assert!(ada.recv().await.is_none());
    assert_eq!(ada.closed(), Some(Closed::Sent));
    let mut bob = hub.join("lobby", "bob").unwrap();
    hub.close().await;
    waiting(&mut bob);
    assert!(bob.recv().await.is_none());
    assert_eq!(bob.closed(), Some(Closed::Hub));
    assert!(hub.join("lobby", "ada").unwrap_err().is_closed());
    assert!(hub.room("lobby").broadcast("x").unwrap_err().is_closed());
}

/// Whatever threads say it, each member hears the same order, and each message once.
#[test]
fn all_members_hear_the_same_order() {
    let hub = Hub::builder().queue_messages(10_000).build();
    let mut members: Vec<_> = (0..200).map(|n| hub.join("lobby", format!("m{n}")).unwrap()).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let room = hub.room("lobby");
            scope.spawn(move || (0..200).for_each(|n| room.broadcast(&(thread * 1000 + n)).unwrap()));
        }
        // Others come and go meanwhile, and see no hole in what comes behind what they got first.
        scope.spawn(|| {
            for n in 0..100 {
                let mut guest = hub.join("lobby", Joiner::new(format!("guest{n}")).history(10)).unwrap();
                let _ = waiting_data(&mut guest);
            }
        });
    });
    let first = waiting_data(&mut members[0]);
    assert_eq!(first.len(), 800);
    for member in &mut members[1..] {
        assert_eq!(waiting_data(member), first);
    }
}
