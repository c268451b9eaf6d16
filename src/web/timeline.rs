//! The timeline put into words: kind and arguments are stored, sentences are made when it is read.
use serde_json::Value;

use crate::erp::deliveries::flow::State;
use crate::erp::holds::HoldKind;
use crate::erp::orders::incoming::PaymentState;
use crate::erp::payments::{PaymentKind, PaymentStatus};
use crate::erp::timeline::Kind;
use crate::erp::timeline::queries::EntryRow;
use crate::types::At;
use crate::web::deliveries;
use crate::web::orders::words;

/// An entry as a page shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub icon: &'static str,
    pub text: String,
    pub meta: String,
    /// The event behind it, for a link.
    pub event: Option<String>,
    pub ms: Option<i64>,
    pub at: At,
}

/// Puts an entry into words.
#[must_use]
pub fn shown(row: &EntryRow) -> Shown {
    let arguments: Value = serde_json::from_str(&row.arguments).unwrap_or_default();
    let who = row.user_name.clone().unwrap_or_default();
    let by = word(&arguments, "by");
    let source = row.source.clone().unwrap_or_default();
    let event = source.strip_prefix("event:").map(str::to_owned);
    let behind = match (&event, source.is_empty()) {
        (Some(event), _) => format!("event {event}"),
        (None, false) => source.replace(':', " "),
        (None, true) => String::new(),
    };
    let request = row
        .request_id
        .as_ref()
        .map(|id| format!("request {id}"))
        .unwrap_or_default();
    let meta: Vec<String> = [by, behind, request, who]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    Shown {
        icon: icon(row.kind),
        text: sentence(row.kind, &arguments),
        meta: if meta.is_empty() {
            "Automatic".to_owned()
        } else {
            meta.join(" · ")
        },
        event,
        ms: row.micros.map(|micros| micros / 1000),
        at: row.at,
    }
}

fn icon(kind: Kind) -> &'static str {
    match kind {
        Kind::Received | Kind::Updated | Kind::Echo => "events",
        Kind::Mapped | Kind::Unmapped => "map",
        Kind::EditDecided => "check",
        Kind::HoldPlaced | Kind::HoldReleased => "pause",
        Kind::StockReserved | Kind::StockReleased => "layers",
        Kind::PaymentChanged | Kind::Paid | Kind::Refunded | Kind::RefundSettled => "card",
        Kind::TotalsDiffer | Kind::PushFailed => "alert",
        Kind::CancellationRefused => "alert",
        Kind::Cancelled | Kind::CancellationAsked | Kind::DeletedAtSource => "x",
        Kind::FulfilledElsewhere | Kind::Shipped => "truck",
        Kind::ElsewhereCancelled => "replay",
        Kind::Arrived => "check",
        Kind::TrackingCorrected => "tag",
        Kind::ShipmentUndone | Kind::ReturnChanged => "replay",
        Kind::Pushed | Kind::PushWaits => "sync",
        Kind::Printed => "printer",
        Kind::Redacted => "user",
        Kind::Delivery => "truck",
    }
}

fn word(arguments: &Value, key: &str) -> String {
    match arguments.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
            other.to_string()
        }
    }
}

fn number(arguments: &Value, key: &str) -> i64 {
    arguments.get(key).and_then(Value::as_i64).unwrap_or(0)
}

