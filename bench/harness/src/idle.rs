//! Connections that do nothing: what each of them costs the server in memory.

use std::io;

use rustix::process::{Resource, getrlimit};

use crate::Failure;
use crate::http::Connection;
use crate::server::Server;
use crate::usage;
use crate::verify::HELLO_REQUEST;

/// Connections that are opened and closed before, so that threads and pools do not count.
const WARM_UP: usize = 200;

/// What client and server have open beside the connections, generously.
const FURTHER_FILES: usize = 200;

/// Opens the connections, makes one request on each, and returns the bytes of the server's own memory for each.
pub(crate) fn run(server: &Server, connections: usize) -> Result<f64, Failure> {
    if let Some(limit) = getrlimit(Resource::Nofile).current
        && limit < (connections + FURTHER_FILES) as u64
    {
        return Err(format!(
            "{connections} connections need a limit of open files above {}, here it is {limit}: raise it with `ulimit -n`",
            connections + FURTHER_FILES
        ));
    }
    drop(open(server.port(), WARM_UP)?);
    let family = server.family();
    let before = usage::anonymous_memory(&family);
    let held = open(server.port(), connections)?;
    let after = usage::anonymous_memory(&family);
    let open = held
        .iter()
        .filter(|connection| connection.is_open().unwrap_or(false))
        .count();
    if open < connections {
        return Err(format!("only {open} of {connections} connections were kept open"));
    }
    Ok(after.saturating_sub(before) as f64 / connections as f64)
}

fn open(port: u16, connections: usize) -> Result<Vec<Connection>, Failure> {
    (1..=connections)
        .map(|number| {
            used_connection(port).map_err(|error| format!("connection {number} of {connections} failed: {error}"))
        })
        .collect()
}

fn used_connection(port: u16) -> io::Result<Connection> {
    let mut connection = Connection::open(port)?;
    let response = connection.exchange(HELLO_REQUEST)?;
    if response.status == 200 {
        Ok(connection)
    } else {
        Err(io::Error::other(format!("status {}", response.status)))
    }
}
