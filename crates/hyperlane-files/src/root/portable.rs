//! Opening below the root where the kernel has no call for it.
//!
//! The path is resolved, compared with the root, opened, and resolved and compared once more; on Unix the second look also
//! makes sure that it was this very file that was opened. Who may write below the root and changes it between two of these
//! steps, and back again, could still win a race; whoever cannot write there can do nothing.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::{Found, Root, Symlinks, root_failure};
use crate::failure::Failure;

/// Opens what the path leads to.
pub(super) fn open(root: &Root, path: &Path) -> Result<Found, Failure> {
    let resolved = resolve(root, path)?;
    let metadata = std::fs::metadata(&resolved)?;
    if metadata.is_dir() {
        return Ok(Found::Directory(metadata));
    }
    let (file, metadata) = open_regular(&resolved)?;
    let again = resolve(root, path)?;
    if again != resolved || !is_same(&metadata, &std::fs::metadata(&again)?) {
        return Err(Failure::NotFound);
    }
    Ok(Found::File(file, metadata))
}

/// The names in a directory that are text and are shown, at most `most` of them.
pub(super) fn names(
    root: &Root,
    directory: &Path,
    most: usize,
    shown: &impl Fn(&str) -> bool,
) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(resolve(root, directory)?)? {
        if names.len() == most {
            break;
        }
        names.extend(entry?.file_name().into_string().ok().filter(|name| shown(name)));
    }
    Ok(names)
}

/// Where the path leads without any links, if it may lead there.
fn resolve(root: &Root, path: &Path) -> Result<PathBuf, Failure> {
    let top = root
        .path
        .canonicalize()
        .map_err(|error| root_failure(&root.path, &error))?;
    let named = top.join(path);
    let resolved = named.canonicalize()?;
    if root.symlinks == Symlinks::Follow {
        return Ok(resolved);
    }
    let Ok(below) = resolved.strip_prefix(&top) else {
        return Err(Failure::NotFound);
    };
    // `.` is the root itself, and has no name.
    let named = named.strip_prefix(&top).unwrap_or(Path::new(""));
    let is_named = named == below || named == Path::new(".");
    let differs_in_case = !is_named && lower_case(named) == lower_case(below);
    if differs_in_case || (root.symlinks == Symlinks::Refuse && !is_named) {
        return Err(Failure::NotFound);
    }
    Ok(resolved)
}

/// Opens a regular file and nothing else, without waiting for the other end of a pipe.
pub(super) fn open_regular(path: &Path) -> Result<(File, Metadata), Failure> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(Failure::NotFound);
    }
    let file = open_without_waiting(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        Ok((file, metadata))
    } else {
        Err(Failure::NotFound)
    }
}

#[cfg(unix)]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    // Flags of the system are an `int` to it, whatever type they have here.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// On systems that do not tell case apart, `/Secret` must not be another way to `/secret` past a rule for that. Where case
/// matters the two are two files, of which only a link could lead from one to the other.
fn lower_case(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}
