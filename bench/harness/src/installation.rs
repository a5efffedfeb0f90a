//! From an entry of the catalog to a program that can be started, if this machine has what it needs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::catalog::{Entry, Program, Version};
use crate::lock_file::LockFile;
use crate::{Failure, folder};

/// Where Debian's packages put the sources of Go libraries.
const GO_PATH: &str = "/usr/share/gocode";

/// A server that is ready to be started.
#[derive(Debug)]
pub(crate) struct Installation {
    pub(crate) entry: &'static Entry,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) version: String,
}

/// Builds the entry.
///
/// # Errors
///
/// Why it can't be measured here: what is not installed, or the first error of its build.
pub(crate) fn install(entry: &'static Entry) -> Result<Installation, Failure> {
    let (program, arguments, version) = match entry.program {
        Program::Cargo {
            package,
            binary,
            version,
        } => (build_rust(package, binary)?, Vec::new(), rust_version(version)?),
        Program::Go { folder, library } => (build_go(folder, library)?, Vec::new(), go_version(library)?),
        Program::Node { script } => {
            let version = first_line(&run(Command::new("node").arg("--version"), "Node.js")?);
            let version = version.trim_start_matches('v').to_owned();
            let script = folder().join("servers").join(script);
            ("node".into(), vec![script.display().to_string()], version)
        }
    };
    Ok(Installation {
        entry,
        program,
        arguments,
        version,
    })
}

fn build_rust(package: &str, binary: &str) -> Result<PathBuf, Failure> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--release", "--package", package, "--bin", binary]);
    command
        .arg("--message-format=json-render-diagnostics")
        .current_dir(folder());
    let output = run(&mut command, "cargo")?;
    executable(&output, binary).ok_or_else(|| format!("cargo built {package} without naming the program {binary}"))
}

/// What cargo says it built, in its lines of JSON.
fn executable(messages: &str, binary: &str) -> Option<PathBuf> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut executables = messages.filter(|message| message["target"]["name"] == binary);
    executables.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

fn rust_version(version: Version) -> Result<String, Failure> {
    let path = folder().join("Cargo.lock");
    let lock = || fs::read_to_string(&path).map_err(|error| format!("Cargo.lock can't be read: {error}"));
    let (name, version) = match version {
        Version::Registry(name) => (name, LockFile::new(&lock()?).registry(name)),
        Version::Ours(name) => (name, LockFile::new(&lock()?).folder(name)),
        Version::Rust => {
            // `rustc 1.95.0 (… date)`
            let line = run(Command::new("rustc").arg("--version"), "rustc")?;
            (
                "rustc",
                line.split_whitespace().nth(1).map(|version| format!("Rust {version}")),
            )
        }
    };
    version.ok_or_else(|| format!("the version of {name} can't be found"))
}

fn build_go(name: &str, library: Option<(&str, &str)>) -> Result<PathBuf, Failure> {
    if let Some((package, import)) = library
        && !Path::new(GO_PATH).join("src").join(import).is_dir()
    {
        return Err(format!("not installed: Debian's package {package}"));
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| folder().join("target"), PathBuf::from);
    let program = std::path::absolute(target.join("go").join(name)).map_err(|error| error.to_string())?;
    let mut command = Command::new("go");
    command.arg("build").arg("-o").arg(&program).arg(".");
    command.env("GO111MODULE", "off").env("GOPATH", GO_PATH);
    command.current_dir(folder().join("servers").join(name));
    run(&mut command, "Go")?;
    Ok(program)
}

fn go_version(library: Option<(&str, &str)>) -> Result<String, Failure> {
    // `go version go1.19.8 linux/amd64`
    let line = run(Command::new("go").arg("version"), "Go")?;
    let go = line
        .split_whitespace()
        .nth(2)
        .unwrap_or_default()
        .replacen("go", "Go ", 1);
    let Some((package, _)) = library else {
        return Ok(go);
    };
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${Version}", package]);
    let version = run(&mut query, "dpkg-query")?;
    Ok(format!("{}, {go}", upstream(&version)))
}

/// The library's version without Debian's own counts, before the colon and behind the last dash.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, version)| version);
    version.rsplit_once('-').map_or(version, |(version, _)| version)
}

/// What the program prints.
fn run(command: &mut Command, name: &str) -> Result<String, Failure> {
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(format!("not installed: {name}")),
        Err(error) => return Err(format!("{name} can't be run: {error}")),
    };
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{name} failed: {}", reason(&output)))
    }
}

/// The line that says what is wrong, among many that do not.
fn reason(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines()
        .find(|line| line.starts_with("error"))
        .or_else(|| lines().next_back());
    error.unwrap_or("without a word").to_owned()
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn installation(name: &str) -> Installation {
        Installation {
            entry: Entry::by_name(name).expect("in the catalog"),
            program: "".into(),
            arguments: Vec::new(),
            version: "1.0".into(),
        }
    }

    #[test]
    fn finds_the_program_among_the_messages_of_cargo() {
        let messages = "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"bench-a\"},\"executable\":null}\n\
                        no json\n\
                        {\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"bench-a\"},\"executable\":\"/t/a\"}\n";
        assert_eq!(executable(messages, "bench-a"), Some("/t/a".into()));
        assert_eq!(executable(messages, "bench-b"), None);
    }

    #[test]
    fn shows_the_library_s_own_version() {
        assert_eq!(upstream("1:1.31.0-2+b1"), "1.31.0");
        assert_eq!(upstream("1.8.1-1"), "1.8.1");
    }

    #[test]
    fn says_that_a_program_is_not_installed() {
        let failure = run(&mut Command::new("no-such-program-anywhere"), "it");
        assert_eq!(failure, Err("not installed: it".into()));
    }
}
