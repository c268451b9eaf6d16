//! How states of orders are called on screen, and in which tone.
use crate::erp::holds::HoldKind;
use crate::erp::orders::difference::{Change, Meaning};
use crate::erp::orders::incoming::PaymentState;
use crate::erp::orders::work_state::WorkState;
use crate::erp::payments::{PaymentKind, PaymentStatus};

/// A state's word and the tone of its badge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    pub text: String,
    /// As the macro `badge` takes it: `success plain`.
    pub kind: &'static str,
    /// So ordinary that a list shows it as grey text.
    pub quiet: bool,
}

fn badge(text: &str, kind: &'static str) -> Badge {
    Badge {
        text: text.to_owned(),
        kind,
        quiet: false,
    }
}

/// A badge for a word of a page of its own.
#[must_use]
pub fn plain_badge(text: &str, kind: &'static str) -> Badge {
    badge(text, kind)
}

fn quiet(text: &str, kind: &'static str) -> Badge {
    Badge {
        quiet: true,
        ..badge(text, kind)
    }
}

/// What is to be done with an order.
#[must_use]
pub fn state(state: WorkState, short: i64) -> Badge {
    match state {
        WorkState::Ready => badge("Ready", "success plain"),
        WorkState::Short => badge(&format!("Short {short}"), "warning"),
        WorkState::Unmapped => badge("Unmapped", "critical"),
        WorkState::NeedsReview => badge("Needs review", "warning"),
        WorkState::OnHold => badge("On hold", "neutral open"),
        WorkState::Scheduled => badge("Scheduled", "neutral open"),
        WorkState::AwaitingPickup => badge("Awaiting pickup", "neutral open"),
        WorkState::PartShipped => badge("Part shipped", "info half"),
        WorkState::Shipped => badge("Shipped", "success plain"),
        WorkState::ShippedByOthers => badge("Shipped elsewhere", "neutral"),
        WorkState::NothingToShip => badge("Nothing to ship", "neutral"),
        WorkState::Delivered => badge("Delivered", "success plain"),
        WorkState::Returned => badge("Returned", "neutral"),
        WorkState::Cancelled => badge("Cancelled", "neutral"),
        WorkState::DeletedAtSource => badge("Deleted in store", "neutral"),
    }
}

/// How the money stands.
#[must_use]
pub fn payment(state: PaymentState) -> Badge {
    match state {
        PaymentState::Paid => quiet("Paid", "success"),
        PaymentState::Authorized => badge("Authorised", "warning plain"),
        PaymentState::Pending => badge("Pending", "neutral plain"),
        PaymentState::PartiallyPaid => badge("Part paid", "info half plain"),
        PaymentState::PartiallyRefunded => badge("Part refunded", "neutral"),
        PaymentState::Refunded => badge("Refunded", "neutral"),
        PaymentState::Voided => badge("Voided", "neutral"),
        PaymentState::Expired => badge("Expired", "warning plain"),
        PaymentState::Unknown => badge("Unknown", "warning plain"),
    }
}

/// What was done with money, and how it ended: `captured`, `refund failed`.
#[must_use]
pub fn paid(kind: PaymentKind, status: PaymentStatus) -> &'static str {
    let (done, planned, failed) = match kind {
        PaymentKind::Authorization => (
            "authorised",
            "authorisation pending",
            "authorisation failed",
        ),
        PaymentKind::Capture => ("captured", "capture pending", "capture failed"),
        PaymentKind::Sale => ("paid", "payment pending", "payment failed"),
        PaymentKind::Refund => ("refunded", "refund pending", "refund failed"),
        PaymentKind::Void => ("voided", "void pending", "void failed"),
        PaymentKind::Change => ("given as change", "change pending", "change failed"),
        PaymentKind::SuggestedRefund => ("to refund", "to refund", "to refund"),
        PaymentKind::Unknown => ("moved", "pending", "failed"),
    };
    match status {
        PaymentStatus::Success => done,
        PaymentStatus::Pending | PaymentStatus::Unknown => planned,
        PaymentStatus::Failure | PaymentStatus::Error => failed,
    }
}

/// A gateway as a person writes it: `Shopify payments` of `shopify_payments`.
#[must_use]
pub fn gateway(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// How a kind of channel is called.
#[must_use]
pub fn channel(kind: &str) -> String {
    match kind {
        "shopify" => "Shopify".to_owned(),
        other => other.to_owned(),
    }
}

/// What keeps an order, as a sentence's subject.
#[must_use]
pub fn hold(kind: HoldKind) -> &'static str {
    match kind {
        HoldKind::Unmapped => "a product without an item",
        HoldKind::Unpaid => "missing payment",
        HoldKind::Checking => "a check with the store",
        HoldKind::Risk => "fraud risk",
        HoldKind::Address => "its address",
        HoldKind::Channel => "a hold in the store",
        HoldKind::Edit => "an edit that needs a decision",
        HoldKind::Manual => "a person",
    }
}

/// What a change means here: `2 pieces are not sent; waits for a decision`.
#[must_use]
pub fn meanings(change: &Change) -> String {
    let words: Vec<String> = change
        .means
        .iter()
        .map(|(meaning, pieces)| {
            let pieces = match pieces {
                1 => "1 piece".to_owned(),
                pieces => format!("{pieces} pieces"),
            };
            match meaning {
                Meaning::StockFreed => format!("stock of {pieces} is free again"),
                Meaning::ToShip => format!("{pieces} more to ship"),
                Meaning::OverShipped => format!("{pieces} left that are not ordered any more"),
                Meaning::PaysMore => "the customer pays more".to_owned(),
                Meaning::PaysLess => "the customer pays less".to_owned(),
                Meaning::Asked => "waits for a decision".to_owned(),
            }
        })
        .collect();
    words.join("; ")
}

/// `19%` from the decimal text `0.19`; the text itself where it is no such number.
#[must_use]
pub fn percent(rate: &str) -> String {
    let Some((whole, fraction)) = rate.split_once('.') else {
        return match rate {
            "" => String::new(),
            "0" => "0%".to_owned(),
            number if number.bytes().all(|byte| byte.is_ascii_digit()) => format!("{number}00%"),
            other => other.to_owned(),
        };
    };
    let padded = format!("{fraction:0<2}");
    let (hundredths, rest) = padded.split_at(2);
    let number = format!("{whole}{hundredths}");
    let number = number.trim_start_matches('0');
    let number = if number.is_empty() { "0" } else { number };
    match rest.trim_end_matches('0') {
        "" => format!("{number}%"),
        rest => format!("{number}.{rest}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_rate_is_told_in_percent() {
        assert_eq!(percent("0.19"), "19%");
        assert_eq!(percent("0.0825"), "8.25%");
        assert_eq!(percent("0.2"), "20%");
        assert_eq!(percent("0.0"), "0%");
        assert_eq!(percent(""), "");
    }
}
