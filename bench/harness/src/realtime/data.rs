//! The results as data: what `realtime.json` holds.

use serde::{Deserialize, Serialize};

/// The version of this form. A field is only ever added to a version.
pub(super) const SCHEMA: u32 = 1;

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Realtime {
    pub(super) schema: u32,
    pub(super) machine: String,
    /// When it was over, in UTC.
    pub(super) measured: String,
    /// Few connections, which are no measurement.
    pub(super) quick: bool,
    pub(super) server_processes: usize,
    pub(super) client_processes: usize,
    pub(super) points: Vec<Point>,
    /// Why it ended before all that was wanted.
    pub(super) ended_early: Option<String>,
}

/// So many connections at once.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Point {
    pub(super) connections: u64,
    /// Those that could not be opened.
    pub(super) failed: u64,
    /// Opened a second, of those that were added for this point.
    pub(super) opened_per_second: f64,
    /// Of the servers: what is theirs, and their share of what is shared (PSS), in bytes for each connection.
    pub(super) user_bytes: f64,
    /// What became unavailable on the whole machine, in bytes for each connection: both ends of each socket, the
    /// clients' own included.
    pub(super) machine_bytes: f64,
    /// The pages of TCP buffers at both ends, in bytes for each connection.
    pub(super) tcp_bytes: f64,
    /// From before it was sent until the last connection had it.
    pub(super) broadcast_milliseconds: f64,
    /// The same for ten messages, sent in a row.
    pub(super) ten_milliseconds: f64,
    /// CPU time of the servers for one message to one connection, in microseconds; of the ten.
    pub(super) delivery_cpu: f64,
    /// Of all messages to all connections.
    pub(super) missing: u64,
    pub(super) doubled: u64,
    /// Connections that were closed though nobody wanted it.
    pub(super) lost: u64,
    /// Pings of the server that were answered so far.
    pub(super) pings: u64,
    /// Microseconds from a message to its echo.
    pub(super) echo_median: f64,
    pub(super) echo_99: f64,
}

/// What a million would cost, if it goes on as it went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Million {
    pub(super) user_gibibytes: f64,
    pub(super) machine_gibibytes: f64,
    pub(super) broadcast_seconds: f64,
    pub(super) minutes_to_open: f64,
}

impl Realtime {
    pub(super) fn million(&self) -> Option<Million> {
        const MILLION: f64 = 1e6;
        const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
        let last = self.points.last().filter(|last| last.connections > 0)?;
        let factor = MILLION / last.connections as f64;
        Some(Million {
            user_gibibytes: last.user_bytes * MILLION / GIB,
            machine_gibibytes: last.machine_bytes * MILLION / GIB,
            broadcast_seconds: last.broadcast_milliseconds * factor / 1e3,
            minutes_to_open: MILLION / last.opened_per_second.max(1.0) / 60.0,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::realtime) fn realtime() -> Realtime {
        let point = |connections| Point {
            connections,
            opened_per_second: 10_000.0,
            user_bytes: 2048.0,
            machine_bytes: 8192.0,
            broadcast_milliseconds: connections as f64 / 100.0,
            ten_milliseconds: connections as f64 / 20.0,
            echo_median: 80.0,
            echo_99: 300.0,
            ..Point::default()
        };
        Realtime {
            schema: SCHEMA,
            machine: "a machine".into(),
            measured: "2026-01-31 23:59".into(),
            quick: true,
            server_processes: 2,
            client_processes: 2,
            points: vec![point(1_000), point(10_000)],
            ended_early: None,
        }
    }

    #[test]
    fn a_million_goes_on_from_the_last_point() {
        let million = realtime().million().expect("there are points");
        assert!((million.user_gibibytes - 1.907).abs() < 0.001);
        assert!((million.broadcast_seconds - 10.0).abs() < 1e-9);
        assert!((million.minutes_to_open - 1.667).abs() < 0.001);
    }
}
