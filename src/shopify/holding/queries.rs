//! SQL of `shopify_holds`.
use diesel::prelude::*;

use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::shopify_holds::{self as t, table};
use crate::types::At;

crate::text_enum! {
    /// How far a hold of ours has come in Shopify.
    HoldState {
        /// Sent, or about to be; what came of it is not known.
        Sent = "sent",
        Placed = "placed",
        Released = "released",
        Refused = "refused",
    }
}

/// The fulfillment orders on which a hold was placed before, or refused: not again.
pub(super) fn list_tried(conn: &mut DbConnection, hold: i64) -> Result<Vec<String>, DbError> {
    Ok(table
        .filter(t::hold_id.eq(hold))
        .filter(t::state.ne(HoldState::Sent))
        .select(t::fulfillment_order_external_id)
        .load(conn)?)
}

pub(super) fn put(
    conn: &mut DbConnection,
    hold: i64,
    fulfillment_order: &str,
    state: HoldState,
    (external_id, reason): (Option<&str>, Option<&str>),
    now: At,
) -> Result<(), DbError> {
    native!(conn, |c| diesel::insert_into(table)
        .values((
            t::hold_id.eq(hold),
            t::fulfillment_order_external_id.eq(fulfillment_order),
            t::hold_external_id.eq(external_id),
            t::state.eq(state),
            t::reason.eq(reason),
            t::changed_at.eq(now),
        ))
        .on_conflict((t::hold_id, t::fulfillment_order_external_id))
        .do_update()
        .set((
            t::hold_external_id.eq(external_id),
            t::state.eq(state),
            t::reason.eq(reason),
            t::changed_at.eq(now),
        ))
        .execute(c))?;
    Ok(())
}
