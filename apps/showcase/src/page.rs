//! The page at `/` and its assets, all part of the binary.
//!
//! The content security policy admits nothing but these files: no inline script or style, no other
//! host. What a browser may load is thereby what this module serves.

use hyperlane::{IntoResponse, Path, StatusCode};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /`.
pub(crate) async fn index() -> impl IntoResponse {
    embedded(HTML, include_str!("assets/index.html"))
}

/// `GET /assets/{name}`; 404 for a name that is not one of the page's.
pub(crate) async fn asset(Path(name): Path<String>) -> Result<impl IntoResponse, StatusCode> {
    let (content_type, body) = match name.as_str() {
        "style.css" => (CSS, include_str!("assets/style.css")),
        "theme.js" => (SCRIPT, include_str!("assets/theme.js")),
        "app.js" => (SCRIPT, include_str!("assets/app.js")),
        "dom.js" => (SCRIPT, include_str!("assets/dom.js")),
        "timeline.js" => (SCRIPT, include_str!("assets/timeline.js")),
        "stream.js" => (SCRIPT, include_str!("assets/stream.js")),
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

fn embedded(content_type: &'static str, body: &'static str) -> impl IntoResponse {
    let headers = [
        ("content-type", content_type),
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        // The assets change with the binary and are small: ask every time.
        ("cache-control", "no-cache"),
    ];
    (headers, body)
}
