//! Several processes that serve one address, with real ones: they share the work, one that dies is replaced, and all end
//! together.
#![cfg(target_os = "linux")]

mod authority;
mod sockets;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use authority::Authority;
use hyperlane_server::processes::{Processes, worker};
use hyperlane_server::{Config, Listen, serve};
use sockets::program::{CERTIFICATE, CRASH, DEADLINE, PROCESSES, ROOM, Running, be_the_program, command_of};
use sockets::{App, Folder, GATE, PATIENCE, ask, waits_for_signals};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{sleep, timeout};

const CLIENTS: usize = 32;

#[test]
fn program() {
    be_the_program();
}

/// A program with workers, on a port and a Unix socket of its own.
struct Several {
    folder: Folder,
    address: SocketAddr,
    supervisor: Running,
}

impl Several {
    async fn start(name: &str, processes: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_on("", name, processes, settings).await
    }

    async fn start_on(runtime: &str, name: &str, processes: &str, settings: &[(&str, &str)]) -> Self {
        let folder = Folder::new(name);
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let address = port.expect("a free port");
        let mut command = command_of(&format!("{address} unix:{}", folder.file("s").display()), runtime);
        command
            .env(PROCESSES, processes)
            .env(GATE, folder.file("go"))
            .env(CRASH, folder.file("crash"))
            .env("XDG_RUNTIME_DIR", &folder.0)
            .stderr(Stdio::piped());
        for (name, value) in settings {
            command.env(name, value);
        }
        let supervisor = Running(command.spawn().expect("it can be started"));
        let several = Self {
            folder,
            address,
            supervisor,
        };
        // It waits for signals as soon as all workers serve.
        until("all workers serve", || waits_for_signals(several.id())).await;
        several
    }

    fn id(&self) -> u32 {
        self.supervisor.0.id().expect("it runs")
    }

    async fn connect(&self) -> TcpStream {
        let connected = async {
            loop {
                match TcpStream::connect(self.address).await {
                    Ok(client) => return client,
                    Err(_) => sleep(Duration::from_millis(5)).await,
                }
            }
        };
        timeout(PATIENCE, connected).await.expect("it listens")
    }

    /// Who serves a new connection: id, supervisor's id, number, count, folder.
    async fn who(&self) -> Vec<String> {
        let answer = ask(self.connect().await, b"", "/worker").await.expect("an answer");
        answer.split(' ').map(str::to_owned).collect()
    }

    /// Connections that stay open, until each worker has one; only where a worker has room for one.
    async fn one_connection_each(&self, count: usize) -> HashMap<u32, TcpStream> {
        let mut open = HashMap::new();
        for _ in 0..count {
            let mut client = self.connect().await;
            let id = exchange(&mut client, "/pid").await.expect("an answer");
            let before = open.insert(id.parse().expect("an id"), client);
            assert!(before.is_none(), "a worker that is full has taken one more");
        }
        open
    }

    /// How the supervisor has ended, and what was said.
    async fn ended(&mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        if let Some(stderr) = &mut self.supervisor.0.stderr {
            timeout(PATIENCE, stderr.read_to_string(&mut said))
                .await
                .expect("all end")
                .expect("text");
        }
        let status = timeout(PATIENCE, self.supervisor.0.wait()).await.expect("it ends");
        (status.expect("a child").code(), said)
    }
}

fn send(signal: &str, id: u32) {
    let sent = std::process::Command::new("kill")
        .args([signal, &id.to_string()])
        .stderr(Stdio::null())
        .status();
    sent.expect("a program of every unix");
}

/// Whether a process runs, and is not only waited for.
fn runs(id: u32) -> bool {
    let output = std::process::Command::new("ps")
        .args(["-o", "stat=", "-p", &id.to_string()])
        .output();
    let output = output.expect("a program of every unix").stdout;
    let state = String::from_utf8_lossy(&output).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what}"));
}

/// Asks on a connection that stays open; returns the body.
async fn exchange(client: &mut TcpStream, path: &str) -> Result<String, String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
    let sent = client.write_all(request.as_bytes()).await;
    sent.map_err(|error| format!("while asking: {error}"))?;
    answer(client).await
}

async fn answer(client: &mut TcpStream) -> Result<String, String> {
    let mut received = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&received).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next());
            if length.and_then(|digits| digits.parse().ok()) == Some(body.len()) {
                return Ok(body.to_owned());
            }
        }
        let read = timeout(PATIENCE, client.read_buf(&mut received))
            .await
            .expect("in time");
        if read.map_err(|error| format!("while waiting: {error}"))? == 0 {
            return Err(format!("closed after {text:?}"));
        }
    }
}

