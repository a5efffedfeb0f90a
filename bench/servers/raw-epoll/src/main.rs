//! Raw epoll: one thread for each core, each with its own listener (`SO_REUSEPORT`) and its own event loop, fixed
//! bytes as the answer. What the kernel costs when the runtime costs nothing as well.
//!
//! It finds the ends of heads and nothing else, so it serves only requests without bodies; it is no HTTP server.
#![forbid(unsafe_code)]

mod connection;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::thread;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use socket2::{Domain, Socket, Type};

use connection::{Connection, Progress};

const BACKLOG: i32 = 4096;
const EVENTS: usize = 256;
/// The token of the listener; those of connections are their places, which stay far below.
const LISTENER: u64 = u64::MAX;

fn main() -> io::Result<()> {
    let listeners: Vec<_> = (0..contract::cores())
        .map(|_| listen(contract::port()))
        .collect::<Result<_, _>>()?;
    if let Some(first) = listeners.first() {
        contract::announce(first.local_addr()?);
    }
    let threads: Vec<_> = listeners
        .into_iter()
        .map(|listener| thread::spawn(move || EventLoop::new(listener)?.run()))
        .collect();
    for thread in threads {
        thread
            .join()
            .map_err(|_| io::Error::other("an event loop panicked"))??;
    }
    Ok(())
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What one thread owns; nothing is shared.
struct EventLoop {
    epoll: OwnedFd,
    listener: TcpListener,
    connections: Vec<Option<Connection>>,
    /// Places in `connections` that are free.
    free: Vec<usize>,
}

impl EventLoop {
    fn new(listener: TcpListener) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        Ok(Self {
            epoll,
            listener,
            connections: Vec::new(),
            free: Vec::new(),
        })
    }

    fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            for event in &events {
                match event.data.u64() {
                    LISTENER => self.accept()?,
                    place => self.progress(place as usize),
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let place = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let flags = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(&self.epoll, &stream, EventData::new_u64(place as u64), flags)?;
            self.connections[place] = Some(Connection::new(stream));
        }
    }

    fn progress(&mut self, place: usize) {
        let Some(connection) = self.connections.get_mut(place).and_then(Option::as_mut) else {
            return;
        };
        if matches!(connection.progress(), Progress::Ended) {
            // Dropping the socket takes it out of the epoll set.
            self.connections[place] = None;
            self.free.push(place);
        }
    }
}
