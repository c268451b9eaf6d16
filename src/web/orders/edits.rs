//! The review of an edit that came after something had left: line by line, with what follows from it.
use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use crate::erp::customers::Address;
use crate::erp::orders;
use crate::erp::orders::edits::{self, Decision, EditState, Terms};
use crate::erp::orders::incoming::label;
use crate::erp::orders::queries::edits::{self as queries, EditRow};
use crate::erp::orders::queries::{self as rows, LineRow, OrderRow};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::types::{At, Currency, Money, OrderId, UnitPrice};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

/// One subject of an edit, as a person decides it.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: i64,
    pub version: i64,
    /// `Sencha 100 g`, `Shipping address`.
    pub name: String,
    /// What differs: its name, ours, the store's.
    pub values: Vec<(&'static str, String, String)>,
    /// What follows from accepting, and from rejecting.
    pub accepting: Vec<String>,
    pub rejecting: String,
    pub state: EditState,
    pub decided_at: Option<At>,
    pub decided_by: Option<String>,
    /// What is wrong with its field.
    pub error: String,
    /// What was chosen before the form came back.
    pub chosen: Option<Decision>,
}

impl Row {
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.state == EditState::Pending
    }

    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.state == EditState::Rejected
    }

    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.state == EditState::Accepted
    }

    #[must_use]
    pub fn is_chosen(&self, word: &str) -> bool {
        match self.chosen {
            Some(Decision::Accept) => word == "accept",
            Some(Decision::Reject) => word == "reject",
            None => false,
        }
    }
}

#[derive(Template)]
#[template(path = "orders/edit.html")]
struct ReviewPage {
    frame: Frame,
    order: OrderRow,
    version: i64,
    rows: Vec<Row>,
    is_open: bool,
    error: String,
}

/// The edits of an order that were asked, oldest first; of a subject that was asked again only the last.
///
/// # Errors
///
/// The database's.
pub fn load(conn: &mut DbConnection, order: &OrderRow) -> Result<Vec<Row>, DbError> {
    let edits = queries::list_with_people(conn, order.id)?;
    if edits.is_empty() {
        return Ok(Vec::new());
    }
    let lines = rows::list_lines(conn, order.id)?;
    let mut latest: BTreeMap<String, (EditRow, Option<String>)> = BTreeMap::new();
    for (edit, by) in edits {
        if edit.state != EditState::Withdrawn {
            latest.insert(edit.subject.clone(), (edit, by));
        }
    }
    let mut shown: Vec<Row> = latest
        .into_values()
        .map(|(edit, by)| row(order, &lines, edit, by))
        .collect();
    shown.sort_by_key(|row| row.id);
    Ok(shown)
}

fn row(order: &OrderRow, lines: &[LineRow], edit: EditRow, by: Option<String>) -> Row {
    let line = lines.iter().find(|row| Some(row.id) == edit.order_line_id);
    let terms = (edits::terms(&edit.before), edits::terms(&edit.proposal));
    let (name, values, accepting) = match (line, terms) {
        (Some(line), (Some(ours), Some(theirs))) => {
            of_line(line, &ours, &theirs, order.facts.currency)
        }
        (_, _) => of_order(&edit),
    };
    Row {
        id: edit.id,
        version: edit.version,
        name,
        values,
        accepting,
        rejecting: "Stays here as it was shipped. The store keeps its own, and its totals are the ones that are booked."
            .to_owned(),
        state: edit.state,
        decided_at: edit.decided_at,
        decided_by: by,
        error: String::new(),
        chosen: None,
    }
}

