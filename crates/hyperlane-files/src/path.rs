//! Paths of requests, checked before anything is opened.
//!
//! The rules hold on every system, so that an application that was tested on one has no hole on another. What passes
//! here is a plain list of names; that links don't lead out of the root is seen to when it is opened (`root.rs`).

/// The longest name that common file systems have, in bytes.
const LONGEST_NAME: usize = 255;
/// The longest path that Linux takes, in bytes.
const LONGEST_PATH: usize = 4096;

/// A path below the root: names joined by `/`, with a slash at its end where a directory is asked for. The root itself
/// is empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SafePath(String);

impl SafePath {
    /// Checks a path that was percent-decoded once, without the slash in front.
    ///
    /// `None` for everything that is not a plain list of names: `.` and `..`, empty names (which an absolute path
    /// begins with), backslashes, control characters, names that are too long, those that begin with a dot unless
    /// `dot_files`, and whatever means something of its own on Windows, if that is the system.
    pub(crate) fn parse(decoded: &str, dot_files: bool) -> Option<Self> {
        Self::parse_for(decoded, dot_files, cfg!(windows))
    }

    fn parse_for(decoded: &str, dot_files: bool, windows: bool) -> Option<Self> {
        if decoded.len() > LONGEST_PATH {
            return None;
        }
        let names = decoded.strip_suffix('/').unwrap_or(decoded);
        let plain = |name: &str| is_plain(name, dot_files) && !(windows && is_special_on_windows(name));
        let is_root = decoded.is_empty();
        (is_root || names.split('/').all(plain)).then(|| Self(decoded.to_owned()))
    }

    /// A file in this directory, or the root's.
    pub(crate) fn join(&self, name: &str) -> Self {
        Self(format!("{}{name}", self.0))
    }

    /// This file with something added to its name.
    pub(crate) fn with_suffix(&self, suffix: &str) -> Self {
        Self(format!("{}{suffix}", self.0))
    }

    /// Whether a directory is asked for.
    pub(crate) fn is_directory(&self) -> bool {
        self.0.is_empty() || self.0.ends_with('/')
    }

    /// With the slash at its end, where there is one.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What is opened, relative to the root.
    pub(crate) fn relative(&self) -> &str {
        match self.0.trim_end_matches('/') {
            "" => ".",
            names => names,
        }
    }

    /// The last name.
    pub(crate) fn file_name(&self) -> &str {
        self.relative().rsplit('/').next().unwrap_or_default()
    }
}

fn is_plain(name: &str, dot_files: bool) -> bool {
    let hidden = name.starts_with('.') && !dot_files;
    !matches!(name, "" | "." | "..")
        && !hidden
        && name.len() <= LONGEST_NAME
        && !name
            .chars()
            .any(|character| character == '\\' || character.is_control())
}

/// Names that Windows reads as something else than a file of that name: drives and streams (`:`), devices (also with an
/// extension behind), names whose end it drops, wildcards, and short names (`SECRET~1.TXT`), by which a file has a
/// second name that no rule knows.
fn is_special_on_windows(name: &str) -> bool {
    const DEVICES: [&str; 8] = ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$", "$mft"];
    let stem = name.split(['.', ':']).next().unwrap_or_default().trim_end();
    let lower = stem.to_ascii_lowercase();
    let is_port = |prefix: &str| {
        let number = lower.strip_prefix(prefix);
        number.is_some_and(|number| matches!(number, "\u{b9}" | "\u{b2}" | "\u{b3}") || is_digit(number))
    };
    let is_short = |(tilde, _): (usize, &str)| {
        let behind = name.get(tilde + 1..).unwrap_or_default();
        behind.starts_with(|first: char| first.is_ascii_digit())
    };
    name.contains([':', '*', '?', '"', '<', '>', '|'])
        || name.ends_with(['.', ' '])
        || DEVICES.contains(&lower.as_str())
        || is_port("com")
        || is_port("lpt")
        || name.match_indices('~').any(is_short)
}

