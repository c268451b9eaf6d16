//! The orders of a store by day: what Shopify has beside what we have, and what differs.
use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::platform::db::{Db, DbError};
use crate::shopify::shops::Shop;
use crate::shopify::sync::gaps;
use crate::shopify::sync::queries::days::{self, DayRow};
use crate::shopify::sync::queries::gaps::{self as gap_rows, Gap};
use crate::types::{OrderId, ShopId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::page::{Frame, Section, html};
use crate::web::visitor::Visitor;

/// Days of a page.
const DAYS: usize = 30;
/// Differences of a day that are listed.
const GAPS: i64 = 200;

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Wish {
    store: Option<ShopId>,
    /// The day that is open.
    #[serde(default)]
    day: String,
    /// Where the page before ended.
    #[serde(default)]
    before: String,
}

/// A day in the list.
struct Day {
    row: DayRow,
    open: i64,
    is_same: bool,
    href: String,
    is_current: bool,
}

/// The day that is open.
struct Shown {
    row: Option<DayRow>,
    day: String,
    /// State, the store's count and ours.
    states: Vec<(String, i64, i64)>,
    gaps: Vec<Difference>,
}

struct Difference {
    gap: Gap,
    words: &'static str,
    order: Option<OrderId>,
    there: String,
}

#[derive(Template)]
#[template(path = "sync/orders.html")]
struct OrdersPage {
    frame: Frame,
    shops: Vec<Shop>,
    shop: Option<Shop>,
    days: Vec<Day>,
    shown: Option<Shown>,
    open: i64,
    older: String,
}

/// `GET /sync/orders?store=&day=&before=`
///
/// # Errors
///
/// The database's.
pub async fn index(
    db: web::Data<Db>,
    visitor: Visitor,
    wish: web::Query<Wish>,
) -> Result<HttpResponse, WebError> {
    let (frame, wish) = (visitor.frame(Section::Sync), wish.into_inner());
    let page = db
        .read(move |conn| -> Result<_, DbError> {
            let (shops, shop) = super::chosen(conn, wish.store)?;
            let mut page = OrdersPage {
                frame,
                shops,
                shop: shop.clone(),
                days: Vec::new(),
                shown: None,
                open: 0,
                older: String::new(),
            };
            let Some(shop) = shop else {
                return Ok(page);
            };
            let before = (!wish.before.is_empty()).then_some(wish.before.as_str());
            let limit = i64::try_from(DAYS).unwrap_or(30) + 1;
            let mut rows = days::list(conn, shop.id, before, limit)?;
            if rows.len() > DAYS {
                rows.truncate(DAYS);
                let last = rows.last().map(|row| row.day.clone()).unwrap_or_default();
                let prefix = &page.frame.prefix;
                page.older = format!("{prefix}/sync/orders?store={}&before={last}", shop.id);
            }
            let open: BTreeMap<String, i64> = gap_rows::count_open_by_day(conn, shop.id)?
                .into_iter()
                .collect();
            page.open = open.values().sum();
            let prefix = page.frame.prefix.clone();
            page.days = rows
                .into_iter()
                .map(|row| day(row, &open, &shop, (&prefix, &wish)))
                .collect();
            if !wish.day.is_empty() {
                let row = days::find(conn, shop.id, &wish.day)?;
                let found = gap_rows::list_of_day(conn, (shop.id, shop.channel), &wish.day, GAPS)?;
                page.shown = Some(shown(row, found, &shop, wish.day));
            }
            Ok(page)
        })
        .await?;
    Ok(html(StatusCode::OK, &page))
}

fn day(
    row: DayRow,
    open: &BTreeMap<String, i64>,
    shop: &Shop,
    (prefix, wish): (&str, &Wish),
) -> Day {
    let mut href = format!("{prefix}/sync/orders?store={}&day={}", shop.id, row.day);
    if !wish.before.is_empty() {
        href = format!("{href}&before={}", wish.before);
    }
    Day {
        open: open.get(&row.day).copied().unwrap_or(0),
        is_same: row.theirs_digest == row.ours_digest,
        is_current: wish.day == row.day,
        href: format!("{href}#day"),
        row,
    }
}

fn shown(
    row: Option<DayRow>,
    found: Vec<(Gap, Option<OrderId>)>,
    shop: &Shop,
    day: String,
) -> Shown {
    let states: BTreeMap<String, (i64, i64)> = row
        .as_ref()
        .and_then(|row| serde_json::from_str(&row.states).ok())
        .unwrap_or_default();
    Shown {
        row,
        day,
        states: states
            .into_iter()
            .map(|(state, (theirs, ours))| (state.replace('_', " "), theirs, ours))
            .collect(),
        gaps: found
            .into_iter()
            .map(|(gap, order)| Difference {
                words: gaps::words(gap.kind),
                order,
                there: format!("https://{}/admin/orders/{}", shop.domain, gap.external_id),
                gap,
            })
            .collect(),
    }
}
