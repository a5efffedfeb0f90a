//! Looking for a file and its variants: the part of a request that may wait for the disk, done in one go.

use std::fs::{File, Metadata};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::encoding::Coding;
use crate::failure::Failure;
use crate::files::Settings;
use crate::listing;
use crate::media_type::media_type;
use crate::path::SafePath;
use crate::resource::{Representation, Resource, Stamp, read_whole};
use crate::root::Found;

/// Files up to this many bytes are read at once, and may be kept in memory. Larger ones are read as they are sent.
const SMALL: u64 = 256 << 10;

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Loaded {
    /// A file with its variants, and those of them that are too large to have been read.
    File(Arc<Resource>, Vec<(usize, File)>),
    /// A directory without a slash behind its name.
    MissingSlash,
    /// The page that lists a directory.
    Listing(String),
}

/// Looks for what a path leads to. What was seen before and has not changed is not read again.
///
/// `shown_path` is the path that a listing is of.
pub(crate) fn load(
    settings: &Settings,
    path: &SafePath,
    before: Option<&Resource>,
    shown_path: &str,
) -> Result<Loaded, Failure> {
    if !path.is_directory() {
        return match settings.root.open(path)? {
            Found::Directory(_) => Ok(Loaded::MissingSlash),
            Found::File(file, metadata) => load_file(settings, path, (file, &metadata), before),
        };
    }
    if let Some(index) = &settings.index {
        let path = path.join(index);
        match settings.root.open(&path) {
            Ok(Found::File(file, metadata)) => return load_file(settings, &path, (file, &metadata), before),
            Ok(Found::Directory(_)) | Err(Failure::NotFound) => {}
            Err(failure) => return Err(failure),
        }
    }
    if !settings.listing {
        return Err(Failure::NotFound);
    }
    match settings.root.open(path)? {
        Found::Directory(_) => listing::page(settings, path, shown_path).map(Loaded::Listing),
        Found::File(..) => Err(Failure::NotFound),
    }
}

fn load_file(
    settings: &Settings,
    path: &SafePath,
    (file, metadata): (File, &Metadata),
    before: Option<&Resource>,
) -> Result<Loaded, Failure> {
    // Before anything is looked at: what changes from now on is seen when this time is over.
    let seen = Instant::now();
    let kind = media_type(path.file_name(), &settings.media_types);
    let stamp = Stamp::of(metadata);
    let mut found = vec![(Representation::new(path.clone(), None, stamp, kind.clone()), file)];
    if settings.precompressed {
        for coding in Coding::ALL {
            let beside = path.with_suffix(coding.suffix());
            let (file, variant) = match settings.root.open(&beside) {
                Ok(Found::File(file, metadata)) => (file, Stamp::of(&metadata)),
                Ok(Found::Directory(_)) | Err(Failure::NotFound) => continue,
                Err(failure) => return Err(failure),
            };
            if seconds(variant.modified) >= seconds(stamp.modified) {
                found.push((Representation::new(beside, Some(coding), variant, kind.clone()), file));
            }
        }
    }
    let mut representations = Vec::with_capacity(found.len());
    let mut large = Vec::new();
    for (at, (mut representation, mut file)) in found.into_iter().enumerate() {
        if representation.stamp.length <= SMALL {
            let known = before.and_then(|before| {
                before
                    .representations
                    .iter()
                    .find(|known| known.is_settled && is_same(known, &representation))
            });
            representation.content = match known.and_then(|known| known.content.clone()) {
                Some(content) => Some(content),
                None => read_whole(&mut file, &representation.stamp)?,
            };
        }
        #[cfg(feature = "content-tags")]
        if settings.content_tags
            && let Some(content) = &representation.content
        {
            representation.tag = crate::entity_tag::content_tag(content, representation.coding);
        }
        // Also a small one that somebody is writing to right now: it is then sent as a large one is.
        if representation.content.is_none() {
            large.push((at, file));
        }
        representations.push(representation);
    }
    let resource = Resource { representations, seen };
    Ok(Loaded::File(Arc::new(resource), large))
}

fn is_same(a: &Representation, b: &Representation) -> bool {
    (a.coding, &a.path, a.stamp) == (b.coding, &b.path, b.stamp)
}

/// Build tools and archives that keep times often keep whole seconds alone.
fn seconds(time: Option<SystemTime>) -> u64 {
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.unwrap_or(Duration::ZERO).as_secs()
}
