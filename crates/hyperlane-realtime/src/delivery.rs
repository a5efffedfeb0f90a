//! What members receive: written once, for however many of them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use hyperlane::sse::Event;
use hyperlane::websocket::{ByteString, Message};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::position::{Origin, Position, Token};
use crate::presence::Present;

/// What a delivery is about. More may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DeliveryKind {
    /// The member is in a room; who else is, and what it missed. The first of each room.
    Joined,
    /// A message to a room.
    Message,
    /// A message to this member alone.
    Direct,
    /// Somebody came into the room.
    Join,
    /// Somebody left the room.
    Leave,
    /// Messages were dropped, because the member was too slow or because nobody has them any more.
    Missed,
    /// The other nodes can't be reached: only members of this one are heard.
    Offline,
    /// The other nodes are heard again; what they said meanwhile comes now.
    Online,
}

/// One thing that a member receives, as a line of JSON that is shared by all who get it.
///
/// ```json
/// {"type":"message","id":"18f-2a","room":"lobby","from":"ada","at":1735689600000,"data":{"text":"hello"}}
/// {"type":"direct","from":"ada","at":1735689600000,"data":"psst"}
/// {"type":"join","room":"lobby","member":"bob","meta":{"name":"Bob"}}
/// {"type":"leave","room":"lobby","member":"bob"}
/// {"type":"joined","id":"18f-2a","room":"lobby","member":"ada","missed":false,"members":[{"id":"bob","meta":null}],"count":1}
/// {"type":"missed","count":12}
/// {"type":"offline"}
/// {"type":"online"}
/// ```
///
/// `from` and `meta` may be `null`, as may the `count` of what was missed, where nobody knows it, and the `id` of `joined`
/// where messages follow that the member has missed. The newest `id` is what a client comes back with. Times are
/// milliseconds since 1970.
#[derive(Clone)]
pub struct Delivery(Arc<Inner>);

/// Where a message stands: in the log, if it is there, and which it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) position: Option<Position>,
    pub(crate) origin: Origin,
    /// Whether it was said before this node was there.
    pub(crate) is_old: bool,
}

struct Inner {
    kind: DeliveryKind,
    id: Option<Box<str>>,
    room: Option<Arc<str>>,
    /// Who said it, came or left.
    member: Option<Arc<str>>,
    text: ByteString,
    /// Where in the text the data stands.
    data: (usize, usize),
    /// When it was said, in milliseconds since 1970.
    at: u64,
    /// Where the message stands.
    place: Option<Place>,
    /// Made when the first stream of events asks for it.
    event: OnceLock<Event>,
}

impl Delivery {
    /// What it is about.
    pub fn kind(&self) -> DeliveryKind {
        self.0.kind
    }

    /// What a client comes back with to get what comes behind this.
    pub fn id(&self) -> Option<&str> {
        self.0.id.as_deref()
    }

    /// The room, if it is about one.
    pub fn room(&self) -> Option<&str> {
        self.0.room.as_deref()
    }

    /// Who said it, came or left; `None` where the application itself said it.
    pub fn member(&self) -> Option<&str> {
        self.0.member.as_deref()
    }

    /// The data of a message, as JSON; nothing where it has none.
    pub fn data(&self) -> &str {
        self.text().get(self.0.data.0..self.0.data.1).unwrap_or_default()
    }

