//! One event beside the list: what it is, why it stands where it stands, what it waits for, what came of each try.
use std::time::Duration;

use serde_json::Value;

use super::payload::{self, Line};
use super::{ListQuery, about, anchor_of, path_of, replays, words};
use crate::erp::orders;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries as inbox;
use crate::platform::jobs::queries as jobs;
use crate::platform::queue::queries::list::{self, TryRow};
use crate::platform::queue::queries::{discards, inspect, same};
use crate::platform::queue::{Policy, Queue, Status};
use crate::shopify::shops::{self, Shop};
use crate::types::{At, EventId, JobId, OrderId};
use crate::web::filters::{long_text, second_text};
use crate::web::page::Frame;

/// The event beside the list.
pub(super) struct Inspected {
    pub(super) title: String,
    /// The id of its row in the list.
    pub(super) anchor: String,
    /// Where its actions post to, and what leads them back into the list.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) state: (&'static str, &'static str),
    pub(super) reason: Option<String>,
    pub(super) remedy: String,
    /// When it goes on, or what it waits for.
    pub(super) outlook: Vec<Sentence>,
    pub(super) facts: Vec<Fact>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) tries: Vec<TryView>,
    pub(super) lines: Vec<Line>,
    pub(super) size: String,
    /// Instead of tries and payload.
    pub(super) dropped: Option<String>,
    pub(super) may_replay: bool,
    pub(super) may_discard: bool,
    /// Until when it can be put back where it was.
    pub(super) may_take_back: Option<At>,
    /// It was discarded just now.
    pub(super) undo: bool,
    /// How many died of the same reason, and where all of them are replayed.
    pub(super) same: i64,
    pub(super) same_href: String,
}

/// Words, and the link that they end with.
pub(super) struct Sentence {
    pub(super) text: String,
    pub(super) link: Option<(String, String)>,
}

/// One line of what is known.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) at: Option<At>,
    /// Without the mount's prefix.
    pub(super) href: Option<String>,
}

/// One try.
pub(super) struct TryView {
    pub(super) at: At,
    pub(super) tone: &'static str,
    pub(super) words: String,
    pub(super) took: String,
    /// The peer's name for it.
    pub(super) request_id: Option<String>,
}

/// What the inspector shows of either table.
struct Found {
    title: String,
    status: Status,
    attempts: i32,
    due_at: At,
    finished_at: Option<At>,
    reason: Option<String>,
    waits_for: Option<String>,
    facts: Vec<Fact>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    dropped: Option<String>,
}

/// The event, or `None` where there is none.
pub(super) fn inspect(
    conn: &mut DbConnection,
    frame: &Frame,
    policy: Policy,
    query: &ListQuery,
    (queue, id): (Queue, i64),
) -> Result<Option<Inspected>, DbError> {
    let found = match queue {
        Queue::WebhookEvents => match inbox::find(conn, EventId(id))? {
            Some(row) => event(conn, row)?,
            None => return Ok(None),
        },
        Queue::Jobs => match jobs::find(conn, JobId(id))? {
            Some(row) => job(conn, row)?,
            None => return Ok(None),
        },
    };
    let (status, attempts) = (found.status, found.attempts);
    let same = match (&found.reason, status) {
        (Some(reason), Status::Dead) => {
            let all = same::Same::of(queue, reason, frame.now);
            let tallies = same::count_by_topic(conn, &all)?;
            tallies.iter().map(|tally| tally.rows).sum()
        }
        _ => 0,
    };
    let may_take_back = match (status, found.finished_at) {
        (Status::Discarded, Some(at)) if frame.may("discard") => {
            discards::find_end(conn, queue, id, at)?.filter(|end| *end >= frame.now)
        }
        _ => None,
    };
    let is_over = matches!(
        status,
        Status::Done | Status::Superseded | Status::Dead | Status::Discarded | Status::Waiting
    ) || (status == Status::Pending && attempts > 0);
    let is_open = matches!(status, Status::Pending | Status::Waiting | Status::Dead);
    let outlook = outlook(conn, frame, policy, (queue, id), &found)?;
    let same_href = found.reason.as_deref().map_or(String::new(), |reason| {
        replays::href(frame, queue, reason, "", "")
    });
    // Why there was nothing to do is no alarm.
    let (reason, remedy) = match (status, found.reason) {
        (Status::Done, Some(reason)) => (None, format!("Nothing to do: {reason}.")),
        // Nothing happened to it yet.
        (Status::Pending, None) => (None, String::new()),
        (_, reason) => (reason, remedy(queue, status).to_owned()),
    };
    let tries = list::list_tries(conn, queue, id)?;
    Ok(Some(Inspected {
        anchor: anchor_of(queue, id),
        path: format!("{}{}", frame.prefix, path_of(queue, id)),
        query: query.to_text(),
        title: found.title,
        state: words(status, attempts),
        lines: payload::lines(&found.body, reason.as_deref()),
        reason,
        remedy,
        outlook,
        facts: found.facts,
        headers: found.headers,
        tries: tries.into_iter().map(shown).collect(),
        size: size(found.body.len()),
        may_replay: is_over && found.dropped.is_none() && frame.may("replay"),
        dropped: found.dropped,
        may_discard: is_open && frame.may("discard"),
        may_take_back,
        undo: !query.undo.is_empty(),
        same,
        same_href,
    }))
}

