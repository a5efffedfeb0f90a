//! The client's end, for tests.

use std::future::Ready;
use std::time::Duration;

use hyperlane_core::Upgraded;
use hyperlane_proto::websocket::{
    Decoder, DeflateAgreement, Deflater, Inflater, MessageLimits, Role, parse_extensions,
};

use super::connection::Connection;
use super::driver::Driver;
use super::output::Output;
use super::settings::{Compression, Settings};
use super::socket::{Shared, WebSocket};

/// What a test receives may be this large.
const MESSAGE_BYTES: usize = 256 * 1024 * 1024;

/// A socket over a connection that has left HTTP, driven by a task of its own. `extensions` is what the server agreed to.
pub(crate) fn client_socket(io: Upgraded, protocol: Option<&str>, extensions: Option<&str>) -> WebSocket {
    let settings = Settings {
        limits: MessageLimits {
            message_bytes: MESSAGE_BYTES,
            fragments: usize::MAX,
        },
        keep_alive: None,
        // A test may look at a server that takes nothing for as long as it likes.
        write_timeout: Duration::MAX,
        ..Settings::default()
    };
    let agreed = extensions
        .and_then(parse_extensions)
        .and_then(|list| DeflateAgreement::from_response(&list));
    let mut decoder = Decoder::new(Role::Client, settings.limits);
    let mut deflater = None;
    if let Some(agreed) = agreed {
        decoder = decoder.with_inflater(Inflater::new(agreed.server_window_bits, agreed.server_context_takeover));
        let level = Compression::new().level;
        let own = Deflater::new(agreed.client_window_bits, level, agreed.client_context_takeover);
        // Everything, so that a test of compression needs no long messages.
        deflater = Some((own, 1));
    }
    let shared = Shared::new(Connection::new(io, settings, decoder, Output::new(deflater).masked()));
    let socket = WebSocket::new(&shared, protocol.map(Into::into));
    tokio::spawn(Driver::<Ready<()>>::new(shared, None, None));
    socket
}
