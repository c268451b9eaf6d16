//! Which of Shopify's fulfillment orders a shipment fulfils, and what a look at Shopify proves about a
//! call whose answer was lost. Pure: decided from what was read just before.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Shopify's side of an order, as far as shipping goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remote {
    pub orders: Vec<RemoteOrder>,
    pub fulfillments: Vec<RemoteFulfillment>,
}

/// One fulfillment order: lines that one location ships.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteOrder {
    pub gid: String,
    pub location: Option<String>,
    /// Shopify lets us fulfil it now.
    pub can_fulfil: bool,
    /// Why not, and what helps, in words.
    pub obstacle: String,
    pub lines: Vec<RemoteLine>,
}

/// A line of a fulfillment order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteLine {
    pub gid: String,
    /// The order line's gid.
    pub line_item: String,
    pub remaining: i64,
}

/// A fulfilment that stands in Shopify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFulfillment {
    pub gid: String,
    pub is_live: bool,
    pub numbers: Vec<String>,
    /// Order line's gid and pieces.
    pub lines: BTreeMap<String, i64>,
}

/// One call to make: lines of fulfillment orders at one location.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub location: Option<String>,
    /// Fulfillment order, its line, pieces.
    pub parts: Vec<Part>,
}

/// Pieces of one line of a fulfillment order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub fulfillment_order: String,
    pub line: String,
    /// The order line's gid.
    pub line_item: String,
    pub quantity: i64,
}

/// What Shopify showed just before the call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreImage {
    pub fulfillments: Vec<String>,
    /// Fulfillment-order line to pieces that remained.
    pub remaining: BTreeMap<String, i64>,
    /// When Shopify was looked at since the answer was lost, and showed no change (microseconds UTC).
    pub looks: Vec<i64>,
}

/// What a look proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// This fulfilment is ours: the call had worked.
    Adopt(String),
    /// Nothing has changed: the call had not worked, as far as this look can tell.
    Unchanged,
    /// Something else happened; a person has to see both sides.
    Unclear(String),
}

impl Intent {
    /// Pieces by order line.
    #[must_use]
    pub fn pieces(&self) -> BTreeMap<String, i64> {
        let mut pieces = BTreeMap::new();
        for part in &self.parts {
            *pieces.entry(part.line_item.clone()).or_insert(0) += part.quantity;
        }
        pieces
    }
}

impl Remote {
    /// What is kept before the calls are made.
    #[must_use]
    pub fn pre_image(&self) -> PreImage {
        PreImage {
            fulfillments: self.fulfillments.iter().map(|f| f.gid.clone()).collect(),
            remaining: self.remaining(),
            looks: Vec::new(),
        }
    }

    fn remaining(&self) -> BTreeMap<String, i64> {
        let lines = self.orders.iter().flat_map(|order| &order.lines);
        lines
            .map(|line| (line.gid.clone(), line.remaining))
            .collect()
    }
}

/// Spreads what is to be shipped over the fulfillment orders that can be fulfilled: those of the
/// shipment's own location first. One intent per location.
///
/// # Errors
///
/// In words: how much of it Shopify does not let us fulfil, and why.
pub fn plan(
    remote: &Remote,
    wanted: &BTreeMap<String, i64>,
    location: Option<&str>,
) -> Result<Vec<Intent>, String> {
    let mut left = wanted.clone();
    let mut orders: Vec<&RemoteOrder> = remote.orders.iter().filter(|o| o.can_fulfil).collect();
    orders.sort_by_key(|order| order.location.as_deref() != location);
    let mut intents: BTreeMap<Option<String>, Intent> = BTreeMap::new();
    for order in orders {
        for line in &order.lines {
            let open = left.get(&line.line_item).copied().unwrap_or(0);
            let quantity = open.min(line.remaining);
            if quantity <= 0 {
                continue;
            }
            left.insert(line.line_item.clone(), open - quantity);
            let intent = intents
                .entry(order.location.clone())
                .or_insert_with(|| Intent {
                    location: order.location.clone(),
                    parts: Vec::new(),
                });
            intent.parts.push(Part {
                fulfillment_order: order.gid.clone(),
                line: line.gid.clone(),
                line_item: line.line_item.clone(),
                quantity,
            });
        }
    }
    let missing: i64 = left.values().sum();
    if missing == 0 {
        return Ok(intents.into_values().collect());
    }
    Err(why_not(remote, wanted, missing))
}

