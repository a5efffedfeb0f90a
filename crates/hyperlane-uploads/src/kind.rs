//! What a file is, by its first bytes: neither its name nor the header that a client sends is believed.

use std::borrow::Cow;

/// So many first bytes are looked at: the marks of all formats that are told apart stand before.
pub(crate) const HEAD_BYTES: usize = 8 * 1024;

/// The media type of a file with these first bytes; `text/plain` for text that has no mark, and
/// `application/octet-stream` for what is neither.
pub(crate) fn sniff(head: &[u8]) -> &'static str {
    if let Some(kind) = infer::get(head) {
        return kind.mime_type();
    }
    if is_text(head) {
        "text/plain"
    } else {
        "application/octet-stream"
    }
}

/// Whether it is UTF-8 without control characters; a character may be cut at the end.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            let valid = head.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty()
        && text
            .chars()
            .all(|character| !character.is_control() || matches!(character, '\t' | '\n' | '\r'))
}

/// Which types are taken: `image/png`, or `image/*` for all of a kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowedTypes(Option<Vec<Cow<'static, str>>>);

impl AllowedTypes {
    pub(crate) fn only(types: impl IntoIterator<Item = impl Into<Cow<'static, str>>>) -> Self {
        Self(Some(types.into_iter().map(Into::into).collect()))
    }

    pub(crate) fn admit(&self, kind: &str) -> bool {
        let Some(types) = &self.0 else { return true };
        types.iter().any(|allowed| match allowed.strip_suffix('*') {
            Some(prefix) if prefix.ends_with('/') => kind.starts_with(prefix),
            _ => allowed.eq_ignore_ascii_case(kind),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_told_by_bytes() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n"), "image/png");
        assert_eq!(sniff(b"\xff\xd8\xff\xe0"), "image/jpeg");
        assert_eq!(sniff("a,b\nünï".as_bytes()), "text/plain");
        assert_eq!(sniff(&"ü".as_bytes()[..1]), "application/octet-stream");
        assert_eq!(sniff(b"abc\xc3"), "text/plain");
        assert_eq!(sniff(b"a\0b"), "application/octet-stream");
        assert_eq!(sniff(b""), "application/octet-stream");
        assert_eq!(sniff(b"MZ\x90\0"), "application/vnd.microsoft.portable-executable");
    }

    #[test]
    fn a_list_of_types_admits_itself_and_nothing_else() {
        let images = AllowedTypes::only(["image/*", "application/pdf"]);
        assert!(images.admit("image/webp") && images.admit("application/pdf"));
        assert!(!images.admit("text/html") && !images.admit("application/pdfx") && !images.admit("imagex/png"));
        assert!(AllowedTypes::default().admit("text/html"));
        assert!(!AllowedTypes::only([""; 0]).admit("text/html"));
    }
}
