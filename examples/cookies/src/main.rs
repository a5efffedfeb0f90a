//! A session in a cookie: login, a page for members, logout. The cookie holds a number that is hard to guess, and what
//! belongs to it stays on the server.
//!
//! Run it: `cargo run -p example-cookies`, or on another port: `PORT=3000 cargo run -p example-cookies`.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyperlane::{Context, Cookie, Cookies, Error, Form, FromContext, Redirect, SameSite, Server, ServerConfig};
use hyperlane::{State, StatusCode};
use serde::Deserialize;

#[derive(Deserialize)]
struct Login {
    name: String,
    password: String,
}

/// Who is logged in, by the number in the cookie.
#[derive(Clone, Default)]
struct Sessions(Arc<Mutex<HashMap<String, String>>>);

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handler that takes a member is not run for anybody else.
struct Member(String);

impl FromContext for Member {
    type Rejection = (StatusCode, &'static str);

    async fn from_context(ctx: &Context) -> Result<Self, Self::Rejection> {
        let sessions: Sessions = ctx.state();
        let name = ctx.cookie("session").and_then(|id| sessions.lock().get(&id).cloned());
        name.map(Self).ok_or((StatusCode::UNAUTHORIZED, "log in first"))
    }
}

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
        .state(Sessions::default())
        .post("/login", login)
        .get("/me", async |Member(name): Member| format!("hello {name}"))
        .post("/logout", logout);
    server
}

async fn login(
    State(sessions): State<Sessions>,
    cookies: Cookies,
    Form(login): Form<Login>,
) -> Result<Redirect, StatusCode> {
    if login.password != "open sesame" {
        return Err(StatusCode::FORBIDDEN);
    }
    let id = random_id();
    sessions.lock().insert(id.clone(), login.name);
    let cookie = Cookie::build(("session", id))
        .path("/")
        .http_only(true)
        .secure(true)
        .same_site(SameSite::Lax);
    cookies.set(cookie);
    Ok(Redirect::see_other("/me"))
}

async fn logout(State(sessions): State<Sessions>, cookies: Cookies) -> &'static str {
    if let Some(cookie) = cookies.get("session") {
        sessions.lock().remove(cookie.value());
    }
    cookies.remove(Cookie::build(("session", "")).path("/"));
    "bye"
}

/// The standard library's keys come from the system's random source; a real application takes them there itself.
fn random_id() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test]
    async fn a_member_comes_in_and_goes() {
        let client = TestClient::new(app());
        client.get("/me").await.assert_status(401);
        let form = [("name", "Ada"), ("password", "open sesame")];
        let response = client.post("/login").form(&form).follow_redirects(1).await;
        response.assert_status(200).assert_text("hello Ada").await;
        client.another().get("/me").await.assert_status(401);

        let stolen = client.cookie("session").expect("it is set");
        client.post("/logout").await.assert_text("bye").await;
        assert_eq!(client.cookie("session"), None);
        client.get("/me").cookie("session", &stolen).await.assert_status(401);
    }

    #[tokio::test]
    async fn a_wrong_password_sets_nothing_and_scripts_can_not_read_the_cookie() {
        let client = TestClient::new(app());
        let wrong = client
            .post("/login")
            .form(&[("name", "Ada"), ("password", "1234")])
            .await;
        wrong.assert_status(403).assert_no_header("set-cookie");
        let right = client
            .post("/login")
            .form(&[("name", "Ada"), ("password", "open sesame")])
            .await;
        assert_eq!(
            right.cookie("session").and_then(|cookie| cookie.http_only()),
            Some(true)
        );
    }
}
