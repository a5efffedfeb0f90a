//! TCP over `io_uring`, for tasks of tokio: a [`Stream`] is [`AsyncRead`](tokio::io::AsyncRead) and
//! [`AsyncWrite`](tokio::io::AsyncWrite) like a `TcpStream`, but its bytes go through a ring that is shared with the
//! kernel. It knows nothing of HTTP.
//!
//! There is one [`Ring`] for a thread, which runs a current-thread runtime. Timers, `tokio::spawn` and every other kind
//! of I/O work there as ever. What the streams want done is gathered, and one task hands it over in one system call:
//! it stands behind the tasks that are ready in the queue of the runtime, so that all of them had their turn.
//!
//! - Connections are accepted, and bytes received, by operations that go on by themselves (*multishot*), to buffers
//!   that belong to the ring: a connection that waits holds none.
//! - A small write is copied to a buffer of the ring's and sent with the next call. At most [`SEND_LIMIT`] bytes of a
//!   connection wait there; then a write pends. They are like bytes in the socket's own buffer: flushing and shutting
//!   down do not wait for them, and they are still sent when the stream was dropped (see [`LINGER`]).
//! - A large write goes to the socket at once, from where it lies; the ring only tells when there is room again.
//! - Where much arrives at a time, as with the body of an upload, it is received without the ring's small buffers, to
//!   where it is wanted; the ring then only tells when there is more.
//! - What arrives while nobody reads is set aside, up to about [`RECEIVE_LIMIT`] bytes a connection; then receiving
//!   stops until it is read.
//!
//! ```
//! # #[cfg(target_os = "linux")] {
//! use hyperlane_uring::{Listener, Ring};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! runtime.block_on(async {
//!     let ring = match Ring::start() {
//!         Ok(ring) => ring,
//!         Err(refused) => return println!("no io_uring here: {refused}"),
//!     };
//!     let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
//!     let address = socket.local_addr().unwrap();
//!     let mut listener = Listener::new(&ring, socket).unwrap();
//!     tokio::spawn(async move {
//!         let (socket, _peer) = listener.accept().await.unwrap();
//!         let mut stream = ring.attach(socket).unwrap();
//!         stream.write_all(b"hello").await.unwrap();
//!     });
//!     let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
//!     let mut received = String::new();
//!     client.read_to_string(&mut received).await.unwrap();
//!     assert_eq!(received, "hello");
//! });
//! # }
//! ```
#![deny(unsafe_code)]
#![cfg(target_os = "linux")]

mod inbox;
mod kernel;
mod listener;
mod ring;
mod socket;
mod state;
mod stream;

pub use listener::Listener;
pub use ring::{Ring, RingStats};
pub use socket::{LINGER, RECEIVE_LIMIT, SEND_LIMIT};
pub use stream::Stream;
