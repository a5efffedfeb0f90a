//! A file with its variants, as it was found at one moment.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use hyperlane::Bytes;
use tokio::time::Instant;

use crate::encoding::{Accepted, Coding};
use crate::entity_tag::entity_tag;
use crate::failure::Failure;
use crate::path::SafePath;

/// Times of change before this (3 January 1980) are none: packers that make the same of the same sources (Nix, Bazel,
/// OSTree, ZIP) give it to all files of all releases.
const FIRST_TIME: Duration = Duration::from_secs(315_705_600);

/// The coarsest clock of a file system in use ticks every two seconds (FAT).
const TICK: Duration = Duration::from_secs(3);

/// What one file system object was like. Whatever writes to it changes this; so does replacing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) length: u64,
    pub(crate) modified: Option<SystemTime>,
    /// Device, number, and the time of change that programs can't set: on Unix.
    identity: (u64, u64, i64, i64),
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            identity: identity(metadata),
        }
    }

    /// Whether the time of change is one.
    fn is_dated(&self) -> bool {
        let since = self.modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        since.is_some_and(|since| since >= FIRST_TIME)
    }

    /// The time of change that programs can't set, where there is one.
    fn changed(&self) -> Option<SystemTime> {
        let (_, _, seconds, nanoseconds) = self.identity;
        let since = Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanoseconds).ok()?);
        UNIX_EPOCH.checked_add(since)
    }

    /// Whether whatever is written from now on changes the stamp: the clock has ticked since the last change.
    fn is_settled(&self) -> bool {
        let last = self.modified.max(self.changed());
        let age = last.and_then(|last| SystemTime::now().duration_since(last).ok());
        age.is_some_and(|age| age >= TICK)
    }

    /// Whether the bytes are the same, as far as their time tells. To link or rename a file does not change them.
    pub(crate) fn has_same_content(&self, other: &Self) -> bool {
        (self.length, self.modified) == (other.length, other.modified)
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64, i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64, i64, i64) {
    (0, 0, 0, 0)
}

/// A file, or a compressed variant of it, and what is said about it in a response.
#[derive(Clone, Debug)]
pub(crate) struct Representation {
    pub(crate) path: SafePath,
    pub(crate) coding: Option<Coding>,
    pub(crate) stamp: Stamp,
    /// Whether the stamp, as it was before the content was read, tells of every later change.
    pub(crate) is_settled: bool,
    pub(crate) tag: HeaderValue,
    /// The time of change in whole seconds, and as text.
    pub(crate) modified: Option<(SystemTime, HeaderValue)>,
    /// That of the file, whatever the coding.
    pub(crate) media_type: HeaderValue,
    /// All of it, if it is small.
    pub(crate) content: Option<Bytes>,
}

impl Representation {
    pub(crate) fn new(path: SafePath, coding: Option<Coding>, stamp: Stamp, media_type: HeaderValue) -> Self {
        let is_dated = stamp.is_dated();
        let time = if is_dated { stamp.modified } else { stamp.changed() };
        Self {
            tag: entity_tag(time, stamp.length, coding),
            modified: stamp.modified.filter(|_| is_dated).and_then(last_modified),
            is_settled: stamp.is_settled(),
            path,
            coding,
            stamp,
            media_type,
            content: None,
        }
    }
}

/// `Last-Modified`, which must not lie in the future (RFC 9110 §8.8.2.1), nor before the calendar of HTTP.
fn last_modified(time: SystemTime) -> Option<(SystemTime, HeaderValue)> {
    let seconds = time.min(SystemTime::now()).duration_since(UNIX_EPOCH).ok()?.as_secs();
    let whole = UNIX_EPOCH + Duration::from_secs(seconds);
    let value = HeaderValue::try_from(httpdate::fmt_http_date(whole)).ok()?;
    Some((whole, value))
}

/// A file with its variants.
#[derive(Debug)]
pub(crate) struct Resource {
    /// The file itself first.
    pub(crate) representations: Vec<Representation>,
    /// When it was looked at.
    pub(crate) seen: Instant,
}

impl Resource {
    /// The representation that a client wants most, and of those the smallest (RFC 9110 §12.5.3). A client that wants
    /// none of them gets the file itself.
    pub(crate) fn choose(&self, accepted: Accepted) -> Option<(usize, &Representation)> {
        let wanted = self
            .representations
            .iter()
            .enumerate()
            .filter_map(|(at, representation)| {
                let quality = accepted.quality(representation.coding);
                let smaller = std::cmp::Reverse(representation.stamp.length);
                (quality > 0).then_some(((quality, smaller), (at, representation)))
            });
        // Of equals the last is the maximum: compare by position, too, so that the file itself goes first.
        let best = wanted.max_by_key(|(rank, (at, _))| (*rank, std::cmp::Reverse(*at)));
        best.map(|(_, chosen)| chosen)
            .or_else(|| self.representations.first().map(|first| (0, first)))
    }

    /// What it takes of a cache, in bytes: its content, and something for all the rest.
    pub(crate) fn weight(&self) -> u64 {
        let content = |representation: &Representation| representation.content.as_ref().map_or(0, Bytes::len) as u64;
        self.representations
            .iter()
            .map(|representation| 512 + content(representation))
            .sum()
    }
}

/// Reads a small file to its end. `None` if it changed meanwhile.
pub(crate) fn read_whole(file: &mut File, stamp: &Stamp) -> Result<Option<Bytes>, Failure> {
    let length = usize::try_from(stamp.length).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let mut content = Vec::with_capacity(length);
    file.rewind()?;
    file.take(stamp.length).read_to_end(&mut content)?;
    let unchanged = content.len() == length && Stamp::of(&file.metadata()?).has_same_content(stamp);
    Ok(unchanged.then(|| content.into()))
}
