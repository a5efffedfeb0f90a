//! Instructions of the server for each request, counted by callgrind: a figure that other programs can't disturb.
//!
//! The same work is counted three times: alone, with further small requests, and with further realistic ones. The
//! differences are what the requests cost; starting and stopping falls out. One connection asks, one request after
//! the other. What the kernel executes is not in it.

use std::env;
use std::fs;
use std::io;
use std::process::{self, Command};

use crate::Failure;
use crate::catalog::Program;
use crate::http::Connection;
use crate::installation::Installation;
use crate::server::Server;
use crate::verify::{HELLO_REQUEST, item_request};
use crate::workload::Workload;

/// Requests of each kind before those that count.
const WARM_UP: u32 = 200;
const COUNTED: u32 = 1_000;

/// Instructions for one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Instructions {
    pub(crate) hello: f64,
    /// Of the realistic workload, for those that do it.
    pub(crate) item: Option<f64>,
}

pub(crate) fn is_installed() -> bool {
    Command::new("valgrind")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

pub(crate) fn count(installation: &Installation) -> Result<Instructions, Failure> {
    if !matches!(installation.entry.program, Program::Cargo { .. }) {
        return Err("callgrind can't run its runtime".into());
    }
    let items = installation.entry.omits(Workload::Realistic).is_none();
    let warm_up = if items { WARM_UP } else { 0 };
    let total = |hellos, items| total(installation, &[], |port| ask(port, hellos, items));
    let base = total(WARM_UP, warm_up)?;
    let hello = total(WARM_UP + COUNTED, warm_up)?;
    let item = items.then(|| total(WARM_UP, warm_up + COUNTED)).transpose()?;
    let each = |total: u64| total.saturating_sub(base) as f64 / f64::from(COUNTED);
    Ok(Instructions {
        hello: each(hello),
        item: item.map(each),
    })
}

/// All instructions of a server, its start and its end among them, that is asked in this way.
pub(crate) fn total(
    installation: &Installation,
    variables: &[(&str, String)],
    ask: impl FnOnce(u16) -> io::Result<()>,
) -> Result<u64, Failure> {
    let output = env::temp_dir().join(format!("hyperlane-bench-{}.callgrind", process::id()));
    let option = format!("--callgrind-out-file={}", output.display());
    let server = Server::start_under(installation, &["valgrind", "--tool=callgrind", &option], variables)?;
    let asked = ask(server.port());
    server.stop();
    let counted = fs::read_to_string(&output).map_err(|error| format!("callgrind wrote nothing: {error}"));
    // It is only in the way.
    fs::remove_file(&output).ok();
    asked.map_err(|error| format!("it failed under callgrind: {error}"))?;
    summary(&counted?).ok_or_else(|| "callgrind wrote no sum".into())
}

fn ask(port: u16, hellos: u32, items: u32) -> io::Result<()> {
    let mut connection = Connection::open(port)?;
    let item = item_request(contract::EXAMPLE_PATH, contract::EXAMPLE_ITEM);
    for _ in 0..hellos {
        connection.exchange(HELLO_REQUEST)?;
    }
    for _ in 0..items {
        connection.exchange(&item)?;
    }
    Ok(())
}

fn summary(output: &str) -> Option<u64> {
    let line = output.lines().find_map(|line| line.strip_prefix("summary: "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_sum_of_what_callgrind_wrote() {
        assert_eq!(
            summary("version: 1\nevents: Ir\n\nsummary: 33151462\n\ntotals: 33151462\n"),
            Some(33_151_462)
        );
        assert_eq!(summary("version: 1\n"), None);
    }
}
