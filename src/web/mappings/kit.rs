//! Composing a kit: which items one variant holds, and how many of each. Every button sends the whole form, so rows are
//! added, removed and looked up without a script, and nothing that was typed is lost.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{load, refused, told, variant};
use crate::erp::products::by_sku::BySku;
use crate::erp::products::queries::ProductRow;
use crate::erp::products::search;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::shopify::mappings::parts::{MOST_ITEMS, MOST_PIECES, Parts};
use crate::shopify::mappings::{self, By, Change, MappingError, Origin, Waiting, queries};
use crate::shopify::products::queries::{self as variants, VariantRow};
use crate::types::{ProductId, VariantId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::form::Errors;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

const RESULTS: i64 = 10;

#[derive(Template)]
#[template(path = "mappings/kit.html")]
struct KitPage {
    frame: Frame,
    errors: Errors,
    variant: VariantRow,
    is_mapped: bool,
    waiting: Waiting,
    form: Kit,
    results: Vec<ProductRow>,
}

impl KitPage {
    fn has_room(&self) -> bool {
        self.form.rows.len() < MOST_ITEMS
    }
}

/// What stands in the form.
#[derive(Clone, Debug, Default)]
struct Kit {
    rows: Vec<Row>,
    search: String,
    button: Button,
}

/// One item of the kit, as typed.
#[derive(Clone, Debug, Default)]
struct Row {
    sku: String,
    quantity: String,
    /// What the item is called, where there is one of this SKU.
    name: String,
}

#[derive(Clone, Debug, Default)]
enum Button {
    /// Enter in a field: says what the rows name.
    #[default]
    Look,
    More,
    Remove(usize),
    Find,
    Add(String),
    Map,
}

/// `GET /mappings/{id}/kit`
///
/// # Errors
///
/// `NotFound`.
pub async fn new(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<VariantId>,
) -> Result<HttpResponse, WebError> {
    let (frame, id) = (visitor.frame(Section::Mappings), id.into_inner());
    let mut form = Kit::default();
    form.rows.resize(2, Row::one());
    let page = db
        .read(move |conn| page(conn, frame, id, form, Errors::default()))
        .await?;
    Ok(html(StatusCode::OK, &page))
}

/// `POST /mappings/{id}/kit`: `sku-0`, `quantity-0`, and so on, and the button that was pressed.
///
/// # Errors
///
/// `NotFound`, `Conflict` where somebody was quicker; a form with mistakes shows itself again.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<VariantId>,
    fields: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let (now, user, id) = (clock.now(), user.id, id.into_inner());
    let frame = visitor.frame(Section::Mappings);
    let mut form = Kit::read(fields.into_inner());
    form.press();
    let asked = form.clone();
    let read = db.read(move |conn| asked.parse(conn)).await?;
    let parts = match (read, &form.button) {
        (Ok(parts), Button::Map) => parts,
        (Err(errors), Button::Map | Button::Look) => {
            let page = db
                .read(move |conn| page(conn, frame, id, form, errors))
                .await?;
            return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
        (_, Button::Look | Button::More | Button::Remove(_) | Button::Find | Button::Add(_)) => {
            let page = db
                .read(move |conn| page(conn, frame, id, form, Errors::default()))
                .await?;
            return Ok(html(StatusCode::OK, &page));
        }
    };
    let change = db
        .write(move |conn| -> Result<Change, WebError> {
            let shop = variant::shop_of(conn, id)?;
            let by = By {
                shop: &shop,
                user: Some(user),
                now,
            };
            mappings::accept(conn, by, id, &parts, Origin::Person).map_err(refused)
        })
        .await?;
    visitor.say(&db, &told(&change)).await?;
    Ok(see_other(&format!("/mappings/{id}")))
}

impl Row {
    fn one() -> Self {
        Self {
            quantity: "1".to_owned(),
            ..Self::default()
        }
    }

    fn is_empty(&self) -> bool {
        self.sku.trim().is_empty()
    }

    fn pieces(&self) -> Option<i64> {
        let pieces = self.quantity.trim().parse().ok()?;
        (1..=MOST_PIECES).contains(&pieces).then_some(pieces)
    }
}

impl Kit {
    fn read(fields: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "q" => form.search = value,
                "add" => form.button = Button::Add(value),
                "remove" => form.button = value.parse().map_or(Button::Look, Button::Remove),
                "do" => {
                    form.button = match value.as_str() {
                        "more" => Button::More,
                        "find" => Button::Find,
                        "map" => Button::Map,
                        _ => Button::Look,
                    }
                }
                _ => form.fill(&name, value),
            }
        }
        form
    }

    fn fill(&mut self, name: &str, value: String) {
        let Some((field, place)) = name.split_once('-') else {
            return;
        };
        let Some(place) = place.parse::<usize>().ok() else {
            return;
        };
        if place >= MOST_ITEMS {
            return;
        }
        if self.rows.len() <= place {
            self.rows.resize(place + 1, Row::one());
        }
        match field {
            "sku" => self.rows[place].sku = value,
            "quantity" => self.rows[place].quantity = value,
            _ => {}
        }
    }

    /// What a button does to the rows.
    fn press(&mut self) {
        match &self.button {
            Button::More if self.rows.len() < MOST_ITEMS => self.rows.push(Row::one()),
            Button::Remove(place) if *place < self.rows.len() => {
                self.rows.remove(*place);
            }
            Button::Add(sku) => {
                let sku = sku.clone();
                match self.rows.iter().position(Row::is_empty) {
                    Some(place) => self.rows[place].sku = sku,
                    None if self.rows.len() < MOST_ITEMS => {
                        self.rows.push(Row { sku, ..Row::one() });
                    }
                    None => {}
                }
            }
            Button::Look | Button::More | Button::Remove(_) | Button::Find | Button::Map => {}
        }
        if self.rows.is_empty() {
            self.rows.push(Row::one());
        }
    }

    /// Rows without a SKU say nothing.
    fn parse(&self, conn: &mut DbConnection) -> Result<Result<Parts, Errors>, DbError> {
        let known = BySku::read(conn, self.rows.iter().map(|row| row.sku.as_str()))?;
        let mut errors = Errors::default();
        let mut named: Vec<(ProductId, i64)> = Vec::new();
        for (place, row) in self
            .rows
            .iter()
            .enumerate()
            .filter(|(_, row)| !row.is_empty())
        {
            let item = known.find(&row.sku);
            if let Err(error) = &item {
                let sku = row.sku.trim();
                errors.add(format!("sku-{place}"), format!("{sku}: {error}"));
            }
            if row.pieces().is_none() {
                errors.add(format!("quantity-{place}"), "Enter 1 to 10,000 pieces");
            }
            if let (Ok(item), Some(pieces)) = (item, row.pieces()) {
                named.push((item.id, pieces));
            }
        }
        if !errors.is_empty() {
            return Ok(Err(errors));
        }
        Ok(Parts::new(named).map_err(|error| {
            errors.add("sku-0", summed(&error));
            errors
        }))
    }
}

/// What is wrong with the kit as a whole.
fn summed(error: &MappingError) -> String {
    if matches!(error, MappingError::NoItems) {
        "Enter the SKU of an item".to_owned()
    } else {
        format!("All rows together: {error}")
    }
}

fn page(
    conn: &mut DbConnection,
    frame: Frame,
    id: VariantId,
    mut form: Kit,
    errors: Errors,
) -> Result<KitPage, WebError> {
    let missing = || WebError::NotFound("This variant".to_owned());
    let variant = variants::find(conn, id)?.ok_or_else(missing)?;
    let shop = load(conn, variant.shop_id)?;
    let known = BySku::read(conn, form.rows.iter().map(|row| row.sku.as_str()))?;
    for row in &mut form.rows {
        row.name = known
            .find(&row.sku)
            .map_or(String::new(), |item| item.name.clone());
    }
    let results = if form.search.trim().is_empty() {
        Vec::new()
    } else {
        search::page(conn, &form.search, None, RESULTS)?
    };
    Ok(KitPage {
        frame,
        errors,
        is_mapped: !queries::list_live(conn, &[id])?.is_empty(),
        waiting: mappings::waiting(conn, &shop, [variant.external_id.as_str()])?,
        variant,
        form,
        results,
    })
}
