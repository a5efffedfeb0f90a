//! The last messages of a room.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Limits;
use crate::delivery::Delivery;
use crate::position::{Origin, Position, Token};

/// Messages in the order in which this node delivered them.
#[derive(Debug)]
pub(crate) struct History {
    kept: VecDeque<Kept>,
    bytes: usize,
    /// Up to where messages may be missing here.
    forgotten: Position,
    /// The last message that went before it was in the log.
    adrift: Option<Origin>,
}

#[derive(Debug)]
struct Kept {
    /// `None` while it is in no log.
    position: Option<Position>,
    origin: Origin,
    since: Instant,
    delivery: Delivery,
}

/// What a member gets that comes back.
#[derive(Debug)]
pub(crate) struct Replay {
    pub(crate) deliveries: Vec<Delivery>,
    /// Whether there was more.
    pub(crate) missed: bool,
}

impl History {
    /// An empty one of a room about which nothing is known up to some place.
    pub(crate) fn new(forgotten: Position) -> Self {
        Self {
            kept: VecDeque::new(),
            bytes: 0,
            forgotten,
            adrift: None,
        }
    }

    pub(crate) fn push(
        &mut self,
        position: Option<Position>,
        origin: Origin,
        delivery: Delivery,
        age: Duration,
        limits: &Limits,
    ) {
        if position.is_some() {
            self.land(origin);
        }
        let now = Instant::now();
        self.bytes += delivery.size();
        self.kept.push_back(Kept {
            position,
            origin,
            since: now.checked_sub(age).unwrap_or(now),
            delivery,
        });
        self.expire(limits);
    }

    /// A message that was delivered before has come into the log.
    pub(crate) fn settle(&mut self, origin: Origin, position: Position) {
        match self.kept.iter_mut().rev().find(|kept| kept.origin == origin) {
            Some(kept) => _ = kept.position.get_or_insert(position),
            None => self.forgotten = self.forgotten.max(position),
        }
        self.land(origin);
    }

    /// Messages of a node come into the log in their order.
    fn land(&mut self, origin: Origin) {
        let is_there = |last: &mut Origin| last.node == origin.node && last.number <= origin.number;
        self.adrift.take_if(is_there);
    }

    /// Nothing is known of what the log held before this place.
    pub(crate) fn forget(&mut self, position: Position) {
        self.forgotten = self.forgotten.max(position);
    }

    /// The last place in the log that it knows of.
    pub(crate) fn end(&self) -> Position {
        let last = self.kept.iter().filter_map(|kept| kept.position).max();
        last.unwrap_or_default().max(self.forgotten)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What is too old, or too much, goes.
    pub(crate) fn expire(&mut self, limits: &Limits) {
        let too_much = |history: &Self| {
            history.kept.len() > limits.history_messages
                || history.bytes > limits.history_bytes
                || history
                    .kept
                    .front()
                    .is_some_and(|kept| kept.since.elapsed() > limits.history_age)
        };
        while too_much(self) {
            let Some(oldest) = self.kept.pop_front() else {
                return;
            };
            self.bytes -= oldest.delivery.size();
            match oldest.position {
                Some(position) => self.forgotten = self.forgotten.max(position),
                None => self.adrift = Some(oldest.origin),
            }
        }
    }

    /// The last messages, the oldest first.
    pub(crate) fn last(&mut self, number: usize, limits: &Limits) -> Vec<Delivery> {
        self.expire(limits);
        let skipped = self.kept.len().saturating_sub(number);
        self.kept
            .iter()
            .skip(skipped)
            .map(|kept| kept.delivery.clone())
            .collect()
    }

    /// What comes behind what a client has seen. `None` is one that brought an id that no hub has written.
    pub(crate) fn since(&mut self, token: Option<Token>, limits: &Limits) -> Replay {
        self.expire(limits);
        let Some(token) = token else {
            return Replay {
                deliveries: self.kept.iter().map(|kept| kept.delivery.clone()).collect(),
                missed: true,
            };
        };
        let unseen = self
            .kept
            .iter()
            .filter(|kept| !token.covers(kept.position, kept.origin));
        Replay {
            deliveries: unseen.map(|kept| kept.behind(&token)).collect(),
            missed: token.position < self.forgotten || self.adrift.is_some_and(|last| !token.covers(None, last)),
        }
    }
}

impl Kept {
    /// The delivery for a client that has seen more of the log than this node had when it delivered it, while it was cut
    /// off: its id must not lead back before that.
    fn behind(&self, token: &Token) -> Delivery {
        match self.delivery.id().and_then(Token::parse) {
            Some(own) if own.position < token.position => self.delivery.with_id(Token {
                position: token.position,
                own: own.own,
            }),
            _ => self.delivery.clone(),
        }
    }
}
