use hyperlane::{IntoResponse, Path, Response, Server, StatusCode};

enum ShopError {
    NoSuchItem,
    SoldOut,
}

impl IntoResponse for ShopError {
    fn into_response(self) -> Response {
        match self {
            Self::NoSuchItem => (StatusCode::NOT_FOUND, "no such item").into_response(),
            Self::SoldOut => (StatusCode::CONFLICT, "sold out").into_response(),
        }
    }
}

pub fn app() -> Server {
    let server = Server::new();
    server.post("/buy/{item}", buy);
    server
}

async fn buy(Path(item): Path<u32>) -> Result<String, ShopError> {
    let left = stock(item).ok_or(ShopError::NoSuchItem)?;
    let left = left.checked_sub(1).ok_or(ShopError::SoldOut)?;
    Ok(format!("{left} left"))
}

fn stock(item: u32) -> Option<u32> {
    [3, 0].get(item as usize).copied()
}