#[tokio::test]
async fn all_workers_answer_on_one_port_and_one_that_is_full_leaves_connections_to_the_others() {
    let mut several = Several::start("share", "3", &[(ROOM, "1")]).await;
    let open = several.one_connection_each(3).await;
    drop(open);
    let who = several.who().await;
    assert_eq!(
        who[1],
        several.id().to_string(),
        "its parent is the supervisor: {who:?}"
    );
    assert_eq!(who[3], "3");
    let run_folder = Path::new(&who[4]).to_owned();
    assert!(run_folder.starts_with(&several.folder.0) && run_folder.is_dir());
    let client = UnixStream::connect(several.folder.file("s")).await.expect("listening");
    assert!(ask(client, b"", "/worker").await.is_ok());
    send("-TERM", several.id());
    assert_eq!(several.ended().await.0, Some(0));
    assert!(!several.folder.file("s").exists());
    assert!(!run_folder.exists());
}

#[tokio::test]
async fn with_a_queue_for_each_the_kernel_spreads_connections() {
    let mut several = Several::start("own", "3 own queues", &[]).await;
    let mut numbers = HashSet::new();
    for _ in 0..200 {
        numbers.insert(several.who().await[2].clone());
    }
    assert_eq!(numbers.len(), 3, "200 connections");
    // A forgotten server must not get a part of the connections.
    let mut second = command_of(&several.address.to_string(), "");
    second.env(PROCESSES, "2 own queues").stderr(Stdio::null());
    let status = Running(second.spawn().expect("it can be started")).0.wait().await;
    assert_eq!(status.expect("a child").code(), Some(2), "the port is taken");
    send("-TERM", several.id());
    assert_eq!(several.ended().await.0, Some(0));
}

#[tokio::test]
async fn a_killed_worker_takes_only_its_own_connections_with_it() {
    for (name, processes) in [("kill", "3"), ("kill-own", "3 own queues")] {
        let mut several = Several::start(name, processes, &[]).await;
        let victim = several.who().await;
        let victim: u32 = victim[0].parse().expect("an id");
        let dead = Arc::new(AtomicBool::new(false));
        let over = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (dead, over, answered) = (Arc::clone(&dead), Arc::clone(&over), Arc::clone(&answered));
                let address = several.address;
                tokio::spawn(async move {
                    let mut lost = 0;
                    while !over.load(Ordering::Relaxed) {
                        let after = dead.load(Ordering::SeqCst);
                        let mut client = TcpStream::connect(address)
                            .await
                            .map_err(|error| format!("refused: {error}"))?;
                        let mut served_by = None;
                        // Half of the clients keep their connections.
                        for _ in 0..(1 + 1000 * (number % 2)) {
                            match exchange(&mut client, "/pid").await {
                                Ok(id) => served_by = Some(id),
                                Err(why) if after => return Err(format!("{why}, on a new connection")),
                                Err(_) if served_by.as_deref().is_none_or(|id| id == victim.to_string()) => {
                                    lost += 1;
                                    break;
                                }
                                Err(why) => return Err(format!("{why}, from {served_by:?} that was not killed")),
                            }
                            answered.fetch_add(1, Ordering::Relaxed);
                            if over.load(Ordering::Relaxed) {
                                break;
                            }
                        }
                    }
                    Ok(lost)
                })
            })
            .collect();
        let more = |than: usize| {
            let answered = Arc::clone(&answered);
            async move { until("requests are answered", || answered.load(Ordering::Relaxed) > than).await }
        };
        more(500).await;
        send("-KILL", victim);
        until("it is dead", || !runs(victim)).await;
        dead.store(true, Ordering::SeqCst);
        more(answered.load(Ordering::Relaxed) + 1000).await;
        over.store(true, Ordering::Relaxed);
        for client in clients {
            let lost = timeout(PATIENCE, client).await.expect("in time").expect("no panic");
            let lost = lost.expect("nothing of the others' is lost");
            assert!(lost <= 1, "one request at a time was in hand");
        }
        let mut ids = HashSet::new();
        let all_there = async {
            while ids.len() < 3 {
                ids.insert(several.who().await[0].clone());
                assert!(!ids.contains(&victim.to_string()));
            }
        };
        timeout(PATIENCE, all_there).await.expect("a new one has come");
        send("-TERM", several.id());
        assert_eq!(several.ended().await.0, Some(0));
    }
}

