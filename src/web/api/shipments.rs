//! Shipping for programs: the same transaction as the order screen's, sent once however often it is called.
use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{field, moment};
use crate::erp::orders::queries::records;
use crate::erp::shipping::queries::{self, ShipmentRow};
use crate::erp::shipping::{self, FieldError, LotChoice, NewShipment, ShipError, Tracking};
use crate::erp::stock::queries::lots;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::shopify::fulfillments::queries as pushes;
use crate::types::{At, LocationId, OrderId, OrderLineId};
use crate::web::error::WebError;
use crate::web::visitor::Program;

/// The header that makes a call safe to repeat.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Characters such a key may have.
const LONGEST_KEY: usize = 100;

/// What leaves now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewShipment)]
pub struct Body {
    /// One of `locations`.
    location_id: i64,
    lines: Vec<BodyLine>,
    /// As Shopify spells it: `UPS`, `DHL Express`.
    #[serde(default)]
    carrier: Option<String>,
    #[serde(default)]
    tracking_numbers: Vec<String>,
    /// Only where the carrier's name alone makes no link.
    #[serde(default)]
    tracking_url: Option<String>,
    /// Whether Shopify tells the customer; the store's setting unless said.
    #[serde(default)]
    notify: Option<bool>,
    /// The order's version this was decided on: another one since is refused with 409.
    #[serde(default)]
    version: Option<i64>,
}

/// Pieces of one line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewShipmentLine)]
pub struct BodyLine {
    line_id: i64,
    quantity: i64,
    /// Which lots or serial numbers of it; what is not said leaves as it was promised, then first what expires first.
    #[serde(default)]
    lots: Vec<BodyLot>,
}

/// Pieces of one lot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewShipmentLot)]
pub struct BodyLot {
    /// The lot's code, or the serial number.
    code: String,
    /// Pieces of the item; all that leave of the line unless said, one of a serial number.
    #[serde(default)]
    quantity: Option<i64>,
}

/// What left.
#[derive(Debug, Serialize, ToSchema)]
pub struct Shipment {
    pub id: String,
    pub order_id: String,
    /// `shipped` or `undone`.
    pub state: String,
    pub location_id: i64,
    pub lines: Vec<ShipmentLine>,
    pub carrier: Option<String>,
    pub tracking_numbers: Vec<String>,
    pub tracking_url: Option<String>,
    pub notify: bool,
    pub shipped_at: String,
    pub undone_at: Option<String>,
    /// What Shopify has of it: one entry for each of its locations.
    pub fulfillments: Vec<Fulfillment>,
}

/// Pieces of one line that left.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShipmentLine {
    pub line_id: i64,
    pub quantity: i64,
    pub lots: Vec<ShipmentLot>,
}

/// Pieces of one lot that left.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShipmentLot {
    /// The lot's code, or the serial number.
    pub code: String,
    pub quantity: i64,
}

/// One fulfilment in Shopify.
#[derive(Debug, Serialize, ToSchema)]
pub struct Fulfillment {
    /// Null until Shopify has answered.
    pub id: Option<String>,
    pub state: String,
}

/// The shipments of an order, newest first.
pub(super) fn of_order(
    conn: &mut DbConnection,
    public_id: &str,
    order: OrderId,
) -> Result<Vec<Shipment>, DbError> {
    let rows = queries::list_of_order(conn, order)?;
    rows.into_iter()
        .map(|(row, _, _)| shown(conn, public_id, row))
        .collect()
}

