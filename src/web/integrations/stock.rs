//! The stock sync of a store: what turning it on would change, whose number counts where, what is kept back.
use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::json;

use super::missing;
use crate::erp::audit::{self, Kind};
use crate::platform::db::{Db, DbConnection, DbError};
use crate::shopify::Connector;
use crate::shopify::inventory::offer::Rule;
use crate::shopify::inventory::queries::checks::{self as found, CheckRow, DifferenceRow};
use crate::shopify::inventory::queries::{self as rows, PlaceRow};
use crate::shopify::inventory::{self, Master, Settings, check};
use crate::shopify::shops::{self, Shop, ShopError};
use crate::types::{At, ShopId, UserId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::form::Errors;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

const PAGE: i64 = 50;
/// Whoever keeps back or offers more than this has typed a barcode.
const MOST: i64 = 1_000_000;

/// Which part of the differences.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ShowQuery {
    after: i64,
}

/// What a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    /// Keeps the settings and compares; off stays off.
    Save,
    TurnOn,
    TurnOff,
}

struct Place {
    row: PlaceRow,
    /// What the form says.
    master: Master,
}

impl Place {
    fn is_store(&self) -> bool {
        self.master == Master::Store
    }

    /// Its field: `master-3`.
    fn field(&self) -> String {
        format!("master-{}", self.row.id)
    }
}

#[derive(Template)]
#[template(path = "integrations/stock.html")]
struct StockPage {
    frame: Frame,
    errors: Errors,
    shop: Shop,
    is_on: bool,
    buffer: String,
    cap: String,
    places: Vec<Place>,
    check: Option<CheckRow>,
    differences: Vec<DifferenceRow>,
    older: String,
}

impl StockPage {
    /// What is, or would be, done about a difference.
    fn words(&self, row: &DifferenceRow) -> String {
        let by = row.by.unwrap_or(0);
        let number = |it: Option<i64>| it.map_or("nothing".to_owned(), filters::grouped);
        match row.master {
            Master::Erp if row.offered == row.available => {
                format!("Shopify was told {}", number(row.offered))
            }
            Master::Erp => format!(
                "Shopify has {}, we offer {}",
                number(row.available),
                number(row.offered)
            ),
            Master::Store if by < 0 => {
                format!("{} fewer lie there than here", filters::grouped(-by))
            }
            Master::Store => format!("{} more lie there than here", filters::grouped(by)),
        }
    }

    fn is_mended(&self, row: &DifferenceRow) -> bool {
        row.master == Master::Erp && row.offered == row.available
    }
}

/// `GET /integrations/shopify/{id}/stock?after=`
///
/// # Errors
///
/// `NotFound`.
pub async fn edit(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<ShopId>,
    query: web::Query<ShowQuery>,
) -> Result<HttpResponse, WebError> {
    let page = page(&db, &visitor, id.into_inner(), query.after).await?;
    Ok(html(StatusCode::OK, &page))
}

async fn page(db: &Db, visitor: &Visitor, id: ShopId, after: i64) -> Result<StockPage, WebError> {
    let (shop, settings, places, check, mut differences) = db
        .read(move |conn| -> Result<_, ShopError> {
            let check = found::find_latest(conn, id)?;
            let differences = match &check {
                Some(check) => found::list_differences(conn, check, after, PAGE + 1)?,
                None => Vec::new(),
            };
            Ok((
                shops::get(conn, id)?,
                rows::find_settings(conn, id)?,
                rows::list_places(conn, id)?,
                check,
                differences,
            ))
        })
        .await
        .map_err(missing)?;
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let is_more = differences.len() > most;
    differences.truncate(most);
    let older = match differences.last() {
        Some(last) if is_more => format!("?after={}", last.id),
        Some(_) | None => String::new(),
    };
    Ok(StockPage {
        frame: visitor.frame(Section::Integrations),
        errors: Errors::default(),
        shop,
        is_on: settings.is_on,
        buffer: settings.rule.buffer.to_string(),
        cap: settings
            .rule
            .cap
            .map_or(String::new(), |cap| cap.to_string()),
        places: places
            .into_iter()
            .map(|row| Place {
                master: row.master,
                row,
            })
            .collect(),
        check,
        differences,
        older,
    })
}