fn sentence(kind: Kind, arguments: &Value) -> String {
    let reason = word(arguments, "reason");
    match kind {
        Kind::Received => match number(arguments, "lines") {
            1 => "Order received with 1 line".to_owned(),
            lines => format!("Order received with {lines} lines"),
        },
        Kind::Updated => format!("Changed in the store: {}", list(arguments, "what")),
        Kind::EditDecided => decided(arguments),
        Kind::Mapped => "Item known: a product of this order was mapped".to_owned(),
        Kind::Unmapped => "A mapping was taken back: a line has no item".to_owned(),
        Kind::HoldPlaced => format!("Held by {}", hold(arguments)),
        Kind::HoldReleased => format!("No longer held by {}", hold(arguments)),
        Kind::StockReserved => reserved(arguments),
        Kind::StockReleased => "Reserved stock given back".to_owned(),
        Kind::PaymentChanged => format!(
            "Payment: {}, was {}",
            payment(arguments, "to"),
            payment(arguments, "from").to_lowercase()
        ),
        Kind::Paid => paid(arguments),
        Kind::TotalsDiffer if word(arguments, "added").is_empty() => {
            "The store's totals do not follow from their parts".to_owned()
        }
        Kind::TotalsDiffer => format!(
            "The store says {}, the lines add up to {}",
            word(arguments, "channel"),
            word(arguments, "added")
        ),
        Kind::Refunded => refunded(arguments),
        Kind::RefundSettled => format!("Refund: {}", list(arguments, "payments")),
        Kind::ReturnChanged => returned(arguments),
        Kind::CancellationAsked => with_reason("The store is asked to cancel it", &reason),
        Kind::CancellationRefused => with_reason("The store did not cancel it", &reason),
        Kind::Cancelled => with_reason("Cancelled", &reason),
        Kind::DeletedAtSource => "Deleted in the store; it stays here".to_owned(),
        Kind::Redacted => "Personal data erased, as the customer or the store asked".to_owned(),
        Kind::FulfilledElsewhere => elsewhere(arguments),
        Kind::ElsewhereCancelled => {
            "Cancelled in the store: what others had shipped is open again".to_owned()
        }
        Kind::Arrived => with_reason("Arrived", &list(arguments, "tracking")),
        Kind::Echo => "The store confirmed our own shipment".to_owned(),
        Kind::Shipped => sent(arguments),
        Kind::TrackingCorrected => format!(
            "Tracking corrected: {}, was {}",
            or_none(&list(arguments, "after")),
            or_none(&list(arguments, "before"))
        ),
        Kind::ShipmentUndone if arguments.get("by_channel").is_some() => {
            "Shipment cancelled in the store: its pieces are back in stock and open again"
                .to_owned()
        }
        Kind::ShipmentUndone => {
            "Shipment undone: its pieces are back in stock and open again".to_owned()
        }
        Kind::Pushed => pushed(arguments).to_owned(),
        Kind::PushWaits => with_reason("The store will be told later", &reason),
        Kind::PushFailed => with_reason("The store could not be told", &reason),
        Kind::Printed => with_detail("Printed", arguments),
        Kind::Delivery => words_of_delivery(arguments),
    }
}

/// `$117.71 captured · shopify_payments`
fn paid(arguments: &Value) -> String {
    let kind = word(arguments, "kind")
        .parse()
        .unwrap_or(PaymentKind::Unknown);
    let status = word(arguments, "status")
        .parse()
        .unwrap_or(PaymentStatus::Unknown);
    let (amount, gateway) = (
        word(arguments, "amount"),
        words::gateway(&word(arguments, "gateway")),
    );
    let text = format!("{amount} {} · {gateway}", words::paid(kind, status));
    with_detail(text.trim_start(), arguments)
}

/// `Edit decided: 2 accepted, 1 rejected`.
fn decided(arguments: &Value) -> String {
    let parts: Vec<String> = ["accepted", "rejected"]
        .into_iter()
        .map(|key| (number(arguments, key), key))
        .filter(|(count, _key)| *count > 0)
        .map(|(count, key)| format!("{count} {key}"))
        .collect();
    with_reason("Edit decided", &parts.join(", "))
}

fn reserved(arguments: &Value) -> String {
    let (pieces, short) = (number(arguments, "pieces"), number(arguments, "short"));
    let word = if pieces == 1 { "piece" } else { "pieces" };
    if short > 0 {
        format!("{pieces} {word} reserved, {short} short")
    } else {
        format!("{pieces} {word} reserved")
    }
}

/// `3 pieces shipped with UPS, 1Z999`.
fn sent(arguments: &Value) -> String {
    let pieces = number(arguments, "pieces");
    let carrier = word(arguments, "carrier");
    let tracking = list(arguments, "tracking");
    let mut text = match pieces {
        1 => "1 piece shipped".to_owned(),
        pieces => format!("{pieces} pieces shipped"),
    };
    if !carrier.is_empty() {
        text.push_str(" with ");
        text.push_str(&carrier);
    }
    if !tracking.is_empty() {
        text.push_str(", ");
        text.push_str(&tracking);
    }
    text
}

