//! As much of HTTP/1.1 as the benchmark asks for: heads, bodies with a length, persistent connections.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde::Serialize;

/// Nothing may hold a thread for longer than this without a byte.
const TIMEOUT: Duration = Duration::from_secs(30);
const HEAD_LIMIT: usize = 16 * 1024;
const HEADERS: usize = 32;
const BUFFER: usize = 64 * 1024;

/// A client, and how much of its request's body is still to be read.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    left: u64,
}

/// A request's head.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) keeps_open: bool,
    /// Of a WebSocket.
    pub(crate) key: Option<String>,
}

/// JSON and a status.
#[derive(Debug)]
pub(crate) struct Answer {
    status: &'static str,
    body: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self {
            stream: BufReader::with_capacity(BUFFER, stream),
            left: 0,
        })
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    /// The next request; `None` when the client has closed.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Request>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let available = self.stream.by_ref().take((HEAD_LIMIT - head.len()) as u64);
            let mut available = available;
            if available.read_until(b'\n', &mut head)? == 0 {
                return if head.is_empty() {
                    Ok(None)
                } else {
                    Err(invalid("the head has no end"))
                };
            }
        }
        let (request, length) = parse(&head)?;
        self.left = length;
        Ok(Some(request))
    }

    /// The whole body.
    pub(crate) fn body(&mut self) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.left).map_err(io::Error::other)?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        self.left = 0;
        Ok(body)
    }

    /// Whether all of the request was read.
    pub(crate) fn is_read(&self) -> bool {
        self.left == 0
    }

    pub(crate) fn send(&mut self, answer: &Answer) -> io::Result<()> {
        let Answer { status, body } = answer;
        let mut bytes = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        self.stream.get_mut().write_all(&bytes)
    }
}

/// The body, piece by piece.
impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.by_ref().take(self.left).read(buffer)?;
        if n == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= n as u64;
        Ok(n)
    }
}

impl Answer {
    pub(crate) fn json(value: &impl Serialize) -> io::Result<Self> {
        Ok(Self {
            status: "200 OK",
            body: serde_json::to_vec(value)?,
        })
    }

    pub(crate) fn not_found() -> Self {
        Self {
            status: "404 Not Found",
            body: Vec::new(),
        }
    }

    pub(crate) fn failure(error: &io::Error) -> Self {
        Self {
            status: "500 Internal Server Error",
            body: error.to_string().into_bytes(),
        }
    }
}

fn parse(head: &[u8]) -> io::Result<(Request, u64)> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(head).map_err(|error| invalid(&error.to_string()))?;
    let (Some(method), Some(path)) = (parsed.method, parsed.path) else {
        return Err(invalid("the head has no first line"));
    };
    let value = |name: &str| {
        let header = parsed
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))?;
        str::from_utf8(header.value).ok()
    };
    let length = match value("content-length") {
        Some(length) => length.parse().map_err(|_| invalid("the length is no number"))?,
        None => 0,
    };
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        keeps_open: !value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")),
        key: value("sec-websocket-key").map(str::to_owned),
    };
    Ok((request, length))
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
