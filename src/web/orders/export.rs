//! The order list as a file: every order that a view finds, a line each, read in short steps however many there are.
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use futures_util::stream;
use jiff::tz::TimeZone;

use super::{ListQuery, words};
use crate::erp::orders::queries::list::{self, Beyond, ExportRow, Wanted};
use crate::platform::db::{Db, DbError};
use crate::types::{At, Money};
use crate::web::error::WebError;
use crate::web::visitor::Visitor;

/// Orders that are read at once.
const STEP: i64 = 500;
const HEAD: [&str; 17] = [
    "order",
    "number",
    "placed",
    "store",
    "customer",
    "email",
    "city",
    "country",
    "items",
    "pieces",
    "state",
    "payment",
    "method",
    "currency",
    "total",
    "outstanding",
    "test",
];

/// `GET /orders/export?view=&q=...`: CSV with a head, in UTF-8, times in the reader's zone.
///
/// # Errors
///
/// The database's; one that comes later breaks the file off.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let frame = visitor.frame(super::Section::Orders);
    let day = frame.now.timestamp().to_zoned(frame.zone.clone()).date();
    let name = format!("orders-{}-{day}.csv", query.view());
    let state = State {
        db: db.get_ref().clone(),
        wanted: query.wanted(&frame.zone),
        zone: frame.zone,
        from: None,
        step: Step::Head,
    };
    let lines = stream::try_unfold(state, next);
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            "Content-Disposition",
            format!("attachment; filename=\"{name}\""),
        ))
        .streaming(lines))
}

struct State {
    db: Db,
    wanted: Wanted,
    zone: TimeZone,
    from: Option<Beyond>,
    step: Step,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Head,
    Rows,
    End,
}

async fn next(mut state: State) -> Result<Option<(Bytes, State)>, ExportError> {
    match state.step {
        Step::End => return Ok(None),
        Step::Head => {
            state.step = Step::Rows;
            let head = written(|file| file.write_record(HEAD))?;
            return Ok(Some((head, state)));
        }
        Step::Rows => {}
    }
    let (wanted, from) = (state.wanted.clone(), state.from);
    let (rows, more) = state
        .db
        .read(move |conn| list::export(conn, &wanted, from, STEP))
        .await?;
    match rows.last() {
        Some(last) if more => {
            state.from = Some(Beyond {
                placed_at: last.placed_at,
                id: last.id,
                newer: state.wanted.oldest_first,
            });
        }
        _ => state.step = Step::End,
    }
    let lines = written(|file| {
        rows.iter()
            .try_for_each(|row| file.write_record(line(row, &state.zone)))
    })?;
    Ok(Some((lines, state)))
}

fn line(row: &ExportRow, zone: &TimeZone) -> [String; HEAD.len()] {
    let money = |minor| Money::new(minor, row.currency).decimal();
    let address = crate::erp::orders::address(row.shipping_address.as_deref());
    let text = |text: &Option<String>| harmless(text.as_deref().unwrap_or_default());
    [
        harmless(&row.name),
        row.number.clone(),
        local(row.placed_at, zone),
        harmless(&row.store),
        text(&row.customer_name),
        text(&row.email),
        text(&address.city),
        text(&address.country_code),
        harmless(&row.items_summary),
        row.item_count.to_string(),
        words::state(row.work_state, row.short_quantity).text,
        words::payment(row.payment_state).text,
        text(&row.shipping_method),
        row.currency.to_string(),
        money(row.total_minor),
        row.outstanding_minor.map(money).unwrap_or_default(),
        if row.test { "yes" } else { "no" }.to_owned(),
    ]
}

pub(in crate::web) fn local(at: At, zone: &TimeZone) -> String {
    let local = at.timestamp().to_zoned(zone.clone());
    local.strftime("%Y-%m-%d %H:%M:%S%:z").to_string()
}

/// A spreadsheet takes a text that begins so for a formula, and a buyer may have written it.
pub(in crate::web) fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

pub(in crate::web) fn written(
    write: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>,
) -> Result<Bytes, ExportError> {
    let mut file = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    write(&mut file)?;
    let bytes = file.into_inner().map_err(|full| full.into_error())?;
    Ok(bytes.into())
}

/// Why a file breaks off.
#[derive(Debug, thiserror::Error)]
pub(in crate::web) enum ExportError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("a line could not be written: {0}")]
    Line(#[from] csv::Error),
    #[error("a line could not be written: {0}")]
    Write(#[from] std::io::Error),
}

impl actix_web::ResponseError for ExportError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(harmless("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(harmless("Ada"), "Ada");
        let line = written(|file| file.write_record(["#1001", "a \"b\", c"]));
        assert_eq!(line.expect("a line"), "#1001,\"a \"\"b\"\", c\"\r\n");
    }
}
