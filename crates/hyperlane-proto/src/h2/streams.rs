//! Which streams are open, and how those ended that are not (RFC 9113 §5.1).

/// How many of the streams that we reset are remembered, and how many gaps in the numbers. More than are usually open
/// at once: all of them may be answered before their bodies have come, and what is under way then is no fault.
const REMEMBERED: usize = 512;

/// The streams of a connection; all of them are the client's.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// In the order of their numbers.
    open: Vec<Stream>,
    /// The largest number that was used.
    last: u32,
    /// Streams that we reset before the peer had ended them: what it has sent until it hears of that is no fault.
    reset_by_us: Ring<u32>,
    /// Numbers that the peer has passed over: first and last.
    skipped: Ring<(u32, u32)>,
}

#[derive(Debug)]
pub(super) struct Stream {
    number: u32,
    /// Whether its first field block has come: what comes later are trailers.
    pub(super) has_head: bool,
    pub(super) ended_by_peer: bool,
    ended_by_us: bool,
    /// Bytes of DATA received so far, of unfinished frames, too.
    pub(super) received: u64,
}

/// Where a number stands.
#[derive(Debug)]
pub(super) enum Place<'a> {
    /// Not used, nor passed over.
    Idle,
    /// Passed over, and so closed (RFC 9113 §5.1.1).
    Skipped,
    Open(&'a mut Stream),
    /// Ended by the peer: it may send nothing more.
    Closed,
    /// Ended by us, which the peer may not know yet.
    ResetByUs,
}

impl Streams {
    pub(super) fn place(&mut self, number: u32) -> Place<'_> {
        // Even numbers are the server's, and we open no streams.
        if number > self.last || number.is_multiple_of(2) {
            return Place::Idle;
        }
        match self.position(number) {
            Ok(position) => match self.open.get_mut(position) {
                Some(stream) => Place::Open(stream),
                None => Place::Closed,
            },
            Err(_) if self.reset_by_us.any(|&reset| reset == number) => Place::ResetByUs,
            Err(_) if self.skipped.any(|&(first, last)| (first..=last).contains(&number)) => Place::Skipped,
            Err(_) => Place::Closed,
        }
    }

    /// Opens a stream that is idle.
    pub(super) fn open(&mut self, number: u32) {
        let next = if self.last == 0 { 1 } else { self.last + 2 };
        if number > next {
            self.skipped.push((next, number - 2));
        }
        self.last = number;
        self.open.push(Stream {
            number,
            has_head: false,
            ended_by_peer: false,
            ended_by_us: false,
            received: 0,
        });
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn received(&self, number: u32) -> Option<u64> {
        let position = self.position(number).ok()?;
        self.open.get(position).map(|stream| stream.received)
    }

    pub(super) fn end_by_peer(&mut self, number: u32) {
        self.end(number, |stream| stream.ended_by_peer = true);
    }

    /// Returns whether that was the end of the stream.
    pub(super) fn end_by_us(&mut self, number: u32) -> bool {
        self.end(number, |stream| stream.ended_by_us = true)
    }

    pub(super) fn reset_by_peer(&mut self, number: u32) {
        if let Ok(position) = self.position(number) {
            self.open.remove(position);
        }
    }

    pub(super) fn reset_by_us(&mut self, number: u32) {
        if let Ok(position) = self.position(number) {
            let stream = self.open.remove(position);
            if !stream.ended_by_peer {
                self.reset_by_us.push(number);
            }
        }
    }

    fn end(&mut self, number: u32, half: impl FnOnce(&mut Stream)) -> bool {
        let Ok(position) = self.position(number) else {
            return false;
        };
        let Some(stream) = self.open.get_mut(position) else {
            return false;
        };
        half(stream);
        let over = stream.ended_by_peer && stream.ended_by_us;
        if over {
            self.open.remove(position);
        }
        over
    }

    fn position(&self, number: u32) -> Result<usize, usize> {
        self.open.binary_search_by_key(&number, |stream| stream.number)
    }
}

/// The last few of something.
#[derive(Debug)]
struct Ring<T> {
    items: Vec<T>,
    next: usize,
}

impl<T> Ring<T> {
    fn push(&mut self, item: T) {
        match self.items.get_mut(self.next) {
            Some(place) => *place = item,
            None => self.items.push(item),
        }
        self.next = (self.next + 1) % REMEMBERED;
    }

    fn any(&self, condition: impl FnMut(&T) -> bool) -> bool {
        self.items.iter().any(condition)
    }
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            next: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_apart_how_a_stream_ended_rfc9113_5_1() {
        let mut streams = Streams::default();
        assert!(matches!(streams.place(1), Place::Idle));
        streams.open(1);
        streams.open(9);
        assert!(matches!(streams.place(1), Place::Open(_)));
        assert!(matches!(streams.place(5), Place::Skipped));
        assert!(matches!(streams.place(11), Place::Idle));
        assert!(matches!(streams.place(2), Place::Idle));
        streams.end_by_peer(1);
        assert!(matches!(streams.place(1), Place::Open(stream) if stream.ended_by_peer));
        assert!(streams.end_by_us(1));
        assert!(matches!(streams.place(1), Place::Closed));
        streams.reset_by_us(9);
        assert!(matches!(streams.place(9), Place::ResetByUs));
        streams.open(11);
        streams.reset_by_peer(11);
        assert!(matches!(streams.place(11), Place::Closed));
        assert_eq!(streams.len(), 0);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let mut streams = Streams::default();
        for number in (1..4000).step_by(4) {
            streams.open(number);
            streams.reset_by_us(number);
        }
        assert_eq!(streams.reset_by_us.items.len(), REMEMBERED);
        assert_eq!(streams.skipped.items.len(), REMEMBERED);
        assert!(matches!(streams.place(1), Place::Closed));
    }
}
