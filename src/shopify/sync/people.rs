//! Customers of a store by the thousand: one file of those that changed since a day, and one of its companies with
//! their people and places. A dry run reads the same file and books nothing: what it says is what the import will do.
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::erp::customers::companies::IncomingCompany;
use crate::erp::customers::{IncomingCustomer, Match};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::Haste;
use crate::shopify::bulk::Ended;
use crate::shopify::bulk::file::Group;
use crate::shopify::client::ShopifyError;
use crate::shopify::customers::rows;
use crate::shopify::customers::{self, How, Look};
use crate::shopify::gid::{self, Gid};
use crate::shopify::graphql::{CustomersCount, customers_count};
use crate::shopify::privacy::is_erased;
use crate::shopify::shops::Shop;
use crate::shopify::sync::backfill::{self, Found, Place};
use crate::shopify::sync::bulk::{self, Holds};
use crate::shopify::sync::days;
use crate::shopify::sync::runs::{End, RunError, Work};
use crate::types::{At, ContactId};

/// Customers of one fate that are named; more are counted.
const MOST_NAMED: usize = 10;

/// How far an import is, and what it found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    is_counted: bool,
    has_customers: bool,
    pub companies: i64,
    /// Why the companies could not be had; most stores sell to none.
    pub without_companies: Option<String>,
    pub samples: Vec<Sample>,
}

/// A customer as an example of its fate: numbers alone, since a run outlives what people ask to be erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The store's number.
    pub id: String,
    /// Who it is here, where somebody was recognised.
    pub contact: Option<ContactId>,
    pub fate: Fate,
    /// How they were recognised, and what is told otherwise.
    pub words: String,
}

crate::text_enum! {
    /// What becomes of a customer.
    Fate {
        Made = "made",
        Changed = "changed",
        Left = "left",
    }
}

pub(super) async fn run(work: &mut Work<'_>) -> Result<End, RunError> {
    let mut place: Place = work.place();
    let search = search(work);
    if !place.people.is_counted {
        work.tally.total = count(work, &search).await?;
        place.people.is_counted = true;
        if work.keep("counting", &place).await? {
            return Ok(End::Cancelled(None));
        }
    }
    if !place.people.has_customers {
        match bulk::run(work, &mut place, Holds::Customers, &search).await? {
            Ended::Through | Ended::Empty => {
                place.people.has_customers = true;
                place.file = None;
                work.keep("asking for companies", &place).await?;
            }
            Ended::Cancelled => return Ok(End::Cancelled(found(&place))),
            Ended::Waits { cause, reason } => return Ok(End::Waits { cause, reason }),
        }
    }
    match bulk::run(work, &mut place, Holds::Companies, &search).await {
        Ok(Ended::Through | Ended::Empty) => {}
        Ok(Ended::Cancelled) => return Ok(End::Cancelled(found(&place))),
        Ok(Ended::Waits { cause, reason }) => return Ok(End::Waits { cause, reason }),
        // Selling to companies takes a plan; a store without it refuses the question, and its customers are here.
        Err(RunError::Hopeless(why)) => place.people.without_companies = Some(why),
        Err(RunError::Call(ShopifyError::UserErrors { messages })) => {
            place.people.without_companies = Some(messages.join(" "));
        }
        Err(error) => return Err(error),
    }
    Ok(End::Done(found(&place)))
}

/// Shopify compares whole days: the day on which the span begins belongs to it.
fn search(work: &Work<'_>) -> String {
    if work.run.from_at <= At(0) {
        return String::new();
    }
    let day = days::day_of(work.run.from_at, &days::zone(&work.shop));
    format!("updated_at:>='{day}'")
}

async fn count(work: &Work<'_>, search: &str) -> Result<i64, RunError> {
    let variables = customers_count::Variables {
        query: search.to_owned(),
    };
    let answer = work
        .cx
        .call::<CustomersCount>(work.shop.id, Haste::Patient, variables)
        .await?;
    let count = answer.data.customers_count;
    Ok(count.map_or(0, |count| count.count))
}

fn found(place: &Place) -> Option<String> {
    let found = Found {
        refused: place.refused.clone(),
        people: Some(place.people.clone()),
    };
    serde_json::to_string(&found).ok()
}

