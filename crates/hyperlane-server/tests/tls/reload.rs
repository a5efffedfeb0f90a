//! New certificates for a server that runs.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hyperlane_server::tls::Tls;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use crate::support::{Authority, Issued, connect, get, shown, start, within};

fn write(folder: &Path, issued: &Issued) {
    fs::write(folder.join("site.key"), &issued.key).expect("written");
    fs::write(folder.join("site.pem"), &issued.chain).expect("written");
}

fn files(folder: &Path) -> Tls {
    Tls::pem_files(folder.join("site.pem"), folder.join("site.key")).reload_on_hangup(false)
}

async fn shows(address: std::net::SocketAddr, authority: &Authority) -> CertificateDer<'static> {
    let stream = connect(address, "localhost", authority.client())
        .await
        .expect("a handshake");
    shown(&stream)
}

async fn until_shown(address: std::net::SocketAddr, authority: &Authority, wanted: &Issued) {
    within(async {
        while shows(address, authority).await != wanted.ders()[0] {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn by_hand_it_is_for_new_connections_and_open_ones_go_on() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    write(folder.path(), &first);
    let tls = files(folder.path()).reload_every(None);
    let server = start(tls.clone()).await;
    let address = server.local_addr();
    let mut open = connect(address, "localhost", authority.client())
        .await
        .expect("a handshake");
    write(folder.path(), &second);
    assert_eq!(shows(address, &authority).await, first.ders()[0]);
    tls.reload().expect("they can be used");
    assert_eq!(shows(address, &authority).await, second.ders()[0]);
    open.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .expect("open");
    let mut answer = String::new();
    within(open.read_to_string(&mut answer)).await.expect("served");
    assert!(answer.contains("200 OK"), "{answer}");
}

#[tokio::test]
async fn files_that_can_t_be_used_leave_the_old_ones() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    write(folder.path(), &first);
    let tls = files(folder.path()).reload_every(None);
    let server = start(tls.clone()).await;
    let spoil: [&dyn Fn(); 4] = [
        &|| fs::write(folder.path().join("site.pem"), "not a certificate").expect("written"),
        &|| fs::write(folder.path().join("site.pem"), &second.chain).expect("written"),
        &|| fs::remove_file(folder.path().join("site.pem")).expect("removed"),
        &|| fs::write(folder.path().join("site.key"), "").expect("written"),
    ];
    for spoil in spoil {
        write(folder.path(), &first);
        spoil();
        tls.reload().expect_err("they can't be used");
        assert_eq!(shows(server.local_addr(), &authority).await, first.ders()[0]);
    }
}

#[tokio::test]
async fn a_changed_file_is_noticed_even_if_its_half_was_noticed_before() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    write(folder.path(), &first);
    let server = start(files(folder.path()).reload_every(Some(Duration::from_millis(20)))).await;
    let address = server.local_addr();
    // First one of the two, as renewals do it, and the other one after several looks.
    fs::write(folder.path().join("site.pem"), &second.chain).expect("written");
    for _ in 0..10 {
        sleep(Duration::from_millis(20)).await;
        assert_eq!(shows(address, &authority).await, first.ders()[0]);
    }
    fs::write(folder.path().join("site.key"), &second.key).expect("written");
    until_shown(address, &authority, &second).await;
    // Moved into place, as careful programs do it.
    let third = authority.issue(&["localhost"]);
    fs::create_dir(folder.path().join("new")).expect("made");
    write(&folder.path().join("new"), &third);
    for name in ["site.key", "site.pem"] {
        fs::rename(folder.path().join("new").join(name), folder.path().join(name)).expect("moved");
    }
    until_shown(address, &authority, &third).await;
}

#[cfg(unix)]
#[tokio::test]
async fn sighup_makes_the_server_read_its_files_again() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    write(folder.path(), &first);
    let server = start(files(folder.path()).reload_every(None).reload_on_hangup(true)).await;
    assert_eq!(shows(server.local_addr(), &authority).await, first.ders()[0]);
    write(folder.path(), &second);
    // The task that listens has run once others had their turn.
    tokio::task::yield_now().await;
    let own = std::process::id().to_string();
    let status = tokio::process::Command::new("kill")
        .args(["-HUP", &own])
        .status()
        .await
        .expect("it starts");
    assert!(status.success());
    until_shown(server.local_addr(), &authority, &second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_a_reload_drops_nothing() {
    let authority = Arc::new(Authority::new());
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &authority.issue(&["localhost"]));
    let tls = files(folder.path()).reload_every(None);
    let server = start(tls.clone()).await;
    let address = server.local_addr();
    let done = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (authority, done, served) = (Arc::clone(&authority), Arc::clone(&done), Arc::clone(&served));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    get(address, "localhost", authority.client())
                        .await
                        .expect("no request is lost");
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..20 {
        let before = served.load(Ordering::Relaxed);
        write(folder.path(), &authority.issue(&["localhost"]));
        tls.reload().expect("they can be used");
        within(async {
            while served.load(Ordering::Relaxed) < before + 8 {
                sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }
    done.store(true, Ordering::Relaxed);
    for client in clients {
        within(client).await.expect("no request was lost");
    }
}
