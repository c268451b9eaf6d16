//! One item: what lies where and in which lots, its ledger, adjusting stock.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;

use crate::erp::locations::{self, Location};
use crate::erp::products::Tracking;
use crate::erp::products::queries::{self as rows, ProductRow};
use crate::erp::stock::lots::{self, LotError};
use crate::erp::stock::queries::lots::{self as lot_rows, LotWithStock};
use crate::erp::stock::queries::{self as stock_rows, LevelRow, MovementRow};
use crate::erp::stock::{self, Movement, StockError};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::shopify::inventory::shown::{self, InStore};
use crate::shopify::pictures::queries as pictures;
use crate::types::{At, LocationId, LotId, ProductId, UserId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::form::Errors;
use crate::web::lots::{Badge, badge};
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

const PAGE: i64 = 50;
/// Lots on the item's page; the others are found by their code.
const MOST_LOTS: i64 = 200;

#[derive(Clone, Debug, Default, Deserialize)]
pub struct ShowQuery {
    #[serde(default)]
    tab: Tab,
    #[serde(default)]
    before: Option<i64>,
}

impl ShowQuery {
    /// The lots.
    pub(super) fn lots() -> ShowQuery {
        ShowQuery {
            tab: Tab::Lots,
            before: None,
        }
    }
}

/// What of the item is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tab {
    #[default]
    Stock,
    Lots,
    Ledger,
}

/// What lies at a location, all lots together.
struct Level {
    location: Location,
    on_hand: i64,
    reserved: i64,
    /// On hand in lots that must not leave.
    barred: i64,
    free: i64,
    /// On hand and in no lot.
    nameless: i64,
}

/// Every field of the forms on the page, as typed.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct StockForm {
    #[serde(default)]
    location: String,
    #[serde(default)]
    quantity: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    lot: String,
    #[serde(default)]
    best_before: String,
}

#[derive(Template)]
#[template(path = "products/show.html")]
struct ShowPage {
    frame: Frame,
    product: ProductRow,
    /// The hash of its picture, where a store shows one.
    picture: Option<String>,
    levels: Vec<Level>,
    /// Closed locations where some of it lies: name, on hand.
    closed: Vec<(String, i64)>,
    lots: Vec<LotWithStock>,
    ledger: Vec<MovementRow>,
    /// What each store is told of it.
    stores: Vec<InStore>,
    tab: Tab,
    older: String,
    form: StockForm,
    errors: Errors,
    on_hand: i64,
    reserved: i64,
    barred: i64,
    /// Pieces that lie in no lot although they should.
    nameless: i64,
}

impl ShowPage {
    fn is(&self, tab: &str) -> bool {
        let name = match self.tab {
            Tab::Stock => "stock",
            Tab::Lots => "lots",
            Tab::Ledger => "ledger",
        };
        name == tab
    }

    fn has_lots(&self) -> bool {
        self.product.tracking != Tracking::None
    }

    fn is_serial(&self) -> bool {
        self.product.tracking == Tracking::Serial
    }

    fn badge(&self, row: &LotWithStock) -> Badge {
        badge(row.lot.state)
    }

    fn told_apart(&self, by: &str) -> bool {
        self.product.tracking.to_string() == by
    }
}

/// `GET /products/{id}?tab=stock|lots|ledger`
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<ProductId>,
    query: web::Query<ShowQuery>,
) -> Result<HttpResponse, WebError> {
    let refused = (StockForm::default(), Errors::default());
    page(&db, &visitor, id.into_inner(), &query, refused).await
}

