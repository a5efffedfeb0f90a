//! Raw tokio: what its runtime and the kernel cost when HTTP costs nothing. The base of all ratios.
//!
//! It finds the ends of heads, skips bodies by their `Content-Length`, and answers with bytes that were made at the
//! start, chosen by the beginning of the request line. It is no HTTP server: nothing is checked.
#![forbid(unsafe_code)]

mod answers;

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};
use tokio::net::{TcpListener, TcpStream};

use answers::Answers;
use contract::raw::{HELLO, LAST_HELLO, content_length, end_of_head, wants_close};

/// For the bodies of uploads.
const READ_BUFFER: usize = 64 * 1024;
/// More than the heads of sixteen pipelined requests; it grows if it must.
const HEAD_BUFFER: usize = 4 * 1024;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", contract::port())).await?;
    contract::announce(listener.local_addr()?);
    let answers = Arc::new(Answers::new());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answers = Arc::clone(&answers);
        // A connection that fails is the client's business.
        tokio::spawn(async move { serve(stream, &answers).await.ok() });
    }
}

async fn serve(mut stream: TcpStream, answers: &Answers) -> io::Result<()> {
    let mut input = Vec::with_capacity(HEAD_BUFFER);
    let mut output = Vec::new();
    loop {
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
        let mut begin = 0;
        let mut close = false;
        while let Some(length) = input.get(begin..).and_then(end_of_head) {
            let head = &input[begin..begin + length];
            begin += length;
            close = wants_close(head);
            if head.starts_with(b"GET / ") {
                output.extend_from_slice(if close { LAST_HELLO } else { HELLO });
                continue;
            }
            // The rarer ones are written at once, in order.
            stream.write_all(&output).await?;
            output.clear();
            if head.starts_with(b"POST /items/") {
                let body = content_length(head);
                while input.len() - begin < body && stream.read_buf(&mut input).await? > 0 {}
                begin = begin.saturating_add(body).min(input.len());
                stream.write_all(&answers.receipt).await?;
            } else if head.starts_with(b"POST /upload ") {
                let body = content_length(head);
                let buffered = body.min(input.len() - begin);
                begin += buffered;
                let received = buffered + discard(&mut stream, body - buffered).await?;
                stream.write_all(&answers.count(received)).await?;
            } else if head.starts_with(b"GET /download ") {
                stream.write_all(&answers.download).await?;
            } else if head.starts_with(b"GET /stream ") {
                send_pieces(&mut stream, answers).await?;
            } else {
                stream.write_all(&answers.not_found).await?;
            }
        }
        stream.write_all(&output).await?;
        output.clear();
        if close {
            return stream.shutdown().await;
        }
        input.drain(..begin);
    }
}

/// Hands over each piece, and leaves it to tokio's buffer how many of them go out at once.
async fn send_pieces(stream: &mut TcpStream, answers: &Answers) -> io::Result<()> {
    let mut stream = BufWriter::new(stream);
    stream.write_all(&answers.stream_head).await?;
    for _ in 0..contract::CHUNKS {
        stream.write_all(&answers.chunk).await?;
    }
    stream.write_all(b"0\r\n\r\n").await?;
    stream.flush().await
}

/// Reads a body away; returns how many bytes of it came.
async fn discard(stream: &mut TcpStream, length: usize) -> io::Result<usize> {
    let mut buffer = Vec::with_capacity(READ_BUFFER.min(length));
    let mut left = length;
    while left > 0 {
        buffer.clear();
        let n = (&mut *stream).take(left as u64).read_buf(&mut buffer).await?;
        if n == 0 {
            break;
        }
        left -= n;
    }
    Ok(length - left)
}
