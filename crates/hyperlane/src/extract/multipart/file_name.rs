//! File names of clients, made harmless.

/// The longest name that common file systems hold, in bytes.
const MAX_BYTES: usize = 255;

/// Names of devices on Windows, whatever their extension.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The last part of a name, with what file systems, shells and readers stumble over replaced or left out. `None` if
/// nothing is left.
pub(super) fn sanitize(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|character| !is_hidden(*character))
        .map(replace)
        .collect();
    // Windows ignores these at the end.
    let clean = clean.trim_start().trim_end_matches(['.', ' ']);
    if clean.trim_start_matches('.').is_empty() {
        return None;
    }
    let mut clean = if is_device(clean) {
        format!("_{clean}")
    } else {
        clean.to_owned()
    };
    while clean.len() > MAX_BYTES {
        clean.pop();
    }
    // The cut may have bared some of these again.
    clean.truncate(clean.trim_end_matches(['.', ' ']).len());
    (!clean.is_empty()).then_some(clean)
}

/// Control characters, and those that turn the direction of text, so that `exe.txt` may be read where `txt.exe` stands.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn replace(character: char) -> char {
    if r#"<>:"|?*"#.contains(character) {
        '_'
    } else {
        character
    }
}

fn is_device(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_lowercase();
    let port = stem.strip_prefix("com").or(stem.strip_prefix("lpt"));
    DEVICES.contains(&stem.as_str())
        || port.is_some_and(|port| port.chars().count() == 1 && port.chars().all(|digit| digit.is_numeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_what_no_file_system_holds_are_left_out() {
        for (name, clean) in [
            ("photo 1.jpg", "photo 1.jpg"),
            ("ünï-你好.txt", "ünï-你好.txt"),
            ("../../etc/passwd", "passwd"),
            (r"C:\Users\me\a.txt", "a.txt"),
            (r"..\..\a", "a"),
            ("a\0b\r\n.txt", "ab.txt"),
            ("a:b|c?.txt", "a_b_c_.txt"),
            ("gpj\u{202e}exe.txt", "gpjexe.txt"),
            ("a.txt. . ", "a.txt"),
            (".htaccess", ".htaccess"),
            ("NUL.txt", "_NUL.txt"),
            ("com1", "_com1"),
            ("CONIN$", "_CONIN$"),
            ("command.com", "command.com"),
        ] {
            assert_eq!(sanitize(name).as_deref(), Some(clean), "{name:?}");
        }
        for name in ["", ".", "..", "...", "/", "a/", "../", "\0", " ", "\\", "a/.."] {
            assert_eq!(sanitize(name), None, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(sanitize(&"é".repeat(200)).map(|name| name.len()), Some(254));
    }
}
