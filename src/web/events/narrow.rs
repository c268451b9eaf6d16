//! What narrows the list of events: which table, a topic, a store, a reason, each a link or a field.
use super::tab::Tab;
use super::{ListQuery, kind_of, replays};
use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::queries::{list, same};
use crate::shopify::shops;
use crate::web::page::Frame;

/// Reasons that the failed ones are summed up by.
const MOST_REASONS: i64 = 12;

/// A link that chooses or takes away.
pub(super) struct Chip {
    pub(super) label: String,
    pub(super) href: String,
    pub(super) is_current: bool,
}

/// A reason that rows died of.
pub(super) struct ReasonView {
    pub(super) words: String,
    pub(super) rows: i64,
    pub(super) href: String,
    pub(super) replay: String,
}

pub(super) fn kinds(frame: &Frame, query: &ListQuery) -> Vec<Chip> {
    let mut chips: Vec<Chip> = [("All", ""), ("Webhooks", "webhooks"), ("Pushes", "pushes")]
        .into_iter()
        .map(|(label, kind)| Chip {
            label: label.to_owned(),
            href: query.with(|query| kind.clone_into(&mut query.kind)),
            is_current: kind == query.kind,
        })
        .collect();
    if matches!(query.tab(), Tab::Done | Tab::Superseded) {
        chips.extend([Tab::Done, Tab::Superseded].map(|tab| Chip {
            label: tab.label().to_owned(),
            href: query.with(|query| query.state = tab.to_string()),
            is_current: tab == query.tab(),
        }));
    }
    prefixed(frame, chips)
}

/// A filter's label, what it holds, and how it is taken away.
type Filter<'a> = (&'static str, &'a str, fn(&mut ListQuery));

pub(super) fn chips(frame: &Frame, query: &ListQuery) -> Vec<Chip> {
    let filters: [Filter<'_>; 3] = [
        ("Topic", &query.topic, |query| query.topic.clear()),
        ("Store", &query.store, |query| query.store.clear()),
        ("Reason", &query.reason, |query| query.reason.clear()),
    ];
    let chips = filters
        .into_iter()
        .filter(|(_, word, _)| !word.is_empty())
        .map(|(label, word, clear)| Chip {
            label: format!("{label}: {}", shortened(word, 48)),
            href: query.with(clear),
            is_current: false,
        });
    prefixed(frame, chips.collect())
}

fn prefixed(frame: &Frame, mut chips: Vec<Chip>) -> Vec<Chip> {
    for chip in &mut chips {
        chip.href.insert_str(0, &frame.prefix);
    }
    chips
}

fn shortened(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let start: String = text.chars().take(letters).collect();
    format!("{}…", start.trim_end())
}

pub(super) fn stores(conn: &mut DbConnection) -> Result<Vec<(String, String)>, DbError> {
    let shops = shops::list(conn)?.into_iter();
    Ok(shops
        .map(|shop| (shop.domain.as_str().to_owned(), shop.name))
        .collect())
}

pub(super) fn topics(conn: &mut DbConnection, query: &ListQuery) -> Result<Vec<String>, DbError> {
    let mut topics = Vec::new();
    for queue in query.queues() {
        topics.extend(list::list_topics(conn, *queue)?);
    }
    Ok(topics)
}

/// What the failed ones died of, under the failed ones alone.
pub(super) fn reasons(
    conn: &mut DbConnection,
    frame: &Frame,
    query: &ListQuery,
) -> Result<Vec<ReasonView>, DbError> {
    let mut found = Vec::new();
    if query.tab() != Tab::Failed {
        return Ok(found);
    }
    for queue in query.queues() {
        let (topic, store) = (query.topic.trim(), query.store.trim());
        for tally in same::list_reasons(conn, *queue, topic, store, MOST_REASONS)? {
            let path = query.with(|query| {
                kind_of(*queue).clone_into(&mut query.kind);
                query.reason.clone_from(&tally.word);
            });
            found.push(ReasonView {
                href: format!("{}{path}", frame.prefix),
                replay: replays::href(frame, *queue, &tally.word, topic, store),
                rows: tally.rows,
                words: tally.word,
            });
        }
    }
    found.sort_by_key(|reason| std::cmp::Reverse(reason.rows));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_word_is_shortened_by_letters() {
        assert_eq!(shortened("ééé", 3), "ééé");
        assert_eq!(shortened("ééé", 2), "éé…");
    }
}
