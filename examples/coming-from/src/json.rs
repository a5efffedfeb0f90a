use hyperlane::{Json, Server, StatusCode};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct NewUser {
    name: String,
}

#[derive(Serialize)]
struct User {
    id: u64,
    name: String,
}

pub fn app() -> Server {
    let server = Server::new();
    server.post("/users", create);
    server
}

async fn create(Json(new): Json<NewUser>) -> (StatusCode, Json<User>) {
    let user = User { id: 1, name: new.name };
    (StatusCode::CREATED, Json(user))
}
