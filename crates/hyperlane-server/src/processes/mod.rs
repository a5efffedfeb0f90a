//! Several processes that serve the same addresses: a supervisor that binds them and accepts nothing, and workers that
//! serve. It stands before the first step of the walk: in a worker, everything goes on from there as in a single
//! process.
//!
//! The program is written once, and runs in all of them. In the first process, [`serve`](crate::serve) starts the
//! workers: the same executable with the same arguments, an environment that says which worker it is (`worker.rs`),
//! and the listening sockets under the names by which a successor gets them too (`hand_over.rs`, `inherited.rs`). When
//! such a process comes to `serve`, it finds the sockets and serves.
//!
//! Between the supervisor and each worker there is a line, a pair of connected sockets. By it the worker is told how to
//! end, and it breaks with the supervisor: no worker outlives it for long. It works where `PR_SET_PDEATHSIG` would
//! not: that signal comes already when the *thread* ends that started the process, and only Linux has it.

mod death;
mod folder;
mod handle;
mod line;
mod settings;
mod start;
mod team;
mod worker;

pub use death::WorkersFailed;
pub use settings::{Accept, Processes};
pub use worker::{Worker, worker};

pub(crate) use handle::Part;
pub(crate) use team::supervise;