fn shown(conn: &mut DbConnection, public_id: &str, row: ShipmentRow) -> Result<Shipment, DbError> {
    let tracking = row.tracking();
    let lines = queries::list_lines(conn, row.id)?;
    let pushed = pushes::list_of_shipment(conn, row.id)?;
    let source = shipping::source_of(row.id);
    let left = lots::list_of_order(conn, row.order_id)?;
    let of_line = |line: OrderLineId| {
        let mine = left
            .iter()
            .filter(|one| one.line == line && one.source == source);
        mine.map(|one| ShipmentLot {
            code: one.code.clone(),
            quantity: one.quantity,
        })
        .collect()
    };
    Ok(Shipment {
        id: row.public_id,
        order_id: public_id.to_owned(),
        state: row.state.to_string(),
        location_id: row.location_id.0,
        lines: lines
            .into_iter()
            .map(|line| ShipmentLine {
                line_id: line.order_line_id.0,
                quantity: line.quantity,
                lots: of_line(line.order_line_id),
            })
            .collect(),
        carrier: tracking.carrier,
        tracking_numbers: tracking.numbers,
        tracking_url: tracking.url,
        notify: row.notify,
        shipped_at: moment(row.shipped_at),
        undone_at: row.undone_at.map(moment),
        fulfillments: pushed
            .into_iter()
            .map(|push| Fulfillment {
                id: push.fulfillment_gid,
                state: push.state.to_string(),
            })
            .collect(),
    })
}

/// Ships pieces of an order; Shopify is told in the background. The same `Idempotency-Key` again answers
/// with the first shipment and ships nothing.
#[utoipa::path(
    post, path = "/api/{tenant}/orders/{id}/shipments", tag = "Orders",
    params(
        ("id" = String, Path, description = "The order's id, a UUID"),
        ("Idempotency-Key" = String, Header, description = "Yours, up to 100 characters; kept for ever"),
    ),
    request_body = Body,
    responses(
        (status = 201, body = Shipment),
        (status = 404, description = "There is no such order"),
        (status = 409, description = "The order has changed, is on hold or cancelled"),
        (status = 422, description = "A field is wrong: `errors` says which"),
    )
)]
pub async fn create(
    req: HttpRequest,
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    program: Program,
    path: web::Path<(String, String)>,
    body: web::Json<Body>,
) -> Result<HttpResponse, WebError> {
    let (_tenant, id) = path.into_inner();
    let request_id = format!("api:{}:{}", program.id, key(&req)?);
    let (now, body) = (clock.now(), body.into_inner());
    let source = format!("token:{}", program.name);
    let call = Arc::new(Call {
        order: id,
        body,
        request_id,
        source,
    });
    let again = Arc::clone(&call);
    let shipment = match db.write(move |conn| ship(conn, &call, now)).await {
        // Somebody was quicker: perhaps this very call, sent twice.
        Err(WebError::Conflict(_)) => db.write(move |conn| ship(conn, &again, now)).await?,
        other => other?,
    };
    Ok(HttpResponse::Created().json(shipment))
}

fn key(req: &HttpRequest) -> Result<String, WebError> {
    let key = req
        .headers()
        .get(IDEMPOTENCY_KEY)
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
        .unwrap_or_default();
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Err(field(
            "Idempotency-Key",
            "Send this header with a key of your own, up to 100 characters: the same key never ships twice.",
        ));
    }
    Ok(key.to_owned())
}

/// One call, ready to be tried.
struct Call {
    order: String,
    body: Body,
    request_id: String,
    source: String,
}

fn ship(conn: &mut DbConnection, call: &Call, now: At) -> Result<Shipment, WebError> {
    let (id, body) = (call.order.as_str(), &call.body);
    let (order, _) =
        records::find(conn, id)?.ok_or_else(|| WebError::NotFound(format!("The order {id}")))?;
    let notify = match body.notify {
        Some(notify) => notify,
        None => pushes::find_notify_default(conn, order.id)?.unwrap_or_default(),
    };
    let new = NewShipment {
        order: order.id,
        version: body.version.unwrap_or(order.version),
        location: LocationId(body.location_id),
        lines: pieces(&body.lines),
        lots: choices(&body.lines),
        tracking: Tracking {
            carrier: body.carrier.clone().filter(|text| !text.trim().is_empty()),
            numbers: body.tracking_numbers.clone(),
            url: body.tracking_url.clone(),
        },
        notify,
        request_id: call.request_id.clone(),
        user: None,
        source: Some(call.source.clone()),
    };
    let shipped = shipping::ship(conn, &new, now).map_err(refusal)?;
    let row = queries::find(conn, shipped.shipment)?
        .ok_or_else(|| WebError::internal("the shipment is gone"))?;
    let shipment = shown(conn, id, row.clone())?;
    let fits = row.order_id == new.order && is_same(&shipment, &new);
    if !shipped.is_new && !fits {
        return Err(field(
            "Idempotency-Key",
            "This key shipped something else before. Send a new key for a new shipment.",
        ));
    }
    Ok(shipment)
}

