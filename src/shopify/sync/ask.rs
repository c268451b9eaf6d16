//! What a store is asked: lists of orders by id and version, and how many there are.
use crate::shopify::client::ShopifyError;
use crate::shopify::gid::{self, Gid};
use crate::shopify::graphql::{OrderVersions, OrdersCount, order_versions, orders_count};
use crate::shopify::sync::OrderStatus;
use crate::shopify::sync::compare::Theirs;
use crate::shopify::{Connector, Haste};
use crate::types::{At, ShopId};

/// The most that Shopify lists at once.
const PAGE: i64 = 250;

/// How a list is sorted: by what it is searched by, so that paging through it misses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Changed,
    Placed,
}

/// A page of orders, and where the next one begins.
#[derive(Clone, Debug)]
pub struct Page {
    pub orders: Vec<Theirs>,
    pub next: Option<String>,
}

/// What changed at or after a moment.
#[must_use]
pub fn changed_since(at: At) -> String {
    format!("updated_at:>='{}'", moment(at))
}

/// What was placed in a span of time; its end does not belong to it.
#[must_use]
pub fn placed_between(from: At, to: At, status: OrderStatus) -> String {
    format!(
        "processed_at:>='{}' AND processed_at:<'{}'{}",
        moment(from),
        moment(to),
        status.search()
    )
}

/// One page of what a search finds.
///
/// # Errors
///
/// The call's. A search that Shopify did not understand is `Rejected`: it would have listed everything.
pub async fn page(
    cx: &Connector,
    shop: ShopId,
    haste: Haste,
    (search, sort): (&str, Sort),
    after: Option<String>,
) -> Result<Page, ShopifyError> {
    let variables = order_versions::Variables {
        first: PAGE,
        after,
        query: search.to_owned(),
        sort_key: match sort {
            Sort::Changed => order_versions::OrderSortKeys::UPDATED_AT,
            Sort::Placed => order_versions::OrderSortKeys::PROCESSED_AT,
        },
    };
    let found = cx
        .call::<OrderVersions>(shop, haste, variables)
        .await?
        .data
        .orders;
    let orders: Result<Vec<Theirs>, ShopifyError> = found.nodes.into_iter().map(theirs).collect();
    let info = found.page_info;
    Ok(Page {
        orders: orders?,
        next: info.end_cursor.filter(|_| info.has_next_page),
    })
}

/// How many orders a search finds.
///
/// # Errors
///
/// As [`page`].
pub async fn count(cx: &Connector, shop: ShopId, search: &str) -> Result<i64, ShopifyError> {
    let variables = orders_count::Variables {
        query: search.to_owned(),
    };
    let answer = cx
        .call::<OrdersCount>(shop, Haste::Patient, variables)
        .await?;
    let count = answer.data.orders_count;
    Ok(count.map_or(0, |count| count.count))
}

fn theirs(node: order_versions::OrderVersionsOrdersNodes) -> Result<Theirs, ShopifyError> {
    let wrong = |what: &str| ShopifyError::Unexpected(format!("{what} of {}", node.id));
    let at = |text: &str| At::parse(text).map_err(|_other| wrong("a moment"));
    let id = Gid::<gid::Order>::parse(&node.id).ok_or_else(|| wrong("the id"))?;
    let state = match (&node.cancelled_at, &node.display_financial_status) {
        (Some(_), _) => "cancelled".to_owned(),
        (None, Some(status)) => word(status),
        (None, None) => "unknown".to_owned(),
    };
    Ok(Theirs {
        id: id.digits(),
        updated_at: at(&node.updated_at)?,
        placed_at: at(&node.processed_at)?,
        name: node.name,
        state,
    })
}

fn word<T: serde::Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_lowercase()
}

// Dates without quotes are cut at their colon: Shopify then searches for something else.
fn moment(at: At) -> String {
    at.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_quoted_and_words_are_shopifys() {
        let at = At::parse("2026-11-21T05:00:00.7Z").expect("a moment");
        assert_eq!(changed_since(at), "updated_at:>='2026-11-21T05:00:00Z'");
        let to = At::parse("2026-11-22T05:00:00Z").expect("a moment");
        assert_eq!(
            placed_between(at, to, OrderStatus::Paid),
            "processed_at:>='2026-11-21T05:00:00Z' AND processed_at:<'2026-11-22T05:00:00Z' AND financial_status:paid"
        );
    }
}
