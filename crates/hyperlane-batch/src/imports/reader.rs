//! Tells records apart: CSV by `csv-core`, NDJSON by its lines. It holds one buffer and one record.

use std::{io, sync::Arc};

use csv::{ByteRecord, StringRecord};
use csv_core::ReadRecordResult;
use tokio::io::AsyncReadExt;

use super::{
    format::Format,
    record::{Content, Record},
    rejected::Rejected,
    source::Source,
};

const BUFFER: usize = 64 * 1024;

/// The most columns of a table; PostgreSQL takes 1,600, SQLite 2,000.
const MAX_COLUMNS: usize = 2000;

/// Where a reader stands: behind a record, before the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Bytes of the decompressed source.
    pub(super) offset: u64,
    /// Line ends before it.
    pub(super) lines: u64,
    /// Records before it.
    pub(super) records: u64,
}

/// What ends the reading of a source.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The source can't be read at the moment, or its sender has left.
    Source(io::Error),
    /// It is not what it should be, and will not be another time.
    Content(String),
}

pub(super) struct Reader {
    source: Source,
    buffer: Vec<u8>,
    /// What is in the buffer and not taken yet.
    start: usize,
    end: usize,
    eof: bool,
    at: Place,
    max_record: usize,
    lines: Lines,
    header: Option<Arc<StringRecord>>,
    open: Option<Open>,
}

enum Lines {
    Csv(Box<csv_core::Reader>),
    Ndjson,
}

/// A record that was begun.
#[derive(Default)]
struct Open {
    line: u64,
    text: Vec<u8>,
    text_len: usize,
    ends: Vec<usize>,
    ends_len: usize,
    fault: Option<String>,
}

enum Step {
    Record(Open),
    Hungry,
}

impl Reader {
    /// Begins at the start of a source, with its header.
    pub(super) async fn begin(source: Source, format: Format, max_record: usize) -> Result<Self, ReadError> {
        let lines = match format {
            Format::Csv { delimiter } => {
                Lines::Csv(Box::new(csv_core::ReaderBuilder::new().delimiter(delimiter).build()))
            }
            Format::Ndjson => Lines::Ndjson,
        };
        let mut reader = Self {
            source,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            eof: false,
            at: Place::default(),
            max_record,
            lines,
            header: None,
            open: None,
        };
        reader.byte_order_mark().await?;
        if matches!(reader.lines, Lines::Csv(_)) {
            reader.read_header().await?;
        }
        Ok(reader)
    }

    /// Goes on where an earlier reader of the same source stood.
    pub(super) async fn skip_to(&mut self, place: Place) -> Result<(), ReadError> {
        if place.records == 0 {
            return Ok(());
        }
        while self.at.offset < place.offset {
            if self.start == self.end && !self.fill().await? {
                return Err(ReadError::Content(
                    "the source is shorter than what was already imported of it".into(),
                ));
            }
            let wanted = usize::try_from(place.offset - self.at.offset).unwrap_or(usize::MAX);
            let take = wanted.min(self.end - self.start);
            self.take(take);
        }
        self.at = place;
        Ok(())
    }

    pub(super) fn place(&self) -> Place {
        self.at
    }

    /// Bytes of the source as it is stored or sent.
    pub(super) fn taken(&self) -> u64 {
        self.source.taken()
    }

