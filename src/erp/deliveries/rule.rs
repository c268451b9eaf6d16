//! Which orders a store delivers itself: a rule of its channel, and what it says of an order.
use std::str::FromStr;

use serde_json::json;

use super::follow;
use super::queries::rules;
use crate::erp::audit;
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, ChannelId, OrderId, UserId};

/// Names a rule may list, and signs in one of them.
const MOST_METHODS: usize = 50;
const LONGEST_METHOD: usize = 200;
/// Open orders that are looked at to say what a change would do.
const LOOKED_AT: i64 = 2000;

crate::text_enum! {
    /// Which kind of rule.
    Which {
        /// None of its orders.
        Nothing = "none",
        /// Every order with something to ship.
        Everything = "all",
        /// Those of which a shipping line has one of the names.
        ByMethod = "by_method",
    }
}

/// A store's rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub which: Which,
    /// Titles or codes of shipping methods, as a person wrote them.
    pub methods: Vec<String>,
}

/// What a rule asks of an order.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Titles and codes of its shipping lines.
    pub names: &'a [&'a str],
    /// Something in it is goods to be sent.
    pub ships: bool,
    pub test: bool,
    /// Whether the channel says that it is delivered locally, where it does say.
    pub local: Option<bool>,
}

/// What a rule would do to the open orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Orders that get a delivery.
    pub made: i64,
    /// Deliveries that are cancelled: nobody has set out with them.
    pub cancelled: i64,
    /// Deliveries that stay although the rule would not make them: somebody is on the way.
    pub kept: i64,
    /// There are more open orders than were looked at.
    pub is_more: bool,
}

impl Rule {
    /// A store delivers nothing until somebody says so.
    #[must_use]
    pub const fn none() -> Rule {
        Rule {
            which: Which::Nothing,
            methods: Vec::new(),
        }
    }

    /// Reads one name a line.
    ///
    /// # Errors
    ///
    /// What to mend, in a sentence.
    pub fn read(which: &str, methods: &str) -> Result<Rule, &'static str> {
        let which = Which::from_str(which).map_err(|_other| "Choose one of the three.")?;
        let mut names: Vec<String> = Vec::new();
        for name in methods.lines().map(str::trim).filter(|it| !it.is_empty()) {
            if name.chars().count() > LONGEST_METHOD {
                return Err("A name has at most 200 characters. Put one on each line.");
            }
            if !names.iter().any(|known| same(known, name)) {
                names.push(name.to_owned());
            }
        }
        if names.len() > MOST_METHODS {
            return Err("Name at most 50 shipping methods.");
        }
        if which == Which::ByMethod && names.is_empty() {
            return Err("Name the shipping methods that you deliver, one on each line.");
        }
        Ok(Rule {
            which,
            methods: names,
        })
    }

    /// As the database keeps it; a word or a list that is none is no rule.
    #[must_use]
    pub fn stored(which: &str, methods: &str) -> Rule {
        Rule {
            which: which.parse().unwrap_or(Which::Nothing),
            methods: serde_json::from_str(methods).unwrap_or_default(),
        }
    }

    /// Whether it makes a delivery of an order.
    #[must_use]
    pub fn makes(&self, asked: Asked<'_>) -> bool {
        let is_wanted = match (self.which, asked.local) {
            // A channel that knows how an order is delivered knows better than a name does.
            (Which::ByMethod, Some(local)) => local,
            (Which::Nothing | Which::Everything | Which::ByMethod, _) => self.wants(asked.names),
        };
        is_wanted && asked.ships && !asked.test
    }

    /// Whether it makes deliveries of what is shipped by one of these names.
    #[must_use]
    pub fn wants(&self, names: &[&str]) -> bool {
        let known = |name: &&str| self.methods.iter().any(|method| same(method, name));
        match self.which {
            Which::Nothing => false,
            Which::Everything => true,
            Which::ByMethod => names.iter().any(known),
        }
    }
}

fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// The rule of a channel.
///
/// # Errors
///
/// The database's.
pub fn of_channel(conn: &mut DbConnection, channel: ChannelId) -> Result<Rule, DbError> {
    rules::find(conn, channel)
}

/// Whether any store delivers itself, or still has to.
///
/// # Errors
///
/// The database's.
pub fn is_any(conn: &mut DbConnection) -> Result<bool, DbError> {
    rules::is_any(conn)
}

/// What a rule would do to the open orders of a channel, before it is said.
///
/// # Errors
///
/// The database's.
pub fn effect(conn: &mut DbConnection, channel: ChannelId, rule: &Rule) -> Result<Effect, DbError> {
    let orders = rules::list_concerned(conn, channel, OrderId(0), LOOKED_AT)?;
    let looked_at = i64::try_from(orders.len()).unwrap_or(i64::MAX);
    let mut effect = follow::effect(conn, &orders, rule)?;
    effect.is_more = looked_at == LOOKED_AT;
    Ok(effect)
}

/// Says a channel's rule anew; the caller files [`super::jobs::FollowRule`] for the orders that are open.
/// False where it said the same already.
///
/// # Errors
///
/// The database's.
pub fn change(
    conn: &mut DbConnection,
    channel: ChannelId,
    rule: &Rule,
    (user, subject): (UserId, &str),
    now: At,
) -> Result<bool, DbError> {
    if rules::find(conn, channel)? == *rule {
        return Ok(false);
    }
    rules::set(conn, channel, rule)?;
    let arguments = json!({ "changed": ["deliveries"], "rule": rule.which });
    let kind = audit::Kind::StoreSettingsChanged;
    audit::record(conn, Some(user), kind, subject, &arguments, now)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<'a>(names: &'a [&'a str]) -> Asked<'a> {
        Asked {
            names,
            ships: true,
            test: false,
            local: None,
        }
    }

    #[test]
    fn a_method_is_known_by_its_title_or_code_whatever_the_case() {
        let rule =
            Rule::read("by_method", " Local Delivery \n\nBike\nlocal delivery").expect("a rule");
        assert_eq!(rule.methods, ["Local Delivery", "Bike"]);
        assert!(rule.makes(asked(&["Standard", "LOCAL DELIVERY"])));
        assert!(rule.makes(asked(&["bike"])));
        assert!(!rule.makes(asked(&["Local delivery express"])));
        assert!(!rule.makes(asked(&[])));
    }

    #[test]
    fn what_the_channel_says_of_an_order_goes_before_a_name() {
        let rule = Rule::read("by_method", "Bike").expect("a rule");
        let local = Asked {
            local: Some(true),
            ..asked(&["Standard"])
        };
        assert!(rule.makes(local));
        let posted = Asked {
            local: Some(false),
            ..asked(&["Bike"])
        };
        assert!(!rule.makes(posted));
    }

    #[test]
    fn what_is_no_goods_and_what_is_a_test_is_never_driven() {
        let rule = Rule::read("all", "").expect("a rule");
        assert!(rule.makes(asked(&[])));
        assert!(!rule.makes(Asked {
            ships: false,
            ..asked(&[])
        }));
        assert!(!rule.makes(Asked {
            test: true,
            ..asked(&[])
        }));
        assert!(!Rule::none().makes(asked(&[])));
    }

    #[test]
    fn a_rule_by_method_needs_a_method() {
        assert!(Rule::read("by_method", " \n").is_err());
        assert!(Rule::read("some", "").is_err());
        assert!(Rule::read("by_method", &"x".repeat(201)).is_err());
        assert_eq!(Rule::stored("by_heart", "["), Rule::none());
    }
}
