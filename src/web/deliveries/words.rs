//! How deliveries are spoken of on screen.
use serde_json::Value;

use crate::erp::deliveries::flow::State;
use crate::erp::deliveries::log::Kind;
use crate::erp::deliveries::queries::log::EntryRow;
use crate::web::orders::words::Badge;

/// Where a delivery stands; `PENDING` is "Unassigned" on screen.
#[must_use]
pub fn state(state: State) -> Badge {
    let (text, kind) = match state {
        State::Pending => ("Unassigned", "warning"),
        State::Assigned => ("Assigned", "neutral open"),
        State::Out => ("Out", "info half"),
        State::Delivered => ("Delivered", "success plain"),
        State::NotHome => ("Not home", "warning"),
        State::Returned => ("Returned", "critical"),
        State::Cancelled => ("Cancelled", "neutral"),
    };
    Badge {
        text: text.to_owned(),
        kind,
        quiet: false,
    }
}

/// What a button that moves a delivery there says.
#[must_use]
pub fn verb(to: State) -> &'static str {
    match to {
        State::Pending => "Deliver after all",
        State::Assigned => "Assign",
        State::Out => "Set out",
        State::Delivered => "Delivered",
        State::NotHome => "Not home",
        State::Returned => "Goods are back",
        State::Cancelled => "Cancel delivery",
    }
}

/// An entry of the log as a sentence. `driver` knows people by their ids.
#[must_use]
pub fn entry(row: &EntryRow, driver: impl Fn(i64) -> Option<String>) -> String {
    let arguments: Value = serde_json::from_str(&row.arguments).unwrap_or_default();
    let word = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or("");
    let to = row.to_state.map(|to| state(to).text).unwrap_or_default();
    match row.kind {
        Kind::Created => {
            let made = word("state").parse().unwrap_or(State::Pending);
            if made == State::Pending {
                "Delivery made".to_owned()
            } else {
                let word = state(made).text.to_lowercase();
                format!("Delivery made: {word} already")
            }
        }
        Kind::Moved => match word("reason") {
            "" => to,
            reason => format!("{to}: {reason}"),
        },
        Kind::Changed => format!("The order changed: {}", list(&arguments, "fields")),
        Kind::Assigned => {
            let id = arguments.get("driver").and_then(Value::as_i64).unwrap_or(0);
            let name = driver(id).unwrap_or_else(|| "a driver".to_owned());
            format!("Assigned to {name}")
        }
        Kind::Unassigned => "Taken back from its driver".to_owned(),
        Kind::Postponed => format!("Moved from {} to {}", word("from"), word("to")),
        Kind::Lines => "Which lines go with it was changed".to_owned(),
        Kind::Undone => format!("Taken back: it is {} again", to.to_lowercase()),
        Kind::NotShipped => format!("The goods could not be booked off: {}", word("reason")),
        Kind::Photo => "Photo added".to_owned(),
    }
}

fn list(arguments: &Value, key: &str) -> String {
    let all = arguments.get(key).and_then(Value::as_array);
    let words: Vec<&str> = all
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    words.join(", ")
}

/// Where a map finds an address.
#[must_use]
pub fn map_link(address: &[String]) -> String {
    let place = address.join(", ");
    let query: String = url::form_urlencoded::byte_serialize(place.as_bytes()).collect();
    format!("https://www.google.com/maps/search/?api=1&query={query}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::At;

    #[test]
    fn every_kind_of_entry_says_something_whatever_its_arguments() {
        for kind in Kind::ALL {
            let row = EntryRow {
                id: 1,
                at: At(0),
                kind: *kind,
                from_state: Some(State::Out),
                to_state: Some(State::NotHome),
                arguments: "{}".to_owned(),
                note: None,
                user_id: None,
                user_name: None,
                source: None,
                undone_at: None,
            };
            assert!(!entry(&row, |_id| None).is_empty(), "{kind}");
        }
    }

    #[test]
    fn a_map_is_asked_for_the_address_alone() {
        let address = ["12 Elm St & Co".to_owned(), "Ann Arbor MI".to_owned()];
        assert_eq!(
            map_link(&address),
            "https://www.google.com/maps/search/?api=1&query=12+Elm+St+%26+Co%2C+Ann+Arbor+MI"
        );
    }
}
