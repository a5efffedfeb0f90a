//! Developer commands: `cargo xtask <command>`.
//!
//! Each command is one module with a `run` function and one line in [`COMMANDS`]. Only the standard
//! library is used, so that a command starts in a moment on a clean machine.

mod bench;
mod build_cost;
mod ci;
mod crate_graph;
mod file_length;
mod fuzz;
mod manifest;
mod process;
mod soak;
mod workspace;

use std::env;
use std::process::ExitCode;

/// Why a command failed, for the person who ran it.
type Failure = String;

struct Command {
    name: &'static str,
    arguments: &'static str,
    purpose: &'static str,
    run: fn(&[String]) -> Result<(), Failure>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "bench",
        arguments: "[growth] [--quick] [server…]",
        purpose: "measure the server beside its peers, or how its cost grows; see bench/README.md",
        run: bench::run,
    },
    Command {
        name: "build-cost",
        arguments: "[--rounds N]",
        purpose: "measure what a hello-world costs to build, beside axum's and actix-web's",
        run: build_cost::run,
    },
    Command {
        name: "ci",
        arguments: "",
        purpose: "run what continuous integration runs: formatting, lints, structure, tests, documentation",
        run: ci::run,
    },
    Command {
        name: "crate-graph",
        arguments: "",
        purpose: "check that the crates depend on each other only as ARCHITECTURE.md says",
        run: crate_graph::run,
    },
    Command {
        name: "file-length",
        arguments: "",
        purpose: "check that no source file is longer than 500 lines without saying why",
        run: file_length::run,
    },
    Command {
        name: "fuzz",
        arguments: "[--seconds N] [target…]",
        purpose: "run the fuzz targets, all or the named ones, each for N seconds (60)",
        run: fuzz::run,
    },
    Command {
        name: "soak",
        arguments: "[--quick]",
        purpose: "hold 10,000 idle connections, then serve wrk with 360 connections for 30 s (quick: 5 s)",
        run: soak::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", help());
        return ExitCode::SUCCESS;
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprint!("there is no command `{name}`\n\n{}", help());
        return ExitCode::FAILURE;
    };
    match (command.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask {name}: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut help = String::from("usage: cargo xtask <command>\n\n");
    for Command {
        name,
        arguments,
        purpose,
        ..
    } in COMMANDS
    {
        let usage = format!("{name} {arguments}");
        help += &format!("  {usage:<36} {purpose}\n");
    }
    help
}

/// For commands without arguments: a mistyped one must not be ignored.
fn refuse_arguments(arguments: &[String]) -> Result<(), Failure> {
    match arguments {
        [] => Ok(()),
        [first, ..] => Err(format!("unexpected argument `{first}`; this command takes none")),
    }
}
