//! The customer list as a file: everybody whom a filter finds, a line each, read in short steps however many there are.
use actix_web::{HttpResponse, web};

use super::{ListQuery, order_count, spent};
use crate::erp::customers::queries::ContactRow;
use crate::erp::customers::queries::list::{self, Beyond, SumRow, Wanted};
use crate::platform::db::{Db, DbError};
use crate::types::ContactId;
use crate::web::error::WebError;
use crate::web::export::{self, Stepped, harmless, written};
use crate::web::visitor::Visitor;

/// Customers that are read at once.
const STEP: i64 = 500;
const HEAD: [&str; 12] = [
    "id",
    "first name",
    "last name",
    "company",
    "email",
    "phone",
    "email consent",
    "sms consent",
    "tags",
    "language",
    "orders",
    "spent",
];

/// `GET /customers/export?q=&...`: CSV with a head, in UTF-8.
///
/// # Errors
///
/// The database's; one that comes later breaks the file off.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let frame = visitor.frame(super::Section::Customers);
    let day = frame.now.timestamp().to_zoned(frame.zone).date();
    let state = State {
        db: db.get_ref().clone(),
        wanted: query.wanted(),
        from: None,
    };
    Ok(export::file(
        &format!("customers-{day}.csv"),
        &HEAD,
        state,
        next,
    ))
}

struct State {
    db: Db,
    wanted: Wanted,
    from: Option<Beyond>,
}

async fn next(mut state: State) -> Stepped<State> {
    let (wanted, from) = (state.wanted.clone(), state.from);
    let (rows, more, sums) = state
        .db
        .read(move |conn| -> Result<_, DbError> {
            let (rows, _newer, more) = list::page(conn, &wanted, from, STEP)?;
            let ids: Vec<ContactId> = rows.iter().map(|row| row.id).collect();
            let sums = list::sums(conn, &ids)?;
            Ok((rows, more, sums))
        })
        .await?;
    let lines = written(|file| {
        rows.iter()
            .try_for_each(|row| file.write_record(line(row, &sums)))
    })?;
    let next = rows.last().filter(|_| more).map(|last| {
        state.from = Some(Beyond {
            id: last.id,
            newer: false,
        });
        state
    });
    Ok((lines, next))
}

fn line(row: &ContactRow, sums: &[(ContactId, SumRow)]) -> [String; HEAD.len()] {
    let text = |text: &Option<String>| harmless(text.as_deref().unwrap_or_default());
    let spent: Vec<String> = spent(sums, row.id)
        .iter()
        .map(|money| format!("{} {}", money.decimal(), money.currency))
        .collect();
    [
        row.public_id.clone(),
        text(&row.first_name),
        text(&row.last_name),
        harmless(row.company().unwrap_or_default()),
        text(&row.email),
        text(&row.phone),
        text(&row.email_consent),
        text(&row.sms_consent),
        text(&row.tags),
        text(&row.locale),
        order_count(sums, row.id).to_string(),
        spent.join(" + "),
    ]
}
