//! Writes the JSON of a problem, which is small and known, so that it needs no feature.

/// An object in the making.
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds a member that is a string.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        push_text(&mut self.0, value);
    }

    /// Adds a member whose value is JSON already.
    pub(super) fn raw(&mut self, name: &str, value: &str) {
        self.name(name);
        self.0.push_str(value);
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        push_text(&mut self.0, name);
        self.0.push(':');
    }
}

/// A string with what must be escaped escaped (RFC 8259 §7).
fn push_text(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            control if control < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => json.push(other),
        }
    }
    json.push('"');
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;

    /// RFC 8259 §7.
    #[test]
    fn every_character_comes_back_through_a_real_parser() {
        let all: String = (0..0x300).chain(0xfff0..0x1_0010).filter_map(char::from_u32).collect();
        let mut object = Object::new();
        object.text(&all, &all);
        object.raw("n", "1");
        let value: serde_json::Value = serde_json::from_str(&object.finish()).expect("it is json");
        assert_eq!(value[&all], all);
        assert_eq!(value["n"], 1);
    }
}
