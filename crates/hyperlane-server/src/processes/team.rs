//! The supervisor: it has the sockets, starts the workers, keeps each of them alive, and ends them.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::death::{Deaths, WorkersFailed};
use super::folder::RunFolder;
use super::line::Word;
use super::start::{Running, Start, describe, start};
use super::{Accept, Processes};
use crate::handle::spawn_boxed;
use crate::listener::{Listener, ListeningSocket, Provenance, SocketFile};
use crate::{Config, ServeError, ServerHandle, supervisor};

/// What a worker gets to end once it was told to close everything.
const KILL_AFTER: Duration = Duration::from_secs(2);

/// The workers of a server. It is shared by the tasks of which each keeps one alive.
#[derive(Debug)]
pub(crate) struct Team {
    processes: Processes,
    folder: RunFolder,
    /// `None` once it ends: a socket listens until its last descriptor is closed.
    doors: Mutex<Option<Doors>>,
    /// Process ids; 0 where a worker is missing just now.
    ids: Mutex<Vec<u32>>,
    failure: Mutex<Option<WorkersFailed>>,
    /// Workers that have ended for good.
    left: AtomicUsize,
}

/// Where clients come in, and what of it lies in the file system.
#[derive(Debug)]
struct Doors {
    sockets: Vec<Door>,
    files: Vec<SocketFile>,
}

#[derive(Debug)]
struct Door {
    name: String,
    socket: ListeningSocket,
    /// Which one it is of those among which the kernel spreads connections. `None`: all workers have it.
    place: Option<usize>,
    /// Whether the service manager goes on with it.
    stays: bool,
}

impl Door {
    /// From now on the kernel takes at most one more connection: the workers are about to look for the last time.
    fn narrow(&self) {
        #[cfg(target_os = "linux")]
        if let (ListeningSocket::Tcp(socket), false) = (&self.socket, self.stays) {
            let _ = socket2::SockRef::from(socket).listen(0);
        }
        let _ = self.stays;
    }
}

/// Starts the workers, and keeps them alive until the handle's shutdown. What comes in on `listeners` is theirs.
pub(crate) async fn supervise(
    listeners: Vec<Listener>,
    config: &Config,
    processes: Processes,
) -> Result<ServerHandle, ServeError> {
    let failed = |what: &dyn std::fmt::Display| ServeError::workers(WorkersFailed::new(what.to_string()));
    let claim = Claim::take().map_err(|error| failed(&error))?;
    let by_inheritance = listeners.iter().any(Listener::is_inherited);
    let folder = RunFolder::new(processes.folder.as_deref()).map_err(|error| failed(&error))?;
    let handle = ServerHandle::new(&listeners, config);
    let count = processes.count.max(1);
    let team = Arc::new(Team {
        doors: Mutex::new(Some(Doors::of(listeners, &processes))),
        folder,
        processes,
        ids: Mutex::new(vec![0; count]),
        failure: Mutex::new(None),
        left: AtomicUsize::new(0),
    });
    handle.become_supervisor(&team);
    let mut starting = JoinSet::new();
    for number in 0..count {
        let team = Arc::clone(&team);
        starting.spawn(async move { (number, team.start(number).await) });
    }
    let mut running = Vec::with_capacity(count);
    while let Some(started) = starting.join_next().await {
        let why = match started {
            Ok((number, Ok(worker))) => {
                running.push((number, worker));
                continue;
            }
            Ok((number, Err(why))) => format!("worker {number} of {count} {why}"),
            Err(error) => error.to_string(),
        };
        // The others are killed, those that are on their way with their tasks. But where the sockets are a
        // predecessor's, who goes on, they have connections of its clients, which they finish.
        starting.shutdown().await;
        let patience = match by_inheritance {
            true => config.shutdown_deadline.saturating_add(KILL_AFTER),
            false => Duration::ZERO,
        };
        let mut ending = JoinSet::new();
        for (_, mut worker) in running {
            ending.spawn(async move {
                Word::Leave.say(&worker.line);
                send(worker.id, Signal::SIGTERM);
                if timeout(patience, worker.wait()).await.is_err() {
                    worker.kill().await;
                }
            });
        }
        while ending.join_next().await.is_some() {}
        team.folder.remove();
        return Err(failed(&why));
    }
    claim.keep();
    for (number, worker) in running {
        let listening = handle.shutdown_state().listening();
        let (team, handle) = (Arc::clone(&team), handle.clone());
        spawn_boxed(async move {
            team.keep(number, worker, &handle).await;
            team.leave(number, &handle);
            drop(listening);
        });
    }
    pass_on_hangup(&team, &handle);
    tracing::info!(workers = count, folder = %team.folder.path().display(), "the workers serve");
    supervisor::say_ready(by_inheritance);
    Ok(handle)
}

