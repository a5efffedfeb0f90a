//! Handlers that take nothing but their `Context`: they read the request from it, set the response on it, and return
//! nothing. Awaiting a setter is allowed and changes nothing.
//!
//! Run it: `cargo run -p example-context-style`, or on another port: `PORT=3000 cargo run -p example-context-style`.

use hyperlane::{Context, Cookie, Error, Server, ServerConfig};

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
    server.get("/", index).post("/notes/{id}", note).get("/count", count);
    server
}

async fn index(ctx: Context) {
    let name = ctx.query("name").unwrap_or_else(|| "stranger".to_owned());
    let agent = ctx.header("user-agent").unwrap_or("no browser").to_owned();
    ctx.set_response_status_code(200)
        .set_response_header("x-path", ctx.path())
        .set_response_cookie(Cookie::build(("seen", "yes")).http_only(true))
        .set_response_body(format!("hello {name}, you come with {agent}"));
}

async fn note(ctx: Context) {
    let id = ctx.param("id").unwrap_or_default().to_owned();
    match ctx.text().await {
        Ok(text) => ctx
            .set_response_status_code(201)
            .set_response_body(format!("note {id}: {text}")),
        Err(rejection) => ctx.set_response_body(rejection),
    };
}

/// The first `send_body` sends the head, each one a piece; the end of the handler ends the response.
async fn count(ctx: Context) {
    ctx.set_response_header("content-type", "text/plain").await;
    for number in 1..=3 {
        let sent = ctx.set_response_body(format!("{number}\n")).await.send_body().await;
        if sent.is_err() {
            // The client is gone.
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test]
    async fn what_is_set_is_sent() {
        let response = TestClient::new(app())
            .get("/?name=Ada")
            .header("user-agent", "a test")
            .await;
        response.assert_status(200).assert_header("x-path", "/");
        assert_eq!(
            response.cookie("seen").and_then(|cookie| cookie.http_only()),
            Some(true)
        );
        response.assert_text("hello Ada, you come with a test").await;
    }

    #[tokio::test]
    async fn a_body_is_read_or_refused() {
        let client = TestClient::new(app());
        let response = client.post("/notes/7").body("buy milk").await;
        response.assert_status(201).assert_text("note 7: buy milk").await;
        client.post("/notes/7").body(&b"\xff"[..]).await.assert_status(400);
    }

    #[tokio::test]
    async fn a_stream_arrives_piece_by_piece() {
        let response = TestClient::new(app()).get("/count").await;
        assert_eq!(response.chunk().await.as_deref(), Some(&b"1\n"[..]));
        assert_eq!(response.text().await, "2\n3\n");
    }
}
