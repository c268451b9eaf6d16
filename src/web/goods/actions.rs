//! What is done with a receipt, a transfer or a count. Who is refused sees the page again: what is wrong beside its field,
//! and what was typed.
use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use jiff::civil::Date;

use super::show::{ShowQuery, Told, again, cell};
use super::{Which, words};
use crate::erp::stock::counting::{self, Entered};
use crate::erp::stock::documents::{self, Adding, By, Cell, GoodsError, Kind, Named};
use crate::erp::stock::receiving::{self, Arrived};
use crate::erp::stock::transfers::{self, Came, Promises};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection};
use crate::types::{At, StockDocumentId, StockLineId};
use crate::web::error::WebError;
use crate::web::page::see_other;
use crate::web::visitor::{CurrentUser, Visitor};

type Id = web::Path<StockDocumentId>;

/// What every action needs: who does it, and to what.
pub struct Acting {
    db: web::Data<Db>,
    by: By,
    visitor: Visitor,
    typed: BTreeMap<String, String>,
}

impl actix_web::FromRequest for Acting {
    type Error = WebError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Acting, WebError>>>>;

    fn from_request(
        req: &actix_web::HttpRequest,
        payload: &mut actix_web::dev::Payload,
    ) -> Self::Future {
        let db = crate::web::visitor::data::<Db>(req);
        let clock = crate::web::visitor::data::<Clock>(req);
        let visitor = Visitor::from_request(req, payload).into_inner();
        let user = CurrentUser::from_request(req, payload);
        let body = web::Bytes::from_request(req, payload);
        Box::pin(async move {
            let body = body.await.map_err(|_broken| WebError::TooLarge)?;
            let fields = url::form_urlencoded::parse(&body);
            Ok(Acting {
                db: db?,
                by: By {
                    user: user.await?.id,
                    now: clock?.now(),
                },
                visitor: visitor?,
                typed: fields.into_owned().collect(),
            })
        })
    }
}

impl Acting {
    fn field(&self, name: &str) -> &str {
        self.typed.get(name).map_or("", |value| value.trim())
    }

    fn version(&self) -> i64 {
        self.field("version").parse().unwrap_or(0)
    }

    /// The rows of which a field was sent.
    fn rows(&self, field: &'static str) -> impl Iterator<Item = (i64, &str)> {
        self.typed.iter().filter_map(move |(name, value)| {
            let row = name.strip_prefix(field)?.strip_prefix('-')?;
            Some((row.parse().ok()?, value.trim()))
        })
    }

    /// Where the page stood.
    fn query(&self) -> ShowQuery {
        ShowQuery {
            after: self.field("after").to_owned(),
            show: self.field("show").to_owned(),
            ..ShowQuery::default()
        }
    }

    fn back(&self, (kind, id): Named) -> HttpResponse {
        let mut link = url::form_urlencoded::Serializer::new(String::new());
        for name in ["after", "show"] {
            if !self.field(name).is_empty() {
                link.append_pair(name, self.field(name));
            }
        }
        let query = link.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        see_other(&format!("/{}/{id}{mark}{query}", words(kind).path))
    }

    /// Does it, then shows the document: with a sentence, or with what is wrong.
    async fn act<T, F>(
        self,
        named: Named,
        work: F,
        done: impl FnOnce(T) -> String,
    ) -> Result<HttpResponse, WebError>
    where
        T: Send + 'static,
        F: FnOnce(&mut DbConnection, By) -> Result<T, GoodsError> + Send + 'static,
    {
        let by = self.by;
        match self.db.write(move |conn| work(conn, by)).await {
            Ok(value) => {
                let said = done(value);
                if !said.is_empty() {
                    self.visitor.say(&self.db, &said).await?;
                }
                Ok(self.back(named))
            }
            Err(error) => {
                let told = Told::of(error, self.typed.clone())?;
                self.refuse(named, told).await
            }
        }
    }

    async fn refuse(self, named: Named, told: Told) -> Result<HttpResponse, WebError> {
        again(&self.db, &self.visitor, named, self.query(), told).await
    }
}

/// A whole number that is not negative; an empty field is `None`.
fn number(text: &str) -> Result<Option<i64>, ()> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse().map_err(|_other| ())?;
    if (0..=documents::MOST_PIECES).contains(&number) {
        Ok(Some(number))
    } else {
        Err(())
    }
}

fn day(text: &str) -> Result<Option<Date>, ()> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_other| ())
}

