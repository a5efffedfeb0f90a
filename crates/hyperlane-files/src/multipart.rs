//! Several parts of a file in one body: `multipart/byteranges` (RFC 9110 §14.6).

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use http::HeaderValue;
use hyperlane::Bytes;

use crate::body::Part;

/// The parts with what stands between them, and the content type that names the boundary.
pub(crate) fn byteranges(ranges: Vec<Range<u64>>, length: u64, media_type: &HeaderValue) -> (HeaderValue, Vec<Part>) {
    let boundary = boundary();
    let media_type = media_type.to_str().unwrap_or("application/octet-stream");
    let mut parts = Vec::with_capacity(2 * ranges.len() + 1);
    for (at, range) in ranges.into_iter().enumerate() {
        let separator = if at == 0 { "" } else { "\r\n" };
        let range_field = content_range(&range, length);
        let head =
            format!("{separator}--{boundary}\r\ncontent-type: {media_type}\r\ncontent-range: {range_field}\r\n\r\n");
        parts.push(Part::Text(Bytes::from(head)));
        parts.push(Part::File(range));
    }
    parts.push(Part::Text(Bytes::from(format!("\r\n--{boundary}--\r\n"))));
    let content_type = HeaderValue::try_from(format!("multipart/byteranges; boundary={boundary}"))
        .unwrap_or(HeaderValue::from_static("multipart/byteranges"));
    (content_type, parts)
}

/// `Content-Range` of a part (RFC 9110 §14.4).
pub(crate) fn content_range(range: &Range<u64>, length: u64) -> String {
    format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1))
}

/// 128 bits that nobody can guess: whoever wrote the file must not be able to end a part in it.
fn boundary() -> String {
    let random = || RandomState::new().hash_one(0_u8);
    format!("{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_between_boundaries_that_differ_each_time() {
        let (content_type, parts) = byteranges(vec![0..2, 5..6], 9, &HeaderValue::from_static("text/plain"));
        let boundary = content_type
            .to_str()
            .unwrap()
            .strip_prefix("multipart/byteranges; boundary=")
            .unwrap();
        let text: String = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
                Part::File(range) => format!("[{range:?}]"),
            })
            .collect();
        let expected = "--B\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-1/9\r\n\r\n[0..2]\
            \r\n--B\r\ncontent-type: text/plain\r\ncontent-range: bytes 5-5/9\r\n\r\n[5..6]\r\n--B--\r\n";
        assert_eq!(text, expected.replace("--B", &format!("--{boundary}")));
        let (other, _) = byteranges(vec![], 0, &HeaderValue::from_static("text/plain"));
        assert_ne!(other, content_type);
    }
}