    /// The next record. It may be cancelled and called again: nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Option<Record>, ReadError> {
        let Some(open) = self.next_open().await? else {
            return Ok(None);
        };
        self.at.records += 1;
        let line = open.line;
        let content = match (open.fault, &self.header) {
            (Some(fault), _) => Content::Refused(Rejected::new(fault)),
            (None, Some(header)) => Content::Csv {
                header: header.clone(),
                fields: fields(&open.text, &open.ends[..open.ends_len]),
            },
            (None, None) => Content::Json(open.text),
        };
        Ok(Some(Record {
            number: self.at.records,
            line,
            content,
        }))
    }

    async fn next_open(&mut self) -> Result<Option<Open>, ReadError> {
        loop {
            if self.open.is_none() && !self.begin_record().await? {
                return Ok(None);
            }
            match self.step() {
                Step::Record(open) => return Ok(Some(open)),
                Step::Hungry => {
                    if !self.fill().await? {
                        return self.last_record();
                    }
                }
            }
        }
    }

    /// Passes over line ends to the first byte of a record; `false` at the end of the source.
    async fn begin_record(&mut self) -> Result<bool, ReadError> {
        loop {
            let blank = |byte: &&u8| match self.lines {
                Lines::Csv(_) => matches!(byte, b'\r' | b'\n'),
                Lines::Ndjson => byte.is_ascii_whitespace(),
            };
            let blanks = self.buffer[self.start..self.end].iter().take_while(blank).count();
            self.take(blanks);
            if self.start < self.end {
                self.open = Some(Open {
                    line: self.at.lines + 1,
                    ..Open::default()
                });
                return Ok(true);
            }
            if !self.fill().await? {
                return Ok(false);
            }
        }
    }

    /// Takes what the buffer has of the record that is open.
    fn step(&mut self) -> Step {
        let Some(open) = &mut self.open else {
            return Step::Hungry;
        };
        let input = &self.buffer[self.start..self.end];
        if input.is_empty() {
            return Step::Hungry;
        }
        let (taken, ended) = match &mut self.lines {
            Lines::Csv(reader) => open.take_csv(reader, input, self.max_record),
            Lines::Ndjson => open.take_line(input, self.max_record),
        };
        self.take(taken);
        if ended {
            self.open.take().map_or(Step::Hungry, Step::Record)
        } else {
            Step::Hungry
        }
    }

    /// The record that the source ends in, without a line end.
    fn last_record(&mut self) -> Result<Option<Open>, ReadError> {
        let Some(mut open) = self.open.take() else {
            return Ok(None);
        };
        if let Lines::Csv(reader) = &mut self.lines {
            // Where a quote is open, the line end that is added here becomes part of its field and ends nothing.
            let (_, ended) = open.take_csv(reader, b"\n", self.max_record);
            if !ended {
                let line = open.line;
                return Err(ReadError::Content(format!(
                    "a quote in the record of line {line} is never closed"
                )));
            }
        }
        Ok(Some(open))
    }

    async fn read_header(&mut self) -> Result<(), ReadError> {
        let refused = |reason: String| ReadError::Content(format!("the header can't be read: {reason}"));
        let Some(open) = self.next_open().await? else {
            return Err(refused("the source is empty".into()));
        };
        if let Some(fault) = open.fault {
            return Err(refused(fault));
        }
        let header = StringRecord::from_byte_record(fields(&open.text, &open.ends[..open.ends_len]))
            .map_err(|_| refused("it is no valid UTF-8".into()))?;
        for (index, name) in header.iter().enumerate() {
            if header.iter().skip(index + 1).any(|other| other == name) {
                return Err(refused(format!("it names {name:?} twice")));
            }
        }
        self.header = Some(Arc::new(header));
        Ok(())
    }

    async fn byte_order_mark(&mut self) -> Result<(), ReadError> {
        while self.end < 3 && self.fill().await? {}
        let start = &self.buffer[..self.end];
        if start.starts_with(b"\xef\xbb\xbf") {
            self.take(3);
        } else if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            return Err(ReadError::Content("the source is UTF-16; save it as UTF-8".into()));
        }
        Ok(())
    }

    fn take(&mut self, bytes: usize) {
        let lines = memchr::memchr_iter(b'\n', &self.buffer[self.start..self.start + bytes]).count();
        self.at.lines += lines as u64;
        self.at.offset += bytes as u64;
        self.start += bytes;
    }

    /// Reads more; `false` at the end of the source.
    async fn fill(&mut self) -> Result<bool, ReadError> {
        if self.eof {
            return Ok(false);
        }
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        match self.source.read(&mut self.buffer[self.end..]).await {
            Ok(0) => {
                self.eof = true;
                Ok(false)
            }
            Ok(bytes) => {
                self.end += bytes;
                Ok(true)
            }
            Err(error) if self.source.is_broken() => Err(ReadError::Source(error)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(ReadError::Content(format!(
                "the compressed source is cut off after line {}",
                self.at.lines
            ))),
            Err(error) => Err(ReadError::Content(format!("{error} (after line {})", self.at.lines))),
        }
    }
}

impl Open {
    /// Feeds `csv-core`; how much of the input it took, and whether the record has ended.
    fn take_csv(&mut self, reader: &mut csv_core::Reader, input: &[u8], max: usize) -> (usize, bool) {
        let mut taken = 0;
        loop {
            if taken == input.len() {
                // To `csv-core` an empty input is the end.
                return (taken, false);
            }
            self.text.resize(self.text.len().max(256), 0);
            self.ends.resize(self.ends.len().max(16), 0);
            let (result, read, wrote, ended) = reader.read_record(
                &input[taken..],
                &mut self.text[self.text_len..],
                &mut self.ends[self.ends_len..],
            );
            taken += read;
            self.text_len += wrote;
            self.ends_len += ended;
            match result {
                ReadRecordResult::InputEmpty => return (taken, false),
                ReadRecordResult::Record | ReadRecordResult::End => {
                    self.text.truncate(self.text_len);
                    return (taken, true);
                }
                ReadRecordResult::OutputFull if self.text.len() < max => {
                    let larger = (self.text.len() * 2).min(max);
                    self.text.resize(larger, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < MAX_COLUMNS => {
                    let larger = (self.ends.len() * 2).min(MAX_COLUMNS);
                    self.ends.resize(larger, 0);
                }
                // It is passed over, to its end.
                ReadRecordResult::OutputFull => {
                    self.fault.get_or_insert_with(|| too_long(max));
                    self.text_len = 0;
                }
                ReadRecordResult::OutputEndsFull => {
                    self.fault
                        .get_or_insert_with(|| format!("has more than {MAX_COLUMNS} fields"));
                    self.ends_len = 0;
                }
            }
        }
    }

    fn take_line(&mut self, input: &[u8], max: usize) -> (usize, bool) {
        let end = memchr::memchr(b'\n', input);
        let piece = &input[..end.unwrap_or(input.len())];
        if self.text.len() + piece.len() > max {
            self.fault.get_or_insert_with(|| too_long(max));
            self.text = Vec::new();
        }
        if self.fault.is_none() {
            self.text.extend_from_slice(piece);
        }
        (piece.len() + usize::from(end.is_some()), end.is_some())
    }
}

fn too_long(max: usize) -> String {
    format!("is longer than {max} bytes")
}

fn fields(text: &[u8], ends: &[usize]) -> ByteRecord {
    let mut record = ByteRecord::with_capacity(text.len(), ends.len());
    let mut start = 0;
    for &end in ends {
        record.push_field(text.get(start..end).unwrap_or_default());
        start = end;
    }
    record
}
