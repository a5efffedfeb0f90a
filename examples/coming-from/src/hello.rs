use hyperlane::{RunError, Server, ServerConfig};

#[tokio::main]
pub async fn main() -> Result<(), RunError> {
    let server = app();
    server.config(ServerConfig::new().port(3000));
    server.run().await?.wait().await;
    Ok(())
}

pub fn app() -> Server {
    let server = Server::new();
    server.get("/", hello);
    server
}

async fn hello() -> &'static str {
    "Hello, World!"
}
