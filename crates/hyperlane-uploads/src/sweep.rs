//! Removing what was abandoned.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::folder::{self, Folder};
use crate::lock;
use crate::tus::state::waits_to_be_stored;

/// How old something must be that has no lock of its own and is in nobody's hands for a moment only.
const MOMENT: Duration = Duration::from_secs(3600);

/// Removes what was abandoned, and returns how many bytes of resumable uploads were among it: those were counted.
pub(crate) fn sweep(folder: &Folder, abandoned_after: Duration) -> io::Result<u64> {
    for (id, _) in folder::ids(&folder.partial)? {
        remove_if_unlocked(&folder.partial(&id))?;
    }
    let mut freed = 0;
    for (id, extension) in folder::ids(&folder.tus)? {
        match extension.as_deref() {
            // Its bytes, and that it exists: whichever was touched last tells its age.
            Some("json") => {
                let (state, data) = (folder.tus_state(&id), folder.tus_data(&id));
                let bytes = folder::length(&data)?;
                let Some(bytes) = bytes else {
                    // It was about to be finished, or its bytes were lost.
                    if !folder.file(&id).exists() {
                        remove_if_older(&state, MOMENT)?;
                    }
                    continue;
                };
                if waits_to_be_stored(&state, bytes).unwrap_or(false) {
                    continue;
                }
                if is_older(&state, abandoned_after)? && is_older(&data, abandoned_after)? && remove_if_unlocked(&data)?
                {
                    folder::remove(&state)?;
                    freed += bytes;
                }
            }
            // Bytes are made before the state, which may never have come.
            None if !folder.tus_state(&id).exists() && is_older(&folder.tus_data(&id), MOMENT)? => {
                remove_if_unlocked(&folder.tus_data(&id))?;
            }
            _ => {}
        }
    }
    for (id, extension) in folder::ids(&folder.files)? {
        let path = folder.file(&id);
        let is_orphan = extension.is_none() && !folder.record(&id).exists() && !folder.tus_state(&id).exists();
        if is_orphan {
            remove_if_unlocked(&path)?;
        }
    }
    for (id, _) in folder::ids(&folder.derived)? {
        if folder.record(&id).exists() {
            continue;
        }
        for (other, name) in folder::ids(&folder.derived)? {
            if let (true, Some(name)) = (other == id, name) {
                remove_if_older(&folder.derived.join(format!("{id}.{name}")), MOMENT)?;
            }
        }
    }
    for within in [&folder.tus, &folder.files, &folder.derived] {
        for entry in fs::read_dir(within)?.flatten() {
            if entry
                .path()
                .extension()
                .is_some_and(|extension| extension == folder::TEMPORARY)
            {
                remove_if_older(&entry.path(), MOMENT)?;
            }
        }
    }
    Ok(freed)
}

/// How many resumable uploads are begun and not finished.
pub(crate) fn unfinished(folder: &Folder) -> io::Result<usize> {
    let states = folder::ids(&folder.tus)?.filter(|(_, extension)| extension.as_deref() == Some("json"));
    Ok(states.count())
}

/// How many files are stored.
pub(crate) fn stored(folder: &Folder) -> io::Result<usize> {
    let records = folder::ids(&folder.files)?.filter(|(_, extension)| extension.as_deref() == Some("json"));
    Ok(records.count())
}

/// The bytes of all files, finished or not.
pub(crate) fn used_bytes(folder: &Folder) -> io::Result<u64> {
    let mut used = 0;
    for (id, extension) in folder::ids(&folder.files)? {
        if extension.is_none() {
            used += folder::length(&folder.file(&id))?.unwrap_or_default();
        }
    }
    for (id, extension) in folder::ids(&folder.tus)? {
        if extension.is_none() {
            used += folder::length(&folder.tus_data(&id))?.unwrap_or_default();
        }
    }
    Ok(used)
}

/// Removes a file that nobody writes: who does has its lock.
fn remove_if_unlocked(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let is_free = match lock::try_lock(&file) {
        Ok(is_free) => is_free,
        // A file system without locks.
        Err(_) => is_older(path, MOMENT)?,
    };
    if is_free {
        folder::remove(path)?;
    }
    Ok(is_free)
}

fn remove_if_older(path: &Path, age: Duration) -> io::Result<()> {
    if is_older(path, age)? {
        folder::remove(path)?;
    }
    Ok(())
}

fn is_older(path: &Path, age: Duration) -> io::Result<bool> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let since = SystemTime::now().duration_since(metadata.modified()?);
    Ok(since.is_ok_and(|since| since >= age))
}
