//! What all contestants share: the partner, what is sent to them, and folders of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use contract::scenarios::{CSV_HEAD, Record};

use super::Plan;
use super::case::{Case, FILES, Work};
use super::partner::Partner;
use super::photo::{self, Photo};
use crate::Failure;

/// The properties of a play.
#[derive(Debug)]
pub(super) struct Stage {
    partner: Partner,
    root: PathBuf,
    folders: AtomicU32,
    pub(super) photos: Vec<Photo>,
    pub(super) csv: Vec<u8>,
    pub(super) records: u64,
}

/// A server's folder; what is in it goes with this value.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// What a server is told.
type Variables = [(&'static str, String); 3];

impl Stage {
    pub(super) fn set(plan: Plan) -> Result<Self, Failure> {
        let root = std::env::temp_dir().join(format!("hyperlane-bench-scenarios-{}", std::process::id()));
        fs::create_dir_all(&root).map_err(|error| format!("a temporary folder can't be made: {error}"))?;
        let mut csv = String::from(CSV_HEAD);
        for id in 1..=i64::try_from(plan.records).unwrap_or(i64::MAX) {
            csv.push_str(&Record::nth(id).line());
        }
        Ok(Self {
            partner: Partner::start()?,
            root,
            folders: AtomicU32::new(0),
            photos: photo::photos()?,
            csv: csv.into_bytes(),
            records: plan.records,
        })
    }

    /// A folder for one start, and the variables that tell the server of it.
    pub(super) fn folder(&self, case: &Case) -> Result<(Folder, Variables), Failure> {
        let number = self.folders.fetch_add(1, Ordering::Relaxed);
        let path = self.root.join(number.to_string());
        let files = path.join("files");
        let made = fs::create_dir_all(&files).and_then(|()| {
            let mut wanted = FILES.iter().filter(|_| matches!(case.work, Work::File(_)));
            wanted.try_for_each(|(name, length)| fs::write(files.join(name), content(*length)))
        });
        made.map_err(|error| format!("a temporary folder can't be made: {error}"))?;
        let service = case.service().map(|time| time.to_string()).join(",");
        let variables = [
            ("PARTNER", self.partner.port().to_string()),
            ("FOLDER", path.display().to_string()),
            ("SERVICE", service),
        ];
        Ok((Folder { path }, variables))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        remove(&self.root);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// What is left in the folder for temporary files is cleaned up by the system.
fn remove(path: &Path) {
    fs::remove_dir_all(path).ok();
}

/// Of a file: the alphabet again and again, so that a misplaced byte is noticed.
pub(super) fn content(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}
