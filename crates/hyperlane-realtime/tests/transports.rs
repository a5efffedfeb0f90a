//! A hub behind WebSockets and event streams.

#![expect(clippy::unwrap_used, reason = "how a test says what must hold")]

use hyperlane::sse::{LastEventId, Sse};
use hyperlane::testing::{TestClient, TestWebSocket};
use hyperlane::websocket::{CloseCode, WebSocketUpgrade};
use hyperlane::{Error, Path, Query, Response, Server, State};
use hyperlane_realtime::{DeliveryKind, Hub, Joiner, SlowPolicy, serve_websocket, sse};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Back {
    since: Option<String>,
}

async fn enter(
    upgrade: WebSocketUpgrade,
    Path(name): Path<String>,
    Query(back): Query<Back>,
    State(hub): State<Hub>,
) -> Result<Response, Error> {
    let joiner = Joiner::new(name).since(back.since.as_deref()).history(10);
    let member = hub.join("lobby", joiner)?;
    Ok(upgrade.on_upgrade(async |socket| serve_websocket(socket, member).await))
}

async fn listen(
    Path(name): Path<String>,
    LastEventId(last): LastEventId,
    State(hub): State<Hub>,
) -> Result<Sse, Error> {
    let joiner = Joiner::new(name).since(last.as_deref()).history(10);
    Ok(sse(hub.join("lobby", joiner)?))
}

fn client(hub: &Hub) -> TestClient {
    let server = Server::new();
    server
        .state(hub.clone())
        .get("/socket/{name}", enter)
        .get("/events/{name}", listen);
    TestClient::new(server)
}

async fn next(socket: &mut TestWebSocket) -> Value {
    serde_json::from_str(&socket.text().await).unwrap()
}

#[tokio::test]
async fn sockets_and_event_streams_hear_the_same() {
    let hub = Hub::new();
    let client = client(&hub);
    let mut ada = client.websocket("/socket/ada").await;
    assert_eq!(next(&mut ada).await["type"], "joined");
    let mut bob = client.get("/events/bob").await.events();
    let joined = bob.next().await.unwrap();
    assert!(joined.data.contains("\"joined\""), "{joined:?}");
    assert_eq!(next(&mut ada).await["member"], "bob");

    ada.send("hello").await;
    let said = next(&mut ada).await;
    assert_eq!((&said["from"], &said["data"]), (&"ada".into(), &"hello".into()));
    let event = bob.next().await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&event.data).unwrap(), said);
    assert_eq!(said["id"], *event.id);

    ada.close(1000, "").await;
    assert!(bob.next().await.unwrap().data.contains("\"leave\""));
}

#[tokio::test]
async fn a_client_that_comes_back_by_either_way_misses_nothing() {
    let hub = Hub::new();
    let client = client(&hub);
    let mut ada = client.websocket("/socket/ada").await;
    let id = next(&mut ada).await["id"].as_str().unwrap().to_owned();
    ada.close(1000, "").await;
    (1..=3).for_each(|n| hub.room("lobby").broadcast(&n).unwrap());
    let mut back = client.websocket(&format!("/socket/ada?since={id}")).await;
    assert_eq!(next(&mut back).await["missed"], false);
    let first = next(&mut back).await;
    assert_eq!(first["data"], 1);
    let since = first["id"].as_str().unwrap();
    let mut events = client.get("/events/ada").header("last-event-id", since).await.events();
    for wanted in ["\"joined\"", "\"data\":2", "\"data\":3"] {
        let event = events.next().await.unwrap();
        assert!(event.data.contains(wanted), "{event:?}");
    }
}

#[tokio::test]
async fn a_member_that_is_too_slow_may_try_again() {
    let hub = Hub::builder().queue_messages(4).slow(SlowPolicy::Disconnect).build();
    let client = client(&hub);
    let mut slow = client.websocket("/socket/slow").await;
    next(&mut slow).await;
    // Without a pause the socket's own task can't take any of them.
    (0..10).for_each(|n| hub.room("lobby").broadcast(&n).unwrap());
    assert_eq!(slow.closed().await.unwrap().code, CloseCode::TRY_AGAIN);
    assert_eq!(hub.room("lobby").members(), 0);
}

#[tokio::test]
async fn a_client_that_is_gone_without_a_word_has_left() {
    let hub = Hub::new();
    let client = client(&hub);
    let mut watcher = hub.join("lobby", "watcher").unwrap();
    let ada = client.websocket("/socket/ada").await;
    let bob = client.get("/events/bob").await.events();
    drop(ada);
    drop(bob);
    let mut left = Vec::new();
    while left.len() < 2 {
        let delivery = watcher.recv().await.unwrap();
        if delivery.kind() == DeliveryKind::Leave {
            left.push(delivery.member().unwrap().to_owned());
        }
    }
    left.sort();
    assert_eq!(left, ["ada", "bob"]);
}

#[tokio::test]
async fn a_hub_that_closes_closes_its_sockets() {
    let hub = Hub::new();
    let client = client(&hub);
    let mut ada = client.websocket("/socket/ada").await;
    next(&mut ada).await;
    hub.close().await;
    assert_eq!(ada.closed().await.unwrap().code, CloseCode::GOING_AWAY);
}
