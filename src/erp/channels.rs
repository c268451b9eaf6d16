//! Where orders come from; every channel sells for a seller.
pub(crate) mod queries;

use crate::platform::db::{DbConnection, DbError};
use crate::types::ChannelId;

/// The channel of this kind and name, made when it is new; its time zone is brought up to date.
///
/// # Errors
///
/// The database's.
pub fn ensure(
    conn: &mut DbConnection,
    kind: &str,
    name: &str,
    time_zone: &str,
) -> Result<ChannelId, DbError> {
    if let Some(channel) = queries::find(conn, kind, name)? {
        queries::set_time_zone(conn, channel, time_zone)?;
        return Ok(channel);
    }
    let seller = match queries::first_seller(conn)? {
        Some(seller) => seller,
        None => queries::insert_seller(conn, "Main", time_zone)?,
    };
    queries::insert(conn, seller, kind, name, time_zone)
}
