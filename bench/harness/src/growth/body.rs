//! Bodies of any length, sent and received one after the other on one connection.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use contract::growth::{PIECE, pieces};

use super::axis::Case;

/// The end of a chunked body (RFC 9112 §7.1). The pieces consist of one letter, so it can't be within them.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";
const TIMEOUT: Duration = Duration::from_secs(30);
const HEAD_LIMIT: usize = 16 * 1024;

/// Transfers until the time is over, at least one; tells how many.
pub(super) fn transfer(port: u16, case: Case, bytes: usize, time: Duration) -> io::Result<u64> {
    let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut buffer = vec![0; PIECE.len()];
    let began = Instant::now();
    let mut transfers = 0;
    while transfers == 0 || began.elapsed() < time {
        match case {
            Case::Download => download(&mut stream, bytes, &mut buffer)?,
            _ => upload(&mut stream, bytes)?,
        }
        transfers += 1;
    }
    Ok(transfers)
}

fn upload(stream: &mut TcpStream, bytes: usize) -> io::Result<()> {
    let mut first = format!("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {bytes}\r\n\r\n").into_bytes();
    let mut pieces = pieces(bytes);
    // A small body goes with its head, as clients have it.
    first.extend_from_slice(piece(pieces.next().unwrap_or(0)));
    stream.write_all(&first)?;
    for length in pieces {
        stream.write_all(piece(length))?;
    }
    let mut connection = Answer {
        stream,
        bytes: Vec::new(),
    };
    let answer = connection.read_until(|answer| {
        let end = find(answer, b"\r\n\r\n")? + 4;
        answer.get(end..).filter(|body| body.len() >= bytes.to_string().len())
    })?;
    if answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(bytes.to_string().as_bytes()) {
        Ok(())
    } else {
        Err(io::Error::other("the upload was not counted rightly"))
    }
}

fn download(stream: &mut TcpStream, bytes: usize, buffer: &mut [u8]) -> io::Result<()> {
    stream.write_all(format!("GET /body/{bytes} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
    let mut answer = Answer {
        stream,
        bytes: Vec::new(),
    };
    let head = answer.read_until(|answer| find(answer, b"\r\n\r\n").and_then(|end| answer.get(end..)))?;
    let body_begins = find(&head, b"\r\n\r\n").unwrap_or(0);
    if !head.starts_with(b"HTTP/1.1 200 ") {
        return Err(io::Error::other("the download was refused"));
    }
    if bytes == 0
        && head
            .to_ascii_lowercase()
            .windows(19)
            .any(|part| part == b"\r\ncontent-length: 0")
    {
        // Nothing to stream can be known before.
        return Ok(());
    }
    // The last bytes, in which the end is looked for; the line's end before the first chunk belongs to the head.
    let mut received = head.len() - body_begins;
    let mut tail = head.get(body_begins + 2..).unwrap_or_default().to_vec();
    while !tail.ends_with(LAST_CHUNK) {
        let n = answer.stream.read(buffer)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        received += n;
        tail.extend_from_slice(buffer.get(n.saturating_sub(LAST_CHUNK.len())..n).unwrap_or_default());
        tail.drain(..tail.len().saturating_sub(LAST_CHUNK.len()));
    }
    if received < bytes {
        return Err(io::Error::other("the download is too short"));
    }
    Ok(())
}

struct Answer<'a> {
    stream: &'a mut TcpStream,
    bytes: Vec<u8>,
}

impl Answer<'_> {
    /// What was received as soon as it is enough.
    fn read_until(&mut self, is_enough: impl Fn(&[u8]) -> Option<&[u8]>) -> io::Result<Vec<u8>> {
        let mut buffer = [0; 1024];
        while is_enough(&self.bytes).is_none() {
            if self.bytes.len() > HEAD_LIMIT {
                return Err(io::Error::other("the head of the answer has no end"));
            }
            let n = self.stream.read(&mut buffer)?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.bytes.extend_from_slice(buffer.get(..n).unwrap_or_default());
        }
        Ok(std::mem::take(&mut self.bytes))
    }
}

fn piece(length: usize) -> &'static [u8] {
    PIECE.get(..length).unwrap_or(PIECE)
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A server that sends these pieces, each for itself, once it was asked.
    fn server(pieces: Vec<&'static [u8]>) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the client");
            stream.read_exact(&mut [0; 16]).expect("a request");
            for piece in pieces {
                stream.write_all(piece).expect("a reader");
            }
            // Until the client leaves.
            io::copy(&mut stream, &mut io::sink()).ok();
        });
        port
    }

    #[test]
    fn finds_the_end_of_a_download_wherever_the_pieces_end() {
        const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        for pieces in [
            vec![HEAD, b"4\r\ndddd\r\n0\r\n\r\n"],
            vec![HEAD, b"4\r\ndd", b"dd\r\n0\r", b"\n\r\n"],
        ] {
            assert_eq!(
                transfer(server(pieces), Case::Download, 4, Duration::ZERO).expect("whole"),
                1
            );
        }
        let empty = vec![HEAD, b"0\r\n\r\n".as_slice()];
        assert_eq!(
            transfer(server(empty), Case::Download, 0, Duration::ZERO).expect("whole"),
            1
        );
        assert!(transfer(server(vec![HEAD, b"0\r\n\r\n"]), Case::Download, 400, Duration::ZERO).is_err());
    }

    #[test]
    fn an_upload_must_be_counted_rightly() {
        let answer = vec![b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n".as_slice(), b"100"];
        assert_eq!(
            transfer(server(answer), Case::Upload, 100, Duration::ZERO).expect("counted"),
            1
        );
        let wrong = vec![b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n099".as_slice()];
        assert!(transfer(server(wrong), Case::Upload, 100, Duration::ZERO).is_err());
    }
}
