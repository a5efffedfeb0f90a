//! What a supervisor says to a worker. One letter is a word: nothing of it can be torn apart.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// How the worker's end is called among the descriptors that it is started with.
pub(crate) const NAME: &str = "hyperlane.line";

/// How a worker shall end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// With all others: what waits in the sockets is its to serve.
    Stop,
    /// With all others, while a successor goes on with the sockets.
    Leave,
    /// Now, whatever it is doing.
    Close,
}

impl Word {
    const ALL: [(Self, u8); 3] = [(Self::Stop, b'S'), (Self::Leave, b'L'), (Self::Close, b'C')];

    /// Says it. A worker that is gone hears nothing.
    pub(super) fn say(self, line: &UnixStream) {
        let letter = Self::ALL
            .iter()
            .find(|(word, _)| *word == self)
            .map(|(_, letter)| *letter);
        if let Err(error) = (&*line).write_all(letter.as_slice()) {
            tracing::debug!(%error, "a worker can't be told how to end");
        }
    }

    /// Waits for the next one. `None`: the supervisor is gone.
    pub(super) fn hear(line: &UnixStream) -> Option<Self> {
        loop {
            let mut letter = [0];
            match (&*line).read(&mut letter) {
                Ok(0) => return None,
                Ok(_) => {
                    // Another version of the program may say what this one does not know.
                    if let Some((word, _)) = Self::ALL.iter().find(|(_, known)| *known == letter[0]) {
                        return Some(*word);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_heard_as_they_were_said_and_then_the_silence() {
        let (supervisor, worker) = UnixStream::pair().expect("a pair");
        Word::Stop.say(&supervisor);
        (&supervisor).write_all(b"?").expect("it listens");
        Word::Close.say(&supervisor);
        Word::Leave.say(&supervisor);
        drop(supervisor);
        let heard: Vec<_> = std::iter::from_fn(|| Word::hear(&worker)).collect();
        assert_eq!(heard, [Word::Stop, Word::Close, Word::Leave]);
    }
}