/// `POST …/lines`: `code`, `quantity` (1 where it is empty), `lot`, `best_before`.
///
/// # Errors
///
/// `NotFound`; what is wrong is said beside its field.
pub async fn create_line(acting: Acting, which: Which, id: Id) -> Result<HttpResponse, WebError> {
    let named = (which.0, id.into_inner());
    let mut told = Told {
        status: Some(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY),
        typed: acting.typed.clone(),
        ..Told::default()
    };
    let quantity = number(acting.field("quantity"));
    if quantity == Err(()) || quantity == Ok(Some(0)) {
        told.errors.add("quantity", "Enter how many, like 12");
    }
    let best_before = day(acting.field("best_before"));
    if best_before.is_err() {
        let words = "Enter a day, like 2027-03-31";
        told.errors.add("best_before", words);
    }
    if !told.errors.is_empty() {
        return acting.refuse(named, told).await;
    }
    let adding = Adding {
        code: acting.field("code").to_owned(),
        quantity: quantity.ok().flatten().unwrap_or(1),
        lot: acting.field("lot").to_owned(),
        best_before: best_before.ok().flatten(),
    };
    let path = words(named.0).path;
    let (by, db) = (acting.by, acting.db.clone());
    match db
        .write(move |conn| documents::add(conn, named, &adding, by))
        .await
    {
        Ok(()) => Ok(see_other(&format!("/{path}/{}?scan=1#add", named.1))),
        Err(error) => {
            let told = Told::of(error, acting.typed.clone())?;
            acting.refuse(named, told).await
        }
    }
}

/// `POST …/lines/{line}`: `size-{line}`, of how many pieces it is; 0 takes it away.
///
/// # Errors
///
/// `NotFound`; what is wrong is said beside its field.
pub async fn update_line(
    acting: Acting,
    which: Which,
    path: web::Path<(StockDocumentId, StockLineId)>,
) -> Result<HttpResponse, WebError> {
    let (id, line) = path.into_inner();
    let named = (which.0, id);
    let name = format!("size-{line}");
    let Ok(Some(quantity)) = number(acting.field(&name)) else {
        let mut told = Told::of(GoodsError::Faults(Vec::new()), acting.typed.clone())?;
        told.errors
            .add(name, "Enter how many, like 12; 0 takes the line away");
        return acting.refuse(named, told).await;
    };
    let work =
        move |conn: &mut DbConnection, by| documents::set_quantity(conn, named, line, quantity, by);
    acting.act(named, work, |()| String::new()).await
}

/// `POST …/bookings`: what has come of a receipt or a transfer, or a count.
///
/// # Errors
///
/// `NotFound`; what is wrong is said beside its field, and so is what somebody else did meanwhile.
pub async fn create_booking(
    acting: Acting,
    which: Which,
    id: Id,
) -> Result<HttpResponse, WebError> {
    let (kind, id) = (which.0, id.into_inner());
    let version = acting.version();
    let said = |pieces: i64| match pieces {
        1 => "1 piece is booked.".to_owned(),
        pieces => format!("{pieces} pieces are booked."),
    };
    if kind == Kind::Count {
        let work = move |conn: &mut DbConnection, by| counting::book(conn, id, version, by);
        let said = |pieces: i64| match pieces {
            0 => "The count is booked.".to_owned(),
            _ => format!("The count is booked: {pieces:+} pieces."),
        };
        return acting.act((kind, id), work, said).await;
    }
    let (arrived, told) = arrived(&acting);
    if !told.errors.is_empty() {
        return acting.refuse((kind, id), told).await;
    }
    match kind {
        Kind::Receipt | Kind::Count => {
            let work =
                move |conn: &mut DbConnection, by| receiving::book(conn, id, version, &arrived, by);
            acting.act((kind, id), work, said).await
        }
        Kind::Transfer => {
            let came: Vec<Came> = arrived
                .iter()
                .map(|one| Came {
                    line: one.line,
                    quantity: one.quantity,
                })
                .collect();
            let work =
                move |conn: &mut DbConnection, by| transfers::receive(conn, id, version, &came, by);
            acting.act((kind, id), work, said).await
        }
    }
}

fn arrived(acting: &Acting) -> (Vec<Arrived>, Told) {
    let mut told = Told {
        status: Some(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY),
        typed: acting.typed.clone(),
        ..Told::default()
    };
    let mut arrived = Vec::new();
    for (row, text) in acting.rows(cell(Cell::Quantity)) {
        let quantity = number(text);
        if quantity.is_err() {
            let words = "Enter how many came, like 12";
            told.errors.add(format!("n-{row}"), words);
        }
        let best_before = day(acting.field(&format!("day-{row}")));
        if best_before.is_err() {
            let words = "Enter a day, like 2027-03-31";
            told.errors.add(format!("day-{row}"), words);
        }
        let codes = acting.field(&format!("lot-{row}"));
        let codes = codes.split(['\n', '\r', ',', ';']).map(str::trim);
        arrived.push(Arrived {
            line: StockLineId(row),
            quantity: quantity.ok().flatten().unwrap_or(0),
            codes: codes
                .filter(|code| !code.is_empty())
                .map(str::to_owned)
                .collect(),
            best_before: best_before.ok().flatten(),
        });
    }
    (arrived, told)
}

