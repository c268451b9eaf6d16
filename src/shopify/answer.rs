//! Understands a GraphQL answer: data, errors in both of Shopify's shapes, and what the call cost.
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::shopify::client::{Answer, RawAnswer, ShopifyError};

const LONGEST_WAIT_SECS: i64 = 60;

/// What a call cost and what is left, in whole points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub requested: i64,
    pub available: i64,
    pub maximum: i64,
    /// Points that come back each second.
    pub restore_rate: i64,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    errors: Option<Value>,
    extensions: Option<Value>,
}

/// Reads an answer; the cost is there even where the call failed.
pub(super) fn read<T: DeserializeOwned>(
    raw: &RawAnswer,
) -> (Result<Answer<T>, ShopifyError>, Option<Cost>) {
    if let Some(failure) = raw.failure() {
        return (Err(failure), None);
    }
    let envelope: Envelope<'_> = match serde_json::from_slice(&raw.body) {
        Ok(envelope) => envelope,
        Err(error) => return (Err(ShopifyError::Unexpected(error.to_string())), None),
    };
    let cost = envelope.extensions.as_ref().and_then(cost_of);
    if let Some(error) = envelope
        .errors
        .as_ref()
        .and_then(|errors| error_of(errors, cost))
    {
        return (Err(error), cost);
    }
    if let Some(field) = envelope.extensions.as_ref().and_then(misread_search) {
        let messages = vec![format!("it did not understand `{field}` in a search")];
        return (Err(ShopifyError::Rejected { messages }), cost);
    }
    let data = envelope.data.map_or("null", RawValue::get);
    let answer = serde_json::from_str(data)
        .map(|data| Answer {
            data,
            request_id: raw.header("x-request-id"),
            api_version: raw.header("x-shopify-api-version"),
            cost,
        })
        .map_err(|error| ShopifyError::Unexpected(error.to_string()));
    (answer, cost)
}

fn error_of(errors: &Value, cost: Option<Cost>) -> Option<ShopifyError> {
    if errors.is_null() {
        return None;
    }
    let Some(list) = errors.as_array() else {
        // On the level of HTTP and of tokens it is a plain text.
        return Some(ShopifyError::Rejected {
            messages: vec![text_of(errors)],
        });
    };
    if list.is_empty() {
        return None;
    }
    let code = |error: &Value| Some(error.get("extensions")?.get("code")?.as_str()?.to_owned());
    let first = |wanted: &str| {
        list.iter()
            .find(|error| code(error).as_deref() == Some(wanted))
    };
    let message = |error: &Value| error.get("message").map_or_else(|| text_of(error), text_of);
    if first("THROTTLED").is_some() {
        let retry_after = cost.map_or(Duration::from_secs(2), wait_for);
        return Some(ShopifyError::Throttled { retry_after });
    }
    if let Some(error) = first("MAX_COST_EXCEEDED") {
        let message = message(error);
        return Some(ShopifyError::TooExpensive { message });
    }
    if let Some(error) = first("ACCESS_DENIED") {
        let message = message(error);
        return Some(ShopifyError::AccessDenied { message });
    }
    if let Some(error) = first("INTERNAL_SERVER_ERROR") {
        return Some(ShopifyError::Unreachable {
            sent: true,
            reason: message(error),
        });
    }
    Some(ShopifyError::Rejected {
        messages: list.iter().map(message).collect(),
    })
}

// A search that Shopify reads only in part is no error to it: it then answers with everything there is.
fn misread_search(extensions: &Value) -> Option<String> {
    let mut searches = extensions.get("search")?.as_array()?.iter();
    let warning = searches.find_map(|search| search.get("warnings")?.as_array()?.first())?;
    Some(warning.get("field").map_or_else(|| "?".to_owned(), text_of))
}

fn text_of(value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    text.chars().take(500).collect()
}

fn cost_of(extensions: &Value) -> Option<Cost> {
    let cost = extensions.get("cost")?;
    let status = cost.get("throttleStatus")?;
    Some(Cost {
        requested: cost.get("requestedQueryCost").map_or(0, whole),
        available: whole(status.get("currentlyAvailable")?),
        maximum: whole(status.get("maximumAvailable")?),
        restore_rate: whole(status.get("restoreRate")?),
    })
}

// The numbers come as floats (`2000.0`): their text is cut at the point.
fn whole(number: &Value) -> i64 {
    let text = number.to_string();
    let whole = text.split('.').next().unwrap_or_default();
    whole.parse().unwrap_or(0)
}

fn wait_for(cost: Cost) -> Duration {
    let lacking = cost.requested.saturating_sub(cost.available).max(0);
    let seconds = lacking
        .div_euclid(cost.restore_rate.max(1))
        .saturating_add(1);
    Duration::from_secs(u64::try_from(seconds.min(LONGEST_WAIT_SECS)).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<Value, ShopifyError> {
        let raw = RawAnswer {
            status,
            headers: reqwest::header::HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        };
        read::<Value>(&raw).0.map(|answer| answer.data)
    }

    #[test]
    fn a_throttled_answer_says_how_long_to_wait() {
        let body = r#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],
            "extensions":{"cost":{"requestedQueryCost":862,"actualQueryCost":null,
            "throttleStatus":{"maximumAvailable":2000.0,"currentlyAvailable":362,"restoreRate":100.0}}}}"#;
        let retry_after = Duration::from_secs(6);
        assert_eq!(
            answer(200, body),
            Err(ShopifyError::Throttled { retry_after })
        );
    }

    #[test]
    fn a_search_that_was_not_understood_is_a_refusal() {
        let body = r#"{"data":{"orders":{"nodes":[]}},"extensions":{"search":[{"path":["orders"],"query":"updated:>=1",
            "warnings":[{"field":"updated","message":"Invalid search field for this query.","code":"invalid_field"}]}]}}"#;
        let refused = answer(200, body).expect_err("a refusal").to_string();
        assert!(refused.contains("`updated`"), "{refused}");
        let quiet = r#"{"data":1,"extensions":{"search":[{"path":["orders"],"warnings":[]}]}}"#;
        assert!(answer(200, quiet).is_ok());
    }

    #[test]
    fn each_failure_says_what_can_be_done() {
        let text = |body| answer(200, body).expect_err(body);
        assert!(matches!(
            text(
                r#"{"errors":[{"message":"m","extensions":{"code":"MAX_COST_EXCEEDED","cost":1293,"maxCost":1000}}]}"#
            ),
            ShopifyError::TooExpensive { .. }
        ));
        assert!(matches!(
            text(
                r#"{"data":{"order":null},"errors":[{"message":"no","extensions":{"code":"ACCESS_DENIED"}}]}"#
            ),
            ShopifyError::AccessDenied { .. }
        ));
        assert!(matches!(
            text(r#"{"errors":"Not Found"}"#),
            ShopifyError::Rejected { .. }
        ));
        assert!(matches!(text("<html>"), ShopifyError::Unexpected(_)));
        assert_eq!(
            answer(401, r#"{"errors":"[API] Invalid API key"}"#),
            Err(ShopifyError::Unauthorized)
        );
        assert!(matches!(
            answer(502, ""),
            Err(ShopifyError::Unreachable { sent: true, .. })
        ));
    }

    #[test]
    fn ids_above_two_to_the_53_stay_exact() {
        let data = answer(200, r#"{"data":{"id":18446744073709551615}}"#).expect("data");
        assert_eq!(data["id"].as_u64(), Some(u64::MAX));
    }
}
