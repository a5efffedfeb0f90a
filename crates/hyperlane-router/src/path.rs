//! Percent-decoding of paths, once.

use std::borrow::Cow;
use std::error::Error;
use std::{fmt, str};

/// What an escaped slash becomes in a decoded path, so that it does not separate segments. No path
/// holds another NUL, because one that does is refused.
pub(crate) const ESCAPED_SLASH: char = '\0';

/// Decoded paths up to this length, in bytes, live on the stack. Longer ones with escapes are rare.
const ON_STACK: usize = 256;

/// Why a path cannot be decoded. The request that carries it deserves a 400 (Bad Request).
///
/// ```
/// use hyperlane_router::{PathError, Router};
///
/// let router: Router<()> = Router::new();
/// let error = router.find("/100%").unwrap_err();
/// assert_eq!(error, PathError::MalformedEscape { at: 4 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathError {
    /// A `%` without two hexadecimal digits behind it (RFC 3986, section 2.1).
    MalformedEscape {
        /// Where the `%` stands, in bytes from the beginning of the path.
        at: usize,
    },
    /// A NUL, escaped (`%00`) or not. Text with a NUL is cut there by the C interfaces behind many
    /// handlers (files, databases), so that a check would see another name than the one used.
    Nul {
        /// Where it stands, in bytes from the beginning of the path.
        at: usize,
    },
    /// The decoded bytes are not UTF-8 (RFC 3986, section 2.5).
    NotUtf8,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedEscape { at } => write!(
                f,
                "malformed escape at byte {at} of the path: write `%` and two hexadecimal digits"
            ),
            Self::Nul { at } => write!(f, "nul at byte {at} of the path: leave it out"),
            Self::NotUtf8 => f.write_str("the escapes of the path are not utf-8: encode its text as utf-8"),
        }
    }
}

impl Error for PathError {}

/// Calls `use_path` with the decoded form of `raw`, in which [`ESCAPED_SLASH`] stands for a `%2F`.
pub(crate) fn with_decoded<R>(raw: &str, use_path: impl FnOnce(&str) -> R) -> Result<R, PathError> {
    if is_plain(raw) {
        return Ok(use_path(raw));
    }
    let mut on_stack = [0; ON_STACK];
    let mut on_heap = Vec::new();
    let buffer = match on_stack.get_mut(..raw.len()) {
        Some(buffer) => buffer,
        None => {
            on_heap.resize(raw.len(), 0);
            on_heap.as_mut_slice()
        }
    };
    decode_into(raw, buffer).map(use_path)
}

/// The decoded form of `raw`, in which [`ESCAPED_SLASH`] stands for a `%2F`.
pub(crate) fn decode(raw: &str) -> Result<Cow<'_, str>, PathError> {
    if is_plain(raw) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut buffer = vec![0; raw.len()];
    decode_into(raw, &mut buffer).map(|path| Cow::Owned(path.to_owned()))
}

/// Whether the path is its own decoded form. The whole of it is looked at, without an early exit,
/// so that the loop becomes vector instructions.
fn is_plain(raw: &str) -> bool {
    let special = |found: bool, byte: u8| found | (byte == b'%') | (byte == 0);
    !raw.bytes().fold(false, special)
}

/// Decodes into `buffer`, which is as long as `raw`: decoding never makes a path longer.
fn decode_into<'b>(raw: &str, buffer: &'b mut [u8]) -> Result<&'b str, PathError> {
    let mut bytes = raw.bytes().enumerate();
    let mut length = 0;
    for place in buffer.iter_mut() {
        let Some((at, byte)) = bytes.next() else {
            break;
        };
        let decoded = if byte == b'%' {
            let mut digit = || bytes.next().and_then(|(_, digit)| char::from(digit).to_digit(16));
            let escape = digit().zip(digit()).map(|(high, low)| high * 16 + low);
            let escape = escape.and_then(|escape| u8::try_from(escape).ok());
            escape.ok_or(PathError::MalformedEscape { at })?
        } else {
            byte
        };
        if decoded == 0 {
            return Err(PathError::Nul { at });
        }
        let is_escaped_slash = decoded == b'/' && byte == b'%';
        *place = if is_escaped_slash { ESCAPED_SLASH as u8 } else { decoded };
        length += 1;
    }
    let decoded = buffer.get(..length).unwrap_or_default();
    str::from_utf8(decoded).map_err(|_| PathError::NotUtf8)
}
