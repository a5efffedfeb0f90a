use hyperlane::{IntoResponse, Response, Route, Server};

struct Page;

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        "page".into_response()
    }
}

async fn show() -> Page {
    Page
}

fn main() {
    Server::new().get("/", Route::new(show).openapi(|operation| operation));
}
