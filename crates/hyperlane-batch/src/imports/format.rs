//! How records stand in their source.

/// How records stand in their source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Comma-separated values with a header (RFC 4180), or separated by another byte.
    Csv {
        /// What stands between fields; `b','`, or often `b';'` or `b'\t'`.
        delimiter: u8,
    },
    /// One JSON value on each line.
    Ndjson,
}

impl Format {
    /// Comma-separated values.
    pub const CSV: Self = Self::Csv { delimiter: b',' };

    /// The format that a media type names: `text/csv`, `text/tab-separated-values`, `application/x-ndjson`,
    /// `application/ndjson`, `application/jsonl` and their like.
    #[must_use]
    pub fn from_media_type(value: &str) -> Option<Self> {
        let essence = value.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "text/csv" | "application/csv" => Some(Self::CSV),
            "text/tab-separated-values" => Some(Self::Csv { delimiter: b'\t' }),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/jsonlines" => Some(Self::Ndjson),
            _ => None,
        }
    }

    /// As it is kept in the table: the delimiter's number, or 0 for NDJSON.
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Csv { delimiter } => delimiter.into(),
            Self::Ndjson => 0,
        }
    }

    pub(super) fn from_number(number: i64) -> Self {
        match u8::try_from(number) {
            Ok(delimiter) if delimiter != 0 => Self::Csv { delimiter },
            _ => Self::Ndjson,
        }
    }
}
