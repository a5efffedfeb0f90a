//! `cargo xtask crate-graph`: dependencies between our crates point one way.
//!
//! The protocol core does no I/O because it cannot name a crate that does, and the engine knows no
//! routes because it cannot name the router. This check keeps both true.

use crate::manifest::Manifest;
use crate::{Failure, refuse_arguments, workspace};

/// Each crate under `crates/` and those of ours that it may name.
const ALLOWED: &[(&str, &[&str])] = &[
    (
        "hyperlane",
        &[
            "hyperlane-server",
            "hyperlane-router",
            "hyperlane-core",
            "hyperlane-macros",
            "hyperlane-proto",
            "hyperlane",
        ],
    ),
    (
        "hyperlane-server",
        &["hyperlane-proto", "hyperlane-core", "hyperlane-uring"],
    ),
    // What is built on the framework, as its users build.
    ("hyperlane-aggregate", &["hyperlane", "hyperlane-aggregate"]),
    ("hyperlane-batch", &["hyperlane", "hyperlane-batch"]),
    ("hyperlane-files", &["hyperlane", "hyperlane-files"]),
    ("hyperlane-realtime", &["hyperlane", "hyperlane-realtime"]),
    ("hyperlane-uploads", &["hyperlane", "hyperlane-uploads"]),
    ("hyperlane-uring", &[]),
    ("hyperlane-macros", &["hyperlane-router"]),
    ("hyperlane-proto", &["hyperlane-proto"]),
    ("hyperlane-core", &[]),
    ("hyperlane-router", &[]),
];

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    refuse_arguments(arguments)?;
    let mut manifests = Vec::new();
    for directory in workspace::entries(&workspace::root().join("crates"))? {
        let path = directory.join("Cargo.toml");
        if path.is_file() {
            manifests.push(Manifest::parse(&workspace::read(&path)?));
        }
    }
    let faults: Vec<String> = manifests
        .iter()
        .flat_map(|manifest| faults(manifest, ALLOWED))
        .collect();
    if faults.is_empty() {
        println!("crate graph: {} crates, every dependency is allowed", manifests.len());
        Ok(())
    } else {
        Err(format!("the crate graph is broken:\n  {}", faults.join("\n  ")))
    }
}

fn faults(manifest: &Manifest, allowed: &[(&str, &[&str])]) -> Vec<String> {
    let Manifest { name, dependencies } = manifest;
    let Some((_, allowed)) = allowed.iter().find(|(known, _)| known == name) else {
        return vec![format!(
            "`{name}` is unknown: say in xtask/src/crate_graph.rs what it may depend on"
        )];
    };
    // A crate may name itself, with more features, for its own tests.
    let ours = dependencies
        .iter()
        .filter(|dependency| is_ours(dependency) && *dependency != name);
    let forbidden = ours.filter(|dependency| !allowed.contains(&dependency.as_str()));
    forbidden
        .map(|dependency| format!("{name} → {dependency} is forbidden; {}", may(allowed)))
        .collect()
}

fn is_ours(name: &str) -> bool {
    name == "hyperlane" || name.starts_with("hyperlane-")
}

fn may(allowed: &[&str]) -> String {
    if allowed.is_empty() {
        "it is a leaf and may depend on none of ours".to_owned()
    } else {
        format!("it may depend on {}", allowed.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(name: &str, dependencies: &[&str]) -> Vec<String> {
        let dependencies = dependencies.iter().map(|&name| name.to_owned()).collect();
        faults(
            &Manifest {
                name: name.to_owned(),
                dependencies,
            },
            ALLOWED,
        )
    }

    #[test]
    fn accepts_allowed_edges_and_foreign_crates() {
        let none: [String; 0] = [];
        assert_eq!(
            faults_of(
                "hyperlane",
                &["hyperlane-core", "hyperlane-router", "hyperlane-server", "serde"]
            ),
            none
        );
        assert_eq!(
            faults_of("hyperlane-server", &["hyperlane-core", "hyperlane-proto", "tokio"]),
            none
        );
        assert_eq!(faults_of("hyperlane-proto", &["httparse"]), none);
    }

    #[test]
    fn names_a_forbidden_edge() {
        assert_eq!(
            faults_of("hyperlane-server", &["hyperlane-router"]),
            [
                "hyperlane-server → hyperlane-router is forbidden; it may depend on hyperlane-proto, hyperlane-core, hyperlane-uring"
            ]
        );
        assert_eq!(
            faults_of("hyperlane-core", &["hyperlane"]),
            ["hyperlane-core → hyperlane is forbidden; it is a leaf and may depend on none of ours"]
        );
        assert_eq!(faults_of("hyperlane", &["hyperlane-uring"]).len(), 1);
    }

    #[test]
    fn refuses_a_crate_that_nobody_placed() {
        assert!(
            faults_of("hyperlane-new", &[])
                .iter()
                .any(|fault| fault.contains("`hyperlane-new` is unknown"))
        );
    }
}
