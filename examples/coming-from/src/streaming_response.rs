use std::time::Duration;

use hyperlane::{Context, SendError, Server};
use tokio::time::sleep;

pub fn app() -> Server {
    let server = Server::new();
    server.get("/count", count);
    server
}

async fn count(ctx: Context) -> Result<(), SendError> {
    for number in 1..=3 {
        ctx.send_piece(format!("{number}\n")).await?;
        sleep(Duration::from_secs(1)).await;
    }
    ctx.closed().await
}
