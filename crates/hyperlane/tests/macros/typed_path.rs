//! `#[derive(TypedPath)]`: URLs from values, and values from URLs.

use hyperlane::{Rejection, TypedPath};

use crate::{app, get};

#[derive(TypedPath, Debug, PartialEq)]
#[typed_path("/users/{id}/posts/{slug}")]
struct Post {
    id: u64,
    slug: String,
}

/// Fields need not stand in the order of the pattern, and names may be keywords.
#[derive(TypedPath)]
#[typed_path("/caf%C3%A9/img-{type}.png/{user-id:u32}/{*rest}")]
struct Odd {
    rest: String,
    user_id: u32,
    r#type: char,
}

#[derive(TypedPath)]
#[typed_path("/{shop}/{item}")]
struct Item(String, i32);

#[derive(TypedPath)]
#[typed_path("/about/")]
struct About;

#[test]
fn values_become_a_url() {
    let post = Post {
        id: 7,
        slug: "hello".into(),
    };
    assert_eq!(Post::PATTERN, "/users/{id}/posts/{slug}");
    assert_eq!(post.url(), "/users/7/posts/hello");
    assert_eq!(format!("{post}"), post.url());
    assert_eq!(Item("books".into(), -3).url(), "/books/-3");
    assert_eq!((About.url().as_str(), About::PATTERN), ("/about/", "/about/"));
}

#[test]
fn values_are_encoded_as_segments_rfc_3986_section_3_3() {
    let url = |slug: &str| {
        let slug = slug.into();
        Post { id: 0, slug }.url()
    };
    assert_eq!(url("a/b?c#d%e f"), "/users/0/posts/a%2Fb%3Fc%23d%25e%20f");
    assert_eq!(
        url("é\n\"<>\\^`{|}"),
        "/users/0/posts/%C3%A9%0A%22%3C%3E%5C%5E%60%7B%7C%7D"
    );
    assert_eq!(url("aZ0-._~!$&'()*+,;=:@"), "/users/0/posts/aZ0-._~!$&'()*+,;=:@");
    assert_eq!(url(".."), "/users/0/posts/%2E%2E");
}

#[test]
fn a_wildcard_keeps_its_slashes_and_text_is_encoded_too() {
    let odd = Odd {
        rest: "a b/../c?d/".into(),
        user_id: 5,
        r#type: 'ü',
    };
    assert_eq!(odd.url(), "/caf%C3%A9/img-%C3%BC.png/5/a%20b/%2E%2E/c%3Fd/");
}

#[tokio::test]
async fn a_url_leads_back_to_its_values() {
    async fn show(Post { id, slug }: Post) -> String {
        format!("{id} {slug}")
    }
    async fn odd(path: Odd) -> String {
        format!("{} {} {}", path.r#type, path.user_id, path.rest)
    }
    async fn item(Item(shop, item): Item, _: About) -> String {
        format!("{shop} {item}")
    }
    let app = app(|server| {
        server
            .get(Post::PATTERN, show)
            .get(Odd::PATTERN, odd)
            .get(Item::PATTERN, item);
    });
    for slug in ["plain", "a/b", "100% é ?#", ".x", "a+b"] {
        let slug = slug.to_owned();
        let expected = format!("9 {slug}");
        assert_eq!(get(&app, &Post { id: 9, slug }.url()).await, (200, expected));
    }
    let path = Odd {
        rest: "x y/z".into(),
        user_id: 1,
        r#type: '/',
    };
    assert_eq!(get(&app, &path.url()).await, (200, "/ 1 x y/z".into()));
    assert_eq!(get(&app, "/a/-2").await, (200, "a -2".into()));
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_answered_400_and_named() {
    async fn show(post: Result<Post, Rejection>) -> String {
        post.unwrap_err().to_string()
    }
    async fn strict(_: Post) {}
    let app = app(|server| {
        server.get(Post::PATTERN, strict).get("/shown/{id}/{slug}", show);
    });
    let expected = "path parameter `id` does not fit: invalid digit found in string";
    let (status, text) = get(&app, "/users/me/posts/x").await;
    assert!(status == 400 && text.contains(expected), "{status} {text}");
    assert_eq!(get(&app, "/shown/me/x").await, (200, expected.into()));
}

#[tokio::test]
async fn a_route_without_the_parameter_is_the_servers_fault() {
    async fn show(_: Post) {}
    let app = app(|server| {
        server.get("/post/{id}", show);
    });
    let (status, text) = get(&app, "/post/7").await;
    assert!(status == 500 && !text.contains("slug"), "{status} {text}");
}