fn event(conn: &mut DbConnection, row: inbox::EventRow) -> Result<Found, DbError> {
    let shop = shop_of(conn, &row.shop_domain)?;
    let dropped = payload::dropped(&row);
    let mut facts = vec![
        fact("Event", row.id.to_string()),
        store(shop.as_ref(), row.shop_domain),
        moment("Received", row.received_at),
    ];
    facts.extend(row.triggered_at.map(|at| moment("Sent", at)));
    facts.push(fact(
        "Signed with",
        format!("the secret \"{}\"", row.secret_label),
    ));
    facts.push(fact("Webhook id", row.webhook_id));
    if let Some(key) = &row.key {
        facts.push(record(conn, shop.as_ref(), key)?);
    }
    facts.extend(row.locked_by.map(|worker| fact("Held by", worker)));
    facts.extend(row.finished_at.map(|at| moment("Ended", at)));
    Ok(Found {
        title: row.topic,
        status: Status::from_code(row.status),
        attempts: row.attempts,
        due_at: row.due_at,
        finished_at: row.finished_at,
        reason: row.reason,
        waits_for: row.waits_for,
        facts,
        headers: headers(&row.headers),
        body: row.body,
        dropped,
    })
}

fn job(conn: &mut DbConnection, row: jobs::JobRow) -> Result<Found, DbError> {
    let mut facts = vec![
        fact("Job", row.id.to_string()),
        moment("Filed", row.created_at),
    ];
    if let Some(domain) = row.shop_domain {
        let shop = shop_of(conn, &domain)?;
        facts.push(store(shop.as_ref(), domain));
    }
    if let Some(subject) = row.subject {
        facts.push(about_subject(conn, &subject)?);
    }
    facts.extend(row.webhook_id.map(|id| fact("Because of webhook", id)));
    facts.extend(row.locked_by.map(|worker| fact("Held by", worker)));
    facts.extend(row.finished_at.map(|at| moment("Ended", at)));
    Ok(Found {
        title: row.kind,
        status: Status::from_code(row.status),
        attempts: row.attempts,
        due_at: row.due_at,
        finished_at: row.finished_at,
        reason: row.reason,
        waits_for: row.waits_for,
        facts,
        headers: Vec::new(),
        body: row.payload.into_bytes(),
        dropped: None,
    })
}

fn fact(name: &'static str, text: String) -> Fact {
    Fact {
        name,
        text,
        at: None,
        href: None,
    }
}

fn moment(name: &'static str, at: At) -> Fact {
    Fact {
        at: Some(at),
        ..fact(name, String::new())
    }
}

fn shop_of(conn: &mut DbConnection, domain: &str) -> Result<Option<Shop>, DbError> {
    let mut shops = shops::list(conn)?;
    shops.retain(|shop| shop.domain.as_str() == domain);
    Ok(shops.pop())
}

fn store(shop: Option<&Shop>, domain: String) -> Fact {
    match shop {
        Some(shop) => Fact {
            href: Some(format!("/integrations/shopify/{}", shop.id)),
            ..fact("Store", shop.name.clone())
        },
        None => fact("Store", domain),
    }
}

/// The record that a delivery is about, with the way to it where it is one of ours.
fn record(conn: &mut DbConnection, shop: Option<&Shop>, key: &str) -> Result<Fact, DbError> {
    let order = key.split_once("/order/").map(|(_store, id)| id);
    if let (Some(shop), Some(id)) = (shop, order)
        && let Some(order) = orders::queries::find_external(conn, shop.channel, id)?
    {
        return Ok(order_fact(order.id, &order.facts.name));
    }
    Ok(fact("About", about(Some(key))))
}

