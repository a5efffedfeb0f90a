//! Percent-encoding of what stands between the slashes of a URL's path.

use std::fmt::{self, Display, Write};

use crate::path::ESCAPED_SLASH;

/// Writes a value as one segment of a path, or as a part of one: what RFC 3986, section 3.3 does not allow there, the
/// slash among it, is percent-encoded.
///
/// `.` and `..` are encoded too. That keeps them one segment for programs that go by the letter of section 6.2.2.3,
/// but not for browsers, which remove dot segments in every spelling: such a value is better refused, as
/// [`Pattern::url`](crate::Pattern::url) does.
///
/// ```
/// let mut path = String::from("/user/");
/// hyperlane_router::write_segment(&mut path, "Jürgen/50%")?;
/// assert_eq!(path, "/user/J%C3%BCrgen%2F50%25");
/// # Ok::<(), std::fmt::Error>(())
/// ```
///
/// # Errors
///
/// When `out` or the value's `Display` fails.
pub fn write_segment<W: Write + ?Sized>(out: &mut W, value: impl Display) -> fmt::Result {
    encode_segment(&text_of(value)?, out)
}

/// Writes a value as the rest of a path: the same as [`write_segment`] for each segment of it, while its slashes stay.
///
/// ```
/// let mut path = String::from("/files/");
/// hyperlane_router::write_rest(&mut path, "css/my site.css")?;
/// assert_eq!(path, "/files/css/my%20site.css");
/// # Ok::<(), std::fmt::Error>(())
/// ```
///
/// # Errors
///
/// When `out` or the value's `Display` fails.
pub fn write_rest<W: Write + ?Sized>(out: &mut W, value: impl Display) -> fmt::Result {
    for (position, segment) in text_of(value)?.split('/').enumerate() {
        if position > 0 {
            out.write_char('/')?;
        }
        encode_segment(segment, out)?;
    }
    Ok(())
}

/// Writes fixed text of a pattern, in which a NUL stands for an escaped slash.
pub(crate) fn encode_literal(text: &str, out: &mut String) {
    let encoded = encode(&text.replace(ESCAPED_SLASH, "/"), out);
    debug_assert!(encoded.is_ok(), "a string takes everything");
}

fn text_of(value: impl Display) -> Result<String, fmt::Error> {
    let mut text = String::new();
    write!(text, "{value}").map(|()| text)
}

fn encode_segment<W: Write + ?Sized>(text: &str, out: &mut W) -> fmt::Result {
    match text {
        "." => out.write_str("%2E"),
        ".." => out.write_str("%2E%2E"),
        _ => encode(text, out),
    }
}

fn encode<W: Write + ?Sized>(text: &str, out: &mut W) -> fmt::Result {
    for byte in text.bytes() {
        if is_pchar(byte) {
            out.write_char(char::from(byte))?;
        } else {
            write!(out, "%{byte:02X}")?;
        }
    }
    Ok(())
}

/// Unreserved, a sub-delimiter, `:` or `@` (RFC 3986, appendix A, `pchar`).
fn is_pchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}
