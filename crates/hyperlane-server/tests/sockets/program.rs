//! A real program that serves: this test's own binary, started again. `program` is a test that is nothing but that
//! program where the environment says so.
#![cfg(unix)]

use std::process::Stdio;
use std::sync::Arc;

use hyperlane_server::{Config, Listen, Runtime, ServerHandle, serve};
use tokio::process::{Child, Command};

use super::App;

const LISTEN: &str = "HYPERLANE_TEST_LISTEN";
/// Where its successor listens, if it is elsewhere.
pub(crate) const NEXT: &str = "HYPERLANE_TEST_NEXT";
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
        let app = Arc::new(App::default());
        let mut servers = Vec::new();
        for addresses in listen.split('|') {
            let mut listeners = Vec::new();
            for address in addresses.split(' ') {
                match Listen::from(address).bind(&config).await {
                    Ok(more) => listeners.extend(more),
                    Err(error) => {
                        eprintln!("{error}");
                        std::process::exit(2);
                    }
                }
            }
            let handle = serve(listeners, Arc::clone(&app), config.clone()).await;
            servers.push(handle.expect("it can serve"));
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
                () = servers[0].wait() => return,
                () = app.replace.notified() => {
                    match ServerHandle::hand_over_all(&servers, command_of(&next, "")).await {
                        Ok(()) => return,
                        Err(error) => eprintln!("goes on, since {error}"),
                    }
                }
            }
        }
    });
}

/// The program, listening on these addresses, separated by blanks; those of several servers by `|`. `runtime` is empty for the same as this one.
pub(crate) fn command_of(listen: &str, runtime: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a binary"));
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
