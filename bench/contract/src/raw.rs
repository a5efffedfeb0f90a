//! For the raw servers, which are no HTTP servers: the least that must be read of a request, and fixed answers.
//!
//! They exist to show what a runtime and the kernel cost when HTTP costs nothing, so this reads only what the clients
//! of the benchmark send, in their spelling.
//!
//! ```
//! let head = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
//! assert_eq!(contract::raw::end_of_head(head), Some(head.len()));
//! assert!(contract::raw::wants_close(head));
//! ```

use memchr::memmem;

/// The answer to `GET /`.
pub const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nHello, World!";

/// The answer to `GET /` of a client that asks for the end of the connection.
pub const LAST_HELLO: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: 13\r\n\r\nHello, World!";

/// The length of the first head, the empty line included; `None` while it is not complete.
pub fn end_of_head(bytes: &[u8]) -> Option<usize> {
    memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

/// Whether the client asks to end the connection.
pub fn wants_close(head: &[u8]) -> bool {
    memmem::find(head, b"onnection: close").is_some()
}

/// The announced length of the body; 0 without one.
pub fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"ontent-Length: ";
    let value = memmem::find(head, NAME).and_then(|at| head.get(at + NAME.len()..));
    let digits = value
        .unwrap_or_default()
        .iter()
        .map_while(|byte| char::from(*byte).to_digit(10));
    digits.fold(0, |length: usize, digit| {
        length.saturating_mul(10).saturating_add(digit as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_of_the_first_head() {
        assert_eq!(end_of_head(b"GET / HTTP/1.1\r\n\r\nGET"), Some(18));
        assert_eq!(end_of_head(b"GET / HTTP/1.1\r\n\r"), None);
    }

    #[test]
    fn reads_the_length_of_a_body() {
        assert_eq!(content_length(b"POST / HTTP/1.1\r\nContent-Length: 123\r\n\r\n"), 123);
        assert_eq!(content_length(b"GET / HTTP/1.1\r\n\r\n"), 0);
        assert_eq!(content_length(b"Content-Length: 99999999999999999999999"), usize::MAX);
    }

    #[test]
    fn the_fixed_answers_are_the_contract_s() {
        for answer in [HELLO, LAST_HELLO] {
            let end = end_of_head(answer).expect("a head");
            assert_eq!(&answer[end..], crate::HELLO.as_bytes());
            assert!(memmem::find(answer, b"content-length: 13\r\n").is_some());
        }
    }
}
