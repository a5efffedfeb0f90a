//! The smallest program.
//!
//! Run it: `cargo run -p example-hello`, or on another port: `PORT=3000 cargo run -p example-hello`.

use hyperlane::{Bytes, Error, Path, Server, ServerConfig};

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
    server.get("/", hello).get("/hello/{name}", greet).post("/echo", echo);
    server
}

async fn hello() -> &'static str {
    "Hello, World!"
}

async fn greet(Path(name): Path<String>) -> String {
    format!("Hello, {name}!")
}

async fn echo(body: Bytes) -> Bytes {
    body
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test]
    async fn greets_the_world_and_anybody() {
        let client = TestClient::new(app());
        client.get("/").await.assert_text("Hello, World!").await;
        client
            .get("/hello/Gr%C3%A4fin")
            .await
            .assert_text("Hello, Gräfin!")
            .await;
    }

    #[tokio::test]
    async fn sends_back_what_it_was_sent() {
        let client = TestClient::new(app());
        client
            .post("/echo")
            .body("some bytes")
            .await
            .assert_text("some bytes")
            .await;
    }
}
