//! With a real Redis of the test's own, on a socket in a folder that goes away with it.

use std::cell::RefCell;
use std::process::Command;

use hyperlane_realtime::DeliveryKind;
use hyperlane_realtime::backplane::Redis;
use tempfile::TempDir;

use super::support::{
    Process, members_of_a_node_that_dies_have_left, next, node, nodes_are_one_hub,
    nothing_is_lost_or_doubled_by_a_broker_that_dies, skip, until,
};

struct Server {
    folder: TempDir,
    process: Process,
}

impl Server {
    fn start(test: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let Some(process) = run(&folder) else {
            skip(test, "redis-server");
            return None;
        };
        Some(Self { folder, process })
    }

    fn restart(&mut self) {
        self.process = run(&self.folder).unwrap();
    }

    fn backplane(&self) -> Redis {
        backplane(&self.folder)
    }
}

fn run(folder: &TempDir) -> Option<Process> {
    // Each entry is on disk before it is acknowledged.
    let arguments = [
        "--port",
        "0",
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
    ];
    let mut command = Command::new("redis-server");
    let socket = folder.path().join("redis.sock");
    Process::start(
        command
            .args(arguments)
            .arg("--unixsocket")
            .arg(socket)
            .arg("--dir")
            .arg(folder.path()),
    )
}

fn backplane(folder: &TempDir) -> Redis {
    let address = format!("unix://{}", folder.path().join("redis.sock").display());
    Redis::new(&address, "hub").unwrap()
}

#[tokio::test]
async fn two_nodes_are_one_hub() {
    let Some(server) = Server::start("redis::two_nodes_are_one_hub") else {
        return;
    };
    let (a, b) = (node(server.backplane()).await, node(server.backplane()).await);
    nodes_are_one_hub(&a, &b).await;
    // A node that comes later knows what was said.
    let c = node(server.backplane()).await;
    assert_eq!(c.room("lobby").history(1000).len(), 101);
    let ids = |hub: &hyperlane_realtime::Hub| -> Vec<_> {
        let history = hub.room("lobby").history(1000);
        history.iter().map(|said| said.id().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&c), ids(&a));
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_redis_dies_and_comes_back() {
    let Some(server) = Server::start("redis::nothing_is_lost_or_doubled_when_redis_dies_and_comes_back") else {
        return;
    };
    let (a, b) = (node(server.backplane()).await, node(server.backplane()).await);
    let server = RefCell::new(server);
    let (kill, start) = (|| server.borrow_mut().process.kill(), || server.borrow_mut().restart());
    nothing_is_lost_or_doubled_by_a_broker_that_dies(&a, &b, kill, start).await;
}

#[tokio::test]
async fn members_are_told_what_a_redis_without_a_memory_has_lost() {
    let Some(mut server) = Server::start("redis::members_are_told_what_a_redis_without_a_memory_has_lost") else {
        return;
    };
    let a = node(server.backplane()).await;
    let mut ada = a.join("lobby", "ada").unwrap();
    ada.broadcast("before").unwrap();
    next(&mut ada, DeliveryKind::Message).await;
    server.process.kill();
    std::fs::remove_dir_all(server.folder.path().join("appendonlydir")).unwrap();
    next(&mut ada, DeliveryKind::Offline).await;
    server.restart();
    next(&mut ada, DeliveryKind::Missed).await;
    next(&mut ada, DeliveryKind::Online).await;
    ada.broadcast("after").unwrap();
    assert_eq!(next(&mut ada, DeliveryKind::Message).await.data(), "\"after\"");
}

#[tokio::test]
async fn members_of_a_node_that_dies_have_left_some_time_later() {
    let Some(server) = Server::start("redis::members_of_a_node_that_dies_have_left_some_time_later") else {
        return;
    };
    let a = node(server.backplane()).await;
    let other = server.backplane();
    members_of_a_node_that_dies_have_left(&a, || other).await;
    // One that ends in order says so.
    let b = node(server.backplane()).await;
    let bob = b.join("lobby", "bob").unwrap();
    until("bob is there", || a.room("lobby").members() == 1).await;
    b.close().await;
    until("bob is gone", || a.room("lobby").members() == 0).await;
    drop(bob);
}
