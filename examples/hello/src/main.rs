//! The smallest program. Run it: `cargo run -p example-hello`, or on another port: `PORT=3000 cargo run -p
//! example-hello`.

use std::error::Error;

use hyperlane::{Bytes, Path, Server, ServerConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
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
    use hyperlane::Request;

    use super::*;

    async fn answer(method: &str, path: &str, body: &'static str) -> Bytes {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .body(body)
            .expect("valid");
        let app = app().build().expect("no conflicts");
        app.call(Request::from(request))
            .await
            .body_mut()
            .bytes()
            .await
            .expect("in memory")
    }

    #[tokio::test]
    async fn greets_the_world_and_anybody() {
        assert_eq!(answer("GET", "/", "").await, "Hello, World!");
        assert_eq!(answer("GET", "/hello/Gr%C3%A4fin", "").await, "Hello, Gräfin!");
    }

    #[tokio::test]
    async fn sends_back_what_it_was_sent() {
        assert_eq!(answer("POST", "/echo", "some bytes").await, "some bytes");
    }
}
