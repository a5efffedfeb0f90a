//! Writing off the threads that serve requests: in large pieces, one of which is filled while the other is written.
//!
//! Who fills faster than the disk writes waits, and thereby holds its client back. Two pieces are all the memory that an
//! upload has, however large it is.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256, Sha512};
use tokio::task::JoinHandle;

use crate::kind::HEAD_BYTES;
use crate::quota::Reservation;
use crate::tus::checksum::Sum;
use crate::tus::locks::Lock;

/// Bytes of a piece. Larger ones are hardly faster; each upload has two of them.
pub(crate) const PIECE: usize = 128 * 1024;

/// A file that is being written. Dropped, it ends what it is writing, and only then lets go of the file and its lock.
#[derive(Debug)]
pub(crate) struct DiskWriter {
    filling: Vec<u8>,
    /// `None` while the other piece is being written.
    spare: Option<Vec<u8>>,
    state: State,
    /// The first bytes of the file, where it is written from its beginning.
    head: Vec<u8>,
    /// Bytes of the file, those in `filling` included.
    end: u64,
    /// A piece was not written. None is written behind it.
    failed: bool,
}

#[derive(Debug)]
enum State {
    Idle(Box<Disk>),
    Writing(JoinHandle<(Box<Disk>, Vec<u8>, io::Result<()>)>),
    /// The thread that wrote it panicked.
    Lost,
}

/// What travels to the thread that writes.
pub(crate) struct Disk {
    pub(crate) file: File,
    pub(crate) sums: Sums,
    /// Bytes of the file, all of them written by whole pieces.
    pub(crate) written: u64,
    /// Counts what is written as kept, piece by piece: it stays, whatever becomes of who sends it. `None` where the file
    /// is removed if it is not finished.
    pub(crate) kept: Option<Reservation>,
    /// Held for as long as anything may be written.
    pub(crate) lock: Option<Lock>,
}

/// Sums of what is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    /// Of the whole file. `None` if its beginning was written before and is not known.
    pub(crate) sha256: Option<Sha256>,
    /// Of the whole file, where the client promises it.
    pub(crate) sha512: Option<Sha512>,
    /// Of the bytes of one request, where the client promises it.
    pub(crate) chunk: Option<Sum>,
}

impl Sums {
    fn update(&mut self, bytes: &[u8]) {
        if let Some(sum) = &mut self.sha256 {
            sum.update(bytes);
        }
        if let Some(sum) = &mut self.sha512 {
            sum.update(bytes);
        }
        if let Some(sum) = &mut self.chunk {
            sum.update(bytes);
        }
    }
}

impl DiskWriter {
    /// Goes on writing a file at `offset`; `lock` is dropped when nothing more is written.
    pub(crate) fn new(file: File, offset: u64, sums: Sums, kept: Option<Reservation>, lock: Option<Lock>) -> Self {
        Self {
            filling: Vec::new(),
            spare: Some(Vec::new()),
            state: State::Idle(Box::new(Disk {
                file,
                sums,
                written: offset,
                kept,
                lock,
            })),
            head: Vec::new(),
            end: offset,
            failed: false,
        }
    }

