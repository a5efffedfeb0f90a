//! One hub over several processes: all WebSockets are members of one room. A text is for all, but `#e…` is answered.
//!
//! `PROCESSES` says how many processes serve; none means this one alone.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use hyperlane::processes::{Accept, Processes, worker};
use hyperlane::websocket::{Message, WebSocket, WebSocketUpgrade};
use hyperlane::{Response, Server, ServerConfig, State};
use hyperlane_realtime::backplane::Unix;
use hyperlane_realtime::{Hub, Member};

const ROOM: &str = "all";
/// More than a process has descriptors.
const MEMBERS: usize = 1 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = ServerConfig::new();
    config.port(contract::port()).max_connections(MEMBERS);
    if let Ok(count) = std::env::var("PROCESSES") {
        // Connections that stay open are spread evenly only so.
        config.processes(Processes::new(count.parse()?).accept(Accept::PerProcess));
    }
    let server = Server::new();
    server.config(config);
    server.state(hub()?).get("/ws", enter);
    let handle = server.run().await?;
    if worker().is_none() {
        contract::announce(handle.local_addr());
    }
    handle.wait().await;
    handle.outcome()?;
    Ok(())
}

/// Of this process alone, or of all workers.
fn hub() -> io::Result<Hub> {
    let hub = Hub::builder().max_members(MEMBERS).presence_events(0);
    Ok(match worker() {
        Some(worker) => hub.backplane(Unix::new(worker.run_folder())?),
        None => hub.build(),
    })
}

async fn enter(upgrade: WebSocketUpgrade, State(hub): State<Hub>) -> Result<Response, hyperlane::Error> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let process = worker().map_or(0, |worker| worker.number());
    let member = hub.join(ROOM, format!("{process}.{number}"))?;
    Ok(upgrade.on_upgrade(async |socket| serve(socket, member).await))
}

async fn serve(socket: WebSocket, mut member: Member) {
    let speaker = member.speaker();
    let (sender, mut receiver) = socket.split();
    let incoming = async {
        while let Some(Ok(Message::Text(text))) = receiver.recv().await {
            let done = match text.starts_with("#e") {
                true => sender.send(text).await.is_ok(),
                false => speaker.say(&*text).is_ok(),
            };
            if !done {
                return;
            }
        }
    };
    let outgoing = async {
        while let Some(delivery) = member.recv().await {
            if sender.send(delivery.to_message()).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = incoming => {}
        () = outgoing => {}
    }
}
