//! Load at a fixed rate: each request is due at a time that does not depend on the answers before it.
//!
//! The latency of an answer counts from the time at which its request was due. A server that stalls for a while so
//! pays for all the requests that would have come in that time, not for one alone (coordinated omission). The share
//! of the system's timer, some 60 µs, is in the figures of all servers alike.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::http::Connection;
use crate::statistics::percentile;
use crate::verify::HELLO_REQUEST;

/// Time for all connections to be open before the first request is due.
const LEAD: Duration = Duration::from_millis(100);
/// How far a connection may be behind its times before what is left counts as errors.
const MAX_DELAY: Duration = Duration::from_secs(2);

/// What was seen. Times are in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Report {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) errors: u64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// Sends `rate` requests a second, in turn on each of the connections.
pub(crate) fn run(port: u16, connections: usize, rate: u32, time: Duration) -> Result<Report, Failure> {
    let open = (0..connections)
        .map(|_| Connection::open(port))
        .collect::<io::Result<Vec<_>>>();
    let open = open.map_err(|error| format!("a connection can't be opened: {error}"))?;
    let begin = Instant::now() + LEAD;
    let threads: Vec<_> = (0_u32..)
        .zip(open)
        .map(|(number, connection)| {
            let schedule = Schedule::new(begin, number, connections, rate, time);
            thread::spawn(move || follow(schedule, connection))
        })
        .collect();
    let mut latencies = Vec::new();
    let mut errors = 0;
    for thread in threads {
        let (seen, missed) = thread.join().map_err(|_| "a client panicked")?;
        latencies.extend(seen);
        errors += missed;
    }
    if latencies.is_empty() {
        return Err("no request was answered".into());
    }
    Ok(Report::new(latencies, begin.elapsed(), errors))
}

impl Report {
    fn new(mut latencies: Vec<f64>, elapsed: Duration, errors: u64) -> Self {
        latencies.sort_by(f64::total_cmp);
        Self {
            requests: latencies.len() as u64,
            seconds: elapsed.as_secs_f64(),
            errors,
            mean: latencies.iter().sum::<f64>() / latencies.len() as f64,
            p50: percentile(&latencies, 0.5),
            p99: percentile(&latencies, 0.99),
            p999: percentile(&latencies, 0.999),
            max: percentile(&latencies, 1.0),
        }
    }
}

/// The times at which the requests of one connection are due.
#[derive(Clone, Debug)]
struct Schedule {
    next: Instant,
    interval: Duration,
    left: u32,
}

impl Schedule {
    fn new(begin: Instant, number: u32, connections: usize, rate: u32, time: Duration) -> Self {
        let interval = Duration::from_secs_f64(connections as f64 / f64::from(rate));
        Self {
            // The connections are spread over the interval.
            next: begin + Duration::from_secs_f64(f64::from(number) / f64::from(rate)),
            interval,
            left: (time.as_secs_f64() / interval.as_secs_f64()).round() as u32,
        }
    }
}

impl Iterator for Schedule {
    type Item = Instant;

    fn next(&mut self) -> Option<Instant> {
        self.left = self.left.checked_sub(1)?;
        let due = self.next;
        self.next += self.interval;
        Some(due)
    }
}

/// The latencies in microseconds, and how many requests failed or were given up.
fn follow(mut schedule: Schedule, mut connection: Connection) -> (Vec<f64>, u64) {
    let mut latencies = Vec::with_capacity(schedule.left as usize);
    while let Some(due) = schedule.next() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let answered = due.elapsed() <= MAX_DELAY
            && connection
                .exchange(HELLO_REQUEST)
                .is_ok_and(|response| response.status == 200);
        if !answered {
            return (latencies, u64::from(schedule.left) + 1);
        }
        latencies.push(due.elapsed().as_secs_f64() * 1e6);
    }
    (latencies, 0)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn connections_take_turns_at_the_rate() {
        let begin = Instant::now();
        let schedule = |number| Schedule::new(begin, number, 2, 100, Duration::from_secs(1));
        let due: Vec<_> = schedule(0)
            .take(2)
            .chain(schedule(1).take(2))
            .map(|due| (due - begin).as_millis())
            .collect();
        assert_eq!(due, [0, 20, 10, 30]);
        assert_eq!(schedule(1).count(), 50);
    }

    #[test]
    fn a_late_answer_makes_the_requests_behind_it_late() {
        let (mut server, connection) = pair();
        thread::spawn(move || {
            let mut request = [0; 512];
            while server.read(&mut request).is_ok_and(|n| n > 0) {
                server.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok();
            }
        });
        // All of them were due a second ago, as if the server had stalled since then.
        let due = Instant::now()
            .checked_sub(Duration::from_secs(1))
            .expect("the clock is older");
        let schedule = Schedule {
            next: due,
            interval: Duration::ZERO,
            left: 3,
        };
        let (latencies, errors) = follow(schedule, connection);
        assert_eq!((latencies.len(), errors), (3, 0));
        assert!(latencies.iter().all(|latency| *latency >= 1e6), "{latencies:?}");
    }

    #[test]
    fn what_a_lost_connection_leaves_counts_as_errors() {
        let (server, connection) = pair();
        drop(server);
        let schedule = Schedule {
            next: Instant::now(),
            interval: Duration::ZERO,
            left: 7,
        };
        assert_eq!(follow(schedule, connection), (Vec::new(), 7));
    }

    fn pair() -> (std::net::TcpStream, Connection) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let connection = Connection::open(listener.local_addr().expect("bound").port()).expect("listening");
        (listener.accept().expect("the client").0, connection)
    }
}
