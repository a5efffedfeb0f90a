//! Load on many connections from few threads: each connection asks again as soon as it has its answer.
//!
//! All connections are open before anything is counted, and the counts are read while it runs. So what opening them
//! costs is in no figure, which it would be with a client that only reports sums at its end.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use crate::Failure;
use crate::http::Connection;

const THREADS: usize = 2;
const EVENTS: usize = 256;
const READ_BUFFER: usize = 16 * 1024;
/// How often a thread without events looks whether it shall end.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// Load that runs until this value ends.
#[derive(Debug)]
pub(crate) struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<(), Failure>>>,
}

#[derive(Debug)]
struct Shared {
    answers: AtomicU64,
    stop: AtomicBool,
}

/// What is sent on each connection, again and again, once the answer to it has come.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) request: Vec<u8>,
    /// Bytes of the answer: always as many.
    pub(crate) answer: usize,
}

/// One thread's connections.
struct Client {
    epoll: OwnedFd,
    connections: Vec<Asking>,
    exchange: Exchange,
    shared: Arc<Shared>,
}

struct Asking {
    stream: TcpStream,
    /// Bytes of the answer that are still to come.
    left: usize,
}

impl Load {
    /// Opens the connections one after the other and asks once on each; then all at once.
    pub(crate) fn start(port: u16, connections: usize, request: &[u8]) -> Result<Self, Failure> {
        let measured = || {
            let mut connection = Connection::open(port)?;
            let answer = connection.measure(request)?;
            io::Result::Ok((connection.into_stream(), answer))
        };
        let (_, answer) = measured().map_err(|error| failed(&error))?;
        let exchange = Exchange {
            request: request.to_vec(),
            answer,
        };
        let open = || match measured()? {
            (stream, length) if length == answer => Ok(stream),
            _ => Err(io::Error::other("answers to the same request differ in length")),
        };
        Self::over(connections, &exchange, open)
    }

    /// The same over connections that are opened by `open`, ready for the exchange.
    pub(crate) fn over(
        connections: usize,
        exchange: &Exchange,
        open: impl Fn() -> io::Result<TcpStream>,
    ) -> Result<Self, Failure> {
        let shared = Arc::new(Shared {
            answers: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let threads = THREADS.min(connections);
        let mut clients = Vec::new();
        for number in 0..threads {
            let count = connections / threads + usize::from(number < connections % threads);
            let client = Client::open(count, exchange.clone(), &open, &shared);
            clients.push(client.map_err(|error| failed(&error))?);
        }
        let threads = clients
            .into_iter()
            .map(|client| thread::spawn(move || client.run().map_err(|error| format!("a connection broke: {error}"))));
        Ok(Self {
            shared: Arc::clone(&shared),
            threads: threads.collect(),
        })
    }

    /// Answers so far.
    pub(crate) fn answers(&self) -> u64 {
        self.shared.answers.load(Ordering::Relaxed)
    }

    /// Ends it; tells whether something went wrong.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().map_err(|_| "a client panicked")??;
        }
        Ok(())
    }
}

impl Client {
    fn open(
        count: usize,
        exchange: Exchange,
        open: &impl Fn() -> io::Result<TcpStream>,
        shared: &Arc<Shared>,
    ) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(count);
        for number in 0..count {
            let stream = open()?;
            stream.set_nonblocking(true)?;
            epoll::add(&epoll, &stream, EventData::new_u64(number as u64), EventFlags::IN)?;
            connections.push(Asking { stream, left: 0 });
        }
        Ok(Self {
            epoll,
            connections,
            exchange,
            shared: Arc::clone(shared),
        })
    }

    fn run(mut self) -> io::Result<()> {
        for connection in &mut self.connections {
            connection.ask(&self.exchange)?;
        }
        let mut events = Vec::with_capacity(EVENTS);
        let mut buffer = vec![0; READ_BUFFER];
        while !self.shared.stop.load(Ordering::Relaxed) {
            events.clear();
            let spare = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&self.epoll, spare, Some(&LOOK)) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            for event in &events {
                let Some(connection) = self.connections.get_mut(event.data.u64() as usize) else {
                    continue;
                };
                if connection.receive(&mut buffer)? {
                    self.shared.answers.fetch_add(1, Ordering::Relaxed);
                    connection.ask(&self.exchange)?;
                }
            }
        }
        Ok(())
    }
}

impl Asking {
    fn ask(&mut self, exchange: &Exchange) -> io::Result<()> {
        self.left = exchange.answer;
        // The socket has taken the whole request before, and has nothing else to send.
        self.stream.write_all(&exchange.request)
    }

    /// Whether the answer is complete.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let n = match self.stream.read(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        let left = self.left.checked_sub(n);
        self.left = left.ok_or_else(|| io::Error::other("an answer is longer than the first one"))?;
        Ok(self.left == 0)
    }
}

fn failed(error: &io::Error) -> Failure {
    format!("a connection can't be used: {error}")
}

/// Lets it run for a while: answers, and the time that it really took in seconds.
pub(crate) fn observe(load: &Load, time: Duration) -> (u64, f64) {
    let (before, began) = (load.answers(), std::time::Instant::now());
    thread::sleep(time);
    (load.answers() - before, began.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    /// Answers each request, a connection after the other on a thread of its own.
    fn server() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    let mut request = [0; REQUEST.len()];
                    while stream.read_exact(&mut request).is_ok() && stream.write_all(ANSWER).is_ok() {}
                });
            }
        });
        port
    }

    #[test]
    fn each_connection_asks_again_and_again() {
        let load = Load::start(server(), 5, REQUEST).expect("a server");
        while load.answers() < 100 {
            thread::yield_now();
        }
        load.stop().expect("nothing broke");
    }

    #[test]
    fn says_that_there_is_no_server() {
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        assert!(Load::start(port.expect("a free port").port(), 1, REQUEST).is_err());
    }
}
