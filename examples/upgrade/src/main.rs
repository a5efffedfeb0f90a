//! A protocol of its own over a connection that has left HTTP (RFC 9110 §7.8): here one that sends lines back in upper
//! case.
//!
//! Run it: `cargo run -p example-upgrade`, or on another port: `PORT=3000 cargo run -p example-upgrade`.

use hyperlane::{Context, Error, HeaderValue, Response, Server, ServerConfig, StatusCode, Upgraded};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let server = app();
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

fn app() -> Server {
    let server = Server::new();
    server.get("/shout", shout);
    server
}

async fn shout(ctx: Context) -> Response {
    if !ctx
        .header("upgrade")
        .is_some_and(|protocol| protocol.eq_ignore_ascii_case("shout"))
    {
        return Response::from(StatusCode::UPGRADE_REQUIRED).with_header("upgrade", "shout");
    }
    Response::upgrade(HeaderValue::from_static("shout"), async |connection| {
        // The client may be gone at any time, which ends the conversation.
        let _ = talk(connection).await;
    })
}

async fn talk(connection: Upgraded) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    let mut line = String::new();
    while connection.read_line(&mut line).await? > 0 {
        connection.write_all(line.to_uppercase().as_bytes()).await?;
        connection.flush().await?;
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn lines_come_back_louder() {
        let mut connection = TestClient::new(app()).upgrade("/shout", "shout").await;
        connection
            .write_all("hey\ngrüße\n".as_bytes())
            .await
            .expect("it listens");
        connection.shutdown().await.expect("it listens");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.expect("it answers");
        assert_eq!(answer, "HEY\nGRÜSSE\n");
    }

    #[tokio::test]
    async fn who_speaks_only_http_is_told_what_is_spoken_here() {
        let response = TestClient::new(app()).get("/shout").await;
        response.assert_status(426).assert_header("upgrade", "shout");
    }
}
