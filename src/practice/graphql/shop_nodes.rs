//! The shop, its app, its locations and its webhook subscriptions as GraphQL objects.

use serde_json::json;

use super::resolve::Ctx;
use super::value::{Obj, Ref, Val, id, leaf, maybe, null, obj, object, strings, time, unsigned};
use crate::practice::model::{Location, Subscription};
use crate::practice::payloads::ZONE;
use crate::practice::state::State;
use crate::practice::tokens;

/// The API versions the store serves.
pub(in crate::practice) const VERSIONS: [&str; 4] = ["2026-01", "2026-04", "2026-07", "2026-10"];

pub(super) fn make(state: &State, ctx: &Ctx<'_>, found: Ref) -> Option<Obj> {
    match found {
        Ref::Shop => Some(shop(state, ctx)),
        Ref::App => Some(app(ctx)),
        Ref::Installation => installation(state, ctx),
        Ref::Location(id) => state.locations.get(id).map(|one| location(state, one)),
        Ref::Subscription(id) => state.subscriptions.get(id).map(subscription),
        Ref::Product(_)
        | Ref::Variant(_)
        | Ref::Item(_)
        | Ref::Level(..)
        | Ref::Customer(_)
        | Ref::Order(_)
        | Ref::Line(..)
        | Ref::FulfillmentOrder(_)
        | Ref::Fulfillment(_)
        | Ref::Refund(..)
        | Ref::Return(..)
        | Ref::Transaction(..) => None,
    }
}

fn shop(state: &State, ctx: &Ctx<'_>) -> Obj {
    let domain = ctx.config.shop_domain.as_str();
    let place = state.shop_address();
    let offset =
        jiff::tz::TimeZone::get(ZONE).map_or(0, |zone| zone.to_offset(ctx.now).seconds() / 60);
    let address = object(
        "ShopAddress",
        [
            (
                "id",
                leaf(format!("gid://shopify/ShopAddress/{}", state.meta.shop_id)),
            ),
            ("address1", leaf(place.address1.as_str())),
            ("address2", null()),
            ("city", leaf(place.city.as_str())),
            ("zip", leaf(place.zip.as_str())),
            ("province", maybe(place.province.clone())),
            ("provinceCode", maybe(place.province_code.clone())),
            ("country", leaf(place.country.as_str())),
            ("countryCodeV2", leaf(place.country_code.as_str())),
            ("company", maybe(place.company.clone())),
            ("phone", maybe(place.phone.clone())),
        ],
    );
    let plan = object(
        "ShopPlan",
        [
            ("displayName", leaf("Basic")),
            ("publicDisplayName", leaf("Basic")),
            ("partnerDevelopment", leaf(true)),
            ("shopifyPlus", leaf(false)),
        ],
    );
    let primary = object(
        "Domain",
        [
            ("id", id("Domain", state.meta.shop_id)),
            ("host", leaf(domain)),
            ("url", leaf(format!("https://{domain}"))),
            ("sslEnabled", leaf(true)),
        ],
    );
    obj(
        "Shop",
        [
            ("id", id("Shop", state.meta.shop_id)),
            ("name", leaf("Fernwood Tea")),
            ("email", leaf("owner@fernwood-tea.example")),
            ("contactEmail", leaf("hello@fernwood-tea.example")),
            ("myshopifyDomain", leaf(domain)),
            ("url", leaf(format!("https://{domain}"))),
            ("primaryDomain", primary),
            ("currencyCode", leaf("USD")),
            (
                "enabledPresentmentCurrencies",
                strings(&["USD", "EUR", "JPY"]),
            ),
            ("ianaTimezone", leaf(ZONE)),
            (
                "timezoneAbbreviation",
                leaf(if offset == -480 { "PST" } else { "PDT" }),
            ),
            (
                "timezoneOffset",
                leaf(if offset == -480 { "-0800" } else { "-0700" }),
            ),
            ("timezoneOffsetMinutes", leaf(offset)),
            ("taxesIncluded", leaf(false)),
            ("taxShipping", leaf(false)),
            ("unitSystem", leaf("IMPERIAL_SYSTEM")),
            ("weightUnit", leaf("GRAMS")),
            ("orderNumberFormatPrefix", leaf("#")),
            ("orderNumberFormatSuffix", leaf("")),
            ("shopOwnerName", leaf("Fern Wood")),
            ("plan", plan),
            ("shopAddress", address),
            ("createdAt", time(state.meta.created_at)),
            ("updatedAt", time(state.meta.created_at)),
        ],
    )
}

