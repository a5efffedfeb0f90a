//! Python's httpx, in one process on one connection.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::output;
use crate::program::{Program, missing};
use crate::script::Outcome;

pub(crate) struct Httpx {
    python: PathBuf,
}

impl Httpx {
    /// With HTTP/2 it comes from Python's registry: of the virtual environment that `HYPERLANE_PYTHON_TOOLS` names, or of
    /// the system.
    pub(crate) fn find(test: &str) -> Option<Self> {
        let own = env::var_os("HYPERLANE_PYTHON_TOOLS").map(|folder| Path::new(&folder).join("python3"));
        let found = own.into_iter().chain([PathBuf::from("python3")]).find(|python| {
            let import = Command::new(python).args(["-c", "import httpx, h2"]).output();
            import.is_ok_and(|output| output.status.success())
        });
        if found.is_none() {
            missing("Python's httpx with HTTP/2 (`pip install httpx[http2]`)", test);
        }
        found.map(|python| Self { python })
    }

    pub(crate) fn run(&self, base: &str, version: &str, program: &Program) -> Outcome {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(&self.python);
        command
            .arg(folder.join("tests/every_protocol/clients/walk.py"))
            .arg(base);
        command.arg(folder.join("src/script.json")).arg(version);
        let printed = output(command.arg(program.certificate())).stdout;
        serde_json::from_slice(&printed).expect("it prints JSON")
    }
}
