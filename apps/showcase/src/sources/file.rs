//! The file source: `config.txt` in the data folder, written with a default on the first run.
//!
//! Reads happen on the runtime's blocking pool, one hop for the whole read, so that a slow disk never
//! stops a worker that serves other requests.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::Cause;

/// The most bytes that are read; the file is the user's to edit and may have become anything.
const MAX_BYTES: u64 = 64 * 1024;

const DEFAULT_CONTENT: &str = "region = north\ncurrency = EUR\n";

/// A small text file.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    path: PathBuf,
}

impl ConfigFile {
    /// Takes `config.txt` in `data_dir`; one that is there already stays as it is.
    pub(super) fn open(data_dir: &Path) -> Result<Self, Cause> {
        let path = data_dir.join("config.txt");
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => file.write_all(DEFAULT_CONTENT.as_bytes())?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("cannot create {}: {error}", path.display()).into()),
        }
        Ok(Self { path })
    }

    /// The file's text, without the line break at its end.
    pub(super) async fn read(&self) -> Result<String, Cause> {
        let bytes = read_bounded(self.path.clone()).await?;
        Ok(String::from_utf8(bytes)?.trim_end().to_owned())
    }

    /// The bytes of another file in the same folder.
    pub(crate) async fn read_sibling(&self, name: &str) -> io::Result<Vec<u8>> {
        read_bounded(self.path.with_file_name(name)).await
    }
}

/// Reads the first 64 KiB of a file without blocking.
async fn read_bounded(path: PathBuf) -> io::Result<Vec<u8>> {
    let read = move || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn writes_a_default_once_and_keeps_the_users_edit() {
        let folder = tempfile::tempdir().unwrap();
        let file = ConfigFile::open(folder.path()).unwrap();
        assert_eq!(file.read().await.unwrap(), "region = north\ncurrency = EUR");

        std::fs::write(folder.path().join("config.txt"), "region = south\n").unwrap();
        let again = ConfigFile::open(folder.path()).unwrap();
        assert_eq!(again.read().await.unwrap(), "region = south");
    }

    #[tokio::test]
    async fn reads_no_more_than_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("big"), vec![b'x'; 200_000]).unwrap();
        let file = ConfigFile::open(folder.path()).unwrap();
        assert_eq!(file.read_sibling("big").await.unwrap().len(), 65_536);
    }
}