/// `POST /integrations/shopify/{id}/stock`: `buffer`, `cap`, `master-{place}`, `intent` (`save`, `on`, `off`).
///
/// # Errors
///
/// `NotFound`; what is wrong with the form is said beside its fields.
pub async fn update(
    db: web::Data<Db>,
    cx: web::Data<Connector>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<ShopId>,
    form: web::Form<HashMap<String, String>>,
) -> Result<HttpResponse, WebError> {
    let (id, form, now) = (id.into_inner(), form.into_inner(), cx.clock.now());
    let mut page = page(&db, &visitor, id, 0).await?;
    let said = |name: &str| form.get(name).map_or("", |text| text.trim()).to_owned();
    (page.buffer, page.cap) = (said("buffer"), said("cap"));
    for place in &mut page.places {
        if let Some(Ok(master)) = form.get(&place.field()).map(|word| word.parse::<Master>()) {
            place.master = master;
        }
    }
    let rule = rule(&mut page);
    check_masters(&db, &mut page).await?;
    if !page.errors.is_empty() {
        return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let intent = match said("intent").as_str() {
        "on" => Intent::TurnOn,
        "off" => Intent::TurnOff,
        _ => Intent::Save,
    };
    let settings = Settings {
        is_on: match intent {
            Intent::TurnOn => true,
            Intent::TurnOff => false,
            Intent::Save => page.is_on,
        },
        rule,
    };
    let masters: Vec<(i64, Master)> = page
        .places
        .iter()
        .map(|place| (place.row.id, place.master))
        .collect();
    let (shop, by) = (page.shop.clone(), user.id);
    db.write(move |conn| save(conn, &shop, settings, &masters, by, now))
        .await?;
    let words = match intent {
        Intent::TurnOn => "The stock sync is on. What differs is told in the background.",
        Intent::TurnOff => "The stock sync is off. The store keeps its numbers.",
        Intent::Save => "Settings saved. The numbers of the store are being compared.",
    };
    visitor.say(&db, words).await?;
    Ok(see_other(&format!("/integrations/shopify/{id}/stock")))
}

fn save(
    conn: &mut DbConnection,
    shop: &Shop,
    settings: Settings,
    masters: &[(i64, Master)],
    by: UserId,
    now: At,
) -> Result<(), DbError> {
    for (place, master) in masters {
        rows::set_master(conn, shop.id, *place, *master)?;
    }
    inventory::change(conn, shop, settings, Some(by), now)?;
    if !settings.is_on {
        // What turning it on would change.
        check::begin(conn, shop, Some(by), now)?;
    }
    let (kind, subject) = (Kind::StoreSettingsChanged, format!("store/{}", shop.id));
    let word = if settings.is_on {
        "stock_sync_on"
    } else {
        "stock_sync_off"
    };
    let arguments = json!({ "changed": [word] });
    audit::record(conn, Some(by), kind, &subject, &arguments, now)
}

fn rule(page: &mut StockPage) -> Rule {
    let number = |text: &str| {
        text.parse::<i64>()
            .ok()
            .filter(|it| (0..=MOST).contains(it))
    };
    let buffer = number(&page.buffer);
    if buffer.is_none() {
        page.errors
            .add("buffer", "Enter how many are kept back: 0 or more");
    }
    let cap = (!page.cap.is_empty()).then(|| number(&page.cap));
    if cap == Some(None) {
        page.errors
            .add("cap", "Enter a number of pieces, or nothing for no limit");
    }
    Rule {
        buffer: buffer.unwrap_or(0),
        cap: cap.flatten(),
    }
}

/// A store's number counts only where no other store sells from the same shelf: it knows nothing of what those sell.
async fn check_masters(db: &Db, page: &mut StockPage) -> Result<(), WebError> {
    let shop = page.shop.id;
    let mut faults = Vec::new();
    for place in page.places.iter().filter(|place| place.is_store()) {
        let Some(location) = place.row.location else {
            faults.push(format!("{} is none of our locations yet", place.row.name));
            continue;
        };
        let sharers = db
            .read(move |conn| rows::list_sharers(conn, shop, location))
            .await?;
        if !sharers.is_empty() {
            faults.push(format!(
                "{} sells from {} as well, so our number has to count there",
                sharers.join(", "),
                place.row.name
            ));
        }
    }
    for words in faults {
        page.errors.add("masters", words);
    }
    Ok(())
}
