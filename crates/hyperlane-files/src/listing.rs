//! The page that lists a directory.

use std::cmp::Reverse;
use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::failure::Failure;
use crate::files::Settings;
use crate::path::SafePath;
use crate::root::Entry;

/// More entries are not shown: no person reads so many, and each costs a look at the disk.
const MOST_ENTRIES: usize = 10_000;

/// What a segment of a path may hold as it is (RFC 3986 §3.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Makes the page for a directory, of the path that the client has asked for. It blocks.
pub(crate) fn page(settings: &Settings, directory: &SafePath, shown_path: &str) -> Result<String, Failure> {
    let shown = |name: &str| SafePath::parse(name, settings.dot_files).is_some_and(|name| !name.is_directory());
    let (mut entries, has_more) = settings.root.list(directory, MOST_ENTRIES, shown)?;
    entries.sort_by(|a, b| (Reverse(a.is_directory), &a.name).cmp(&(Reverse(b.is_directory), &b.name)));
    let is_root = directory.as_str().is_empty();
    Ok(render(&entries, shown_path, is_root, has_more))
}

fn render(entries: &[Entry], shown_path: &str, is_root: bool, has_more: bool) -> String {
    let title = escape(shown_path);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Index of {title}</title>\n</head>\n<body>\n<main>\n\
         <h1>Index of {title}</h1>\n<table>\n<thead>\n<tr><th scope=\"col\">Name</th>\
         <th scope=\"col\">Bytes</th><th scope=\"col\">Changed</th></tr>\n</thead>\n<tbody>\n"
    );
    if !is_root {
        page.push_str("<tr><td><a href=\"../\">Parent directory</a></td><td></td><td></td></tr>\n");
    }
    for entry in entries {
        let slash = if entry.is_directory { "/" } else { "" };
        let length = if entry.is_directory {
            String::new()
        } else {
            entry.length.to_string()
        };
        let changed = entry.modified.and_then(date).unwrap_or_default();
        // The dot keeps a colon in a name from making it a scheme. Writing to a string can't fail.
        let _ = writeln!(
            page,
            "<tr><td><a href=\"./{}{slash}\">{}{slash}</a></td><td>{length}</td><td>{changed}</td></tr>",
            utf8_percent_encode(&entry.name, SEGMENT),
            escape(&entry.name),
        );
    }
    page.push_str("</tbody>\n</table>\n");
    if has_more {
        let _ = writeln!(
            page,
            "<p>There are more than {MOST_ENTRIES} entries; the rest is not shown.</p>"
        );
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// The time as text, if the calendar of HTTP has it: who writes a file chooses its time, and `httpdate` panics at others.
fn date(time: SystemTime) -> Option<String> {
    /// The year 10000.
    const END: Duration = Duration::from_secs(253_402_300_800);
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    (since < END).then(|| httpdate::fmt_http_date(time))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            is_directory: false,
            length: 7,
            modified: None,
        }
    }

    #[test]
    fn names_can_not_break_out_of_the_page() {
        let names = [
            "<script>alert(1)</script>",
            "\"onmouseover=x",
            "javascript:alert(1)",
            "a&b'c",
            "x?y#z",
            "100%",
        ];
        let entries: Vec<Entry> = names.iter().map(|name| entry(name)).collect();
        let page = render(&entries, "/<b>/", false, true);
        for absent in ["<script", "<b>", "\"onmouse", "href=\"javascript", "a&b"] {
            assert!(!page.contains(absent), "{absent} in {page}");
        }
        for there in [
            "href=\"./javascript%3Aalert%281%29\"",
            "href=\"./x%3Fy%23z\"",
            "href=\"./100%25\"",
            "a&amp;b&#39;c",
            "../",
            "the rest is not shown",
        ] {
            assert!(page.contains(there), "no {there} in {page}");
        }
    }

    #[test]
    fn a_time_that_has_no_date_is_left_out() {
        let far = Duration::from_secs(253_402_300_800);
        let before = UNIX_EPOCH.checked_sub(Duration::from_secs(1));
        for modified in [before, UNIX_EPOCH.checked_add(far)] {
            let odd = Entry { modified, ..entry("a") };
            assert!(render(&[odd], "/", true, false).contains("<td>7</td><td></td>"));
        }
    }

    #[test]
    fn the_root_has_no_parent() {
        assert!(!render(&[], "/", true, false).contains("../"));
    }
}
