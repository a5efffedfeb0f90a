//! A small client: one request, one answer, looked at byte for byte.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// A server that does not answer for so long is broken; under an instrument it is some fifty times slower.
const TIMEOUT: Duration = Duration::from_secs(30);
const READ_BUFFER: usize = 8 * 1024;
/// More than any head that a server of the contract sends.
const HEAD_LIMIT: usize = 16 * 1024;

/// A connection to a server on this machine.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// Received and not yet used.
    buffer: Vec<u8>,
    /// How many bytes were used.
    taken: usize,
}

/// An answer, its framing taken off.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    /// The number of chunks, the last empty one not counted, if the body was chunked.
    pub(crate) chunks: Option<usize>,
    /// Whether it announces the end of the connection.
    pub(crate) last: bool,
}

impl Connection {
    pub(crate) fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            taken: 0,
        })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub(crate) fn receive(&mut self) -> io::Result<Response> {
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break self.take(end + 4)?;
            }
            if self.buffer.len() > HEAD_LIMIT {
                return Err(invalid("the head of the answer has no end"));
            }
            self.fill()?;
        };
        let head = Head::parse(&head)?;
        let (body, chunks) = match (head.length, head.chunked) {
            (Some(_), _) if head.status == 304 => (Vec::new(), None),
            (_, true) => {
                let (body, chunks) = self.receive_chunks()?;
                (body, Some(chunks))
            }
            (Some(length), false) => (self.take(length)?, None),
            // These have no body (RFC 9110 §15.4.5).
            (None, false) if head.status == 304 => (Vec::new(), None),
            (None, false) => return Err(invalid("the answer does not say how long it is")),
        };
        Ok(Response {
            status: head.status,
            content_type: head.content_type,
            etag: head.etag,
            last_modified: head.last_modified,
            body,
            chunks,
            last: head.last,
        })
    }

    /// Sends and receives.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> io::Result<Response> {
        self.send(request)?;
        self.receive()
    }

    /// Sends and receives, and tells how many bytes the answer has, its head and its frames included.
    pub(crate) fn measure(&mut self, request: &[u8]) -> io::Result<usize> {
        let before = self.taken;
        self.exchange(request)?;
        Ok(self.taken - before)
    }

    /// The socket, when nothing is on its way.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Whether the server ends the connection, without a further byte.
    pub(crate) fn ends(&mut self) -> io::Result<bool> {
        if !self.buffer.is_empty() {
            return Ok(false);
        }
        match self.stream.read(&mut [0]) {
            Ok(n) => Ok(n == 0),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the server has kept the connection, without waiting.
    pub(crate) fn is_open(&self) -> io::Result<bool> {
        self.stream.set_nonblocking(true)?;
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false)?;
        Ok(peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock))
    }

    pub(crate) fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(timeout))
    }

    /// How long a write may take in which nothing is taken.
    pub(crate) fn set_write_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.stream.set_write_timeout(Some(timeout))
    }

    fn receive_chunks(&mut self) -> io::Result<(Vec<u8>, usize)> {
        let mut body = Vec::new();
        let mut chunks = 0;
        loop {
            let line = self.take_line()?;
            let size = line
                .split(|byte| *byte == b';')
                .next()
                .and_then(|size| str::from_utf8(size).ok());
            let size = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
            let size = size.ok_or_else(|| invalid("a chunk has no size"))?;
            if size == 0 {
                while !self.take_line()?.is_empty() {}
                return Ok((body, chunks));
            }
            body.append(&mut self.take(size)?);
            if !self.take_line()?.is_empty() {
                return Err(invalid("a chunk is longer than its size"));
            }
            chunks += 1;
        }
    }

    /// A line without its end.
    fn take_line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let mut line = self.take(end + 2)?;
                line.truncate(end);
                return Ok(line);
            }
            self.fill()?;
        }
    }

    fn take(&mut self, n: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < n {
            self.fill()?;
        }
        let rest = self.buffer.split_off(n);
        self.taken += n;
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut piece = [0; READ_BUFFER];
        let n = self.stream.read(&mut piece)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.buffer.extend_from_slice(piece.get(..n).unwrap_or_default());
        Ok(())
    }
}

struct Head {
    status: u16,
    content_type: String,
    etag: Option<String>,
    last_modified: Option<String>,
    length: Option<usize>,
    chunked: bool,
    last: bool,
}

impl Head {
    fn parse(bytes: &[u8]) -> io::Result<Self> {
        let text = str::from_utf8(bytes).map_err(|_| invalid("the head of the answer is no text"))?;
        let mut lines = text.lines();
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let status = status
            .and_then(|rest| rest.get(..3))
            .and_then(|status| status.parse().ok());
        let mut head = Self {
            status: status.ok_or_else(|| invalid("the answer has no status line of HTTP/1.1"))?,
            content_type: String::new(),
            etag: None,
            last_modified: None,
            length: None,
            chunked: false,
            last: false,
        };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-type" => head.content_type = value.to_owned(),
                "etag" => head.etag = Some(value.to_owned()),
                "last-modified" => head.last_modified = Some(value.to_owned()),
                "content-length" => {
                    let length = value
                        .parse()
                        .map_err(|_| invalid("the answer's content-length is no number"))?;
                    head.length = Some(length);
                }
                "connection" => head.last = value.eq_ignore_ascii_case("close"),
                "transfer-encoding" => head.chunked = value.eq_ignore_ascii_case("chunked"),
                _ => {}
            }
        }
        if head.chunked && head.length.is_some() {
            return Err(invalid("the answer has content-length and transfer-encoding at once"));
        }
        Ok(head)
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A client of a server that sends these bytes and ends.
    fn client_of(bytes: &'static [u8]) -> Connection {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        thread::spawn(move || listener.accept().expect("the client").0.write_all(bytes));
        Connection::open(port).expect("listening")
    }

    #[test]
    fn reads_answers_one_after_the_other() {
        let mut client = client_of(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nab\
              HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\na;e=1\r\n0123456789\r\n0\r\n\r\n",
        );
        let first = client.receive().expect("an answer");
        assert_eq!(
            (first.status, first.content_type.as_str(), first.chunks),
            (200, "text/plain", None)
        );
        assert_eq!(first.body, b"ab");
        let second = client.receive().expect("an answer");
        assert_eq!(
            (second.status, second.body.as_slice(), second.chunks),
            (404, b"x0123456789".as_slice(), Some(2))
        );
        assert!(client.ends().expect("the end"));
    }

    #[test]
    fn measures_an_answer_with_its_head() {
        let mut client = client_of(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1");
        assert_eq!(client.measure(b"").expect("an answer"), 40);
    }

    #[test]
    fn knows_whether_the_server_has_kept_the_connection() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let client = Connection::open(listener.local_addr().expect("bound").port()).expect("listening");
        let (server, _) = listener.accept().expect("the client");
        assert!(client.is_open().expect("a socket"));
        drop(server);
        assert!(!client.is_open().expect("a socket"));
    }

    #[test]
    fn refuses_an_answer_whose_length_is_unclear() {
        for bytes in [
            b"HTTP/1.1 200 OK\r\n\r\n".as_slice(),
            b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nz\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
            b"ICY 200 OK\r\n\r\n",
        ] {
            assert!(
                client_of(bytes).receive().is_err(),
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
