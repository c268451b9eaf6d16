//! What staff of the store do to its products beside renaming them: one is deleted, or copied under another SKU.
use jiff::Timestamp;

use super::Practice;
use super::model::Product;
use super::orders::later;
use super::state::State;
use super::webhooks;

impl Practice {
    /// Whether the product of this SKU could be deleted; its past orders stay.
    pub fn delete_product(&self, sku: &str) -> bool {
        self.change(|state, now| {
            let Some(product) = named(state, sku) else {
                return false;
            };
            state.products.remove(product.id);
            webhooks::product_deleted(state, product.id, now);
            true
        })
    }

    /// Whether the product of this SKU could be copied, as one that sells the first of its variants under a SKU of its
    /// own. The store tells nobody.
    pub fn copy_product(&self, sku: &str, copy: &str) -> bool {
        self.change(|state, now| match named(state, sku) {
            Some(product) => sell(state, product, copy, now),
            None => false,
        })
    }
}

/// The product that has a variant of this SKU.
pub(super) fn named(state: &State, sku: &str) -> Option<Product> {
    let mut products = state.products.iter();
    let found = products.find(|product| {
        let mut variants = product.variants.iter();
        variants.any(|one| one.sku.as_deref() == Some(sku))
    });
    found.cloned()
}

fn sell(state: &mut State, mut product: Product, sku: &str, now: Timestamp) -> bool {
    product.variants.truncate(1);
    let Some(variant) = product.variants.first_mut() else {
        return false;
    };
    variant.id = state.id();
    variant.inventory_item_id = state.id();
    variant.option_value_id = state.id();
    variant.sku = Some(sku.to_owned());
    variant.barcode = None;
    variant.updated_at = later(variant.updated_at, now);
    product.id = state.id();
    product.option_id = state.id();
    product.title = format!("{} {sku}", product.title);
    product.handle = format!("{}-{}", product.handle, sku.to_lowercase());
    product.updated_at = later(product.updated_at, now);
    state.products.insert(product.id, product);
    true
}
