//! The folder on disk: which file is where, and how one comes to its place at once or not at all.
//!
//! ```text
//! partial/<id>          a plain upload that is being received; locked by who writes it
//! tus/<id>.json         a resumable upload that is not finished
//! tus/<id>              its bytes so far: the length of this file is the offset
//! files/<id>            the bytes of a stored file
//! files/<id>.json       what is known of it; with this a file is stored, without it is none
//! derived/<id>.<name>   what was made of a stored file
//! ```
//!
//! All that is here blocks, and is called on threads that may.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::id::UploadId;
use crate::lock;

/// The folders of a store.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) partial: PathBuf,
    pub(crate) tus: PathBuf,
    pub(crate) files: PathBuf,
    pub(crate) derived: PathBuf,
    durable: bool,
}

/// What stands behind the name of a file that is not yet at its place.
pub(crate) const TEMPORARY: &str = "tmp";

impl Folder {
    pub(crate) fn open(root: &Path, durable: bool) -> io::Result<Self> {
        let folder = Self {
            partial: root.join("partial"),
            tus: root.join("tus"),
            files: root.join("files"),
            derived: root.join("derived"),
            durable,
        };
        for path in [&folder.partial, &folder.tus, &folder.files, &folder.derived] {
            fs::create_dir_all(path).map_err(|error| {
                let message = format!("folder of uploads {} can't be made: {error}", path.display());
                io::Error::new(error.kind(), message)
            })?;
        }
        Ok(folder)
    }

    pub(crate) fn partial(&self, id: &UploadId) -> PathBuf {
        self.partial.join(id.to_string())
    }

    pub(crate) fn tus_data(&self, id: &UploadId) -> PathBuf {
        self.tus.join(id.to_string())
    }

    pub(crate) fn tus_state(&self, id: &UploadId) -> PathBuf {
        self.tus.join(format!("{id}.json"))
    }

    pub(crate) fn file(&self, id: &UploadId) -> PathBuf {
        self.files.join(id.to_string())
    }

    pub(crate) fn record(&self, id: &UploadId) -> PathBuf {
        self.files.join(format!("{id}.json"))
    }

    /// A new file for a plain upload, locked against who removes what is left over.
    pub(crate) fn create_partial(&self, id: &UploadId) -> io::Result<File> {
        loop {
            let file = OpenOptions::new().write(true).create_new(true).open(self.partial(id))?;
            // A file system without locks is swept by age alone.
            while let Ok(false) = lock::try_lock(&file) {
                // Whoever looks for left-overs has it for a moment.
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            // Between these two steps it may have been taken for a left-over.
            if !lock::is_removed(&file)? {
                return Ok(file);
            }
        }
    }

    /// Brings the bytes of a file to their place, which `record` then makes a stored one. The lock of `file`, if it has
    /// one, is held meanwhile by who calls.
    pub(crate) fn store<R: Serialize>(&self, id: &UploadId, file: &File, from: &Path, record: &R) -> io::Result<()> {
        if self.durable {
            file.sync_all()?;
        }
        fs::rename(from, self.file(id))?;
        self.write_json(&self.record(id), record)
    }

    /// Writes a file whole, or leaves the one before.
    pub(crate) fn write_json<T: Serialize>(&self, path: &Path, value: &T) -> io::Result<()> {
        let text = serde_json::to_vec(value)?;
        self.write_whole(path, |file| file.write_all(&text))
    }

    /// Writes a file whole, or leaves the one before.
    pub(crate) fn write_whole(&self, path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let temporary = temporary(path);
        let mut file = File::create(&temporary)?;
        let written = write(&mut file)
            .and_then(|()| if self.durable { file.sync_all() } else { Ok(()) })
            .and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written?;
        self.sync_folder_of(path)
    }

    /// A rename is on disk only once its folder is.
    fn sync_folder_of(&self, path: &Path) -> io::Result<()> {
        if !self.durable || !cfg!(unix) {
            return Ok(());
        }
        let Some(folder) = path.parent() else { return Ok(()) };
        File::open(folder)?.sync_all()
    }
}

/// A name beside a file that nobody else uses at this moment.
fn temporary(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{number}.{TEMPORARY}", std::process::id()));
    path.with_file_name(name)
}

/// A JSON file, or `None` if there is no such file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
            let message = format!("{} is broken: {error}", path.display());
            io::Error::new(io::ErrorKind::InvalidData, message)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file; one that is not there is as good as removed.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The length of a file, or `None` if there is no such file.
pub(crate) fn length(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names of the files in a folder that are ids, with an optional extension.
pub(crate) fn ids(folder: &Path) -> io::Result<impl Iterator<Item = (UploadId, Option<String>)>> {
    Ok(fs::read_dir(folder)?.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        match name.split_once('.') {
            None => Some((name.parse().ok()?, None)),
            Some((id, extension)) => Some((id.parse().ok()?, Some(extension.to_owned()))),
        }
    }))
}