/// `POST …/bookings/{booking}/undo`
///
/// # Errors
///
/// `NotFound`; where the pieces have moved on the page says so.
pub async fn delete_booking(
    acting: Acting,
    which: Which,
    path: web::Path<(StockDocumentId, i64)>,
) -> Result<HttpResponse, WebError> {
    let (id, booking) = path.into_inner();
    let named = (which.0, id);
    let work = move |conn: &mut DbConnection, by| documents::undo(conn, named, booking, by);
    let said = |()| "The booking is taken back.".to_owned();
    acting.act(named, work, said).await
}

/// `POST /transfers/{id}/dispatch`: with `promises=take` also what is promised to orders.
///
/// # Errors
///
/// `NotFound`; what is wrong is said beside its field.
pub async fn dispatch(acting: Acting, which: Which, id: Id) -> Result<HttpResponse, WebError> {
    let (id, version) = (id.into_inner(), acting.version());
    let promises = match acting.field("promises") {
        "take" => Promises::TakeBack,
        _ => Promises::Keep,
    };
    let work = move |conn: &mut DbConnection, by| transfers::send(conn, id, version, promises, by);
    let said = |()| "The transfer is under way.".to_owned();
    acting.act((which.0, id), work, said).await
}

/// `POST /transfers/{id}/return`
///
/// # Errors
///
/// `NotFound`; what somebody else did meanwhile is said.
pub async fn give_back(acting: Acting, which: Which, id: Id) -> Result<HttpResponse, WebError> {
    let (id, version) = (id.into_inner(), acting.version());
    let work = move |conn: &mut DbConnection, by| transfers::give_back(conn, id, version, by);
    let said = |pieces: i64| format!("{pieces} pieces lie again where they came from.");
    acting.act((which.0, id), work, said).await
}

/// `POST …/closure`: nothing more is to come; `reason` says why.
///
/// # Errors
///
/// `NotFound`; what is wrong is said beside its field.
pub async fn close(acting: Acting, which: Which, id: Id) -> Result<HttpResponse, WebError> {
    let named = (which.0, id.into_inner());
    let (version, reason) = (acting.version(), acting.field("reason").to_owned());
    let work =
        move |conn: &mut DbConnection, by| documents::close(conn, named, version, &reason, by);
    acting
        .act(named, work, |_state| "It is closed.".to_owned())
        .await
}

/// `POST …/reopening`
///
/// # Errors
///
/// `NotFound`; what somebody else did meanwhile is said.
pub async fn reopen(acting: Acting, which: Which, id: Id) -> Result<HttpResponse, WebError> {
    let named = (which.0, id.into_inner());
    let work = move |conn: &mut DbConnection, by| documents::reopen(conn, named, by);
    acting
        .act(named, work, |()| "It is open again.".to_owned())
        .await
}

/// `POST /counts/{id}/numbers`: what was counted on this page.
///
/// # Errors
///
/// `NotFound`; a number that cannot be is said beside its field.
pub async fn save_numbers(acting: Acting, which: Which, id: Id) -> Result<HttpResponse, WebError> {
    let named = (which.0, id.into_inner());
    let mut told = Told {
        status: Some(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY),
        typed: acting.typed.clone(),
        ..Told::default()
    };
    let mut entered = Vec::new();
    for (level, text) in acting.rows(cell(Cell::Quantity)) {
        let Ok(counted) = number(text) else {
            let words = "Enter how many lie there, like 12";
            told.errors.add(format!("n-{level}"), words);
            continue;
        };
        let was = acting.field(&format!("was-{level}"));
        let (shown, at) = was.split_once('@').unwrap_or(("", "0"));
        entered.push(Entered {
            level,
            shown: shown.parse().ok(),
            shown_at: at.parse().ok().filter(|at| *at > 0).map(At),
            counted,
        });
    }
    if !told.errors.is_empty() {
        return acting.refuse(named, told).await;
    }
    let work = move |conn: &mut DbConnection, by| counting::save(conn, named.1, &entered, by);
    let said = |saved: usize| match saved {
        0 => String::new(),
        1 => "1 number is kept.".to_owned(),
        saved => format!("{saved} numbers are kept."),
    };
    acting.act(named, work, said).await
}
