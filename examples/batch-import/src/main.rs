//! A file of records, imported in the background: watched, cancelled, and reported. It survives the process: kill it in the
//! middle and start it again.
//!
//! Run it: `cargo run -p example-batch-import`, or on another port: `PORT=3000 cargo run -p example-batch-import`.
//!
//! ```text
//! curl --data-binary @people.csv localhost:8080/imports
//! ```

use std::path::Path as FilePath;

use hyperlane::{
    Context, Created, Error, Html, Json, NoContent, OrError, Path, Route, Server, ServerConfig, State, sse::Sse,
};
use hyperlane_batch::{
    Database,
    imports::{Format, ImportId, ImportStatus, Importer, Imports, Rejected, Report, ReportFormat},
    jobs::{Jobs, Worker, WorkerHandle},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Person {
    email: String,
    name: String,
    age: Option<u8>,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let (imports, worker) = open(FilePath::new("batch-import")).await?;
    let server = app(imports);
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    worker.shutdown().await;
    Ok(())
}

/// Everything below one folder: the database, and the files that wait to be imported.
async fn open(folder: &FilePath) -> Result<(Imports, WorkerHandle), Error> {
    std::fs::create_dir_all(folder)?;
    let database = Database::connect(&format!("sqlite:{}", folder.join("people.sqlite").display())).await?;
    let pool = database.as_sqlite().or_not_found()?;
    sqlx::query("CREATE TABLE IF NOT EXISTS people (email TEXT PRIMARY KEY, name TEXT NOT NULL, age INTEGER)")
        .execute(pool)
        .await?;
    let people = Importer::<Person>::new("people")
        .check(|person| match person.email.contains('@') {
            true => Ok(()),
            false => Err(Rejected::field("email", "has no @")),
        })
        .into_table("people", ["email", "name", "age"], |person| {
            [person.email.into(), person.name.into(), person.age.into()]
        });
    let jobs = Jobs::open(database).await?;
    let imports = Imports::open(&jobs, folder.join("sources"), [people]).await?;
    let worker = Worker::new(&jobs).imports(&imports).start();
    Ok((imports, worker))
}

fn app(imports: Imports) -> Server {
    let server = Server::new();
    server
        .state(imports)
        .get("/", async || Html(include_str!("page.html")))
        .get("/imports", list)
        .post("/imports", Route::new(start).body_limit(1024 * 1024 * 1024))
        .get("/imports/{id:i64}", status)
        .get("/imports/{id:i64}/events", events)
        .get("/imports/{id:i64}/report.csv", report)
        .post("/imports/{id:i64}/cancel", cancel)
        .post("/imports/{id:i64}/retry", retry);
    server
}

async fn list(State(imports): State<Imports>) -> Result<Json<Vec<ImportStatus>>, Error> {
    Ok(Json(imports.list(100).await?))
}

/// Stores the body, and answers as soon as it is on the disk.
async fn start(ctx: Context, State(imports): State<Imports>) -> Result<Created<Json<ImportStatus>>, Error> {
    let format = ctx
        .header("content-type")
        .and_then(Format::from_media_type)
        .unwrap_or(Format::CSV);
    let import = imports.store("people", "people", format, ctx.body_stream()).await?;
    Ok(Created::new(format!("/imports/{}", import.id), Json(import)))
}

async fn status(State(imports): State<Imports>, Path(id): Path<i64>) -> Result<Json<ImportStatus>, Error> {
    Ok(Json(imports.status(ImportId(id)).await?.or_not_found()?))
}

async fn events(State(imports): State<Imports>, Path(id): Path<i64>) -> Result<Sse, Error> {
    imports.status(ImportId(id)).await?.or_not_found()?;
    Ok(imports.watch(ImportId(id)).into_sse())
}

async fn report(State(imports): State<Imports>, Path(id): Path<i64>) -> Result<Report, Error> {
    imports.status(ImportId(id)).await?.or_not_found()?;
    Ok(imports.report(ImportId(id), ReportFormat::Csv).await?)
}

async fn cancel(State(imports): State<Imports>, Path(id): Path<i64>) -> Result<NoContent, Error> {
    imports.cancel(ImportId(id)).await?.then_some(NoContent).or_not_found()
}

async fn retry(State(imports): State<Imports>, Path(id): Path<i64>) -> Result<NoContent, Error> {
    imports.retry(ImportId(id)).await?.then_some(NoContent).or_not_found()
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;
    use serde_json::Value;

    use super::*;

    #[tokio::test]
    async fn a_file_is_imported_watched_and_reported() {
        let folder = tempfile::tempdir().expect("there is room");
        let (imports, worker) = open(folder.path()).await.expect("it opens");
        let client = TestClient::new(app(imports));
        let file = "email,name,age\nann@x,Ann,41\nbob,Bob,7\ncid@x,Cid,old\n";
        let response = client.post("/imports").body(file).await;
        response.assert_status(201).assert_header("location", "/imports/1");

        let mut events = client.get("/imports/1/events").await.events();
        let mut last = Value::Null;
        while last["finished_ms"].is_null() {
            let event = events.next().await.expect("it ends with a final state");
            last = serde_json::from_str(&event.data).expect("it is JSON");
        }
        assert_eq!(
            (&last["state"], &last["written"], &last["rejected"]),
            (&"done".into(), &1.into(), &2.into())
        );
        let report = client.get("/imports/1/report.csv").await;
        let lines = "record,line,field,reason\r\n2,3,\"email\",\"has no @\"\r\n3,4,\"age\",\"invalid digit found in string\"\r\n";
        report.assert_status(200).assert_text(lines).await;
        client.post("/imports/1/cancel").await.assert_status(404);
        client.get("/imports/2").await.assert_status(404);
        worker.shutdown().await;
    }
}
