use hyperlane::{Json, Route, Server};

#[derive(serde::Serialize)]
struct Point {
    x: i32,
}

async fn show() -> Json<Point> {
    Json(Point { x: 1 })
}

fn main() {
    Server::new().get("/", Route::new(show).openapi(|operation| operation));
}
