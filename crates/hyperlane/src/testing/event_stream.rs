//! `text/event-stream` read piece by piece, as the HTML standard says ("Interpreting an event stream", §9.2.6).

use std::collections::VecDeque;
use std::time::Duration;

/// What a browser would hand to a listener: one event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Its type; `message` if the server named none.
    pub name: String,
    /// Its data, the lines joined by line feeds.
    pub data: String,
    /// The last id that was set by it or before it; empty if none was. It is what a client sends as `Last-Event-ID`
    /// when it comes back.
    pub id: String,
}

/// A part of an event stream that has a meaning of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamItem {
    /// An event.
    Event(Event),
    /// A comment, without its colon: as a rule a sign of life.
    Comment(String),
    /// The time to wait before a lost connection is made again.
    Retry(Duration),
    /// An id without an event: no listener sees it, and a client that comes back sends it as `Last-Event-ID`.
    Id(String),
}

/// Turns bytes into items. Any split of the bytes over calls gives the same items.
#[derive(Debug, Default)]
pub(super) struct Parser {
    items: VecDeque<StreamItem>,
    line: Vec<u8>,
    /// Whether a line feed would belong to the line end before it.
    after_cr: bool,
    past_first_line: bool,
    name: String,
    data: String,
    id: String,
    /// Whether the id was set since the last empty line.
    id_is_new: bool,
}

impl Parser {
    /// Takes more bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, *byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\r' | b'\n' => self.end_line(),
                _ => self.line.push(*byte),
            }
        }
    }

    /// The next item, if all of it was fed. What is incomplete at the end of the stream is none.
    pub(super) fn next(&mut self) -> Option<StreamItem> {
        self.items.pop_front()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let first = !std::mem::replace(&mut self.past_first_line, true);
        let line = match line.strip_prefix('\u{feff}') {
            Some(rest) if first => rest,
            _ => &line,
        };
        if line.is_empty() {
            return self.dispatch();
        }
        match line.split_once(':') {
            Some(("", comment)) => {
                let comment = comment.strip_prefix(' ').unwrap_or(comment);
                self.items.push_back(StreamItem::Comment(comment.to_owned()));
            }
            Some((field, value)) => self.set(field, value.strip_prefix(' ').unwrap_or(value)),
            None => self.set(line, ""),
        }
    }

    fn set(&mut self, field: &str, value: &str) {
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => {
                value.clone_into(&mut self.id);
                self.id_is_new = true;
            }
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                if let Ok(millis) = value.parse() {
                    self.items.push_back(StreamItem::Retry(Duration::from_millis(millis)));
                }
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        let name = std::mem::take(&mut self.name);
        let mut data = std::mem::take(&mut self.data);
        let id_is_new = std::mem::take(&mut self.id_is_new);
        if data.pop().is_none() {
            if id_is_new {
                self.items.push_back(StreamItem::Id(self.id.clone()));
            }
            return;
        }
        self.items.push_back(StreamItem::Event(Event {
            name: if name.is_empty() { "message".to_owned() } else { name },
            data,
            id: self.id.clone(),
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(pieces: &[&[u8]]) -> Vec<StreamItem> {
        let mut parser = Parser::default();
        for piece in pieces {
            parser.feed(piece);
        }
        std::iter::from_fn(|| parser.next()).collect()
    }

    fn event(name: &str, data: &str, id: &str) -> StreamItem {
        StreamItem::Event(Event {
            name: name.into(),
            data: data.into(),
            id: id.into(),
        })
    }

    #[test]
    fn fields_make_events_and_what_is_unknown_is_passed_over() {
        let stream = "\u{feff}event: tick\ndata: a\ndata:b\ndata:  c\nid: 7\nother: x\n\ndata\n\ndata\ndata\n\n";
        assert_eq!(
            items(&[stream.as_bytes()]),
            [
                event("tick", "a\nb\n c", "7"),
                event("message", "", "7"),
                event("message", "\n", "7")
            ]
        );
    }

    #[test]
    fn an_event_without_data_or_without_an_empty_line_is_none() {
        assert_eq!(items(&[b"event: x\n\ndata: y\n"]), []);
        assert_eq!(
            items(&[b"event: x\nid: 1\n\n\n"]),
            [StreamItem::Id("1".into())],
            "its id counts, once"
        );
        assert_eq!(
            items(&[b"event: x\n\ndata: y\n\n"]),
            [event("message", "y", "")],
            "its name is forgotten"
        );
    }

    #[test]
    fn an_id_stays_until_it_is_set_again_and_must_not_hold_nul() {
        let stream = b"id: 1\ndata: a\n\nid: x\0y\ndata: b\n\nid\ndata: c\n\n";
        assert_eq!(
            items(&[stream]),
            [
                event("message", "a", "1"),
                event("message", "b", "1"),
                event("message", "c", "")
            ]
        );
    }

    #[test]
    fn comments_and_times_to_wait_are_items_of_their_own() {
        assert_eq!(
            items(&[b": alive\n:\nretry: 1500\nretry: 1x\nretry:\n"]),
            [
                StreamItem::Comment("alive".into()),
                StreamItem::Comment(String::new()),
                StreamItem::Retry(Duration::from_millis(1500))
            ]
        );
    }

    #[test]
    fn any_split_and_any_line_end_give_the_same_events() {
        let plain = "\u{feff}: hi\ndata: grüße\ndata: 2\n\nevent: x\ndata: y\n\n";
        let expected = items(&[plain.as_bytes()]);
        assert_eq!(expected.len(), 3);
        for end in ["\n", "\r", "\r\n"] {
            let stream = plain.replace('\n', end).into_bytes();
            for at in 0..=stream.len() {
                let (before, after) = stream.split_at(at);
                assert_eq!(items(&[before, after]), expected, "{end:?} split at {at}");
            }
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            assert_eq!(items(&bytes), expected, "{end:?} byte by byte");
        }
    }
}
