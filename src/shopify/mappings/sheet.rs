//! A file of mappings, read line by line: what it says of each variant, and which lines say nothing that can be
//! understood. It asks no database: whether there is such a variant or item is judged later.
use std::collections::HashMap;

use csv::ByteRecord;

use super::MappingKind;
use super::parts::MOST_PIECES;

/// The columns, in the order in which they are written.
pub const HEAD: [&str; 7] = [
    "variant id",
    "sku",
    "barcode",
    "title",
    "kind",
    "item sku",
    "quantity",
];
/// More lines than this are several files.
pub const MOST_LINES: u64 = 100_000;

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// In the order of their first lines.
    pub said: Vec<Said>,
    pub refused: Vec<Refusal>,
    /// Lines of variants that the file says nothing of.
    pub silent: u64,
}

/// What the file says of one variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Where it is said first; the head is line 1.
    pub line: u64,
    /// The number of the variant's id at Shopify.
    pub variant: String,
    pub meaning: Meaning,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    Ignored,
    /// SKUs of items, and how many of each.
    Items {
        kit: bool,
        parts: Vec<(String, i64)>,
    },
}

/// A line that is not booked, and why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    pub line: u64,
    pub reason: String,
}

/// Why a whole file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    #[error("the file is empty")]
    Empty,
    #[error("the file is in UTF-16: save it as “CSV UTF-8” and choose it again")]
    Utf16,
    #[error("line {0} is not in UTF-8: save the file as “CSV UTF-8” and choose it again")]
    NotUtf8(u64),
    #[error("this is not a text file: save the table as “CSV UTF-8” and choose it again")]
    NotText,
    #[error("the first line names no column “{0}”: it names variant id, kind, item sku, quantity")]
    NoColumn(&'static str),
    #[error("the column “{0}” is there twice")]
    TwoColumns(&'static str),
    #[error("the file has more than 100,000 lines: split it")]
    TooLong,
}

/// Reads a file with commas, semicolons or tabs between its cells.
///
/// # Errors
///
/// What is wrong with the whole of it.
pub fn read(file: &[u8]) -> Result<Sheet, SheetError> {
    if file.starts_with(&[0xff, 0xfe]) || file.starts_with(&[0xfe, 0xff]) {
        return Err(SheetError::Utf16);
    }
    let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    if text.contains(&0) {
        return Err(SheetError::NotText);
    }
    let mut lines = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .from_reader(text);
    let mut record = ByteRecord::new();
    if !next(&mut lines, &mut record)? {
        return Err(SheetError::Empty);
    }
    let columns = Columns::of(&record)?;
    let mut reading = Reading::default();
    let mut place = Place::new(text);
    let mut count = 0;
    while next(&mut lines, &mut record)? {
        count += 1;
        if count > MOST_LINES {
            return Err(SheetError::TooLong);
        }
        reading.take(place.line_of(&record), &columns, &record)?;
    }
    Ok(reading.end())
}

fn next(lines: &mut csv::Reader<&[u8]>, record: &mut ByteRecord) -> Result<bool, SheetError> {
    // A reader of bytes in memory that takes lines of any length has nothing else to fail of.
    lines
        .read_byte_record(record)
        .map_err(|_broken| SheetError::NotText)
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

/// Where each column stands.
struct Columns {
    variant: usize,
    item: usize,
    kind: Option<usize>,
    quantity: Option<usize>,
}

impl Columns {
    fn of(head: &ByteRecord) -> Result<Self, SheetError> {
        let mut names = Vec::new();
        for cell in head {
            let name = std::str::from_utf8(cell).map_err(|_other| SheetError::NotUtf8(1))?;
            names.push(name.trim().to_lowercase().replace('_', " "));
        }
        let find = |wanted: &'static str| {
            let mut places = names.iter().enumerate().filter(|(_, name)| *name == wanted);
            let place = places.next().map(|(place, _)| place);
            match places.next() {
                Some(_) => Err(SheetError::TwoColumns(wanted)),
                None => Ok(place),
            }
        };
        Ok(Self {
            variant: find("variant id")?.ok_or(SheetError::NoColumn("variant id"))?,
            item: find("item sku")?.ok_or(SheetError::NoColumn("item sku"))?,
            kind: find("kind")?,
            quantity: find("quantity")?,
        })
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    sheet: Sheet,
    /// Where each variant stands in `said`.
    places: HashMap<String, usize>,
    /// Kits of which one line was refused.
    broken: HashMap<String, u64>,
}

/// What one line says.
enum Word {
    Nothing,
    Ignored,
    One(String, i64),
    Part(String, i64),
}

impl Reading {
    fn take(
        &mut self,
        line: u64,
        columns: &Columns,
        record: &ByteRecord,
    ) -> Result<(), SheetError> {
        let mut cells = Vec::with_capacity(record.len());
        for cell in record {
            let text = std::str::from_utf8(cell).map_err(|_other| SheetError::NotUtf8(line))?;
            cells.push(plain(text));
        }
        if cells.iter().all(|cell| cell.is_empty()) {
            return Ok(());
        }
        let cell = |place: Option<usize>| place.and_then(|at| cells.get(at)).copied().unwrap_or("");
        let variant = match variant_id(cell(Some(columns.variant))) {
            Ok(variant) => variant,
            Err(reason) => {
                self.refuse(line, reason);
                return Ok(());
            }
        };
        let item = cell(Some(columns.item));
        match word(cell(columns.kind), item, cell(columns.quantity)) {
            Ok(word) => self.note(line, variant, word),
            Err(reason) => {
                self.refuse(line, reason);
                self.broken.entry(variant).or_insert(line);
            }
        }
        Ok(())
    }

    fn note(&mut self, line: u64, variant: String, word: Word) {
        let (sku, quantity, kit) = match word {
            Word::Nothing => {
                self.sheet.silent += 1;
                return;
            }
            Word::Ignored => return self.say(line, variant, Meaning::Ignored),
            Word::One(sku, quantity) => (sku, quantity, false),
            Word::Part(sku, quantity) => (sku, quantity, true),
        };
        let known = self.places.get(&variant).copied();
        let known = known.and_then(|place| self.sheet.said.get_mut(place));
        if let (true, Some(said)) = (kit, known)
            && let Meaning::Items { kit: true, parts } = &mut said.meaning
        {
            parts.push((sku, quantity));
            return;
        }
        let parts = vec![(sku, quantity)];
        self.say(line, variant, Meaning::Items { kit, parts });
    }

    fn say(&mut self, line: u64, variant: String, meaning: Meaning) {
        if let Some(place) = self.places.get(&variant) {
            let first = self.sheet.said.get(*place).map_or(0, |said| said.line);
            self.refuse(line, format!("line {first} speaks of this variant already"));
            return;
        }
        self.places.insert(variant.clone(), self.sheet.said.len());
        self.sheet.said.push(Said {
            line,
            variant,
            meaning,
        });
    }

    fn refuse(&mut self, line: u64, reason: impl Into<String>) {
        let reason = reason.into();
        self.sheet.refused.push(Refusal { line, reason });
    }

    /// Half a kit is none.
    fn end(mut self) -> Sheet {
        let said = std::mem::take(&mut self.sheet.said);
        for said in said {
            match (self.broken.get(&said.variant), &said.meaning) {
                (Some(line), Meaning::Items { kit: true, .. }) => {
                    let reason = format!("line {line} of this kit is refused");
                    self.refuse(said.line, reason);
                }
                _ => self.sheet.said.push(said),
            }
        }
        self.sheet.refused.sort_by_key(|refusal| refusal.line);
        self.sheet
    }
}

/// A cell without the mark that keeps a spreadsheet from taking it for a formula.
fn plain(cell: &str) -> &str {
    let cell = cell.trim();
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        _ => cell,
    }
}

fn variant_id(cell: &str) -> Result<String, String> {
    let digits = cell.rsplit('/').next().unwrap_or(cell);
    if digits.is_empty() {
        return Err("the variant id is missing".to_owned());
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= 19 {
        return Ok(digits.to_owned());
    }
    let rounded = digits.contains(['e', 'E']) && digits.starts_with(|c: char| c.is_ascii_digit());
    Err(if rounded {
        format!("{cell} was rounded by a spreadsheet: format the column variant id as text")
    } else {
        format!("{cell} is not a variant id")
    })
}

fn word(kind: &str, item: &str, quantity: &str) -> Result<Word, String> {
    let said: Option<MappingKind> =
        match kind.to_lowercase().as_str() {
            "" | "unmapped" => None,
            text => Some(text.parse().map_err(|_other| {
                format!("kind is one, pack, kit, ignored or empty, not {kind}")
            })?),
        };
    let pieces = match quantity {
        "" => 1,
        text => text
            .parse()
            .ok()
            .filter(|pieces| (1..=MOST_PIECES).contains(pieces))
            .ok_or_else(|| format!("quantity is 1 to 10,000, not {text}"))?,
    };
    match (said, item.is_empty()) {
        (Some(MappingKind::Ignored), true) => Ok(Word::Ignored),
        (Some(MappingKind::Ignored), false) => Err("an ignored variant has no item sku".to_owned()),
        (None, true) => Ok(Word::Nothing),
        (Some(MappingKind::One | MappingKind::Pack | MappingKind::Kit), true) => {
            Err("the item sku is missing".to_owned())
        }
        (Some(MappingKind::Kit), false) => Ok(Word::Part(item.to_owned(), pieces)),
        (Some(MappingKind::One), false) if pieces > 1 => {
            Err("one is 1 piece of an item: several are a pack".to_owned())
        }
        (Some(MappingKind::One | MappingKind::Pack) | None, false) => {
            Ok(Word::One(item.to_owned(), pieces))
        }
    }
}

#[cfg(test)]
mod tests;
