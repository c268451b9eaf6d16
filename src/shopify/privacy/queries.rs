//! SQL of people's requests, of what was erased, and of who is meant.
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::{Request, RequestKind, RequestState};
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::body;
use crate::schema::{
    contacts, jobs, orders, shopify_customers, shopify_oauth_states, shopify_privacy_requests as t,
    shopify_redactions as gone, shopify_shops, webhook_events,
};
use crate::shopify::shops::Shop;
use crate::types::{At, ChannelId, ContactId, OrderId, ShopId};

#[diesel::declare_sql_function]
extern "SQL" {
    /// SQL's own `lower`.
    fn lower(text: Text) -> Text;
}

const ORDER: &str = "order";
const CUSTOMER: &str = "customer";

#[derive(Insertable)]
#[diesel(table_name = t)]
pub(super) struct NewRequest {
    pub(super) shop_id: ShopId,
    pub(super) event_id: i64,
    pub(super) kind: RequestKind,
    pub(super) state: RequestState,
    pub(super) customer_external_id: Option<String>,
    pub(super) contact_id: Option<ContactId>,
    pub(super) orders: String,
    pub(super) received_at: At,
    pub(super) due_at: At,
}

/// `None` where this event has brought its request already.
pub(super) fn insert(
    conn: &mut DbConnection,
    request: &NewRequest,
) -> Result<Option<i64>, DbError> {
    Ok(native!(conn, |c| diesel::insert_into(t::table)
        .values(request)
        .on_conflict((t::shop_id, t::event_id))
        .do_nothing()
        .returning(t::id)
        .get_result(c)
        .optional())?)
}

pub(super) fn list(conn: &mut DbConnection, shop: ShopId) -> Result<Vec<Request>, DbError> {
    Ok(t::table
        .filter(t::shop_id.eq(shop))
        .order(t::id.desc())
        .limit(200)
        .load(conn)?)
}

pub(super) fn find(conn: &mut DbConnection, id: i64) -> Result<Option<Request>, DbError> {
    Ok(t::table.find(id).first(conn).optional()?)
}

pub(super) fn count_open(conn: &mut DbConnection, shop: ShopId) -> Result<i64, DbError> {
    let waits = t::state.eq(RequestState::Waiting);
    let asks = t::state
        .eq(RequestState::Open)
        .and(t::kind.eq(RequestKind::Report));
    Ok(t::table
        .filter(t::shop_id.eq(shop))
        .filter(waits.or(asks))
        .count()
        .get_result(conn)?)
}

pub(super) fn mark_done(
    conn: &mut DbConnection,
    id: i64,
    from: RequestState,
    now: At,
) -> Result<bool, DbError> {
    let row = t::table.find(id).filter(t::state.eq(from));
    let changed = diesel::update(row)
        .set((t::state.eq(RequestState::Done), t::done_at.eq(Some(now))))
        .execute(conn)?;
    Ok(changed == 1)
}

pub(super) fn mark_open(conn: &mut DbConnection, id: i64) -> Result<bool, DbError> {
    set_state(conn, id, RequestState::Waiting, RequestState::Open)
}

pub(super) fn mark_waiting(conn: &mut DbConnection, id: i64) -> Result<bool, DbError> {
    set_state(conn, id, RequestState::Open, RequestState::Waiting)
}

fn set_state(
    conn: &mut DbConnection,
    id: i64,
    from: RequestState,
    to: RequestState,
) -> Result<bool, DbError> {
    let row = t::table.find(id).filter(t::state.eq(from));
    Ok(diesel::update(row).set(t::state.eq(to)).execute(conn)? == 1)
}

/// Remembers who was erased: the numbers alone.
pub(super) fn remember(
    conn: &mut DbConnection,
    shop: ShopId,
    customer: Option<&str>,
    orders: &[String],
    now: At,
) -> Result<(), DbError> {
    let customers = customer.into_iter().map(|id| (CUSTOMER, id));
    for (kind, id) in orders
        .iter()
        .map(|id| (ORDER, id.as_str()))
        .chain(customers)
    {
        native!(conn, |c| diesel::insert_into(gone::table)
            .values((
                gone::shop_id.eq(shop),
                gone::kind.eq(kind),
                gone::external_id.eq(id),
                gone::at.eq(now),
            ))
            .on_conflict((gone::shop_id, gone::kind, gone::external_id))
            .do_nothing()
            .execute(c))?;
    }
    diesel::update(shopify_shops::table.find(shop))
        .set(shopify_shops::redacted_at.eq(Some(now)))
        .execute(conn)?;
    // What the store still says of a customer that it forgot is older.
    if let Some(customer) = customer {
        let links = shopify_customers::table
            .filter(shopify_customers::shop_id.eq(shop))
            .filter(shopify_customers::external_id.eq(customer));
        diesel::update(links)
            .set(shopify_customers::deleted_at.eq(Some(now)))
            .execute(conn)?;
    }
    Ok(())
}

