//! Keeps a store's webhook subscriptions as they should be: made, pointed at us, removed on disconnect.
pub(crate) mod queries;

use crate::platform::db::{DbConnection, DbError};
use crate::shopify::client::ShopifyError;
use crate::shopify::graphql::{
    WebhookSubscriptionCreate, WebhookSubscriptionDelete, WebhookSubscriptionUpdate,
    WebhookSubscriptions, webhook_subscription_create as create,
    webhook_subscription_delete as delete, webhook_subscription_update as update,
    webhook_subscriptions as listing,
};
use crate::shopify::shops::Shop;
use crate::shopify::sync::watch;
use crate::shopify::topics::{self, TopicRule};
use crate::shopify::{Connector, Haste};
use crate::text_enum;
use crate::types::{At, ShopId};

const PAGE: i64 = 100;

text_enum! {
    /// How a subscription stands.
    SubscriptionState {
        Registered = "registered",
        /// The store did not grant the scope that the topic needs.
        MissingScope = "missing_scope",
        Refused = "refused",
    }
}

/// A topic and how its subscription stands.
#[derive(Clone, Debug, diesel::Queryable)]
pub struct Subscription {
    pub topic: String,
    pub gid: Option<String>,
    pub uri: Option<String>,
    pub state: SubscriptionState,
    pub checked_at: At,
    pub error: Option<String>,
    /// To the minute.
    pub last_received_at: Option<At>,
}

/// A subscription as Shopify has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Existing {
    gid: String,
    topic: String,
    uri: String,
}

/// What is to be done for one topic.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Keep(&'a Existing),
    Move(&'a Existing),
    Create,
}

/// Compares what Shopify has with what we need and mends the difference. One topic's refusal is noted
/// beside the topic and stops no other.
///
/// # Errors
///
/// The call's, where none of the topics can be looked after.
pub async fn register(cx: &Connector, shop: &Shop) -> Result<(), ShopifyError> {
    let uri = cx.config.webhook_url();
    let existing = list_existing(cx, shop.id).await?;
    let id = shop.id;
    let known: Vec<Subscription> = cx
        .db
        .read(move |conn| queries::list(conn, id))
        .await
        .map_err(|error: DbError| ShopifyError::Unexpected(error.to_string()))?;
    let known_gids: Vec<&str> = known.iter().filter_map(|row| row.gid.as_deref()).collect();
    let mut rows = Vec::new();
    let mut stopped = Ok(());
    for rule in topics::registered() {
        match settle(cx, shop, rule, &uri, &existing, &known_gids).await {
            Ok(row) => rows.push(row),
            Err(error) => {
                stopped = Err(error);
                break;
            }
        }
    }
    let kept: Vec<String> = rows.iter().filter_map(|row| row.gid.clone()).collect();
    let now = cx.clock.now();
    let lost_since = lost_since(&known, &rows);
    cx.db
        .write(move |conn| {
            if let Some(since) = lost_since {
                watch::catch_up(conn, id, since)?;
            }
            queries::upsert_all(conn, id, &rows, now)
        })
        .await
        .map_err(|error: DbError| ShopifyError::Unexpected(error.to_string()))?;
    stopped?;
    // Ours and no longer wanted, or there twice: each delivery would come twice.
    for extra in existing.iter().filter(|one| one.uri == uri) {
        if !kept.contains(&extra.gid) {
            end(cx, id, &extra.gid).await?;
        }
    }
    Ok(())
}

/// Since when webhooks of the store may have been lost: a topic that was registered had to be registered anew.
fn lost_since(known: &[Subscription], rows: &[queries::Row]) -> Option<At> {
    let is_new = |one: &&Subscription| {
        one.gid.is_some()
            && rows
                .iter()
                .any(|row| row.topic == one.topic && row.gid.is_some() && row.gid != one.gid)
    };
    let mended = known.iter().filter(is_new);
    mended
        .map(|one| one.last_received_at.unwrap_or(one.checked_at))
        .min()
}

/// Ends every subscription that points at us.
///
/// # Errors
///
/// The call's.
pub async fn remove_all(cx: &Connector, shop: ShopId) -> Result<(), ShopifyError> {
    let uri = cx.config.webhook_url();
    for existing in list_existing(cx, shop).await? {
        if existing.uri == uri {
            end(cx, shop, &existing.gid).await?;
        }
    }
    Ok(())
}

/// A store's subscriptions, by topic.
///
/// # Errors
///
/// The database's.
pub fn list(conn: &mut DbConnection, shop: ShopId) -> Result<Vec<Subscription>, DbError> {
    queries::list(conn, shop)
}

/// Notes that a topic of the store came in.
///
/// # Errors
///
/// The database's.
pub fn note_received(
    conn: &mut DbConnection,
    shop: ShopId,
    topic: &str,
    at: At,
) -> Result<(), DbError> {
    queries::set_last_received(conn, shop, topic, at)
}

/// When the store's last webhook came in.
///
/// # Errors
///
/// The database's.
pub fn last_received(conn: &mut DbConnection, domain: &str) -> Result<Option<At>, DbError> {
    queries::last_received(conn, domain)
}

