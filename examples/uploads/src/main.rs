//! Uploads into a store: files of forms, whole bodies, and resumable uploads that go on where they broke off. Images get a
//! thumbnail, made on a thread of its own.
//!
//! Run it: `cargo run -p example-uploads`, or on another port: `PORT=3000 cargo run -p example-uploads`.
//!
//! ```text
//! curl -F photo=@sea.jpg localhost:8080/form
//! curl -T large.iso localhost:8080/whole?name=large.iso
//! ```
//!
//! `/resumable` is for any client of the protocol tus, such as `tus-js-client` or `tusc`.

use hyperlane::{Context, Error, Json, Multipart, Path, Route, Server, ServerConfig, State, sse::Sse};
use hyperlane_uploads::{Conversion, Conversions, StoredFile, Tus, UploadError, UploadId, UploadSettings, UploadStore};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let settings = UploadSettings::new()
        .max_file_bytes(64 << 20)
        .allow_types(["image/*", "application/pdf"]);
    let store = UploadStore::open_with(std::env::temp_dir().join("hyperlane-uploads"), settings).await?;
    let server = app(store)?;
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

fn app(store: UploadStore) -> Result<Server, Error> {
    let conversions = Conversions::start(store.clone())?;
    let queue = conversions.clone();
    let tus = Tus::new(store.clone()).on_complete(move |upload| {
        if let Err(error) = queue.submit(&upload.file.id, Conversion::thumbnail("small", 320)) {
            eprintln!("no thumbnail of {}: {error}", upload.file.id);
        }
        async {}
    });
    let server = Server::new();
    server
        .state(store)
        .state(conversions)
        .post("/form", Route::new(form).body_limit(256 << 20))
        .put("/whole", Route::new(whole).body_limit(64 << 20))
        .nest("/resumable", tus.router())
        .get("/progress/{id}", progress);
    Ok(server)
}

/// All files of a form, or none.
async fn form(form: Multipart, State(store): State<UploadStore>) -> Result<Json<Vec<StoredFile>>, UploadError> {
    let form = store.receive_form(form).await?;
    Ok(Json(form.files.into_iter().map(|(_field, file)| file).collect()))
}

async fn whole(ctx: Context, State(store): State<UploadStore>) -> Result<Json<StoredFile>, UploadError> {
    let name = ctx.query("name");
    Ok(Json(store.receive(&ctx, name.as_deref()).await?))
}

/// How the thumbnail of a file comes, as events.
async fn progress(Path(id): Path<String>, State(conversions): State<Conversions>) -> Option<Sse> {
    let id: UploadId = id.parse().ok()?;
    Some(conversions.job(&id, "small")?.sse())
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::{TestClient, TestForm};

    use super::*;

    #[tokio::test]
    async fn forms_bodies_and_resumable_uploads_are_stored() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = UploadStore::open(folder.path()).await.expect("a store");
        let client = TestClient::new(app(store.clone()).expect("threads"));
        let form = TestForm::new().file("a", "../a.txt", "text/plain", "some");
        let files: Vec<StoredFile> = client.post("/form").multipart(&form).await.json().await;
        assert_eq!(files[0].name.as_deref(), Some("a.txt"));
        client.put("/whole?name=b.txt").body("more").await.assert_status(200);

        let tus = client.another().header("tus-resumable", "1.0.0");
        let begun = tus.post("/resumable").header("upload-length", "8").await;
        let location = begun
            .assert_status(201)
            .header("location")
            .expect("where it is")
            .to_owned();
        for (offset, part) in [("0", "half"), ("4", " two")] {
            let patch = tus.patch(&location).header("upload-offset", offset);
            let patch = patch
                .header("content-type", "application/offset+octet-stream")
                .body(part);
            patch.await.assert_status(204);
        }
        assert_eq!(store.list().await.expect("a list").len(), 3);
        // It is no image, of which its thumbnail tells.
        let id = location.rsplit('/').next().expect("an id");
        let events = client.get(&format!("/progress/{id}")).await.text().await;
        assert!(events.contains("no png, jpeg or webp image"), "{events}");
    }
}
