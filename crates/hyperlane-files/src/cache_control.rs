//! What caches may do with a file: ready-made values of `Cache-Control` (RFC 9111 §5.2).

use std::time::Duration;

use http::HeaderValue;

/// How long clients and proxies may keep a file.
///
/// ```
/// use std::time::Duration;
/// use hyperlane_files::CacheControl;
///
/// let value = hyperlane::HeaderValue::from(CacheControl::max_age(Duration::from_secs(3600)));
/// assert_eq!(value, "public, max-age=3600");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheControl(HeaderValue);

impl CacheControl {
    /// It may be kept, and is asked for each time; who has the present one is told so in a few bytes (304). The default: a
    /// new release is seen at once, and without this header browsers would guess a time.
    pub fn revalidate() -> Self {
        Self(HeaderValue::from_static("no-cache"))
    }

    /// It is not asked for again for this time, in whole seconds.
    pub fn max_age(time: Duration) -> Self {
        let value = format!("public, max-age={}", time.as_secs());
        Self(HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("no-cache")))
    }

    /// It is never asked for again (RFC 8246): for names that change with the content. A year is the longest that caches
    /// take.
    pub fn immutable() -> Self {
        Self(HeaderValue::from_static("public, max-age=31536000, immutable"))
    }

    /// Only the client itself may keep it, no proxy, and it asks each time: for what not everybody may see.
    pub fn private() -> Self {
        Self(HeaderValue::from_static("private, no-cache"))
    }

    /// Nobody keeps it.
    pub fn no_store() -> Self {
        Self(HeaderValue::from_static("no-store"))
    }
}

impl From<CacheControl> for HeaderValue {
    fn from(value: CacheControl) -> Self {
        value.0
    }
}

/// Whether the name of a file has a hash in it, as build tools write it: `app.3f9c2b71.js`, `index-B4kx91Qz.css`. For
/// [`Files::immutable`](crate::Files::immutable).
///
/// It is at least 8 characters behind the last `.` or `-` of the name's stem: digits and letters in turns, of which at
/// least two are letters; where none of these is a capital, it is hexadecimal. So sizes (`1200x630`), versions and
/// numbered words (`awesome5`) are none. A hash that is not so by chance is not seen; then the file is merely asked for
/// more often.
///
/// ```
/// use hyperlane_files::has_hash;
///
/// assert!(has_hash("assets/app.3f9c2b71.js"));
/// assert!(has_hash("index-B4kx91Qz.css"));
/// assert!(!has_hash("index.html") && !has_hash("report-20260101.pdf") && !has_hash("jquery-ui.autocomplete.js"));
/// assert!(!has_hash("og-1200x630.png") && !has_hash("font-awesome5.css") && !has_hash("film-1080p60fps.mp4"));
/// assert!(has_hash("main-A3BZ7QK2.js"));
/// ```
pub fn has_hash(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((stem, _)) = name.rsplit_once('.') else {
        return false;
    };
    // Behind a name, not instead of one.
    let Some((_, tail)) = stem.rsplit_once(['.', '-']) else {
        return false;
    };
    let has_capital = tail.bytes().any(|byte| byte.is_ascii_uppercase());
    let fits = |byte: u8| {
        byte.is_ascii_digit()
            || if has_capital {
                byte.is_ascii_alphabetic() || byte == b'_'
            } else {
                byte.is_ascii_hexdigit()
            }
    };
    let turns = tail.bytes().zip(tail.bytes().skip(1));
    let turns = turns.filter(|(byte, next)| byte.is_ascii_digit() != next.is_ascii_digit());
    tail.len() >= 8
        && tail.bytes().all(fits)
        && tail.bytes().filter(u8::is_ascii_alphabetic).count() >= 2
        && turns.count() >= 2
}
