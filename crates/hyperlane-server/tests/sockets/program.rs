//! A real program that serves: this test's own binary, started again. `program` is a test that is nothing but that
//! program where the environment says so.
#![cfg(unix)]

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use hyperlane_server::processes::{self, Accept, Processes};
use hyperlane_server::{Config, Listen, Runtime, ServerHandle, serve};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::App;

const LISTEN: &str = "HYPERLANE_TEST_LISTEN";
/// Where its successor listens, if it is elsewhere.
pub(crate) const NEXT: &str = "HYPERLANE_TEST_NEXT";
/// How many processes: `3`, `3 own queues`.
pub(crate) const PROCESSES: &str = "HYPERLANE_TEST_PROCESSES";
/// Connections at once.
pub(crate) const ROOM: &str = "HYPERLANE_TEST_ROOM";
/// Milliseconds for a shutdown.
pub(crate) const DEADLINE: &str = "HYPERLANE_TEST_DEADLINE";
/// While this file is there, workers end as soon as they have begun.
pub(crate) const CRASH: &str = "HYPERLANE_TEST_CRASH";
/// A file with a chain and its key, for what comes over TCP.
pub(crate) const CERTIFICATE: &str = "HYPERLANE_TEST_CERTIFICATE";
const RUNTIME: &str = "HYPERLANE_TEST_RUNTIME";

/// Where a test asks for it: serves until it is told to stop, or to replace itself. Call it in a test `program`.
pub(crate) fn be_the_program() {
    let Ok(listen) = std::env::var(LISTEN) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut config = Config::default();
        config.threads = Some(2);
        config.runtime = match std::env::var(RUNTIME).as_deref() {
            Ok("PerCore") => Runtime::PerCore,
            Ok("IoUring") => Runtime::IoUring,
            _ => Runtime::Shared,
        };
        if let Ok(processes) = std::env::var(PROCESSES) {
            config.processes = Some(processes_of(&processes));
        }
        if let Some(deadline) = std::env::var(DEADLINE).ok().and_then(|millis| millis.parse().ok()) {
            config.shutdown_deadline = Duration::from_millis(deadline);
        }
        if let Some(room) = std::env::var(ROOM).ok().and_then(|room| room.parse().ok()) {
            config.max_connections = room;
        }
        if processes::worker().is_some()
            && std::env::var_os(CRASH).is_some_and(|path| std::path::Path::new(&path).exists())
        {
            std::process::exit(7);
        }
        let mut replace = signal(SignalKind::user_defined2()).expect("a signal");
        let app = Arc::new(App::default());
        let mut servers = Vec::new();
        for addresses in listen.split('|') {
            let mut listeners = Vec::new();
            for address in addresses.split(' ') {
                match listen_on(address).bind(&config).await {
                    Ok(more) => listeners.extend(more),
                    Err(error) => {
                        eprintln!("{error}");
                        std::process::exit(2);
                    }
                }
            }
            match serve(listeners, Arc::clone(&app), config.clone()).await {
                Ok(handle) => servers.push(handle),
                Err(error) => {
                    eprintln!("{error}");
                    std::process::exit(3);
                }
            }
        }
        let next = std::env::var(NEXT).unwrap_or(listen);
        loop {
            tokio::select! {
                () = app.stop.notified() => {
                    for server in servers {
                        server.shutdown().await;
                    }
                    return;
                }
                () = servers[0].wait() => {
                    if let Err(error) = servers[0].outcome() {
                        eprintln!("{error}");
                        std::process::exit(4);
                    }
                    return;
                }
                () = async { tokio::select! { () = app.replace.notified() => {}, _ = replace.recv() => {} } } => {
                    match ServerHandle::hand_over_all(&servers, command_of(&next, "")).await {
                        Ok(()) => return,
                        Err(error) => eprintln!("goes on, since {error}"),
                    }
                }
            }
        }
    });
}

/// With a certificate, where there is one for the program.
fn listen_on(address: &str) -> Listen {
    let listen = Listen::from(address);
    match std::env::var(CERTIFICATE) {
        Ok(file) if !address.starts_with("unix:") => listen.tls(hyperlane_server::Tls::pem_files(&file, &file)),
        _ => listen,
    }
}

fn processes_of(text: &str) -> Processes {
    let (count, rest) = text.split_once(' ').unwrap_or((text, ""));
    let accept = match rest {
        "own queues" => Accept::PerProcess,
        _ => Accept::Shared,
    };
    Processes::new(count.parse().expect("a number"))
        .accept(accept)
        .deaths(4, Duration::from_secs(30))
}

/// The program, listening on these addresses, separated by blanks; those of several servers by `|`. `runtime` is empty for the same as this one.
pub(crate) fn command_of(listen: &str, runtime: &str) -> Command {
    let binary = std::env::current_exe().expect("a binary");
    // What runs the tests may ignore hang-ups (`nohup`), and its children would too.
    let mut command = if cfg!(target_os = "linux") {
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP").arg(binary);
        command
    } else {
        Command::new(binary)
    };
    command
        .args(["--exact", "program", "--nocapture", "--test-threads=1"])
        .env(LISTEN, listen)
        .stdout(Stdio::null());
    if !runtime.is_empty() {
        command.env(RUNTIME, runtime);
    }
    command
}

/// A program that is stopped with its test, however that ends.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.start_kill();
    }
}
