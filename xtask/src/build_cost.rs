//! `cargo xtask build-cost [--rounds N]`: what a hello-world costs to build from nothing, beside axum's and actix-web's.
//!
//! Each program is the first one of its project's documentation, with the default features, built in release mode into
//! an empty folder. Crates are downloaded before anything is measured. The rounds are interleaved; the table has the
//! median of the wall time and of the CPU time, the number of crates, and the size of the stripped binary.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{Failure, workspace};

/// The kernel counts CPU time in these: 100 a second on every Linux that we know.
const TICKS_PER_SECOND: u64 = 100;

struct Program {
    name: &'static str,
    dependencies: &'static str,
    main: &'static str,
}

const TOKIO: &str = r#"tokio = { version = "1", features = ["macros", "rt-multi-thread"] }"#;

const PROGRAMS: [Program; 3] = [
    Program {
        name: "hyperlane",
        dependencies: "",
        main: r#"
use hyperlane::*;

#[tokio::main]
async fn main() {
    let server = Server::new();
    server.get("/", hello);
    server.run().await.unwrap().wait().await;
}

async fn hello() -> &'static str {
    "Hello, World!"
}
"#,
    },
    Program {
        name: "axum",
        dependencies: "axum = \"0.8\"\n",
        main: r#"
use axum::{Router, routing::get};

#[tokio::main]
async fn main() {
    let app = Router::new().route("/", get(hello));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await.unwrap();
    axum::serve(listener, app).await.unwrap();
}

async fn hello() -> &'static str {
    "Hello, World!"
}
"#,
    },
    Program {
        name: "actix-web",
        dependencies: "actix-web = \"4\"\n",
        main: r#"
use actix_web::{App, HttpServer, Responder, web};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(|| App::new().route("/", web::get().to(hello))).bind(("127.0.0.1", 8080))?.run().await
}

async fn hello() -> impl Responder {
    "Hello, World!"
}
"#,
    },
];

/// What was measured of a program.
#[derive(Default)]
struct Cost {
    wall: Vec<Duration>,
    cpu: Vec<Duration>,
    crates: usize,
    bytes: u64,
}

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let rounds = match arguments {
        [] => 1,
        [flag, number] if flag == "--rounds" => number.parse().map_err(|_| "`--rounds` takes a number".to_owned())?,
        _ => return Err("usage: cargo xtask build-cost [--rounds N]".into()),
    };
    let folder = workspace::target().join("build-cost");
    let projects: Vec<_> = PROGRAMS
        .iter()
        .map(|program| write_project(&folder, program))
        .collect::<Result<_, _>>()?;
    for project in &projects {
        cargo(project, &["fetch", "--quiet"])?;
    }
    let mut costs: Vec<_> = PROGRAMS.iter().map(|_| Cost::default()).collect();
    for round in 1..=rounds {
        for ((program, project), cost) in PROGRAMS.iter().zip(&projects).zip(&mut costs) {
            eprintln!("round {round} of {rounds}: building {}", program.name);
            measure(program, project, cost)?;
        }
    }
    print!("{}", table(&mut costs));
    Ok(())
}

fn write_project(folder: &Path, program: &Program) -> Result<PathBuf, Failure> {
    let project = folder.join(program.name);
    let ours = workspace::root().join("crates/hyperlane");
    let dependency = match program.dependencies {
        "" => format!("hyperlane = {{ path = {ours:?} }}\n{TOKIO}\n"),
        "actix-web = \"4\"\n" => program.dependencies.to_owned(),
        other => format!("{other}{TOKIO}\n"),
    };
    let manifest = format!(
        "[package]\nname = \"hello-{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [profile.release]\nstrip = true\n\n[dependencies]\n{dependency}",
        program.name
    );
    let written = fs::create_dir_all(project.join("src"))
        .and_then(|()| fs::write(project.join("Cargo.toml"), manifest))
        .and_then(|()| fs::write(project.join("src/main.rs"), program.main));
    written.map_err(|error| format!("can't write {}: {error}", project.display()))?;
    Ok(project)
}

fn measure(program: &Program, project: &Path, cost: &mut Cost) -> Result<(), Failure> {
    // A folder that is not there is as good as an empty one.
    let _ = fs::remove_dir_all(project.join("target"));
    let (began, cpu_before) = (Instant::now(), cpu_of_children());
    let built = cargo(project, &["build", "--release", "--offline"])?;
    cost.wall.push(began.elapsed());
    cost.cpu.push(cpu_of_children().saturating_sub(cpu_before));
    cost.crates = built
        .lines()
        .filter(|line| line.trim_start().starts_with("Compiling "))
        .count();
    let binary = project.join("target/release").join(format!("hello-{}", program.name));
    let metadata = fs::metadata(&binary).map_err(|error| format!("can't see {}: {error}", binary.display()))?;
    cost.bytes = metadata.len();
    Ok(())
}

/// Runs cargo and returns what it said.
fn cargo(project: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .current_dir(project)
        .env("CARGO_TARGET_DIR", project.join("target"))
        .env("CARGO_INCREMENTAL", "0")
        .output()
        .map_err(|error| format!("can't run cargo: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(said)
    } else {
        Err(format!(
            "cargo {} failed in {}:\n{said}",
            arguments.join(" "),
            project.display()
        ))
    }
}

/// User and system time of the children that have ended; zero where there is no `/proc`.
fn cpu_of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may hold anything, `cutime` and `cstime` are the fields 16 and 17 of proc(5).
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields
        .skip(13)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

fn table(costs: &mut [Cost]) -> String {
    let mut table = String::from("| hello-world | crates | wall | CPU | binary |\n| --- | --: | --: | --: | --: |\n");
    for (program, cost) in PROGRAMS.iter().zip(costs) {
        let (wall, cpu) = (median(&mut cost.wall), median(&mut cost.cpu));
        let mib = cost.bytes as f64 / (1024.0 * 1024.0);
        let _ = writeln!(
            table,
            "| {} | {} | {:.1} s | {:.1} s | {mib:.2} MiB |",
            program.name,
            cost.crates,
            wall.as_secs_f64(),
            cpu.as_secs_f64(),
        );
    }
    table
}

fn median(values: &mut [Duration]) -> Duration {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_medians() {
        let seconds = |list: &[u64]| list.iter().map(|n| Duration::from_secs(*n)).collect();
        let mut costs = [
            Cost {
                wall: seconds(&[9, 1, 2]),
                cpu: seconds(&[4, 4, 4]),
                crates: 7,
                bytes: 1 << 20,
            },
            Cost::default(),
            Cost::default(),
        ];
        assert!(table(&mut costs).contains("| hyperlane | 7 | 2.0 s | 4.0 s | 1.00 MiB |"));
    }
}
