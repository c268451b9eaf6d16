//! All that is said of a store's variants as a file, in the shape that an import takes: a line each, and one for every
//! item of a kit. What nobody has said anything of is there too, to be filled in.
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::load;
use crate::platform::db::{Db, DbError};
use crate::shopify::mappings::MappingKind;
use crate::shopify::mappings::queries::{self, MappedRow};
use crate::shopify::mappings::sheet::HEAD;
use crate::shopify::products::queries::VariantRow;
use crate::types::{ShopId, VariantId};
use crate::web::error::WebError;
use crate::web::export::{self, Stepped, harmless, written};
use crate::web::page::Section;
use crate::web::visitor::Visitor;

/// Variants that are read at once.
const STEP: i64 = 500;

#[derive(Debug, Deserialize)]
pub struct Wanted {
    store: ShopId,
}

/// `GET /mappings/export?store=`: CSV with a head, in UTF-8.
///
/// # Errors
///
/// `NotFound`; the database's; one that comes later breaks the file off.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, WebError> {
    let store = wanted.store;
    let shop = db.read(move |conn| load(conn, store)).await?;
    let frame = visitor.frame(Section::Mappings);
    let day = frame.now.timestamp().to_zoned(frame.zone).date();
    let state = State {
        db: db.get_ref().clone(),
        shop: shop.id,
        after: VariantId(0),
    };
    Ok(export::file(
        &format!("mappings-{day}.csv"),
        &HEAD,
        state,
        next,
    ))
}

struct State {
    db: Db,
    shop: ShopId,
    after: VariantId,
}

async fn next(mut state: State) -> Stepped<State> {
    let (shop, after) = (state.shop, state.after);
    let (rows, live) = state
        .db
        .read(move |conn| -> Result<_, DbError> {
            let rows = queries::list_by_id(conn, Some(shop), None, None, after, STEP)?;
            let ids: Vec<VariantId> = rows.iter().map(|row| row.id).collect();
            let live = queries::list_live(conn, &ids)?;
            Ok((rows, live))
        })
        .await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count == STEP);
    let lines = written(|file| {
        for row in &rows {
            let said = live.iter().filter(|one| one.variant_id == row.id);
            let mut said = said.peekable();
            if said.peek().is_none() {
                file.write_record(line(row, None))?;
            }
            said.try_for_each(|one| file.write_record(line(row, Some(one))))?;
        }
        Ok(())
    })?;
    let next = rows.last().filter(|_| is_full).map(|last| {
        state.after = last.id;
        state
    });
    Ok((lines, next))
}

fn line(row: &VariantRow, said: Option<&MappedRow>) -> [String; HEAD.len()] {
    let text = |text: &Option<String>| harmless(text.as_deref().unwrap_or_default());
    let title = match &row.variant_title {
        Some(option) => format!("{}, {option}", row.product_title),
        None => row.product_title.clone(),
    };
    let item = said.filter(|one| one.kind != MappingKind::Ignored);
    [
        row.external_id.clone(),
        text(&row.sku),
        text(&row.barcode),
        harmless(&title),
        said.map_or(String::new(), |one| one.kind.to_string()),
        item.map_or(String::new(), |one| text(&one.sku)),
        item.map_or(String::new(), |one| one.quantity.to_string()),
    ]
}
