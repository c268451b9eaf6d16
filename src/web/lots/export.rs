//! With whom a lot has left, as a file: a line for each line of an order, read in short steps however many there are.
use actix_web::{HttpResponse, web};

use crate::erp::stock::queries::lots::{self as rows, UseRow};
use crate::platform::db::Db;
use crate::types::LotId;
use crate::web::error::WebError;
use crate::web::export::{self, Stepped, harmless, written};

/// Lines that are read at once.
const STEP: i64 = 500;
const HEAD: [&str; 8] = [
    "order", "customer", "email", "phone", "product", "line", "pieces", "left at",
];

/// `GET /lots/{id}/export`: CSV with a head, in UTF-8.
///
/// # Errors
///
/// `NotFound`; one that comes later breaks the file off.
pub async fn show(db: web::Data<Db>, id: web::Path<LotId>) -> Result<HttpResponse, WebError> {
    let id = id.into_inner();
    let lot = db.read(move |conn| rows::find(conn, id)).await?;
    if lot.is_none() {
        return Err(WebError::NotFound(format!("lot {id}")));
    }
    let state = State {
        db: db.get_ref().clone(),
        lot: id,
        before: None,
    };
    Ok(export::file(&format!("lot-{id}.csv"), &HEAD, state, next))
}

struct State {
    db: Db,
    lot: LotId,
    before: Option<i64>,
}

async fn next(mut state: State) -> Stepped<State> {
    let (lot, before) = (state.lot, state.before);
    let found = state
        .db
        .read(move |conn| rows::list_uses(conn, lot, before, STEP))
        .await?;
    let lines = written(|file| {
        found
            .iter()
            .try_for_each(|row| file.write_record(line(row)))
    })?;
    let more = found.last().map(|last| {
        state.before = Some(last.id);
        state
    });
    Ok((lines, more))
}

fn line(row: &UseRow) -> [String; HEAD.len()] {
    let text = |text: &Option<String>| harmless(text.as_deref().unwrap_or_default());
    [
        harmless(&row.order_name),
        text(&row.customer),
        text(&row.email),
        text(&row.phone),
        harmless(&row.title),
        row.line_external_id.clone(),
        row.quantity.to_string(),
        row.at.timestamp().to_string(),
    ]
}
