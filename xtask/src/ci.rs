//! `cargo xtask ci`: what continuous integration runs, here.
//!
//! The cheap checks come first. The first failure ends the run.

use std::time::Instant;

use crate::process::cargo;
use crate::{Failure, crate_graph, file_length, refuse_arguments};

type Step = (&'static str, fn() -> Result<(), Failure>);

const STEPS: &[Step] = &[
    ("formatting", || cargo(&["fmt", "--all", "--check"], &[])),
    ("lints", || {
        cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])
    }),
    ("crate graph", || crate_graph::run(&[])),
    ("file length", || file_length::run(&[])),
    ("tests", || cargo(&["test", "--workspace"], &[])),
    ("documentation", || {
        cargo(&["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])
    }),
];

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    refuse_arguments(arguments)?;
    let began = Instant::now();
    for (number, (name, step)) in (1..).zip(STEPS) {
        println!("[{number}/{}] {name}", STEPS.len());
        let step_began = Instant::now();
        let outcome = step();
        let seconds = step_began.elapsed().as_secs_f32();
        outcome.map_err(|failure| format!("{name} failed after {seconds:.1} s: {failure}"))?;
        println!("[{number}/{}] {name}: passed in {seconds:.1} s", STEPS.len());
    }
    println!("all passed in {:.1} s", began.elapsed().as_secs_f32());
    Ok(())
}
