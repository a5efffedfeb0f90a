//! Sources on disk: written under a name of their own, and removed when nobody needs them.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use hyperlane::Body;
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;

use super::{
    Format, ImportId, Imports,
    store::{self, NewImport},
};
use crate::error::Error;

const PREFIX: &str = "source-";

/// No upload takes longer; what is older and belongs to no import has broken off with its process.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

impl Imports {
    /// Writes a body to a file of its own, and returns its path and its length. It goes when the path is dropped.
    pub(super) async fn receive(&self, mut body: Body) -> Result<(TempPath, u64), hyperlane::Error> {
        let full = |error| Error::io("the source can't be stored", error);
        let (file, path) = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempfile_in(&self.inner.folder)
            .map_err(full)?
            .into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let mut bytes = 0;
        while let Some(piece) = body.chunk().await {
            let piece = piece?;
            file.write_all(&piece).await.map_err(full)?;
            bytes += piece.len() as u64;
        }
        // The import's row says that the file is there: it has to be, also after a loss of power.
        file.flush().await.map_err(full)?;
        file.sync_all().await.map_err(full)?;
        #[cfg(unix)]
        if let Ok(folder) = tokio::fs::File::open(&self.inner.folder).await {
            folder.sync_all().await.map_err(full)?;
        }
        Ok((path, bytes))
    }

    /// Makes a file that was received an import. Not to be dropped in the middle: either the import is there and its file,
    /// or neither.
    pub(super) async fn keep(
        &self,
        path: TempPath,
        bytes: u64,
        importer: &str,
        label: &str,
        format: Format,
    ) -> Result<ImportId, Error> {
        let path = path
            .keep()
            .map_err(|error| Error::io("the source can't be stored", error.error))?;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let new = NewImport {
            importer,
            label,
            format,
            source: Some(name),
            owned: true,
            bytes_total: Some(bytes),
        };
        let kept = self.enqueue(&new).await;
        if kept.is_err() {
            self.discard(name).await;
        }
        kept
    }

    /// A name within the folder, or an absolute path of somebody else's.
    pub(super) fn path_of(&self, source: &str) -> PathBuf {
        self.inner.folder.join(source)
    }

    pub(super) async fn discard(&self, source: &str) {
        let path = self.path_of(source);
        if let Err(error) = tokio::fs::remove_file(&path).await {
            tracing::warn!(path = %path.display(), %error, "a source that nobody needs was not removed");
        }
    }

    /// Makes the folder, and removes what is left there of uploads that broke off with their process.
    pub(super) async fn tidy(&self) -> Result<(), Error> {
        let folder = &self.inner.folder;
        let told = |error| Error::io(format!("the folder {} can't be used", folder.display()), error);
        tokio::fs::create_dir_all(folder).await.map_err(told)?;
        let owned = store::owned(&mut self.database().acquire().await?.link()).await?;
        let mut entries = tokio::fs::read_dir(folder).await.map_err(told)?;
        while let Some(entry) = entries.next_entry().await.map_err(told)? {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if !name.starts_with(PREFIX) || owned.iter().any(|owned| *owned == name) {
                continue;
            }
            let changed = match entry.metadata().await.and_then(|meta| meta.modified()) {
                // Another process has removed it.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                changed => changed.map_err(told)?,
            };
            if SystemTime::now().duration_since(changed).unwrap_or_default() > ABANDONED {
                self.discard(&name).await;
            }
        }
        Ok(())
    }
}
