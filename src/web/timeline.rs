//! The timeline put into words: kind and arguments are stored, sentences are made when it is read.
use serde_json::Value;

use crate::erp::holds::HoldKind;
use crate::erp::orders::incoming::PaymentState;
use crate::erp::timeline::Kind;
use crate::erp::timeline::queries::EntryRow;
use crate::types::At;
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
        Kind::HoldPlaced | Kind::HoldReleased => "pause",
        Kind::StockReserved | Kind::StockReleased => "layers",
        Kind::PaymentChanged => "card",
        Kind::TotalsDiffer | Kind::PushFailed => "alert",
        Kind::Cancelled | Kind::DeletedAtSource => "x",
        Kind::FulfilledElsewhere | Kind::Shipped => "truck",
        Kind::TrackingCorrected => "tag",
        Kind::ShipmentUndone => "replay",
        Kind::Pushed | Kind::PushWaits => "sync",
        Kind::Printed => "printer",
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
        Kind::TotalsDiffer => format!(
            "The store says {}, the lines add up to {}",
            word(arguments, "channel"),
            word(arguments, "added")
        ),
        Kind::Cancelled => with_reason("Cancelled", &reason),
        Kind::DeletedAtSource => "Deleted in the store; it stays here".to_owned(),
        Kind::FulfilledElsewhere => "Shipped by somebody else".to_owned(),
        Kind::Echo => "The store confirmed our own shipment".to_owned(),
        Kind::Shipped => with_detail("Shipped", arguments),
        Kind::TrackingCorrected => with_detail("Tracking corrected", arguments),
        Kind::ShipmentUndone => with_detail("Shipment undone", arguments),
        Kind::Pushed => with_detail("Told the store", arguments),
        Kind::PushWaits => with_reason("The store will be told later", &reason),
        Kind::PushFailed => with_reason("The store could not be told", &reason),
        Kind::Printed => with_detail("Printed", arguments),
    }
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
