//! A value of a column, as both databases take it.

use serde_json::Value as Json;

/// What a record writes into a column; most types become one by `into()`.
///
/// ```
/// use hyperlane_batch::imports::Value;
///
/// let row: [Value; 3] = ["Ann".into(), 41.into(), None::<String>.into()];
/// assert_eq!(row[2], Value::Null);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// No value.
    Null,
    /// A truth value; 0 or 1 in SQLite.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text; PostgreSQL reads it as the column's type says, so that dates, UUIDs and decimals are written as text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// About how much memory it takes.
    pub(super) fn size(&self) -> usize {
        let inner = match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        size_of::<Self>() + inner
    }

    /// Appends it in the text format of PostgreSQL's `COPY`.
    #[cfg(feature = "postgres")]
    pub(super) fn copy_text(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"\\N"),
            Self::Bool(true) => out.push(b't'),
            Self::Bool(false) => out.push(b'f'),
            Self::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            // `inf` and `NaN` are spelled as PostgreSQL reads them.
            Self::Real(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::Text(text) => escape(text.as_bytes(), out),
            Self::Bytes(bytes) => {
                out.extend_from_slice(b"\\\\x");
                for byte in bytes {
                    out.extend_from_slice(format!("{byte:02x}").as_bytes());
                }
            }
        }
    }
}

#[cfg(feature = "postgres")]
fn escape(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.push(byte),
        }
    }
}

macro_rules! from {
    ($($type:ty => |$value:ident| $made:expr;)*) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        })*
    };
}

from! {
    bool => |value| Self::Bool(value);
    i8 => |value| Self::Integer(value.into());
    i16 => |value| Self::Integer(value.into());
    i32 => |value| Self::Integer(value.into());
    i64 => |value| Self::Integer(value);
    u8 => |value| Self::Integer(value.into());
    u16 => |value| Self::Integer(value.into());
    u32 => |value| Self::Integer(value.into());
    f32 => |value| Self::Real(value.into());
    f64 => |value| Self::Real(value);
    String => |value| Self::Text(value);
    &str => |value| Self::Text(value.to_owned());
    Vec<u8> => |value| Self::Bytes(value);
    Json => |value| Self::Text(value.to_string());
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out_of_its_column() {
        let mut out = Vec::new();
        Value::from("a\tb\\N\r\n\\.").copy_text(&mut out);
        assert_eq!(out, br"a\tb\\N\r\n\\.");
    }

    #[test]
    fn other_types_are_spelled_as_postgresql_reads_them() {
        for (value, text) in [
            (Value::Null, "\\N"),
            (Value::from(true), "t"),
            (Value::from(-7), "-7"),
            (Value::from(0.5), "0.5"),
            (Value::from(vec![0_u8, 255]), "\\\\x00ff"),
        ] {
            let mut out = Vec::new();
            value.copy_text(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }
}
