//! With a real NATS server of the test's own.

use std::cell::RefCell;
use std::net::TcpListener;
use std::process::Command;

use hyperlane_realtime::backplane::Nats;
use tempfile::TempDir;

use super::support::{
    Process, members_of_a_node_that_dies_have_left, node, nodes_are_one_hub,
    nothing_is_lost_or_doubled_by_a_broker_that_dies, skip,
};

struct Server {
    folder: TempDir,
    port: u16,
    process: Process,
}

impl Server {
    fn start(test: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let Some(process) = run(&folder, port) else {
            skip(test, "nats-server");
            return None;
        };
        Some(Self { folder, port, process })
    }

    fn restart(&mut self) {
        self.process = run(&self.folder, self.port).unwrap();
    }

    fn backplane(&self) -> Nats {
        Nats::new(format!("nats://127.0.0.1:{}", self.port), "hub")
    }
}

fn run(folder: &TempDir, port: u16) -> Option<Process> {
    let mut command = Command::new("nats-server");
    // Debian keeps it where only root looks.
    let path = std::env::var("PATH").unwrap_or_default();
    let command = command.env("PATH", format!("{path}:/usr/sbin"));
    let arguments = ["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"];
    Process::start(command.args(arguments).arg(folder.path()))
}

#[tokio::test]
async fn two_nodes_are_one_hub() {
    let Some(server) = Server::start("nats::two_nodes_are_one_hub") else {
        return;
    };
    let (a, b) = (node(server.backplane()).await, node(server.backplane()).await);
    nodes_are_one_hub(&a, &b).await;
    let c = node(server.backplane()).await;
    assert_eq!(c.room("lobby").history(1000).len(), 101);
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_nats_dies_and_comes_back() {
    let Some(server) = Server::start("nats::nothing_is_lost_or_doubled_when_nats_dies_and_comes_back") else {
        return;
    };
    let (a, b) = (node(server.backplane()).await, node(server.backplane()).await);
    let server = RefCell::new(server);
    let (kill, start) = (|| server.borrow_mut().process.kill(), || server.borrow_mut().restart());
    nothing_is_lost_or_doubled_by_a_broker_that_dies(&a, &b, kill, start).await;
}

#[tokio::test]
async fn members_of_a_node_that_dies_have_left_some_time_later() {
    let Some(server) = Server::start("nats::members_of_a_node_that_dies_have_left_some_time_later") else {
        return;
    };
    let a = node(server.backplane()).await;
    let other = server.backplane();
    members_of_a_node_that_dies_have_left(&a, || other).await;
}
