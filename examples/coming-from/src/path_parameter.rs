use hyperlane::{Path, Server};

pub fn app() -> Server {
    let server = Server::new();
    server.get("/users/{id}", user).get("/users/{id}/posts/{slug}", post);
    server
}

async fn user(Path(id): Path<u64>) -> String {
    format!("user {id}")
}

async fn post(Path((id, slug)): Path<(u64, String)>) -> String {
    format!("post {slug} of user {id}")
}
