//! Whether a server keeps to the contract, byte for byte. Nothing is measured that was not verified.

use std::io;
use std::time::Duration;

use contract::{Item, Receipt};

use crate::Failure;
use crate::catalog::Entry;
use crate::http::{Connection, Response};
use crate::workload::Workload;

pub(crate) const HELLO_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const CLOSE_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const PIPELINED: usize = 16;
/// A server that means to close does it at once.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// Checks what a workload will ask for.
///
/// # Errors
///
/// What the server does otherwise.
pub(crate) fn verify(entry: &Entry, port: u16, workload: Workload) -> Result<(), Failure> {
    check(entry, port, workload).map_err(|fault| match fault {
        Fault::Io(error) => format!("`{workload}` was not answered: {error}"),
        Fault::Contract(difference) => format!("`{workload}` was answered wrongly: {difference}"),
    })
}

/// The request of the realistic workload, without the browser's headers.
pub(crate) fn item_request(path: &str, json: &str) -> Vec<u8> {
    post(path, "application/json", json.as_bytes())
}

enum Fault {
    Io(io::Error),
    Contract(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn check(entry: &Entry, port: u16, workload: Workload) -> Result<(), Fault> {
    let mut connection = Connection::open(port)?;
    match workload {
        Workload::KeepAlive | Workload::Idle | Workload::FixedRate => {
            for _ in 0..2 {
                expect(
                    &connection.exchange(HELLO_REQUEST)?,
                    "text/plain",
                    contract::HELLO.as_bytes(),
                )?;
            }
        }
        Workload::Close => {
            connection.set_read_timeout(CLOSE_WITHIN)?;
            let response = connection.exchange(CLOSE_REQUEST)?;
            expect(&response, "text/plain", contract::HELLO.as_bytes())?;
            if !response.last {
                return Err(Fault::Contract(
                    "without `Connection: close`, of which clients learn it".into(),
                ));
            }
            if !connection.ends()? {
                return Err(Fault::Contract("the connection stays open".into()));
            }
        }
        Workload::Pipelining => {
            connection.send(&HELLO_REQUEST.repeat(PIPELINED))?;
            for _ in 0..PIPELINED {
                expect(&connection.receive()?, "text/plain", contract::HELLO.as_bytes())?;
            }
        }
        Workload::Realistic => check_items(entry, &mut connection)?,
        Workload::Download => {
            let request = b"GET /download HTTP/1.1\r\nHost: localhost\r\n\r\n";
            expect(&connection.exchange(request)?, "", &contract::download())?;
        }
        Workload::Upload => {
            for length in [1024 * 1024, 12_345] {
                let request = post("/upload", "application/octet-stream", &vec![b'u'; length]);
                expect(
                    &connection.exchange(&request)?,
                    "text/plain",
                    length.to_string().as_bytes(),
                )?;
            }
        }
        Workload::Stream => {
            for _ in 0..2 {
                let response = connection.exchange(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
                expect(&response, "text/plain", &contract::CHUNK.repeat(contract::CHUNKS))?;
                if response.chunks != Some(contract::CHUNKS) {
                    let chunks = response.chunks;
                    return Err(Fault::Contract(format!(
                        "{chunks:?} chunks instead of {}",
                        contract::CHUNKS
                    )));
                }
            }
        }
    }
    Ok(())
}

fn check_items(entry: &Entry, connection: &mut Connection) -> Result<(), Fault> {
    let request = item_request(contract::EXAMPLE_PATH, contract::EXAMPLE_ITEM);
    expect(
        &connection.exchange(&request)?,
        "application/json",
        contract::EXAMPLE_RECEIPT.as_bytes(),
    )?;
    if entry.fixed {
        return Ok(());
    }
    // A second one, so that nobody gets by with the answer to the first.
    let item = Item {
        name: "Bleistift, weich".into(),
        quantity: 144,
        price: 99,
        tags: vec!["office".into()],
    };
    let json = |value: Result<String, serde_json::Error>| value.map_err(|error| Fault::Contract(error.to_string()));
    let request = item_request("/items/8", &json(serde_json::to_string(&item))?);
    let receipt = json(serde_json::to_string(&Receipt::new(8, item)))?;
    expect(&connection.exchange(&request)?, "application/json", receipt.as_bytes())
}

fn post(path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn expect(response: &Response, content_type: &str, body: &[u8]) -> Result<(), Fault> {
    let difference = if response.status != 200 {
        format!("status {}", response.status)
    } else if !response.content_type.starts_with(content_type) {
        format!("content type `{}` instead of `{content_type}`", response.content_type)
    } else if response.body != body {
        let at = response.body.iter().zip(body).position(|(is, wanted)| is != wanted);
        let at = at.unwrap_or_else(|| response.body.len().min(body.len()));
        format!(
            "the body has {} bytes instead of {}, the first difference at byte {at}",
            response.body.len(),
            body.len()
        )
    } else {
        return Ok(());
    };
    Err(Fault::Contract(difference))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(body: &[u8], content_type: &str, status: u16) -> Option<String> {
        let response = Response {
            status,
            content_type: content_type.into(),
            body: body.into(),
            etag: None,
            last_modified: None,
            chunks: None,
            last: false,
        };
        match expect(&response, "text/plain", b"Hello") {
            Err(Fault::Contract(difference)) => Some(difference),
            Err(Fault::Io(error)) => Some(error.to_string()),
            Ok(()) => None,
        }
    }

    #[test]
    fn says_what_differs() {
        assert_eq!(difference(b"Hello", "text/plain; charset=utf-8", 200), None);
        assert_eq!(difference(b"Hello", "text/plain", 204).as_deref(), Some("status 204"));
        assert!(difference(b"Hello", "text/html", 200).is_some_and(|text| text.contains("text/html")));
        assert!(difference(b"Hallo", "text/plain", 200).is_some_and(|text| text.ends_with("at byte 1")));
        assert!(difference(b"Hello!", "text/plain", 200).is_some_and(|text| text.ends_with("at byte 5")));
    }
}
