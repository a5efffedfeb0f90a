//! The client that most pages use, `tus-js-client`, over sockets and through a relay that cuts its connections.

use std::process::Command;

use hyperlane::ServerConfig;
use hyperlane_uploads::UploadSettings;

use crate::support::{Uploads, app, bytes, node_package, tool};
use crate::tus::id;

const SIZE: usize = 20 * 1024 * 1024;

async fn upload(test: &str, parallel: usize) {
    let (Some(node), Some(package)) = (tool("node", test), node_package("tus-js-client", test)) else {
        return;
    };
    let uploads = Uploads::start(UploadSettings::new()).await;
    let server = app(uploads.store.clone());
    server.config(ServerConfig::new().host("127.0.0.1").port(0));
    let handle = server.run().await.unwrap();
    let port = handle.local_addr().to_string().rsplit(':').next().unwrap().to_owned();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/uploads/upload.mjs");
    let mut command = Command::new(node);
    command
        .arg(script)
        .arg(package)
        .args([port, SIZE.to_string(), parallel.to_string()]);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["cut"], 2, "{said}");
    let methods = said["methods"].as_array().unwrap();
    assert!(methods.iter().any(|method| method == "HEAD"), "it resumed: {said}");
    let file = uploads
        .store
        .find(&id(said["url"].as_str().unwrap()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(file.name.as_deref(), Some("large.bin"));
    assert!(uploads.content(&file) == bytes(SIZE));
    handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tus_js_client_resumes_where_its_connection_was_cut() {
    upload("tus_js_client_resumes_where_its_connection_was_cut", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tus_js_client_sends_parts_side_by_side() {
    upload("tus_js_client_sends_parts_side_by_side", 2).await;
}
