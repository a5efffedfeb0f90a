//! Headers of a response: a short list while they are only set and sent, a map as soon as somebody asks for one.

use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::mem;
use std::vec::Drain;

use http::{HeaderMap, HeaderName, HeaderValue};

/// A list that has grown to this length goes on as a map, since each look-up goes through all of it.
const LISTED: usize = 32;
/// Lists kept for reuse by each thread; more are freed.
const POOLED: usize = 64;

/// Names and values in the order they were set, those of a name together.
///
/// Most responses have a handful of headers that are set once and sent once. A [`HeaderMap`] costs three allocations
/// and a hash for each of them; the list costs none, as its memory is reused.
pub(super) struct Headers(
    /// Is there until the drop, which takes it out to keep it for a later response.
    Option<Box<Inner>>,
);

#[derive(Default)]
struct Inner {
    list: Vec<(HeaderName, HeaderValue)>,
    /// Where it is built, it stands instead of the list.
    map: OnceCell<HeaderMap>,
}

thread_local! {
    #[expect(clippy::vec_box, reason = "the boxes themselves are what is reused")]
    static POOL: RefCell<Vec<Box<Inner>>> = const { RefCell::new(Vec::new()) };
}

impl Headers {
    /// No headers, in memory of an earlier response where there is some.
    pub(super) fn new() -> Self {
        let kept = POOL.try_with(|pool| pool.borrow_mut().pop());
        Self(Some(kept.ok().flatten().unwrap_or_default()))
    }

    /// The headers, if no map was built of them.
    pub(super) fn list(&self) -> Option<&[(HeaderName, HeaderValue)]> {
        let inner = self.inner();
        inner.map.get().is_none().then_some(&inner.list)
    }

    /// Takes the headers out, in order, if no map was built of them.
    pub(super) fn drain(&mut self) -> Option<Drain<'_, (HeaderName, HeaderValue)>> {
        let inner = self.inner_mut();
        inner.map.get().is_none().then(|| inner.list.drain(..))
    }

    /// The headers as a map. It is built on the first call.
    pub(super) fn map(&self) -> &HeaderMap {
        let inner = self.inner();
        inner.map.get_or_init(|| to_map(inner.list.iter().cloned()))
    }

    /// The headers as a map, to be changed.
    pub(super) fn map_mut(&mut self) -> &mut HeaderMap {
        let inner = self.inner_mut();
        if inner.map.get().is_none() {
            let _ = inner.map.set(to_map(inner.list.drain(..)));
        }
        inner.list.clear();
        inner.map.get_mut().expect("was built in the lines before")
    }

    /// Sets a header; earlier values of it are replaced.
    pub(super) fn insert(&mut self, name: HeaderName, value: HeaderValue) {
        let Some(list) = self.listed() else {
            self.map_mut().insert(name, value);
            return;
        };
        let Some(first) = list.iter().position(|(other, _)| *other == name) else {
            return list.push((name, value));
        };
        let mut place = 0;
        list.retain(|(other, _)| {
            place += 1;
            place <= first + 1 || *other != name
        });
        list[first].1 = value;
    }

    /// Adds a header beside those of its name.
    pub(super) fn append(&mut self, name: HeaderName, value: HeaderValue) {
        let Some(list) = self.listed() else {
            self.map_mut().append(name, value);
            return;
        };
        match list.iter().rposition(|(other, _)| *other == name) {
            None => list.push((name, value)),
            Some(last) => list.insert(last + 1, (name, value)),
        }
    }

    /// Removes all values of a header, whatever the case of its name.
    pub(super) fn remove(&mut self, name: &str) {
        match self.listed() {
            Some(list) => list.retain(|(other, _)| !other.as_str().eq_ignore_ascii_case(name)),
            None => {
                self.map_mut().remove(name);
            }
        }
    }

    pub(super) fn contains(&self, name: &HeaderName) -> bool {
        match self.inner().map.get() {
            Some(map) => map.contains_key(name),
            None => self.inner().list.iter().any(|(other, _)| other == name),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self.inner().map.get() {
            Some(map) => map.is_empty(),
            None => self.inner().list.is_empty(),
        }
    }

    /// The list, while it stands and one more has room in it.
    fn listed(&mut self) -> Option<&mut Vec<(HeaderName, HeaderValue)>> {
        let inner = self.inner_mut();
        (inner.map.get().is_none() && inner.list.len() < LISTED).then_some(&mut inner.list)
    }

    fn inner(&self) -> &Inner {
        self.0
            .as_deref()
            .expect("headers hold their parts until they are dropped")
    }

    fn inner_mut(&mut self) -> &mut Inner {
        self.0
            .as_deref_mut()
            .expect("headers hold their parts until they are dropped")
    }
}