fn why_not(remote: &Remote, wanted: &BTreeMap<String, i64>, missing: i64) -> String {
    let mut obstacles: Vec<&str> = remote
        .orders
        .iter()
        .filter(|order| !order.can_fulfil)
        .filter(|order| {
            let open =
                |line: &RemoteLine| line.remaining > 0 && wanted.contains_key(&line.line_item);
            order.lines.iter().any(open)
        })
        .map(|order| order.obstacle.as_str())
        .collect();
    obstacles.sort_unstable();
    obstacles.dedup();
    if remote.orders.is_empty() {
        "Shopify shows no fulfillment orders for this order: the scopes for fulfillment orders are missing, or another app ships it".to_owned()
    } else if obstacles.is_empty() {
        format!(
            "in Shopify {missing} fewer pieces are left to ship than this shipment holds: they were shipped or removed there. Undo this shipment, fetch the order, and ship what is left"
        )
    } else {
        format!(
            "Shopify does not let {missing} pieces be shipped now: {}. Then replay",
            obstacles.join("; ")
        )
    }
}

/// Why a fulfillment order cannot be fulfilled now. `holds`: who keeps it, and why.
#[must_use]
pub fn obstacle(status: &str, place: &str, opens: Option<&str>, holds: &[String]) -> String {
    match status {
        "ON_HOLD" if holds.is_empty() => {
            format!("what {place} ships is on hold, release it in Shopify")
        }
        "ON_HOLD" => format!(
            "what {place} ships is on hold ({}), release it in Shopify",
            holds.join(", ")
        ),
        "SCHEDULED" => format!(
            "what {place} ships is scheduled for {}, open it in Shopify",
            opens.unwrap_or("later")
        ),
        "IN_PROGRESS" | "OPEN" => format!(
            "{place} is another service's and ships it itself, take it back in Shopify or undo this shipment"
        ),
        other => format!(
            "what {place} ships is {}, look at it in Shopify",
            other.to_lowercase().replace('_', " ")
        ),
    }
}

/// What became of a call whose answer was lost. `ours` are fulfilments that other calls of ours made.
#[must_use]
pub fn look_up(
    remote: &Remote,
    intent: &Intent,
    numbers: &[String],
    before: &PreImage,
    ours: &[String],
) -> Finding {
    let news: Vec<&RemoteFulfillment> = remote
        .fulfillments
        .iter()
        .filter(|f| f.is_live && !before.fulfillments.contains(&f.gid) && !ours.contains(&f.gid))
        .collect();
    let pieces = intent.pieces();
    let matching: Vec<&&RemoteFulfillment> = news
        .iter()
        .filter(|f| f.lines == pieces && same_numbers(&f.numbers, numbers))
        .collect();
    match (matching.as_slice(), news.as_slice()) {
        ([only], _) => Finding::Adopt(only.gid.clone()),
        ([], []) if is_untouched(remote, intent, before) => Finding::Unchanged,
        (_, news) => Finding::Unclear(format!(
            "Shopify shows {} new fulfilments, of which {} match this shipment; compare both sides, then replay or discard",
            news.len(),
            matching.len()
        )),
    }
}

fn is_untouched(remote: &Remote, intent: &Intent, before: &PreImage) -> bool {
    let now = remote.remaining();
    intent.parts.iter().all(|part| {
        now.contains_key(&part.line) && now.get(&part.line) == before.remaining.get(&part.line)
    })
}

