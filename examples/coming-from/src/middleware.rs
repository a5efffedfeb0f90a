use hyperlane::{Context, Next, Response, Server, StatusCode};

pub fn app() -> Server {
    let server = Server::new();
    server.middleware(check_key).get("/", async || "inside");
    server
}

async fn check_key(ctx: Context, next: Next) -> Result<Response, StatusCode> {
    if ctx.header("x-key") != Some("secret") {
        return Err(StatusCode::UNAUTHORIZED);
    }
    Ok(next.run(ctx).await.with_header("x-checked", "yes"))
}
