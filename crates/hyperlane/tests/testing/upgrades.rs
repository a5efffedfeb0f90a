//! The way out of HTTP (RFC 9110 §7.8).

use hyperlane::testing::TestClient;
use hyperlane::{Context, HeaderValue, Response, StatusCode, Upgraded};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, split};

use super::client;

/// Sends back whatever comes, once a client asks for the protocol `echo`.
async fn echo(ctx: Context) -> Result<Response, StatusCode> {
    if ctx.header("upgrade") != Some("echo") {
        return Err(StatusCode::UPGRADE_REQUIRED);
    }
    let key = ctx.header("x-key").unwrap_or_default().to_owned();
    let response = Response::upgrade(HeaderValue::from_static("echo"), |connection: Upgraded| async {
        let (mut reads, mut writes) = split(connection);
        let _ = copy(&mut reads, &mut writes).await;
    });
    Ok(response.with_header("x-accept", key))
}

fn echo_client() -> TestClient {
    client(|server| {
        server.get("/echo", echo);
    })
}

#[tokio::test]
async fn an_upgraded_connection_carries_bytes_both_ways_until_it_is_dropped() {
    let mut connection = echo_client().upgrade("/echo", "echo").await;
    for word in ["one", "two"] {
        connection.write_all(word.as_bytes()).await.unwrap();
        let mut answer = [0; 3];
        connection.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, word.as_bytes());
    }
    connection.shutdown().await.unwrap();
    assert_eq!(connection.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn the_response_to_an_upgrade_can_be_looked_at_first() {
    let response = echo_client()
        .get("/echo")
        .header("connection", "upgrade")
        .header("upgrade", "echo")
        .header("x-key", "7")
        .await;
    response
        .assert_status(101)
        .assert_header("upgrade", "echo")
        .assert_header("x-accept", "7");
    let mut connection = response.upgraded().await;
    connection.write_all(b"x").await.unwrap();
    assert_eq!(connection.read_u8().await.unwrap(), b'x');
}

#[tokio::test]
#[should_panic(expected = "the server does not switch protocols")]
async fn a_refused_upgrade_is_told() {
    echo_client().upgrade("/echo", "other").await;
}