    /// Bytes of the file, once all is written.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// The first bytes of the file, where it is written from its beginning: at most [`HEAD_BYTES`].
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Takes bytes; waits while both pieces are full.
    pub(crate) async fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let begun = u64::try_from(self.head.len()).is_ok_and(|known| known == self.end);
        if begun && self.head.len() < HEAD_BYTES {
            let more = bytes.len().min(HEAD_BYTES - self.head.len());
            self.head.extend_from_slice(bytes.get(..more).unwrap_or(bytes));
        }
        while !bytes.is_empty() {
            let (fits, rest) = bytes.split_at(bytes.len().min(PIECE - self.filling.len()));
            self.filling.extend_from_slice(fits);
            self.end += fits.len() as u64;
            bytes = rest;
            if self.filling.len() == PIECE {
                self.pass_on().await?;
            }
        }
        Ok(())
    }

    /// Writes all that was taken.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        if !self.filling.is_empty() {
            self.pass_on().await?;
        }
        self.settle().await
    }

    /// The file, with all that was taken in it.
    pub(crate) async fn finish(mut self) -> io::Result<Disk> {
        self.flush().await?;
        match self.state {
            State::Idle(disk) => Ok(*disk),
            State::Writing(_) | State::Lost => Err(lost()),
        }
    }

    /// The file with what was written of it, after an error: what waits in memory is forgotten.
    pub(crate) async fn give_up(mut self) -> Option<Disk> {
        let _ = self.settle().await;
        match self.state {
            State::Idle(disk) => Some(*disk),
            State::Writing(_) | State::Lost => None,
        }
    }

    /// Hands the piece that was filled to a thread that may block.
    async fn pass_on(&mut self) -> io::Result<()> {
        self.settle().await?;
        if self.failed {
            return Err(io::Error::other("an earlier piece of the file was not written"));
        }
        let State::Idle(disk) = std::mem::replace(&mut self.state, State::Lost) else {
            return Err(lost());
        };
        let piece = std::mem::replace(&mut self.filling, self.spare.take().unwrap_or_default());
        self.state = State::Writing(tokio::task::spawn_blocking(move || disk.append(piece)));
        Ok(())
    }

    /// Waits until nothing is being written.
    ///
    /// Nothing is lost when the future is dropped.
    async fn settle(&mut self) -> io::Result<()> {
        let State::Writing(writing) = &mut self.state else {
            return Ok(());
        };
        let Ok((disk, mut piece, written)) = writing.await else {
            self.state = State::Lost;
            return Err(lost());
        };
        self.failed |= written.is_err();
        piece.clear();
        self.spare = Some(piece);
        self.state = State::Idle(disk);
        written
    }
}

impl Disk {
    /// Writes a piece behind the others, or nothing of it.
    fn append(mut self: Box<Self>, piece: Vec<u8>) -> (Box<Self>, Vec<u8>, io::Result<()>) {
        let written = self
            .file
            .seek(SeekFrom::Start(self.written))
            .and_then(|_| self.file.write_all(&piece));
        match written {
            Ok(()) => {
                self.sums.update(&piece);
                self.written += piece.len() as u64;
                if let Some(kept) = &self.kept {
                    kept.keep(piece.len() as u64);
                }
            }
            Err(_) => {
                // A part of it may be there. If it can't be taken back, the length of the file is what counts.
                if self.file.set_len(self.written).is_err() {
                    self.sums.sha256 = None;
                }
            }
        }
        (self, piece, written)
    }
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk")
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

fn lost() -> io::Error {
    io::Error::other("the thread that wrote the file has ended")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn any_split_gives_the_same_file_and_sum() {
        let bytes: Vec<u8> = (0..3 * PIECE + 17).map(|at| (at % 251) as u8).collect();
        for size in [1000, PIECE - 1, PIECE, PIECE + 1, bytes.len()] {
            let file = tempfile::tempfile().unwrap();
            let sums = Sums {
                sha256: Some(Sha256::new()),
                ..Sums::default()
            };
            let mut writer = DiskWriter::new(file.try_clone().unwrap(), 0, sums, None, None);
            for piece in bytes.chunks(size) {
                writer.write(piece).await.unwrap();
            }
            assert_eq!(writer.end(), bytes.len() as u64);
            assert_eq!(writer.head(), &bytes[..HEAD_BYTES]);
            let disk = writer.finish().await.unwrap();
            assert_eq!(disk.sums.sha256.unwrap().finalize(), Sha256::digest(&bytes));
            assert_eq!(file.metadata().unwrap().len(), bytes.len() as u64);
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_full_disk_is_an_error_of_the_write() {
        let file = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut writer = DiskWriter::new(file, 0, Sums::default(), None, None);
        writer.write(b"some").await.unwrap();
        let error = writer.flush().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
