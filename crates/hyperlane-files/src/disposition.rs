//! `Content-Disposition` (RFC 6266): whether a file is shown or saved, and under which name.

use std::fmt::Write;

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 8187 §3.2.1 leaves as it is.
const ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The header for a file of this name. Clients that know no other characters than ASCII get a name with `_` in their place
/// (RFC 6266 appendix D).
pub(crate) fn disposition(kind: &str, name: &str) -> HeaderValue {
    let name = plain_name(name);
    let mut value = kind.to_owned();
    if !name.is_empty() {
        let is_safe = |character: char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\' | '%');
        let ascii: String = name
            .chars()
            .map(|character| if is_safe(character) { character } else { '_' })
            .collect();
        // Writing to a string can't fail.
        let _ = write!(value, "; filename=\"{ascii}\"");
        if ascii != name {
            let _ = write!(value, "; filename*=UTF-8''{}", utf8_percent_encode(&name, ATTRIBUTE));
        }
    }
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
}

/// The name alone: no directories (RFC 6266 §4.3), nothing that can't be seen, and nothing that makes the end of a name
/// look like its middle.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let turns = |character: char| matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let name: String = last
        .chars()
        .filter(|character| !character.is_control() && !turns(*character))
        .collect();
    match name.trim() {
        "." | ".." => String::new(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_rfc_6266_and_8187_say() {
        for (name, expected) in [
            ("report.pdf", r#"attachment; filename="report.pdf""#),
            ("annual report.pdf", r#"attachment; filename="annual report.pdf""#),
            (
                "Grüße.txt",
                r#"attachment; filename="Gr__e.txt"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt"#,
            ),
            (
                "€ rates",
                r#"attachment; filename="_ rates"; filename*=UTF-8''%E2%82%AC%20rates"#,
            ),
            (
                "100%.txt",
                r#"attachment; filename="100_.txt"; filename*=UTF-8''100%25.txt"#,
            ),
            (
                "a\"b.txt",
                r#"attachment; filename="a_b.txt"; filename*=UTF-8''a%22b.txt"#,
            ),
            ("a;b=c.txt", r#"attachment; filename="a;b=c.txt""#),
            ("it's.txt", r#"attachment; filename="it's.txt""#),
            // Paths, header injection, and names that lie.
            ("../../etc/passwd", r#"attachment; filename="passwd""#),
            ("C:\\temp\\x.exe", r#"attachment; filename="x.exe""#),
            ("a\r\nset-cookie: x", r#"attachment; filename="aset-cookie: x""#),
            ("photo\u{202e}gpj.exe", r#"attachment; filename="photogpj.exe""#),
            ("", "attachment"),
            ("..", "attachment"),
            ("a/", "attachment"),
        ] {
            assert_eq!(disposition("attachment", name), expected, "{name:?}");
        }
        assert_eq!(disposition("inline", "x.pdf"), r#"inline; filename="x.pdf""#);
    }
}
