//! A part of the crowd: this program again, as a process of its own, since a process may not have as many connections
//! as are wanted. It is told what to do by lines on its standard input, and tells of it by lines.
//!
//! | it is told | what it does, and tells |
//! |---|---|
//! | `open 500` | opens connections until it has 500; `opened 500 0`: how many are open, how many failed |
//! | `hear 3 10` | awaits 10 messages of round 3 on each; `ready`, and when all are there `heard NANOSECONDS MISSING` |
//! | `send 3 10` | sends these on its first connection; `sent NANOSECONDS` |
//! | `echo 100` | sends on 100 connections, one after the other, and awaits the answers; `echoed` and their nanoseconds |
//! | `tell` | `told PINGS LOST DOUBLED` |

use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};

use super::connection::{Connection, ECHO, Event, State, broadcast};
use crate::Failure;

/// Connections that are being opened at once. The backlog of a server has room for these of all processes.
const OPENING: usize = 64;
/// Of about 28,000 that there are, of which the system takes the one half first.
const PORTS_EACH: usize = 4_096;
const EVENTS: usize = 512;
const READ_BUFFER: usize = 16 * 1024;
/// How often it looks for what it is told while nothing comes.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 5_000_000,
};
/// For messages that do not come.
const HEAR_WITHIN: Duration = Duration::from_secs(60);
const ECHO_WITHIN: Duration = Duration::from_secs(10);
const OPEN_WITHIN: Duration = Duration::from_secs(120);

/// Runs until its standard input ends. Arguments: the port, and the address to connect from.
pub(super) fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let port = arguments.next().and_then(|port| port.parse().ok());
    let source = arguments.next().and_then(|source| source.parse().ok());
    let (Some(port), Some(source)) = (port, source) else {
        return Err("a part of the crowd needs a port and an address".into());
    };
    let epoll = epoll::create(CreateFlags::CLOEXEC).map_err(|error| error.to_string())?;
    let client = Client {
        port,
        source,
        epoll,
        connections: Vec::new(),
        opening: 0,
        open: 0,
        failed: 0,
        lost: 0,
        pings: 0,
        doubled: 0,
        round: Round::default(),
        echoed: false,
    };
    client.serve(&orders())
}

/// Nanoseconds since 1970: a clock that all processes share.
fn now() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos()
}

fn orders() -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn say(line: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .map_err(|error| format!("nobody listens: {error}"))
}

struct Client {
    port: u16,
    source: Ipv4Addr,
    epoll: OwnedFd,
    connections: Vec<Connection>,
    opening: usize,
    open: usize,
    failed: usize,
    lost: usize,
    pings: u64,
    doubled: u64,
    round: Round,
    echoed: bool,
}

/// Messages to all that are awaited.
#[derive(Default)]
struct Round {
    number: u32,
    missing: usize,
    began: Option<Instant>,
    last: u128,
}