pub(super) fn is_remembered(
    conn: &mut DbConnection,
    shop: ShopId,
    order: Option<&str>,
    customer: Option<&str>,
) -> Result<bool, DbError> {
    let of_order = gone::kind
        .eq(ORDER)
        .and(gone::external_id.eq(order.unwrap_or_default()));
    let of_customer = gone::kind
        .eq(CUSTOMER)
        .and(gone::external_id.eq(customer.unwrap_or_default()));
    let rows = gone::table
        .filter(gone::shop_id.eq(shop))
        .filter(of_order.or(of_customer));
    Ok(diesel::select(diesel::dsl::exists(rows)).get_result(conn)?)
}

pub(super) fn find_contact(
    conn: &mut DbConnection,
    shop: ShopId,
    customer: &str,
) -> Result<Option<ContactId>, DbError> {
    Ok(shopify_customers::table
        .filter(shopify_customers::shop_id.eq(shop))
        .filter(shopify_customers::external_id.eq(customer))
        .select(shopify_customers::contact_id)
        .first(conn)
        .optional()?)
}

/// A contact that this store has told of.
pub(super) fn find_contact_by_email(
    conn: &mut DbConnection,
    shop: &Shop,
    email: &str,
) -> Result<Option<ContactId>, DbError> {
    Ok(shopify_customers::table
        .inner_join(contacts::table)
        .filter(shopify_customers::shop_id.eq(shop.id))
        .filter(contacts::email_normal.eq(email))
        .select(contacts::id)
        .first(conn)
        .optional()?)
}

/// The channel's ids of the orders with this e-mail address, as it is written or in lower case.
pub(super) fn list_orders_by_email(
    conn: &mut DbConnection,
    shop: &Shop,
    email: &str,
) -> Result<Vec<String>, DbError> {
    Ok(orders::table
        .filter(orders::channel_id.eq(shop.channel))
        .filter(lower(orders::email.assume_not_null()).eq(email))
        .select(orders::external_id)
        .load(conn)?)
}

