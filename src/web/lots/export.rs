//! With whom a lot has left, as a file: a line for each line of an order, read in short steps however many there are.
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use futures_util::stream;

use crate::erp::stock::queries::lots::{self as rows, UseRow};
use crate::platform::db::Db;
use crate::types::LotId;
use crate::web::error::WebError;
use crate::web::orders::export::{ExportError, harmless, written};

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
        step: Step::Head,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            "Content-Disposition",
            format!("attachment; filename=\"lot-{id}.csv\""),
        ))
        .streaming(stream::try_unfold(state, next)))
}

struct State {
    db: Db,
    lot: LotId,
    before: Option<i64>,
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
    let (lot, before) = (state.lot, state.before);
    let found = state
        .db
        .read(move |conn| rows::list_uses(conn, lot, before, STEP))
        .await?;
    match found.last() {
        Some(last) => state.before = Some(last.id),
        None => state.step = Step::End,
    }
    let lines = written(|file| {
        found
            .iter()
            .try_for_each(|row| file.write_record(line(row)))
    })?;
    Ok(Some((lines, state)))
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
