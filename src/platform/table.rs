//! A table in a file as a spreadsheet saves it: CSV with commas, semicolons or tabs between its cells, read line by line,
//! each with the number that an editor shows.
use csv::ByteRecord;

/// Why a file cannot be read as a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error("the file is empty")]
    Empty,
    #[error("the file is in UTF-16: save it as “CSV UTF-8” and choose it again")]
    Utf16,
    #[error("line {0} is not in UTF-8: save the file as “CSV UTF-8” and choose it again")]
    NotUtf8(u64),
    #[error("this is not a text file: save the table as “CSV UTF-8” and choose it again")]
    NotText,
    #[error("the column “{0}” is there twice")]
    TwoColumns(&'static str),
}

/// A table under way; its first line names the columns.
pub struct Table<'a> {
    lines: csv::Reader<&'a [u8]>,
    record: ByteRecord,
    place: Place<'a>,
    head: Vec<String>,
}

/// A line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// As an editor counts; the head is line 1.
    pub number: u64,
    cells: Vec<String>,
}

impl<'a> Table<'a> {
    /// Reads the head.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub fn open(file: &'a [u8]) -> Result<Table<'a>, TableError> {
        if file.starts_with(&[0xff, 0xfe]) || file.starts_with(&[0xfe, 0xff]) {
            return Err(TableError::Utf16);
        }
        let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
        if text.contains(&0) {
            return Err(TableError::NotText);
        }
        let mut table = Table {
            lines: csv::ReaderBuilder::new()
                .delimiter(delimiter(text))
                .has_headers(false)
                .flexible(true)
                .from_reader(text),
            record: ByteRecord::new(),
            place: Place::new(text),
            head: Vec::new(),
        };
        let head = table.line()?.ok_or(TableError::Empty)?;
        let name = |cell: &String| cell.to_lowercase().replace(['_', '-'], " ");
        table.head = head.cells.iter().map(name).collect();
        Ok(table)
    }

    /// Where a column stands, whatever its case and the signs between its words.
    ///
    /// # Errors
    ///
    /// `TwoColumns`.
    pub fn column(&self, wanted: &'static str) -> Result<Option<usize>, TableError> {
        let mut places = self.head.iter().enumerate();
        let mut next = || places.find(|(_, name)| *name == wanted);
        let first = next().map(|(place, _)| place);
        match next() {
            Some(_) => Err(TableError::TwoColumns(wanted)),
            None => Ok(first),
        }
    }

    /// The next line, empty ones too.
    ///
    /// # Errors
    ///
    /// `NotUtf8`.
    pub fn line(&mut self) -> Result<Option<Line>, TableError> {
        // A reader of bytes in memory that takes lines of any length has nothing else to fail of.
        let read = self.lines.read_byte_record(&mut self.record);
        if !read.map_err(|_broken| TableError::NotText)? {
            return Ok(None);
        }
        let number = self.place.line_of(&self.record);
        let mut cells = Vec::with_capacity(self.record.len());
        for cell in &self.record {
            let text = std::str::from_utf8(cell).map_err(|_other| TableError::NotUtf8(number))?;
            cells.push(plain(text).to_owned());
        }
        Ok(Some(Line { number, cells }))
    }
}

impl Line {
    /// The text of a cell; empty where there is none.
    #[must_use]
    pub fn cell(&self, column: Option<usize>) -> &str {
        let cell = column.and_then(|place| self.cells.get(place));
        cell.map_or("", String::as_str)
    }

    /// Whether nothing stands in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.iter().all(String::is_empty)
    }
}

/// How far a file is read. The reader ends a record before the last byte of its line's end, and counts from there.
struct Place<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Place<'a> {
    const fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    /// The line on which a record begins, as an editor counts them. Records come in their order.
    fn line_of(&mut self, record: &ByteRecord) -> u64 {
        let from = record.position().map_or(0, csv::Position::byte);
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let rest = self.text.get(from..).unwrap_or_default();
        let ends = rest
            .iter()
            .take_while(|byte| b"\r\n".contains(byte))
            .count();
        let begin = from.saturating_add(ends);
        let passed = self.text.get(self.at..begin).unwrap_or_default();
        let ended = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line += u64::try_from(ended).unwrap_or(0);
        self.at = begin;
        self.line
    }
}

/// The one that the first line has most of.
fn delimiter(text: &[u8]) -> u8 {
    let head = text.split(|byte| *byte == b'\n').next().unwrap_or(text);
    let count = |mark: u8| head.iter().filter(|byte| **byte == mark).count();
    [b',', b';', b'\t']
        .into_iter()
        .rev()
        .max_by_key(|mark| count(*mark))
        .unwrap_or(b',')
}

/// A cell without the mark that keeps a spreadsheet from taking it for a formula.
fn plain(cell: &str) -> &str {
    let cell = cell.trim();
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        Some(_) | None => cell,
    }
}
