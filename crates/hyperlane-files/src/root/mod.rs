//! The root directory, and how what lies below it is opened: never anything outside, never anything that blocks.

#[cfg(target_os = "linux")]
mod beneath;
mod portable;

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::path::SafePath;

/// What becomes of symbolic links below the root. The root itself may be one, or lie behind one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Symlinks {
    /// Links that lead to something below the root are followed, others are not found. The default.
    #[default]
    Inside,
    /// None is followed.
    Refuse,
    /// All are followed, wherever they lead: who may write below the root may then publish every file that the server
    /// can read.
    Follow,
}

/// A directory below which files are opened.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub(crate) path: PathBuf,
    pub(crate) symlinks: Symlinks,
}

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Found {
    File(File, Metadata),
    Directory(Metadata),
}

/// An entry of a directory, for listings.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) is_directory: bool,
    pub(crate) length: u64,
    pub(crate) modified: Option<std::time::SystemTime>,
}

impl Root {
    /// Opens what the path leads to. It blocks as long as the disk does.
    ///
    /// The root is opened anew each time: where it is a link to a release, it may be turned to the next one.
    pub(crate) fn open(&self, path: &SafePath) -> Result<Found, Failure> {
        #[cfg(target_os = "linux")]
        match beneath::open(self, Path::new(path.relative())) {
            Err(beneath::Unable::Kernel) => {}
            Err(beneath::Unable::Failed(failure)) => return Err(failure),
            Ok(found) => return Ok(found),
        }
        portable::open(self, Path::new(path.relative()))
    }

    /// The entries of a directory, at most `most` of them, and whether there are more. What could not be served (special
    /// files, links that lead outside) is left out, and so is what `shown` refuses.
    pub(crate) fn list(
        &self,
        directory: &SafePath,
        most: usize,
        shown: impl Fn(&str) -> bool,
    ) -> Result<(Vec<Entry>, bool), Failure> {
        let mut entries = Vec::new();
        // One more than is shown tells that there are more.
        let mut names = self.names(Path::new(directory.relative()), most.saturating_add(1), &shown)?;
        let has_more = names.len() > most;
        names.truncate(most);
        for name in names {
            let (Ok(Found::File(_, metadata)) | Ok(Found::Directory(metadata))) = self.open(&directory.join(&name))
            else {
                continue;
            };
            entries.push(Entry {
                name,
                is_directory: metadata.is_dir(),
                length: metadata.len(),
                modified: metadata.modified().ok(),
            });
        }
        Ok((entries, has_more))
    }

    /// The names in a directory that are text and are shown, at most `most` of them: a directory may hold millions.
    fn names(&self, directory: &Path, most: usize, shown: &impl Fn(&str) -> bool) -> Result<Vec<String>, Failure> {
        #[cfg(target_os = "linux")]
        match beneath::names(self, directory, most, shown) {
            Err(beneath::Unable::Kernel) => {}
            Err(beneath::Unable::Failed(failure)) => return Err(failure),
            Ok(names) => return Ok(names),
        }
        portable::names(self, directory, most, shown)
    }
}

/// The error of a root that can't be opened, which is the operator's to mend and not the client's.
fn root_failure(root: &Path, error: &io::Error) -> Failure {
    let same = error.raw_os_error().map(io::Error::from_raw_os_error);
    match Failure::from(same.unwrap_or(error.kind().into())) {
        Failure::NotFound => Failure::Broken(io::Error::other(format!(
            "root directory `{}` can't be opened: {error}",
            root.display()
        ))),
        failure => failure,
    }
}

