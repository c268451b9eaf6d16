//! One receipt, transfer or count: its lines, what can be done with it, what was booked. A refused form shows itself here
//! again with what was typed.
use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{PAGE, Place, Which, Words, badge, places, words};
use crate::erp::products::Tracking;
use crate::erp::stock::StockError;
use crate::erp::stock::documents::{self, Cell, GoodsError, Kind, Named, State};
use crate::erp::stock::lots::LotError;
use crate::erp::stock::queries::document_lines::{self as lines, CountRow, NamedLine, Shown};
use crate::erp::stock::queries::documents::{self as queries, BookedRow, DocumentRow};
use crate::platform::db::{Db, DbConnection};
use crate::types::{At, ProductId, StockDocumentId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::form::Errors;
use crate::web::page::{Frame, Section, html};
use crate::web::visitor::Visitor;

/// Rows of what was booked that a page shows.
const MOST_BOOKED: i64 = 200;

/// What the address says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ShowQuery {
    /// The last row of the page before: a line, or of a count `item.level`.
    pub after: String,
    /// `differences`: of a count those rows alone.
    pub show: String,
    /// A SKU or barcode: of a count that item alone.
    pub q: String,
    /// Something was scanned: the field waits for the next.
    pub scan: String,
}

/// What a refused form says, and what was typed into it.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub errors: Errors,
    /// A sentence about the whole.
    pub notice: String,
    /// Pieces that orders would lose.
    pub asks: i64,
    pub typed: BTreeMap<String, String>,
    pub status: Option<StatusCode>,
}

impl Told {
    /// What a person is told of an error, beside the fields that it is of.
    ///
    /// # Errors
    ///
    /// What no form can mend.
    pub fn of(error: GoodsError, typed: BTreeMap<String, String>) -> Result<Told, WebError> {
        let mut told = Told {
            typed,
            status: Some(StatusCode::UNPROCESSABLE_ENTITY),
            ..Told::default()
        };
        let words = sentence(&error.to_string());
        let field = match error {
            GoodsError::Changed => {
                told.status = Some(StatusCode::CONFLICT);
                told.typed.clear();
                told.notice = "Somebody else changed this while you had it open, and nothing of \
                               yours was booked. This is how it stands now."
                    .to_owned();
                return Ok(told);
            }
            GoodsError::Promised(pieces) => {
                told.status = Some(StatusCode::CONFLICT);
                told.asks = pieces;
                return Ok(told);
            }
            GoodsError::Gone { .. } => {
                told.status = Some(StatusCode::CONFLICT);
                told.notice = format!("{words}. Nothing was booked.");
                return Ok(told);
            }
            GoodsError::Nothing => {
                told.notice = format!("{words}.");
                return Ok(told);
            }
            GoodsError::Faults(faults) => {
                for fault in faults {
                    let name = format!("{}-{}", cell(fault.cell), fault.row);
                    told.errors.add(name, fault.reason);
                }
                return Ok(told);
            }
            GoodsError::NoReason => "reason",
            GoodsError::UnknownCode
            | GoodsError::SeveralItems
            | GoodsError::Archived
            | GoodsError::Full => "code",
            GoodsError::NoSuchLot
            | GoodsError::SerialListed(_)
            | GoodsError::Lot(
                LotError::NoCode
                | LotError::LongCode
                | LotError::OtherDate { .. }
                | LotError::NotTracked
                | LotError::NoReason
                | LotError::NotFound,
            ) => "lot",
            GoodsError::Quantity | GoodsError::OnePiece => "quantity",
            // A serial number that lies somewhere else, or pieces that left just now.
            GoodsError::Stock(StockError::SerialTwice(_) | StockError::NotEnough { .. }) => {
                told.status = Some(StatusCode::CONFLICT);
                told.notice = format!("{words}. Nothing was booked.");
                return Ok(told);
            }
            GoodsError::NotFound
            | GoodsError::SamePlace
            | GoodsError::Lot(LotError::Stock(_) | LotError::Db(_))
            | GoodsError::Stock(StockError::NoReason | StockError::Nothing | StockError::Db(_))
            | GoodsError::Db(_) => return Err(error.into()),
        };
        told.errors.add(field, words);
        Ok(told)
    }
}

/// The name of a field, before the number of its row.
pub(super) const fn cell(cell: Cell) -> &'static str {
    match cell {
        Cell::Quantity => "n",
        Cell::Lot => "lot",
        Cell::BestBefore => "day",
    }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

/// A field in a row.
pub struct Input {
    pub name: String,
    pub value: String,
    pub error: String,
}

