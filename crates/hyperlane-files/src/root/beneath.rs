//! Opening below the root by Linux itself (`openat2`, since 5.6): each step of the way is checked by the kernel, so that
//! nobody can turn a directory into a link between the check and the opening.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use super::{Found, Root, Symlinks, root_failure};
use crate::failure::Failure;

/// A rename at the same moment makes the kernel unsure of `..` in a link; it then wants to be asked again.
const TRIES: usize = 16;

/// Why nothing was opened.
pub(super) enum Unable {
    /// The kernel, or a sandbox, does not have the call.
    Kernel,
    Failed(Failure),
}

/// Opens what the path leads to.
pub(super) fn open(root: &Root, path: &Path) -> Result<Found, Unable> {
    below(root, path, |below, path| below.open(path))
}

/// The names in a directory that are text and are shown, at most `most` of them.
pub(super) fn names(
    root: &Root,
    directory: &Path,
    most: usize,
    shown: &impl Fn(&str) -> bool,
) -> Result<Vec<String>, Unable> {
    below(root, directory, |below, path| {
        let directory = below.ask(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(directory)? {
            if names.len() == most {
                break;
            }
            let name = entry?.file_name().to_str().map(str::to_owned);
            let name = name.ok().filter(|name| !matches!(name.as_str(), "." | ".."));
            names.extend(name.filter(|name| shown(name)));
        }
        Ok(names)
    })
}

fn below<T>(root: &Root, path: &Path, act: impl Fn(&Below, &Path) -> Result<T, Errno>) -> Result<T, Unable> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(&root.path, flags, Mode::empty())
        .map_err(|error| Unable::Failed(busy_or_root_failure(root, error)))?;
    let below = Below {
        directory: File::from(directory),
        resolve: resolve_flags(root.symlinks),
    };
    match act(&below, path) {
        // A link with an absolute target, which the kernel never lets pass. If it leads back into the root, it is opened
        // by the way that leads there without links; the kernel checks that one too.
        Err(Errno::XDEV) if root.symlinks == Symlinks::Inside => {
            let target = target_below(root, path).ok_or(Unable::Failed(Failure::NotFound))?;
            act(&below, &target).map_err(unable)
        }
        result => result.map_err(unable),
    }
}

/// The root, opened, and how far paths below it may lead.
struct Below {
    directory: File,
    resolve: ResolveFlags,
}

impl Below {
    fn open(&self, path: &Path) -> Result<Found, Errno> {
        // A look first: to open a device or a pipe may do something.
        let looked = self.ask(path, OFlags::PATH)?;
        let metadata = looked.metadata().map_err(|error| errno(&error))?;
        if metadata.is_dir() {
            return Ok(Found::Directory(metadata));
        }
        if !metadata.is_file() {
            return Err(Errno::NXIO);
        }
        let file = self.ask(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        let metadata = file.metadata().map_err(|error| errno(&error))?;
        if metadata.is_file() {
            Ok(Found::File(file, metadata))
        } else {
            Err(Errno::NXIO)
        }
    }

    fn ask(&self, path: &Path, flags: OFlags) -> Result<File, Errno> {
        let mut tries = TRIES;
        loop {
            match openat2(
                &self.directory,
                path,
                flags | OFlags::CLOEXEC,
                Mode::empty(),
                self.resolve,
            ) {
                Err(Errno::AGAIN | Errno::INTR) if tries > 0 => tries -= 1,
                opened => return opened.map(File::from),
            }
        }
    }
}

fn resolve_flags(symlinks: Symlinks) -> ResolveFlags {
    match symlinks {
        Symlinks::Inside => ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
        Symlinks::Refuse => ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS,
        Symlinks::Follow => ResolveFlags::NO_MAGICLINKS,
    }
}

/// Where a path leads, relative to the root, if that is below it.
fn target_below(root: &Root, path: &Path) -> Option<PathBuf> {
    let target = root.path.join(path).canonicalize().ok()?;
    let below = target.strip_prefix(root.path.canonicalize().ok()?).ok()?;
    Some(if below.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        below.to_owned()
    })
}

fn unable(errno: Errno) -> Unable {
    match errno {
        // Sandboxes refuse calls that they do not know with either.
        Errno::NOSYS | Errno::PERM => Unable::Kernel,
        errno => Unable::Failed(io::Error::from(errno).into()),
    }
}

fn busy_or_root_failure(root: &Root, errno: Errno) -> Failure {
    match io::Error::from(errno).into() {
        Failure::NotFound => root_failure(&root.path, &errno.into()),
        failure => failure,
    }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
