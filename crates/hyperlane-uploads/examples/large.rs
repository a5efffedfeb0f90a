//! How much memory one large upload takes, and how fast it is: a server and a client in one process, over loopback.
//!
//! `cargo run --release -p hyperlane-uploads --example large -- --gib 5 [--folder DIR] [--without-fsync]`

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Instant;

use hyperlane::{Context, Error, Json, Route, Server, ServerConfig, State};
use hyperlane_uploads::{StoredFile, UploadError, UploadSettings, UploadStore};

const MIB: u64 = 1024 * 1024;

async fn upload(ctx: Context, State(store): State<UploadStore>) -> Result<Json<StoredFile>, UploadError> {
    Ok(Json(store.receive(&ctx, Some("large.bin")).await?))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (mut gib, mut folder, mut durable) = (1.0_f64, std::env::temp_dir().join("hyperlane-large"), true);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--gib" => gib = value().map_err(Error::new)?.parse()?,
            "--folder" => folder = PathBuf::from(value().map_err(Error::new)?),
            "--without-fsync" => durable = false,
            other => return Err(Error::new(format!("{other} is no argument of this program"))),
        }
    }
    let length = (gib * 1024.0) as u64 * MIB;
    let settings = UploadSettings::new()
        .max_file_bytes(length)
        .quota(length.saturating_mul(2))
        .durable(durable);
    let store = UploadStore::open_with(folder, settings).await?;
    let server = Server::new();
    server
        .config(ServerConfig::new().host("127.0.0.1").port(0))
        .state(store.clone())
        .put("/", Route::new(upload).body_limit(length));
    let handle = server.run().await?;
    let address = handle.local_addr().to_string();
    let before = figure("VmRSS");
    let begun = Instant::now();
    let answer = tokio::task::spawn_blocking(move || send(&address, length)).await??;
    let seconds = begun.elapsed().as_secs_f64();
    handle.shutdown().await;
    println!("{}", answer.lines().last().unwrap_or_default());
    println!(
        "{} MiB in {seconds:.1} s, {:.0} MiB/s",
        length / MIB,
        (length / MIB) as f64 / seconds
    );
    if let (Some(before), Some(peak)) = (before, figure("VmHWM")) {
        println!("memory of the process: {before} KiB before, at most {peak} KiB");
    }
    for file in store.list().await? {
        store.remove(&file.id).await?;
    }
    Ok(())
}

/// Sends a body of `length` bytes and returns the answer.
fn send(address: &str, length: u64) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(address)?;
    write!(
        socket,
        "PUT / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    )?;
    let piece = vec![7; 64 * 1024];
    let mut left = length;
    while left > 0 {
        let next = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        socket.write_all(&piece[..next])?;
        left -= next as u64;
    }
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A figure of this process in KiB, where the system tells it.
fn figure(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
