//! Multipart forms (RFC 7578), as a browser sends them.

use bytes::Bytes;

/// The fields and files of a multipart form, for [`TestRequest::multipart`](super::TestRequest::multipart).
///
/// ```
/// use hyperlane::testing::TestForm;
///
/// let form = TestForm::new().text("title", "Holiday").file("photo", "sea.png", "image/png", &b"\x89PNG"[..]);
/// # let _ = form;
/// ```
#[derive(Clone, Debug, Default)]
pub struct TestForm {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    head: String,
    content: Bytes,
}

impl TestForm {
    /// A form without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field of text.
    #[must_use]
    pub fn text(self, name: &str, value: impl Into<String>) -> Self {
        let head = format!("content-disposition: form-data; name=\"{}\"\r\n", escape(name));
        self.part(head, Bytes::from(value.into()))
    }

    /// Adds a file with its name and content type.
    #[must_use]
    pub fn file(self, name: &str, file_name: &str, content_type: &str, content: impl Into<Bytes>) -> Self {
        let head = format!(
            "content-disposition: form-data; name=\"{}\"; filename=\"{}\"\r\ncontent-type: {}\r\n",
            escape(name),
            escape(file_name),
            content_type.replace(['\r', '\n'], " "),
        );
        self.part(head, content.into())
    }

    fn part(mut self, head: String, content: Bytes) -> Self {
        self.parts.push(Part { head, content });
        self
    }

    /// The content type and the body.
    pub(super) fn encode(&self) -> (String, Vec<u8>) {
        let boundary = self.boundary();
        let mut body = Vec::new();
        for part in &self.parts {
            body.extend_from_slice(format!("--{boundary}\r\n{}\r\n", part.head).as_bytes());
            body.extend_from_slice(&part.content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary={boundary}"), body)
    }

    /// One that no part contains.
    fn boundary(&self) -> String {
        let is_free = |boundary: &str| {
            let boundary = boundary.as_bytes();
            !self
                .parts
                .iter()
                .any(|part| part.content.windows(boundary.len()).any(|window| window == boundary))
        };
        let mut boundary = "hyperlane-test-form".to_owned();
        while !is_free(&boundary) {
            boundary.push('x');
        }
        boundary
    }
}

/// As browsers do (HTML standard, "Multipart form data").
fn escape(name: &str) -> String {
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_is_in_no_part_and_names_are_escaped() {
        let form = TestForm::new().text("a\"\r\nb", "--hyperlane-test-form").file(
            "f",
            "x.txt",
            "text/plain",
            "hyperlane-test-formx",
        );
        let (content_type, body) = form.encode();
        assert_eq!(content_type, "multipart/form-data; boundary=hyperlane-test-formxx");
        let body = String::from_utf8(body).unwrap();
        assert!(body.starts_with("--hyperlane-test-formxx\r\ncontent-disposition: form-data; name=\"a%22%0D%0Ab\"\r\n\r\n--hyperlane-test-form\r\n"));
        assert!(body.ends_with("\r\nhyperlane-test-formx\r\n--hyperlane-test-formxx--\r\n"));
    }
}
