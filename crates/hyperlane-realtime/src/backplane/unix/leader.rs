//! The process that orders the entries.

use std::fs::{self, File};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyperlane::Bytes;
use tokio::io::{AsyncWriteExt, BufReader, BufWriter};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::super::{BackplaneError, Link, Position};
use super::ring::Ring;
use super::wire::Frame;
use super::{SOCKET, Unix};
use crate::now_ms;
use crate::rooms::lock;

const BATCH: usize = 256;
/// How long a process may take to say what it is.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// So many processes, and some that try.
const MAX_FOLLOWERS: usize = 1024;

/// Leads until the hub ends; the lock is held as long.
pub(super) async fn lead(unix: &Unix, link: &Link, _lock: File) -> Result<(), BackplaneError> {
    let path = unix.folder.join(SOCKET);
    // That of a leader that has died, since the lock is held.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    let base = unix.ring().last();
    let epoch = now_ms().max(base.log() + 1);
    if base == Position::START {
        // What was before is not known, by anybody.
        unix.ring().begin(Position::new(epoch, 0));
    }
    link.begin(link.resume().unwrap_or_else(|| unix.ring().last()));
    link.caught_up();

    let (tail, _) = watch::channel(base);
    let (append, mut appended) = mpsc::channel::<Bytes>(BATCH);
    let mut followers = JoinSet::new();
    let mut number = 0;
    let mut put = |entry: Bytes| {
        number += 1;
        let position = Position::new(epoch, number);
        unix.ring().push(position, entry.clone());
        link.deliver(position, &entry);
        tail.send_replace(position);
    };
    loop {
        tokio::select! {
            entries = link.outgoing(BATCH) => entries.into_iter().for_each(&mut put),
            Some(entry) = appended.recv() => put(entry),
            accepted = listener.accept(), if followers.len() < MAX_FOLLOWERS => {
                let (stream, _) = accepted?;
                let follower = Follower {
                    ring: Arc::clone(&unix.ring),
                    base,
                    epoch,
                    tail: tail.subscribe(),
                    append: append.clone(),
                };
                followers.spawn(follower.serve(stream));
            }
            Some(ended) = followers.join_next() => {
                if let Ok(Err(error)) = ended {
                    tracing::debug!(%error, "process has left the bus");
                }
            }
        }
    }
}

/// Another process.
struct Follower {
    ring: Arc<Mutex<Ring>>,
    base: Position,
    epoch: u64,
    tail: watch::Receiver<Position>,
    append: mpsc::Sender<Bytes>,
}

impl Follower {
    async fn serve(mut self, stream: UnixStream) -> io::Result<()> {
        let (reader, writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        let mut writer = BufWriter::new(writer);
        let hello = tokio::time::timeout(HELLO_TIMEOUT, Frame::read(&mut reader)).await??;
        let Some(Frame::Hello { resume, backlog }) = hello else {
            return Ok(());
        };
        let welcome = Frame::Welcome {
            known: self.base,
            epoch: self.epoch,
        };
        welcome.write(&mut writer).await?;
        let append = self.append.clone();
        let reading = async {
            while let Some(Frame::Append(entry)) = Frame::read(&mut reader).await? {
                if append.send(entry).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        let writing = async {
            let mut cursor = lock(&self.ring).begin_for(resume, backlog as usize);
            Frame::Begin(cursor).write(&mut writer).await?;
            let mut is_caught_up = false;
            loop {
                self.tail.borrow_and_update();
                // Under one lock: what is dropped between two would be missed without a word.
                let (begin, entries) = {
                    let ring = lock(&self.ring);
                    let begin = ring.begin_for(Some(cursor), 0);
                    (begin, ring.after(begin, BATCH))
                };
                if begin > cursor {
                    // It was too slow.
                    cursor = begin;
                    Frame::Begin(cursor).write(&mut writer).await?;
                }
                let is_end = entries.is_empty();
                for (position, entry) in entries {
                    Frame::Entry(position, entry).write(&mut writer).await?;
                    cursor = position;
                }
                if is_end {
                    if !is_caught_up {
                        Frame::CaughtUp.write(&mut writer).await?;
                        is_caught_up = true;
                    }
                    writer.flush().await?;
                    if self.tail.changed().await.is_err() {
                        return Ok(());
                    }
                }
            }
        };
        tokio::select! {
            ended = reading => ended,
            ended = writing => ended,
        }
    }
}
