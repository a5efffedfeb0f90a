//! The last events, kept for those who come back, and handed to all who listen.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::error::{EventError, Kind};
use super::event::Event;
use super::subscription::{FallenBehind, Missed, Subscription};

/// Some minutes of a lively feed.
const MAX_EVENTS: usize = 1024;
/// With events of a kilobyte as many as [`MAX_EVENTS`].
const MAX_BYTES: usize = 1024 * 1024;
const GAP_EVENT: &str = "gap";

/// A feed that many clients listen to, with a bounded memory: who comes back with the id of the last event that it got
/// receives what it missed, then what comes, without a gap and without a double.
///
/// Every event is kept once, for all subscribers, and a subscriber is no more than its place in the log: a slow one
/// costs no memory. The oldest events are forgotten beyond [`max_events`](Self::max_events) or
/// [`max_bytes`](Self::max_bytes). Who needs one of those is told so, by an event of the name `gap` whose data is
/// `{"missed":12}`, or `{"missed":null}` where the number can't be known, and receives what is kept: a page then loads
/// its state anew.
///
/// Events get ids unless they have their own, which must then be unique. The log's ids hold a mark of the log itself, so
/// that those of another process, or of this one before its restart, are known as foreign. A new subscriber is sent an
/// id at once: so it misses nothing either when its connection is lost before the first event.
///
/// It is a cheap handle. When the last clone is dropped, the streams of its subscribers end.
///
/// ```
/// use hyperlane::sse::{Event, EventLog};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hyperlane::Error> {
/// let log = EventLog::new().max_events(100);
/// let first = log.publish(Event::new("a"))?;
/// log.publish(Event::new("b"))?;
///
/// let mut back = log.subscribe(first.id());
/// assert_eq!(back.next().await.and_then(|event| event.data().map(str::to_owned)).as_deref(), Some("b"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct EventLog(Arc<Owner>);

/// All clones of a log; its end closes the log.
struct Owner(Arc<Shared>);

/// What a log and its subscriptions have in common.
pub(super) struct Shared(Mutex<State>);

pub(super) struct State {
    /// Tells the ids of this log from those of others.
    mark: u64,
    held: VecDeque<Event>,
    bytes: usize,
    /// The number that the next event gets. They begin with 1.
    next: u64,
    max_events: usize,
    max_bytes: usize,
    gap_event: String,
    pub(super) fallen_behind: FallenBehind,
    pub(super) closed: bool,
    /// Subscriptions that wait, by their number.
    pub(super) waiting: HashMap<u64, Waker>,
    subscriptions: u64,
}

impl EventLog {
    /// A log that keeps 1,024 events, and of these 1 MiB.
    pub fn new() -> Self {
        let state = State {
            mark: RandomState::new().hash_one(0),
            held: VecDeque::new(),
            bytes: 0,
            next: 1,
            max_events: MAX_EVENTS,
            max_bytes: MAX_BYTES,
            gap_event: GAP_EVENT.to_owned(),
            fallen_behind: FallenBehind::default(),
            closed: false,
            waiting: HashMap::new(),
            subscriptions: 0,
        };
        Self(Arc::new(Owner(Arc::new(Shared(Mutex::new(state))))))
    }

    /// How many events are kept, at least one. Default: 1,024.
    #[must_use]
    pub fn max_events(self, number: usize) -> Self {
        self.set(|state| {
            state.max_events = number.max(1);
            state.forget();
        })
    }

    /// How many bytes of events are kept, as they go on the wire; a single event that is larger is refused. Default:
    /// 1,048,576 (1 MiB).
    #[must_use]
    pub fn max_bytes(self, bytes: usize) -> Self {
        self.set(|state| {
            state.max_bytes = bytes;
            state.forget();
        })
    }

    /// The name of the event by which a client learns that it missed some. Default: `gap`.
    ///
    /// # Panics
    ///
    /// It holds a line end or NUL.
    #[must_use]
    #[track_caller]
    pub fn gap_event(self, name: impl Into<String>) -> Self {
        let name = name.into();
        assert!(
            Event::new("").with_name(&*name).check().is_ok(),
            "name {name:?} holds a line end or nul, which no event can have"
        );
        self.set(|state| state.gap_event = name)
    }

    /// What becomes of a subscriber that is slower than the log forgets. Default: [`FallenBehind::Tell`].
    #[must_use]
    pub fn fallen_behind(self, policy: FallenBehind) -> Self {
        self.set(|state| state.fallen_behind = policy)
    }