async fn settle(
    cx: &Connector,
    shop: &Shop,
    rule: &TopicRule,
    uri: &str,
    existing: &[Existing],
    known_gids: &[&str],
) -> Result<queries::Row, ShopifyError> {
    let row = |state, gid: Option<String>, error: Option<String>| queries::Row {
        topic: rule.topic,
        uri: gid.is_some().then(|| uri.to_owned()),
        gid,
        state,
        error,
    };
    let registered = |gid| row(SubscriptionState::Registered, Some(gid), None);
    let granted = rule.scopes.iter().any(|scope| shop.scopes.covers(scope));
    if !granted && !rule.scopes.is_empty() {
        let error = format!("the store did not grant {}", rule.scopes.join(" or "));
        return Ok(row(SubscriptionState::MissingScope, None, Some(error)));
    }
    let done = match decide(rule, uri, existing, known_gids) {
        Step::Keep(one) => Ok(one.gid.clone()),
        Step::Move(one) => move_to(cx, shop.id, &one.gid, uri).await,
        Step::Create => begin(cx, shop.id, rule, uri).await,
    };
    match done {
        Ok(gid) => Ok(registered(gid)),
        Err(
            error @ (ShopifyError::UserErrors { .. }
            | ShopifyError::AccessDenied { .. }
            | ShopifyError::Rejected { .. }),
        ) => Ok(row(
            SubscriptionState::Refused,
            None,
            Some(error.to_string()),
        )),
        Err(error) => Err(error),
    }
}

// Another address belongs to another installation of the same app, unless we made it ourselves.
fn decide<'a>(
    rule: &TopicRule,
    uri: &str,
    existing: &'a [Existing],
    known_gids: &[&str],
) -> Step<'a> {
    let topic = rule.enum_name();
    let of_topic = || existing.iter().filter(|one| one.topic == topic);
    if let Some(right) = of_topic().find(|one| one.uri == uri) {
        return Step::Keep(right);
    }
    match of_topic().find(|one| known_gids.contains(&one.gid.as_str())) {
        Some(ours) => Step::Move(ours),
        None => Step::Create,
    }
}

async fn list_existing(cx: &Connector, shop: ShopId) -> Result<Vec<Existing>, ShopifyError> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let variables = listing::Variables {
            first: PAGE,
            after,
            topics: None,
            uri: None,
        };
        let page = cx
            .call::<WebhookSubscriptions>(shop, Haste::Now, variables)
            .await?
            .data
            .webhook_subscriptions;
        for node in page.nodes {
            found.push(Existing {
                topic: word(&node.topic),
                gid: node.id,
                uri: node.uri,
            });
        }
        after = page.page_info.end_cursor;
        if !page.page_info.has_next_page || after.is_none() {
            return Ok(found);
        }
    }
}

async fn begin(
    cx: &Connector,
    shop: ShopId,
    rule: &TopicRule,
    uri: &str,
) -> Result<String, ShopifyError> {
    let topic = serde_json::from_value(rule.enum_name().into())
        .map_err(|error| ShopifyError::Unexpected(error.to_string()))?;
    let variables = create::Variables {
        topic,
        webhook_subscription: create::WebhookSubscriptionInput {
            uri: Some(uri.to_owned()),
            callback_url: None,
            format: Some(create::WebhookSubscriptionFormat::JSON),
            filter: None,
            include_fields: None,
            metafield_namespaces: None,
            metafields: None,
            name: None,
        },
    };
    let answer = cx
        .call::<WebhookSubscriptionCreate>(shop, Haste::Now, variables)
        .await?
        .data
        .webhook_subscription_create
        .ok_or_else(nothing)?;
    refused(answer.user_errors.into_iter().map(|error| error.message))?;
    Ok(answer.webhook_subscription.ok_or_else(nothing)?.id)
}

async fn move_to(
    cx: &Connector,
    shop: ShopId,
    gid: &str,
    uri: &str,
) -> Result<String, ShopifyError> {
    let variables = update::Variables {
        id: gid.to_owned(),
        webhook_subscription: update::WebhookSubscriptionInput {
            uri: Some(uri.to_owned()),
            callback_url: None,
            format: None,
            filter: None,
            include_fields: None,
            metafield_namespaces: None,
            metafields: None,
            name: None,
        },
    };
    let answer = cx
        .call::<WebhookSubscriptionUpdate>(shop, Haste::Now, variables)
        .await?
        .data
        .webhook_subscription_update
        .ok_or_else(nothing)?;
    refused(answer.user_errors.into_iter().map(|error| error.message))?;
    Ok(gid.to_owned())
}

async fn end(cx: &Connector, shop: ShopId, gid: &str) -> Result<(), ShopifyError> {
    let variables = delete::Variables { id: gid.to_owned() };
    // Gone already is as good as deleted: what the answer says of that does not matter.
    cx.call::<WebhookSubscriptionDelete>(shop, Haste::Now, variables)
        .await
        .map(drop)
}

fn refused(messages: impl Iterator<Item = String>) -> Result<(), ShopifyError> {
    let messages: Vec<String> = messages.collect();
    if messages.is_empty() {
        return Ok(());
    }
    Err(ShopifyError::UserErrors { messages })
}

fn nothing() -> ShopifyError {
    ShopifyError::Unexpected("the payload is empty".to_owned())
}

fn word<T: serde::Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn existing(gid: &str, topic: &str, uri: &str) -> Existing {
        Existing {
            gid: gid.to_owned(),
            topic: topic.to_owned(),
            uri: uri.to_owned(),
        }
    }

    #[test]
    fn only_our_own_subscription_is_moved_to_a_new_address() {
        let rule = topics::rule("orders/create").expect("a topic");
        let all = [
            existing("g1", "ORDERS_CREATE", "https://staging.example/hook"),
            existing("g2", "ORDERS_CREATE", "https://old.example/hook"),
            existing("g3", "ORDERS_UPDATED", "https://new.example/hook"),
        ];
        let uri = "https://new.example/hook";
        assert_eq!(decide(rule, uri, &all, &["g2"]), Step::Move(&all[1]));
        assert_eq!(decide(rule, uri, &all, &[]), Step::Create);
        assert_eq!(
            decide(rule, "https://old.example/hook", &all, &[]),
            Step::Keep(&all[1])
        );
    }
}
