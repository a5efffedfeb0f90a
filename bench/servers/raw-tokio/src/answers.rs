//! The answers beside the fixed ones, made once.

/// Whole responses, except for the count.
pub(crate) struct Answers {
    pub(crate) receipt: Vec<u8>,
    pub(crate) download: Vec<u8>,
    pub(crate) stream_head: Vec<u8>,
    /// A piece of the stream with its frame.
    pub(crate) chunk: Vec<u8>,
    pub(crate) not_found: Vec<u8>,
}

impl Answers {
    pub(crate) fn new() -> Self {
        let stream_head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut chunk = format!("{:x}\r\n", contract::CHUNK.len()).into_bytes();
        chunk.extend_from_slice(contract::CHUNK);
        chunk.extend_from_slice(b"\r\n");
        Self {
            receipt: response("application/json", contract::EXAMPLE_RECEIPT.as_bytes()),
            download: response("application/octet-stream", &contract::download()),
            stream_head: stream_head.into(),
            chunk,
            not_found: b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
        }
    }

    pub(crate) fn count(&self, bytes: usize) -> Vec<u8> {
        response("text/plain", bytes.to_string().as_bytes())
    }
}

fn response(content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}
