//! The other server that is called: it answers after a while, with an error, late or never.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::Duration;

use contract::scenarios::DELIVERY;

use crate::Failure;

/// Later than anybody waits.
const SLOW: Duration = Duration::from_secs(2);
const HANG: Duration = Duration::from_secs(3600);
const BACKLOG: i32 = 4096;
/// A thread for each connection, and there may be many.
const STACK: usize = 64 * 1024;

/// A running partner; it ends with the process.
#[derive(Debug)]
pub(super) struct Partner {
    port: u16,
}

impl Partner {
    pub(super) fn start() -> Result<Self, Failure> {
        let failed = |error: io::Error| format!("the partner can't be started: {error}");
        let listener = rustix_listener().map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let serve = move || serve(stream).ok();
                // Without a thread the connection is closed, which the server under load has to bear.
                thread::Builder::new().stack_size(STACK).spawn(serve).ok();
            }
        });
        Ok(Self { port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

/// With room for all who connect at the same time.
fn rustix_listener() -> io::Result<std::net::TcpListener> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with};
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &std::net::SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// Requests without a body, one after the other.
fn serve(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut requests = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if requests.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        while line != "\r\n" {
            line.clear();
            if requests.read_line(&mut line)? == 0 {
                return Ok(());
            }
        }
        let (status, body) = answer(&path);
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        requests.get_mut().write_all(answer.as_bytes())?;
    }
}

fn answer(path: &str) -> (&'static str, &'static str) {
    match path.split_once("?ms=") {
        Some((_, time)) => thread::sleep(Duration::from_millis(time.parse().unwrap_or(0))),
        None if path == "/hang" => thread::sleep(HANG),
        None if path == "/slow" => thread::sleep(SLOW),
        None => return ("503 Service Unavailable", ""),
    }
    ("200 OK", DELIVERY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Connection;

    #[test]
    fn answers_in_its_time_and_with_an_error_where_it_should() {
        let partner = Partner::start().expect("a free port");
        let mut client = Connection::open(partner.port()).expect("listening");
        let mut get = |path: &str| {
            let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
            client.exchange(request.as_bytes()).expect("an answer")
        };
        assert_eq!(get("/delivery?ms=1").body, DELIVERY.as_bytes());
        assert_eq!(get("/error").status, 503);
    }
}
