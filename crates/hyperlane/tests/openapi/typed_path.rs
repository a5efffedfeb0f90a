//! Structs with `#[derive(TypedPath)]` as arguments of described handlers.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use hyperlane::{Route, TypedPath};
use serde_json::json;

use super::{document, operation, parameter, statuses};

#[derive(TypedPath)]
#[typed_path("/users/{user-id}/posts/{slug}")]
struct Post {
    /// Who wrote it.
    user_id: u32,
    slug: String,
}

/// A type without a schema: the derive asks for none.
struct Shout(String);

impl fmt::Display for Shout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Shout {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_uppercase()))
    }
}

#[derive(TypedPath)]
#[typed_path("/shout/{volume:u8}/{word}")]
struct Shouted(u8, Shout);

#[test]
fn a_typed_path_describes_its_parameters() {
    async fn post(_: Post) {}
    let document = document(|server| {
        server.get(Post::PATTERN, Route::new(post).openapi(|operation| operation));
    });
    let post = operation(&document, "get", "/users/{user-id}/posts/{slug}");
    let user = parameter(post, "user-id");
    assert_eq!((&user["in"], &user["required"]), (&json!("path"), &json!(true)));
    assert_eq!(user["description"], json!("Who wrote it."));
    assert_eq!(
        (&user["schema"]["type"], &user["schema"]["format"]),
        (&json!("integer"), &json!("uint32"))
    );
    assert_eq!(parameter(post, "slug")["schema"]["type"], json!("string"));
    assert!(statuses(post).contains(&"400"), "{:?}", statuses(post));
}

#[test]
fn of_a_type_without_a_schema_the_pattern_alone_tells() {
    async fn shout(_: Shouted) {}
    let document = document(|server| {
        server.get(Shouted::PATTERN, Route::new(shout).openapi(|operation| operation));
    });
    let shout = operation(&document, "get", "/shout/{volume}/{word}");
    assert_eq!(parameter(shout, "volume")["schema"]["maximum"], json!(255));
    assert_eq!(
        parameter(shout, "word")["schema"],
        json!({ "type": "string", "minLength": 1 })
    );
}
