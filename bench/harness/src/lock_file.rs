//! The versions in `Cargo.lock`.

/// The packages of a lock file.
#[derive(Debug)]
pub(crate) struct LockFile<'a> {
    packages: Vec<Package<'a>>,
}

#[derive(Debug)]
struct Package<'a> {
    name: &'a str,
    version: &'a str,
    registry: bool,
}

impl<'a> LockFile<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let packages = text.split("[[package]]").filter_map(|block| {
            Some(Package {
                name: value(block, "name")?,
                version: value(block, "version")?,
                registry: value(block, "source").is_some(),
            })
        });
        Self {
            packages: packages.collect(),
        }
    }

    /// The newest version of a crate that came from the registry.
    pub(crate) fn registry(&self, name: &str) -> Option<String> {
        self.newest(name, true)
    }

    /// The version of a crate of this repository.
    pub(crate) fn folder(&self, name: &str) -> Option<String> {
        self.newest(name, false)
    }

    fn newest(&self, name: &str, registry: bool) -> Option<String> {
        let named = self
            .packages
            .iter()
            .filter(|package| package.name == name && package.registry == registry);
        named
            .map(|package| package.version)
            .max_by_key(|version| numbers(version))
            .map(str::to_owned)
    }
}

fn value<'a>(block: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = block.lines().filter_map(|line| line.split_once(" = "));
    let (_, value) = lines.find(|(name, _)| *name == key)?;
    Some(value.trim_matches('"'))
}

/// To compare `1.10` and `1.9` as they are meant.
fn numbers(version: &str) -> Vec<u64> {
    version
        .split(['.', '-', '+'])
        .map_while(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"version = 4

[[package]]
name = "hyper"
version = "0.14.32"
source = "registry+https://example.org"
dependencies = [
 "bytes",
]

[[package]]
name = "hyper"
version = "1.12.0"
source = "registry+https://example.org"

[[package]]
name = "hyperlane"
version = "0.1.0"

[[package]]
name = "hyperlane"
version = "22.1.0"
source = "registry+https://example.org"
"#;

    #[test]
    fn tells_crates_of_the_same_name_apart() {
        let lock = LockFile::new(TEXT);
        assert_eq!(lock.folder("hyperlane").as_deref(), Some("0.1.0"));
        assert_eq!(lock.registry("hyperlane").as_deref(), Some("22.1.0"));
        assert_eq!(lock.registry("else"), None);
    }

    #[test]
    fn takes_the_newest_of_several_versions() {
        assert_eq!(LockFile::new(TEXT).registry("hyper").as_deref(), Some("1.12.0"));
    }
}
