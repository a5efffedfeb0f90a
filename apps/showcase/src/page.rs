//! The page at `/` and its assets, all part of the binary.
//!
//! The content security policy admits nothing but these files: no inline script or style, no other
//! host. What a browser may load is thereby what this module serves.

use std::borrow::Cow;

use hyperlane::{Cookies, IntoResponse, Path, StatusCode};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// `GET /`, in the colours that the visitor has chosen: a cookie says so before the first paint.
pub(crate) async fn index(cookies: Cookies) -> impl IntoResponse {
    let html = include_str!("assets/index.html");
    let theme = cookies.get("theme");
    let html: Cow<'static, str> = match theme.as_ref().map(|theme| theme.value()) {
        Some(theme @ ("light" | "dark")) => {
            let root = format!("<html lang=\"en\" data-theme=\"{theme}\">");
            html.replacen("<html lang=\"en\">", &root, 1).into()
        }
        _ => html.into(),
    };
    ([("vary", "cookie")], embedded(HTML, html))
}

/// `GET /assets/{name}`; 404 for a name that is not one of the page's.
pub(crate) async fn asset(Path(name): Path<String>) -> Result<impl IntoResponse, StatusCode> {
    let (content_type, body) = match name.as_str() {
        "style.css" => (CSS, include_str!("assets/style.css")),
        "app.js" => (SCRIPT, include_str!("assets/app.js")),
        "dom.js" => (SCRIPT, include_str!("assets/dom.js")),
        "timeline.js" => (SCRIPT, include_str!("assets/timeline.js")),
        "stream.js" => (SCRIPT, include_str!("assets/stream.js")),
        "growth.js" => (SCRIPT, include_str!("assets/growth.js")),
        "guestbook.js" => (SCRIPT, include_str!("assets/guestbook.js")),
        "scenarios.js" => (SCRIPT, include_str!("assets/scenarios.js")),
        "performance.js" => (SCRIPT, include_str!("assets/performance.js")),
        "icon.svg" => (IMAGE, ICON),
        _ => return Err(StatusCode::NOT_FOUND),
    };
    Ok(embedded(content_type, body))
}

/// `GET /favicon.ico`, for browsers that ask there unprompted.
pub(crate) async fn favicon() -> impl IntoResponse {
    embedded(IMAGE, ICON)
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

const ICON: &str = include_str!("assets/icon.svg");

/// A page of its own, under the same policy.
pub(crate) fn html(text: &'static str) -> impl IntoResponse {
    embedded(HTML, text)
}

/// A script of such a page.
pub(crate) fn script(text: &'static str) -> impl IntoResponse {
    embedded(SCRIPT, text)
}

fn embedded(content_type: &'static str, body: impl Into<Cow<'static, str>>) -> impl IntoResponse {
    let headers = [
        ("content-type", content_type),
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        // The assets change with the binary and are small: ask every time.
        ("cache-control", "no-cache"),
    ];
    (headers, body.into())
}
