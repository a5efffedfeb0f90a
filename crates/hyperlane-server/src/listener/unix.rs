//! Unix domain sockets: their files, with the rights that they have, and what a crash has left behind.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use socket2::{Domain, SockAddr, Socket, Type};

use super::{Gate, ListeningSocket, LocalAddr};
use crate::Config;

/// Listens on `path`. A file that a crashed server left there is removed, one that somebody answers on is not.
pub(super) fn bind(path: &Path, mode: Option<u32>, config: &Config) -> io::Result<(ListeningSocket, Gate)> {
    if let Some(name) = abstract_name(path) {
        let socket = listen(Path::new(&name), |_| Ok(()), config)?;
        return Ok((ListeningSocket::Unix(socket), Gate::new(LocalAddr::Unix(None))));
    }
    remove_stale(path)?;
    let mut file = None;
    // Nobody can connect before it listens, so that the rights hold from the first connection on.
    let before_listening = |path: &Path| {
        file = Some(SocketFile::of(path)?);
        mode.map_or(Ok(()), |mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))
        })
    };
    let socket = listen(path, before_listening, config)?;
    let mut gate = Gate::new(LocalAddr::Unix(Some(path.to_owned())));
    gate.file = file;
    Ok((ListeningSocket::Unix(socket), gate))
}

fn listen(
    path: &Path,
    before_listening: impl FnOnce(&Path) -> io::Result<()>,
    config: &Config,
) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    before_listening(path)?;
    socket.listen(i32::try_from(config.backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// Takes over a socket that listens. Its file is ours if a predecessor handed it on, and not if a supervisor did.
#[cfg(feature = "hand-over")]
pub(super) fn adopt(socket: UnixListener, ours: bool) -> io::Result<(ListeningSocket, Gate)> {
    socket.set_nonblocking(true)?;
    let path = socket.local_addr()?.as_pathname().map(PathBuf::from);
    let file = match &path {
        Some(path) if ours => SocketFile::of(path).ok(),
        _ => None,
    };
    let mut gate = Gate::new(LocalAddr::Unix(path));
    gate.file = file;
    Ok((ListeningSocket::Unix(socket), gate))
}

/// `@name` is written with a zero byte for the kernel.
fn abstract_name(path: &Path) -> Option<String> {
    let name = path.to_str()?.strip_prefix('@')?;
    Some(format!("\0{name}"))
}

/// Removes a socket on which nobody answers.
fn remove_stale(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !found.file_type().is_socket() {
        let message = "the path is taken by something that is no socket: remove it, or choose another path";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    match UnixStream::connect(path) {
        Ok(_) => {
            let message = "another server answers there: stop it, or choose another path";
            return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // It may be alive: a full backlog, or one that we may not talk to.
        Err(error) => return Err(error),
    }
    // Between the question and now another server may have put its own there. What is renamed can be looked at in
    // peace, and put back.
    let aside = aside(path);
    match fs::rename(path, &aside) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    let renamed = fs::symlink_metadata(&aside)?;
    if (renamed.dev(), renamed.ino()) == (found.dev(), found.ino()) {
        tracing::info!(path = %path.display(), "removed the socket of a server that is gone");
        return fs::remove_file(&aside);
    }
    fs::rename(&aside, path)?;
    Err(io::Error::new(
        io::ErrorKind::AddrInUse,
        "another server has just begun to listen there",
    ))
}

/// A name beside `path`, of this process alone.
fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.stale", std::process::id()));
    PathBuf::from(name)
}

/// The file of a socket of ours; removed when the server stops listening, unless somebody has put another one there.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
    /// Removed, or another process's now.
    done: AtomicBool,
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            identity: (found.dev(), found.ino()),
            done: AtomicBool::new(false),
        })
    }

    /// Removes it: from now on new clients are told at once that there is no server.
    pub(crate) fn remove(&self) {
        if self.done.swap(true, Ordering::AcqRel) {
            return;
        }
        let same = fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if same && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "can't remove the socket");
        }
    }

    /// Leaves it to a successor.
    pub(crate) fn keep(&self) {
        self.done.store(true, Ordering::Release);
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}