    /// The data of a message as a value.
    ///
    /// # Errors
    ///
    /// It is not of this type, or this is no message.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.data())
    }

    /// All of it, as a line of JSON.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// A message of a WebSocket. It shares the text and copies nothing.
    pub fn to_message(&self) -> Message {
        Message::Text(self.0.text.clone())
    }

    /// An event of a stream, written once for all who get it.
    pub fn to_event(&self) -> Event {
        let make = || {
            let event = Event::new(self.text());
            match self.id() {
                Some(id) => event.with_id(id),
                None => event,
            }
        };
        self.0.event.get_or_init(make).clone()
    }

    pub(crate) fn size(&self) -> usize {
        self.0.text.len()
    }

    /// Whether a client that has seen so much has seen this message, too.
    pub(crate) fn is_covered_by(&self, token: &Token) -> bool {
        self.0
            .place
            .is_some_and(|place| token.covers(place.position, place.origin))
    }

    pub(crate) fn is_old(&self) -> bool {
        self.0.place.is_some_and(|place| place.is_old)
    }

    pub(crate) fn is_message(&self) -> bool {
        self.0.kind == DeliveryKind::Message
    }

    pub(crate) fn message(
        id: Token,
        place: Place,
        room: &Arc<str>,
        from: Option<&Arc<str>>,
        at: u64,
        data: &str,
    ) -> Self {
        let id = id.to_string();
        #[derive(Serialize)]
        struct Head<'a> {
            r#type: DeliveryKind,
            id: &'a str,
            room: &'a str,
            from: Option<&'a str>,
            at: u64,
        }
        let kind = DeliveryKind::Message;
        let head = Head {
            r#type: kind,
            id: &id,
            room,
            from: from.map(|from| &**from),
            at,
        };
        let (text, data) = with_data(&head, data);
        Self(Arc::new(Inner {
            id: Some(id.into()),
            place: Some(place),
            at,
            data,
            ..Inner::new(kind, Some(room), from, text)
        }))
    }

    /// The same message with another id.
    pub(crate) fn with_id(&self, token: Token) -> Self {
        let Some(place) = self.0.place else {
            return self.clone();
        };
        let room: Arc<str> = self.0.room.clone().unwrap_or_default();
        Self::message(token, place, &room, self.0.member.as_ref(), self.0.at, self.data())
    }

    pub(crate) fn direct(from: Option<&Arc<str>>, at: u64, data: &str) -> Self {
        #[derive(Serialize)]
        struct Head<'a> {
            r#type: DeliveryKind,
            from: Option<&'a str>,
            at: u64,
        }
        let kind = DeliveryKind::Direct;
        let head = Head {
            r#type: kind,
            from: from.map(|from| &**from),
            at,
        };
        let (text, data) = with_data(&head, data);
        Self(Arc::new(Inner {
            data,
            ..Inner::new(kind, None, from, text)
        }))
    }

    pub(crate) fn join(room: &Arc<str>, member: &Arc<str>, meta: Option<&RawValue>) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: DeliveryKind,
            room: &'a str,
            member: &'a str,
            meta: Option<&'a RawValue>,
        }
        let kind = DeliveryKind::Join;
        let body = Body {
            r#type: kind,
            room,
            member,
            meta,
        };
        Self::plain(kind, Some(room), Some(member), &body)
    }

    pub(crate) fn leave(room: &Arc<str>, member: &Arc<str>) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: DeliveryKind,
            room: &'a str,
            member: &'a str,
        }
        let kind = DeliveryKind::Leave;
        let body = Body {
            r#type: kind,
            room,
            member,
        };
        Self::plain(kind, Some(room), Some(member), &body)
    }

    pub(crate) fn joined(
        id: Option<Token>,
        room: &Arc<str>,
        member: &Arc<str>,
        missed: bool,
        members: &[Present],
        count: usize,
    ) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: DeliveryKind,
            id: Option<&'a str>,
            room: &'a str,
            member: &'a str,
            missed: bool,
            members: &'a [Present],
            count: usize,
        }
        let kind = DeliveryKind::Joined;
        let id = id.map(|id| id.to_string());
        let body = Body {
            r#type: kind,
            id: id.as_deref(),
            room,
            member,
            missed,
            members,
            count,
        };
        let text = to_json(&body);
        Self(Arc::new(Inner {
            id: id.map(Into::into),
            ..Inner::new(kind, Some(room), Some(member), text)
        }))
    }

    pub(crate) fn missed(count: Option<u64>) -> Self {
        #[derive(Serialize)]
        struct Body {
            r#type: DeliveryKind,
            count: Option<u64>,
        }
        let kind = DeliveryKind::Missed;
        Self::plain(kind, None, None, &Body { r#type: kind, count })
    }

    pub(crate) fn online(online: bool) -> Self {
        #[derive(Serialize)]
        struct Body {
            r#type: DeliveryKind,
        }
        let kind = if online {
            DeliveryKind::Online
        } else {
            DeliveryKind::Offline
        };
        Self::plain(kind, None, None, &Body { r#type: kind })
    }

    fn plain(kind: DeliveryKind, room: Option<&Arc<str>>, member: Option<&Arc<str>>, body: &impl Serialize) -> Self {
        Self(Arc::new(Inner::new(kind, room, member, to_json(body))))
    }
}

impl Inner {
    fn new(kind: DeliveryKind, room: Option<&Arc<str>>, member: Option<&Arc<str>>, text: String) -> Self {
        Self {
            kind,
            id: None,
            room: room.cloned(),
            member: member.cloned(),
            text: text.into(),
            data: (0, 0),
            at: 0,
            place: None,
            event: OnceLock::new(),
        }
    }
}

/// A head, with the data as its last member; and where that stands.
fn with_data(head: &impl Serialize, data: &str) -> (String, (usize, usize)) {
    let mut text = to_json(head);
    text.pop();
    text.push_str(",\"data\":");
    let start = text.len();
    text.push_str(data);
    let end = text.len();
    text.push('}');
    (text, (start, end))
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and numbers are always json")
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Delivery").field(&self.text()).finish()
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
