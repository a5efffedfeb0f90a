//! Processes of one machine: nodes in one process, and three real ones, of which the leader is killed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use hyperlane_realtime::DeliveryKind;
use hyperlane_realtime::backplane::Unix;

use super::support::{PATIENCE, members_of_a_node_that_dies_have_left, next, node, nodes_are_one_hub};

const FOLDER: &str = "HYPERLANE_REALTIME_TEST_BUS";

#[tokio::test]
async fn two_nodes_are_one_hub() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (
        node(Unix::new(folder.path()).unwrap()).await,
        node(Unix::new(folder.path()).unwrap()).await,
    );
    nodes_are_one_hub(&a, &b).await;
    let c = node(Unix::new(folder.path()).unwrap()).await;
    assert_eq!(c.room("lobby").history(1000).len(), 101);
}

#[test]
fn a_folder_that_others_may_write_to_is_no_bus() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let refused = Unix::new(folder.path()).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn members_of_a_node_that_dies_have_left_some_time_later() {
    let folder = tempfile::tempdir().unwrap();
    let a = node(Unix::new(folder.path()).unwrap()).await;
    let other = Unix::new(folder.path()).unwrap();
    members_of_a_node_that_dies_have_left(&a, || other).await;
}

#[tokio::test]
async fn a_leader_that_ends_in_order_is_followed_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let a = node(Unix::new(folder.path()).unwrap()).await;
    let b = node(Unix::new(folder.path()).unwrap()).await;
    let ada = a.join("lobby", "ada").unwrap();
    let mut bob = b.join("lobby", "bob").unwrap();
    ada.broadcast("one").unwrap();
    next(&mut bob, DeliveryKind::Message).await;
    a.close().await;
    assert_eq!(next(&mut bob, DeliveryKind::Leave).await.member(), Some("ada"));
    next(&mut bob, DeliveryKind::Online).await;
    let c = node(Unix::new(folder.path()).unwrap()).await;
    assert_eq!(c.room("lobby").history(9).len(), 1);
    c.room("lobby").broadcast("two").unwrap();
    assert_eq!(next(&mut bob, DeliveryKind::Message).await.data(), "\"two\"");
}

/// No test by itself: a node in a process of its own, for the tests below. It says each line that comes in, and writes
/// what it hears.
#[tokio::test]
async fn node_process() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let hub = node(Unix::new(folder).unwrap()).await;
    let mut member = hub.join("lobby", std::process::id().to_string()).unwrap();
    let speaker = member.speaker();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            speaker.say(&line.unwrap()).unwrap();
        }
        std::process::exit(0);
    });
    let mut out = std::io::stdout();
    writeln!(out, "\nheard:ready").unwrap();
    while let Some(delivery) = member.recv().await {
        if delivery.kind() == DeliveryKind::Message {
            writeln!(out, "heard:{}", delivery.data().trim_matches('"')).unwrap();
        }
    }
}

struct NodeProcess {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl NodeProcess {
    fn start(folder: &std::path::Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "unix::node_process", "--nocapture"])
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let heard = line.strip_prefix("heard:").map(str::to_owned);
                heard.map(|line| sender.send(line));
            }
        });
        let mut node = Self {
            child,
            stdin,
            lines,
            heard: Vec::new(),
        };
        node.wait_for("ready");
        node.heard.clear();
        node
    }

    fn say(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    fn wait_for(&mut self, wanted: &str) {
        while !self.heard.iter().any(|line| line == wanted) {
            let line = self.lines.recv_timeout(PATIENCE);
            self.heard
                .push(line.unwrap_or_else(|_| panic!("{wanted} was not heard, but {:?}", self.heard)));
        }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Which process leads is known: the first. It is killed while all talk, and then its successor's successor is free.
#[test]
fn three_processes_go_on_when_the_one_that_leads_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = NodeProcess::start(folder.path());
    let mut second = NodeProcess::start(folder.path());
    let mut third = NodeProcess::start(folder.path());
    first.say("hello");
    for node in [&mut first, &mut second, &mut third] {
        node.wait_for("hello");
    }
    for n in 0..100 {
        second.say(&format!("b{n}"));
        third.say(&format!("c{n}"));
        if n == 50 {
            first.kill();
        }
    }
    for node in [&mut second, &mut third] {
        node.wait_for("b99");
        node.wait_for("c99");
    }
    // A new process joins those that are left.
    let mut fourth = NodeProcess::start(folder.path());
    fourth.say("end");
    for node in [&mut second, &mut third, &mut fourth] {
        node.wait_for("end");
    }
    std::thread::sleep(Duration::from_millis(200));
    for node in [&mut second, &mut third] {
        node.heard.extend(node.lines.try_iter());
        for who in ["b", "c"] {
            let own: Vec<_> = node
                .heard
                .iter()
                .filter(|line| line.starts_with(who))
                .cloned()
                .collect();
            let wanted: Vec<_> = (0..100).map(|n| format!("{who}{n}")).collect();
            assert_eq!(own, wanted);
        }
    }
    assert!(
        !fourth.heard.iter().any(|line| line.starts_with('b')),
        "what was said before is no news"
    );
}
