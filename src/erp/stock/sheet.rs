//! Lines of a receipt, a transfer or a count from a file: the good ones go in, the others are named by their number.
use std::collections::HashMap;

use csv::ByteRecord;
use jiff::civil::Date;

use super::documents::{self, Adding, By, GoodsError, Kind, Named, State};
use super::lots::LotError;
use super::queries::document_lines as lines;
use super::queries::documents::DocumentRow;
use super::receiving::capital;
use super::{StockError, counting, lots};
use crate::erp::audit;
use crate::platform::db::{DbConnection, DbError, savepoint};

/// Bytes of a file.
pub const LARGEST: usize = 1024 * 1024;
/// Lines of a file.
pub const MOST_LINES: usize = 10_000;

/// A line that did not go in, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As an editor counts; the head is line 1.
    pub line: usize,
    /// A sentence without its full stop.
    pub reason: String,
}

/// What became of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Lines that went in.
    pub entered: usize,
    pub refused: Vec<Refusal>,
}

/// Why a whole file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    #[error("choose a file")]
    NoFile,
    #[error("the file is empty")]
    Empty,
    #[error("the file is larger than 1 MB: split it")]
    TooLarge,
    #[error("the file has more than 10,000 lines: split it")]
    TooLong,
    #[error("the file is in UTF-16: save it as “CSV UTF-8” and choose it again")]
    Utf16,
    #[error("line {0} is not in UTF-8: save the file as “CSV UTF-8” and choose it again")]
    NotUtf8(usize),
    #[error("this is not a text file: save the table as “CSV UTF-8” and choose it again")]
    NotText,
    #[error(
        "the first line names no column “{0}”: it names sku, quantity, and where there are any lot and best before"
    )]
    NoColumn(&'static str),
    #[error("the column “{0}” is there twice")]
    TwoColumns(&'static str),
    #[error(transparent)]
    Goods(#[from] GoodsError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// One line of a file, or what is wrong with it.
type Read = (usize, Result<Adding, String>);

/// Reads a file and enters its lines: of a line that the document has already it says the quantity anew.
///
/// # Errors
///
/// What is wrong with the whole file; `Goods` where the document takes no lines any more.
pub fn import(
    conn: &mut DbConnection,
    named: Named,
    file: &[u8],
    by: By,
) -> Result<Outcome, SheetError> {
    let read = read(file)?;
    let document = documents::take(conn, named, None, &[State::Open], by.now)?;
    let mut outcome = Outcome::default();
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    for (line, said) in read {
        let entered = match said {
            Ok(adding) => enter(conn, &document, (line, &adding), &mut places, by)?,
            Err(reason) => Err(reason),
        };
        match entered {
            Ok(()) => outcome.entered += 1,
            Err(reason) => outcome.refused.push(Refusal { line, reason }),
        }
    }
    let entered = i64::try_from(outcome.entered).unwrap_or(i64::MAX);
    documents::note(conn, &document, audit::Kind::GoodsImported, entered, by)?;
    Ok(outcome)
}

fn enter(
    conn: &mut DbConnection,
    document: &DocumentRow,
    (line, adding): (usize, &Adding),
    places: &mut HashMap<(String, String), usize>,
    by: By,
) -> Result<Result<(), String>, DbError> {
    // A refused line leaves nothing behind, not even the lot that it names.
    let done = savepoint(conn, |conn| {
        let item = documents::find_item(conn, &adding.code)?;
        let place = (item.sku.clone(), lots::normal(&adding.lot));
        if let Some(first) = places.get(&place) {
            return Err(Refused::Twice(*first));
        }
        match document.kind {
            Kind::Receipt | Kind::Transfer => {
                let lot = documents::lot_of(conn, document, &item, adding, by.now)?;
                let known = lines::find_place(conn, document.id, item.id, lot)?;
                documents::put(conn, document, (&item, lot, known), adding.quantity)?;
            }
            Kind::Count => counting::count_one(conn, document, &item, adding, by)?,
        }
        places.insert(place, line);
        Ok(())
    });
    match done {
        Ok(()) => Ok(Ok(())),
        Err(Refused::Twice(first)) => Ok(Err(format!(
            "Line {first} speaks of this item and lot already"
        ))),
        Err(Refused::Goods(error)) => match fault_of_database(error) {
            Ok(error) => Ok(Err(capital(&error.to_string()))),
            Err(error) => Err(error),
        },
    }
}

/// Why a line is not entered.
enum Refused {
    Twice(usize),
    Goods(GoodsError),
}

impl<E: Into<GoodsError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Refused::Goods(error.into())
    }
}

/// A fault of the database is none of the line.
fn fault_of_database(error: GoodsError) -> Result<GoodsError, DbError> {
    match error {
        GoodsError::Db(error)
        | GoodsError::Lot(LotError::Db(error) | LotError::Stock(StockError::Db(error)))
        | GoodsError::Stock(StockError::Db(error)) => Err(error),
        GoodsError::NotFound
        | GoodsError::Changed
        | GoodsError::SamePlace
        | GoodsError::Nothing
        | GoodsError::NoReason
        | GoodsError::UnknownCode
        | GoodsError::SeveralItems
        | GoodsError::Archived
        | GoodsError::NoSuchLot
        | GoodsError::SerialListed(_)
        | GoodsError::Quantity
        | GoodsError::OnePiece
        | GoodsError::Full
        | GoodsError::Promised(_)
        | GoodsError::Gone { .. }
        | GoodsError::Faults(_)
        | GoodsError::Lot(_)
        | GoodsError::Stock(_) => Ok(error),
    }
}

/// Reads a file with commas, semicolons or tabs between its cells.
fn read(file: &[u8]) -> Result<Vec<Read>, SheetError> {
    if file.len() > LARGEST {
        return Err(SheetError::TooLarge);
    }
    if file.starts_with(&[0xff, 0xfe]) || file.starts_with(&[0xfe, 0xff]) {
        return Err(SheetError::Utf16);
    }
    let bytes = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    if bytes.contains(&0) {
        return Err(SheetError::NotText);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        SheetError::NotUtf8(1 + ends_in(good))
    })?;
    let mut records = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut record = ByteRecord::new();
    let mut next = |record: &mut ByteRecord| {
        let read = records.read_byte_record(record);
        read.map_err(|_broken| SheetError::NotText)
    };
    if !next(&mut record)? {
        return Err(SheetError::Empty);
    }
    let columns = Columns::of(&record)?;
    let mut found = Vec::new();
    while next(&mut record)? {
        let cells = cells(&record);
        if cells.iter().all(String::is_empty) {
            continue;
        }
        if found.len() == MOST_LINES {
            return Err(SheetError::TooLong);
        }
        found.push((line_of(bytes, &record), columns.adding(&cells)));
    }
    Ok(found)
}

