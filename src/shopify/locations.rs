//! A store's locations and which of ours each one is.
pub(crate) mod queries;

use crate::erp::locations::{self, Location, NewLocation};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::client::ShopifyError;
use crate::shopify::gid::{self, Gid};
use crate::shopify::graphql::{Locations, locations as payload};
use crate::shopify::{Connector, Haste};
use crate::types::{LocationId, ShopId};

const PAGE: i64 = 50;

/// A location as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopLocation {
    pub external_id: String,
    pub active: bool,
    /// Stock at it is kept by somebody else's service.
    pub foreign: bool,
    pub place: NewLocation,
}

/// A store's location beside ours.
#[derive(Clone, Debug, diesel::Queryable)]
pub struct Mapped {
    pub id: i64,
    pub external_id: String,
    pub name: String,
    pub active: bool,
    pub location: Option<LocationId>,
}

/// Asks the store for all its locations.
///
/// # Errors
///
/// The call's.
pub async fn fetch(cx: &Connector, shop: ShopId) -> Result<Vec<ShopLocation>, ShopifyError> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let variables = payload::Variables { first: PAGE, after };
        let page = cx.call::<Locations>(shop, Haste::Now, variables).await?;
        let page = page.data.locations;
        found.extend(page.nodes.into_iter().filter_map(translate));
        after = page.page_info.end_cursor;
        if !page.page_info.has_next_page || after.is_none() {
            return Ok(found);
        }
    }
}

fn translate(node: payload::LocationsLocationsNodes) -> Option<ShopLocation> {
    Some(ShopLocation {
        external_id: Gid::<gid::Location>::parse(&node.id)?.digits(),
        active: node.is_active,
        foreign: node.is_fulfillment_service,
        place: NewLocation {
            name: node.name,
            address1: node.address.address1,
            city: node.address.city,
            zip: node.address.zip,
            province_code: node.address.province_code,
            country_code: node.address.country_code,
        },
    })
}

/// Keeps what was fetched. What a person mapped stays; a new location maps to ours of the same name;
/// where nothing is mapped, the first one maps to our first, which is made when we have none.
///
/// # Errors
///
/// The database's.
pub fn store(
    conn: &mut DbConnection,
    shop: ShopId,
    fetched: &[ShopLocation],
) -> Result<(), DbError> {
    for location in fetched {
        queries::upsert(conn, shop, location)?;
    }
    // What the store does not list any more was deleted there; what it is here stays.
    let there: Vec<&str> = fetched.iter().map(|at| at.external_id.as_str()).collect();
    queries::mark_absent(conn, shop, &there)?;
    let ours = locations::list(conn)?;
    let mut rows = queries::list(conn, shop)?;
    for row in rows.iter_mut().filter(|row| row.location.is_none()) {
        row.location = same_name(&ours, &row.name);
        if let Some(location) = row.location {
            queries::set_location(conn, row.id, Some(location))?;
        }
    }
    if rows.iter().any(|row| row.active && row.location.is_some()) {
        return Ok(());
    }
    let Some(first) = fetched.iter().find(|at| at.active && !at.foreign) else {
        return Ok(());
    };
    let location = match ours.first() {
        Some(location) => location.id,
        None => locations::ensure(conn, &first.place)?,
    };
    let row = rows.iter().find(|row| row.external_id == first.external_id);
    row.map_or(Ok(()), |row| {
        queries::set_location(conn, row.id, Some(location))
    })
}

/// A store's locations, those in use first.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, shop: ShopId) -> Result<Vec<Mapped>, DbError> {
    queries::list(conn, shop)
}

/// Says which of our locations a store's location is; `None` takes the answer back.
///
/// # Errors
///
/// The database's.
pub fn map(
    conn: &mut DbConnection,
    shop: ShopId,
    row: i64,
    location: Option<LocationId>,
) -> Result<bool, DbError> {
    queries::set_location_of(conn, shop, row, location)
}

/// Our location behind a store's location.
///
/// # Errors
///
/// The database's.
pub fn resolve(
    conn: &mut DbConnection,
    shop: ShopId,
    external_id: &str,
) -> Result<Option<LocationId>, DbError> {
    queries::find_location(conn, shop, external_id)
}

fn same_name(ours: &[Location], name: &str) -> Option<LocationId> {
    let plain = |text: &str| text.trim().to_lowercase();
    let found = ours.iter().find(|at| plain(&at.name) == plain(name));
    found.map(|location| location.id)
}
