//! A server on several sockets, behind proxies, that is replaced by a newer one without losing a request: install the
//! new program over the old one, then send SIGUSR2.
//!
//! Run it: `cargo run -p example-sockets -- 127.0.0.1:8080 unix:/tmp/example.sock`, with whatever addresses you like.
//! Started by systemd, it takes its sockets: `fd:http`. Proxies that may say for whom they ask stand in
//! `TRUSTED_PROXIES`, separated by commas.

use hyperlane::{ClientIp, Context, Error, RunError, Server, ServerConfig, ServerHandle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut addresses: Vec<_> = std::env::args().skip(1).collect();
    if addresses.is_empty() {
        addresses.push("127.0.0.1:8080".to_owned());
    }
    let proxies = std::env::var("TRUSTED_PROXIES").unwrap_or_default();
    let handle = start(&addresses, &proxies).await?;
    for address in handle.local_addrs() {
        println!("{} listens on {address}", std::process::id());
    }
    serve(handle).await
}

async fn start(addresses: &[String], proxies: &str) -> Result<ServerHandle, RunError> {
    let config = ServerConfig::new();
    for address in addresses {
        config.listen(address.as_str());
    }
    config.trusted_proxies(proxies.split(',').map(str::trim).filter(|proxy| !proxy.is_empty()));
    let server = app();
    server.config(config);
    server.run().await
}

fn app() -> Server {
    let server = Server::new();
    server
        .get("/", whoami)
        .get("/pid", async || std::process::id().to_string());
    server
}

/// What the proxies say, as far as they are trusted.
async fn whoami(ClientIp(client): ClientIp, ctx: Context) -> String {
    let host = ctx.forwarded_host().unwrap_or_default();
    format!("{client} asks {}://{host}\n", ctx.scheme())
}

/// Serves until SIGTERM or Ctrl-C, or until a successor does.
#[cfg(unix)]
async fn serve(handle: ServerHandle) -> Result<(), Error> {
    use tokio::process::Command;
    use tokio::signal::unix::{SignalKind, signal};

    let mut replace = signal(SignalKind::user_defined2())?;
    loop {
        tokio::select! {
            // The other signals are heard while somebody waits here.
            () = handle.wait() => return Ok(()),
            _ = replace.recv() => {}
        }
        // By its name, which may be a newer program by now; `current_exe` is the old one even after it was removed.
        let mut arguments = std::env::args_os();
        let mut successor = Command::new(arguments.next().unwrap_or_default());
        successor.args(arguments);
        match handle.hand_over(successor).await {
            Ok(()) => return Ok(()),
            Err(error) => eprintln!("not replaced, and goes on: {error}"),
        }
    }
}

#[cfg(not(unix))]
async fn serve(handle: ServerHandle) -> Result<(), Error> {
    handle.wait().await;
    Ok(())
}
