//! The store's side of OAuth: the consent page, the signed way back, the token endpoint.

use std::collections::BTreeMap;

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use url::Url;
use url::form_urlencoded::{self, byte_serialize};

use super::tokens::{self, Refused};
use super::{Practice, pages};

/// What the app asks the owner for.
struct Asked {
    redirect_uri: Url,
    state: String,
    scopes: Vec<String>,
}

#[derive(Template)]
#[template(path = "practice/consent.html")]
struct ConsentPage<'a> {
    shop: &'a str,
    client_id: &'a str,
    redirect_uri: &'a str,
    state: &'a str,
    scope: &'a str,
    readable: Vec<String>,
    installed: bool,
}

/// `GET /admin/oauth/authorize`
pub(super) async fn new(practice: web::Data<Practice>, request: HttpRequest) -> HttpResponse {
    let query = pairs(request.query_string());
    let asked = match asked(&practice, &query) {
        Ok(asked) => asked,
        Err(message) => return refused(message),
    };
    let config = practice.config();
    pages::html(&ConsentPage {
        shop: &config.shop_domain,
        client_id: &config.client_id,
        redirect_uri: asked.redirect_uri.as_str(),
        state: &asked.state,
        scope: &asked.scopes.join(","),
        readable: asked.scopes.iter().map(|scope| readable(scope)).collect(),
        installed: practice.read(|state| state.meta.installation.is_some()),
    })
}

/// `POST /admin/oauth/authorize`: the owner pressed Install.
pub(super) async fn create(practice: web::Data<Practice>, body: web::Bytes) -> HttpResponse {
    let form = pairs(&String::from_utf8_lossy(&body));
    let asked = match asked(&practice, &form) {
        Ok(asked) => asked,
        Err(message) => return refused(message),
    };
    let code =
        practice.change(|state, now| (tokens::install(state, &asked.scopes, now), now.as_second()));
    let (code, timestamp) = code;
    let config = practice.config();
    let name = config.shop_domain.trim_end_matches(".myshopify.com");
    let mut answer: BTreeMap<String, String> = BTreeMap::from([
        ("code".to_owned(), code),
        (
            "host".to_owned(),
            STANDARD_NO_PAD.encode(format!("admin.shopify.com/store/{name}")),
        ),
        ("shop".to_owned(), config.shop_domain.clone()),
        ("state".to_owned(), asked.state),
        ("timestamp".to_owned(), timestamp.to_string()),
    ]);
    let signature = sign(&canonical(&answer), config.client_secret.expose_secret());
    answer.insert("hmac".to_owned(), signature);
    let mut target = asked.redirect_uri;
    target.query_pairs_mut().extend_pairs(answer);
    HttpResponse::Found()
        .insert_header((LOCATION, target.to_string()))
        .finish()
}

/// `POST /admin/oauth/access_token`, as JSON or as a form.
pub(super) async fn create_token(
    practice: web::Data<Practice>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let is_json = request
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    let fields = if is_json {
        json_fields(&body)
    } else {
        pairs(&String::from_utf8_lossy(&body))
    };
    match grant(&practice, &fields) {
        Ok(answer) => pages::json(200, &answer),
        Err(Refused {
            error: "invalid_client",
            description,
        }) => pages::json(
            401,
            &json!({"error": "invalid_client", "error_description": description}),
        ),
        Err(Refused { error, description }) => pages::json(
            400,
            &json!({"error": error, "error_description": description}),
        ),
    }
}

fn grant(practice: &Practice, fields: &BTreeMap<String, String>) -> Result<Value, Refused> {
    let config = practice.config();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let secret = config.client_secret.expose_secret();
    if field("client_id") != config.client_id
        || !bool::from(field("client_secret").as_bytes().ct_eq(secret.as_bytes()))
    {
        return Err(Refused {
            error: "invalid_client",
            description: "The client ID or secret is wrong",
        });
    }
    let lifetime = config.token_lifetime_secs;
    practice.change(|state, now| match field("grant_type") {
        "" | "authorization_code" if !field("code").is_empty() => tokens::exchange(
            state,
            field("code"),
            field("expiring") == "1",
            lifetime,
            now,
        ),
        "refresh_token" => tokens::refresh(state, field("refresh_token"), lifetime, now),
        "client_credentials" => Ok(tokens::client_credentials(state, &default_scopes(), now)),
        _ => Err(Refused {
            error: "invalid_request",
            description: "The grant type is not supported or a field is missing",
        }),
    })
}

