//! What holds an order, in words, with where it is mended and who may let it go.
use super::super::edits;
use super::ChannelView;
use crate::erp::holds::HoldKind;
use crate::erp::holds::queries::HoldRow;
use crate::erp::orders::cancellations::CAUSE as CANCELLATION;
use crate::erp::orders::queries::OrderRow;
use crate::web::orders::show::LineView;

/// A hold with its remedy.
pub struct HoldView {
    pub id: i64,
    pub text: String,
    pub note: Option<String>,
    /// Where it is mended, if there is a place: path and words.
    pub remedy: Option<(String, &'static str)>,
    /// What the button says by which a person releases it; `None`: not here, or not this person.
    pub release: Option<&'static str>,
}

/// What is known beside the hold itself.
pub(super) struct Around<'a> {
    pub(super) order: &'a OrderRow,
    pub(super) lines: &'a [LineView],
    pub(super) reviews: &'a [edits::Row],
    pub(super) told: Option<&'a ChannelView>,
    pub(super) may_overrule: bool,
}

pub(super) fn view(hold: &HoldRow, around: &Around<'_>) -> HoldView {
    let line = around.lines.iter().find(|line| line.cause == hold.cause);
    HoldView {
        id: hold.id,
        text: text(hold, line, around.told),
        note: hold.note.clone(),
        remedy: remedy(hold, line, around),
        release: release(hold, around.may_overrule),
    }
}

fn text(hold: &HoldRow, line: Option<&LineView>, told: Option<&ChannelView>) -> String {
    match hold.kind {
        HoldKind::Unmapped => match line {
            Some(line) => format!("{} has no item here.", line.title),
            None => "A product of this order has no item here.".to_owned(),
        },
        HoldKind::Unpaid => "It is not paid yet. It is released by the payment.".to_owned(),
        HoldKind::Checking => told
            .and_then(|told| told.trouble.clone())
            .unwrap_or_else(|| {
                "Checking with Shopify: its risk, its holds, who ships it.".to_owned()
            }),
        HoldKind::Risk => risk_words(&hold.cause),
        HoldKind::Address => format!(
            "The address lacks: {}. Correct it in the store.",
            hold.cause
        ),
        HoldKind::Channel => "It is on hold in the store, and released there:".to_owned(),
        HoldKind::Edit => "It was edited after something had been shipped.".to_owned(),
        HoldKind::Manual if hold.cause == CANCELLATION => {
            "The store is asked to cancel it: nothing leaves meanwhile.".to_owned()
        }
        HoldKind::Manual => "It is on hold.".to_owned(),
    }
}

fn remedy(
    hold: &HoldRow,
    line: Option<&LineView>,
    around: &Around<'_>,
) -> Option<(String, &'static str)> {
    match (hold.kind, line) {
        (HoldKind::Unmapped, Some(line)) if line.has_variant => Some((
            format!("/mappings?view=unmapped&q={}", line.search()),
            "Map it",
        )),
        (HoldKind::Unmapped, Some(line)) => Some((format!("#line-{}", line.id), "Choose its item")),
        (HoldKind::Edit, _) => {
            let pending = around.reviews.iter().rfind(|row| row.is_pending());
            pending.map(|row| {
                let path = format!("/orders/{}/edits/{}", around.order.id, row.version);
                (path, "Review the edit")
            })
        }
        (HoldKind::Unmapped | HoldKind::Manual, _) => None,
        (
            HoldKind::Unpaid
            | HoldKind::Checking
            | HoldKind::Risk
            | HoldKind::Address
            | HoldKind::Channel,
            _,
        ) => around
            .told
            .map(|_told| ("#in-store".to_owned(), "What the store says")),
    }
}

fn release(hold: &HoldRow, may_overrule: bool) -> Option<&'static str> {
    match hold.kind {
        // They end with a decision elsewhere, never by a button here.
        HoldKind::Channel | HoldKind::Edit => None,
        HoldKind::Manual if hold.cause == CANCELLATION => None,
        HoldKind::Checking | HoldKind::Risk if !may_overrule => None,
        HoldKind::Checking => Some("Ship anyway"),
        HoldKind::Risk => Some("It is all right"),
        HoldKind::Address => Some("Ship to it anyway"),
        HoldKind::Unpaid => Some("Ship before it is paid"),
        HoldKind::Unmapped | HoldKind::Manual => Some("Release"),
    }
}

/// `high/cancel`: how risky it is, and what the store would do.
fn risk_words(cause: &str) -> String {
    let (level, advice) = cause.split_once('/').unwrap_or((cause, ""));
    let advice = match advice {
        "cancel" => " Shopify would cancel it.",
        "investigate" => " Shopify would look into it.",
        _ => "",
    };
    match level {
        "high" | "medium" | "low" => format!("The risk of fraud is {level}.{advice}"),
        _ => format!("There may be fraud.{advice}"),
    }
}
