//! The name that a client gives a file, made fit to be shown.

/// The longest name that is kept, in bytes: what common file systems hold, so that a browser can save under it.
const MAX_BYTES: usize = 255;

/// The last part of a name, without what readers and programs stumble over. `None` if nothing is left.
///
/// It is never part of a path here: it is shown, and offered when the file is downloaded.
pub(crate) fn clean(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut clean: String = last.chars().filter(|character| !is_hidden(*character)).collect();
    while clean.len() > MAX_BYTES {
        clean.pop();
    }
    let clean = clean.trim().trim_end_matches(['.', ' ']);
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// Control characters, and those that are not seen or turn the direction of text (Unicode's Bidi_Control): behind them
/// `exe.txt` may be read where `txt.exe` stands.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folders_control_characters_and_turned_text() {
        for (name, wanted) in [
            ("photo 1.jpg", Some("photo 1.jpg")),
            ("ünï-你好.txt", Some("ünï-你好.txt")),
            ("../../etc/passwd", Some("passwd")),
            (r"C:\Users\me\a.txt", Some("a.txt")),
            ("a\0b\r\n\x1b[31m.txt", Some("ab[31m.txt")),
            ("gpj\u{202e}exe.txt", Some("gpjexe.txt")),
            ("\u{2066}a\u{2069}", Some("a")),
            ("a.txt. . ", Some("a.txt")),
            ("..", None),
            ("/", None),
            ("", None),
            ("\u{200b}", None),
        ] {
            assert_eq!(clean(name).as_deref(), wanted, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(clean(&"é".repeat(4000)).map(|name| name.len()), Some(254));
    }
}
