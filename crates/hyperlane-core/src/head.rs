//! The head of a request: immutable, and read only as far as somebody asks.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};

/// Heads kept for reuse by each thread; more are freed.
const POOLED_HEADS: usize = 64;
/// A head whose buffer grew past this many bytes is not kept.
const POOLED_BYTES: usize = 16 * 1024;

/// Method, target, version and headers of a request.
///
/// A head that came over HTTP/1.1 stays as the bytes that were received with an index into them; a [`HeaderMap`] or a
/// [`Uri`] is built when it is first asked for, and kept. Its memory is reused for later requests.
#[derive(Clone)]
pub struct Head(Option<Box<Inner>>);

#[derive(Clone, Default)]
struct Inner {
    method: Method,
    version: Version,
    bytes: Vec<u8>,
    path: Range<u32>,
    asterisk: bool,
    query: Option<Range<u32>>,
    authority: Option<Range<u32>>,
    fields: Vec<Field>,
    uri: OnceLock<Uri>,
    /// Where set, it stands instead of `fields`.
    headers: OnceLock<HeaderMap>,
}

#[derive(Clone)]
struct Field {
    name: Range<u32>,
    value: Range<u32>,
}

thread_local! {
    #[expect(clippy::vec_box, reason = "the boxes themselves are what is reused")]
    static POOL: RefCell<Vec<Box<Inner>>> = const { RefCell::new(Vec::new()) };
}

/// A head as it stands in a receive buffer: for engines, which have parsed and checked it.
#[derive(Debug)]
pub struct WireHead<'a, I> {
    /// The method.
    pub method: &'a Method,
    /// The version that the message is to be read as.
    pub version: Version,
    /// The head's bytes. All ranges are positions in them.
    pub bytes: &'a [u8],
    /// The path; an empty one means `/`.
    pub path: Range<u32>,
    /// Whether the request is about the server as a whole (RFC 9112 §3.2.4); its path reads `*` then.
    pub asterisk: bool,
    /// The query, without its `?`.
    pub query: Option<Range<u32>>,
    /// The authority of a target in absolute form (RFC 9112 §3.2.2).
    pub authority: Option<Range<u32>>,
    /// Names and values of the fields, in order.
    pub fields: I,
}

