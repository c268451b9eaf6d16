//! The order list as a file: every order that a view finds, a line each, read in short steps however many there are.
use actix_web::{HttpResponse, web};
use jiff::tz::TimeZone;

use super::{ListQuery, words};
use crate::erp::orders::queries::list::{self, Beyond, ExportRow, Wanted};
use crate::platform::db::Db;
use crate::types::{At, Money};
use crate::web::error::WebError;
use crate::web::export::{self, Stepped, harmless, written};
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
    };
    Ok(export::file(&name, &HEAD, state, next))
}

struct State {
    db: Db,
    wanted: Wanted,
    zone: TimeZone,
    from: Option<Beyond>,
}

async fn next(mut state: State) -> Stepped<State> {
    let (wanted, from) = (state.wanted.clone(), state.from);
    let (rows, more) = state
        .db
        .read(move |conn| list::export(conn, &wanted, from, STEP))
        .await?;
    let lines = written(|file| {
        rows.iter()
            .try_for_each(|row| file.write_record(line(row, &state.zone)))
    })?;
    let next = rows.last().filter(|_| more).map(|last| {
        state.from = Some(Beyond {
            placed_at: last.placed_at,
            id: last.id,
            newer: state.wanted.oldest_first,
        });
        state
    });
    Ok((lines, next))
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
