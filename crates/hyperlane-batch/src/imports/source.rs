//! Where the bytes come from: a body or a file, decompressed while it is read, within limits.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use async_compression::{
    tokio::bufread::{GzipDecoder, ZstdDecoder},
    zstd::DParameter,
};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader, ReadBuf};

/// The largest window of `zstd`, as a power of two: 8 MiB (RFC 9659 §3). A frame may ask for more memory than that.
const ZSTD_WINDOW_LOG: u32 = 23;

const BUFFER: usize = 64 * 1024;

/// Below so much the ratio of compression says nothing: a file of one repeated line is no bomb.
const RATIO_COUNTS_FROM: u64 = 16 * 1024 * 1024;

/// What a compressed source may become.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) bytes: u64,
    pub(super) ratio: u64,
}

/// Decompressed bytes.
pub(super) struct Source {
    bytes: Pin<Box<dyn AsyncRead + Send>>,
    /// What was read of the source as it is stored or sent.
    taken: Arc<AtomicU64>,
    /// Whether the raw source failed, and not what is made of it.
    broken: Arc<AtomicBool>,
    given: u64,
    bounds: Bounds,
}

impl Source {
    /// Looks at the first bytes: gzip and zstd begin in ways that no text does, whatever a header or a name says.
    pub(super) async fn open(raw: impl AsyncRead + Send + 'static, bounds: Bounds) -> io::Result<Self> {
        let taken = Arc::new(AtomicU64::new(0));
        let broken = Arc::new(AtomicBool::new(false));
        let counted = Counted {
            raw: Box::pin(raw),
            taken: taken.clone(),
            broken: broken.clone(),
        };
        let mut buffered = Peeked::new(counted);
        let start = buffered.peek().await?;
        let bytes: Pin<Box<dyn AsyncRead + Send>> = if start.starts_with(&[0x1f, 0x8b]) {
            let mut decoder = GzipDecoder::new(buffered);
            decoder.multiple_members(true);
            Box::pin(decoder)
        } else if start == [0x28, 0xb5, 0x2f, 0xfd] {
            let mut decoder = ZstdDecoder::with_params(buffered, &[DParameter::window_log_max(ZSTD_WINDOW_LOG)]);
            decoder.multiple_members(true);
            Box::pin(decoder)
        } else {
            Box::pin(buffered)
        };
        Ok(Self {
            bytes,
            taken,
            broken,
            given: 0,
            bounds,
        })
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Relaxed)
    }

    /// Whether an error was the raw source's own: a disk's, or that the sender of a body has left.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Relaxed)
    }

    fn check(&self) -> io::Result<()> {
        let Bounds { bytes, ratio } = self.bounds;
        if self.given > bytes {
            return Err(io::Error::other(format!(
                "the source is more than {bytes} bytes when decompressed"
            )));
        }
        if self.given > RATIO_COUNTS_FROM && self.given / self.taken().max(1) > ratio {
            return Err(io::Error::other(format!(
                "the source grows to more than {ratio} times its size when decompressed"
            )));
        }
        Ok(())
    }
}

impl AsyncRead for Source {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.bytes.as_mut().poll_read(cx, buffer))?;
        self.given += (buffer.filled().len() - before) as u64;
        Poll::Ready(self.check())
    }
}

struct Counted {
    raw: Pin<Box<dyn AsyncRead + Send>>,
    taken: Arc<AtomicU64>,
    broken: Arc<AtomicBool>,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.raw.as_mut().poll_read(cx, buffer)).inspect_err(|_| self.broken.store(true, Relaxed))?;
        self.taken.fetch_add((buffer.filled().len() - before) as u64, Relaxed);
        Poll::Ready(Ok(()))
    }
}

/// A reader whose first four bytes were looked at, though they may come one by one.
struct Peeked {
    start: Vec<u8>,
    given: usize,
    rest: BufReader<Counted>,
}

impl Peeked {
    fn new(raw: Counted) -> Self {
        Self {
            start: Vec::with_capacity(4),
            given: 0,
            rest: BufReader::with_capacity(BUFFER, raw),
        }
    }

    async fn peek(&mut self) -> io::Result<&[u8]> {
        while self.start.len() < 4 {
            let piece = self.rest.fill_buf().await?;
            if piece.is_empty() {
                break;
            }
            let take = piece.len().min(4 - self.start.len());
            self.start.extend_from_slice(&piece[..take]);
            self.rest.consume(take);
        }
        Ok(&self.start)
    }
}

impl AsyncBufRead for Peeked {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.given < this.start.len() {
            return Poll::Ready(Ok(&this.start[this.given..]));
        }
        Pin::new(&mut this.rest).poll_fill_buf(cx)
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        if this.given < this.start.len() {
            this.given += amount;
        } else {
            Pin::new(&mut this.rest).consume(amount);
        }
    }
}

impl AsyncRead for Peeked {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let piece = ready!(self.as_mut().poll_fill_buf(cx))?;
        let take = piece.len().min(buffer.remaining());
        buffer.put_slice(&piece[..take]);
        self.consume(take);
        Poll::Ready(Ok(()))
    }
}
