//! The third scenario: a thread for each member, which writes what it reads to all the others.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::{Role, WebSocket};
use tungstenite::{Error, Message};

use crate::http::{Connection, Request};

/// Who is there. Two members that write to the same third one take turns.
#[derive(Debug, Default)]
pub(crate) struct Members {
    all: RwLock<Vec<Arc<Member>>>,
}

#[derive(Debug)]
struct Member {
    stream: Mutex<TcpStream>,
}

pub(crate) fn serve(connection: &Connection, request: &Request, members: &Members) -> io::Result<()> {
    let key = request.key.as_ref().ok_or(io::ErrorKind::InvalidData)?;
    let mut stream = connection.stream().try_clone()?;
    let accept = derive_accept_key(key.as_bytes());
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: \
         {accept}\r\n\r\n"
    )?;
    // A member may be silent for as long as it likes.
    stream.set_read_timeout(None)?;
    let own = Arc::new(Member {
        stream: Mutex::new(stream.try_clone()?),
    });
    members.join(&own);
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, None);
    let outcome = loop {
        match socket.read() {
            Ok(Message::Text(text)) => members.send_all(&own, text.as_bytes()),
            Ok(_) => {}
            Err(Error::ConnectionClosed) => break Ok(()),
            Err(error) => break Err(io::Error::other(error)),
        }
    };
    members.leave(&own);
    outcome
}

impl Members {
    fn join(&self, member: &Arc<Member>) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::clone(member));
    }

    fn leave(&self, member: &Arc<Member>) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| !Arc::ptr_eq(other, member));
    }

    /// The frame is made once. Who can't be written to finds out by its own reading.
    fn send_all(&self, from: &Arc<Member>, text: &[u8]) {
        let frame = Frame::message(text.to_vec(), OpCode::Data(Data::Text), true);
        let mut bytes = Vec::new();
        if frame.format(&mut bytes).is_err() {
            return;
        }
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        for member in all.iter().filter(|member| !Arc::ptr_eq(member, from)) {
            let mut stream = member.stream.lock().unwrap_or_else(PoisonError::into_inner);
            stream.write_all(&bytes).ok();
        }
    }
}
