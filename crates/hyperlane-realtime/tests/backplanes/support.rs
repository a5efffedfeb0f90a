//! What the tests of all backplanes share: members that collect, servers that are started and killed, and the scenarios.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hyperlane_realtime::backplane::Backplane;
use hyperlane_realtime::{Delivery, DeliveryKind, Hub, HubBuilder, Joiner, Member};
use tokio::time::{sleep, timeout};

/// How long a test waits for what must come, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn builder() -> HubBuilder {
    let (beat, silence) = (Duration::from_millis(200), Duration::from_secs(3));
    Hub::builder()
        .node_timeout(beat, silence)
        .queue_messages(10_000)
        .history_messages(10_000)
}

pub(crate) async fn node(backplane: impl Backplane) -> Hub {
    let hub = builder().backplane(backplane);
    timeout(PATIENCE, hub.online()).await.expect("the backplane is reached");
    hub
}

/// The next delivery of a kind; others are passed over.
pub(crate) async fn next(member: &mut Member, kind: DeliveryKind) -> Delivery {
    let wanted = async {
        loop {
            let delivery = member.recv().await.expect("the hub is open");
            if delivery.kind() == kind {
                return delivery;
            }
        }
    };
    timeout(PATIENCE, wanted)
        .await
        .unwrap_or_else(|_| panic!("no {kind:?} for {member:?}"))
}

/// The data of messages, up to the one that reads `last`, with their ids.
pub(crate) async fn messages_until(member: &mut Member, last: &str) -> Vec<(String, String)> {
    let mut heard = Vec::new();
    loop {
        let delivery = next(member, DeliveryKind::Message).await;
        heard.push((
            delivery.data().trim_matches('"').to_owned(),
            delivery.id().unwrap().to_owned(),
        ));
        if heard.last().is_some_and(|(data, _)| data == last) {
            return heard;
        }
    }
}

pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("never came: {what}"));
}

/// Two nodes: messages, presence, direct messages, history.
pub(crate) async fn nodes_are_one_hub(a: &Hub, b: &Hub) {
    let mut ada = a.join("lobby", Joiner::new("ada").meta("Ada").unwrap()).unwrap();
    until("ada at the other node", || b.room("lobby").members() == 1).await;
    let mut bob = b.join("lobby", "bob").unwrap();
    assert_eq!(next(&mut ada, DeliveryKind::Join).await.member(), Some("bob"));
    let meta = b
        .room("lobby")
        .presence()
        .into_iter()
        .find(|present| &*present.id == "ada")
        .unwrap()
        .meta;
    assert_eq!(meta.unwrap().get(), "\"Ada\"");

    for n in 0..50 {
        ada.broadcast(&format!("a{n}")).unwrap();
        bob.broadcast(&format!("b{n}")).unwrap();
    }
    a.room("lobby").broadcast("end").unwrap();
    let at_a = messages_until(&mut ada, "end").await;
    let mut at_b = messages_until(&mut bob, "end").await;
    // What comes behind the end of the one that said it.
    while at_b.len() < 101 {
        let delivery = next(&mut bob, DeliveryKind::Message).await;
        at_b.push((
            delivery.data().trim_matches('"').to_owned(),
            delivery.id().unwrap().to_owned(),
        ));
    }
    assert_eq!(
        at_b[..at_a.len()],
        at_a[..],
        "all nodes hear the same order and the same ids"
    );

    // A client that changes the node goes on there.
    let (_, id) = &at_b[40];
    let mut moved = a.join("lobby", Joiner::new("carl").since(Some(id))).unwrap();
    let data: Vec<_> = at_b[41..].iter().map(|(data, _)| data.clone()).collect();
    let mut heard = Vec::new();
    while heard.len() < data.len() {
        let delivery = next(&mut moved, DeliveryKind::Message).await;
        heard.push(delivery.data().trim_matches('"').to_owned());
    }
    assert_eq!(heard, data);

    b.send_to("ada", "psst").unwrap();
    assert_eq!(next(&mut ada, DeliveryKind::Direct).await.data(), "\"psst\"");
    drop(bob);
    assert_eq!(next(&mut ada, DeliveryKind::Leave).await.member(), Some("bob"));
    drop((ada, moved));
    until("everybody left", || b.room("lobby").members() == 0).await;
}

