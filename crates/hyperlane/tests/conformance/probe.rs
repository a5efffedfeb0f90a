//! The raw client of the suite: a socket, a script of steps, and a strict reader beside it.
//!
//! It reads while it writes, as every robust client does, so that a response to a request that is
//! still being sent is seen and a server that stops reading is not waited for. It knows nothing
//! about requests: the script holds their bytes as they go over the wire.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::reply::Reply;

/// The longest time a script may take; a server that is silent for so long has hung.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// One step of a script.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Writes the bytes; ends early when the server stops taking them.
    Send(Vec<u8>),
    /// Writes every byte on its own, so that a reader sees as many short reads as possible.
    Dribble(Vec<u8>),
    /// Writes the bytes again and again at this interval, until the server ends the connection.
    Drip(&'static [u8], Duration),
    /// Waits, so that what was sent before and what follows arrive apart.
    Pause(Duration),
    /// Nothing may arrive for this long.
    Silence(Duration),
    /// Waits until this many responses, interim ones among them, have arrived.
    AwaitReplies(usize),
    /// Waits until these bytes have arrived, wherever they stand.
    AwaitBytes(&'static [u8]),
    /// Closes the sending side (a TCP half-close).
    HalfClose,
}

/// How the server left the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With a FIN: everything sent before it was readable.
    Closed,
    /// With a RST, which may destroy a response that is still under way (RFC 9112 §9.6).
    Reset,
}

/// The client's end of one connection.
#[derive(Debug)]
pub(crate) struct Probe {
    stream: TcpStream,
    /// Everything received.
    pub(crate) received: Vec<u8>,
    /// How many of the received bytes `replies` holds.
    parsed: usize,
    /// The responses, interim ones among them.
    pub(crate) replies: Vec<Reply>,
    /// Which final responses answer a `HEAD`, counted from 0.
    heads: Vec<usize>,
    /// `None` while the connection is open.
    pub(crate) end: Option<End>,
    /// The first rule that the server or the script broke.
    pub(crate) fault: Option<String>,
    /// Whether the bytes ended in the middle of a response.
    pub(crate) truncated: bool,
}

impl Probe {
    /// Connects. `heads` are the final responses that will answer a `HEAD`, counted from 0.
    pub(crate) async fn connect(addr: SocketAddr, heads: Vec<usize>) -> std::io::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::new(),
            parsed: 0,
            replies: Vec::new(),
            heads,
            end: None,
            fault: None,
            truncated: false,
        })
    }

    /// The number of final (not 1xx) responses so far.
    pub(crate) fn finals(&self) -> usize {
        self.replies.iter().filter(|reply| reply.status >= 200).count()
    }

    /// Runs one step; a wait that is in vain ends with the connection.
    pub(crate) async fn step(&mut self, step: &Step) {
        match step {
            Step::Send(bytes) => self.send(bytes).await,
            Step::Dribble(bytes) => {
                for byte in bytes {
                    self.send(&[*byte]).await;
                    tokio::task::yield_now().await;
                }
            }
            Step::Drip(bytes, every) => {
                while self.is_open() {
                    self.send(bytes).await;
                    self.read_for(*every).await;
                }
            }
            Step::Pause(time) => self.read_for(*time).await,
            Step::Silence(time) => {
                let before = self.received.len();
                self.read_for(*time).await;
                if self.end.is_some() || self.received.len() > before {
                    self.blame("the server spoke or closed before the message was complete");
                }
            }
            Step::AwaitReplies(count) => {
                let count = *count;
                self.read_until(|probe| probe.replies.len() >= count).await;
            }
            Step::AwaitBytes(bytes) => {
                let held = |probe: &Self| probe.received.windows(bytes.len()).any(|window| window == *bytes);
                self.read_until(held).await;
            }
            // A server that has gone already makes this fail, and `end` will tell.
            Step::HalfClose => drop(self.stream.shutdown().await),
        }
    }

    /// Writes while reading. The server may close before it has taken everything.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && self.is_open() {
            let (mut reader, mut writer) = self.stream.split();
            tokio::select! {
                read = reader.read_buf(&mut self.received) => self.note(&read),
                written = writer.write(rest) => match written {
                    Ok(count) => rest = &rest[count..],
                    // What the server had to say is read afterwards.
                    Err(_) => return,
                },
            }
        }
    }

    /// Reads until `done`, the end of the connection, or a fault.
    pub(crate) async fn read_until(&mut self, done: impl Fn(&Self) -> bool) {
        while self.is_open() && self.fault.is_none() && !done(self) {
            let read = self.stream.read_buf(&mut self.received).await;
            self.note(&read);
        }
    }

    /// Reads for the time given, or until the connection ends.
    async fn read_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        // The read is cancelled between two reads only: `read_buf` loses nothing when dropped.
        let _ = timeout(time, self.read_until(|_| false)).await;
        if self.is_open() && self.fault.is_some() {
            sleep(until.saturating_duration_since(Instant::now())).await;
        }
    }

    fn is_open(&self) -> bool {
        self.end.is_none()
    }

    fn note(&mut self, read: &std::io::Result<usize>) {
        match read {
            Ok(0) => self.end = Some(End::Closed),
            Ok(_) => {}
            Err(_) => self.end = Some(End::Reset),
        }
        self.parse();
    }

    fn parse(&mut self) {
        while self.fault.is_none() && self.parsed < self.received.len() {
            let to_head = self.heads.contains(&self.finals());
            let at_end = self.end == Some(End::Closed);
            match Reply::parse(&self.received[self.parsed..], to_head, at_end) {
                Ok(Some((reply, used))) => {
                    self.parsed += used;
                    self.replies.push(reply);
                }
                Ok(None) => break,
                Err(fault) => self.fault = Some(fault),
            }
        }
        self.truncated = self.end.is_some() && self.parsed < self.received.len();
    }

    fn blame(&mut self, fault: &str) {
        self.fault.get_or_insert_with(|| fault.to_owned());
    }
}