/// Opens a file that the program itself named, wherever it is.
pub(crate) fn open_trusted(path: &Path) -> Result<(File, Metadata), Failure> {
    portable::open_regular(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// What a path leads to: the first byte of a file, `/` for a directory, `-` for nothing.
    fn kind(found: Result<Found, Failure>) -> char {
        match found {
            Ok(Found::Directory(_)) => '/',
            Ok(Found::File(mut file, _)) => {
                let mut content = String::new();
                io::Read::read_to_string(&mut file, &mut content).expect("can be read");
                content.chars().next().unwrap_or(' ')
            }
            Err(Failure::NotFound) => '-',
            Err(failure) => panic!("{failure:?}"),
        }
    }

    /// The kernel's way and the portable one must agree, whatever the policy.
    #[test]
    fn both_ways_of_opening_keep_to_the_root() {
        let directory = tempfile::tempdir().expect("can be made");
        let outside = directory.path();
        let path = outside.join("root");
        fs::create_dir_all(path.join("sub")).expect("is new");
        fs::write(outside.join("secret"), "secret").expect("can be written");
        fs::write(path.join("sub/in"), "inside").expect("can be written");
        for (link, target) in [
            ("in", "sub/in".into()),
            ("in-absolute", path.join("sub/in")),
            ("up-and-down", "sub/../sub/in".into()),
            ("dir", "sub".into()),
            ("out", "../secret".into()),
            ("out-absolute", outside.join("secret")),
            ("out-and-in", "../root/sub/in".into()),
            ("out-dir", "..".into()),
            ("loop", "loop".into()),
            ("null", "/dev/null".into()),
        ] {
            symlink(target, path.join(link)).expect("can be made");
        }
        rustix::fs::mkfifoat(rustix::fs::CWD, path.join("fifo"), rustix::fs::Mode::RUSR).expect("can be made");
        for (asked, inside, refuse, follow) in [
            ("sub/in", 'i', 'i', 'i'),
            ("sub", '/', '/', '/'),
            (".", '/', '/', '/'),
            ("in", 'i', '-', 'i'),
            ("in-absolute", 'i', '-', 'i'),
            ("up-and-down", 'i', '-', 'i'),
            ("dir/in", 'i', '-', 'i'),
            ("dir", '/', '-', '/'),
            ("out", '-', '-', 's'),
            ("out-absolute", '-', '-', 's'),
            ("out-and-in", 'i', '-', 'i'),
            ("out-dir/secret", '-', '-', 's'),
            ("out-dir", '-', '-', '/'),
            ("loop", '-', '-', '-'),
            ("null", '-', '-', '-'),
            ("fifo", '-', '-', '-'),
            ("missing", '-', '-', '-'),
            ("sub/in/x", '-', '-', '-'),
        ] {
            for (symlinks, expected) in [
                (Symlinks::Inside, inside),
                (Symlinks::Refuse, refuse),
                (Symlinks::Follow, follow),
            ] {
                let path = path.clone();
                let root = Root { path, symlinks };
                let asked = Path::new(asked);
                assert_eq!(
                    kind(portable::open(&root, asked)),
                    expected,
                    "portable: {asked:?}, {symlinks:?}"
                );
                #[cfg(target_os = "linux")]
                match beneath::open(&root, asked) {
                    Ok(found) => assert_eq!(kind(Ok(found)), expected, "kernel: {asked:?}, {symlinks:?}"),
                    Err(beneath::Unable::Failed(failure)) => {
                        assert_eq!(kind(Err(failure)), expected, "kernel: {asked:?}, {symlinks:?}");
                    }
                    Err(beneath::Unable::Kernel) => {}
                }
            }
        }
    }

    #[test]
    fn on_systems_that_ignore_case_a_name_has_one_writing() {
        let directory = tempfile::tempdir().expect("can be made");
        let root = Root {
            path: directory.path().to_owned(),
            symlinks: Symlinks::Inside,
        };
        fs::write(directory.path().join("secret"), "secret").expect("can be written");
        // A link stands for what such a system does by itself.
        symlink("secret", directory.path().join("SECRET")).expect("can be made");
        assert_eq!(kind(portable::open(&root, Path::new("SECRET"))), '-');
        assert_eq!(kind(portable::open(&root, Path::new("secret"))), 's');
    }
}
