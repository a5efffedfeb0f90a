//! Rows of an SQL database as JSON. The pool of connections is a state; each handler asks it for one.
//!
//! Run it: `cargo run -p example-sqlite`, or on another port: `PORT=3000 cargo run -p example-sqlite`.
//!
//! The database is `notes.db` in the current folder, or what `DATABASE_URL` says.

use hyperlane::{Created, Error, Json, NoContent, OrError, Path, Server, ServerConfig, State};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{query, query_as};

#[derive(Deserialize)]
struct NewNote {
    text: String,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Note {
    id: i64,
    text: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let server = app(open(
        &std::env::var("DATABASE_URL").unwrap_or("sqlite:notes.db".to_owned()),
        4,
    )
    .await?);
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

async fn open(url: &str, connections: u32) -> Result<SqlitePool, sqlx::Error> {
    let options: SqliteConnectOptions = url.parse()?;
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .connect_with(options.create_if_missing(true))
        .await?;
    query("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        .execute(&pool)
        .await?;
    Ok(pool)
}

fn app(pool: SqlitePool) -> Server {
    let server = Server::new();
    server
        .state(pool)
        .get("/notes", list)
        .post("/notes", create)
        .get("/notes/{id}", read)
        .delete("/notes/{id}", delete);
    server
}

async fn list(State(pool): State<SqlitePool>) -> Result<Json<Vec<Note>>, Error> {
    let rows: Vec<(i64, String)> = query_as("SELECT id, text FROM notes ORDER BY id")
        .fetch_all(&pool)
        .await?;
    Ok(Json(rows.into_iter().map(|(id, text)| Note { id, text }).collect()))
}

async fn create(State(pool): State<SqlitePool>, Json(new): Json<NewNote>) -> Result<Created<Json<Note>>, Error> {
    // What users send goes in as a value, never as a part of the statement.
    let done = query("INSERT INTO notes (text) VALUES (?)")
        .bind(&new.text)
        .execute(&pool)
        .await?;
    let note = Note {
        id: done.last_insert_rowid(),
        text: new.text,
    };
    Ok(Created::new(format!("/notes/{}", note.id), Json(note)))
}

async fn read(State(pool): State<SqlitePool>, Path(id): Path<i64>) -> Result<Json<Note>, Error> {
    let row: Option<(String,)> = query_as("SELECT text FROM notes WHERE id = ?")
        .bind(id)
        .fetch_optional(&pool)
        .await?;
    let (text,) = row.or_not_found()?;
    Ok(Json(Note { id, text }))
}

async fn delete(State(pool): State<SqlitePool>, Path(id): Path<i64>) -> Result<NoContent, Error> {
    let done = query("DELETE FROM notes WHERE id = ?").bind(id).execute(&pool).await?;
    (done.rows_affected() > 0).then_some(NoContent).or_not_found()
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_note_is_stored_read_and_deleted() {
        // A database in memory belongs to one connection.
        let client = TestClient::new(app(open("sqlite::memory:", 1).await.expect("in memory")));
        let text = "'); DROP TABLE notes; --";
        let made = client.post("/notes").json(&json!({ "text": text })).await;
        made.assert_status(201).assert_header("location", "/notes/1");
        let note: Note = client.get("/notes/1").await.json().await;
        assert_eq!(note.text, text);
        client.get("/notes").await.assert_json([note]).await;
        client.delete("/notes/1").await.assert_status(204);
        client.delete("/notes/1").await.assert_status(404);
        client.get("/notes").await.assert_json(json!([])).await;
    }
}
