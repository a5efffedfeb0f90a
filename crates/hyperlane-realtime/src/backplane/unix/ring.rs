//! The last entries, in each process.

use std::collections::VecDeque;

use hyperlane::Bytes;

use super::super::Position;

/// Entries in their order, bounded by their number and bytes.
#[derive(Debug)]
pub(super) struct Ring {
    entries: VecDeque<(Position, Bytes)>,
    bytes: usize,
    max_entries: usize,
    max_bytes: usize,
    /// All entries behind this place are here.
    complete_after: Position,
}

impl Ring {
    pub(super) fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            max_entries,
            max_bytes,
            complete_after: Position::START,
        }
    }

    pub(super) fn keep(&mut self, entries: usize, bytes: usize) {
        self.max_entries = entries.max(1);
        self.max_bytes = bytes;
    }

    /// What comes from now on is everything behind this place.
    pub(super) fn begin(&mut self, after: Position) {
        if after > self.last() {
            self.entries.clear();
            self.bytes = 0;
            self.complete_after = after;
        }
    }

    pub(super) fn push(&mut self, position: Position, entry: Bytes) {
        self.bytes += entry.len();
        self.entries.push_back((position, entry));
        while self.entries.len() > 1 && (self.entries.len() > self.max_entries || self.bytes > self.max_bytes) {
            if let Some((position, entry)) = self.entries.pop_front() {
                self.bytes -= entry.len();
                self.complete_after = position;
            }
        }
    }

    /// The place of the last entry.
    pub(super) fn last(&self) -> Position {
        self.entries
            .back()
            .map_or(self.complete_after, |(position, _)| *position)
    }

    /// Where to begin for somebody who has all up to `resume`, or wants the last `backlog`.
    pub(super) fn begin_for(&self, resume: Option<Position>, backlog: usize) -> Position {
        match resume {
            Some(resume) => resume.max(self.complete_after),
            None => {
                let skipped = self.entries.len().saturating_sub(backlog);
                let before = skipped.checked_sub(1).and_then(|index| self.entries.get(index));
                before.map_or(self.complete_after, |(position, _)| *position)
            }
        }
    }

    /// The entries behind a place, up to so many.
    pub(super) fn after(&self, place: Position, limit: usize) -> Vec<(Position, Bytes)> {
        let start = self.entries.partition_point(|(position, _)| *position <= place);
        self.entries.iter().skip(start).take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_what_it_has_forgotten() {
        let mut ring = Ring::new(2, 1000);
        let place = |number| Position::new(1, number);
        for number in 1..=3 {
            ring.push(place(number), Bytes::from_static(b"x"));
        }
        assert_eq!(ring.begin_for(Some(Position::START), 9), place(1));
        assert_eq!(ring.begin_for(Some(place(2)), 9), place(2));
        assert_eq!(ring.begin_for(None, 1), place(2));
        assert_eq!(ring.begin_for(None, 9), place(1));
        assert_eq!(ring.after(place(2), 9).len(), 1);
        assert_eq!(ring.last(), place(3));
    }
}