/// `Refunded USD 12.00 and 2 pieces; USD 3.00 are on their way`.
fn refunded(arguments: &Value) -> String {
    let paid = list(arguments, "paid");
    let pieces = match number(arguments, "pieces") {
        0 => String::new(),
        1 => "1 piece".to_owned(),
        pieces => format!("{pieces} pieces"),
    };
    let what: Vec<String> = [paid, pieces]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    let mut text = match what.as_slice() {
        [] => "Refunded".to_owned(),
        what => format!("Refunded {}", what.join(" and ")),
    };
    let pending = list(arguments, "pending");
    if !pending.is_empty() {
        text.push_str("; on its way: ");
        text.push_str(&pending);
    }
    text
}

/// `Return #1001-R1 is open: 2 pieces; 2 back on hand`.
fn returned(arguments: &Value) -> String {
    let mut text = format!(
        "Return {} is {}",
        word(arguments, "name"),
        word(arguments, "status")
    );
    let count = |key: &str, one: &str, many: &str| match number(arguments, key) {
        0 => String::new(),
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    let parts: Vec<String> = [
        count("pieces", "piece", "pieces"),
        count("exchanged", "sent in their place", "sent in their place"),
        count("restocked", "back on hand", "back on hand"),
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect();
    if !parts.is_empty() {
        text.push_str(": ");
        text.push_str(&parts.join("; "));
    }
    text
}

/// `2 pieces shipped with UPS, 1Z999 by somebody else; 2 were taken out of our stock`.
fn elsewhere(arguments: &Value) -> String {
    let mut text = sent(arguments);
    text.push_str(" by somebody else");
    let (taken, missing) = (number(arguments, "taken"), number(arguments, "missing"));
    if taken > 0 {
        text.push_str(&format!("; {taken} taken out of our stock"));
    }
    if missing > 0 {
        text.push_str(&format!("; {missing} were not in our stock: count it"));
    }
    text
}

fn pushed(arguments: &Value) -> &'static str {
    let adopted = arguments.get("adopted").and_then(Value::as_bool) == Some(true);
    match word(arguments, "what").as_str() {
        "fulfillment" if adopted => "The store has the shipment: its lost answer was looked up",
        "fulfillment" => "The store was told of the shipment",
        "tracking" => "The store was told the new tracking",
        "cancellation" => "The store was told that the shipment is undone",
        "order cancellation" => "The store has cancelled it, as it was asked",
        "hold" => "Put on hold in the store as well",
        "release" => "Our hold was released in the store as well",
        _ => "The store was told",
    }
}

fn words_of_delivery(arguments: &Value) -> String {
    let state = word(arguments, "to").parse::<State>();
    state.map_or("Local delivery".to_owned(), |state| {
        format!(
            "Local delivery: {}",
            deliveries::words::state(state).text.to_lowercase()
        )
    })
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn with_reason(text: &str, reason: &str) -> String {
    if reason.is_empty() {
        text.to_owned()
    } else {
        format!("{text}: {reason}")
    }
}

/// What the writer of the entry had to say beyond its kind: the argument `text`.
fn with_detail(text: &str, arguments: &Value) -> String {
    with_reason(text, &word(arguments, "text"))
}

fn hold(arguments: &Value) -> &'static str {
    word(arguments, "kind")
        .parse::<HoldKind>()
        .map_or("a hold", words::hold)
}

fn payment(arguments: &Value, key: &str) -> String {
    word(arguments, key)
        .parse::<PaymentState>()
        .map_or_else(|word| word, |state| words::payment(state).text)
}

fn list(arguments: &Value, key: &str) -> String {
    let words: Vec<&str> = arguments
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_happened_is_told_in_a_sentence() {
        let said = |kind, arguments| sentence(kind, &arguments);
        let shipped = json!({ "pieces": 3, "carrier": "UPS", "tracking": ["1Z", "2Z"] });
        assert_eq!(
            said(Kind::Shipped, shipped),
            "3 pieces shipped with UPS, 1Z, 2Z"
        );
        let paid = json!({ "from": "pending", "to": "paid" });
        assert_eq!(
            said(Kind::PaymentChanged, paid),
            "Payment: Paid, was pending"
        );
        let held = json!({ "kind": "unpaid", "cause": "" });
        assert_eq!(said(Kind::HoldPlaced, held), "Held by missing payment");
        let short = json!({ "pieces": 1, "short": 2 });
        assert_eq!(
            said(Kind::StockReserved, short),
            "1 piece reserved, 2 short"
        );
        // A kind whose arguments are missing still says something.
        for kind in Kind::ALL {
            assert!(!said(*kind, json!({})).is_empty());
        }
    }
}