/// A broker that dies and comes back, while both nodes go on talking. What a node says is heard there at once, and by
/// the other once; nothing is heard twice.
pub(crate) async fn nothing_is_lost_or_doubled_by_a_broker_that_dies(
    a: &Hub,
    b: &Hub,
    kill: impl FnOnce(),
    start: impl FnOnce(),
) {
    let mut ada = a.join("lobby", "ada").unwrap();
    let mut bob = b.join("lobby", "bob").unwrap();
    next(&mut ada, DeliveryKind::Join).await;
    let (ada_says, bob_says) = (ada.speaker(), bob.speaker());
    let say = |from: usize, to: usize| {
        for n in from..to {
            ada_says.say(&format!("a{n}")).unwrap();
            bob_says.say(&format!("b{n}")).unwrap();
        }
    };
    say(0, 100);
    kill();
    say(100, 150);
    until("both notice", || !a.is_online() && !b.is_online()).await;
    say(150, 200);
    let (mut at_a, mut at_b) = (Vec::new(), Vec::new());
    collect(&mut ada, &mut at_a);
    collect(&mut bob, &mut at_b);
    assert!(at_a.contains(&"a199".to_owned()), "local members are heard at once");
    assert!(!at_a.contains(&"b199".to_owned()));
    start();
    until("both are back", || a.is_online() && b.is_online()).await;
    say(200, 250);
    until("all is heard", || {
        collect(&mut ada, &mut at_a);
        collect(&mut bob, &mut at_b);
        at_a.len() >= 500 && at_b.len() >= 500
    })
    .await;
    sleep(Duration::from_millis(300)).await;
    collect(&mut ada, &mut at_a);
    collect(&mut bob, &mut at_b);
    for heard in [&at_a, &at_b] {
        for who in ["a", "b"] {
            let own: Vec<_> = heard.iter().filter(|data| data.starts_with(who)).cloned().collect();
            let wanted: Vec<_> = (0..250).map(|n| format!("{who}{n}")).collect();
            assert_eq!(own, wanted, "each once, and in the order of who said it");
        }
    }
    // Who left one node in the midst of it goes on at the other.
    until("presence is back", || {
        a.room("lobby").members() == 2 && b.room("lobby").members() == 2
    })
    .await;
}

fn collect(member: &mut Member, heard: &mut Vec<String>) {
    while let Some(delivery) = member.try_recv() {
        if delivery.kind() == DeliveryKind::Message {
            heard.push(delivery.data().trim_matches('"').to_owned());
        }
    }
}

/// A node that dies without a word: its members have left some time later.
pub(crate) async fn members_of_a_node_that_dies_have_left<B: Backplane>(
    a: &Hub,
    make: impl FnOnce() -> B + Send + 'static,
) {
    let mut ada = a.join("lobby", "ada").unwrap();
    // A runtime of its own, which ends as a process does.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.spawn(async move {
        let hub = builder().backplane(make());
        hub.online().await;
        let _bob = hub.join("lobby", "bob").unwrap();
        std::future::pending::<()>().await;
    });
    assert_eq!(next(&mut ada, DeliveryKind::Join).await.member(), Some("bob"));
    runtime.shutdown_background();
    assert_eq!(next(&mut ada, DeliveryKind::Leave).await.member(), Some("bob"));
    assert_eq!(a.room("lobby").members(), 1);
}

/// A server that a test has started; it ends with this value.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Option<Self> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().ok().map(Self)
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn skip(test: &str, program: &str) {
    let must_run = std::env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
    assert!(!must_run, "{test} needs {program}, which is not installed");
    let _ = writeln!(io::stderr(), "SKIPPED: {test} needs {program}, which is not installed");
}
