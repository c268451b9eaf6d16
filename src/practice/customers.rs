//! The store's customers beside the checkout: written down, changed, deleted and merged by its staff, and the companies
//! that some of them buy for.
use jiff::Timestamp;

use super::Practice;
use super::model::{Address, Company, Consent, Customer};
use super::orders::later;
use super::state::State;
use super::webhooks;

/// A customer that somebody of the store writes down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewCustomer {
    pub first_name: String,
    pub last_name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub city: String,
    pub zip: String,
    pub tags: Vec<String>,
    pub note: Option<String>,
    /// Whether they may be written to by e-mail.
    pub subscribed: bool,
}

/// What somebody of the store changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerEdit {
    Name(String, String),
    Email(Option<String>),
    Phone(Option<String>),
    Tags(Vec<String>),
    Note(Option<String>),
}

impl Practice {
    /// Somebody of the store writes a customer down; `None`: their address or number is another's already.
    pub fn add_customer(&self, new: &NewCustomer) -> Option<u64> {
        self.change(|state, now| add(state, new, now))
    }

    /// Whether the customer could be changed.
    pub fn edit_customer(&self, id: u64, edit: &CustomerEdit) -> bool {
        self.change(|state, now| self::edit(state, id, edit, now))
    }

    /// Whether the customer could be deleted: nobody who has ordered can.
    pub fn delete_customer(&self, id: u64) -> bool {
        self.change(|state, now| delete(state, id, now))
    }

    /// Whether the second customer could be merged into the first.
    pub fn merge_customers(&self, kept: u64, gone: u64) -> bool {
        self.change(|state, now| merge(state, kept, gone, now))
    }

    /// A company that these customers buy for.
    pub fn add_company(&self, name: &str, people: &[u64]) -> u64 {
        self.change(|state, now| add_company(state, name, people, now))
    }
}

/// `None` where an address or a number is another's already, or nothing is known of them.
fn add(state: &mut State, new: &NewCustomer, now: Timestamp) -> Option<u64> {
    let is_nobody = new.first_name.is_empty()
        && new.last_name.is_empty()
        && new.email.is_none()
        && new.phone.is_none();
    if is_nobody || is_taken(state, None, new.email.as_ref(), new.phone.as_ref()) {
        return None;
    }
    let (id, address_id) = (state.id(), state.id());
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let consent = new.subscribed.then(|| Consent {
        state: "SUBSCRIBED".to_owned(),
        level: "SINGLE_OPT_IN".to_owned(),
        at: now,
    });
    let customer = Customer {
        id,
        address_id,
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
        email: new.email.clone(),
        phone: new.phone.clone(),
        locale: "en".to_owned(),
        address: Address {
            first_name: text(&new.first_name),
            last_name: text(&new.last_name),
            address1: "1 Mill Lane".to_owned(),
            city: new.city.clone(),
            zip: new.zip.clone(),
            country: "United States".to_owned(),
            country_code: "US".to_owned(),
            ..Address::default()
        },
        note: new.note.clone(),
        tags: new.tags.clone(),
        email_consent: consent.filter(|_| new.email.is_some()),
        created_at: now,
        updated_at: now,
    };
    state.customers.insert(id, customer);
    webhooks::customer(state, id, "customers/create", now);
    Some(id)
}

/// An e-mail address and a phone number belong to one customer of a store alone.
fn is_taken(
    state: &State,
    but: Option<u64>,
    email: Option<&String>,
    phone: Option<&String>,
) -> bool {
    state.customers.iter().any(|one| {
        let same_email = email.is_some() && one.email.as_ref() == email;
        let same_phone = phone.is_some() && one.phone.as_ref() == phone;
        Some(one.id) != but && (same_email || same_phone)
    })
}

fn edit(state: &mut State, id: u64, edit: &CustomerEdit, now: Timestamp) -> bool {
    let refused = match edit {
        CustomerEdit::Email(email) => is_taken(state, Some(id), email.as_ref(), None),
        CustomerEdit::Phone(phone) => is_taken(state, Some(id), None, phone.as_ref()),
        CustomerEdit::Name(..) | CustomerEdit::Tags(_) | CustomerEdit::Note(_) => false,
    };
    let Some(customer) = state.customers.get_mut(id).filter(|_| !refused) else {
        return false;
    };
    match edit {
        CustomerEdit::Name(first, last) => {
            customer.first_name.clone_from(first);
            customer.last_name.clone_from(last);
        }
        CustomerEdit::Email(email) => customer.email.clone_from(email),
        CustomerEdit::Phone(phone) => customer.phone.clone_from(phone),
        CustomerEdit::Tags(tags) => customer.tags.clone_from(tags),
        CustomerEdit::Note(note) => customer.note.clone_from(note),
    }
    customer.updated_at = later(customer.updated_at, now);
    webhooks::customer(state, id, "customers/update", now);
    true
}

/// Whoever has ordered cannot be deleted.
fn delete(state: &mut State, id: u64, now: Timestamp) -> bool {
    let has_ordered = state
        .orders
        .iter()
        .any(|order| order.customer_id == Some(id));
    if has_ordered || state.customers.remove(id).is_none() {
        return false;
    }
    webhooks::customer_deleted(state, id, now);
    true
}

/// The orders of one become the other's, and it is no more.
fn merge(state: &mut State, kept: u64, gone: u64, now: Timestamp) -> bool {
    if kept == gone || state.customers.get(kept).is_none() {
        return false;
    }
    if state.customers.remove(gone).is_none() {
        return false;
    }
    for id in state.orders.ids() {
        let is_theirs = state
            .orders
            .get(id)
            .is_some_and(|order| order.customer_id == Some(gone));
        if let Some(order) = state.orders.get_mut(id).filter(|_| is_theirs) {
            order.customer_id = Some(kept);
        }
    }
    for company in &mut state.meta.companies {
        for member in &mut company.people {
            if *member == gone {
                *member = kept;
            }
        }
    }
    webhooks::customers_merged(state, kept, gone, now);
    true
}

fn add_company(state: &mut State, name: &str, people: &[u64], now: Timestamp) -> u64 {
    let (id, location_id) = (state.id(), state.id());
    let contact_ids = people.iter().map(|_| state.id()).collect();
    state.meta.companies.push(Company {
        id,
        location_id,
        contact_ids,
        name: name.to_owned(),
        people: people.to_vec(),
        address: state.shop_address(),
        updated_at: now,
    });
    id
}
