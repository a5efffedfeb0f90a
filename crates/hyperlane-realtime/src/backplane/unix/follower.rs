//! A process that is led.

use tokio::io::{AsyncWriteExt, BufReader, BufWriter};
use tokio::net::UnixStream;

use super::super::{BackplaneError, Link, Position};
use super::wire::Frame;
use super::{SOCKET, Unix};

const BATCH: usize = 256;

/// Follows until the leader has ended.
pub(super) async fn follow(unix: &Unix, link: &Link) -> Result<(), BackplaneError> {
    let stream = UnixStream::connect(unix.folder.join(SOCKET)).await?;
    let (reader, writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut writer = BufWriter::new(writer);
    let resume = link.resume();
    let backlog = u32::try_from(link.backlog()).unwrap_or(u32::MAX);
    Frame::Hello { resume, backlog }.write(&mut writer).await?;
    writer.flush().await?;
    let Some(Frame::Welcome { known, epoch }) = Frame::read(&mut reader).await? else {
        return Err("leader of the bus has ended before its welcome".into());
    };
    // What this process has got from the last leader, and the new one has not. It may come from several processes: hubs
    // know what they have had. A leader that knows nothing has just been started, and its members want no old news.
    let knows_nothing = known == Position::START;
    let mut place = known;
    loop {
        let entries = unix.ring().after(place, BATCH);
        let Some((last, _)) = entries.last().filter(|_| !knows_nothing) else {
            break;
        };
        place = *last;
        // What this leader gave out itself was received before the connection was lost.
        for (_, entry) in entries.into_iter().filter(|(position, _)| position.log() < epoch) {
            Frame::Append(entry).write(&mut writer).await?;
        }
    }
    writer.flush().await?;
    let reading = async {
        loop {
            match Frame::read(&mut reader).await? {
                Some(Frame::Begin(after)) => {
                    unix.ring().begin(after);
                    link.begin(after);
                }
                Some(Frame::Entry(position, entry)) => {
                    unix.ring().push(position, entry.clone());
                    link.deliver(position, &entry);
                }
                Some(Frame::CaughtUp) => link.caught_up(),
                Some(_) => return Err("leader of the bus says what no leader does".into()),
                None => return Err("leader of the bus has ended".into()),
            }
        }
    };
    let writing = async {
        loop {
            for entry in link.outgoing(BATCH).await {
                Frame::Append(entry).write(&mut writer).await?;
            }
            writer.flush().await?;
        }
    };
    tokio::select! {
        ended = reading => ended,
        ended = writing => ended,
    }
}