type Told = (String, Vec<(&'static str, String, String)>, Vec<String>);

fn of_line(line: &LineRow, ours: &Terms, theirs: &Terms, currency: Currency) -> Told {
    let price = |millionths: i64| {
        UnitPrice {
            millionths,
            currency,
        }
        .to_string()
    };
    let money = |minor: i64| Money::new(minor, currency).to_string();
    let values: Vec<(&'static str, String, String)> = [
        (
            "Pieces",
            ours.current.to_string(),
            theirs.current.to_string(),
        ),
        (
            "Price",
            price(ours.unit_price_scaled),
            price(theirs.unit_price_scaled),
        ),
        (
            "Discount",
            money(ours.discount_minor),
            money(theirs.discount_minor),
        ),
        ("Tax", money(ours.tax_minor), money(theirs.tax_minor)),
    ]
    .into_iter()
    .filter(|(_what, ours, theirs)| ours != theirs)
    .collect();
    let name = label(&line.facts.title, line.facts.variant_title.as_deref());
    (name, values, consequences(line, ours, theirs))
}

/// What accepting a line's new terms means for stock, shipment and invoice.
fn consequences(line: &LineRow, ours: &Terms, theirs: &Terms) -> Vec<String> {
    let mut words = Vec::new();
    let gone = line.shipped_quantity + line.facts.fulfilled_elsewhere - line.returned_quantity;
    let open = |current: i64| (current - gone.max(0)).max(0);
    let (before, after) = (open(ours.current), open(theirs.current));
    let over = gone.max(0) - theirs.current;
    if !line.facts.ships && ours.current != theirs.current {
        words.push("Nothing of it is shipped.".to_owned());
    } else if after > before {
        words.push(format!(
            "Stock: {} more reserved and to ship.",
            pieces(after - before)
        ));
    } else if after < before {
        words.push(format!(
            "Stock: {} free again and not sent.",
            pieces(before - after)
        ));
    }
    if over > 0 && line.facts.ships {
        words.push(format!(
            "Shipment: {} left already. Undo the shipment if they are still here, else wait for their return.",
            pieces(over)
        ));
    }
    if ours.unit_price_scaled != theirs.unit_price_scaled
        || ours.discount_minor != theirs.discount_minor
        || ours.standing != theirs.standing
    {
        words.push("Invoice: the line is invoiced as the store has it.".to_owned());
    }
    words
}

fn pieces(count: i64) -> String {
    match count {
        1 => "1 piece".to_owned(),
        count => format!("{count} pieces"),
    }
}

fn of_order(edit: &EditRow) -> Told {
    let text = |json: &str| -> String {
        let text: Option<String> = serde_json::from_str(json).unwrap_or_default();
        text.unwrap_or_default()
    };
    if edit.subject == "address" {
        let address = |json: &str| -> String {
            let address: Address = orders::address(Some(&text(json)));
            address.lines().join(", ")
        };
        let values = vec![("Address", address(&edit.before), address(&edit.proposal))];
        let follows =
            "Shipment: what has left went to the address here; the rest goes to the new one.";
        return (
            "Shipping address".to_owned(),
            values,
            vec![follows.to_owned()],
        );
    }
    let values = vec![("Method", text(&edit.before), text(&edit.proposal))];
    let follows = "Shipment: the rest is sent by the new method.";
    (
        "Shipping method".to_owned(),
        values,
        vec![follows.to_owned()],
    )
}

/// `GET /orders/{id}/edits/{version}`
///
/// # Errors
///
/// `NotFound`.
pub async fn show(
    db: web::Data<Db>,
    visitor: Visitor,
    path: web::Path<(OrderId, i64)>,
) -> Result<HttpResponse, WebError> {
    let (id, version) = path.into_inner();
    let page = page(&db, &visitor, id, version).await?;
    Ok(html(StatusCode::OK, &page))
}

async fn page(
    db: &Db,
    visitor: &Visitor,
    id: OrderId,
    version: i64,
) -> Result<ReviewPage, WebError> {
    let (order, rows) = db
        .read(move |conn| -> Result<_, DbError> {
            let Some(order) = rows::find(conn, id)? else {
                return Ok(None);
            };
            let rows = load(conn, &order)?;
            Ok(Some((order, rows)))
        })
        .await?
        .ok_or_else(|| WebError::NotFound(format!("order {id}")))?;
    let mut of_version: Vec<Row> = rows
        .into_iter()
        .filter(|row| row.is_pending() || row.version == version)
        .collect();
    if of_version.is_empty() {
        return Err(WebError::NotFound(format!("edit {version} of order {id}")));
    }
    // What waits is decided together: what was decided stands below.
    of_version.sort_by_key(|row| (!row.is_pending(), row.id));
    Ok(ReviewPage {
        frame: visitor.frame(Section::Orders),
        is_open: of_version.iter().any(Row::is_pending),
        order,
        version,
        rows: of_version,
        error: String::new(),
    })
}

/// `POST /orders/{id}/edits/{version}`: `seen` and a `decision-{edit}` of each that waits.
///
/// # Errors
///
/// `NotFound`.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    path: web::Path<(OrderId, i64)>,
    form: web::Form<BTreeMap<String, String>>,
) -> Result<HttpResponse, WebError> {
    let ((id, version), now, by) = (path.into_inner(), clock.now(), user.id);
    let form = form.into_inner();
    let seen: i64 = form
        .get("seen")
        .and_then(|seen| seen.parse().ok())
        .unwrap_or(0);
    let decisions = decisions(&form);
    let mut page = page(&db, &visitor, id, version).await?;
    for row in page.rows.iter_mut().filter(|row| row.is_pending()) {
        row.chosen = decisions.get(&row.id).copied();
        if row.chosen.is_none() {
            row.error = "Choose whether this is accepted or rejected.".to_owned();
        }
    }
    if page.rows.iter().any(|row| !row.error.is_empty()) {
        page.error = "Each line needs a decision.".to_owned();
        return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let decided = db
        .write(move |conn| edits::decide(conn, id, seen, &decisions, Some(by), now))
        .await;
    match decided {
        Ok(()) => {
            visitor.say(&db, "The edit is decided.").await?;
            Ok(see_other(&format!("/orders/{id}")))
        }
        Err(orders::OrderError::Changed) => {
            page.error = "The order has changed since this page was made. Look again, then decide."
                .to_owned();
            Ok(html(StatusCode::CONFLICT, &page))
        }
        Err(error) => Err(error.into()),
    }
}

fn decisions(form: &BTreeMap<String, String>) -> BTreeMap<i64, Decision> {
    form.iter()
        .filter_map(|(field, value)| {
            let id = field.strip_prefix("decision-")?.parse().ok()?;
            match value.as_str() {
                "accept" => Some((id, Decision::Accept)),
                "reject" => Some((id, Decision::Reject)),
                _ => None,
            }
        })
        .collect()
}
