//! What a channel answers when it is asked about an order: who ships what, from where and when, how it is handed
//! over, how risky it is, what it holds. From this follows what of the order is ours to ship.
use std::collections::BTreeSet;

use super::queries::{self, OrderRow, checks as rows};
use super::standing::{self, Standing, released_entry};
use super::{OrderError, address, hold_entry};
use crate::erp::holds::{self, HoldKind};
use crate::erp::timeline::{Actor, Entry};
use crate::platform::db::DbConnection;
use crate::types::{At, LocationId, OrderId};

crate::text_enum! {
    /// How an order reaches its customer.
    Handover {
        Shipping = "shipping",
        /// Brought by a driver of the shop.
        Local = "local",
        /// Fetched at one of our locations.
        Pickup = "pickup",
        /// Sent to a place where the customer fetches it.
        PickupPoint = "pickup_point",
        Retail = "retail",
        Nothing = "none",
        /// Its parts go different ways.
        Mixed = "mixed",
    }
}

crate::text_enum! {
    /// How risky the channel finds an order, at the worst.
    RiskLevel { None = "none", Pending = "pending", Low = "low", Medium = "medium", High = "high" }
}

crate::text_enum! {
    /// What the channel would do about the risk.
    Recommendation { None = "none", Accept = "accept", Investigate = "investigate", Cancel = "cancel" }
}

/// How risky the channel finds an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    pub level: RiskLevel,
    pub recommendation: Recommendation,
}

/// A hold that somebody placed in the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelHold {
    pub external_id: String,
    /// Why, as the channel tells it.
    pub words: String,
}

/// Who ships what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// All that is ours to ship waits for this moment.
    pub scheduled_for: Option<At>,
    /// All that is ours is fetched by the customer.
    pub pickup: bool,
    /// Line, our location, pieces.
    pub places: Vec<(String, LocationId, i64)>,
    /// Line, and its pieces that others are still to ship.
    pub others: Vec<(String, i64)>,
    pub holds: Vec<ChannelHold>,
}

/// One answer of the channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// The channel was asked just now: what waited for that waits no longer.
    pub asked: bool,
    pub handover: Option<Handover>,
    pub risk: Option<Risk>,
    /// `None` where the channel does not let us see it: then everything is ours.
    pub assignment: Option<Assignment>,
}

impl Handover {
    /// Whether somebody has to know where the customer lives.
    #[must_use]
    pub fn needs_address(self) -> bool {
        matches!(self, Handover::Shipping | Handover::Local | Handover::Mixed)
    }
}

impl Risk {
    /// Whether a person should look before it ships.
    #[must_use]
    pub fn needs_review(self) -> bool {
        let advised = matches!(
            self.recommendation,
            Recommendation::Investigate | Recommendation::Cancel
        );
        self.level == RiskLevel::High || advised
    }

    /// The cause of its hold: a person who has released it has released this risk, not a higher one.
    fn cause(self) -> String {
        format!("{}/{}", self.level, self.recommendation)
    }
}

/// Takes in what the channel answered: holds come and go with their causes, promises of stock move to where it is
/// wanted, and the state follows. The first answer ends the hold `checking`.
///
/// # Errors
///
/// `NotFound`.
pub fn checked(
    conn: &mut DbConnection,
    order: OrderId,
    check: &Check,
    actor: &Actor,
    now: At,
) -> Result<(), OrderError> {
    let row = queries::lock(conn, order)?.ok_or(OrderError::NotFound(order))?;
    let before = rows::find(conn, order)?;
    rows::put(conn, order, check, now)?;
    if let Some(assignment) = &check.assignment {
        assign(conn, order, assignment)?;
    }
    let mut entries = Vec::new();
    settle_holds(conn, &row, check, &mut entries, now)?;
    standing::settle_address(conn, &row, &mut entries, now)?;
    let after = rows::find(conn, order)?;
    let told = |found: &Option<rows::CheckRow>| found.as_ref().map(rows::CheckRow::told);
    let changed = !entries.is_empty() || told(&before) != told(&after);
    let standing = Standing::load(conn, row)?;
    standing::settle(conn, standing, changed, entries, actor, now)?;
    Ok(())
}

fn assign(
    conn: &mut DbConnection,
    order: OrderId,
    assignment: &Assignment,
) -> Result<(), OrderError> {
    let lines = queries::list_lines(conn, order)?;
    let pieces = |line: &str, of: &[(String, i64)]| -> i64 {
        of.iter()
            .filter(|(id, _pieces)| id == line)
            .map(|(_id, pieces)| *pieces)
            .sum()
    };
    for line in &lines {
        let open = pieces(&line.facts.external_id, &assignment.others);
        // What they have shipped already was theirs as well: their next shipment takes nothing from ours.
        let others = if open > 0 {
            open.saturating_add(line.facts.fulfilled_elsewhere)
        } else {
            0
        };
        if others != line.others_quantity {
            rows::set_others(conn, line.id, others)?;
        }
    }
    let places: Vec<rows::NewPlace> = assignment
        .places
        .iter()
        .filter_map(|(line, location, quantity)| {
            let found = lines.iter().find(|row| row.facts.external_id == *line)?;
            Some(rows::NewPlace {
                order_line_id: found.id,
                location_id: *location,
                quantity: *quantity,
            })
        })
        .collect();
    rows::replace_places(conn, order, places)?;
    Ok(())
}

