use hyperlane::{Context, FromContext, Rejection, Route, Server};

struct User;

impl FromContext for User {
    type Rejection = Rejection;

    async fn from_context(_: &Context) -> Result<Self, Rejection> {
        Ok(Self)
    }
}

async fn show(_: User) {}

fn main() {
    Server::new().get("/", Route::new(show).openapi(|operation| operation));
}