fn app(ctx: &Ctx<'_>) -> Obj {
    obj(
        "App",
        [
            ("id", id("App", 580_111)),
            ("handle", leaf("counterfoil")),
            ("title", leaf("Counterfoil")),
            ("apiKey", leaf(ctx.config.client_id.as_str())),
            ("embedded", leaf(false)),
            ("webhookApiVersion", leaf(ctx.api_version.as_str())),
            ("installation", Val::Ref(Ref::Installation)),
        ],
    )
}

fn installation(state: &State, ctx: &Ctx<'_>) -> Option<Obj> {
    let known = state.meta.installation.as_ref()?;
    let scopes = tokens::expanded(&ctx.scopes);
    let scopes = scopes.iter().map(|scope| {
        object(
            "AccessScope",
            [
                ("handle", leaf(scope.as_str())),
                ("description", leaf(scope.replace('_', " "))),
            ],
        )
    });
    Some(obj(
        "AppInstallation",
        [
            ("id", id("AppInstallation", known.id)),
            ("app", Val::Ref(Ref::App)),
            ("accessScopes", Val::List(scopes.collect())),
            ("launchUrl", leaf("https://localhost/")),
            ("uninstallUrl", null()),
        ],
    ))
}

/// What every version is called and whether it is served.
pub(super) fn version(handle: &str) -> Val {
    object(
        "ApiVersion",
        [
            ("handle", leaf(handle)),
            (
                "displayName",
                leaf(if handle == "2026-10" {
                    "2026-10 (Latest)".to_owned()
                } else {
                    handle.to_owned()
                }),
            ),
            ("supported", leaf(VERSIONS.contains(&handle))),
        ],
    )
}

fn location(state: &State, one: &Location) -> Obj {
    let place = &one.address;
    let waiting = state
        .orders
        .iter()
        .flat_map(|order| &order.fulfillment_orders)
        .any(|fo| fo.location_id == one.id && fo.lines.iter().any(|line| line.remaining > 0));
    let address = object(
        "LocationAddress",
        [
            ("address1", leaf(place.address1.as_str())),
            ("address2", null()),
            ("city", leaf(place.city.as_str())),
            ("province", maybe(place.province.clone())),
            ("provinceCode", maybe(place.province_code.clone())),
            ("zip", leaf(place.zip.as_str())),
            ("country", leaf(place.country.as_str())),
            ("countryCode", leaf(place.country_code.as_str())),
            ("phone", maybe(place.phone.clone())),
            ("latitude", null()),
            ("longitude", null()),
            (
                "formatted",
                strings(&[
                    place.address1.as_str(),
                    place.city.as_str(),
                    place.country.as_str(),
                ]),
            ),
        ],
    );
    obj(
        "Location",
        [
            ("id", id("Location", one.id)),
            ("legacyResourceId", unsigned(one.id)),
            ("name", leaf(one.name.as_str())),
            ("isActive", leaf(!one.closed)),
            ("isPrimary", leaf(state.primary_location() == one.id)),
            ("isFulfillmentService", leaf(one.service)),
            ("fulfillsOnlineOrders", leaf(true)),
            ("shipsInventory", leaf(true)),
            ("hasActiveInventory", leaf(true)),
            ("hasUnfulfilledOrders", leaf(waiting)),
            ("activatable", leaf(true)),
            ("deactivatable", leaf(!waiting)),
            ("deletable", leaf(false)),
            ("deactivatedAt", null()),
            ("fulfillmentService", null()),
            ("addressVerified", leaf(true)),
            ("address", address),
            ("metafield", null()),
            ("createdAt", time(one.created_at)),
            ("updatedAt", time(one.created_at)),
        ],
    )
}

fn subscription(one: &Subscription) -> Obj {
    obj(
        "WebhookSubscription",
        [
            ("id", id("WebhookSubscription", one.id)),
            ("legacyResourceId", unsigned(one.id)),
            ("topic", leaf(one.topic.as_str())),
            ("uri", leaf(one.uri.as_str())),
            ("callbackUrl", leaf(one.uri.as_str())),
            ("format", leaf(one.format.as_str())),
            ("name", maybe(one.name.clone())),
            ("filter", Val::Leaf(json!(one.filter))),
            ("includeFields", strings(&one.include_fields)),
            ("metafieldNamespaces", strings(&one.metafield_namespaces)),
            ("apiVersion", version(&one.api_version)),
            ("createdAt", time(one.created_at)),
            ("updatedAt", time(one.updated_at)),
        ],
    )
}
