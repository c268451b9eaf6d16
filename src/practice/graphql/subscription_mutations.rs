//! Subscribing to webhooks over the API.

use url::Url;

use super::mutations::payload;
use super::resolve::Ctx;
use super::value::{Args, Ref, Val, id};
use crate::practice::fulfillments::UserError;
use crate::practice::model::Subscription;
use crate::practice::oauth::is_loopback;
use crate::practice::{tokens, webhooks};

pub(super) fn subscription_payload(kind: &'static str, result: Result<u64, UserError>) -> Val {
    payload(
        kind,
        "webhookSubscription",
        "UserError",
        result.map(|id| Val::Ref(Ref::Subscription(id))),
    )
}

pub(super) fn create_subscription(ctx: &Ctx<'_>, args: &Args) -> Result<u64, UserError> {
    let topic = args.text("topic").unwrap_or_default();
    let input = args.inner("webhookSubscription");
    let needed = webhooks::scopes_for(&topic);
    if !needed.is_empty()
        && !needed
            .iter()
            .any(|scope| tokens::grants(&ctx.scopes, scope))
    {
        return Err(UserError::new(
            &["webhookSubscription"],
            "You cannot create a webhook subscription with the specified topic",
        ));
    }
    let uri = checked_uri(&input)?;
    let name = checked_name(&input)?;
    ctx.change(|state, now| {
        let taken = state
            .subscriptions
            .iter()
            .any(|one| one.topic == topic && one.uri == uri);
        if taken {
            return Err(UserError::new(
                &["webhookSubscription", "callbackUrl"],
                "Address for this topic has already been taken",
            ));
        }
        let id = state.id();
        let one = Subscription {
            id,
            topic: topic.clone(),
            uri,
            format: input.text("format").unwrap_or_else(|| "JSON".to_owned()),
            name,
            filter: input.text("filter"),
            include_fields: input.texts("includeFields"),
            metafield_namespaces: input.texts("metafieldNamespaces"),
            api_version: ctx.api_version.clone(),
            created_at: now,
            updated_at: now,
        };
        state.subscriptions.insert(id, one);
        Ok(id)
    })
}

/// An address Shopify would post to. Plain http is allowed on this machine only: the one stated exception.
fn checked_uri(input: &Args) -> Result<String, UserError> {
    let refuse = |message: &str| {
        Err(UserError::new(
            &["webhookSubscription", "callbackUrl"],
            message,
        ))
    };
    let Some(uri) = input
        .text("uri")
        .or_else(|| input.text("callbackUrl"))
        .filter(|uri| !uri.is_empty())
    else {
        return refuse("Address can't be blank");
    };
    if uri.starts_with("pubsub://") || uri.starts_with("arn:aws:events:") {
        return Ok(uri);
    }
    match Url::parse(&uri) {
        Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => {
            Ok(uri)
        }
        Ok(url) if url.scheme() == "http" => refuse("Address protocol http:// is not supported"),
        Ok(_) | Err(_) => refuse("Address is invalid"),
    }
}

fn checked_name(input: &Args) -> Result<Option<String>, UserError> {
    let Some(name) = input.text("name") else {
        return Ok(None);
    };
    let fits = name.len() <= 50
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
    if fits {
        Ok(Some(name))
    } else {
        Err(UserError::new(
            &["webhookSubscription", "name"],
            "Name is invalid",
        ))
    }
}

pub(super) fn update_subscription(ctx: &Ctx<'_>, args: &Args) -> Result<u64, UserError> {
    let input = args.inner("webhookSubscription");
    let uri = if input.is_set("uri") || input.is_set("callbackUrl") {
        Some(checked_uri(&input)?)
    } else {
        None
    };
    let name = checked_name(&input)?;
    ctx.change(|state, now| {
        let found = args
            .gid("id", "WebhookSubscription")
            .and_then(|id| state.subscriptions.get_mut(id));
        let one =
            found.ok_or_else(|| UserError::new(&["id"], "Webhook subscription does not exist"))?;
        if let Some(uri) = uri {
            one.uri = uri;
        }
        if input.has("name") {
            one.name = name;
        }
        if input.has("filter") {
            one.filter = input.text("filter");
        }
        if input.has("includeFields") {
            one.include_fields = input.texts("includeFields");
        }
        one.updated_at = now;
        Ok(one.id)
    })
}

pub(super) fn delete_subscription(ctx: &Ctx<'_>, args: &Args) -> Val {
    let number = args.gid("id", "WebhookSubscription");
    let removed = ctx.change(|state, _| number.and_then(|id| state.subscriptions.remove(id)));
    let result = removed
        .map(|one| id("WebhookSubscription", one.id))
        .ok_or_else(|| UserError::new(&["id"], "Webhook subscription does not exist"));
    payload(
        "WebhookSubscriptionDeletePayload",
        "deletedWebhookSubscriptionId",
        "UserError",
        result,
    )
}
