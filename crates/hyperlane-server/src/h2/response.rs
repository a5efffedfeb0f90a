//! The head of a response as HTTP/2 has it: without what only HTTP/1.1 has, and with what is known of the body.

use std::cell::RefCell;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use http_body::Body as _;
use hyperlane_core::{Body, Response};
use tokio::time::Instant;

use crate::clock;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
/// Fields that concern a connection, of which a message must have none (RFC 9113 §8.2.2).
const OF_A_CONNECTION: [HeaderName; 6] = [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE];

/// A response, ready to be sent.
pub(crate) struct Outgoing {
    pub(crate) head: http::Response<()>,
    pub(crate) body: OutgoingBody,
}

/// What follows the head.
pub(crate) enum OutgoingBody {
    Nothing,
    Whole(Bytes),
    /// Pieces; of this length together, if that is known.
    Stream(Body, Option<u64>),
}

/// Takes `response` apart. What a handler has set of the framing is a hint, as in HTTP/1.1: the length comes from the
/// body.
pub(crate) fn prepare(response: &mut Response, head_request: bool) -> Outgoing {
    let status = response.status();
    let mut fields = if response.has_headers() {
        std::mem::take(response.headers_mut())
    } else {
        HeaderMap::new()
    };
    let hint = strip(&mut fields);
    let whole = response.body_mut().take_full();
    let size = match &whole {
        Some(bytes) => Some(bytes.len() as u64),
        None => response.body().size_hint().exact(),
    };
    let bodiless = head_request || is_bodiless(status);
    if let Some(length) = reported_length(status, head_request, size, hint) {
        fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if !fields.contains_key(DATE) {
        fields.insert(DATE, date());
    }
    let body = match whole {
        _ if bodiless => OutgoingBody::Nothing,
        Some(bytes) if bytes.is_empty() => OutgoingBody::Nothing,
        Some(bytes) => OutgoingBody::Whole(bytes),
        None => OutgoingBody::Stream(std::mem::take(response.body_mut()), size),
    };
    Outgoing {
        head: head(status, fields),
        body,
    }
}

/// A head alone: of an interim response, or of the answer to an extended CONNECT.
pub(crate) fn head(status: StatusCode, fields: HeaderMap) -> http::Response<()> {
    let mut head = http::Response::new(());
    *head.status_mut() = status;
    *head.version_mut() = Version::HTTP_2;
    *head.headers_mut() = fields;
    head
}

/// Removes what has no place in HTTP/2, and the length; returns what the handler has said of that.
pub(crate) fn strip(fields: &mut HeaderMap) -> Option<u64> {
    if fields.is_empty() {
        return None;
    }
    // Fields that `Connection` names are of the connection, too (RFC 9110 §7.6.1).
    if let Some(options) = fields.get(CONNECTION)
        && let Ok(options) = options.to_str()
    {
        let named: Vec<_> = options
            .split(',')
            .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
            .collect();
        for name in named {
            fields.remove(name);
        }
    }
    for name in &OF_A_CONNECTION {
        fields.remove(name);
    }
    let mut lengths = fields.get_all(CONTENT_LENGTH).iter();
    let hint = match (lengths.next(), lengths.next()) {
        (Some(length), None) => length.to_str().ok().and_then(|length| length.parse().ok()),
        _ => None,
    };
    fields.remove(CONTENT_LENGTH);
    hint
}

/// Statuses whose responses never have a body (RFC 9110 §6.4.1, and §15.3.6 for 205).
fn is_bodiless(status: StatusCode) -> bool {
    status.is_informational()
        || matches!(
            status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
        )
}

/// What `content-length` says: the same as in HTTP/1.1 (RFC 9110 §8.6).
fn reported_length(status: StatusCode, head_request: bool, size: Option<u64>, hint: Option<u64>) -> Option<u64> {
    match status {
        StatusCode::NO_CONTENT => None,
        StatusCode::RESET_CONTENT => Some(0),
        StatusCode::NOT_MODIFIED => hint,
        _ if status.is_informational() => None,
        _ if head_request && size == Some(0) => hint.or(size),
        _ => size,
    }
}

thread_local! {
    /// The last date, and as a value whose clones share its bytes.
    static SHARED_DATE: RefCell<Option<([u8; 29], HeaderValue)>> = const { RefCell::new(None) };
}

/// The `Date` of a response that has none of its own (RFC 9110 §6.6.1).
fn date() -> HeaderValue {
    let now = clock::http_date(Instant::now());
    SHARED_DATE.with_borrow_mut(|shared| match shared {
        Some((date, value)) if *date == now => value.clone(),
        _ => {
            let value = HeaderValue::from_maybe_shared(Bytes::copy_from_slice(&now));
            let value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
            *shared = Some((now, value.clone()));
            value
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(response: Response) -> HeaderMap {
        let mut response = response;
        prepare(&mut response, false).head.headers().clone()
    }

    #[test]
    fn fields_of_a_connection_are_removed_rfc9113_8_2_2() {
        let mut response = Response::new("x");
        for (name, value) in [
            ("connection", "close, x-hop"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "close"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("x-hop", "1"),
            ("x-end", "1"),
        ] {
            response = response.with_header(name, value);
        }
        let fields = prepared(response);
        let mut names: Vec<_> = fields.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-length", "date", "x-end"]);
    }

    #[test]
    fn the_length_is_that_of_the_body() {
        let lying = Response::new("four").with_header("content-length", "400");
        assert_eq!(prepared(lying)[CONTENT_LENGTH], "4");
        let empty = Response::from(StatusCode::NO_CONTENT).with_header("content-length", "4");
        assert!(!prepared(empty).contains_key(CONTENT_LENGTH));
        let unchanged = Response::from(StatusCode::NOT_MODIFIED).with_header("content-length", "4");
        assert_eq!(prepared(unchanged)[CONTENT_LENGTH], "4");
    }
}
