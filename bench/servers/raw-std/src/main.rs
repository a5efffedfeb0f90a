//! Raw threads: one blocking thread of the standard library for each connection, fixed bytes as the answer.
//!
//! It finds the ends of heads and nothing else, so it serves only requests without bodies; it is no HTTP server.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use contract::raw::{HELLO, LAST_HELLO, end_of_head, wants_close};

/// Enough for the buffers below; with the default of 2 MiB many connections would exhaust the address space of small
/// machines.
const STACK: usize = 64 * 1024;
const READ_BUFFER: usize = 4 * 1024;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", contract::port()))?;
    contract::announce(listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        stream.set_nodelay(true)?;
        // A connection that fails is the client's business.
        thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || serve(stream).ok())?;
    }
    Ok(())
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; READ_BUFFER];
    let mut input = Vec::new();
    let mut output = Vec::new();
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        input.extend_from_slice(&buffer[..n]);
        let mut begin = 0;
        let mut close = false;
        while let Some(length) = input.get(begin..).and_then(end_of_head) {
            let end = begin + length;
            close = wants_close(&input[begin..end]);
            output.extend_from_slice(if close { LAST_HELLO } else { HELLO });
            begin = end;
        }
        input.drain(..begin);
        stream.write_all(&output)?;
        output.clear();
        if close {
            return Ok(());
        }
    }
}