fn choices(lines: &[BodyLine]) -> Vec<LotChoice> {
    let lots = lines
        .iter()
        .flat_map(|line| line.lots.iter().map(move |lot| (line.line_id, lot)));
    lots.map(|(line, lot)| LotChoice {
        line: OrderLineId(line),
        product: None,
        code: lot.code.clone(),
        quantity: lot.quantity,
    })
    .collect()
}

/// A line that is named twice is one line.
fn pieces(lines: &[BodyLine]) -> Vec<(OrderLineId, i64)> {
    let mut sums = BTreeMap::<i64, i64>::new();
    for line in lines {
        let sum = sums.entry(line.line_id).or_default();
        *sum = sum.saturating_add(line.quantity);
    }
    sums.into_iter()
        .map(|(line, quantity)| (OrderLineId(line), quantity))
        .collect()
}

fn is_same(first: &Shipment, again: &NewShipment) -> bool {
    let lines: BTreeMap<i64, i64> = first
        .lines
        .iter()
        .map(|line| (line.line_id, line.quantity))
        .collect();
    let wanted: BTreeMap<i64, i64> = again
        .lines
        .iter()
        .filter(|(_, quantity)| *quantity != 0)
        .map(|(line, quantity)| (line.0, *quantity))
        .collect();
    lines == wanted && first.location_id == again.location.0
}

/// A refusal names the fields of the body, not those of the screen.
fn refusal(error: ShipError) -> WebError {
    match error {
        ShipError::Invalid(faults) => WebError::Fields(faults.into_iter().map(named).collect()),
        ShipError::NotFound
        | ShipError::Changed
        | ShipError::NotShippable(_)
        | ShipError::AlreadyUndone
        | ShipError::Db(_) => error.into(),
    }
}

fn named(fault: FieldError) -> (String, String) {
    let field = match fault.field.as_str() {
        "tracking" => "tracking_numbers".to_owned(),
        "url" => "tracking_url".to_owned(),
        "location" => "location_id".to_owned(),
        "quantities" => "lines".to_owned(),
        other => {
            let lot = other.strip_prefix("lot-").and_then(|of| of.split_once('-'));
            match (other.strip_prefix("quantity-"), lot) {
                (Some(line), _) => format!("lines[line_id={line}].quantity"),
                (None, Some((line, _item))) => format!("lines[line_id={line}].lots"),
                (None, None) => other.to_owned(),
            }
        }
    };
    (field, fault.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_named_twice_is_one_line() {
        let lines = [(2, 1), (1, 1), (2, 3)].map(|(line_id, quantity)| BodyLine {
            line_id,
            quantity,
            lots: Vec::new(),
        });
        assert_eq!(pieces(&lines), [(OrderLineId(1), 1), (OrderLineId(2), 4)]);
    }

    #[test]
    fn a_refusal_names_the_fields_of_the_body() {
        let name = |field: &str| {
            named(FieldError {
                field: field.to_owned(),
                message: String::new(),
            })
            .0
        };
        assert_eq!(name("quantity-17"), "lines[line_id=17].quantity");
        assert_eq!(name("lot-17-3"), "lines[line_id=17].lots");
        assert_eq!(name("tracking"), "tracking_numbers");
        assert_eq!(name("carrier"), "carrier");
    }
}