#[tokio::test]
async fn a_worker_that_is_told_to_end_finishes_what_it_has_and_is_replaced() {
    let mut several = Several::start("leave", "1", &[]).await;
    let before = several.who().await;
    let mut held = several.connect().await;
    held.write_all(b"GET /hold HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    send("-TERM", before[0].parse().expect("an id"));
    std::fs::write(several.folder.file("go"), "").expect("a place");
    assert_eq!(answer(&mut held).await, Ok(before[0].clone()));
    let replaced = async {
        loop {
            let client = several.connect().await;
            match ask(client, b"", "/pid").await {
                Ok(id) if id != before[0] => return,
                _ => {}
            }
        }
    };
    timeout(PATIENCE, replaced).await.expect("a new one has come");
    assert!(several.folder.file("s").exists(), "the supervisor has it");
    send("-TERM", several.id());
    assert_eq!(several.ended().await.0, Some(0));
}

#[tokio::test]
async fn a_crash_loop_is_given_up_and_told() {
    let mut several = Several::start("loop", "2", &[]).await;
    let who = several.who().await;
    std::fs::write(several.folder.file("crash"), "").expect("a place");
    send("-KILL", who[0].parse().expect("an id"));
    let (code, said) = several.ended().await;
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("has died 5 times within 30s"), "{said}");
    assert!(
        TcpStream::connect(several.address).await.is_err(),
        "nobody serves any more"
    );
    assert!(!Path::new(&who[4]).exists() && !several.folder.file("s").exists());
}

#[tokio::test]
async fn a_program_that_can_not_begin_is_an_error_of_its_start() {
    let folder = Folder::new("begin");
    std::fs::write(folder.file("crash"), "").expect("a place");
    let mut command = command_of("127.0.0.1:0", "");
    command
        .env(PROCESSES, "2")
        .env(CRASH, folder.file("crash"))
        .env("XDG_RUNTIME_DIR", &folder.0)
        .stderr(Stdio::piped());
    let output = timeout(PATIENCE, command.output())
        .await
        .expect("it ends")
        .expect("a child");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("worker") && said.contains("exit status: 7"), "{said}");
    let left = std::fs::read_dir(&folder.0).expect("it is there").count();
    assert_eq!(left, 1, "the folder of the run is removed");
}

