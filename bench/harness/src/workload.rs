//! The workloads: what the servers are asked to do, and by whom.

use std::fmt;

use crate::number::grouped;

/// Connections of the article's table.
pub(crate) const ARTICLE_CONNECTIONS: usize = 360;

/// One way to use a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// The article's: small answers on connections that stay open.
    KeepAlive,
    Close,
    Pipelining,
    Realistic,
    Download,
    Upload,
    Stream,
    Idle,
    FixedRate,
}

/// Who makes the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// wrk with the mode of `lua/load.lua` that has the workload's name: as much as goes.
    Wrk { connections: usize },
    /// Connections that are opened, used once and left alone.
    Idle { connections: usize },
    /// Requests at their times, however fast the answers come.
    FixedRate { connections: usize },
}

impl Workload {
    pub(crate) const ALL: [Self; 9] = [
        Self::KeepAlive,
        Self::Close,
        Self::Pipelining,
        Self::Realistic,
        Self::Download,
        Self::Upload,
        Self::Stream,
        Self::Idle,
        Self::FixedRate,
    ];

    /// Its name on the command line, in the JSON, and as wrk's mode.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KeepAlive => "keep-alive",
            Self::Close => "close",
            Self::Pipelining => "pipelining",
            Self::Realistic => "realistic",
            Self::Download => "download",
            Self::Upload => "upload",
            Self::Stream => "stream",
            Self::Idle => "idle",
            Self::FixedRate => "fixed-rate",
        }
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.name() == name)
    }

    /// Whether the figure that it is about is a cost: memory, or latency.
    pub(crate) fn prefers_less(self) -> bool {
        matches!(self, Self::Idle | Self::FixedRate)
    }

    /// What it is, in words, with its figures.
    pub(crate) fn description(self, rate: u32) -> String {
        let connections = match self.load() {
            Load::Wrk { connections } | Load::Idle { connections } | Load::FixedRate { connections } => connections,
        };
        match self {
            Self::KeepAlive => format!("keep-alive, {connections} connections"),
            Self::Close => format!("a connection for each request, {connections} at once"),
            Self::Pipelining => format!("16 requests pipelined, {connections} connections"),
            Self::Realistic => {
                format!("a browser's 14 headers, a path parameter, JSON in, JSON out, {connections} connections")
            }
            Self::Download => format!("download of 1 MiB, {connections} connections"),
            Self::Upload => format!("upload of 1 MiB, {connections} connections"),
            Self::Stream => format!("a streamed response of 1,000 chunks, {connections} connections"),
            Self::Idle => format!("{} idle connections", grouped(connections as f64, 0)),
            Self::FixedRate => format!(
                "{} requests a second on {connections} connections, latency from the time at which each was due",
                grouped(f64::from(rate), 0)
            ),
        }
    }

    pub(crate) fn load(self) -> Load {
        match self {
            Self::KeepAlive | Self::Close | Self::Realistic => Load::Wrk {
                connections: ARTICLE_CONNECTIONS,
            },
            Self::Pipelining | Self::Stream => Load::Wrk { connections: 64 },
            Self::Download | Self::Upload => Load::Wrk { connections: 16 },
            Self::Idle => Load::Idle { connections: 10_000 },
            Self::FixedRate => Load::FixedRate { connections: 64 },
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_used_once() {
        let names: std::collections::HashSet<_> = Workload::ALL.into_iter().map(Workload::name).collect();
        assert_eq!(names.len(), Workload::ALL.len());
    }

    #[test]
    fn wrk_has_a_mode_for_each_load_it_makes() {
        let script = include_str!("../lua/load.lua");
        for workload in Workload::ALL {
            if let Load::Wrk { .. } = workload.load() {
                assert!(script.contains(&format!("modes[\"{workload}\"]")), "{workload}");
            }
        }
    }
}
