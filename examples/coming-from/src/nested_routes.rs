use hyperlane::{Path, Router, Server};

pub fn app() -> Server {
    let server = Server::new();
    server.get("/", async || "home").nest("/api/users", users());
    server
}

fn users() -> Router {
    let users = Router::new();
    users.get("/", async || "all users").get("/{id}", user);
    users
}

async fn user(Path(id): Path<u64>) -> String {
    format!("user {id}")
}
