//! Sockets that the process was started with: by systemd, or by the server that it replaces (`hand_over.rs`).
//!
//! The environment names them: `LISTEN_FDS` how many, from descriptor 3 on, `LISTEN_FDNAMES` their names, `LISTEN_PID`
//! for whom they are (a predecessor, who can't know it, leaves it out).

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Mutex, PoisonError};

use listenfd::ListenFd;
use socket2::SockRef;

use super::{Address, Gate, ListeningSocket, Provenance, tcp, unix};
use crate::Config;

/// How the descriptor is called by which a successor says that it serves; behind it stands how many servers are handed
/// over, of which each has to.
pub(crate) const READY: &str = "hyperlane.ready.";
/// What it says.
pub(crate) const READY_WORD: &[u8] = b"READY=1\n";
/// How the name of a Unix socket begins that a predecessor has opened.
const OWN_FILE: &str = "unix%3A";
/// The number of the first one.
const FIRST: usize = 3;

/// Descriptors belong to the process, and each can be taken once: there is no smaller place to keep them.
static INHERITED: Mutex<Option<Inherited>> = Mutex::new(None);

struct Inherited {
    descriptors: ListenFd,
    names: Vec<String>,
    /// Servers that have begun with sockets from here.
    serving: usize,
}

/// Takes the sockets that were inherited for `address`; empty where there are none.
pub(super) fn take(address: &Address, config: &Config) -> io::Result<Vec<(ListeningSocket, Gate)>> {
    let wanted = address.name();
    let named = matches!(address, Address::Inherited(_));
    // Whoever did not ask for inherited sockets keeps them untouched, unless a predecessor has named one for us.
    if std::env::var_os("LISTEN_FDS").is_some() && (named || names().contains(&wanted)) {
        open();
    }
    let mut inherited = INHERITED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(inherited) = &mut *inherited else {
        return Ok(Vec::new());
    };
    let mut taken = Vec::new();
    for index in inherited.find(&wanted, named) {
        if let Some((socket, mut gate)) = inherited.take(index, !named, config)? {
            // What has a name has it from a supervisor, also if there was a predecessor in between.
            gate.provenance = match named {
                true => Provenance::Supervisor,
                false => Provenance::HandedOver,
            };
            #[cfg(feature = "processes")]
            if crate::processes::worker().is_some() {
                // The supervisor's: a worker that ends before the others must leave it.
                if let Some(file) = gate.file.take() {
                    file.keep();
                }
            }
            taken.push((socket, gate));
        }
    }
    Ok(taken)
}

/// Whether the process was started with a descriptor of this name, and nobody has asked for one yet.
#[cfg(feature = "processes")]
pub(crate) fn is_passed(name: &str) -> bool {
    std::env::var_os("LISTEN_FDS").is_some() && names().iter().any(|other| other == name)
}

/// Takes one end of a pair of connected sockets that was passed under this name.
#[cfg(feature = "processes")]
pub(crate) fn take_line(name: &str) -> io::Result<Option<UnixStream>> {
    if is_passed(name) {
        open();
    }
    let mut inherited = INHERITED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(inherited) = &mut *inherited else {
        return Ok(None);
    };
    let Some(index) = inherited.names.iter().position(|other| other == name) else {
        return Ok(None);
    };
    let socket = inherited.descriptors.take_unix_listener(index)?;
    Ok(socket.map(|socket| UnixStream::from(OwnedFd::from(socket))))
}

/// Tells a predecessor, if there is one that waits, that a server accepts connections from its sockets. The last one
/// that it waits for closes those that nobody wanted, so that their clients are refused.
pub(crate) fn say_ready() {
    let mut inherited = INHERITED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(inherited) = &mut *inherited else {
        return;
    };
    let Some((index, servers)) = inherited.names.iter().enumerate().find_map(|(index, name)| {
        let servers = name.strip_prefix(READY)?.parse::<usize>().ok()?;
        Some((index, servers))
    }) else {
        return;
    };
    inherited.serving += 1;
    if inherited.serving != servers {
        return;
    }
    let Ok(Some(socket)) = inherited.descriptors.take_unix_listener(index) else {
        return;
    };
    let mut predecessor = UnixStream::from(OwnedFd::from(socket));
    // It is gone where it was killed meanwhile: no reason not to serve.
    if let Err(error) = predecessor.write_all(READY_WORD) {
        tracing::debug!(%error, "the server before this one does not wait");
    }
    for index in 0..inherited.descriptors.len() {
        let _ = inherited.descriptors.take_tcp_listener(index);
        if let Ok(Some(socket)) = inherited.descriptors.take_unix_listener(index) {
            let ours = inherited
                .names
                .get(index)
                .is_some_and(|name| name.starts_with(OWN_FILE));
            // In a worker it is the supervisor's, and the other workers'.
            #[cfg(feature = "processes")]
            let ours = ours && crate::processes::worker().is_none();
            // With the listener goes its file.
            let _ = unix::adopt(socket, ours);
        }
    }
}

/// Reads what the environment says, and takes it out of there, so that programs that are started from here do not
/// believe that the descriptors are for them.
fn open() {
    // Asked while the environment still says it: a worker whose supervisor has died meanwhile would take itself for one.
    #[cfg(feature = "processes")]
    let _ = crate::processes::worker();
    let mut inherited = INHERITED.lock().unwrap_or_else(PoisonError::into_inner);
    if inherited.is_none() {
        let names = names();
        *inherited = Some(Inherited {
            descriptors: ListenFd::from_env(),
            names,
            serving: 0,
        });
    }
}

fn names() -> Vec<String> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    names.split(':').map(str::to_owned).collect()
}

impl Inherited {
    /// The places of all descriptors of this name, or of the one with this number.
    fn find(&self, wanted: &str, or_number: bool) -> Vec<usize> {
        let count = self.descriptors.len();
        let named: Vec<_> = (0..count)
            .filter(|index| self.names.get(*index).is_some_and(|name| name == wanted))
            .collect();
        if !named.is_empty() || !or_number {
            return named;
        }
        let number = wanted.parse().ok().and_then(|number: usize| number.checked_sub(FIRST));
        number.filter(|index| *index < count).into_iter().collect()
    }

    fn take(&mut self, index: usize, ours: bool, config: &Config) -> io::Result<Option<(ListeningSocket, Gate)>> {
        if let Ok(Some(socket)) = self.descriptors.take_tcp_listener(index) {
            must_listen(SockRef::from(&socket), index)?;
            return tcp::adopt_foreign(socket, config).map(Some);
        }
        let socket: Option<UnixListener> = self.descriptors.take_unix_listener(index).map_err(|_| {
            let message = format!("descriptor {} is neither a tcp nor a unix stream socket", index + FIRST);
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })?;
        let Some(socket) = socket else {
            return Ok(None);
        };
        must_listen(SockRef::from(&socket), index)?;
        unix::adopt(socket, ours).map(Some)
    }
}

/// A connection that was inherited (`Accept=yes` of systemd) would fail at every accept.
fn must_listen(socket: SockRef<'_>, index: usize) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if !socket.is_listener().unwrap_or(true) {
        let message = format!(
            "descriptor {} is a connection and no listening socket: set `Accept=no` in its socket unit",
            index + FIRST
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let _ = (socket, index);
    Ok(())
}
