//! Several processes that serve one port. Kill one of them: the others go on, and a new one comes.
//!
//! Run it: `cargo run -p example-processes -- 127.0.0.1:8080 4`, then `curl http://127.0.0.1:8080/` a few times. It needs
//! Unix.

#[cfg(unix)]
#[tokio::main]
async fn main() -> Result<(), hyperlane::Error> {
    use hyperlane::ServerConfig;
    use hyperlane::processes::worker;

    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let count: usize = arguments.next().map_or(Ok(4), |count| count.parse())?;

    let server = app();
    server.config(ServerConfig::new().listen(address).processes(count));
    // From here on it is one of several: the first one, which watches over the others, or a worker.
    let handle = server.run().await?;
    match worker() {
        None => println!("{} listens on {}", std::process::id(), handle.local_addr()),
        // What one process shall do, and not each.
        Some(worker) if worker.is_first() => println!("{} does what is done once", std::process::id()),
        Some(_) => {}
    }
    handle.wait().await;
    // An error where a worker died again and again: so the exit status tells of it.
    handle.outcome()?;
    Ok(())
}

#[cfg(unix)]
fn app() -> hyperlane::Server {
    use hyperlane::processes::worker;

    let server = hyperlane::Server::new();
    server.get("/", async || {
        let id = std::process::id();
        match worker() {
            Some(worker) => format!("process {id}, worker {} of {}\n", worker.number(), worker.count()),
            None => format!("process {id}\n"),
        }
    });
    server
}

#[cfg(not(unix))]
fn main() {
    eprintln!("several processes need unix");
}