fn to_map(list: impl ExactSizeIterator<Item = (HeaderName, HeaderValue)>) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(list.len());
    for (name, value) in list {
        map.append(name, value);
    }
    map
}

impl From<HeaderMap> for Headers {
    fn from(map: HeaderMap) -> Self {
        let mut headers = Self::new();
        headers.inner_mut().map = OnceCell::from(map);
        headers
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        let Some(mut inner) = self.0.take() else {
            return;
        };
        // Before the pool is borrowed: values may have an owner with a drop of its own.
        inner.list.clear();
        if inner.map.get().is_some() {
            drop(mem::take(&mut inner.map));
        }
        // While a thread ends its pool may be gone already: then the list is simply freed.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < POOLED {
                pool.push(inner);
            }
        });
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        match inner.map.get() {
            Some(map) => map.fmt(f),
            None => f
                .debug_map()
                .entries(inner.list.iter().map(|(name, value)| (name, value)))
                .finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HeaderName {
        text.parse().expect("a token")
    }

    fn value(text: &str) -> HeaderValue {
        text.parse().expect("visible")
    }

    fn pairs(map: &HeaderMap) -> Vec<(&str, &str)> {
        map.iter()
            .map(|(name, value)| (name.as_str(), value.to_str().expect("ascii")))
            .collect()
    }

    fn listed(headers: &Headers) -> Vec<(&str, &str)> {
        let list = headers.list().expect("no map was asked for");
        list.iter()
            .map(|(name, value)| (name.as_str(), value.to_str().expect("ascii")))
            .collect()
    }

    /// The list must be what a map would be, in the order in which a map gives it.
    #[test]
    fn a_list_is_what_the_map_of_the_same_steps_is() {
        let steps = [
            ("insert", "x-a", "1"),
            ("append", "x-b", "2"),
            ("append", "x-a", "3"),
            ("append", "x-a", "4"),
            ("insert", "x-b", "5"),
            ("insert", "content-type", "text/plain"),
            ("append", "set-cookie", "a=1"),
            ("append", "set-cookie", "b=2"),
            ("append", "x-c", "6"),
            ("insert", "x-a", "7"),
            ("remove", "X-C", ""),
        ];
        let mut headers = Headers::new();
        let mut map = HeaderMap::new();
        for (step, field, text) in steps {
            match step {
                "insert" => {
                    headers.insert(name(field), value(text));
                    map.insert(name(field), value(text));
                }
                "append" => {
                    headers.append(name(field), value(text));
                    map.append(name(field), value(text));
                }
                _ => {
                    headers.remove(field);
                    map.remove(field);
                }
            }
            assert_eq!(listed(&headers), pairs(&map), "after {step} {field}");
        }
        assert_eq!(headers.map(), &map);
        assert!(headers.list().is_none());
    }

    #[test]
    fn a_long_list_goes_on_as_a_map() {
        let mut headers = Headers::new();
        for i in 0..3 * LISTED {
            headers.insert(name(&format!("x-{i}")), value("1"));
            headers.append(name(&format!("x-{i}")), value("2"));
        }
        assert!(headers.list().is_none());
        assert_eq!(headers.map().len(), 6 * LISTED);
        headers.remove("X-0");
        assert!(!headers.contains(&name("x-0")) && headers.contains(&name("x-1")));
    }

    #[test]
    fn reused_memory_shows_nothing_of_the_response_before() {
        for with_map in [false, true] {
            let mut headers = Headers::new();
            headers.insert(name("x-secret"), value("1"));
            if with_map {
                headers.map_mut().insert("x-other", value("2"));
            }
            drop(headers);
            let headers = Headers::new();
            assert!(headers.is_empty() && headers.list().is_some_and(<[_]>::is_empty));
            assert!(headers.map().is_empty());
        }
    }
}
