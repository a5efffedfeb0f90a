//! Small files in memory, as many as there is room for.

use std::fmt;
use std::sync::Arc;

use quick_cache::{DefaultHashBuilder, OptionsBuilder, sync};

use crate::resource::Resource;

/// Files that are asked for often, by the paths that were asked for.
///
/// What is asked for once does not push out what is asked for again and again (S3-FIFO), so that a crawler does not empty
/// it.
pub(crate) struct Cache(Option<sync::Cache<String, Arc<Resource>, Weigh>>);

#[derive(Clone)]
struct Weigh;

impl quick_cache::Weighter<String, Arc<Resource>> for Weigh {
    fn weight(&self, path: &String, resource: &Arc<Resource>) -> u64 {
        path.len() as u64 + resource.weight()
    }
}

impl Cache {
    /// A cache of so many bytes; none of 0.
    pub(crate) fn new(bytes: u64) -> Self {
        if bytes == 0 {
            return Self(None);
        }
        // An estimate; it grows where the files are smaller.
        let items = usize::try_from(bytes / (16 << 10)).unwrap_or(usize::MAX);
        // Each part has its share of the bytes, and takes nothing that is larger: it must hold several of the largest files.
        let parts = usize::try_from(bytes / (2 << 20)).unwrap_or(usize::MAX);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(items.clamp(64, 1 << 16))
            .weight_capacity(bytes)
            .shards(parts.clamp(1, 32))
            .build();
        Self(options.ok().map(|options| {
            sync::Cache::with_options(
                options,
                Weigh,
                DefaultHashBuilder::default(),
                sync::DefaultLifecycle::default(),
            )
        }))
    }

    pub(crate) fn get(&self, path: &str) -> Option<Arc<Resource>> {
        self.0.as_ref()?.get(path)
    }

    pub(crate) fn insert(&self, path: &str, resource: &Arc<Resource>) {
        if let Some(cache) = &self.0 {
            cache.insert(path.to_owned(), Arc::clone(resource));
        }
    }

    pub(crate) fn remove(&self, path: &str) {
        if let Some(cache) = &self.0 {
            cache.remove(path);
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use hyperlane::Bytes;
    use tokio::time::Instant;

    use super::*;
    use crate::path::SafePath;
    use crate::resource::{Representation, Stamp};

    fn resource(bytes: usize) -> Arc<Resource> {
        let metadata = std::fs::metadata("Cargo.toml").expect("tests run beside it");
        let path = SafePath::parse("x", false).expect("is plain");
        let mut representation = Representation::new(
            path,
            None,
            Stamp::of(&metadata),
            http::HeaderValue::from_static("text/plain"),
        );
        representation.content = Some(Bytes::from(vec![0; bytes]));
        Arc::new(Resource {
            representations: vec![representation],
            seen: Instant::now(),
        })
    }

    #[test]
    fn it_holds_no_more_than_its_bytes_and_the_largest_files_too() {
        let cache = Cache::new(16 << 20);
        let largest = resource(256 << 10);
        for number in 0..500 {
            let name = format!("file {number}");
            cache.insert(&name, &largest);
            assert!(cache.get(&name).is_some(), "{name}");
        }
        let weight = cache.0.as_ref().map_or(0, sync::Cache::weight);
        assert!((8 << 20..=16 << 20).contains(&weight), "{weight} bytes");
    }

    #[test]
    fn one_of_nothing_keeps_nothing() {
        let cache = Cache::new(0);
        cache.insert("x", &resource(1));
        assert!(cache.get("x").is_none());
    }
}
