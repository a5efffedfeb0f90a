//! The files of a form.

use hyperlane::testing::TestForm;
use hyperlane_uploads::{StoredFile, UploadSettings};

use crate::support::{Uploads, bytes};

#[tokio::test]
async fn all_files_of_a_form_are_stored_under_names_of_ours() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let form = TestForm::new()
        .text("title", "holiday")
        .file("photo", "../../a.txt", "image/png", bytes(200_000))
        .file("photo", "a.txt", "text/plain", "text")
        // What a browser sends for a field that nobody filled.
        .file("other", "", "application/octet-stream", "");
    let files: Vec<StoredFile> = uploads.client.post("/form").multipart(&form).await.json().await;
    let names: Vec<_> = files.iter().map(|file| file.name.as_deref()).collect();
    assert_eq!(names, [Some("a.txt"), Some("a.txt")]);
    assert_ne!(files[0].id, files[1].id);
    assert_eq!(uploads.content(&files[0]), bytes(200_000));
    assert_eq!(
        (files[0].content_type.as_str(), files[1].content_type.as_str()),
        ("application/octet-stream", "text/plain")
    );
    uploads.wait_for_count("partial", 0).await;
}

#[tokio::test]
async fn a_form_is_stored_whole_or_not_at_all() {
    let settings = UploadSettings::new()
        .max_file_bytes(1000)
        .max_request_bytes(1500)
        .max_files(3);
    let uploads = Uploads::start(settings).await;
    let file = |form: TestForm, length| form.file("f", "f", "x/y", bytes(length));
    for (lengths, status, said) in [
        (vec![10, 1001], 413, "exceeds 1000 bytes"),
        (vec![900, 900], 413, "exceeds 1500 bytes"),
        (vec![1, 1, 1, 1], 413, "more than 3 files"),
        (vec![1000, 500], 200, ""),
    ] {
        let form = lengths.into_iter().fold(TestForm::new(), file);
        let response = uploads.client.post("/form").multipart(&form).await;
        response.assert_status(status);
        assert!(response.text().await.contains(said));
    }
    uploads.wait_for_count("partial", 0).await;
    assert_eq!(uploads.store.used_bytes(), 1500);
    assert_eq!(uploads.store.list().await.unwrap().len(), 2);
}

#[tokio::test]
async fn text_beside_the_files_is_bounded() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let long = TestForm::new().text("a", "x".repeat(65 * 1024));
    uploads.client.post("/form").multipart(&long).await.assert_status(413);
    let many = (0..6).fold(TestForm::new(), |form, _| form.text("a", "x".repeat(60 * 1024)));
    uploads.client.post("/form").multipart(&many).await.assert_status(413);
}

// RFC 2046 §5.1.1: the last boundary ends the form.
#[tokio::test]
async fn a_form_that_is_cut_short_leaves_nothing() {
    let uploads = Uploads::start(UploadSettings::new()).await;
    let body = "--b\r\ncontent-disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nhalf of it";
    let request = uploads
        .client
        .post("/form")
        .header("content-type", "multipart/form-data; boundary=b");
    request.body(body).await.assert_status(400);
    uploads.wait_for_count("partial", 0).await;
    assert_eq!(uploads.count("files"), 0);
}
