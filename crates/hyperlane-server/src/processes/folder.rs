//! The folder that the processes of a run share.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How many names are tried.
const ATTEMPTS: u32 = 100;

/// A folder of this run alone, which goes with it.
#[derive(Debug)]
pub(super) struct RunFolder(PathBuf);

impl RunFolder {
    /// Makes one that was not there, for this user alone.
    pub(super) fn new(parent: Option<&Path>) -> io::Result<Self> {
        let parent = parent.map_or_else(usual_parent, Path::to_owned);
        let moment = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .subsec_nanos();
        for attempt in 0..ATTEMPTS {
            let unlike = moment.wrapping_add(attempt.wrapping_mul(0x9E37_79B9));
            let path = parent.join(format!("hyperlane-{}-{unlike:08x}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    let message = format!("can't make a folder for the run in {}: {error}", parent.display());
                    return Err(io::Error::new(error.kind(), message));
                }
            }
        }
        let message = format!("no name for the run's folder is free in {}", parent.display());
        Err(io::Error::new(io::ErrorKind::AlreadyExists, message))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Removes it, when all who used it have ended.
    pub(super) fn remove(&self) {
        remove(&self.0);
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Removes the folder of a run that is over.
pub(super) fn remove(path: &Path) {
    match std::fs::remove_dir_all(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, path = %path.display(), "can't remove the folder of the run"),
    }
}

fn usual_parent() -> PathBuf {
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    own.filter(|path| path.is_dir()).unwrap_or_else(std::env::temp_dir)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_new_and_for_its_owner_alone_and_goes_with_what_is_in_it() {
        let (one, two) = (RunFolder::new(None), RunFolder::new(None));
        let (one, two) = (one.expect("a place"), two.expect("a place"));
        assert_ne!(one.path(), two.path());
        let mode = std::fs::metadata(one.path()).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let path = one.path().to_owned();
        std::fs::write(path.join("file"), "of a worker").expect("writable");
        drop(one);
        assert!(!path.exists());
    }

    #[test]
    fn a_parent_that_is_not_there_is_named() {
        let error = RunFolder::new(Some(Path::new("/nowhere/at/all"))).expect_err("it can't be made");
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }
}
