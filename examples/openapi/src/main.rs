//! An API that describes itself: `/openapi.json` is written by the types of the handlers, and `/docs` is a page to read
//! and try it.
//!
//! Run it: `cargo run -p example-openapi`, or on another port: `PORT=3000 cargo run -p example-openapi`. With `PORT=0`
//! the system chooses one.

mod books;

use hyperlane::middleware::{BearerAuth, BearerError, SecurityHeaders};
use hyperlane::openapi::{OpenApi, Security};
use hyperlane::{Error, Route, Router, Server, ServerConfig};

use books::{Books, add, change, find, html, read, remind, remove};

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
    server.state(Books::with_some()).middleware(SecurityHeaders::new());

    let books = Router::new();
    books
        .get(
            "/",
            Route::new(find).openapi(|operation| operation.summary("Finds books").tag("books")),
        )
        .get(
            "/{id:u32}",
            Route::new(read).openapi(|operation| operation.summary("Reads a book").tag("books")),
        )
        .get(
            "/{id:u32}/page",
            Route::new(html).openapi(|operation| operation.summary("Shows a book to people").tag("books")),
        )
        .post(
            "/{id:u32}/reminders",
            Route::new(remind).openapi(|operation| {
                operation
                    .summary("Reminds a reader")
                    .tag("readers")
                    .response(202, |response| response.description("it will be sent"))
            }),
        );

    // What is behind this middleware is described as secured, as it is said below who asks for the token.
    let librarians = Router::new();
    librarians
        .middleware(BearerAuth::new("library", verify))
        .post(
            "/books",
            Route::new(add).openapi(|operation| operation.summary("Adds a book").tag("books")),
        )
        .put(
            "/books/{id:u32}",
            Route::new(change).openapi(|operation| operation.summary("Changes a book").tag("books")),
        )
        .delete(
            "/books/{id:u32}",
            Route::new(remove).openapi(|operation| operation.summary("Removes a book").tag("books")),
        );

    server.nest("/books", books).merge(librarians);
    OpenApi::new("Library", "1.0.0")
        .description("Books, found by anybody and kept by librarians, whose token is `librarian`.")
        .tag("books", "What can be read.")
        .tag("readers", "Who reads it.")
        .security("token", Security::bearer())
        .viewer("/docs")
        .serve(&server);
    server
}

async fn verify(token: String) -> Result<(), BearerError> {
    if token == "librarian" {
        Ok(())
    } else {
        Err(BearerError::InvalidToken)
    }
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;
    use serde_json::Value;

    use super::*;

    #[tokio::test]
    async fn the_document_says_what_the_types_say() {
        let response = TestClient::new(app()).get("/openapi.json").await;
        let document: Value = response.json().await;
        let post = &document["paths"]["/books"]["post"];
        assert_eq!(post["security"][0]["token"], serde_json::json!([]));
        assert_eq!(
            post["requestBody"]["content"]["application/json"]["schema"]["$ref"],
            "#/components/schemas/NewBook"
        );
        // A rule of `garde` is a rule of the schema.
        assert_eq!(
            document["components"]["schemas"]["NewBook"]["properties"]["title"]["maxLength"],
            200
        );
        assert!(document["paths"].get("/openapi.json").is_none());
    }

    #[tokio::test]
    async fn the_page_loads_nothing_from_elsewhere() {
        let client = TestClient::new(app());
        let page = client.get("/docs").await;
        assert!(!page.text().await.contains("://"));
        let script = client.get("/docs/swagger-ui-bundle.js").await;
        assert_eq!(script.status(), 200);
    }
}