    /// Adds an event, for all who listen now and those who come back. Returns it with its id. It waits for nobody.
    ///
    /// # Errors
    ///
    /// The event can't go on the wire, is larger than all that the log may keep, or the log is closed.
    pub fn publish(&self, event: Event) -> Result<Event, EventError> {
        event.check()?;
        let mut state = self.lock();
        if state.closed {
            return Err(EventError::new(Kind::Closed));
        }
        let event = match event.id() {
            Some(_) => event,
            None => event.with_id(state.id_of(state.next)),
        };
        let bytes = event.wire()?.len();
        if bytes > state.max_bytes {
            let limit = state.max_bytes;
            return Err(EventError::new(Kind::TooLarge { bytes, limit }));
        }
        state.held.push_back(event.clone());
        state.next += 1;
        state.bytes += bytes;
        state.forget();
        let waiting: Vec<Waker> = state.waiting.drain().map(|(_, waker)| waker).collect();
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        Ok(event)
    }

    /// Listens: from behind the event with this id, or, without one, to what comes from now on.
    ///
    /// What is published between this call and the first look at the subscription is not lost.
    pub fn subscribe(&self, last_event_id: Option<&str>) -> Subscription {
        let mut state = self.lock();
        state.subscriptions += 1;
        let number = state.subscriptions;
        let first = state.first();
        let (cursor, missed) = match last_event_id.map(|id| state.behind(id)) {
            None => (state.next, None),
            Some(None) => (first, Some(Missed::Unknown)),
            Some(Some(cursor)) if cursor < first => (first, Some(Missed::Events(first - cursor))),
            Some(Some(cursor)) => (cursor, None),
        };
        let opening = match missed {
            Some(missed) => Some(state.gap(missed, cursor)),
            None if last_event_id.is_none() => Some(Event::position(state.id_of(cursor - 1))),
            None => None,
        };
        drop(state);
        Subscription::new(Arc::clone(&self.0.0), number, cursor, opening, missed)
    }

    /// How many events are kept now.
    pub fn len(&self) -> usize {
        self.lock().held.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the streams of all subscribers once they have received what was published before. Nothing can be published
    /// afterwards.
    pub fn close(&self) {
        self.0.close();
    }

    fn set(self, change: impl FnOnce(&mut State)) -> Self {
        change(&mut self.lock());
        self
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock()
    }
}

impl Owner {
    fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_values().for_each(Waker::wake);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// No code that may panic halfway runs under the lock, so a poisoned one holds a sound state.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The number of the oldest event that is kept, or of the next one.
    pub(super) fn first(&self) -> u64 {
        self.next - self.held.len() as u64
    }

    /// The event with this number, if it is kept.
    pub(super) fn event(&self, number: u64) -> Option<&Event> {
        let index = usize::try_from(number.checked_sub(self.first())?).ok()?;
        self.held.get(index)
    }

    /// Tells that events before `cursor` were missed. Its id is the place before it, so that it is told once.
    pub(super) fn gap(&self, missed: Missed, cursor: u64) -> Event {
        let data = match missed {
            Missed::Events(number) => format!("{{\"missed\":{number}}}"),
            Missed::Unknown => "{\"missed\":null}".to_owned(),
        };
        Event::new(data)
            .with_name(&*self.gap_event)
            .with_id(self.id_of(cursor - 1))
    }

    fn id_of(&self, number: u64) -> String {
        format!("{:016x}-{number}", self.mark)
    }

    /// The number of the event that comes behind the one with this id; `None` for an id that is not known here.
    fn behind(&self, id: &str) -> Option<u64> {
        if let Some((mark, number)) = id.split_once('-')
            && mark == format!("{:016x}", self.mark)
            && let Ok(number) = number.parse::<u64>()
        {
            return (number < self.next).then(|| number + 1);
        }
        let back = self.held.iter().rev().position(|event| event.id() == Some(id))?;
        Some(self.next - back as u64)
    }

    fn forget(&mut self) {
        while self.held.len() > self.max_events || self.bytes > self.max_bytes {
            let Some(oldest) = self.held.pop_front() else {
                return;
            };
            self.bytes -= oldest.wire().map_or(0, |wire| wire.len());
        }
    }
}

impl Default for EventLog {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("EventLog")
            .field("held", &state.held.len())
            .field("bytes", &state.bytes)
            .field("max_events", &state.max_events)
            .field("max_bytes", &state.max_bytes)
            .finish_non_exhaustive()
    }
}