impl Head {
    /// Copies a parsed head out of the receive buffer, into memory of an earlier head where there is some.
    pub fn from_wire<I>(wire: WireHead<'_, I>) -> Self
    where
        I: Iterator<Item = (Range<u32>, Range<u32>)>,
    {
        let mut inner = POOL
            .try_with(|pool| pool.borrow_mut().pop())
            .ok()
            .flatten()
            .unwrap_or_default();
        // A fresh or reused head has GET already. To move a method is slow: its bytes are loaded in larger pieces than
        // they were just stored in, and the processor waits for them. Three moves were 8 % of a small request's time.
        if *wire.method != Method::GET {
            inner.method = wire.method.clone();
        }
        inner.version = wire.version;
        inner.bytes.extend_from_slice(wire.bytes);
        inner.path = wire.path;
        inner.asterisk = wire.asterisk;
        inner.query = wire.query;
        inner.authority = wire.authority;
        inner
            .fields
            .extend(wire.fields.map(|(name, value)| Field { name, value }));
        Self(Some(inner))
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.inner().method
    }

    /// The version that the request is to be read as.
    pub fn version(&self) -> Version {
        self.inner().version
    }

    /// The path as it was sent: percent-encoded, beginning with `/`, or `*` (RFC 9112 §3.2.4).
    pub fn path(&self) -> &str {
        let inner = self.inner();
        match inner.text(&inner.path) {
            _ if inner.asterisk => "*",
            "" => "/",
            path => path,
        }
    }

    /// The query as it was sent, without its `?`.
    pub fn query(&self) -> Option<&str> {
        let inner = self.inner();
        inner.query.as_ref().map(|query| inner.text(query))
    }

    /// The authority that the client named in its target, or else in `Host` (RFC 9112 §3.3).
    pub fn authority(&self) -> Option<&str> {
        let inner = self.inner();
        match &inner.authority {
            Some(authority) => Some(inner.text(authority)),
            None => self.header("host"),
        }
    }

    /// The first field of this name, whatever its case, if its value is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_bytes(name).and_then(|value| {
            let visible = value.iter().all(|byte| matches!(byte, b'\t' | 0x20..=0x7e));
            visible.then(|| std::str::from_utf8(value).ok()).flatten()
        })
    }

    /// The first field of this name, whatever its case, as bytes.
    pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        let inner = self.inner();
        if let Some(map) = inner.headers.get() {
            return map.get(name).map(HeaderValue::as_bytes);
        }
        let field = inner
            .fields
            .iter()
            .find(|field| inner.slice(&field.name).eq_ignore_ascii_case(name.as_bytes()))?;
        Some(inner.slice(&field.value))
    }

    /// Every field of this name, whatever its case, in the order received.
    pub fn header_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        let inner = self.inner();
        let map = inner.headers.get();
        let fields = if map.is_some() { &[][..] } else { &inner.fields[..] };
        let in_map = map
            .into_iter()
            .flat_map(move |map| map.get_all(name))
            .map(HeaderValue::as_bytes);
        let in_fields = fields
            .iter()
            .filter(move |field| inner.slice(&field.name).eq_ignore_ascii_case(name.as_bytes()))
            .map(move |field| inner.slice(&field.value));
        in_map.chain(in_fields)
    }

    /// All fields. The map is built on the first call.
    pub fn headers(&self) -> &HeaderMap {
        let inner = self.inner();
        inner.headers.get_or_init(|| inner.build_headers())
    }

    /// The target. It is built on the first call.
    pub fn uri(&self) -> &Uri {
        let inner = self.inner();
        inner.uri.get_or_init(|| self.build_uri())
    }

    pub(crate) fn into_headers(mut self) -> HeaderMap {
        let _ = self.headers();
        self.0
            .as_mut()
            .and_then(|inner| inner.headers.take())
            .unwrap_or_default()
    }

    fn build_uri(&self) -> Uri {
        let inner = self.inner();
        let path = encoded(self.path());
        let target = match self.query() {
            Some(query) => format!("{path}?{}", encoded(query)),
            None => path.clone(),
        };
        // A target that is too long for a `Uri` keeps at least its path.
        let path_and_query = PathAndQuery::try_from(target).or_else(|_| PathAndQuery::try_from(path));
        let mut parts = http::uri::Parts::default();
        parts.path_and_query = path_and_query.ok();
        if let Some(authority) = &inner.authority
            && let Ok(authority) = inner.text(authority).parse()
        {
            parts.scheme = Some(http::uri::Scheme::HTTP);
            parts.authority = Some(authority);
        }
        Uri::from_parts(parts).unwrap_or_default()
    }

    fn inner(&self) -> &Inner {
        self.0.as_deref().expect("a head holds its parts until it is dropped")
    }
}

impl Inner {
    fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.bytes
            .get(range.start as usize..range.end as usize)
            .unwrap_or_default()
    }

    /// Targets are ASCII (RFC 9112 §3.2): the parser has made sure of it.
    fn text(&self, range: &Range<u32>) -> &str {
        std::str::from_utf8(self.slice(range)).unwrap_or_default()
    }

    fn build_headers(&self) -> HeaderMap {
        // One copy of all the bytes: every value is a slice of it, not an allocation of its own.
        let shared = Bytes::copy_from_slice(&self.bytes);
        let mut map = HeaderMap::with_capacity(self.fields.len());
        for field in &self.fields {
            let Ok(name) = HeaderName::from_bytes(self.slice(&field.name)) else {
                continue;
            };
            let value = shared.slice(field.value.start as usize..field.value.end as usize);
            if let Ok(value) = HeaderValue::from_maybe_shared(value) {
                map.append(name, value);
            }
        }
        map
    }
}

/// Text of a target with what the engine lets pass and a `Uri` refuses percent-encoded: a path that got lost here would
/// pass by whatever guards paths by their `Uri`.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => encoded.push_str("%22"),
            '<' => encoded.push_str("%3C"),
            '>' => encoded.push_str("%3E"),
            '`' => encoded.push_str("%60"),
            other => encoded.push(other),
        }
    }
    encoded
}

