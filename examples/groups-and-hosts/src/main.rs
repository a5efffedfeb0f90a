//! Routes put together from parts: groups below a prefix, with states and fallbacks of their own, hosts that are served
//! apart, and routes that are chosen by a header.
//!
//! Run it: `cargo run -p example-groups-and-hosts`, or on another port: `PORT=3000 cargo run -p example-groups-and-hosts`.
//!
//! It prints its routes first.

use hyperlane::{Context, Error, Guard, Path, Route, Router, Server, ServerConfig, State, StatusCode, TrailingSlash};

#[derive(Clone, Copy)]
struct Version(u8);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let server = app();
    println!("{}", server.routes()?);
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

fn app() -> Server {
    let server = Server::new();
    server
        .trailing_slash(TrailingSlash::Redirect)
        .get("/", async || "the front page")
        .nest("/api/v1", api(1))
        .nest("/api/v2", api(2))
        .host("admin.example.com", admin())
        .host("*.shops.example.com", shops());
    server
}

/// The same routes for each version: a group is a value that a function makes.
fn api(version: u8) -> Router {
    let users = Router::new();
    users.get("/", async || "all users").get("/{id}", user);

    let api = Router::new();
    api.state(Version(version))
        .nest("/users", users)
        .get("/report", report)
        .get(
            "/report",
            Route::new(report_csv).guard(Guard::header("accept", "text/csv")),
        )
        .fallback(async || (StatusCode::NOT_FOUND, "the api has no such call"));
    api
}

async fn user(Path(id): Path<u64>, State(Version(version)): State<Version>) -> String {
    format!("user {id} of version {version}")
}

async fn report() -> &'static str {
    "a report to be read"
}

async fn report_csv() -> ([(&'static str, &'static str); 1], &'static str) {
    ([("content-type", "text/csv")], "a,report\n")
}

fn admin() -> Router {
    let admin = Router::new();
    admin.get("/", async || "the engine room");
    admin
}

fn shops() -> Router {
    let shops = Router::new();
    shops.get("/", async |ctx: Context| {
        let shop = ctx.host().and_then(|host| host.split('.').next()).unwrap_or_default();
        format!("welcome to {shop}")
    });
    shops
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test]
    async fn groups_have_states_and_fallbacks_of_their_own() {
        let client = TestClient::new(app());
        client.get("/api/v1/users").await.assert_text("all users").await;
        client
            .get("/api/v2/users/7")
            .await
            .assert_text("user 7 of version 2")
            .await;
        client
            .get("/api/v1/nothing")
            .await
            .assert_status(404)
            .assert_text("the api has no such call")
            .await;
        client
            .get("/api/v1/users/")
            .await
            .assert_status(308)
            .assert_header("location", "/api/v1/users");
    }

    #[tokio::test]
    async fn a_header_chooses_between_routes() {
        let client = TestClient::new(app());
        client
            .get("/api/v1/report")
            .await
            .assert_text("a report to be read")
            .await;
        let csv = client.get("/api/v1/report").header("accept", "text/csv").await;
        csv.assert_header("content-type", "text/csv");
    }

    #[tokio::test]
    async fn hosts_are_served_apart() {
        let client = TestClient::new(app());
        client.get("/").await.assert_text("the front page").await;
        let admin = client.another().host("admin.example.com");
        admin.get("/").await.assert_text("the engine room").await;
        admin.get("/api/v1/users").await.assert_status(404);
        let shop = client.another().host("books.shops.example.com:8080");
        shop.get("/").await.assert_text("welcome to books").await;
    }
}