/// One server of a program has workers: in these, the first one that is run is that one.
struct Claim(bool);

static CLAIMED: AtomicBool = AtomicBool::new(false);

impl Claim {
    fn take() -> io::Result<Self> {
        if CLAIMED.swap(true, Ordering::AcqRel) {
            return Err(io::Error::other(
                "a program may have one server with `processes`: give that one all addresses",
            ));
        }
        Ok(Self(false))
    }

    fn keep(mut self) {
        self.0 = true;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.0 {
            CLAIMED.store(false, Ordering::Release);
        }
    }
}

impl Team {
    /// Process ids of the workers that run.
    pub(crate) fn ids(&self) -> Vec<u32> {
        self.lock_ids().iter().copied().filter(|id| *id != 0).collect()
    }

    /// Why the server has ended, if its workers could not be kept alive.
    pub(crate) fn failure(&self) -> Option<WorkersFailed> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn start(&self, number: usize) -> Result<Running, String> {
        let running = start(Start {
            number,
            count: self.processes.count,
            folder: self.folder.path(),
            sockets: self.sockets(number)?,
            ready_timeout: self.processes.ready_timeout,
        });
        let running = running.await?;
        tracing::debug!(worker = number, pid = running.id, "a worker serves");
        self.set_id(number, running.id);
        Ok(running)
    }

    /// Keeps a worker alive until the server drains, and then ends it.
    async fn keep(&self, number: usize, first: Running, server: &ServerHandle) {
        let shutdown = server.shutdown_state();
        let count = self.processes.count;
        let mut deaths = Deaths::new(&self.processes);
        let mut worker = Some(first);
        loop {
            let (lived, last) = match &mut worker {
                Some(running) => {
                    let status = tokio::select! {
                        status = running.wait() => status,
                        () = shutdown.draining() => {
                            return self.end(running, server).await;
                        }
                    };
                    self.set_id(number, 0);
                    if status
                        .as_ref()
                        .is_ok_and(|status| status.signal() == Some(Signal::SIGHUP as i32))
                    {
                        tracing::info!(worker = number, "ended by a hang-up, and so does the server");
                        return server.drain();
                    }
                    (running.since.elapsed(), describe(&status))
                }
                None => (Duration::ZERO, "before it served".to_owned()),
            };
            worker = None;
            let Some(delay) = deaths.count(lived) else {
                let failure = deaths.failure(number, count, &last);
                tracing::error!(%failure, "ending the server");
                self.failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(failure);
                return server.drain();
            };
            tracing::warn!(
                worker = number,
                ?lived,
                ?delay,
                "a worker has ended ({last}): starting it again"
            );
            let again = async {
                sleep(delay).await;
                self.start(number).await
            };
            tokio::select! {
                started = again => match started {
                    Ok(running) => worker = Some(running),
                    Err(why) => tracing::warn!(worker = number, "a worker {why}"),
                },
                () = shutdown.draining() => return,
            }
        }
    }

