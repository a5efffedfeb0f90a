//! A server as a child process: started on a free port, stopped by its id.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Failure;
use crate::catalog::Entry;
use crate::http::Connection;
use crate::installation::Installation;
use crate::usage;

const START_WITHIN: Duration = Duration::from_secs(20);
/// Its threads may still be starting when it listens.
const DRIVER_WITHIN: Duration = Duration::from_secs(1);
/// Time to finish by itself once it was asked to.
const STOP_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);
/// What is kept of its error output, to tell why it failed.
const KEPT_LINES: usize = 5;

/// A running server; it ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts it and waits until it accepts connections.
    pub(crate) fn start(installation: &Installation) -> Result<Self, Failure> {
        Self::start_under(installation, &[], &[])
    }

    /// Starts it as the last argument of another program, with further variables.
    pub(crate) fn start_under(
        installation: &Installation,
        wrapper: &[&str],
        variables: &[(&str, String)],
    ) -> Result<Self, Failure> {
        let port = free_port()?;
        let mut command = match wrapper {
            [] => Command::new(&installation.program),
            [wrapper, arguments @ ..] => {
                let mut command = Command::new(wrapper);
                command.args(arguments).arg(&installation.program);
                command
            }
        };
        command.args(&installation.arguments);
        command.envs(installation.entry.environment.iter().copied());
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.env("PORT", port.to_string());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("it can't be started: {error}"))?;
        let listening = child.stdout.take().map(announcement);
        let errors = child.stderr.take().map(last_lines);
        let mut server = Self { child, port };
        server
            .wait_until_listening(listening)
            .and_then(|()| server.wait_for_driver(installation.entry))
            .map_err(|failure| {
                let lines = errors.map(|lines| {
                    lines
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .make_contiguous()
                        .join("; ")
                });
                match lines {
                    Some(lines) if !lines.is_empty() => format!("{failure}: {lines}"),
                    _ => failure,
                }
            })?;
        Ok(server)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its process and those that it started.
    pub(crate) fn family(&self) -> Vec<u32> {
        usage::family(self.child.id())
    }

    /// Asks it to end, and ends it when it does not.
    pub(crate) fn stop(mut self) {
        self.end();
    }

    fn wait_until_listening(&mut self, announcement: Option<Receiver<()>>) -> Result<(), Failure> {
        let began = Instant::now();
        if announcement.is_none_or(|announcement| announcement.recv_timeout(START_WITHIN).is_err()) {
            return Err("it did not say that it listens".into());
        }
        // Some say so before they bind.
        loop {
            match Connection::open(self.port) {
                Ok(_) => return Ok(()),
                Err(error) if began.elapsed() > START_WITHIN => return Err(format!("it does not listen: {error}")),
                Err(_) => thread::sleep(POLL),
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("it ended with {status}"));
            }
        }
    }

    /// A server that falls back to another driver must not be shown as what it was asked to be.
    fn wait_for_driver(&self, entry: &Entry) -> Result<(), Failure> {
        let began = Instant::now();
        while entry.is_on_io_uring() && !usage::has_io_uring(&self.family()) {
            if began.elapsed() > DRIVER_WITHIN {
                return Err("it runs without io_uring here, which the kernel or its build may lack".into());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn end(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let descendants: Vec<_> = self
            .family()
            .into_iter()
            .skip(1)
            .map(|pid| (pid, usage::start_time(pid)))
            .collect();
        signal(self.child.id(), Signal::TERM);
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && began.elapsed() < STOP_WITHIN {
            thread::sleep(POLL);
        }
        // Both fail when it is over, which is what is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
        for (pid, started) in descendants {
            // The id may have been given to another process in the meantime.
            if started.is_some() && usage::start_time(pid) == started {
                signal(pid, Signal::KILL);
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn free_port() -> Result<u16, Failure> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    port.map(|address| address.port())
        .map_err(|error| format!("no port is free: {error}"))
}

/// Tells when the line comes, and reads on, so that the server never waits for us to read.
fn announcement(stdout: impl Read + Send + 'static) -> Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if line.starts_with("listening on ") {
                // Nobody may wait any more.
                sender.send(()).ok();
            }
        }
    });
    receiver
}

fn last_lines(stderr: impl Read + Send + 'static) -> Arc<Mutex<VecDeque<String>>> {
    let kept = Arc::new(Mutex::new(VecDeque::new()));
    let lines = Arc::clone(&kept);
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() == KEPT_LINES {
                lines.pop_front();
            }
            lines.push_back(line);
        }
    });
    kept
}

fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It fails when the process is over, which is what is wanted.
        kill_process(pid, signal).ok();
    }
}
