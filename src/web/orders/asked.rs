//! What the address of the order list asks for; the order page carries the same, to lead back and on.
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::words;
use crate::erp::orders::incoming::PaymentState;
use crate::erp::orders::queries::list::{Beyond, Filter, View, Wanted};
use crate::types::{At, ChannelId};

/// The words of the address, as they stand there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    pub view: String,
    pub q: String,
    /// A channel's id.
    pub store: String,
    pub payment: String,
    /// The days between which an order was placed, both of them included: `2026-11-01`.
    pub from: String,
    pub to: String,
    /// `oldest` or `newest`; empty: as the view has it.
    pub sort: String,
    /// The saved view that these words came from.
    pub saved: String,
    pub after: String,
    pub before: String,
}

/// A filter that narrows the list, and the address without it.
pub(super) struct Chip {
    pub(super) label: String,
    pub(super) href: String,
}

/// What a filter says, if it says anything, and how it is taken away.
type Narrowing = (Option<String>, fn(&mut ListQuery));

impl ListQuery {
    /// What is to be listed, for somebody whose days begin in `zone`. What cannot be read narrows nothing:
    /// [`ListQuery::mistakes`] says so.
    #[must_use]
    pub fn wanted(&self, zone: &TimeZone) -> Wanted {
        let view = self.view();
        let midnight = |day: Date| Some(At::from(day.to_zoned(zone.clone()).ok()?.timestamp()));
        let next = |day: Date| day.tomorrow().ok();
        Wanted {
            view,
            search: self.q.trim().to_owned(),
            filter: Filter {
                channel: self.channel(),
                payment: self.payment.parse().ok(),
                placed_from: day(&self.from).and_then(midnight),
                placed_before: day(&self.to).and_then(next).and_then(midnight),
            },
            oldest_first: match self.sort.as_str() {
                "oldest" => true,
                "newest" => false,
                _ => view.is_worked_off(),
            },
        }
    }

    /// The built-in view; an unknown one is "To ship".
    #[must_use]
    pub fn view(&self) -> View {
        self.view.parse().unwrap_or(View::ToShip)
    }

    fn channel(&self) -> Option<ChannelId> {
        self.store.parse().ok()
    }

    /// Where the page begins.
    pub(super) fn beyond(&self, oldest_first: bool) -> Option<Beyond> {
        let (text, newer) = if self.after.is_empty() {
            (&self.before, !oldest_first)
        } else {
            (&self.after, oldest_first)
        };
        let (placed_at, id) = text.split_once('.')?;
        Some(Beyond {
            placed_at: At(placed_at.parse().ok()?),
            id: id.parse().ok()?,
            newer,
        })
    }

    /// What a search of the list leaves as it is: name and value.
    #[must_use]
    pub fn kept(&self) -> Vec<(&'static str, &str)> {
        let mut kept = vec![
            ("store", self.store.as_str()),
            ("payment", &self.payment),
            ("from", &self.from),
            ("to", &self.to),
            ("sort", &self.sort),
        ];
        kept.retain(|(_name, value)| !value.is_empty());
        kept
    }

    /// `view=to-ship&q=ada`: what keeps a page in its list, without what is empty and without the page.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("view", self.view().as_str());
        if !self.q.trim().is_empty() {
            query.append_pair("q", self.q.trim());
        }
        query.extend_pairs(self.kept());
        if !self.saved.is_empty() {
            query.append_pair("saved", &self.saved);
        }
        query.finish()
    }

    /// The same list with one thing changed. It is no saved view any more.
    pub(super) fn with(&self, change: impl FnOnce(&mut ListQuery)) -> ListQuery {
        let mut changed = self.clone();
        changed.saved.clear();
        change(&mut changed);
        changed
    }

    /// Whether anything but the view narrows the list.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        [&self.q, &self.store, &self.payment, &self.from, &self.to]
            .iter()
            .any(|word| !word.trim().is_empty())
    }

    /// A chip for each filter that narrows the list.
    pub(super) fn chips(&self, stores: &[(ChannelId, String)]) -> Vec<Chip> {
        let name = |id: ChannelId| stores.iter().find(|(store, _name)| *store == id);
        let store = self.channel().and_then(name);
        let payment: Option<PaymentState> = self.payment.parse().ok();
        let filters: [Narrowing; 5] = [
            (filled(&self.q), |query| query.q.clear()),
            (store.map(|(_id, name)| format!("Store: {name}")), |query| {
                query.store.clear();
            }),
            (
                payment.map(|state| format!("Payment: {}", words::payment(state).text)),
                |query| query.payment.clear(),
            ),
            (day(&self.from).map(|day| format!("From {day}")), |query| {
                query.from.clear();
            }),
            (day(&self.to).map(|day| format!("To {day}")), |query| {
                query.to.clear();
            }),
        ];
        filters
            .into_iter()
            .filter_map(|(label, clear)| {
                Some(Chip {
                    label: label?,
                    href: format!("?{}", self.with(clear).to_text()),
                })
            })
            .collect()
    }

    /// What stands in the address and says nothing, in words.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        for word in [&self.from, &self.to] {
            if !word.is_empty() && day(word).is_none() {
                mistakes.push(format!(
                    "“{word}” is no day: write it as 2026-11-30. It narrows nothing."
                ));
            }
        }
        if let (Some(from), Some(to)) = (day(&self.from), day(&self.to))
            && to < from
        {
            mistakes.push(format!("There is no day from {from} to {to}."));
        }
        if !self.payment.is_empty() && self.payment.parse::<PaymentState>().is_err() {
            mistakes.push(format!("“{}” is no payment state.", self.payment));
        }
        mistakes
    }
}

fn day(text: &str) -> Option<Date> {
    text.trim().parse().ok()
}

fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> ListQuery {
        serde_json::from_str(text).expect("a query")
    }

    #[test]
    fn a_day_ends_when_the_next_one_begins_for_whoever_looks() {
        let query = query(r#"{"from": "2026-03-29", "to": "2026-03-29"}"#);
        let oslo = TimeZone::get("Europe/Oslo").expect("a zone");
        let filter = query.wanted(&oslo).filter;
        let hours = |from: At, to: At| to.since(from).as_secs() / 3600;
        let (from, before) = (filter.placed_from, filter.placed_before);
        // The night in which the clocks go forward.
        assert_eq!(from.zip(before).map(|(a, b)| hours(a, b)), Some(23));
    }

    #[test]
    fn what_cannot_be_read_is_named_and_narrows_nothing() {
        let query = query(r#"{"from": "yesterday", "payment": "maybe"}"#);
        assert_eq!(query.mistakes().len(), 2);
        assert_eq!(query.wanted(&TimeZone::UTC).filter, Filter::default());
        assert!(query.chips(&[]).is_empty());
    }

    #[test]
    fn a_filter_is_taken_away_by_its_chip() {
        let query = query(r#"{"q": "ada", "payment": "paid", "saved": "3", "after": "1.2"}"#);
        let hrefs: Vec<String> = query.chips(&[]).into_iter().map(|it| it.href).collect();
        assert_eq!(hrefs, ["?view=to-ship&payment=paid", "?view=to-ship&q=ada"]);
        assert_eq!(query.to_text(), "view=to-ship&q=ada&payment=paid&saved=3");
    }
}
