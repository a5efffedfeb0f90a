//! The commonest mistakes in a handler give an error whose first lines say what to do.
//!
//! Each file in `tests/ui`, `tests/macros/ui` and `tests/openapi/ui` is a program with one mistake; the file beside it holds the compiler's errors without what
//! changes with each new type and each feature, as the list of all types that would do. `UI=overwrite cargo test -p hyperlane --test api ui::` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// What begins the notes that are not pinned.
const LEFT_OUT: [&str; 9] = [
    "= note: required for",
    "= note: required by",
    "= note: the full name for the type",
    "= note: consider using `--verbose`",
    "= note: this error originates in the macro",
    "= help: the following other types",
    "= help: the trait",
    "help: the trait",
    "note: required by",
];

#[test]
fn mistakes_in_a_handler_are_explained() {
    let programs = programs();
    assert!(programs.len() >= 12);
    let project = project(&programs);
    let errors = errors(&project);
    let mut differences = String::new();
    for program in &programs {
        let name = name(program);
        let actual = errors.get(&name).map_or("", String::as_str);
        let pinned = program.with_extension("stderr");
        if std::env::var("UI").is_ok_and(|ui| ui == "overwrite") {
            fs::write(&pinned, actual).unwrap();
        }
        let expected = fs::read_to_string(&pinned).unwrap_or_default();
        if actual.is_empty() || expected != actual {
            write!(
                differences,
                "\n---- {name}: expected\n{expected}\n---- {name}: actual\n{actual}"
            )
            .unwrap();
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

fn programs() -> Vec<PathBuf> {
    let folders = ["tests/ui", "tests/macros/ui", "tests/openapi/ui"];
    let entries = folders.map(|folder| fs::read_dir(Path::new(HERE).join(folder)).unwrap());
    let files = entries.into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut programs: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .collect();
    programs.sort();
    programs
}

/// Its file's name behind the names of the folders that differ.
fn name(program: &Path) -> String {
    let below = program
        .strip_prefix(Path::new(HERE).join("tests"))
        .unwrap()
        .with_extension("");
    let parts = below.iter().map(|part| part.to_string_lossy());
    parts.filter(|part| part != "ui").collect::<Vec<_>>().join("_")
}

/// A project with all programs as its binaries, and always the same features, whatever the tests were built with.
fn project(programs: &[PathBuf]) -> PathBuf {
    let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    fs::create_dir_all(&project).unwrap();
    let mut manifest = format!(
        r#"
[package]
name = "ui"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
garde = {{ version = "0.23", default-features = false, features = ["derive"] }}
hyperlane = {{ path = {HERE:?}, features = ["openapi", "validation"] }}
schemars = "1"
serde = {{ version = "1", features = ["derive"] }}
tokio = "1"
"#
    );
    for program in programs {
        write!(manifest, "\n[[bin]]\nname = {:?}\npath = {program:?}\n", name(program)).unwrap();
    }
    fs::write(project.join("Cargo.toml"), manifest).unwrap();
    // The workspace's own versions, which are there already.
    fs::copy(Path::new(HERE).join("../../Cargo.lock"), project.join("Cargo.lock")).unwrap();
    project
}

/// The heads of the compiler's errors by program.
fn errors(project: &Path) -> BTreeMap<String, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["check", "--offline", "--keep-going", "--quiet", "--message-format=json"])
        .arg("--target-dir")
        .arg(project.join("target"))
        .current_dir(project)
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let mut errors = BTreeMap::<_, String>::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        let target = message["target"]["name"].as_str();
        let (Some(target), Some(rendered)) = (target, message["message"]["rendered"].as_str()) else {
            continue;
        };
        // The last message only counts the others.
        if message["message"]["level"] == "error" && message["message"]["spans"] != Value::Array(vec![]) {
            errors.entry(target.to_owned()).or_default().push_str(&head(rendered));
        }
    }
    assert!(!errors.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    errors
}

/// The message and the notes that say what to do, with nothing of this machine in them.
fn head(rendered: &str) -> String {
    let text = rendered.replace(&format!("{HERE}/"), "").replace("hyperlane::", "");
    let mut head = String::new();
    let mut pinned = true;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let start = line.trim_start();
        if ["= note:", "= help:", "note:", "help:"]
            .iter()
            .any(|note| start.starts_with(note))
        {
            pinned = !LEFT_OUT.iter().any(|note| start.starts_with(note));
        }
        if pinned {
            head += line;
            head.push('\n');
        }
    }
    head
}
