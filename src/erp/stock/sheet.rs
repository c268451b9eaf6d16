//! Lines of a receipt, a transfer or a count from a file: the good ones go in, the others are named by their number.
use std::collections::HashMap;

use jiff::civil::Date;

use super::documents::{self, Adding, By, GoodsError, Kind, Named, State};
use super::lots::LotError;
use super::queries::document_lines as lines;
use super::queries::documents::DocumentRow;
use super::receiving::capital;
use super::{StockError, counting, lots};
use crate::erp::audit;
use crate::platform::db::{DbConnection, DbError, savepoint};
use crate::platform::table::{Line, Table, TableError};

/// Bytes of a file.
pub const LARGEST: usize = 1024 * 1024;
/// Lines of a file.
pub const MOST_LINES: usize = 10_000;

/// A line that did not go in, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As an editor counts; the head is line 1.
    pub line: u64,
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
    #[error("the file is larger than 1 MB: split it")]
    TooLarge,
    #[error("the file has more than 10,000 lines: split it")]
    TooLong,
    #[error(
        "the first line names no column “{0}”: it names sku, quantity, and where there are any lot and best before"
    )]
    NoColumn(&'static str),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Goods(#[from] GoodsError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// One line of a file, or what is wrong with it.
type Read = (u64, Result<Adding, String>);

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
    let mut places: HashMap<(String, String), u64> = HashMap::new();
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
    (line, adding): (u64, &Adding),
    places: &mut HashMap<(String, String), u64>,
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
    Twice(u64),
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

fn read(file: &[u8]) -> Result<Vec<Read>, SheetError> {
    if file.len() > LARGEST {
        return Err(SheetError::TooLarge);
    }
    let mut table = Table::open(file)?;
    let columns = Columns::of(&table)?;
    let mut found = Vec::new();
    while let Some(line) = table.line()? {
        if line.is_empty() {
            continue;
        }
        if found.len() == MOST_LINES {
            return Err(SheetError::TooLong);
        }
        found.push((line.number, columns.adding(&line)));
    }
    Ok(found)
}

/// Where each column stands.
struct Columns {
    sku: usize,
    quantity: usize,
    lot: Option<usize>,
    best_before: Option<usize>,
}

impl Columns {
    fn of(table: &Table<'_>) -> Result<Self, SheetError> {
        let needed = |name: &'static str| {
            let column = table.column(name)?;
            column.ok_or(SheetError::NoColumn(name))
        };
        Ok(Self {
            sku: needed("sku")?,
            quantity: needed("quantity")?,
            lot: table.column("lot")?,
            best_before: table.column("best before")?,
        })
    }

    fn adding(&self, line: &Line) -> Result<Adding, String> {
        let cell = |place: Option<usize>| line.cell(place);
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

    type Said = (u64, Result<(String, i64), String>);

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
        let numbers: Vec<u64> = bad.iter().map(|(line, _)| *line).collect();
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
