use hyperlane::{Multipart, Rejection, Server};

pub fn app() -> Server {
    let server = Server::new();
    server.post("/upload", upload);
    server
}

async fn upload(mut form: Multipart) -> Result<String, Rejection> {
    let mut report = String::new();
    while let Some(mut field) = form.next_field().await? {
        let name = field.file_name().unwrap_or_default();
        let mut bytes = 0;
        while let Some(chunk) = field.chunk().await? {
            bytes += chunk.len();
        }
        report += &format!("{name}: {bytes} bytes\n");
    }
    Ok(report)
}