/// A line of a receipt or a transfer.
pub struct Row {
    pub line: NamedLine,
    /// So many have not come and are expected no longer.
    pub missing: i64,
    /// How many come now.
    pub now: Input,
    /// Of how many pieces the line is.
    pub size: Input,
    /// Where the lot, or the serial numbers, have yet to be said.
    pub lot: Option<Input>,
    pub day: Option<Input>,
    pub is_serial: bool,
}

impl Row {
    fn is_tracked(&self) -> bool {
        self.line.tracking != Tracking::None
    }
}

/// A level of a count.
pub struct Counted {
    pub row: CountRow,
    pub field: Input,
    /// What the field showed, and when that was counted.
    pub was: String,
    pub number: Option<i64>,
    pub difference: i64,
    /// By so many pieces the stock has changed since it was counted.
    pub moved: i64,
}

impl Counted {
    fn seen(&self) -> Option<i64> {
        self.row.line.as_ref().and_then(|line| line.seen)
    }
}

/// One booking.
pub struct Group {
    pub booking: i64,
    pub rows: Vec<BookedRow>,
    pub can_undo: bool,
}

impl Group {
    fn first(&self) -> Option<&BookedRow> {
        self.rows.first()
    }
}

/// One document.
#[derive(Template)]
#[template(path = "goods/show.html")]
pub struct ShowPage {
    frame: Frame,
    words: Words,
    doc: DocumentRow,
    name: String,
    badge: (&'static str, &'static str),
    place: Place,
    other: Option<Place>,
    rows: Vec<Row>,
    counted: Vec<Counted>,
    counted_so_far: i64,
    groups: Vec<Group>,
    older: String,
    query: ShowQuery,
    told: Told,
    errors: Errors,
    may: bool,
}

impl ShowPage {
    fn is(&self, kind: &str) -> bool {
        self.doc.kind.as_str() == kind
    }

    fn state(&self, state: &str) -> bool {
        self.doc.state.as_str() == state
    }

    fn typed(&self, field: &str) -> &str {
        self.told.typed.get(field).map_or("", String::as_str)
    }

    /// What a count expects is hidden from who counts blindly, until it is booked.
    fn is_blind(&self) -> bool {
        self.doc.blind && self.doc.state == State::Open
    }

    fn can_reopen(&self) -> bool {
        match (self.doc.kind, self.doc.state) {
            (Kind::Receipt | Kind::Transfer, State::Done)
            | (Kind::Receipt | Kind::Transfer | Kind::Count, State::Cancelled) => true,
            (Kind::Count, State::Done)
            | (Kind::Receipt | Kind::Transfer | Kind::Count, State::Open | State::Sent) => false,
        }
    }
}

/// `GET /receipts/{id}`, and so for transfers and counts.
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    which: Which,
    id: web::Path<StockDocumentId>,
    query: web::Query<ShowQuery>,
) -> Result<HttpResponse, WebError> {
    let named = (which.0, id.into_inner());
    again(&db, &visitor, named, query.into_inner(), Told::default()).await
}

/// Shows a document, after a refused form with what it says.
pub(super) async fn again(
    db: &Db,
    visitor: &Visitor,
    named: Named,
    query: ShowQuery,
    told: Told,
) -> Result<HttpResponse, WebError> {
    let frame = visitor.frame(Section::Products);
    let status = told.status.unwrap_or(StatusCode::OK);
    let page = db
        .read(move |conn| page(conn, frame, named, query, told))
        .await?;
    Ok(html(status, &page))
}

fn page(
    conn: &mut DbConnection,
    frame: Frame,
    (kind, id): Named,
    query: ShowQuery,
    told: Told,
) -> Result<ShowPage, WebError> {
    let doc = queries::find(conn, kind, id)?.ok_or(GoodsError::NotFound)?;
    let places = places(conn, std::slice::from_ref(&doc))?;
    let place = |id| places.get(&id).cloned().unwrap_or_default();
    let mut page = ShowPage {
        may: frame.may("adjust_stock"),
        frame,
        words: words(kind),
        name: doc.name(),
        badge: badge(&doc),
        place: place(doc.location_id),
        other: doc.other_location_id.map(place),
        rows: Vec::new(),
        counted: Vec::new(),
        counted_so_far: 0,
        groups: groups(conn, &doc)?,
        older: String::new(),
        errors: told.errors.clone(),
        query,
        told,
        doc,
    };
    match kind {
        Kind::Receipt | Kind::Transfer => read_lines(conn, &mut page)?,
        Kind::Count => read_count(conn, &mut page)?,
    }
    Ok(page)
}

