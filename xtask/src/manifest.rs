//! The part of a `Cargo.toml` that the crate graph needs: name and dependencies.
//!
//! Read line by line, which is enough for manifests written one dependency a line or one table
//! each. Dependencies for tests, for building and for single platforms count like the others: each
//! of them makes one crate know another.

/// A crate and what it depends on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<String>,
}

impl Manifest {
    pub(crate) fn parse(text: &str) -> Self {
        let mut manifest = Self {
            name: String::new(),
            dependencies: Vec::new(),
        };
        let mut table = Table::Other;
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            if let Some(header) = line.strip_prefix('[') {
                let header = header.split(']').next().unwrap_or_default();
                table = Table::of(header);
                if let Table::Dependency(name) = &table {
                    manifest.dependencies.push(name.clone());
                }
                continue;
            }
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            match &table {
                Table::Package if key.trim() == "name" => manifest.name = unquoted(value),
                Table::Dependencies => manifest.dependencies.push(dependency(key, value)),
                // A table of its own may rename the crate, too.
                Table::Dependency(_) if key.trim() == "package" => manifest.dependencies.push(unquoted(value)),
                _ => {}
            }
        }
        manifest.dependencies.sort();
        manifest.dependencies.dedup();
        manifest
    }
}

enum Table {
    Package,
    /// `[dependencies]` and its kin: one dependency a line.
    Dependencies,
    /// `[dependencies.name]` and its kin.
    Dependency(String),
    Other,
}

impl Table {
    fn of(header: &str) -> Self {
        if header == "package" {
            return Self::Package;
        }
        if header.ends_with("dependencies") {
            return Self::Dependencies;
        }
        match header.rsplit_once("dependencies.") {
            Some((_, name)) => Self::Dependency(unquoted(name)),
            None => Self::Other,
        }
    }
}

/// The crate behind `name = …`, `name.workspace = true` or `alias = { package = "name" }`.
fn dependency(key: &str, value: &str) -> String {
    let renamed = value
        .split("package")
        .nth(1)
        .and_then(|rest| rest.trim_start().strip_prefix('='));
    match renamed.and_then(|name| name.split('"').nth(1)) {
        Some(name) => name.to_owned(),
        None => unquoted(key.split('.').next().unwrap_or(key)),
    }
}

fn unquoted(text: &str) -> String {
    let text = text.split('#').next().unwrap_or(text);
    text.trim().trim_matches(['"', '\'']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_dependencies_in_every_form() {
        let manifest = Manifest::parse(
            r#"
            [package]
            name = "hyperlane" # ours
            [features]
            full = ["hyperlane-proto"]
            [dependencies]
            bytes.workspace = true
            # hyperlane-commented = "1"
            hyperlane-core = { path = "../core" }
            renamed = { version = "1", package = "hyperlane-router" }
            "quoted" = "1"
            [dependencies.hyperlane-server]
            features = ["tls"]
            [dependencies.alias]
            package = "hyperlane-alias"
            [dev-dependencies]
            testing = "1"
            [target.'cfg(unix)'.dependencies]
            unix = "1"
            [lints]
            workspace = true
            "#,
        );
        assert_eq!(manifest.name, "hyperlane");
        let expected = [
            "alias",
            "bytes",
            "hyperlane-alias",
            "hyperlane-core",
            "hyperlane-router",
            "hyperlane-server",
            "quoted",
            "testing",
            "unix",
        ];
        assert_eq!(manifest.dependencies, expected);
    }
}