/// What an app of the store's own organisation was released with.
pub(super) fn default_scopes() -> Vec<String> {
    tokens::compact(
        "write_orders,write_customers,write_products,write_inventory,read_locations,\
         write_merchant_managed_fulfillment_orders,read_third_party_fulfillment_orders,\
         read_assigned_fulfillment_orders,write_fulfillments,write_returns,write_draft_orders,write_order_edits",
    )
}

fn asked(practice: &Practice, fields: &BTreeMap<String, String>) -> Result<Asked, &'static str> {
    let config = practice.config();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if field("client_id") != config.client_id {
        return Err(
            "Oauth error invalid_request: Could not find Shopify API application with api_key",
        );
    }
    let redirect_uri = Url::parse(field("redirect_uri")).map_err(
        |_not_a_url| "Oauth error invalid_request: The redirect_uri is missing or not a URL",
    )?;
    let allowed = if config.redirect_prefixes.is_empty() {
        is_loopback(&redirect_uri)
    } else {
        config
            .redirect_prefixes
            .iter()
            .any(|prefix| redirect_uri.as_str().starts_with(prefix))
    };
    if !allowed {
        return Err("Oauth error invalid_request: The redirect_uri is not whitelisted");
    }
    let scopes = tokens::compact(field("scope"));
    if scopes.is_empty() || !scopes.iter().all(|scope| tokens::is_known_scope(scope)) {
        return Err("Oauth error invalid_scope: Your app requested invalid scopes");
    }
    if field("state").is_empty() {
        return Err("Oauth error invalid_request: The state is missing");
    }
    Ok(Asked {
        redirect_uri,
        state: field("state").to_owned(),
        scopes,
    })
}

/// Whether an address stays on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn refused(message: &str) -> HttpResponse {
    pages::json(
        400,
        &json!({"error": "invalid_request", "error_description": message}),
    )
}

/// `write_merchant_managed_fulfillment_orders` in words.
fn readable(scope: &str) -> String {
    let (verb, rest) = scope.split_once('_').unwrap_or(("use", scope));
    let verb = if verb == "write" {
        "View and edit"
    } else {
        "View"
    };
    format!("{verb} {}", rest.replace('_', " "))
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

fn json_fields(body: &[u8]) -> BTreeMap<String, String> {
    let Ok(Value::Object(map)) = serde_json::from_slice::<Value>(body) else {
        return BTreeMap::new();
    };
    map.into_iter()
        .map(|(key, value)| {
            (
                key,
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            )
        })
        .collect()
}

/// The text Shopify signs: sorted `key=value` pairs, each side written as a form writes it.
fn canonical(fields: &BTreeMap<String, String>) -> String {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    fields
        .iter()
        .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

fn sign(message: &str, secret: &str) -> String {
    // An HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(message.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callback_is_signed_as_shopify_documents_it() {
        let message = "code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com&state=0.6784241404160823&timestamp=1337178173";
        assert_eq!(canonical(&pairs(message)), message);
        assert_eq!(
            sign(message, "hush"),
            "700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf"
        );
    }

    #[test]
    fn values_are_signed_as_a_form_writes_them() {
        let fields = pairs(
            "state=a+b%2Bc%2F%3D&timestamp=1795000000&shop=demo.myshopify.com&host=YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvZGVtbw&code=abc123",
        );
        let message = canonical(&fields);
        assert!(message.ends_with("state=a+b%2Bc%2F%3D&timestamp=1795000000"));
        assert_eq!(
            sign(&message, "shpss_test"),
            "624fb8b1fd8bd9c832b8acedf9e4fd2a373c08308f4c9e8d5e93ee5e6bb01394"
        );
    }
}
