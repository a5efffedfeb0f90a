//! A form with files, read field by field as it arrives: no file is in memory as a whole.
//!
//! Run it: `cargo run -p example-multipart-upload`, or on another port: `PORT=3000 cargo run -p example-multipart-upload`.
//!
//! ```text
//! curl localhost:8080/upload -F title=Sea -F photo=@sea.jpg
//! ```

use hyperlane::{Error, Json, Multipart, Problem, Route, Server, ServerConfig, StatusCode};
use serde::Serialize;

/// The largest form that is taken, in bytes: more than the server's default.
const LIMIT: u64 = 64 * 1024 * 1024;

#[derive(Default, Serialize)]
struct Upload {
    title: String,
    files: Vec<File>,
}

#[derive(Serialize)]
struct File {
    name: String,
    bytes: usize,
    /// The sum of all bytes, in place of a real checksum.
    sum: u64,
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
    server.post("/upload", Route::new(upload).body_limit(LIMIT));
    server
}

async fn upload(form: Multipart) -> Result<Json<Upload>, Error> {
    let mut form = form.with_field_limit(LIMIT);
    let mut upload = Upload::default();
    while let Some(mut field) = form.next_field().await? {
        let Some(name) = field.file_name() else {
            if field.name() == "title" {
                upload.title = field.text().await?;
            }
            continue;
        };
        let mut file = File { name, bytes: 0, sum: 0 };
        while let Some(chunk) = field.chunk().await? {
            file.bytes += chunk.len();
            file.sum += chunk.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        }
        upload.files.push(file);
    }
    if upload.files.is_empty() {
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY).with_detail("no file was sent");
        return Err(Error::problem(problem));
    }
    Ok(Json(upload))
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::{TestClient, TestForm};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn files_are_counted_and_their_names_made_harmless() {
        let form = TestForm::new()
            .text("title", "Sea")
            .file("photo", "../../etc/sea.jpg", "image/jpeg", vec![2; 3_000_000])
            .file("note", "note.txt", "text/plain", "A");
        let response = TestClient::new(app()).post("/upload").multipart(&form).await;
        let files = json!([
            { "name": "sea.jpg", "bytes": 3_000_000, "sum": 6_000_000 },
            { "name": "note.txt", "bytes": 1, "sum": 65 },
        ]);
        response
            .assert_status(200)
            .assert_json(json!({ "title": "Sea", "files": files }))
            .await;
    }

    #[tokio::test]
    async fn a_form_without_files_is_refused() {
        let client = TestClient::new(app());
        client
            .post("/upload")
            .multipart(&TestForm::new().text("title", "x"))
            .await
            .assert_status(422);
        client.post("/upload").form(&[("title", "x")]).await.assert_status(415);
    }
}
