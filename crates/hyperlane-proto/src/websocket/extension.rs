//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 §9.1).

use std::borrow::Cow;

/// An extension that a peer names, with its parameters in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Its name.
    pub name: &'a str,
    /// What is said about it.
    pub parameters: Vec<Parameter<'a>>,
}

/// A parameter of an [`Extension`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value, if it has one; quotes are taken away.
    pub value: Option<Cow<'a, str>>,
}

/// Reads the value of one header; `None` if it is not what the grammar allows, for which a handshake is refused.
///
/// ```
/// use hyperlane_proto::websocket::parse_extensions;
///
/// let extensions = parse_extensions("permessage-deflate; client_max_window_bits, x-other").expect("it is well-formed");
/// assert_eq!(extensions.len(), 2);
/// assert_eq!(extensions[0].parameters[0].name, "client_max_window_bits");
/// assert_eq!(parse_extensions("permessage-deflate;"), None);
/// ```
pub fn parse_extensions(value: &str) -> Option<Vec<Extension<'_>>> {
    let mut rest = Cursor(value);
    let mut extensions = Vec::new();
    loop {
        // Empty members of a list mean nothing (RFC 9110 §5.6.1.2).
        while rest.skip(',') {}
        if rest.is_done() {
            return Some(extensions);
        }
        let name = rest.token()?;
        let mut parameters = Vec::new();
        while rest.skip(';') {
            let name = rest.token()?;
            let value = match rest.skip('=') {
                true => Some(rest.value()?),
                false => None,
            };
            parameters.push(Parameter { name, value });
        }
        extensions.push(Extension { name, parameters });
        if !rest.is_done() && !rest.skip(',') {
            return None;
        }
    }
}

/// What is left to read.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn skip_space(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn is_done(&mut self) -> bool {
        self.skip_space();
        self.0.is_empty()
    }

    fn skip(&mut self, character: char) -> bool {
        self.skip_space();
        match self.0.strip_prefix(character) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        self.skip_space();
        let end = self.0.find(|character| !is_token(character)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        (!token.is_empty()).then_some(token)
    }

    /// A token, bare or in quotes.
    fn value(&mut self) -> Option<Cow<'a, str>> {
        self.skip_space();
        if !self.skip('"') {
            return self.token().map(Cow::Borrowed);
        }
        let mut value = String::new();
        let mut characters = self.0.char_indices();
        loop {
            match characters.next()?.1 {
                '"' => break,
                '\\' => value.push(characters.next()?.1),
                other => value.push(other),
            }
        }
        self.0 = characters.as_str();
        // What is quoted must still be a token (RFC 6455 §9.1).
        (!value.is_empty() && value.chars().all(is_token)).then_some(Cow::Owned(value))
    }
}

/// A character of a token (RFC 9110 §5.6.2).
fn is_token(character: char) -> bool {
    matches!(
        character,
        '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '.' | '^' | '_' | '`' | '|' | '~'
    ) || character.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_are_tokens_in_quotes() {
        let extensions = parse_extensions(r#" a ; b = "c\d" ,, e"#).expect("it is well-formed");
        assert_eq!(extensions[0].parameters[0].value.as_deref(), Some("cd"));
        assert_eq!(extensions[1].name, "e");
    }

    #[test]
    fn refuses_what_the_grammar_does_not_have() {
        for value in [
            "a;",
            "a; =1",
            "a; b=",
            "a; b=\"",
            "a; b=\"\"",
            "a; b=\"c d\"",
            "a b",
            "=",
            ";",
            "a; b=c=d",
            "é",
        ] {
            assert_eq!(parse_extensions(value), None, "{value}");
        }
        assert_eq!(parse_extensions(" , "), Some(Vec::new()));
    }
}
