//! Whether anything is on its way that would explain why both sides differ: orders not booked, shipments not told.
use diesel::dsl::exists;
use diesel::prelude::*;

use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::Job as _;
use crate::platform::queue::Status;
use crate::schema::{jobs, line_products, order_lines, webhook_events};
use crate::shopify::fulfillments::{CancelFulfillment, PushFulfillment};
use crate::types::{At, OrderId, ProductId};

/// Whether a store told of orders until a moment that are not booked here yet.
pub(in crate::shopify::inventory) fn has_open_orders(
    conn: &mut DbConnection,
    domain: &str,
    until: At,
) -> Result<bool, DbError> {
    use webhook_events as e;
    let open = [Status::Pending, Status::Working, Status::Waiting].map(Status::code);
    let waiting = e::table
        .filter(e::status.eq_any(open))
        .filter(e::shop_domain.eq(domain))
        .filter(e::received_at.le(until))
        .filter(
            e::topic
                .like("orders/%")
                .or(e::topic.like("refunds/%"))
                .or(e::topic.like("returns/%")),
        );
    Ok(diesel::select(exists(waiting)).get_result(conn)?)
}

/// Whether an item has left here, or has come back, and the store was not told of it; nor will be before a person looks.
pub(in crate::shopify::inventory) fn has_open_shipments(
    conn: &mut DbConnection,
    domain: &str,
    product: ProductId,
) -> Result<bool, DbError> {
    let untold = [
        Status::Pending,
        Status::Working,
        Status::Waiting,
        Status::Dead,
    ]
    .map(Status::code);
    let subjects: Vec<Option<String>> = jobs::table
        .filter(jobs::status.eq_any(untold))
        .filter(jobs::kind.eq_any([PushFulfillment::KIND, CancelFulfillment::KIND]))
        .filter(jobs::shop_domain.eq(domain))
        .select(jobs::subject)
        .load(conn)?;
    let orders: Vec<OrderId> = subjects
        .iter()
        .filter_map(|subject| subject.as_deref()?.strip_prefix("order/")?.parse().ok())
        .collect();
    if orders.is_empty() {
        return Ok(false);
    }
    let lines = line_products::table
        .inner_join(order_lines::table)
        .filter(order_lines::order_id.eq_any(orders))
        .filter(line_products::product_id.eq(product));
    Ok(diesel::select(exists(lines)).get_result(conn)?)
}