#[tokio::test]
async fn a_stop_signal_has_all_workers_finish_what_they_have_in_hand() {
    let mut several = Several::start("drain", "3", &[(ROOM, "1")]).await;
    let mut open = several.one_connection_each(3).await;
    for client in open.values_mut() {
        let asked = client.write_all(b"GET /hold HTTP/1.1\r\nhost: a\r\n\r\n").await;
        asked.expect("open");
    }
    // One more that no worker has room for: it waits in the kernel, and counts as accepted.
    let mut waiting = several.connect().await;
    waiting
        .write_all(b"GET /hold HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    let files = || several.folder.file("s").exists();
    until("it listens", files).await;
    send("-TERM", several.id());
    until("it listens no more", || !files()).await;
    std::fs::write(several.folder.file("go"), "").expect("a place");
    for (id, client) in &mut open {
        assert_eq!(answer(client).await, Ok(id.to_string()), "it was in hand");
    }
    assert!(answer(&mut waiting).await.is_ok(), "it was accepted by the kernel");
    assert_eq!(several.ended().await.0, Some(0));
    assert!(!open.into_keys().any(runs));
}

#[tokio::test]
async fn workers_end_in_good_order_when_their_supervisor_is_killed() {
    let mut several = Several::start("orphans", "3", &[(ROOM, "1")]).await;
    let mut open = several.one_connection_each(3).await;
    let folder = std::fs::read_dir(&several.folder.0).expect("it is there");
    let run_folder = folder.flatten().map(|entry| entry.path()).find(|path| path.is_dir());
    let run_folder = run_folder.expect("the folder of the run");
    for client in open.values_mut() {
        client
            .write_all(b"GET /hold HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .expect("open");
    }
    send("-KILL", several.id());
    until("they have heard of it", || !run_folder.exists()).await;
    std::fs::write(several.folder.file("go"), "").expect("a place");
    for (id, client) in &mut open {
        assert_eq!(answer(client).await, Ok(id.to_string()));
    }
    // All of them have closed what the supervisor's standard error was.
    assert_eq!(several.ended().await.0, None);
    for id in open.into_keys() {
        until("it ends", || !runs(id)).await;
    }
}

#[tokio::test]
async fn all_workers_speak_tls_and_read_a_new_certificate_at_a_hang_up() {
    let files = Folder::new("certificate");
    let file = files.file("site.pem");
    let (old, new) = (Authority::new(), Authority::new());
    let write = |authority: &Authority| {
        let issued = authority.issue(&["site.test"]);
        std::fs::write(&file, issued.chain + &issued.key).expect("a place");
    };
    write(&old);
    let path = file.display().to_string();
    let mut several = Several::start("tls", "2", &[(CERTIFICATE, &path)]).await;
    let over_tls = async |authority: &Authority| {
        let connector = tokio_rustls::TlsConnector::from(Arc::new(authority.client()));
        let name = "site.test".try_into().expect("a name");
        let io = connector.connect(name, several.connect().await).await.ok()?;
        ask(io, b"", "/pid").await.ok()
    };
    let mut ids = HashSet::new();
    let both = async {
        while ids.len() < 2 {
            ids.insert(over_tls(&old).await.expect("trusted"));
        }
    };
    timeout(PATIENCE, both).await.expect("both serve");
    write(&new);
    send("-HUP", several.id());
    let renewed = async {
        let mut in_a_row = HashSet::new();
        while in_a_row.len() < 2 {
            match over_tls(&new).await {
                Some(id) => drop(in_a_row.insert(id)),
                None => in_a_row.clear(),
            }
        }
        in_a_row
    };
    let still = timeout(PATIENCE, renewed).await.expect("both have read it");
    assert_eq!(still, ids, "none was ended by the signal");
    send("-TERM", several.id());
    assert_eq!(several.ended().await.0, Some(0));
}

#[tokio::test]
async fn they_serve_on_every_runtime() {
    for (runtime, room) in [("PerCore", "1"), ("IoUring", "1000")] {
        let mut several = Several::start_on(runtime, runtime, "2", &[(ROOM, room)]).await;
        // A ring accepts before it is asked to, so that a full worker may have some more.
        let open = several.one_connection_each(if room == "1" { 2 } else { 1 }).await;
        drop(open);
        let client = UnixStream::connect(several.folder.file("s")).await.expect("listening");
        assert!(ask(client, b"", "/worker").await.is_ok());
        send("-TERM", several.id());
        assert_eq!(several.ended().await.0, Some(0));
        assert!(!several.folder.file("s").exists());
    }
}

/// Keeps all threads of the worker.
async fn jam(several: &Several) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut client = several.connect().await;
        let asked = client.write_all(b"GET /stuck HTTP/1.1\r\nhost: a\r\n\r\n").await;
        asked.expect("open");
        open.push(client);
    }
    open
}

#[tokio::test]
async fn a_worker_that_is_stuck_is_killed_after_the_deadline() {
    let mut several = Several::start("stuck", "1", &[(DEADLINE, "100")]).await;
    let id = several.who().await[0].parse().expect("an id");
    let _open = jam(&several).await;
    send("-TERM", several.id());
    assert_eq!(several.ended().await.0, Some(0));
    assert!(!runs(id));
}

#[tokio::test]
async fn a_worker_that_is_stuck_ends_without_its_supervisor() {
    let several = Several::start("stuck-orphan", "1", &[(DEADLINE, "100")]).await;
    let id = several.who().await[0].parse().expect("an id");
    let _open = jam(&several).await;
    send("-KILL", several.id());
    until("it ends", || !runs(id)).await;
}

#[tokio::test]
async fn a_second_stop_signal_closes_all_connections() {
    let mut several = Several::start("second", "2", &[(ROOM, "1"), (DEADLINE, "600000")]).await;
    let mut open = several.one_connection_each(2).await;
    for client in open.values_mut() {
        let asked = client.write_all(b"GET /hold HTTP/1.1\r\nhost: a\r\n\r\n").await;
        asked.expect("open");
    }
    send("-TERM", several.id());
    until("it drains", || !several.folder.file("s").exists()).await;
    send("-TERM", several.id());
    assert_eq!(several.ended().await.0, Some(0));
    for client in open.values_mut() {
        assert!(answer(client).await.is_err());
    }
}

#[tokio::test]
async fn a_program_has_one_server_with_processes() {
    let folder = Folder::new("twice");
    let mut command = command_of("127.0.0.1:0|127.0.0.1:0", "");
    command
        .env(PROCESSES, "1")
        .env("XDG_RUNTIME_DIR", &folder.0)
        .stderr(Stdio::piped());
    let output = timeout(PATIENCE, command.output())
        .await
        .expect("it ends")
        .expect("a child");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("one server with `processes`"), "{said}");
}