/// Orders of the channel with these ids, or of this contact.
pub(super) fn list_orders(
    conn: &mut DbConnection,
    channel: ChannelId,
    named: &[String],
    contact: Option<ContactId>,
) -> Result<Vec<OrderId>, DbError> {
    let mut found: Vec<OrderId> = orders::table
        .filter(orders::channel_id.eq(channel))
        .filter(orders::external_id.eq_any(named.to_vec()))
        .select(orders::id)
        .load(conn)?;
    if let Some(contact) = contact {
        let theirs: Vec<OrderId> = orders::table
            .filter(orders::channel_id.eq(channel))
            .filter(orders::contact_id.eq(contact))
            .select(orders::id)
            .load(conn)?;
        found.extend(theirs);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The channel's id and public id of these orders.
pub(super) fn name_orders(
    conn: &mut DbConnection,
    ids: &[OrderId],
) -> Result<Vec<(String, String)>, DbError> {
    Ok(orders::table
        .filter(orders::id.eq_any(ids.to_vec()))
        .select((orders::external_id, orders::public_id))
        .load(conn)?)
}

/// The next orders of a channel behind `after`.
pub(super) fn list_orders_after(
    conn: &mut DbConnection,
    channel: ChannelId,
    after: OrderId,
    limit: i64,
) -> Result<Vec<OrderId>, DbError> {
    Ok(orders::table
        .filter(orders::channel_id.eq(channel))
        .filter(orders::id.gt(after))
        .order(orders::id.asc())
        .limit(limit)
        .select(orders::id)
        .load(conn)?)
}

/// Whether some store's customer that was not erased is this contact as well; `gone` is no store any more.
pub(super) fn is_needed(
    conn: &mut DbConnection,
    contact: ContactId,
    gone: Option<ShopId>,
) -> Result<bool, DbError> {
    let links: Vec<(ShopId, String)> = shopify_customers::table
        .filter(shopify_customers::contact_id.eq(contact))
        .select((shopify_customers::shop_id, shopify_customers::external_id))
        .load(conn)?;
    for (shop, customer) in links {
        if gone != Some(shop) && !is_remembered(conn, shop, None, Some(&customer))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The account of a contact that is its only one.
pub(super) fn find_own_account(
    conn: &mut DbConnection,
    contact: ContactId,
) -> Result<Option<i64>, DbError> {
    let account: Option<i64> = contacts::table
        .find(contact)
        .select(contacts::account_id)
        .first(conn)
        .optional()?;
    let Some(account) = account else {
        return Ok(None);
    };
    let members: i64 = contacts::table
        .filter(contacts::account_id.eq(account))
        .count()
        .get_result(conn)?;
    Ok((members == 1).then_some(account))
}

/// Everybody that a store has told of.
pub(super) fn list_contacts(
    conn: &mut DbConnection,
    shop: ShopId,
) -> Result<Vec<ContactId>, DbError> {
    Ok(shopify_customers::table
        .filter(shopify_customers::shop_id.eq(shop))
        .select(shopify_customers::contact_id)
        .distinct()
        .load(conn)?)
}

/// Whatever a store next says of its customers is newer than what we know.
pub(super) fn forget_versions(conn: &mut DbConnection, shop: ShopId) -> Result<(), DbError> {
    let rows = shopify_customers::table.filter(shopify_customers::shop_id.eq(shop));
    diesel::update(rows)
        .set((
            shopify_customers::source_updated_at.eq(At(0)),
            shopify_customers::profiled_at.eq(At(0)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Events that are filed under this key.
pub(super) fn list_events_of(conn: &mut DbConnection, key: &str) -> Result<Vec<i64>, DbError> {
    Ok(webhook_events::table
        .filter(webhook_events::key.eq(key))
        .select(webhook_events::id)
        .load(conn)?)
}

/// The next events of a store behind `after`.
pub(super) fn list_events_after(
    conn: &mut DbConnection,
    domain: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<i64>, DbError> {
    Ok(webhook_events::table
        .filter(webhook_events::shop_domain.eq(domain))
        .filter(webhook_events::id.gt(after))
        .order(webhook_events::id.asc())
        .limit(limit)
        .select(webhook_events::id)
        .load(conn)?)
}

/// The next events of a store that are filed under nothing, with their bodies.
pub(super) fn list_unfiled_after(
    conn: &mut DbConnection,
    domain: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
    let rows: Vec<(i64, i16, Vec<u8>)> = webhook_events::table
        .filter(webhook_events::key.is_null())
        .filter(webhook_events::shop_domain.eq(domain))
        .filter(webhook_events::id.gt(after))
        .order(webhook_events::id.asc())
        .limit(limit)
        .select((
            webhook_events::id,
            webhook_events::body_encoding,
            webhook_events::body,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, encoding, stored)| (id, body::open(encoding, stored)))
        .collect())
}

pub(super) fn list_jobs_of(
    conn: &mut DbConnection,
    subjects: &[String],
) -> Result<Vec<i64>, DbError> {
    Ok(jobs::table
        .filter(jobs::subject.eq_any(subjects.to_vec()))
        .select(jobs::id)
        .load(conn)?)
}

/// How to find a person's unfiled messages: their e-mail addresses and phone numbers.
pub(super) fn list_needles(
    conn: &mut DbConnection,
    contact: Option<ContactId>,
    ids: &[OrderId],
) -> Result<Vec<String>, DbError> {
    let mut found: Vec<(Option<String>, Option<String>)> = orders::table
        .filter(orders::id.eq_any(ids.to_vec()))
        .select((orders::email, orders::phone))
        .load(conn)?;
    if let Some(contact) = contact {
        found.extend(
            contacts::table
                .find(contact)
                .select((contacts::email, contacts::phone))
                .load::<(Option<String>, Option<String>)>(conn)?,
        );
    }
    let mut needles: Vec<String> = found
        .into_iter()
        .flat_map(|(email, phone)| [email, phone])
        .flatten()
        .filter(|needle| needle.len() > 4)
        .collect();
    needles.sort();
    needles.dedup();
    Ok(needles)
}

/// Drops every secret of a store and every attempt to connect it.
pub(super) fn drop_secrets(conn: &mut DbConnection, shop: &Shop) -> Result<(), DbError> {
    let none = None::<String>;
    diesel::update(shopify_shops::table.find(shop.id))
        .set((
            shopify_shops::access_token_sealed.eq(&none),
            shopify_shops::refresh_token_sealed.eq(&none),
            shopify_shops::client_id.eq(&none),
            shopify_shops::client_secret_sealed.eq(&none),
            shopify_shops::notification_key_sealed.eq(&none),
        ))
        .execute(conn)?;
    let domain = shop.domain.to_string();
    diesel::delete(shopify_oauth_states::table.filter(shopify_oauth_states::domain.eq(domain)))
        .execute(conn)?;
    Ok(())
}