impl Drop for Head {
    fn drop(&mut self) {
        let Some(mut inner) = self.0.take() else {
            return;
        };
        if inner.bytes.capacity() > POOLED_BYTES {
            return;
        }
        inner.method = Method::GET;
        inner.bytes.clear();
        inner.fields.clear();
        inner.uri.take();
        inner.headers.take();
        // While a thread ends its pool may be gone already: then the head is simply freed.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < POOLED_HEADS {
                pool.push(inner);
            }
        });
    }
}

impl From<http::request::Parts> for Head {
    fn from(parts: http::request::Parts) -> Self {
        let mut bytes = Vec::new();
        // A `Uri` has at most 65,535 bytes.
        let mut append = |part: &str| {
            let start = bytes.len() as u32;
            bytes.extend_from_slice(part.as_bytes());
            start..bytes.len() as u32
        };
        let path = append(parts.uri.path());
        let query = parts.uri.query().map(&mut append);
        let authority = parts.uri.authority().map(|authority| append(authority.as_str()));
        Self(Some(Box::new(Inner {
            method: parts.method,
            version: parts.version,
            bytes,
            path,
            asterisk: false,
            query,
            authority,
            fields: Vec::new(),
            uri: OnceLock::from(parts.uri),
            headers: OnceLock::from(parts.headers),
        })))
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("method", self.method())
            .field("path", &self.path())
            .field("query", &self.query())
            .field("version", &self.version())
            .field("headers", self.headers())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(bytes: &[u8]) -> Head {
        // `GET /a?b=1 HTTP/1.1` and two fields, indexed by hand.
        let at = |text: &str| {
            let start = bytes
                .windows(text.len())
                .position(|window| window == text.as_bytes())
                .expect("is there");
            start..start + text.len()
        };
        let narrow = |range: Range<usize>| range.start as u32..range.end as u32;
        Head::from_wire(WireHead {
            method: &Method::GET,
            version: Version::HTTP_11,
            bytes,
            path: narrow(at("/a")),
            asterisk: false,
            query: Some(narrow(at("b=1"))),
            authority: None,
            fields: [
                (narrow(at("Host")), narrow(at("example"))),
                (narrow(at("X-One")), narrow(at("first"))),
            ]
            .into_iter(),
        })
    }

    const BYTES: &[u8] = b"GET /a?b=1 HTTP/1.1\r\nHost: example\r\nX-One: first\r\n\r\n";

    #[test]
    fn finds_headers_whatever_their_case_before_and_after_the_map_is_built() {
        let head = wire(BYTES);
        assert_eq!(head.header("x-ONE"), Some("first"));
        assert_eq!(head.headers()["x-one"], "first");
        assert_eq!(head.header("X-one"), Some("first"));
        assert_eq!(head.header("x-two"), None);
        assert_eq!(head.authority(), Some("example"));
    }

    #[test]
    fn reused_memory_shows_nothing_of_the_request_before() {
        let head = wire(BYTES);
        let _ = (head.headers(), head.uri());
        drop(head);
        let head = Head::from_wire(WireHead {
            method: &Method::PUT,
            version: Version::HTTP_10,
            bytes: b"PUT / HTTP/1.0\r\n\r\n",
            path: 4..5,
            asterisk: false,
            query: None,
            authority: None,
            fields: std::iter::empty(),
        });
        assert_eq!((head.method(), head.path(), head.query()), (&Method::PUT, "/", None));
        assert!(head.headers().is_empty());
        assert_eq!(head.uri(), "/");
    }

    #[test]
    fn takes_over_a_head_of_the_http_crate() {
        let (parts, ()) = http::Request::get("http://example/x?y=z")
            .header("a", "b")
            .body(())
            .expect("valid")
            .into_parts();
        let head = Head::from(parts);
        assert_eq!(
            (head.path(), head.query(), head.authority()),
            ("/x", Some("y=z"), Some("example"))
        );
        assert_eq!(head.header("A"), Some("b"));
    }
}