fn ends_in(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// The line on which a record begins. The reader says where it went on reading: the end of the line before may follow.
fn line_of(bytes: &[u8], record: &ByteRecord) -> usize {
    let from = record.position().map_or(0, csv::Position::byte);
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let (before, rest) = bytes.split_at(from.min(bytes.len()));
    let ends = rest.iter().take_while(|byte| b"\r\n".contains(byte));
    1 + ends_in(before) + ends.filter(|byte| **byte == b'\n').count()
}

/// The one that the first line has most of.
fn delimiter(text: &str) -> u8 {
    let head = text.lines().next().unwrap_or_default();
    let count = |mark: u8| head.bytes().filter(|byte| *byte == mark).count();
    let marks = [b'\t', b';', b','];
    marks
        .into_iter()
        .max_by_key(|mark| count(*mark))
        .unwrap_or(b',')
}

/// Texts of the cells, without the mark that keeps a spreadsheet from taking one for a formula.
fn cells(record: &ByteRecord) -> Vec<String> {
    let one = |cell: &[u8]| {
        let cell = String::from_utf8_lossy(cell).trim().to_owned();
        match cell.strip_prefix('\'') {
            Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest.to_owned(),
            Some(_) | None => cell,
        }
    };
    record.iter().map(one).collect()
}

/// Where each column stands.
struct Columns {
    sku: usize,
    quantity: usize,
    lot: Option<usize>,
    best_before: Option<usize>,
}

impl Columns {
    fn of(head: &ByteRecord) -> Result<Self, SheetError> {
        let names: Vec<String> = cells(head)
            .iter()
            .map(|name| name.to_lowercase().replace(['_', '-'], " "))
            .collect();
        let find = |wanted: &'static str| {
            let mut places = names.iter().enumerate().filter(|(_, name)| *name == wanted);
            let place = places.next().map(|(place, _)| place);
            match places.next() {
                Some(_) => Err(SheetError::TwoColumns(wanted)),
                None => Ok(place),
            }
        };
        Ok(Self {
            sku: find("sku")?.ok_or(SheetError::NoColumn("sku"))?,
            quantity: find("quantity")?.ok_or(SheetError::NoColumn("quantity"))?,
            lot: find("lot")?,
            best_before: find("best before")?,
        })
    }

    fn adding(&self, cells: &[String]) -> Result<Adding, String> {
        let cell = |place: Option<usize>| {
            let cell = place.and_then(|place| cells.get(place));
            cell.map_or("", String::as_str)
        };
        let code = cell(Some(self.sku));
        if code.is_empty() {
            return Err("The sku is missing".to_owned());
        }
        let lot = cell(self.lot);
        if lot.starts_with('=') {
            return Err("The lot is a formula: paste its value".to_owned());
        }
        let quantity = match cell(Some(self.quantity)) {
            "" => return Err("The quantity is missing".to_owned()),
            text if text.starts_with('=') => {
                return Err("The quantity is a formula: paste its value".to_owned());
            }
            text => text
                .parse()
                .ok()
                .filter(|number| *number >= 0)
                .ok_or_else(|| format!("The quantity is a whole number like 12, not {text}"))?,
        };
        let best_before =
            match cell(self.best_before) {
                "" => None,
                text => Some(text.parse::<Date>().map_err(|_other| {
                    format!("Best before is a day like 2027-03-31, not {text}")
                })?),
            };
        Ok(Adding {
            code: code.to_owned(),
            quantity,
            lot: lot.to_owned(),
            best_before,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Said = (usize, Result<(String, i64), String>);

    fn lines(file: &str) -> Vec<Said> {
        let read = read(file.as_bytes()).expect("a file");
        let one = |(line, said): Read| (line, said.map(|it| (it.code, it.quantity)));
        read.into_iter().map(one).collect()
    }

    #[test]
    fn a_file_is_read_whatever_stands_between_its_cells_and_ends_its_lines() {
        let good = |code: &str, quantity| Ok((code.to_owned(), quantity));
        for file in [
            "sku,quantity\nTEA,3\n\nCUP,0\n",
            "\u{feff}Quantity;SKU\r\n3;TEA\r\n;\r\n0;CUP",
            "sku\tquantity\tlot\r\nTEA\t3\r\n\r\nCUP\t0\t\r\n",
        ] {
            assert_eq!(
                lines(file),
                [(2, good("TEA", 3)), (4, good("CUP", 0))],
                "{file:?}"
            );
        }
        let bad = lines("sku,quantity\nTEA,=1+1\nTEA,-1\nTEA,1.5\n,1\n\"a\nb\",4\nTEA,x\n");
        let numbers: Vec<usize> = bad.iter().map(|(line, _)| *line).collect();
        assert_eq!(numbers, [2, 3, 4, 5, 6, 8]);
        assert_eq!(bad.iter().filter(|(_, said)| said.is_err()).count(), 5);
    }

    #[test]
    fn a_file_that_is_none_says_what_to_do() {
        let said = |file: &[u8]| match read(file) {
            Ok(lines) => format!("{lines:?}"),
            Err(error) => error.to_string(),
        };
        assert!(said(b"").contains("empty"));
        assert!(said(b"\xff\xfes\0k\0u\0").contains("UTF-16"));
        assert!(said(b"sku,quantity\nTEA,1\nCAF\xc9,1\n").contains("line 3 is not in UTF-8"));
        assert!(said(b"PK\x03\x04\0\0").contains("not a text file"));
        assert!(said(b"sku,amount\n").contains("no column \u{201c}quantity\u{201d}"));
        assert!(said(b"sku,sku,quantity\n").contains("twice"));
        assert!(said(&vec![b'a'; LARGEST + 1]).contains("1 MB"));
        let long = format!("sku,quantity\n{}", "A,1\n".repeat(MOST_LINES + 1));
        assert!(said(long.as_bytes()).contains("10,000 lines"));
    }
}
