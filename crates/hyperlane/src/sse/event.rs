//! One event, and how it is written (HTML standard §9.2.5 and §9.2.6).

use std::fmt::{self, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;

use super::error::{EventError, Kind};

/// One event of a stream: data, and beside it an id, a name, a time to wait before reconnecting, a comment.
///
/// It is a cheap handle, and is written once however many clients get it. Line ends in data and comments are kept as
/// far as the format can (each becomes a line feed). An id or a name with a line end or NUL would be read as something
/// else: such an event is refused where it is sent or published.
///
/// ```
/// use hyperlane::sse::Event;
/// use std::time::Duration;
///
/// let event = Event::new("one line\nand another")
///     .with_name("note")
///     .with_id(7)
///     .with_retry(Duration::from_secs(2));
/// assert_eq!(event.to_string(), "retry: 2000\nevent: note\nid: 7\ndata: one line\ndata: and another\n\n");
/// assert!(Event::new("").with_id("1\ndata: forged").check().is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Event(Arc<Inner>);

#[derive(Clone, Debug, Default)]
struct Inner {
    data: Option<String>,
    name: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
    comment: Option<String>,
    wire: OnceLock<Bytes>,
}

impl Event {
    /// An event with text as its data, which may be empty or have several lines.
    pub fn new(data: impl Into<String>) -> Self {
        Self::from_inner(Inner {
            data: Some(data.into()),
            ..Inner::default()
        })
    }

    /// An event with a value as its data, written as JSON.
    ///
    /// ```
    /// use hyperlane::sse::Event;
    ///
    /// # fn main() -> Result<(), hyperlane::sse::EventError> {
    /// let event = Event::json([1, 2])?.with_name("pair");
    /// assert_eq!(event.to_string(), "event: pair\ndata: [1,2]\n\n");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The value can't be written as JSON.
    #[cfg(feature = "json")]
    pub fn json(value: impl serde::Serialize) -> Result<Self, EventError> {
        let text = serde_json::to_string(&value).map_err(|error| EventError::new(Kind::Json(error.into())))?;
        Ok(Self::new(text))
    }

    /// A comment alone: clients pass it over. Comments that keep a connection alive are sent [without
    /// this](super::Sse::keep_alive).
    pub fn comment(text: impl Into<String>) -> Self {
        Self::from_inner(Inner::default()).with_comment(text)
    }

    /// A time to wait before reconnecting, alone.
    pub fn retry(time: Duration) -> Self {
        Self::from_inner(Inner::default()).with_retry(time)
    }

    /// An id alone: no listener sees it, and a browser sends it as `Last-Event-ID` when it comes back.
    pub fn position(id: impl fmt::Display) -> Self {
        Self::from_inner(Inner::default()).with_id(id)
    }

    /// The same with an id. It is what a client that comes back sends as its [`LastEventId`](super::LastEventId); an
    /// empty one makes it send none.
    #[must_use]
    pub fn with_id(self, id: impl fmt::Display) -> Self {
        self.change(|inner| inner.id = Some(id.to_string()))
    }

    /// The same with a name, the type that scripts listen for. Without one, or with an empty one, it is `message`.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        self.change(|inner| inner.name = Some(name.into()))
    }

    /// The same with a time that clients shall wait before they reconnect, in whole milliseconds. Browsers wait a few
    /// seconds unless they are told.
    #[must_use]
    pub fn with_retry(self, time: Duration) -> Self {
        self.change(|inner| inner.retry = Some(time))
    }

    /// The same with a comment, which clients pass over.
    #[must_use]
    pub fn with_comment(self, text: impl Into<String>) -> Self {
        self.change(|inner| inner.comment = Some(text.into()))
    }

    /// Its data, if it has any.
    pub fn data(&self) -> Option<&str> {
        self.0.data.as_deref()
    }

    /// Its name, if it was given one.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Its id, if it was given one.
    pub fn id(&self) -> Option<&str> {
        self.0.id.as_deref()
    }

    /// Looks whether it can go on the wire.
    ///
    /// # Errors
    ///
    /// Its id or name holds CR, LF or NUL: it would begin other fields, or be passed over by clients (§9.2.6).
    pub fn check(&self) -> Result<(), EventError> {
        for (what, text) in [("id", self.id()), ("name", self.name())] {
            if text.is_some_and(|text| text.contains(['\r', '\n', '\0'])) {
                return Err(EventError::new(Kind::Field(what)));
            }
        }
        Ok(())
    }

    /// Its bytes, up to the empty line that ends it.
    pub(super) fn wire(&self) -> Result<Bytes, EventError> {
        self.check()?;
        Ok(self.0.wire.get_or_init(|| Bytes::from(self.to_string())).clone())
    }

    fn from_inner(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        inner.wire.take();
        change(inner);
        self
    }
}

/// As it is written, if [`check`](Event::check) has nothing against it.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(comment) = &inner.comment {
            write_lines(f, "", comment)?;
        }
        if let Some(retry) = inner.retry {
            writeln!(f, "retry: {}", retry.as_millis())?;
        }
        if let Some(name) = &inner.name {
            writeln!(f, "event: {name}")?;
        }
        if let Some(id) = &inner.id {
            writeln!(f, "id: {id}")?;
        }
        if let Some(data) = &inner.data {
            write_lines(f, "data", data)?;
        }
        f.write_char('\n')
    }
}

/// A field for each line. A space always stands before the value: clients take away one and no more (§9.2.6).
fn write_lines(f: &mut fmt::Formatter<'_>, field: &str, text: &str) -> fmt::Result {
    let mut rest = text;
    loop {
        let Some(end) = rest.find(['\r', '\n']) else {
            return writeln!(f, "{field}: {rest}");
        };
        let (line, after) = rest.split_at(end);
        writeln!(f, "{field}: {line}")?;
        rest = match after.strip_prefix("\r\n") {
            Some(after) => after,
            None => after.get(1..).unwrap_or_default(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_data_is_a_field_whatever_ends_it() {
        let event = Event::new("a\r\nb\rc\n\n d\n");
        assert_eq!(
            event.to_string(),
            "data: a\ndata: b\ndata: c\ndata: \ndata:  d\ndata: \n\n"
        );
        assert_eq!(Event::new("").to_string(), "data: \n\n");
    }

    #[test]
    fn what_has_no_data_is_no_event_for_listeners() {
        assert_eq!(Event::comment("a\nb").to_string(), ": a\n: b\n\n");
        assert_eq!(Event::retry(Duration::from_millis(1500)).to_string(), "retry: 1500\n\n");
        assert_eq!(Event::position("p").to_string(), "id: p\n\n");
    }

    #[test]
    fn refuses_line_ends_and_nul_in_id_and_name() {
        for bad in ["\r", "\n", "\0", "a\r\nb"] {
            let error = Event::new("x").with_id(bad).check().expect_err(bad);
            assert!(error.is_invalid() && error.to_string().contains("id"), "{error}");
            assert!(Event::new("x").with_name(bad).wire().is_err(), "{bad:?}");
        }
        assert!(Event::new("\0").with_id("grüße").with_name("").check().is_ok());
    }

    #[test]
    fn a_clone_that_is_changed_is_written_anew() {
        let event = Event::new("x");
        let _ = event.wire();
        let named = event.clone().with_name("n");
        assert_eq!(named.wire().expect("valid"), "event: n\ndata: x\n\n");
        assert_eq!(event.wire().expect("valid"), "data: x\n\n");
    }
}
