//! The parameters of `Content-Disposition` (RFC 6266 §4.1, RFC 7578 §4.2).

/// The value of a parameter, which must be UTF-8. A quoted value may hold anything, and is read as one.
pub(super) fn parameter(header: &[u8], wanted: &str) -> Option<String> {
    let header = std::str::from_utf8(header).ok()?;
    let (_, mut rest) = header.split_once(';')?;
    loop {
        let (name, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let value;
        (value, rest) = match behind.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = behind.find(';').unwrap_or(behind.len());
                let (token, rest) = behind.split_at(end);
                (token.trim_end().to_owned(), rest)
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        (_, rest) = rest.split_once(';')?;
    }
}

/// The text up to the closing quote, and what follows it. Browsers encode a quote as `%22`; others put `\` before it,
/// while `\` before anything else is a character of its own, as in the paths of old browsers.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((text, quoted.get(at + 1..)?)),
            '\\' if matches!(characters.peek(), Some((_, '"'))) => {
                characters.next();
                text.push('"');
            }
            other => text.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_by_their_whole_names_outside_of_quotes() {
        let header = br#"form-data; filename="a; name=\"evil\"; \x"; NAME = "b"; other=c ;last=d"#;
        assert_eq!(parameter(header, "name").as_deref(), Some("b"));
        assert_eq!(parameter(header, "filename").as_deref(), Some(r#"a; name="evil"; \x"#));
        assert_eq!(parameter(header, "other").as_deref(), Some("c"));
        assert_eq!(parameter(header, "last").as_deref(), Some("d"));
        assert_eq!(parameter(header, "ast"), None);
    }

    #[test]
    fn what_is_malformed_has_no_parameters() {
        for header in [
            "",
            "form-data",
            "form-data;",
            "form-data; name",
            "form-data; name=\"a",
            "form-data; x=\"a\" name=b",
        ] {
            assert_eq!(parameter(header.as_bytes(), "name"), None, "{header}");
        }
        assert_eq!(parameter(b"form-data; name=\"\xff\"", "name"), None);
        assert_eq!(
            parameter("form-data; name=\"ü你\"".as_bytes(), "name").as_deref(),
            Some("ü你")
        );
    }
}
