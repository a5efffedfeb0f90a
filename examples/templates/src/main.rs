//! Pages from templates (here those of `minijinja`), which are parsed once and escape what users wrote.
//!
//! Run it: `cargo run -p example-templates`, or on another port: `PORT=3000 cargo run -p example-templates`.

use std::sync::Arc;

use hyperlane::{Error, Html, OrError, Path, Server, ServerConfig, State};
use minijinja::{Environment, context};

const LAYOUT: &str = "<!doctype html><title>{% block title %}{% endblock %}</title>{% block body %}{% endblock %}";

const INDEX: &str = r#"{% extends "layout.html" %}
{% block title %}All books{% endblock %}
{% block body %}<ol>{% for book in books %}<li><a href="/books/{{ loop.index0 }}">{{ book }}</a>{% endfor %}</ol>{% endblock %}"#;

const BOOK: &str = r#"{% extends "layout.html" %}
{% block title %}{{ title }}{% endblock %}
{% block body %}<h1>{{ title }}</h1><p>{{ title|length }} characters{% endblock %}"#;

const BOOKS: [&str; 3] = ["Emma", "Faust", "Less is < More"];

/// The parsed templates.
#[derive(Clone)]
struct Pages(Arc<Environment<'static>>);

impl Pages {
    fn new() -> Result<Self, minijinja::Error> {
        let mut pages = Environment::new();
        for (name, source) in [("layout.html", LAYOUT), ("index.html", INDEX), ("book.html", BOOK)] {
            pages.add_template(name, source)?;
        }
        Ok(Self(Arc::new(pages)))
    }

    fn render(&self, name: &str, values: minijinja::Value) -> Result<Html<String>, Error> {
        Ok(Html(self.0.get_template(name)?.render(values)?))
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let server = app()?;
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

fn app() -> Result<Server, minijinja::Error> {
    let server = Server::new();
    server.state(Pages::new()?).get("/", index).get("/books/{number}", book);
    Ok(server)
}

async fn index(State(pages): State<Pages>) -> Result<Html<String>, Error> {
    pages.render("index.html", context! { books => BOOKS })
}

async fn book(State(pages): State<Pages>, Path(number): Path<usize>) -> Result<Html<String>, Error> {
    let title = BOOKS.get(number).or_not_found()?;
    pages.render("book.html", context! { title })
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test]
    async fn pages_are_filled_in_and_escaped() {
        let client = TestClient::new(app().expect("the templates are right"));
        let index = client.get("/").await;
        index
            .assert_status(200)
            .assert_header("content-type", "text/html; charset=utf-8");
        assert!(index.text().await.contains(r#"<li><a href="/books/1">Faust</a>"#));
        let book = client.get("/books/2").await.text().await;
        assert!(book.contains("<h1>Less is &lt; More</h1><p>14 characters"), "{book}");
        client.get("/books/3").await.assert_status(404);
    }
}