/// The page, with what was refused.
pub(super) async fn page(
    db: &Db,
    visitor: &Visitor,
    id: ProductId,
    query: &ShowQuery,
    (form, errors): (StockForm, Errors),
) -> Result<HttpResponse, WebError> {
    let (before, tab) = (query.before, query.tab);
    let read = db.read(move |conn| read(conn, id, tab, before)).await?;
    let read = read.ok_or_else(|| WebError::NotFound(format!("item {id}")))?;
    let full = read.ledger.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
    let older = match read.ledger.last() {
        Some(last) if full => format!("?tab=ledger&before={}", last.id),
        Some(_) | None => String::new(),
    };
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let page = ShowPage {
        frame: visitor.frame(Section::Products),
        on_hand: read.levels.iter().map(|level| level.on_hand).sum(),
        reserved: read.levels.iter().map(|level| level.reserved).sum(),
        barred: read.levels.iter().map(|level| level.barred).sum(),
        nameless: match read.product.tracking {
            Tracking::None => 0,
            Tracking::Lot | Tracking::Serial => {
                read.levels.iter().map(|level| level.nameless).sum()
            }
        },
        product: read.product,
        picture: read.picture,
        levels: read.levels,
        closed: read.closed,
        lots: read.lots,
        ledger: read.ledger,
        stores: read.stores,
        tab,
        older,
        form,
        errors,
    };
    Ok(html(status, &page))
}

struct Read {
    product: ProductRow,
    picture: Option<String>,
    levels: Vec<Level>,
    closed: Vec<(String, i64)>,
    lots: Vec<LotWithStock>,
    ledger: Vec<MovementRow>,
    stores: Vec<InStore>,
}

fn read(
    conn: &mut DbConnection,
    id: ProductId,
    tab: Tab,
    before: Option<i64>,
) -> Result<Option<Read>, DbError> {
    let Some(product) = rows::find(conn, id)? else {
        return Ok(None);
    };
    let found = stock_rows::levels_of(conn, &[id])?;
    let levels = locations::list(conn)?
        .into_iter()
        .map(|location| level(location, &found))
        .collect();
    let (mut lots, mut ledger, mut stores) = (Vec::new(), Vec::new(), Vec::new());
    match tab {
        Tab::Stock => stores = shown::of_item(conn, id, None)?,
        Tab::Lots => lots = lot_rows::list_of_product(conn, id, MOST_LOTS)?,
        Tab::Ledger => ledger = stock_rows::list_movements(conn, id, before, PAGE)?,
    }
    Ok(Some(Read {
        closed: stock_rows::list_closed(conn, id)?,
        picture: pictures::of_items(conn, &[id])?.remove(&id),
        product,
        levels,
        lots,
        ledger,
        stores,
    }))
}

fn level(location: Location, found: &[LevelRow]) -> Level {
    let here = || found.iter().filter(|row| row.location_id == location.id);
    Level {
        on_hand: here().map(|row| row.on_hand).sum(),
        reserved: here().map(|row| row.reserved).sum(),
        barred: here().filter(|row| row.barred).map(|row| row.on_hand).sum(),
        free: here().map(LevelRow::free).sum(),
        nameless: here()
            .filter(|row| row.lot_id.is_none())
            .map(|row| row.on_hand)
            .sum(),
        location,
    }
}

/// A form that was understood.
struct Change {
    location: LocationId,
    quantity: i64,
    reason: String,
    lot: String,
    best_before: Option<Date>,
}

/// `POST /products/{id}/adjustments`
///
/// # Errors
///
/// `NotFound`; what is wrong with the form is said beside its fields.
pub async fn adjust(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<ProductId>,
    form: web::Form<StockForm>,
) -> Result<HttpResponse, WebError> {
    let (id, now, user, form) = (id.into_inner(), clock.now(), user.id, form.into_inner());
    let mut errors = Errors::default();
    if let Some(change) = form.change(&mut errors) {
        let done = db
            .write(move |conn| book(conn, id, &change, user, now))
            .await;
        match done {
            Ok(()) => {
                visitor.say(&db, "The stock is changed.").await?;
                return Ok(see_other(&format!("/products/{id}?tab=stock")));
            }
            Err(error) => refuse(error, &mut errors)?,
        }
    }
    let query = ShowQuery::default();
    page(&db, &visitor, id, &query, (form, errors)).await
}

fn book(
    conn: &mut DbConnection,
    product: ProductId,
    change: &Change,
    user: UserId,
    now: At,
) -> Result<(), LotError> {
    let item = rows::find(conn, product)?.ok_or(LotError::NotFound)?;
    let lot = match item.tracking {
        Tracking::None => None,
        Tracking::Lot | Tracking::Serial => lot_of(conn, &item, change, now)?,
    };
    let movement = Movement {
        product,
        location: change.location,
        lot,
        quantity: change.quantity,
        reason: &change.reason,
        source: "person",
        user: Some(user),
    };
    stock::adjust(conn, &movement, now)?;
    Ok(())
}

