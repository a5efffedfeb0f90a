//! The body of a response: parts of a file, read ahead of the client.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use http_body::{Frame, SizeHint};
use hyperlane::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::resource::Stamp;

/// A part of a body.
#[derive(Debug)]
pub(crate) enum Part {
    /// What stands between parts of the file.
    Text(Bytes),
    /// Bytes of the file.
    File(Range<u64>),
}

impl Part {
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::File(range) => range.end - range.start,
        }
    }
}

/// Parts of a file, in pieces. While one piece is on its way to the client, the next is read on the threads that are for
/// what blocks: the connection never waits for the disk while it has something to send, and a client holds at most two
/// pieces in memory.
///
/// Nothing is read before the first piece is asked for. Where the file has changed since it was opened, the body fails:
/// the response breaks off, so that nobody takes it for the file.
#[derive(Debug)]
pub(crate) struct FileBody {
    parts: VecDeque<Part>,
    left: u64,
    /// `None` while it is read from.
    reader: Option<Reader>,
    reading: Option<JoinHandle<(Reader, io::Result<Bytes>)>>,
}

/// A file being sent.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) file: File,
    pub(crate) stamp: Stamp,
    /// Bytes of a piece.
    pub(crate) piece: usize,
    /// Whether the file may become longer.
    pub(crate) may_grow: bool,
}

impl FileBody {
    pub(crate) fn new(reader: Reader, parts: impl IntoIterator<Item = Part>) -> Self {
        let parts: VecDeque<Part> = parts.into_iter().filter(|part| part.length() > 0).collect();
        Self {
            left: parts.iter().map(Part::length).sum(),
            parts,
            reader: Some(reader),
            reading: None,
        }
    }

    /// Begins to read the next piece, if it is one of the file.
    fn read_ahead(&mut self) {
        if self.reading.is_some() {
            return;
        }
        let Some(Part::File(range)) = self.parts.front_mut() else {
            return;
        };
        let Some(mut reader) = self.reader.take() else {
            return;
        };
        let start = range.start;
        let length = (range.end - start).min(reader.piece as u64);
        range.start += length;
        if range.is_empty() {
            self.parts.pop_front();
        }
        self.reading = Some(spawn_blocking(move || {
            let piece = reader.read(start, length);
            (reader, piece)
        }));
    }

    fn poll_piece(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.read_ahead();
        if let Some(reading) = &mut self.reading {
            let read = ready!(Pin::new(reading).poll(cx));
            self.reading = None;
            let (reader, piece) = match read {
                Ok((reader, piece)) => (reader, piece?),
                Err(error) => return Poll::Ready(Some(Err(io::Error::other(error)))),
            };
            self.reader = Some(reader);
            self.read_ahead();
            return Poll::Ready(Some(Ok(piece)));
        }
        match self.parts.pop_front() {
            Some(Part::Text(text)) => {
                self.read_ahead();
                Poll::Ready(Some(Ok(text)))
            }
            Some(Part::File(_)) => Poll::Ready(Some(Err(io::Error::other(
                "file was read to its end by a body that failed",
            )))),
            None => Poll::Ready(None),
        }
    }
}

/// A piece that nobody will take is not read any more, if it was not begun.
impl Drop for FileBody {
    fn drop(&mut self) {
        if let Some(reading) = &self.reading {
            reading.abort();
        }
    }
}

impl Reader {
    fn read(&mut self, start: u64, length: u64) -> io::Result<Bytes> {
        let mut piece = Vec::with_capacity(usize::try_from(length).unwrap_or(self.piece));
        self.file.seek(SeekFrom::Start(start))?;
        (&self.file).take(length).read_to_end(&mut piece)?;
        let now = Stamp::of(&self.file.metadata()?);
        let unchanged = now.has_same_content(&self.stamp) || (self.may_grow && now.length >= self.stamp.length);
        if piece.len() as u64 == length && unchanged {
            Ok(piece.into())
        } else {
            Err(io::Error::other("file was changed while it was sent"))
        }
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = ready!(self.poll_piece(cx));
        match &piece {
            Some(Ok(bytes)) => self.left = self.left.saturating_sub(bytes.len() as u64),
            // It is over: what is left will never come.
            Some(Err(_)) => self.parts.clear(),
            None => {}
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
