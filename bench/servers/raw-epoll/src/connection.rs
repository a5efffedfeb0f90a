//! One connection of the event loop.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use contract::raw::{HELLO, LAST_HELLO, end_of_head, wants_close};

const READ_BUFFER: usize = 4 * 1024;

/// What a connection waits for.
pub(crate) enum Progress {
    /// The next event.
    Waiting,
    /// Nothing: it is over.
    Ended,
}

pub(crate) struct Connection {
    stream: TcpStream,
    /// Bytes of a head that is not complete.
    input: Vec<u8>,
    /// Answers that the socket has not taken.
    output: Vec<u8>,
    close: bool,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            input: Vec::new(),
            output: Vec::new(),
            close: false,
        }
    }

    /// Reads and answers until the socket has nothing more to give or to take.
    pub(crate) fn progress(&mut self) -> Progress {
        match self.exchange() {
            Ok(()) => Progress::Ended,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Progress::Waiting,
            Err(_) => Progress::Ended,
        }
    }

    fn exchange(&mut self) -> io::Result<()> {
        let mut buffer = [0; READ_BUFFER];
        loop {
            self.flush()?;
            if self.close {
                return Ok(());
            }
            let n = self.stream.read(&mut buffer)?;
            if n == 0 {
                return Ok(());
            }
            self.input.extend_from_slice(&buffer[..n]);
            self.answer();
            self.flush()?;
            if n < READ_BUFFER && !self.close {
                // All was read: the next byte makes an event of its own.
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
    }

    fn answer(&mut self) {
        let mut begin = 0;
        while let Some(length) = self.input.get(begin..).and_then(end_of_head) {
            let end = begin + length;
            self.close = wants_close(&self.input[begin..end]);
            self.output
                .extend_from_slice(if self.close { LAST_HELLO } else { HELLO });
            begin = end;
        }
        self.input.drain(..begin);
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            let n = self.stream.write(&self.output)?;
            self.output.drain(..n);
        }
        Ok(())
    }
}