fn about_subject(conn: &mut DbConnection, subject: &str) -> Result<Fact, DbError> {
    let order = subject.strip_prefix("order/");
    if let Some(id) = order.and_then(|id| id.parse().ok().map(OrderId))
        && let Some((id, name)) = orders::queries::list::names(conn, &[id])?.pop()
    {
        return Ok(order_fact(id, &name));
    }
    Ok(fact("About", subject.replace('/', " ")))
}

fn order_fact(id: OrderId, name: &str) -> Fact {
    Fact {
        href: Some(format!("/orders/{id}")),
        ..fact("About", format!("Order {name}"))
    }
}

/// The headers that were kept, as names and values; one that was not sent is left out.
fn headers(json: &str) -> Vec<(String, String)> {
    let kept: serde_json::Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Null => None,
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Some(other.to_string())
        }
    };
    kept.into_iter()
        .filter_map(|(name, value)| Some((name.replace('_', " "), text(value)?)))
        .collect()
}

fn shown(row: TryRow) -> TryView {
    let (tone, words) = match row.outcome.as_str() {
        "done" => ("success", "done"),
        "superseded" => ("success", "a newer state was there already"),
        "dead" => ("critical", "failed for good"),
        "wait" => ("warning", "waits"),
        _ => ("warning", "failed for now"),
    };
    let took = Duration::from_micros(u64::try_from(row.micros).unwrap_or(0));
    TryView {
        at: row.at,
        tone,
        words: row.reason.unwrap_or_else(|| words.to_owned()),
        took: long_text(took),
        request_id: row.request_id,
    }
}

/// `812 bytes`, `6.1 kB`.
fn size(bytes: usize) -> String {
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let tenths = bytes / 100;
    format!("{}.{} kB", tenths / 10, tenths % 10)
}

/// When it goes on by itself, or what has to happen first.
fn outlook(
    conn: &mut DbConnection,
    frame: &Frame,
    policy: Policy,
    (queue, id): (Queue, i64),
    found: &Found,
) -> Result<Vec<Sentence>, DbError> {
    let to_row = |id: i64, words: String| {
        let href = format!("{}{}", frame.prefix, path_of(queue, id));
        Some((words, href))
    };
    Ok(match found.status {
        Status::Pending => {
            let mut said = vec![plain(next_try(frame, policy, found))];
            said.extend(curve(policy, found.attempts).map(plain));
            if let Some(ahead) = inspect::find_ahead(conn, queue, id)? {
                let what = match Status::from_code(ahead.status) {
                    Status::Working => "Another of the same record is being worked on:",
                    Status::Pending
                    | Status::Waiting
                    | Status::Done
                    | Status::Superseded
                    | Status::Dead
                    | Status::Discarded => "Another of the same record goes first:",
                };
                said.push(Sentence {
                    text: what.to_owned(),
                    link: to_row(ahead.id, number(queue, ahead.id)),
                });
            }
            said
        }
        Status::Waiting => found
            .waits_for
            .iter()
            .map(|cause| waits(frame, cause))
            .collect(),
        Status::Superseded if queue == Queue::WebhookEvents => {
            let successor = inspect::find_successor(conn, id)?;
            successor
                .into_iter()
                .map(|newer| Sentence {
                    text: "The newer state came with".to_owned(),
                    link: to_row(newer.id, number(queue, newer.id)),
                })
                .collect()
        }
        Status::Dead if found.attempts >= policy.max_attempts => {
            let most = policy.max_attempts;
            vec![plain(format!("All {most} tries failed."))]
        }
        Status::Working | Status::Done | Status::Superseded | Status::Dead | Status::Discarded => {
            Vec::new()
        }
    })
}

fn plain(text: String) -> Sentence {
    Sentence { text, link: None }
}

fn number(queue: Queue, id: i64) -> String {
    match queue {
        Queue::WebhookEvents => format!("event {id}"),
        Queue::Jobs => format!("job {id}"),
    }
}

