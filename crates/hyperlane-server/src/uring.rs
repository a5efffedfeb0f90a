//! The ring of a thread where there is one; elsewhere a stand-in that can't be made.

#[cfg(all(feature = "io-uring", target_os = "linux"))]
pub(crate) use hyperlane_uring::{Listener, Ring};

#[cfg(not(all(feature = "io-uring", target_os = "linux")))]
pub(crate) use absent::{Listener, Ring};

#[cfg(all(feature = "io-uring", target_os = "linux"))]
impl crate::Transport for hyperlane_uring::Stream {
    fn abandon(&mut self) {
        Self::abandon(self);
    }
}

#[cfg(not(all(feature = "io-uring", target_os = "linux")))]
mod absent {
    use std::convert::Infallible;
    use std::io;
    use std::net::{SocketAddr, TcpListener, TcpStream};

    /// Without the feature `io-uring`, and on other systems than Linux, there is none.
    #[derive(Clone, Debug)]
    pub(crate) struct Ring(Infallible);

    impl Ring {
        pub(crate) fn start() -> io::Result<Self> {
            let reason = match cfg!(target_os = "linux") {
                true => "this program was built without the cargo feature `io-uring`",
                false => "io_uring is a part of Linux, and this is another system",
            };
            Err(io::Error::new(io::ErrorKind::Unsupported, reason))
        }

        pub(crate) fn attach(&self, _: TcpStream) -> io::Result<tokio::net::TcpStream> {
            match self.0 {}
        }

        pub(crate) fn is_running(&self) -> bool {
            match self.0 {}
        }

        pub(crate) async fn settled(&self) {}

        pub(crate) fn cut(&self) {}
    }

    #[derive(Debug)]
    pub(crate) struct Listener(Infallible);

    impl Listener {
        pub(crate) fn new(ring: &Ring, _: TcpListener) -> io::Result<Self> {
            match ring.0 {}
        }

        pub(crate) async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
            match self.0 {}
        }

        pub(crate) fn pause(&mut self) {}

        pub(crate) async fn stop(&mut self) -> Vec<TcpStream> {
            Vec::new()
        }

        pub(crate) fn socket(&self) -> &TcpListener {
            match self.0 {}
        }
    }
}
