//! One error type for all handlers. `?` takes any error; clients see a problem document (RFC 9457) that tells them no more
//! than they may know, and the log has the rest.
//!
//! Run it: `cargo run -p example-errors`, or on another port: `PORT=3000 cargo run -p example-errors`.

use std::fmt;
use std::num::ParseIntError;

use hyperlane::{Error, IntoResponse, OrError, Path, Problem, Response, Server, ServerConfig, StatusCode};

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
    let server = Server::new();
    server
        .get("/hidden", hidden)
        .get("/users/{id}", user)
        .get("/half/{number}", half)
        .get("/pay/{amount}", pay);
    server
}

/// An error that nothing is said about is a 500, and only the log has its text.
async fn hidden() -> Result<String, Error> {
    Ok(std::fs::read_to_string("/no/such/secret/file")?)
}

/// What is missing is a 404.
async fn user(Path(id): Path<usize>) -> Result<&'static str, Error> {
    ["ada", "bob"].get(id).copied().or_not_found()
}

/// A status, and a text that the client may read.
async fn half(Path(number): Path<String>) -> Result<String, Error> {
    let number: u32 = number.parse().map_err(|error: ParseIntError| {
        Error::new(error)
            .with_status(StatusCode::BAD_REQUEST)
            .with_detail("that is no number")
    })?;
    Ok((number / 2).to_string())
}

/// An error of your own says itself how it is answered.
#[derive(Debug)]
enum PayError {
    NotEnough { missing: u32 },
    BankIsClosed,
}

impl fmt::Display for PayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEnough { missing } => write!(f, "{missing} more are needed"),
            Self::BankIsClosed => f.write_str("the bank is closed, come back tomorrow"),
        }
    }
}

impl IntoResponse for PayError {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        match self {
            Self::NotEnough { missing } => Problem::new(StatusCode::PAYMENT_REQUIRED)
                .with_type("https://example.com/problems/not-enough")
                .with_detail(detail)
                .with_member("missing", missing)
                .into_response(),
            Self::BankIsClosed => {
                let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE).with_detail(detail);
                problem.into_response().with_header("retry-after", "86400")
            }
        }
    }
}

async fn pay(Path(amount): Path<u32>) -> Result<String, PayError> {
    match amount {
        0 => Err(PayError::BankIsClosed),
        1..=30 => Ok(format!("{} are left", 30 - amount)),
        _ => Err(PayError::NotEnough { missing: amount - 30 }),
    }
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;
    use serde_json::Value;

    use super::*;

    #[tokio::test]
    async fn the_cause_of_a_500_stays_inside() {
        let response = TestClient::new(app()).get("/hidden").await;
        response
            .assert_status(500)
            .assert_header("content-type", "application/problem+json");
        assert!(!response.text().await.contains("secret"));
    }

    #[tokio::test]
    async fn clients_are_told_what_they_may_know() {
        let client = TestClient::new(app());
        client.get("/users/1").await.assert_text("bob").await;
        client.get("/users/2").await.assert_status(404);
        let response = client.get("/half/x").await;
        assert_eq!(
            response.assert_status(400).json::<Value>().await["detail"],
            "that is no number"
        );
    }

    #[tokio::test]
    async fn an_error_of_your_own_is_answered_as_it_says() {
        let client = TestClient::new(app());
        let response = client.get("/pay/40").await;
        let problem: Value = response.assert_status(402).json().await;
        assert_eq!(
            (&problem["missing"], &problem["detail"]),
            (&10.into(), &"10 more are needed".into())
        );
        client
            .get("/pay/0")
            .await
            .assert_status(503)
            .assert_header("retry-after", "86400");
    }
}
