//! The practice store's memory: shelves of records that know what changed, saved together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use diesel::sqlite::SqliteConnection;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::PracticeError;
use super::model::{
    Address, Customer, Delivery, Location, Meta, Order, Product, Subscription, Variant,
};
use super::queries::{self, Change};

/// Records by id; every record handed out for changing is saved by the next commit.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    kind: &'static str,
    records: BTreeMap<u64, T>,
    touched: BTreeSet<u64>,
}

impl<T: Serialize + DeserializeOwned> Shelf<T> {
    fn load(
        kind: &'static str,
        id: fn(&T) -> u64,
        conn: &mut SqliteConnection,
    ) -> Result<Self, PracticeError> {
        let mut records = BTreeMap::new();
        for json in queries::list(conn, kind)? {
            let record: T = serde_json::from_str(&json)?;
            records.insert(id(&record), record);
        }
        Ok(Self {
            kind,
            records,
            touched: BTreeSet::new(),
        })
    }

    pub(super) fn get(&self, id: u64) -> Option<&T> {
        self.records.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        let record = self.records.get_mut(&id)?;
        self.touched.insert(id);
        Some(record)
    }

    pub(super) fn insert(&mut self, id: u64, record: T) {
        self.touched.insert(id);
        self.records.insert(id, record);
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<T> {
        self.touched.insert(id);
        self.records.remove(&id)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.records.values()
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.records.keys().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    fn changes(&mut self, into: &mut Vec<Change>) -> Result<(), PracticeError> {
        for id in std::mem::take(&mut self.touched) {
            let json = self
                .records
                .get(&id)
                .map(serde_json::to_string)
                .transpose()?;
            into.push(Change {
                kind: self.kind,
                id: id.to_string(),
                json,
            });
        }
        Ok(())
    }
}

/// Everything the store knows.
pub(super) struct State {
    conn: SqliteConnection,
    pub(super) meta: Meta,
    pub(super) locations: Shelf<Location>,
    pub(super) products: Shelf<Product>,
    pub(super) customers: Shelf<Customer>,
    pub(super) orders: Shelf<Order>,
    pub(super) subscriptions: Shelf<Subscription>,
    pub(super) deliveries: Shelf<Delivery>,
    /// What bulk operations wrote, as long as the store runs.
    pub(super) files: BTreeMap<u64, Vec<u8>>,
    /// Where the store listens.
    pub(super) site: String,
}

impl State {
    /// Reads what an earlier run left behind.
    pub(super) fn open(path: Option<&Path>, now: Timestamp) -> Result<Self, PracticeError> {
        let mut conn = queries::open(path)?;
        let meta = match queries::list(&mut conn, "meta")?.first() {
            Some(json) => serde_json::from_str(json)?,
            None => new_meta(now),
        };
        Ok(Self {
            meta,
            locations: Shelf::load("location", |record: &Location| record.id, &mut conn)?,
            products: Shelf::load("product", |record: &Product| record.id, &mut conn)?,
            customers: Shelf::load("customer", |record: &Customer| record.id, &mut conn)?,
            orders: Shelf::load("order", |record: &Order| record.id, &mut conn)?,
            subscriptions: Shelf::load(
                "subscription",
                |record: &Subscription| record.id,
                &mut conn,
            )?,
            deliveries: Shelf::load("delivery", |record: &Delivery| record.id, &mut conn)?,
            files: BTreeMap::new(),
            site: String::new(),
            conn,
        })
    }

    /// Saves everything that was touched since the last time, all or nothing.
    pub(super) fn commit(&mut self) -> Result<(), PracticeError> {
        let mut changes = vec![Change {
            kind: "meta",
            id: "meta".to_owned(),
            json: Some(serde_json::to_string(&self.meta)?),
        }];
        self.locations.changes(&mut changes)?;
        self.products.changes(&mut changes)?;
        self.customers.changes(&mut changes)?;
        self.orders.changes(&mut changes)?;
        self.subscriptions.changes(&mut changes)?;
        self.deliveries.changes(&mut changes)?;
        queries::save(&mut self.conn, &changes)?;
        Ok(())
    }

    /// A new id, small as those of a young store.
    pub(super) fn id(&mut self) -> u64 {
        self.meta.next_id += 1;
        self.meta.next_id
    }

    /// A new id above 2^53, where a program that reads ids as floats goes wrong.
    pub(super) fn large_id(&mut self) -> u64 {
        820_982_911_946_000_001 + self.id() * 2
    }

    pub(super) fn variant(&self, id: u64) -> Option<(&Product, &Variant)> {
        self.products.iter().find_map(|product| {
            product
                .variants
                .iter()
                .find(|variant| variant.id == id)
                .map(|variant| (product, variant))
        })
    }

    pub(super) fn variant_by_item(&self, inventory_item_id: u64) -> Option<(&Product, &Variant)> {
        self.products.iter().find_map(|product| {
            let found = product
                .variants
                .iter()
                .find(|variant| variant.inventory_item_id == inventory_item_id);
            found.map(|variant| (product, variant))
        })
    }

    /// A variant for changing; its product counts as touched.
    pub(super) fn variant_mut(&mut self, id: u64) -> Option<&mut Variant> {
        let product_id = self.variant(id)?.0.id;
        let product = self.products.get_mut(product_id)?;
        product.variants.iter_mut().find(|variant| variant.id == id)
    }

    /// The location that takes what no other one has.
    pub(super) fn primary_location(&self) -> u64 {
        self.locations
            .iter()
            .next()
            .map_or(0, |location| location.id)
    }

    pub(super) fn shop_address(&self) -> Address {
        self.locations
            .iter()
            .next()
            .map(|location| location.address.clone())
            .unwrap_or_default()
    }
}

fn new_meta(now: Timestamp) -> Meta {
    Meta {
        seeded: false,
        shop_id: 68_401_234_567,
        next_id: 7_400_000_000,
        next_order_number: 1001,
        orders_placed: 0,
        created_at: now,
        installation: None,
        codes: Vec::new(),
        access_tokens: Vec::new(),
        refresh_tokens: Vec::new(),
        misbehaviours: BTreeMap::new(),
        idempotency: BTreeMap::new(),
        bulk_operations: Vec::new(),
        companies: Vec::new(),
    }
}
