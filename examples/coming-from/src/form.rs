use hyperlane::{Form, Server};
use serde::Deserialize;

#[derive(Deserialize)]
struct Login {
    name: String,
    remember: Option<String>,
}

pub fn app() -> Server {
    let server = Server::new();
    server.post("/login", login);
    server
}

async fn login(Form(login): Form<Login>) -> String {
    let days = if login.remember.is_some() { 30 } else { 1 };
    format!("welcome {}, for {days} days", login.name)
}
