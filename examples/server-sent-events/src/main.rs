//! An event stream (HTML standard, "Server-sent events"): what one visitor says, all see at once. A browser that was away
//! comes back by itself and is sent what it missed.
//!
//! Run it: `cargo run -p example-server-sent-events`, or on another port: `PORT=3000 cargo run -p example-server-sent-events`.

use std::time::Duration;

use hyperlane::sse::{Event, EventLog, LastEventId, Sse};
use hyperlane::{Error, Form, Html, NoContent, Server, ServerConfig, State};
use serde::{Deserialize, Serialize};

const PAGE: &str = "<!doctype html><title>Board</title>
<form><input name=text autofocus required> <button>Say</button></form><ol></ol><script>
const list = document.querySelector('ol'), form = document.querySelector('form')
const show = text => list.appendChild(document.createElement('li')).textContent = text
const source = new EventSource('/feed')
source.addEventListener('said', event => show(JSON.parse(event.data).text))
source.addEventListener('gap', () => show('(you were away for too long: something is missing here)'))
form.onsubmit = event => {
    event.preventDefault()
    fetch('/say', { method: 'POST', body: new URLSearchParams(new FormData(form)) }).then(() => form.reset())
}
</script>";

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let server = app();
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

fn app() -> Server {
    let server = Server::new();
    server
        .state(EventLog::new().max_events(100))
        .get("/", async || Html(PAGE))
        .get("/feed", feed)
        .post("/say", say);
    server
}

/// From behind the event that the browser saw last, if it comes back; else from now on.
async fn feed(State(log): State<EventLog>, LastEventId(last): LastEventId) -> Sse {
    Sse::new(log.subscribe(last.as_deref())).retry(Duration::from_secs(2))
}

#[derive(Deserialize, Serialize)]
struct Said {
    text: String,
}

async fn say(State(log): State<EventLog>, Form(said): Form<Said>) -> Result<NoContent, Error> {
    log.publish(Event::json(said)?.with_name("said"))?;
    Ok(NoContent)
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::{StreamItem, TestClient};

    use super::*;

    #[tokio::test]
    async fn what_one_says_all_see_and_who_was_away_sees_it_later() {
        let client = TestClient::new(app());
        let mut ann = client.another().get("/feed").await.events();
        let mut bob = client.another().get("/feed").await.events();
        client
            .post("/say")
            .form(&[("text", "hi\nall")])
            .await
            .assert_status(204);
        for events in [&mut ann, &mut bob] {
            let event = events.next().await.expect("it never ends");
            assert_eq!(
                (event.name.as_str(), event.data.as_str()),
                ("said", r#"{"text":"hi\nall"}"#)
            );
        }
        assert_eq!(ann.retry(), Some(Duration::from_secs(2)));

        let last = ann.last_event_id().to_owned();
        drop(ann);
        client
            .post("/say")
            .form(&[("text", "while she is away")])
            .await
            .assert_status(204);
        let mut ann = client.get("/feed").header("last-event-id", last).await.events();
        let missed = ann.next().await.expect("it never ends");
        assert_eq!(missed.data, r#"{"text":"while she is away"}"#);
    }

    #[tokio::test]
    async fn who_was_away_for_too_long_is_told() {
        let client = TestClient::new(app());
        let mut events = client.get("/feed").await.events();
        while !matches!(events.next_item().await, Some(StreamItem::Id(_))) {}
        let last = events.last_event_id().to_owned();
        drop(events);
        for n in 0..101 {
            client
                .post("/say")
                .form(&[("text", n.to_string())])
                .await
                .assert_status(204);
        }
        let mut events = client.get("/feed").header("last-event-id", last).await.events();
        let gap = events.next().await.expect("it never ends");
        assert_eq!((gap.name.as_str(), gap.data.as_str()), ("gap", r#"{"missed":1}"#));
        assert_eq!(events.next().await.expect("it never ends").data, r#"{"text":"1"}"#);
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_stream_gives_signs_of_life() {
        let mut events = TestClient::new(app()).get("/feed").await.events();
        while !matches!(events.next_item().await, Some(StreamItem::Comment(_))) {}
    }
}
