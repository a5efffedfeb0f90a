//! Media types of files, by their names.

use http::HeaderValue;

/// What tables of extensions have wrong, old or not at all.
const NEWER: &[(&str, &str)] = &[
    ("avif", "image/avif"),
    ("cjs", "text/javascript"),
    ("js", "text/javascript"),
    ("jxl", "image/jxl"),
    ("map", "application/json"),
    ("md", "text/markdown"),
    ("mjs", "text/javascript"),
    ("opus", "audio/ogg"),
    ("ts", "video/mp2t"),
    ("wasm", "application/wasm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff2", "font/woff2"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("zst", "application/zstd"),
];

/// The media type of a file of this name; text is said to be UTF-8. `own` goes before what is known.
///
/// XML and JSON say themselves how they are written, so nothing is added to them.
pub(crate) fn media_type(name: &str, own: &[(String, HeaderValue)]) -> HeaderValue {
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    let Some(extension) = extension else {
        return HeaderValue::from_static("application/octet-stream");
    };
    if let Some((_, value)) = own.iter().find(|(own, _)| *own == extension) {
        return value.clone();
    }
    let newer = NEWER.iter().find(|(newer, _)| *newer == extension);
    let essence = newer.map(|(_, essence)| *essence);
    let essence = essence.or_else(|| mime_guess::from_ext(&extension).first_raw());
    match essence.unwrap_or("application/octet-stream") {
        "text/html" => HeaderValue::from_static("text/html; charset=utf-8"),
        "text/css" => HeaderValue::from_static("text/css; charset=utf-8"),
        "text/javascript" => HeaderValue::from_static("text/javascript; charset=utf-8"),
        text if text.starts_with("text/") => HeaderValue::try_from(format!("{text}; charset=utf-8"))
            .unwrap_or(HeaderValue::from_static("text/plain; charset=utf-8")),
        other => HeaderValue::from_static(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_the_web_is_made_of() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("APP.JS", "text/javascript; charset=utf-8"),
            ("app.mjs", "text/javascript; charset=utf-8"),
            ("app.min.css", "text/css; charset=utf-8"),
            ("notes.txt", "text/plain; charset=utf-8"),
            ("data.csv", "text/csv; charset=utf-8"),
            ("data.json", "application/json"),
            ("site.webmanifest", "application/manifest+json"),
            ("icon.svg", "image/svg+xml"),
            ("photo.jpeg", "image/jpeg"),
            ("photo.avif", "image/avif"),
            ("font.woff2", "font/woff2"),
            ("module.wasm", "application/wasm"),
            ("film.mp4", "video/mp4"),
            ("paper.pdf", "application/pdf"),
            ("archive.tar.gz", "application/gzip"),
            ("Makefile", "application/octet-stream"),
            ("what.unheard-of", "application/octet-stream"),
            ("dot.", "application/octet-stream"),
        ] {
            assert_eq!(media_type(name, &[]), expected, "{name}");
        }
    }

    #[test]
    fn a_type_of_ones_own_goes_first() {
        let own = [("js".to_owned(), HeaderValue::from_static("application/x-mine"))];
        assert_eq!(media_type("a.JS", &own), "application/x-mine");
    }
}