fn is_digit(text: &str) -> bool {
    text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The end of a raw path that decodes to `decoded_length` bytes: what a wildcard of that length has captured.
pub(crate) fn raw_tail(raw: &str, decoded_length: usize) -> &str {
    let bytes = raw.as_bytes();
    let escapes = bytes.iter().filter(|byte| **byte == b'%').count();
    let mut left = bytes.len().saturating_sub(2 * escapes);
    let mut at = 0;
    while left > decoded_length && at < bytes.len() {
        at += if bytes.get(at) == Some(&b'%') { 3 } else { 1 };
        left -= 1;
    }
    raw.get(at..).unwrap_or_default()
}

/// Whether a slash or backslash was written as an escape (`%2F`, `%5C`): no file has such a name, and to whatever
/// guards paths before this the request has fewer segments than it would have here.
pub(crate) fn hides_a_separator(raw: &str) -> bool {
    let mut escapes = raw.as_bytes().windows(3).filter(|window| window.starts_with(b"%"));
    escapes.any(|escape| escape.eq_ignore_ascii_case(b"%2f") || escape.eq_ignore_ascii_case(b"%5c"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(decoded: &str) -> Option<SafePath> {
        SafePath::parse_for(decoded, false, false)
    }

    #[test]
    fn takes_plain_names() {
        for path in [
            "",
            "a",
            "a/",
            "a/b.txt",
            "a b/c",
            "ü/ß",
            "a..b",
            "a.",
            "...a.txt/b".trim_start_matches('.'),
            "%2e%2e",
            "~",
            "a:b",
        ] {
            assert_eq!(parse(path).as_ref().map(SafePath::as_str), Some(path), "{path:?}");
        }
    }

    #[test]
    fn refuses_whatever_is_no_list_of_names() {
        let long = "x".repeat(256);
        let deep = "d/".repeat(2500);
        for path in [
            "..",
            "../x",
            "a/..",
            "a/../b",
            ".",
            "./x",
            "a/./b",
            "/",
            "/etc/passwd",
            "//x",
            "a//b",
            "a//",
            "..\\x",
            "a\\b",
            "\0",
            "a\0.txt",
            "a\n",
            "a\x7f",
            "\u{85}",
            ".env",
            "a/.git/config",
            "...",
            &long,
            &deep,
        ] {
            assert_eq!(parse(path), None, "{path:?}");
        }
    }

    #[test]
    fn dot_files_are_there_when_asked_for_but_never_dot_segments() {
        assert!(SafePath::parse_for(".well-known/x", true, false).is_some());
        for path in ["..", ".", "a/..", "../a"] {
            assert_eq!(SafePath::parse_for(path, true, false), None, "{path:?}");
        }
    }

    #[test]
    fn refuses_names_that_windows_reads_differently() {
        for path in [
            "c:",
            "c:/x",
            "a/c:x",
            "x.txt::$DATA",
            "x:stream",
            "con",
            "CON",
            "con.txt",
            "a/NUL",
            "nul.tar.gz",
            "aux .txt",
            "com1",
            "COM9.x",
            "lpt1",
            "com\u{b9}",
            "conin$",
            "x.",
            "x ",
            "a./b",
            "secret~1.txt",
            "x*",
            "x?",
            "a|b",
            "<x>",
        ] {
            assert_eq!(SafePath::parse_for(path, false, true), None, "{path:?}");
        }
        for path in ["console", "com", "com10", "nullable.js", "a~b", "auxiliary/x"] {
            assert!(SafePath::parse_for(path, false, true).is_some(), "{path:?}");
        }
    }

    #[test]
    fn finds_the_raw_form_of_what_a_wildcard_captured() {
        assert_eq!(raw_tail("/a%2Fb/files/x%20y", "x y".len()), "x%20y");
        assert_eq!(raw_tail("/files/%C3%A9", "é".len()), "%C3%A9");
        assert_eq!(raw_tail("/files/a/b", 3), "a/b");
        assert_eq!(raw_tail("/x", 9), "/x");
        assert!(hides_a_separator("a%2fb") && hides_a_separator("a%5Cb") && !hides_a_separator("a%252fb"));
    }
}