fn input(told: &Told, field: &str, row: i64, value: String) -> Input {
    let name = format!("{field}-{row}");
    Input {
        value: told.typed.get(&name).cloned().unwrap_or(value),
        error: told.errors.of(&name).to_owned(),
        name,
    }
}

fn read_lines(conn: &mut DbConnection, page: &mut ShowPage) -> Result<(), WebError> {
    let after = page.query.after.parse().ok();
    let mut found = lines::list(conn, page.doc.id, after, PAGE + 1)?;
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    if let (true, Some(last)) = (more, found.last()) {
        page.older = format!("?after={}", last.line.id);
    }
    let is_receipt = page.doc.kind == Kind::Receipt;
    let is_over = page.doc.state == State::Done;
    page.rows = found
        .into_iter()
        .map(|line| {
            let (id, told) = (line.line.id.0, &page.told);
            let names = is_receipt && line.line.lot_id.is_none() && line.tracking != Tracking::None;
            // What has come is counted where its lot is read, so nothing is filled in there.
            let now = if names {
                String::new()
            } else {
                line.line.pending.to_string()
            };
            Row {
                missing: if is_over {
                    (line.line.quantity - line.line.done).max(0)
                } else {
                    0
                },
                now: input(told, "n", id, now),
                size: input(told, "size", id, line.line.quantity.to_string()),
                lot: names.then(|| input(told, "lot", id, String::new())),
                day: names.then(|| input(told, "day", id, String::new())),
                is_serial: line.tracking == Tracking::Serial,
                line,
            }
        })
        .collect();
    Ok(())
}

fn read_count(conn: &mut DbConnection, page: &mut ShowPage) -> Result<(), WebError> {
    page.counted_so_far = lines::count_counted(conn, page.doc.id)?;
    let shown = match (page.query.show.as_str(), page.doc.whole, page.doc.state) {
        ("differences", true | false, _) => Shown::Different,
        (_, true, State::Open | State::Sent) => Shown::Whole,
        // Once it is over it shows what was counted.
        (_, true | false, _) => Shown::Named,
    };
    let product = match page.query.q.trim() {
        "" => None,
        code => match documents::find_item(conn, code) {
            Ok(item) => Some(item.id),
            Err(GoodsError::Db(error)) => return Err(error.into()),
            Err(_unknown) => Some(ProductId(0)),
        },
    };
    let after = page.query.after.split_once('.');
    let after = after.and_then(|(item, level)| Some((item.parse().ok()?, level.parse().ok()?)));
    let after = after.unwrap_or((ProductId(0), 0));
    let place = (page.doc.id, page.doc.location_id);
    let mut found = lines::list_to_count(conn, place, shown, product, after, PAGE + 1)?;
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    if let (true, Some(last)) = (more, found.last()) {
        let mut link = url::form_urlencoded::Serializer::new("?".to_owned());
        let place = format!("{}.{}", last.level.product_id, last.level.id);
        link.append_pair("after", &place)
            .append_pair("show", &page.query.show);
        page.older = link.finish();
    }
    page.counted = found.into_iter().map(|row| counted(row, page)).collect();
    Ok(())
}

fn counted(row: CountRow, page: &ShowPage) -> Counted {
    let line = row.line.as_ref();
    let number = line.and_then(|line| line.counted);
    let seen = line.and_then(|line| line.seen).unwrap_or(0);
    let is_open = page.doc.state == State::Open;
    let moved = match number {
        Some(_) if is_open => row.level.on_hand - seen,
        Some(_) | None => 0,
    };
    // Where something has moved since, the field waits for another count.
    let shown = number.filter(|_| moved == 0);
    let shown = shown.map(|number| number.to_string()).unwrap_or_default();
    let at = line.and_then(|line| line.counted_at).unwrap_or(At(0));
    Counted {
        field: input(&page.told, "n", row.level.id, shown.clone()),
        was: format!("{shown}@{}", at.0),
        number,
        difference: number.map_or(0, |number| number - seen),
        moved,
        row,
    }
}

fn groups(conn: &mut DbConnection, doc: &DocumentRow) -> Result<Vec<Group>, WebError> {
    let mut groups: Vec<Group> = Vec::new();
    for row in queries::list_booked(conn, doc.id, None, (0, 0), MOST_BOOKED)? {
        let is_sending = doc.kind == Kind::Transfer && row.quantity < 0;
        let can_undo = row.undone_at.is_none() && !is_sending;
        match groups.last_mut() {
            Some(group) if group.booking == row.booking => group.rows.push(row),
            Some(_) | None => groups.push(Group {
                booking: row.booking,
                can_undo,
                rows: vec![row],
            }),
        }
    }
    groups.reverse();
    Ok(groups)
}
