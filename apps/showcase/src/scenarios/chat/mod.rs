//! `/chat`: three rooms in which visitors hear each other, see who is there, and find what was said when they come back.

mod pace;

use std::time::Duration;

use garde::Validate;
use hyperlane::{
    Error, IntoResponse, Json, Query, Response, Route, Router, State, StatusCode, Valid,
    middleware::RateLimit,
    websocket::{Message, WebSocketUpgrade},
};
use hyperlane_realtime::{Hub, Joiner, Speaker, serve_websocket_with};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::pace::Pace;
use crate::{args::Args, page, sources::SourceError};

/// The rooms are these, so that nobody makes a million.
const ROOMS: [&str; 3] = ["lobby", "kitchen", "workshop"];
/// A demo for a few, on a small machine.
const MEMBERS: usize = 200;
/// How many characters somebody says at once.
const TEXT: usize = 500;
/// The most bytes that come from a browser at once: the text, in the longest characters, and what is around it.
const MESSAGE: usize = 4 * 1024;
/// How many of the last messages a newcomer sees.
const HISTORY: usize = 50;
/// A browser that reconnects does so every few seconds at most.
const JOINS_PER_MINUTE: u32 = 60;

/// What the page needs.
#[derive(Debug)]
pub(super) struct Chat {
    hub: Hub,
}

impl Chat {
    /// Opens the hub, in this process alone.
    pub(super) async fn open(_args: &Args) -> Result<Self, SourceError> {
        let hub = Hub::builder()
            .max_rooms(ROOMS.len())
            .max_members(MEMBERS)
            .message_bytes(MESSAGE)
            .history_messages(HISTORY)
            .build();
        Ok(Self { hub })
    }

    /// Its page and what the page asks.
    pub(super) fn routes(&self) -> Router {
        let sockets = Router::new();
        sockets
            .middleware(RateLimit::new(JOINS_PER_MINUTE, Duration::from_secs(60)))
            .get("/chat/socket", Route::new(enter).undocumented());
        let router = Router::new();
        router
            .state(self.hub.clone())
            .get("/chat", Route::new(page).undocumented())
            .get("/assets/scenarios/chat.js", Route::new(script).undocumented())
            .get("/assets/scenarios/chat.css", Route::new(style).undocumented())
            .get(
                "/chat/rooms",
                Route::new(rooms).openapi(|operation| {
                    operation
                        .summary("Lists the rooms of the chat, and how many are in them")
                        .tag("scenarios")
                }),
            )
            .merge(sockets);
        router
    }

    /// Sends everybody home.
    pub(super) async fn close(&self) {
        self.hub.close().await;
    }
}

async fn page() -> impl IntoResponse {
    page::html(include_str!("../../assets/scenarios/chat.html"))
}

async fn script() -> impl IntoResponse {
    page::script(include_str!("../../assets/scenarios/chat.js"))
}

async fn style() -> impl IntoResponse {
    let headers = [
        ("content-type", "text/css; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-cache"),
    ];
    (headers, include_str!("../../assets/scenarios/chat.css"))
}

/// A room, as the page lists it.
#[derive(Debug, Serialize, JsonSchema)]
struct RoomLine {
    /// Its name.
    name: String,
    /// How many visitors are there now.
    members: usize,
}

/// `GET /chat/rooms`.
async fn rooms(State(hub): State<Hub>) -> Json<Vec<RoomLine>> {
    let line = |name: &str| RoomLine {
        name: name.to_owned(),
        members: hub.room(name).members(),
    };
    Json(ROOMS.map(line).into())
}

/// Who comes, and to which room.
#[derive(Debug, Deserialize, Validate)]
struct Entrance {
    #[garde(custom(is_room))]
    room: String,
    /// The browser tab's own, so that two of one name are two.
    #[garde(ascii, length(min = 8, max = 64))]
    id: String,
    #[garde(length(chars, min = 1, max = 40))]
    name: String,
    /// The last message that it has, if it comes back.
    #[garde(skip)]
    since: Option<String>,
}

fn is_room(room: &str, _: &()) -> garde::Result {
    match ROOMS.contains(&room) {
        true => Ok(()),
        false => Err(garde::Error::new("is none of the rooms")),
    }
}

/// `GET /chat/socket`: a WebSocket that hears the room, and to which each message is something said there.
async fn enter(
    upgrade: WebSocketUpgrade,
    Valid(Query(entrance)): Valid<Query<Entrance>>,
    State(hub): State<Hub>,
) -> Result<Response, Error> {
    let joiner = Joiner::new(entrance.id)
        .meta(&json!({ "name": entrance.name }))?
        .since(entrance.since.as_deref())
        .history(HISTORY);
    let member = match hub.join(entrance.room, joiner) {
        Ok(member) => member,
        Err(error) if error.is_full() => return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response()),
        Err(error) => return Err(error.into()),
    };
    let mut pace = Pace::new();
    let say = async move |speaker: &Speaker, message: Message| {
        let Some(text) = message.as_text().map(str::trim).filter(|text| !text.is_empty()) else {
            return;
        };
        // Who talks too fast is held up, and its browser with it.
        pace.wait().await;
        let text: String = text.chars().take(TEXT).collect();
        if let Err(error) = speaker.say(&json!({ "name": entrance.name, "text": text })) {
            tracing::debug!(%error, "nobody hears a message of the chat");
        }
    };
    let upgrade = upgrade.max_message_size(MESSAGE);
    Ok(upgrade.on_upgrade(async |socket| serve_websocket_with(socket, member, say).await))
}
