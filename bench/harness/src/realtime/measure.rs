//! The measurement: connections in steps, and what each step costs.

use std::fs;
use std::time::{Duration, Instant};

use super::crowd::Crowd;
use super::data::Point;
use crate::Failure;
use crate::installation::Installation;
use crate::server::Server;
use crate::usage;

/// A run begins no further step behind it.
const WHOLE: Duration = Duration::from_secs(6 * 60);
/// Connections that are opened before anything counts, so that threads and pools do not.
const WARM_UP: usize = 200;
const ECHOES: usize = 1_000;
/// What is left to the machine.
const SPARE: u64 = 3 << 30;
/// For a connection at both ends, before more was measured.
const GUESS: f64 = 24.0 * 1024.0;
/// What joins and pings have begun is over then.
const SETTLE: Duration = Duration::from_secs(2);
/// The pages of TCP.
const PAGE: u64 = 4096;

/// A server with its crowd.
pub(super) struct Measurement {
    crowd: Crowd,
    server: Server,
    began: Instant,
    before: Memory,
    open: usize,
    doubled: u64,
    lost: u64,
    /// Of both ends, for each connection.
    machine_bytes: f64,
}

#[derive(Clone, Copy, Debug)]
struct Memory {
    user: u64,
    available: u64,
    tcp: u64,
}

impl Measurement {
    pub(super) fn start(installation: &Installation, processes: usize) -> Result<Self, Failure> {
        let server = Server::start_under(installation, &[], &[("PROCESSES", processes.to_string())])?;
        let mut crowd = Crowd::start(server.port(), processes)?;
        crowd.open(WARM_UP.max(processes))?;
        crowd.broadcast(1)?;
        Ok(Self {
            before: Memory::read(&server.family())?,
            began: Instant::now(),
            open: WARM_UP.max(processes),
            doubled: 0,
            lost: 0,
            machine_bytes: GUESS,
            crowd,
            server,
        })
    }

    /// Adds connections until there are so many, and measures.
    pub(super) fn point(&mut self, connections: usize) -> Result<Point, Failure> {
        self.check_room(connections)?;
        let added = connections.saturating_sub(self.open);
        let began = Instant::now();
        let (open, failed) = self.crowd.open(connections)?;
        let seconds = began.elapsed().as_secs_f64();
        std::thread::sleep(SETTLE);
        let family = self.server.family();
        let memory = Memory::read(&family)?;
        // Those of the warm-up are in neither.
        let counted = (connections - WARM_UP.min(connections)).max(1) as f64;
        let each = |now: u64, before: u64| now.saturating_sub(before) as f64 / counted;
        let machine_bytes = each(self.before.available, memory.available);
        let one = self.crowd.broadcast(1)?;
        let cpu = usage::cpu_time(&family);
        let ten = self.crowd.broadcast(10)?;
        let cpu = usage::cpu_time(&family).since(cpu);
        let echo = self.crowd.echo(ECHOES.min(connections))?;
        let told = self.crowd.tell()?;
        let point = Point {
            connections: open,
            failed,
            opened_per_second: added as f64 / seconds.max(1e-9),
            user_bytes: each(memory.user, self.before.user),
            machine_bytes,
            tcp_bytes: each(memory.tcp, self.before.tcp),
            broadcast_milliseconds: one.milliseconds,
            ten_milliseconds: ten.milliseconds,
            delivery_cpu: (cpu.user + cpu.system) * 1e6 / (10.0 * open.max(1) as f64),
            missing: one.missing + ten.missing,
            doubled: told.doubled - self.doubled,
            lost: told.lost - self.lost,
            pings: told.pings,
            echo_median: quantile(&echo, 0.5),
            echo_99: quantile(&echo, 0.99),
        };
        (self.open, self.machine_bytes) = (connections, machine_bytes.max(GUESS));
        (self.doubled, self.lost) = (told.doubled, told.lost);
        Ok(point)
    }

    /// An error where the next step would take too long, or too much memory.
    fn check_room(&self, connections: usize) -> Result<(), Failure> {
        if self.began.elapsed() > WHOLE {
            return Err(format!("{connections} connections are left out: {WHOLE:?} are over"));
        }
        let added = connections.saturating_sub(self.open) as f64;
        let available = available()?;
        let needed = (added * self.machine_bytes * 1.2) as u64;
        if available < needed + SPARE {
            return Err(format!(
                "{connections} connections are left out: they would need some {} MiB more, and {} are available",
                needed >> 20,
                available >> 20
            ));
        }
        Ok(())
    }
}

impl Memory {
    fn read(family: &[u32]) -> Result<Self, Failure> {
        Ok(Self {
            user: usage::proportional_memory(family),
            available: available()?,
            tcp: tcp(&fs::read_to_string("/proc/net/sockstat").unwrap_or_default()) * PAGE,
        })
    }
}

fn available() -> Result<u64, Failure> {
    let text = fs::read_to_string("/proc/meminfo").map_err(|error| format!("no /proc/meminfo: {error}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes
        .map(|kibibytes| kibibytes * 1024)
        .ok_or_else(|| "the kernel does not tell how much memory is available".into())
}

/// Pages of TCP buffers: `TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 166`.
fn tcp(sockstat: &str) -> u64 {
    let line = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"));
    let pages = line.and_then(|line| line.split_once("mem ")?.1.split_whitespace().next()?.parse().ok());
    pages.unwrap_or_default()
}

/// Of values in order.
fn quantile(values: &[f64], share: f64) -> f64 {
    let place = (values.len().saturating_sub(1)) as f64 * share;
    values.get(place.round() as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_tells() {
        assert_eq!(
            tcp("sockets: used 16\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 166\n"),
            166
        );
        assert_eq!(tcp("nothing"), 0);
        assert!(available().expect("linux") > 0);
    }

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=101).map(f64::from).collect();
        assert_eq!((quantile(&values, 0.5), quantile(&values, 0.99)), (51.0, 100.0));
        assert_eq!(quantile(&[], 0.5), 0.0);
    }
}