/// Takes in a batch of customers; should the database refuse it, each alone, so that one stops no other.
pub(super) async fn keep_customers(
    work: &mut Work<'_>,
    place: &mut Place,
    batch: Vec<Group>,
) -> Result<(), RunError> {
    let mut told = Vec::new();
    for group in batch {
        work.tally.done += 1;
        let id = group.record.id().unwrap_or_default().to_owned();
        match rows::customer(group.record, group.children) {
            Ok(customer) => told.push(customer),
            Err(wrong) => {
                let id = Gid::<gid::Customer>::parse(&id).map_or(id, Gid::digits);
                backfill::refuse(work, place, &id, "", wrong.to_string());
            }
        }
    }
    let told = Arc::new(told);
    let looks = match book_customers(work, &told, 0..told.len()).await {
        Ok(looks) => looks.into_iter().map(Ok).collect(),
        Err(error) if error.is_away() || error.is_conflict() => return Err(error.into()),
        Err(_one_of_them) => {
            let mut looks = Vec::new();
            for nth in 0..told.len() {
                match book_customers(work, &told, nth..nth + 1).await {
                    Ok(look) => looks.extend(look.into_iter().map(Ok)),
                    Err(error) => looks.push(Err(error.to_string())),
                }
            }
            looks
        }
    };
    for (customer, look) in told.iter().zip(looks) {
        match look {
            Ok(look) => note(work, place, customer, &look),
            Err(reason) => backfill::refuse(work, place, &customer.external_id, "", reason),
        }
    }
    Ok(())
}

/// How each stood before it was received; in a dry run nothing is.
async fn book_customers(
    work: &Work<'_>,
    told: &Arc<Vec<IncomingCustomer>>,
    which: std::ops::Range<usize>,
) -> Result<Vec<Look>, DbError> {
    let (shop, told, now) = (work.shop.clone(), Arc::clone(told), work.cx.clock.now());
    let is_dry = work.run.dry_run;
    let look = move |conn: &mut DbConnection| -> Result<Vec<Look>, DbError> {
        let all: Vec<&IncomingCustomer> = told.get(which).unwrap_or_default().iter().collect();
        let mut looks = customers::look(conn, shop.id, &all)?;
        let mut wanted = Vec::new();
        for (customer, look) in all.iter().zip(&mut looks) {
            if is_erased(conn, &shop, None, Some(&customer.external_id))? {
                (look.how, look.changes) = (How::Known, Vec::new());
            } else {
                wanted.push(*customer);
            }
        }
        if !is_dry {
            customers::receive(conn, &shop, &wanted, now)?;
        }
        Ok(looks)
    };
    if is_dry {
        work.cx.db.read(look).await
    } else {
        work.cx.db.write(look).await
    }
}

fn note(work: &mut Work<'_>, place: &mut Place, customer: &IncomingCustomer, look: &Look) {
    let by = match look.how {
        How::New | How::Known => "",
        How::Recognised(Match::Email) => "same e-mail",
        How::Recognised(Match::Phone) => "same phone",
    };
    let fate = match look.how {
        How::New => Fate::Made,
        How::Recognised(_) => Fate::Changed,
        How::Known if look.changes.is_empty() => Fate::Left,
        How::Known => Fate::Changed,
    };
    match fate {
        Fate::Made => work.tally.created += 1,
        Fate::Changed => work.tally.updated += 1,
        Fate::Left => work.tally.here += 1,
    }
    let samples = &mut place.people.samples;
    if samples.iter().filter(|one| one.fate == fate).count() < MOST_NAMED {
        let mut words: Vec<&str> = Some(by).filter(|by| !by.is_empty()).into_iter().collect();
        words.extend(&look.changes);
        samples.push(Sample {
            id: customer.external_id.clone(),
            contact: look.contact,
            fate,
            words: words.join(", "),
        });
    }
}

/// Takes in a batch of companies; their people are here already.
pub(super) async fn keep_companies(
    work: &mut Work<'_>,
    place: &mut Place,
    batch: Vec<Group>,
) -> Result<(), RunError> {
    let mut told: Vec<(IncomingCompany, Vec<String>)> = Vec::new();
    for group in batch {
        let id = group.record.id().unwrap_or_default().to_owned();
        match rows::company(group.record, group.children) {
            Ok(company) => told.push(company),
            Err(wrong) => backfill::refuse(work, place, &id, "", wrong.to_string()),
        }
    }
    place.people.companies += i64::try_from(told.len()).unwrap_or(0);
    if work.run.dry_run {
        return Ok(());
    }
    let (shop, now): (Shop, At) = (work.shop.clone(), work.cx.clock.now());
    work.cx
        .db
        .write(move |conn| -> Result<(), DbError> {
            for (company, people) in &told {
                customers::receive_company(conn, &shop, company, people, now)?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}
