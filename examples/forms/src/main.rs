//! A guest book: an HTML form, checked on the server, and a redirect behind it, so that reloading the page does not send
//! the form again.
//!
//! Run it: `cargo run -p example-forms`, or on another port: `PORT=3000 cargo run -p example-forms`.

use std::sync::{Arc, Mutex, PoisonError};

use hyperlane::{Error, Form, Html, IntoResponse, Redirect, Response, Server, ServerConfig, State, StatusCode};
use serde::Deserialize;

#[derive(Deserialize)]
struct Entry {
    name: String,
    text: String,
}

#[derive(Clone, Default)]
struct Book(Arc<Mutex<Vec<Entry>>>);

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
    server.state(Book::default()).get("/", page).post("/", sign);
    server
}

async fn page(State(book): State<Book>) -> Html<String> {
    let entries = book.0.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = |entry: &Entry| format!("<li><b>{}</b>: {}", escape(&entry.name), escape(&entry.text));
    let entries: String = entries.iter().map(entry).collect();
    Html(format!(
        "<!doctype html><title>Guest book</title><ul>{entries}</ul>\
         <form method=post><input name=name placeholder=Name><input name=text placeholder=Text><button>Sign</button></form>"
    ))
}

async fn sign(State(book): State<Book>, Form(entry): Form<Entry>) -> Response {
    if entry.name.trim().is_empty() || entry.text.chars().count() > 200 {
        let message = Html("<p>A name is needed, and no more than 200 characters. <a href=/>Back</a>");
        return (StatusCode::UNPROCESSABLE_ENTITY, message).into_response();
    }
    book.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    Redirect::see_other("/").into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test]
    async fn a_signature_is_on_the_page_and_can_do_no_harm() {
        let client = TestClient::new(app());
        let entry = [("name", "Ada"), ("text", "<script>alert(1)</script> & more")];
        let signed = client.post("/").form(&entry).await;
        signed.assert_status(303).assert_header("location", "/");
        let page = client.post("/").form(&entry).follow_redirects(1).await.text().await;
        assert!(
            page.contains("<b>Ada</b>: &lt;script>alert(1)&lt;/script> &amp; more"),
            "{page}"
        );
    }

    #[tokio::test]
    async fn a_form_that_does_not_fit_is_refused() {
        let client = TestClient::new(app());
        client
            .post("/")
            .form(&[("name", " "), ("text", "hi")])
            .await
            .assert_status(422);
        client.post("/").form(&[("name", "Ada")]).await.assert_status(422);
        client.post("/").body("name=Ada&text=hi").await.assert_status(415);
    }
}
