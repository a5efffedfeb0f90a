//! A file that was stored, and what is known of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::id::UploadId;

/// A file that was stored whole.
///
/// As JSON it is `{"id":"…","name":"photo.jpg","bytes":1234,"content_type":"image/jpeg","sha256":"…","stored_ms":…}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredFile {
    /// By which it is asked for.
    pub id: UploadId,
    /// What its client calls it, without folders and without what can't be shown; at most 255 bytes. It is no path, and
    /// may be that of another file as well.
    pub name: Option<String>,
    /// Its length.
    pub bytes: u64,
    /// Its media type, by its first bytes. Text without a mark is `text/plain`, the unknown `application/octet-stream`.
    pub content_type: String,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// When it was stored, in milliseconds since 1970.
    pub stored_ms: u64,
}

impl StoredFile {
    /// When it was stored.
    pub fn stored_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.stored_ms)
    }
}

/// What is written beside a file: it makes the file a stored one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    #[serde(flatten)]
    pub(crate) file: StoredFile,
    /// What the protocol of resumable uploads has to say of it, if it came so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tus: Option<TusNotes>,
}

/// Headers that a client sent when it began, and gets back when it asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TusNotes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) concat: Option<String>,
}

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