/// `Try 3 of 8, next at 14:03:10 (in 2 min).`
fn next_try(frame: &Frame, policy: Policy, found: &Found) -> String {
    let which = if found.attempts > 0 {
        format!("Try {} of {}, ", found.attempts + 1, policy.max_attempts)
    } else {
        String::new()
    };
    let is_due = found.due_at <= frame.now;
    match (which.is_empty(), is_due) {
        (true, true) => "It is due and comes next.".to_owned(),
        (false, true) => format!("{which}due now."),
        (_, false) => {
            let at = second_text(found.due_at, frame.now, &frame.zone);
            let until = long_text(found.due_at.since(frame.now));
            let next = if which.is_empty() {
                "Next at"
            } else {
                "next at"
            };
            format!("{which}{next} {at} (in {until}).")
        }
    }
}

/// What follows if the next tries fail as well.
fn curve(policy: Policy, attempts: i32) -> Option<String> {
    // Half of the noise: the middle of what the delay may be.
    let delay = |failed: i32| long_text(policy.delay(failed, 500));
    let delays: Vec<String> = (attempts..policy.max_attempts - 1).map(delay).collect();
    let failed_before = attempts > 0;
    (failed_before && !delays.is_empty()).then(|| {
        format!(
            "If that fails too, about {} later; after {} tries it waits for a person.",
            delays.join(", "),
            policy.max_attempts
        )
    })
}

/// What a waiting row waits for, and where that is mended.
fn waits(frame: &Frame, cause: &str) -> Sentence {
    let parts: Vec<&str> = cause.split('/').collect();
    let (text, page) = match parts.as_slice() {
        ["shop", _, "connection"] => ("Waits until the store is connected again:", ""),
        ["shop", _, "scopes"] => ("Waits until the store grants what is missing:", ""),
        ["shop", _, "locations"] => (
            "Waits until the store's location is mapped to one of ours:",
            "/settings",
        ),
        ["shop", _, "bulk", _] => ("Waits until Shopify has put its file together:", ""),
        ["pause", ..] => {
            return plain("Somebody paused this: it goes on when that is resumed.".to_owned());
        }
        _ => return plain(format!("Waits for {}.", cause.replace('/', " "))),
    };
    let shop = parts.get(1).copied().unwrap_or_default();
    let href = format!("{}/integrations/shopify/{shop}{page}", frame.prefix);
    Sentence {
        text: text.to_owned(),
        link: Some(("the store".to_owned(), href)),
    }
}

fn remedy(queue: Queue, status: Status) -> &'static str {
    match (queue, status) {
        (Queue::WebhookEvents, Status::Dead) => {
            "Nothing of it was applied. If the store sends the record again, that is applied; replay once the cause is mended, or discard."
        }
        (Queue::Jobs, Status::Dead) => {
            "Mend what the reason names, then replay. Discard it if it is no longer wanted."
        }
        (_, Status::Waiting) => "It goes on by itself once its cause is mended.",
        (_, Status::Pending) => "It is tried again by itself.",
        (_, Status::Superseded) => "A newer state of the same record was there already.",
        (_, Status::Working | Status::Done | Status::Discarded) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shopify::{connection_cause, locations_cause, scopes_cause};
    use crate::types::ShopId;

    #[test]
    fn the_curve_says_what_follows() {
        let policy = Policy { max_attempts: 8 };
        let said = curve(policy, 5).expect("words");
        assert_eq!(
            said,
            "If that fails too, about 16 min, 32 min later; after 8 tries it waits for a person."
        );
        assert_eq!(curve(policy, 7), None, "there is no try after the last one");
        assert_eq!(curve(policy, 0), None, "nothing has failed yet");
    }

    #[test]
    fn headers_are_read_as_names_and_values() {
        let json =
            r#"{"api_version":"2026-10","event_id":null,"test":false,"topic":"orders/create"}"#;
        let all = headers(json);
        let all: Vec<(&str, &str)> = all.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(
            all,
            [
                ("api version", "2026-10"),
                ("test", "false"),
                ("topic", "orders/create")
            ]
        );
        assert!(headers("cut").is_empty());
    }

    #[test]
    fn sizes_are_read_at_a_glance() {
        assert_eq!(size(812), "812 bytes");
        assert_eq!(size(6149), "6.1 kB");
    }

    #[test]
    fn every_cause_of_the_connector_has_words() {
        let shop = ShopId(3);
        for cause in [
            connection_cause(shop),
            scopes_cause(shop),
            locations_cause(shop),
        ] {
            let parts: Vec<&str> = cause.split('/').collect();
            assert!(matches!(parts.as_slice(), ["shop", "3", _]), "{cause}");
        }
    }
}
