//! A file of mappings, read line by line: what it says of each variant, and which lines say nothing that can be
//! understood. It asks no database: whether there is such a variant or item is judged later.
use std::collections::HashMap;

use super::MappingKind;
use super::parts::MOST_PIECES;
use crate::platform::table::{Line, Table, TableError};

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
    #[error("the first line names no column “{0}”: it names variant id, kind, item sku, quantity")]
    NoColumn(&'static str),
    #[error("the file has more than 100,000 lines: split it")]
    TooLong,
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Reads a file with commas, semicolons or tabs between its cells.
///
/// # Errors
///
/// What is wrong with the whole of it.
pub fn read(file: &[u8]) -> Result<Sheet, SheetError> {
    let mut table = Table::open(file)?;
    let columns = Columns::of(&table)?;
    let mut reading = Reading::default();
    let mut count = 0;
    while let Some(line) = table.line()? {
        count += 1;
        if count > MOST_LINES {
            return Err(SheetError::TooLong);
        }
        reading.take(&columns, &line);
    }
    Ok(reading.end())
}

/// Where each column stands.
struct Columns {
    variant: usize,
    item: usize,
    kind: Option<usize>,
    quantity: Option<usize>,
}

impl Columns {
    fn of(table: &Table<'_>) -> Result<Self, SheetError> {
        let needed = |name: &'static str| {
            let column = table.column(name)?;
            column.ok_or(SheetError::NoColumn(name))
        };
        Ok(Self {
            variant: needed("variant id")?,
            item: needed("item sku")?,
            kind: table.column("kind")?,
            quantity: table.column("quantity")?,
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
    fn take(&mut self, columns: &Columns, line: &Line) {
        if line.is_empty() {
            return;
        }
        let variant = match variant_id(line.cell(Some(columns.variant))) {
            Ok(variant) => variant,
            Err(reason) => return self.refuse(line.number, reason),
        };
        let (item, kind) = (line.cell(Some(columns.item)), line.cell(columns.kind));
        match word(kind, item, line.cell(columns.quantity)) {
            Ok(word) => self.note(line.number, variant, word),
            Err(reason) => {
                self.refuse(line.number, reason);
                self.broken.entry(variant).or_insert(line.number);
            }
        }
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