    /// Has a worker finish what it has in hand; kills it where it does not end.
    async fn end(&self, worker: &mut Running, server: &ServerHandle) {
        // Before it takes what waits, so that none comes behind its last look.
        self.close_doors(server);
        match server.others_go_on() {
            true => Word::Leave.say(&worker.line),
            false => Word::Stop.say(&worker.line),
        }
        // For programs that wait for it, and not for the end of their server.
        send(worker.id, Signal::SIGTERM);
        tokio::select! {
            _ = worker.wait() => return,
            () = server.shutdown_state().closing() => Word::Close.say(&worker.line),
        }
        if timeout(KILL_AFTER, worker.wait()).await.is_err() {
            tracing::warn!(pid = worker.id, "a worker does not end: killing it");
            worker.kill().await;
        }
    }

    /// What is left to do behind a worker that is not started again, and behind the last one.
    fn leave(&self, number: usize, server: &ServerHandle) {
        self.set_id(number, 0);
        self.close_doors(server);
        if self.left.fetch_add(1, Ordering::AcqRel) + 1 == self.processes.count {
            self.folder.remove();
        }
    }

    /// The sockets of one worker.
    fn sockets(&self, number: usize) -> Result<Vec<(String, OwnedFd)>, String> {
        let doors = self.lock_doors();
        let Some(doors) = &*doors else {
            return Err("is not started: the server ends".to_owned());
        };
        let workers = self.processes.count.max(1);
        let its = |door: &&Door| door.place.is_none_or(|place| place % workers == number);
        let sockets = doors.sockets.iter().filter(its);
        let sockets = sockets.map(|door| Ok((door.name.clone(), door.socket.try_clone()?.into())));
        sockets
            .collect::<io::Result<Vec<_>>>()
            .map_err(|error| format!("can't be given its sockets: {error}"))
    }

    /// Stops listening, as far as it is up to the supervisor.
    fn close_doors(&self, server: &ServerHandle) {
        let Some(doors) = self.lock_doors().take() else {
            return;
        };
        if !server.others_go_on() {
            doors.sockets.iter().for_each(Door::narrow);
        }
        for file in &doors.files {
            match server.others_go_on() {
                true => file.keep(),
                false => file.remove(),
            }
        }
    }

    fn set_id(&self, number: usize, id: u32) {
        if let Some(place) = self.lock_ids().get_mut(number) {
            *place = id;
        }
    }

    fn lock_ids(&self) -> MutexGuard<'_, Vec<u32>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_doors(&self) -> MutexGuard<'_, Option<Doors>> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Doors {
    /// Of all listeners but their ways in over UDP: these are bound by the workers.
    fn of(listeners: Vec<Listener>, processes: &Processes) -> Self {
        let mut doors = Self {
            sockets: Vec::with_capacity(listeners.len()),
            files: Vec::new(),
        };
        for listener in listeners {
            let own_queue = processes.accept == Accept::PerProcess
                && matches!(listener.socket, ListeningSocket::Tcp(_))
                && listener.gate.provenance != Provenance::Supervisor;
            let place = own_queue.then(|| doors.sockets.iter().filter(|door| door.name == listener.name).count());
            let stays = listener.gate.provenance == Provenance::Supervisor;
            doors
                .files
                .extend(Arc::into_inner(listener.gate).and_then(|gate| gate.file));
            doors.sockets.push(Door {
                name: listener.name,
                socket: listener.socket,
                place,
                stays,
            });
        }
        doors
    }
}

/// A hang-up has the workers read their files again, as it would one process.
fn pass_on_hangup(team: &Arc<Team>, server: &ServerHandle) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        return;
    };
    let (team, server) = (Arc::clone(team), server.clone());
    spawn_boxed(async move {
        loop {
            tokio::select! {
                _ = hangup.recv() => team.ids().into_iter().for_each(|id| send(id, Signal::SIGHUP)),
                () = server.ended() => return,
            }
        }
    });
}

fn send(id: u32, signal: Signal) {
    // 0 and what is no process id would mean more than one process.
    let Some(id) = i32::try_from(id).ok().filter(|id| *id > 1) else {
        return;
    };
    if let Err(error) = kill(Pid::from_raw(id), signal) {
        tracing::debug!(%error, pid = id, %signal, "a worker can't be sent a signal");
    }
}
