//! Several queues for one address of TCP, for processes of which each has its own.

use std::io;

use super::tcp::{self, TcpOptions};
use super::{Address, Gate, ListeningSocket};
use crate::{Config, processes};

/// How many queues an address shall have, where that is asked for, and this process is the one that makes them.
pub(super) fn wanted(address: &Address, config: &Config) -> Option<usize> {
    let processes = config
        .processes
        .as_ref()
        .filter(|processes| processes.has_own_queues())?;
    (matches!(address, Address::Tcp { .. }) && processes::worker().is_none()).then_some(processes.count())
}

/// Listens on `host` with `count` sockets, on one port.
pub(super) async fn bind(
    host: &str,
    port: u16,
    options: TcpOptions,
    count: usize,
    config: &Config,
) -> io::Result<Vec<(ListeningSocket, Gate)>> {
    // Who shares a port does not hear that somebody else has it: another server that was forgotten would get half of
    // the connections. So it is asked for without sharing first.
    let free = match options.reuse_port {
        true => None,
        false => Some(tcp::free_address(host, port, options).await?),
    };
    let options = TcpOptions {
        reuse_port: true,
        ..options
    };
    // On the very address that was found free: a name may have others, which are somebody else's.
    let mut queues = match free {
        Some(address) => vec![tcp::listen(address, options, config).and_then(tcp::adopt)?],
        None => vec![tcp::bind(host, port, options, config).await?],
    };
    add(&mut queues, options, count, config)?;
    Ok(queues)
}

/// Adds what is missing to sockets that are there: a predecessor may have had fewer processes.
pub(super) fn add(
    queues: &mut Vec<(ListeningSocket, Gate)>,
    options: TcpOptions,
    count: usize,
    config: &Config,
) -> io::Result<()> {
    let address = queues.first().and_then(|(_, gate)| gate.local.tcp());
    let Some(address) = address else {
        return Ok(());
    };
    let options = TcpOptions {
        reuse_port: true,
        ..options
    };
    while queues.len() < count {
        let (socket, mut gate) = tcp::listen(address, options, config).and_then(tcp::adopt)?;
        gate.provenance = queues.first().map_or(gate.provenance, |(_, first)| first.provenance);
        queues.push((socket, gate));
    }
    Ok(())
}
