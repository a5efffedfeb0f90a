//! Whether a server answers a case as all others do. Nothing is measured that was not verified.

use contract::scenarios::{Dashboard, ORDERS, Photo as Answer, Stored, Survivors};
use serde::de::DeserializeOwned;

use super::case::{Case, Download, How, Work};
use super::photo::sha256;
use super::stage::{Stage, content};
use crate::Failure;
use crate::http::{Connection, Response};

/// A large upload in little.
const SMALL_UPLOAD: usize = 3 * 1024 * 1024 + 17;
const RANGE_END: usize = 1;

/// Checks what a case will ask for. Chats and imports are verified while they are measured.
pub(super) fn verify(case: &Case, stage: &Stage, port: u16) -> Result<(), Failure> {
    let mut connection = Connection::open(port).map_err(|error| format!("it does not listen: {error}"))?;
    match case.work {
        Work::Ask { .. } => expect(&mut connection, &get("/aggregate", ""), &Dashboard::expected()),
        Work::Faults { .. } => expect(
            &mut connection,
            &get("/faults", ""),
            &Survivors {
                orders: ORDERS,
                failed: 3,
            },
        ),
        Work::Photos { .. } => {
            let photo = stage.photos.first().ok_or("there is no photo")?;
            let answer: Answer = json(&mut connection, &post("/photos", "image/jpeg", &photo.bytes))?;
            let as_sent = answer.sha256 == photo.sha256 && answer.bytes == photo.bytes.len() as u64;
            // Of 4 to 3.
            if as_sent && (answer.width, answer.height) == (256, 192) {
                Ok(())
            } else {
                Err(format!("a photo was answered with {answer:?}"))
            }
        }
        Work::Large => {
            let body = content(SMALL_UPLOAD);
            let stored = Stored {
                bytes: body.len() as u64,
                sha256: sha256(&body),
            };
            expect(
                &mut connection,
                &post("/large", "application/octet-stream", &body),
                &stored,
            )
        }
        Work::File(download) => file(&mut connection, download),
        Work::Chat { .. } | Work::Import => Ok(()),
    }
}

fn file(connection: &mut Connection, download: Download) -> Result<(), Failure> {
    let content = content(download.length);
    let (status, body) = match download.how {
        How::Whole => (200, content.as_slice()),
        How::Range(length) => (206, content.get(..length).unwrap_or_default()),
        How::Unchanged => (304, &[][..]),
    };
    let header = header(connection, download)?;
    let response = exchange(connection, &get(&path(download), &header))?;
    if (response.status, response.body.as_slice()) == (status, body) {
        Ok(())
    } else {
        let got = (response.status, response.body.len());
        Err(format!(
            "status and length are {got:?} instead of {:?}",
            (status, body.len())
        ))
    }
}

pub(super) fn path(download: Download) -> String {
    format!("/static/{}", download.name)
}

/// What tells how the file is wanted; empty where nothing does.
pub(super) fn header(connection: &mut Connection, download: Download) -> Result<String, Failure> {
    match download.how {
        How::Whole => Ok(String::new()),
        How::Range(length) => Ok(format!("Range: bytes=0-{}", length - RANGE_END)),
        How::Unchanged => {
            let response = exchange(connection, &get(&path(download), ""))?;
            let by_date = || response.last_modified.map(|date| format!("If-Modified-Since: {date}"));
            let by_tag = response.etag.map(|etag| format!("If-None-Match: {etag}"));
            by_tag
                .or_else(by_date)
                .ok_or_else(|| "it sends neither etag nor last-modified".into())
        }
    }
}

/// Of a request without a body.
pub(super) fn get(path: &str, header: &str) -> Vec<u8> {
    let end = if header.is_empty() { "" } else { "\r\n" };
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}{end}\r\n").into_bytes()
}

/// With its body.
fn post(path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    [&head(path, content_type, body.len() as u64), body].concat()
}

/// Of a request whose body follows.
pub(super) fn head(path: &str, content_type: &str, length: u64) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes()
}

/// The answer, which must be this one.
fn expect<T>(connection: &mut Connection, request: &[u8], expected: &T) -> Result<(), Failure>
where
    T: DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let answer: T = json(connection, request)?;
    if answer == *expected {
        Ok(())
    } else {
        Err(format!("it answered {answer:?} instead of {expected:?}"))
    }
}

pub(super) fn json<T: DeserializeOwned>(connection: &mut Connection, request: &[u8]) -> Result<T, Failure> {
    let response = exchange(connection, request)?;
    read(&response)
}

/// A success, and what it says.
pub(super) fn read<T: DeserializeOwned>(response: &Response) -> Result<T, Failure> {
    let text = || String::from_utf8_lossy(response.body.get(..200).unwrap_or(&response.body)).into_owned();
    if response.status != 200 {
        return Err(format!("it answered with status {}: {}", response.status, text()));
    }
    serde_json::from_slice(&response.body).map_err(|error| format!("its answer `{}` is not as agreed: {error}", text()))
}

fn exchange(connection: &mut Connection, request: &[u8]) -> Result<Response, Failure> {
    connection
        .exchange(request)
        .map_err(|error| format!("it did not answer: {error}"))
}