#[tokio::test]
async fn two_servers_at_once_do_not_know_of_each_other() {
    let mut one = Several::start("one", "2", &[]).await;
    let mut two = Several::start("two", "2 own queues", &[]).await;
    let (first, second) = (one.who().await, two.who().await);
    assert_ne!(first[4], second[4], "each has its folder");
    send("-TERM", one.id());
    assert_eq!(one.ended().await.0, Some(0));
    assert_eq!(two.who().await[1], two.id().to_string());
    send("-TERM", two.id());
    assert_eq!(two.ended().await.0, Some(0));
}

#[tokio::test]
async fn a_hang_up_that_the_program_does_not_handle_ends_all() {
    let mut several = Several::start("hangup", "2", &[]).await;
    several.who().await;
    send("-HUP", several.id());
    assert_eq!(several.ended().await.0, Some(0));
    assert!(TcpStream::connect(several.address).await.is_err());
}

#[tokio::test]
async fn a_supervisor_is_replaced_with_all_its_workers_and_no_request_is_lost() {
    for (name, processes) in [("replace", "2"), ("replace-own", "2 own queues")] {
        let mut several = Several::start(name, processes, &[]).await;
        let old = several.who().await;
        let over = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let (over, address) = (Arc::clone(&over), several.address);
                tokio::spawn(async move {
                    while !over.load(Ordering::Relaxed) {
                        let client = TcpStream::connect(address)
                            .await
                            .map_err(|error| format!("refused: {error}"))?;
                        ask(client, b"", "/pid").await?;
                    }
                    Ok::<_, String>(())
                })
            })
            .collect();
        send("-USR2", several.id());
        let successor = async {
            loop {
                let who = several.who().await;
                if who[1] != old[1] {
                    return who;
                }
            }
        };
        let new = timeout(PATIENCE, successor).await.expect("in time");
        let status = timeout(PATIENCE, several.supervisor.0.wait()).await.expect("it ends");
        assert_eq!(status.expect("a child").code(), Some(0));
        over.store(true, Ordering::Relaxed);
        for client in clients {
            let done = timeout(PATIENCE, client).await.expect("in time").expect("no panic");
            done.expect("no request is lost");
        }
        assert!(!Path::new(&old[4]).exists() && Path::new(&new[4]).exists());
        assert!(several.folder.file("s").exists(), "it is the successor's now");
        send("-TERM", new[1].parse().expect("an id"));
        until("the successor ends", || !several.folder.file("s").exists()).await;
        until("its folder goes", || !Path::new(&new[4]).exists()).await;
    }
}

#[tokio::test]
async fn a_worker_can_not_be_handed_over_alone() {
    let mut several = Several::start("alone", "1", &[]).await;
    let who = several.who().await;
    assert_eq!(
        ask(several.connect().await, b"", "/replace").await,
        Ok("replacing".to_owned())
    );
    assert_eq!(several.who().await[0], who[0], "it goes on");
    send("-TERM", several.id());
    let (code, said) = several.ended().await;
    assert_eq!(code, Some(0));
    assert!(said.contains("its supervisor hands over"), "{said}");
}

#[tokio::test]
async fn the_service_manager_hears_of_the_supervisor_alone() {
    let folder = Folder::new("manager");
    let notify = tokio::net::UnixDatagram::bind(folder.file("notify")).expect("a free path");
    let notified = folder.file("notify").display().to_string();
    let mut several = Several::start("managed", "3", &[("NOTIFY_SOCKET", &notified)]).await;
    send("-TERM", several.id());
    assert_eq!(several.ended().await.0, Some(0));
    let mut said = Vec::new();
    let mut message = [0; 64];
    while let Ok(length) = notify.try_recv(&mut message) {
        said.push(String::from_utf8_lossy(&message[..length]).trim().to_owned());
    }
    assert_eq!(said, ["READY=1", "STOPPING=1"]);
}

#[tokio::test]
async fn a_test_is_no_worker_and_a_folder_that_can_not_be_made_is_an_error() {
    assert!(worker().is_none());
    let mut config = Config::default();
    config.processes = Some(Processes::new(2).folder("/nowhere/at/all"));
    let listeners = Listen::tcp("127.0.0.1", 0).bind(&config).await.expect("a free port");
    let error = serve(listeners, Arc::new(App::default()), config)
        .await
        .expect_err("no place");
    assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
}
