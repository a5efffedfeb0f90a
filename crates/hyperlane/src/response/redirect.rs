//! Redirects.

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use hyperlane_core::{IntoResponse, InvalidHeader, Response};
use percent_encoding::{AsciiSet, utf8_percent_encode};

/// What is encoded on the way into `Location`, beside all that is not ASCII: characters that no URI holds
/// (RFC 3986 §2). Control bytes are not among them, they are refused.
const NOT_IN_URIS: AsciiSet = AsciiSet::EMPTY
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Sends the client elsewhere (RFC 9110 §15.4).
///
/// The target is a URI or a path. Spaces, other characters that no URI holds, and text that is not ASCII are
/// percent-encoded. A target with a control byte (CR, LF …), which could add headers, makes the response a 500, and an
/// error is logged.
///
/// Where a request says where to go next, as `?next=` behind a login does, use [`local`](Self::local): it keeps
/// visitors on this server.
///
/// ```
/// use hyperlane::*;
///
/// async fn save(body: String) -> Redirect {
///     println!("saved {body}");
///     Redirect::see_other("/notes")
/// }
/// # Server::new().post("/notes", save);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    status: StatusCode,
    target: String,
}

impl Redirect {
    /// `303 See Other`: the client continues with `GET`, as after a form was taken (§15.4.4).
    pub fn see_other(target: impl Into<String>) -> Self {
        Self::new(StatusCode::SEE_OTHER, target.into())
    }

    /// `307 Temporary Redirect`: the client repeats its request, method and body, at the target (§15.4.8).
    pub fn temporary(target: impl Into<String>) -> Self {
        Self::new(StatusCode::TEMPORARY_REDIRECT, target.into())
    }

    /// `308 Permanent Redirect`: as [`temporary`](Self::temporary), and the client remembers it (§15.4.9).
    pub fn permanent(target: impl Into<String>) -> Self {
        Self::new(StatusCode::PERMANENT_REDIRECT, target.into())
    }

    /// `303 See Other` to a path of this server, which may come from a request: a target that browsers would take for
    /// another site (`//evil.example`, `https:…`, `/\evil.example`), or that holds a control byte, is replaced by `/`.
    ///
    /// ```
    /// use hyperlane::{IntoResponse, Redirect};
    ///
    /// let to = |target: &str| Redirect::local(target).into_response().headers()["location"].clone();
    /// assert_eq!(to("/inbox?page=2"), "/inbox?page=2");
    /// assert_eq!(to("//evil.example/inbox"), "/");
    /// ```
    pub fn local(target: impl Into<String>) -> Self {
        let target = target.into();
        let mut bytes = target.bytes();
        let local = bytes.next() == Some(b'/')
            && !matches!(bytes.next(), Some(b'/' | b'\\'))
            && !target.bytes().any(|byte| byte.is_ascii_control());
        Self::see_other(if local { target } else { "/".to_owned() })
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The target, as it was given.
    pub fn target(&self) -> &str {
        &self.target
    }

    fn new(status: StatusCode, target: String) -> Self {
        Self { status, target }
    }
}

impl IntoResponse for Redirect {
    fn into_response(self) -> Response {
        let mut response = Response::default().with_status(self.status);
        set_location(&mut response, &self.target);
        response
    }
}

/// Sets `Location`, or makes the response one that can't be sent.
pub(super) fn set_location(response: &mut Response, target: &str) {
    let value = if target.bytes().any(|byte| byte.is_ascii_control()) {
        None
    } else {
        HeaderValue::try_from(utf8_percent_encode(target, &NOT_IN_URIS).to_string()).ok()
    };
    match value {
        Some(value) => {
            response.headers_mut().insert(LOCATION, value);
        }
        None => response.reject(InvalidHeader::other(
            "target of a redirect holds a control byte: percent-encode what comes from outside",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(redirect: Redirect) -> String {
        redirect.into_response().headers()[LOCATION]
            .to_str()
            .expect("ascii")
            .to_owned()
    }

    #[test]
    fn each_redirect_has_its_status() {
        assert_eq!(Redirect::see_other("/").into_response().status(), 303);
        assert_eq!(Redirect::temporary("/").into_response().status(), 307);
        assert_eq!(Redirect::permanent("/").into_response().status(), 308);
    }

    #[test]
    fn a_target_that_could_split_the_response_makes_it_unsendable() {
        for target in ["/\r\nset-cookie: a=b", "/\na", "/a\0", "/\x7f", "/\t"] {
            let response = Redirect::see_other(target).into_response();
            assert!(response.defect().is_some(), "{target:?}");
            assert!(!response.headers().contains_key(LOCATION), "{target:?}");
        }
    }

    #[test]
    fn what_is_no_uri_is_encoded_and_what_is_encoded_stays() {
        assert_eq!(
            location(Redirect::see_other("/a b/ü%20?q=\"x\"#f")),
            "/a%20b/%C3%BC%20?q=%22x%22#f"
        );
        assert_eq!(
            location(Redirect::see_other("https://[::1]:8/?a[b]=c")),
            "https://[::1]:8/?a[b]=c"
        );
    }

    #[test]
    fn a_local_redirect_stays_on_this_server() {
        for target in [
            "//evil",
            "/\\evil",
            "https://evil",
            "javascript:alert(1)",
            "",
            "evil",
            "/\t/evil",
            "\\\\evil",
        ] {
            assert_eq!(location(Redirect::local(target)), "/", "{target:?}");
        }
        assert_eq!(location(Redirect::local("/a//b")), "/a//b");
    }
}