/// The holds whose causes only the channel knows.
fn settle_holds(
    conn: &mut DbConnection,
    order: &OrderRow,
    check: &Check,
    entries: &mut Vec<Entry>,
    now: At,
) -> Result<(), OrderError> {
    let mut wanted: BTreeSet<(HoldKind, String)> = BTreeSet::new();
    let mut asked = Vec::new();
    if check.asked {
        asked.push(HoldKind::Checking);
    }
    if let Some(risk) = check.risk {
        asked.push(HoldKind::Risk);
        if risk.needs_review() {
            wanted.insert((HoldKind::Risk, risk.cause()));
        }
    }
    let mut notes = Vec::new();
    if let Some(assignment) = &check.assignment {
        asked.push(HoldKind::Channel);
        for hold in &assignment.holds {
            wanted.insert((HoldKind::Channel, hold.external_id.clone()));
            notes.push((hold.external_id.as_str(), hold.words.as_str()));
        }
    }
    let open: BTreeSet<(HoldKind, String)> = holds::queries::list_open(conn, order.id)?
        .into_iter()
        .filter(|hold| asked.contains(&hold.kind))
        .map(|hold| (hold.kind, hold.cause))
        .collect();
    for hold in wanted.difference(&open) {
        if holds::is_waived(conn, order.id, (hold.0, &hold.1))? {
            continue;
        }
        let note = notes.iter().find(|(id, _words)| *id == hold.1);
        let note = note.map(|(_id, words)| *words);
        let what = (hold.0, hold.1.as_str());
        holds::place(conn, order.channel_id, order.id, what, note, None, now)?;
        entries.push(hold_entry(hold.0, &hold.1));
    }
    for (kind, cause) in open.difference(&wanted) {
        holds::release(conn, order.id, (*kind, cause), None, now)?;
        entries.push(released_entry(*kind, cause));
    }
    Ok(())
}

/// What is missing in an address that goods are sent to; `None` where nothing is.
#[must_use]
pub fn address_gaps(json: Option<&str>) -> Option<String> {
    let place = address(json);
    let lacks = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
    let country = place.country_code.as_deref().unwrap_or_default();
    let mut gaps = Vec::new();
    if lacks(&place.address1) && lacks(&place.address2) {
        gaps.push("street");
    }
    if lacks(&place.city) && !WITHOUT_CITIES.contains(&country) {
        gaps.push("city");
    }
    if lacks(&place.zip) && !WITHOUT_POSTCODES.contains(&country) {
        gaps.push("postcode");
    }
    if lacks(&place.country) && lacks(&place.country_code) {
        gaps.push("country");
    }
    (!gaps.is_empty()).then(|| gaps.join(", "))
}

/// Countries that are one city.
const WITHOUT_CITIES: &[&str] = &["GI", "HK", "MC", "MO", "SG", "VA"];

/// Countries whose addresses have no postcode, or where nobody needs it.
#[rustfmt::skip]
const WITHOUT_POSTCODES: &[&str] = &[
    "AE", "AG", "AN", "AO", "AW", "BF", "BI", "BJ", "BO", "BQ", "BS", "BW", "BZ", "CD", "CF", "CG", "CI", "CK", "CM",
    "CW", "DJ", "DM", "ER", "FJ", "GA", "GD", "GH", "GM", "GN", "GQ", "GY", "HK", "IE", "JM", "KI", "KM", "KN", "KP",
    "LC", "LY", "ML", "MO", "MR", "MW", "NR", "NU", "PA", "QA", "RW", "SB", "SC", "SL", "SR", "ST", "SX", "SY", "TD",
    "TF", "TG", "TK", "TL", "TO", "TT", "TV", "UG", "VU", "WS", "YE", "ZW",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(json: &str) -> Option<String> {
        address_gaps(Some(json))
    }

    #[test]
    fn an_address_is_complete_as_its_country_asks() {
        let berlin =
            r#"{"address1":"Hauptstr. 1","city":"Berlin","zip":"10115","country_code":"DE"}"#;
        assert_eq!(gaps(berlin), None);
        let no_zip = r#"{"address1":"Hauptstr. 1","city":"Berlin","zip":" ","country_code":"DE"}"#;
        assert_eq!(gaps(no_zip).as_deref(), Some("postcode"));
        let dublin = r#"{"address1":"1 Main St","city":"Dublin","country_code":"IE"}"#;
        assert_eq!(gaps(dublin), None);
        let hong_kong = r#"{"address1":"1 Queen's Road","country_code":"HK"}"#;
        assert_eq!(gaps(hong_kong), None);
        assert_eq!(
            address_gaps(None).as_deref(),
            Some("street, city, postcode, country")
        );
        let second = r#"{"address2":"Hof 2","city":"Wien","zip":"1010","country":"Austria"}"#;
        assert_eq!(gaps(second), None);
    }

    #[test]
    fn only_a_high_risk_or_a_warning_needs_a_person() {
        let risk = |level, recommendation| Risk {
            level,
            recommendation,
        };
        use Recommendation as R;
        use RiskLevel as L;
        assert!(risk(L::High, R::Accept).needs_review());
        assert!(risk(L::Low, R::Investigate).needs_review());
        assert!(risk(L::None, R::Cancel).needs_review());
        assert!(!risk(L::Medium, R::Accept).needs_review());
        assert!(!risk(L::Pending, R::None).needs_review());
    }
}
