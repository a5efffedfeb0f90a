//! Middleware of your own. It is an `async fn` whose last argument is `Next`: it sees the request before the handler, and
//! the response behind it. Here stand some around all routes, around a group, and around one route.
//!
//! Run it: `cargo run -p example-middleware`, or on another port: `PORT=3000 cargo run -p example-middleware`.

use hyperlane::{Context, Error, Next, Response, Route, Router, Server, ServerConfig, StatusCode};
use tokio::time::Instant;

/// Who is logged in; a middleware attaches it to the request.
#[derive(Clone)]
struct User(String);

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
    let members = Router::new();
    members
        .middleware(login)
        .get("/profile", profile)
        .get("/settings", Route::new(settings).middleware(admins_only));

    let server = Server::new();
    server
        .middleware(timing)
        .get("/", async || "open to all")
        .nest("/members", members);
    server
}

/// Measures what is behind it, and says so in a header; the answer 404 passes here too.
async fn timing(ctx: Context, next: Next) -> Response {
    let start = Instant::now();
    let response = next.run(ctx).await;
    let millis = start.elapsed().as_millis();
    response.with_header("server-timing", format!("handler;dur={millis}"))
}

/// Lets nobody pass without a token. What it returns instead of running the rest is the answer.
async fn login(ctx: Context, next: Next) -> Result<Response, StatusCode> {
    let token = ctx
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let user = match token {
        Some("ada-token") => User("ada".to_owned()),
        Some("bob-token") => User("bob".to_owned()),
        _ => return Err(StatusCode::UNAUTHORIZED),
    };
    ctx.set_extension(user);
    Ok(next.run(ctx).await)
}

async fn admins_only(ctx: Context, next: Next) -> Result<Response, StatusCode> {
    match ctx.extension::<User>() {
        Some(user) if user.0 == "ada" => Ok(next.run(ctx).await),
        _ => Err(StatusCode::FORBIDDEN),
    }
}

async fn profile(ctx: Context) -> String {
    ctx.extension::<User>()
        .map_or_else(String::new, |user| format!("hello {}", user.0))
}

async fn settings() -> &'static str {
    tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    "all switches"
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_stands_around_its_own_routes() {
        let client = TestClient::new(app());
        client
            .get("/")
            .await
            .assert_status(200)
            .assert_header("server-timing", "handler;dur=0");
        client
            .get("/nothing")
            .await
            .assert_status(404)
            .assert_header("server-timing", "handler;dur=0");
        client.get("/members/profile").await.assert_status(401);

        let bob = client.another().header("authorization", "Bearer bob-token");
        bob.get("/members/profile").await.assert_text("hello bob").await;
        bob.get("/members/settings").await.assert_status(403);

        let ada = client.another().header("authorization", "Bearer ada-token");
        let settings = ada.get("/members/settings").await;
        settings
            .assert_status(200)
            .assert_header("server-timing", "handler;dur=25");
    }
}