fn same_numbers(left: &[String], right: &[String]) -> bool {
    let sorted = |numbers: &[String]| {
        let mut numbers = numbers.to_vec();
        numbers.sort();
        numbers
    };
    sorted(left) == sorted(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(
        gid: &str,
        location: &str,
        can_fulfil: bool,
        lines: &[(&str, &str, i64)],
    ) -> RemoteOrder {
        RemoteOrder {
            gid: gid.to_owned(),
            location: Some(location.to_owned()),
            can_fulfil,
            obstacle: obstacle("ON_HOLD", location, None, &["Incorrect address".to_owned()]),
            lines: lines
                .iter()
                .map(|(gid, line_item, remaining)| RemoteLine {
                    gid: (*gid).to_owned(),
                    line_item: (*line_item).to_owned(),
                    remaining: *remaining,
                })
                .collect(),
        }
    }

    fn wanted(lines: &[(&str, i64)]) -> BTreeMap<String, i64> {
        lines.iter().map(|(id, n)| ((*id).to_owned(), *n)).collect()
    }

    fn fulfillment(gid: &str, numbers: &[&str], lines: &[(&str, i64)]) -> RemoteFulfillment {
        RemoteFulfillment {
            gid: gid.to_owned(),
            is_live: true,
            numbers: numbers.iter().map(|n| (*n).to_owned()).collect(),
            lines: wanted(lines),
        }
    }

    #[test]
    fn one_call_for_each_location_and_our_own_first() {
        let remote = Remote {
            orders: vec![
                order("fo1", "reno", true, &[("l1", "a", 1), ("l2", "b", 5)]),
                order("fo2", "portland", true, &[("l3", "b", 2)]),
            ],
            fulfillments: Vec::new(),
        };
        let intents = plan(&remote, &wanted(&[("a", 1), ("b", 3)]), Some("portland"));
        let intents = intents.expect("a plan");
        assert_eq!(intents.len(), 2);
        let b: Vec<(&str, i64)> = intents
            .iter()
            .flat_map(|intent| &intent.parts)
            .filter(|part| part.line_item == "b")
            .map(|part| (part.line.as_str(), part.quantity))
            .collect();
        assert_eq!(b, [("l3", 2), ("l2", 1)]);
    }

    #[test]
    fn what_shopify_holds_is_said_and_not_forced() {
        let held = Remote {
            orders: vec![order("fo1", "reno", false, &[("l1", "a", 1)])],
            fulfillments: Vec::new(),
        };
        let error = plan(&held, &wanted(&[("a", 1)]), None).expect_err("held");
        assert!(
            error.contains("reno ships is on hold (Incorrect address)"),
            "{error}"
        );
        let none = plan(&held, &wanted(&[("b", 1)]), None).expect_err("gone");
        assert!(none.contains("1 fewer pieces"), "{none}");
        let waits = obstacle("SCHEDULED", "reno", Some("2026-12-07"), &[]);
        assert!(
            waits.contains("scheduled for 2026-12-07, open it"),
            "{waits}"
        );
        let given = obstacle("IN_PROGRESS", "Robots", None, &[]);
        assert!(given.contains("another service's"), "{given}");
        let error = plan(&Remote::default(), &wanted(&[("a", 1)]), None).expect_err("empty");
        assert!(error.contains("scopes"), "{error}");
    }

    #[test]
    fn a_lost_answer_is_adopted_resent_or_shown() {
        let before = Remote {
            orders: vec![order("fo1", "reno", true, &[("l1", "a", 2)])],
            fulfillments: vec![fulfillment("f0", &["OLD"], &[("a", 1)])],
        };
        let intent = plan(&before, &wanted(&[("a", 2)]), None)
            .expect("a plan")
            .remove(0);
        let pre = before.pre_image();
        let numbers = ["1Z".to_owned()];
        let look = |remote: &Remote| look_up(remote, &intent, &numbers, &pre, &[]);
        assert_eq!(look(&before), Finding::Unchanged);
        let mut after = before.clone();
        after.orders[0].lines[0].remaining = 0;
        assert!(matches!(look(&after), Finding::Unclear(_)));
        after
            .fulfillments
            .push(fulfillment("f1", &["1Z"], &[("a", 2)]));
        assert_eq!(look(&after), Finding::Adopt("f1".to_owned()));
        after
            .fulfillments
            .push(fulfillment("f2", &["1Z"], &[("a", 2)]));
        assert!(matches!(look(&after), Finding::Unclear(_)));
    }
}
