//! A server that ends without losing a request. Ctrl-C (or SIGTERM) stops it from taking new connections, requests in
//! hand are answered, and what is not done by the deadline is cut. `POST /stop` does the same from inside.
//!
//! Run it: `cargo run -p example-graceful-shutdown`, or on another port: `PORT=3000 cargo run -p example-graceful-shutdown`.

use std::sync::Arc;
use std::time::Duration;

use hyperlane::{Context, Error, RunError, Server, ServerConfig, ServerHandle, State};
use tokio::sync::Notify;
use tokio::time::sleep;

/// Asks the server to end.
#[derive(Clone, Default)]
struct Stop(Arc<Notify>);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let stop = Stop::default();
    let handle = start(port, stop.clone()).await?;
    println!("listening on http://{}", handle.local_addr());
    tokio::select! {
        // Signals are heard while somebody waits here.
        () = handle.wait() => {}
        () = stop.0.notified() => handle.shutdown().await,
    }
    println!("all requests are answered");
    Ok(())
}

async fn start(port: u16, stop: Stop) -> Result<ServerHandle, RunError> {
    let server = app(stop);
    server.config(
        ServerConfig::new()
            .port(port)
            .shutdown_deadline(Duration::from_secs(20)),
    );
    server.run().await
}

fn app(stop: Stop) -> Server {
    let server = Server::new();
    server
        .state(stop)
        .get("/slow", slow)
        .post("/echo", echo)
        .post("/stop", ask_to_stop);
    server
}

/// Time to press Ctrl-C in.
async fn slow() -> &'static str {
    sleep(Duration::from_secs(5)).await;
    "worth the wait\n"
}

/// Goes on for as long as its client does.
async fn echo(ctx: Context) -> Result<(), Error> {
    let mut body = ctx.body_stream();
    while let Some(chunk) = body.chunk().await {
        ctx.send_piece(chunk?).await?;
    }
    Ok(())
}

async fn ask_to_stop(State(stop): State<Stop>) -> &'static str {
    stop.0.notify_one();
    "stopping\n"
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    /// What a shutdown does to connections needs a listener, so that this test has a port: a free one.
    #[tokio::test]
    async fn a_request_in_hand_is_answered_and_new_ones_find_nobody() {
        let handle = start(0, Stop::default()).await.expect("a free port");
        let addr = handle.local_addr();
        let mut client = TcpStream::connect(addr).await.expect("it listens");
        let head = "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\nsome\r\n";
        client.write_all(head.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        while !answer.contains("some") {
            let mut bytes = [0; 512];
            let read = client.read(&mut bytes).await.expect("it answers");
            answer += &String::from_utf8_lossy(&bytes[..read]);
        }
        let go_on = async {
            client.write_all(b"5\r\n more\r\n0\r\n\r\n").await.expect("it reads");
            client
                .read_to_string(&mut answer)
                .await
                .expect("it is closed in good order");
        };
        tokio::join!(handle.shutdown(), go_on);
        assert!(answer.contains(" more\r\n0\r\n\r\n"), "{answer}");
        assert!(TcpStream::connect(addr).await.is_err());
    }
}
