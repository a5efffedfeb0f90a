//! A page on which the operations of a document can be read and tried: Swagger UI, out of the program itself.

mod archive;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use hyperlane_core::Response;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

use crate::context::Context;
use crate::routing::Route;
use crate::server::Server;

const PAGE: &str = include_str!("page.html");
const START: &str = include_str!("start.js");

/// The files of the archive that the page loads, with their types.
const FILES: [(&str, &str); 3] = [
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("favicon-32x32.png", "image/png"),
];

/// Registers the page and its files. `origins` are those that it may ask beside its own.
pub(super) fn serve(server: &Server, path: &str, document: &str, origins: &[String]) {
    let base = path.trim_end_matches('/');
    let document = document.to_owned();
    let page = move |path: &str| {
        let page = PAGE.replace("{base}", &escape(&relative_base(path)));
        Bytes::from(page.replace("{document}", &escape(&relative(path, &document))))
    };
    let (plain, slashed) = (page(path.trim_end_matches('/')), page(&format!("{base}/")));
    let policy = policy(origins);
    let handler = move |ctx: Context| {
        // A server may take a path with a slash behind it for the same; to a browser its files are elsewhere then.
        let page = if ctx.path().ends_with('/') { &slashed } else { &plain };
        let response = Response::from(StatusCode::OK)
            .with_header(CONTENT_TYPE, "text/html; charset=utf-8")
            .with_header(CACHE_CONTROL, "no-cache")
            .with_header(CONTENT_SECURITY_POLICY, policy.clone())
            .with_body(page.clone());
        async move { response }
    };
    server.get(path, Route::new(handler).undocumented());
    get(
        server,
        &format!("{base}/start.js"),
        Bytes::from_static(START.as_bytes()),
        |response| {
            response
                .with_header(CONTENT_TYPE, "text/javascript; charset=utf-8")
                .with_header(CACHE_CONTROL, "no-cache")
        },
    );
    for (name, media_type) in FILES {
        let Some(packed) = archive::file(SWAGGER_UI_VENDORED, &format!("/dist/{name}")) else {
            tracing::error!(name, "the viewer of the api lacks a file");
            continue;
        };
        let gzip = packed.gzip;
        get(
            server,
            &format!("{base}/{name}"),
            Bytes::from(packed.bytes),
            move |response| {
                let response = response
                    .with_header(CONTENT_TYPE, media_type)
                    .with_header(CACHE_CONTROL, "public, max-age=86400");
                if gzip {
                    response.with_header(CONTENT_ENCODING, "gzip")
                } else {
                    response
                }
            },
        );
    }
}

fn get(server: &Server, path: &str, body: Bytes, head: impl Fn(Response) -> Response + Clone + Send + Sync + 'static) {
    let handler = move || {
        let response = head(Response::from(StatusCode::OK)).with_body(body.clone());
        async move { response }
    };
    server.get(path, Route::new(handler).undocumented());
}

/// Swagger UI sets styles in its elements and has images in its style sheet, both of which no default allows.
fn policy(origins: &[String]) -> String {
    let origins: String = origins.iter().map(|origin| format!(" {origin}")).collect();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src \
         'self'{origins}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
}

/// Where the page's files are, seen from the page: so it works behind a proxy that cuts a prefix off.
fn relative_base(path: &str) -> String {
    match path.rsplit('/').next() {
        Some("") | None => String::new(),
        Some(last) => format!("{last}/"),
    }
}

/// The document, seen from the page.
fn relative(page: &str, document: &str) -> String {
    let up = page.matches('/').count().saturating_sub(1);
    format!("{}{}", "../".repeat(up), document.trim_start_matches('/'))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_its_files_and_its_document_from_where_it_is() {
        assert_eq!(
            (relative_base("/docs"), relative("/docs", "/openapi.json")),
            ("docs/".into(), "openapi.json".into())
        );
        assert_eq!(
            (relative_base("/docs/"), relative("/docs/", "/a.json")),
            (String::new(), "../a.json".into())
        );
        assert_eq!(
            (relative_base("/a/b"), relative("/a/b", "/c/d.json")),
            ("b/".into(), "../c/d.json".into())
        );
        assert_eq!(
            (relative_base("/"), relative("/", "/openapi.json")),
            (String::new(), "openapi.json".into())
        );
    }
}
