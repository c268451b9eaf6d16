//! Customers: the list, the record, the import, duplicates and merging.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::error::WebError;
use super::filters;
use super::page::{Frame, Section, html};
use super::visitor::Visitor;
use crate::erp::customers::merging::MergeError;
use crate::erp::customers::queries::ContactRow;
use crate::erp::customers::queries::list::{self, Beyond, SumRow, Wanted};
use crate::platform::db::{Db, DbConnection, DbError};
use crate::types::{ChannelId, ContactId, Money};

pub mod duplicates;
pub mod export;
pub mod import;
pub mod merging;
pub mod show;

const PAGE: i64 = 50;

/// The words of the address, as they stand there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    pub q: String,
    /// A channel's id.
    pub store: String,
    /// `company` or `person`.
    pub kind: String,
    /// `yes`: only who may be written to by e-mail.
    pub subscribed: String,
    /// The customer behind which the page begins, towards older ones; `before`: newer ones.
    pub after: String,
    pub before: String,
}

/// A filter's label where it is set, and what clears it.
type Narrowing = (Option<String>, fn(&mut ListQuery));

/// A filter that narrows the list, and the address without it.
struct Chip {
    label: String,
    href: String,
}

impl ListQuery {
    /// What is to be listed; what cannot be read narrows nothing.
    fn wanted(&self) -> Wanted {
        Wanted {
            search: self.q.trim().to_owned(),
            channel: self.store.parse().ok(),
            kind: self.kind.parse().ok(),
            subscribed: self.subscribed == "yes",
        }
    }

    fn beyond(&self) -> Option<Beyond> {
        let (text, newer) = if self.after.is_empty() {
            (&self.before, true)
        } else {
            (&self.after, false)
        };
        Some(Beyond {
            id: text.parse().ok()?,
            newer,
        })
    }

    /// What keeps a page in its list, without what is empty and without the page.
    fn to_text(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("q", self.q.trim()),
            ("store", &self.store),
            ("kind", &self.kind),
            ("subscribed", &self.subscribed),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    fn without(&self, clear: fn(&mut ListQuery)) -> String {
        let mut rest = self.clone();
        clear(&mut rest);
        format!("?{}", rest.to_text())
    }

    fn chips(&self, stores: &[(ChannelId, String)]) -> Vec<Chip> {
        let wanted = self.wanted();
        let store = stores.iter().find(|(id, _)| Some(*id) == wanted.channel);
        let kind = wanted.kind.map(kind_label);
        let subscribed = wanted.subscribed.then(|| "May be written to".to_owned());
        let search = (!wanted.search.is_empty()).then_some(wanted.search);
        let filters: [Narrowing; 4] = [
            (search, |query| query.q.clear()),
            (store.map(|(_, name)| format!("Store: {name}")), |query| {
                query.store.clear()
            }),
            (kind.map(str::to_owned), |query| query.kind.clear()),
            (subscribed, |query| query.subscribed.clear()),
        ];
        filters
            .into_iter()
            .filter_map(|(label, clear)| {
                Some(Chip {
                    label: label?,
                    href: self.without(clear),
                })
            })
            .collect()
    }
}

const fn kind_label(kind: crate::erp::customers::AccountKind) -> &'static str {
    match kind {
        crate::erp::customers::AccountKind::Person => "People",
        crate::erp::customers::AccountKind::Company => "Companies",
    }
}

struct Row {
    contact: ContactRow,
    name: String,
    source: String,
    orders: i64,
    spent: Vec<Money>,
}

#[derive(Template)]
#[template(path = "customers/index.html")]
struct IndexPage {
    frame: Frame,
    query: ListQuery,
    chips: Vec<Chip>,
    stores: Vec<(ChannelId, String)>,
    rows: Vec<Row>,
    label: String,
    newer: String,
    older: String,
}

/// `GET /customers?q=&store=&kind=&subscribed=&after=&before=`
///
/// # Errors
///
/// The database's.
pub async fn index(
    db: web::Data<Db>,
    visitor: Visitor,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let query = query.into_inner();
    let (wanted, from) = (query.wanted(), query.beyond());
    let ((contacts, has_newer, has_older), sums, stores) = db
        .read(move |conn| -> Result<_, DbError> {
            let page = list::page(conn, &wanted, from, PAGE)?;
            let ids: Vec<ContactId> = page.0.iter().map(|row| row.id).collect();
            let sums = list::sums(conn, &ids)?;
            Ok((page, sums, list::channel_names(conn)?))
        })
        .await?;
    let text = query.to_text();
    let link = |way: &str, row: Option<&ContactRow>, has: bool| {
        row.filter(|_| has)
            .map_or_else(String::new, |row| format!("?{text}&{way}={}", row.id))
    };
    let page = IndexPage {
        frame: visitor.frame(Section::Customers),
        newer: link("before", contacts.first(), has_newer),
        older: link("after", contacts.last(), has_older),
        label: counted(contacts.len()),
        chips: query.chips(&stores),
        rows: contacts
            .into_iter()
            .map(|contact| shown(contact, &sums, &stores))
            .collect(),
        stores,
        query,
    };
    Ok(html(StatusCode::OK, &page))
}

fn counted(customers: usize) -> String {
    let noun = if customers == 1 {
        "customer"
    } else {
        "customers"
    };
    format!("{customers} {noun}")
}

fn shown(contact: ContactRow, sums: &[(ContactId, SumRow)], stores: &[(ChannelId, String)]) -> Row {
    let source = stores.iter().find(|(id, _)| Some(*id) == contact.channel);
    Row {
        name: contact.name(),
        source: source.map_or_else(String::new, |(_, name)| name.clone()),
        orders: order_count(sums, contact.id),
        spent: spent(sums, contact.id),
        contact,
    }
}

fn order_count(sums: &[(ContactId, SumRow)], contact: ContactId) -> i64 {
    let theirs = sums.iter().filter(|(id, _)| *id == contact);
    theirs.map(|(_, sum)| sum.orders).sum()
}

/// What somebody spent, by currency.
fn spent(sums: &[(ContactId, SumRow)], contact: ContactId) -> Vec<Money> {
    sums.iter()
        .filter(|(id, _)| *id == contact)
        .map(|(_, sum)| Money::new(sum.spent_minor, sum.currency))
        .collect()
}

impl From<MergeError> for WebError {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::NotFound => WebError::NotFound("This customer".to_owned()),
            MergeError::Same => WebError::Invalid(error.to_string()),
            MergeError::Merged(_)
            | MergeError::Undone
            | MergeError::BuiltOn
            | MergeError::TooLate => WebError::Conflict(error.to_string()),
            MergeError::Db(error) => error.into(),
        }
    }
}

/// Customers for the palette: their names and where each stands.
pub(super) fn found(
    conn: &mut DbConnection,
    search: &str,
    at_most: i64,
) -> Result<Vec<ContactRow>, DbError> {
    let wanted = Wanted {
        search: search.to_owned(),
        ..Wanted::default()
    };
    Ok(list::page(conn, &wanted, None, at_most)?.0)
}