/// What arrives has a lot; what leaves may lie in none.
fn lot_of(
    conn: &mut DbConnection,
    item: &ProductRow,
    change: &Change,
    now: At,
) -> Result<Option<LotId>, LotError> {
    if change.quantity > 0 {
        return lots::name(conn, item.id, &change.lot, change.best_before, now).map(Some);
    }
    let levels = stock_rows::levels_of(conn, &[item.id])?;
    let is_nameless = |level: &LevelRow| {
        level.location_id == change.location && level.lot_id.is_none() && level.on_hand > 0
    };
    let code = lots::normal(&change.lot);
    if code.is_empty() {
        return if levels.iter().any(is_nameless) {
            Ok(None)
        } else {
            Err(LotError::NoCode)
        };
    }
    let lot = lot_rows::find_by_code(conn, item.id, &code)?;
    Ok(Some(lot.ok_or(LotError::NotFound)?.id))
}

/// Says what is wrong beside its field.
pub(super) fn refuse(error: LotError, errors: &mut Errors) -> Result<(), WebError> {
    match error {
        LotError::Stock(StockError::NotEnough { on_hand }) => {
            errors.add("quantity", format!("Only {on_hand} are there"));
        }
        LotError::Stock(StockError::SerialTwice(code)) => {
            errors.add("lot", format!("Serial number {code} is in stock already"));
        }
        LotError::NoCode => errors.add("lot", "Enter the lot or serial number"),
        LotError::LongCode => errors.add("lot", "Enter at most 100 characters"),
        LotError::NotTracked => errors.add("lot", "This item has no lots"),
        LotError::NotFound => errors.add("lot", "There is no such lot of this item"),
        LotError::OtherDate { best_before, .. } => errors.add(
            "best_before",
            format!("This lot is best before {best_before}. Correct it on the lot's page"),
        ),
        LotError::NoReason => errors.add("reason", "Say why"),
        LotError::Stock(error) => return Err(error.into()),
        LotError::Db(error) => return Err(error.into()),
    }
    Ok(())
}

impl StockForm {
    fn change(&self, errors: &mut Errors) -> Option<Change> {
        let location: Option<LocationId> = self.location.parse().ok();
        let quantity = signed(&self.quantity).filter(|quantity| *quantity != 0);
        if location.is_none() {
            errors.add("location", "Choose a location");
        }
        if quantity.is_none() {
            errors.add("quantity", "Enter how many came or went, like 12 or -3");
        }
        if self.reason.trim().is_empty() {
            errors.add("reason", "Say why, like: counted, damaged, received");
        }
        let best_before = self.day(errors);
        let (location, quantity) = (location?, quantity?);
        errors.is_empty().then(|| Change {
            location,
            quantity,
            reason: self.reason.trim().to_owned(),
            lot: self.lot.trim().to_owned(),
            best_before,
        })
    }

    /// A location, a number of pieces above nothing, a lot and its day.
    pub(super) fn naming(
        &self,
        errors: &mut Errors,
    ) -> Option<(LocationId, i64, String, Option<Date>)> {
        let location: Option<LocationId> = self.location.parse().ok();
        let quantity = signed(&self.quantity).filter(|quantity| *quantity > 0);
        if location.is_none() {
            errors.add("location", "Choose a location");
        }
        if quantity.is_none() {
            errors.add("quantity", "Enter how many pieces, like 12");
        }
        let best_before = self.day(errors);
        let (location, quantity) = (location?, quantity?);
        let lot = self.lot.trim().to_owned();
        errors
            .is_empty()
            .then_some((location, quantity, lot, best_before))
    }

    fn day(&self, errors: &mut Errors) -> Option<Date> {
        let typed = self.best_before.trim();
        if typed.is_empty() {
            return None;
        }
        let day = typed.parse().ok();
        if day.is_none() {
            errors.add("best_before", "Enter a day, like 2026-12-31");
        }
        day
    }
}

/// `12`, `+12`, `-3`, and the typographic minus as well.
fn signed(text: &str) -> Option<i64> {
    text.trim().replace('−', "-").parse().ok()
}