impl Client {
    fn serve(mut self, orders: &Receiver<String>) -> Result<(), Failure> {
        loop {
            match orders.try_recv() {
                Ok(order) => self.obey(&order)?,
                Err(TryRecvError::Empty) => self.turn()?,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
            if let Some(began) = self.round.began
                && (self.round.missing == 0 || began.elapsed() > HEAR_WITHIN)
            {
                self.round.began = None;
                say(&format!("heard {} {}", self.round.last, self.round.missing))?;
            }
        }
    }

    fn obey(&mut self, order: &str) -> Result<(), Failure> {
        let mut words = order.split(' ');
        let what = words.next().unwrap_or_default();
        let mut number = || {
            words
                .next()
                .and_then(|word| word.parse::<u32>().ok())
                .unwrap_or_default()
        };
        match what {
            "open" => self.open_until(number() as usize),
            "hear" => {
                let (round, messages) = (number(), number());
                for connection in &mut self.connections {
                    connection.heard = 0;
                }
                self.round = Round {
                    number: round,
                    missing: self.open * messages as usize,
                    began: Some(Instant::now()),
                    last: 0,
                };
                say("ready")
            }
            "send" => {
                let (round, messages) = (number(), number());
                let Some(first) = self.connections.iter().find(|one| one.state == State::Open) else {
                    return Err("no connection is open".into());
                };
                let began = now();
                for number in 0..messages {
                    let sent = first.send(&broadcast(round, number));
                    sent.map_err(|error| format!("can't send: {error}"))?;
                }
                say(&format!("sent {began}"))
            }
            "echo" => self.echo(number() as usize),
            "tell" => say(&format!("told {} {} {}", self.pings, self.lost, self.doubled)),
            other => Err(format!("unknown order `{other}`")),
        }
    }

    fn open_until(&mut self, wanted: usize) -> Result<(), Failure> {
        let began = Instant::now();
        while self.open + self.opening + self.failed < wanted || self.opening > 0 {
            while self.opening < OPENING && self.open + self.opening + self.failed < wanted {
                match self.connect() {
                    Ok(()) => self.opening += 1,
                    Err(error) => {
                        self.failed += 1;
                        eprintln!("can't connect from {}: {error}", self.source);
                    }
                }
            }
            self.turn()?;
            if began.elapsed() > OPEN_WITHIN {
                break;
            }
        }
        say(&format!("opened {} {}", self.open, self.failed + self.opening))
    }

    /// Every so many connections come from an address of their own: the system looks for a free port ever longer as those
    /// of an address run out, and of an earlier run some are held for a minute.
    fn next_source(&self) -> Ipv4Addr {
        let [a, b, c, d] = self.source.octets();
        let further = self.connections.len() / PORTS_EACH;
        Ipv4Addr::new(a, (std::process::id() % 200) as u8 + b, c.wrapping_add(further as u8), d)
    }

    fn connect(&mut self) -> io::Result<()> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        bind(&socket, &SocketAddrV4::new(self.next_source(), 0))?;
        match connect(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port)) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        let data = EventData::new_u64(self.connections.len() as u64);
        epoll::add(&self.epoll, &socket, data, EventFlags::OUT)?;
        self.connections.push(Connection::new(TcpStream::from(socket)));
        Ok(())
    }

    fn echo(&mut self, samples: usize) -> Result<(), Failure> {
        let mut times = Vec::with_capacity(samples);
        let step = (self.connections.len() / samples.max(1)).max(1);
        for place in (0..self.connections.len()).step_by(step).take(samples) {
            let Some(connection) = self.connections.get(place).filter(|one| one.state == State::Open) else {
                continue;
            };
            self.echoed = false;
            let began = Instant::now();
            connection.send(ECHO).map_err(|error| format!("can't send: {error}"))?;
            while !self.echoed {
                self.turn()?;
                if began.elapsed() > ECHO_WITHIN {
                    return Err(format!("no echo within {ECHO_WITHIN:?}"));
                }
            }
            times.push(began.elapsed().as_nanos().to_string());
        }
        say(&format!("echoed {}", times.join(" ")))
    }

    /// Waits for the sockets, and does what they are ready for.
    fn turn(&mut self) -> Result<(), Failure> {
        let mut events = Vec::with_capacity(EVENTS);
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&LOOK)) {
            Err(Errno::INTR) => return Ok(()),
            other => other.map_err(|error| error.to_string())?,
        };
        let mut buffer = [0; READ_BUFFER];
        for event in &events {
            let place = event.data.u64() as usize;
            let Some(connection) = self.connections.get_mut(place) else {
                continue;
            };
            if connection.state == State::Connecting {
                let asked = connection.ask().and_then(|()| {
                    let data = EventData::new_u64(place as u64);
                    Ok(epoll::modify(&self.epoll, connection.stream(), data, EventFlags::IN)?)
                });
                if asked.is_err() {
                    Self::give_up(&self.epoll, connection);
                    (self.opening, self.failed) = (self.opening - 1, self.failed + 1);
                }
                continue;
            }
            let was_open = connection.state == State::Open;
            let (round, open, pings) = (&mut self.round, &mut self.open, &mut self.pings);
            let (opening, doubled, echoed) = (&mut self.opening, &mut self.doubled, &mut self.echoed);
            let (lost, failed, epoll) = (&mut self.lost, &mut self.failed, &self.epoll);
            connection.receive(&mut buffer, |connection, event| match event {
                Event::Open => (*open, *opening) = (*open + 1, *opening - 1),
                Event::Broadcast(number, message) => {
                    let bit = 1 << (message % 64);
                    if number != round.number || connection.heard & bit != 0 {
                        *doubled += 1;
                    } else {
                        connection.heard |= bit;
                        round.missing = round.missing.saturating_sub(1);
                        round.last = now();
                    }
                }
                Event::Echo => *echoed = true,
                Event::Ping => *pings += 1,
                Event::Closed => {
                    Self::give_up(epoll, connection);
                    if was_open {
                        (*lost, *open) = (*lost + 1, open.saturating_sub(1));
                    } else {
                        (*failed, *opening) = (*failed + 1, opening.saturating_sub(1));
                    }
                }
            });
        }
        Ok(())
    }

    fn give_up(epoll: &OwnedFd, connection: &mut Connection) {
        connection.state = State::Closed;
        // It is not asked for again; that it was not there is as good.
        epoll::delete(epoll, connection.stream()).ok();
    }
}
