//! The path of a request as the upstream gets it.

use percent_encoding::percent_decode_str;

/// Whether a path has a segment `.` or `..`, in any of the spellings that some server reads as one: encoded, between
/// encoded or backward slashes, or with a parameter behind a semicolon.
///
/// The routes in front of the proxy see another path than the server behind it, then, and would guard the wrong one.
pub(super) fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(|segment| {
        let decoded: Vec<u8> = percent_decode_str(segment).collect();
        decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(|part| {
            let name = part.split(|byte| *byte == b';').next().unwrap_or_default();
            name == b"." || name == b".."
        })
    })
}

/// The path without the prefix, where it has it, segment by segment. The routes compare decoded segments, and so is it
/// done here.
pub(super) fn strip_prefix<'p>(path: &'p str, prefix: &str) -> &'p str {
    let mut rest = path;
    for wanted in prefix.split('/').filter(|segment| !segment.is_empty()) {
        let Some(after_slash) = rest.strip_prefix('/') else {
            return path;
        };
        let end = after_slash.find('/').unwrap_or(after_slash.len());
        let (segment, after) = after_slash.split_at(end);
        if !percent_decode_str(segment).eq(wanted.bytes()) {
            return path;
        }
        rest = after;
    }
    if rest.is_empty() { "/" } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_are_seen_in_every_spelling() {
        for path in [
            "/..",
            "/a/../b",
            "/./a",
            "/%2e%2E/a",
            "/.%2e",
            "/a/..%2fb",
            "/a%2f..%2Fb",
            "/..%5cb",
            "/a\\..\\b",
            "/..;x=1/b",
            "/%2e%2e%3bx/b",
        ] {
            assert!(has_dot_segment(path), "{path}");
        }
        for path in ["/", "/a/.b", "/...", "/a..b", "/a/%2e%2ea", "*", "//"] {
            assert!(!has_dot_segment(path), "{path}");
        }
    }

    #[test]
    fn a_prefix_is_stripped_by_segments() {
        for (path, stripped) in [
            ("/api/x/y", "/x/y"),
            ("/api", "/"),
            ("/api/", "/"),
            ("/%61pi/x", "/x"),
            ("/apix", "/apix"),
            ("/x/api", "/x/api"),
            ("/api//x", "//x"),
        ] {
            assert_eq!(strip_prefix(path, "/api"), stripped, "{path}");
            assert_eq!(strip_prefix(path, "api/"), stripped, "{path}");
        }
        assert_eq!(strip_prefix("/a/b/c", "/a/b"), "/c");
        assert_eq!(strip_prefix("/a/x/c", "/a/b"), "/a/x/c");
    }
}
