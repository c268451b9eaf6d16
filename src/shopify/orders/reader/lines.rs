//! The lines of an order's body: what was sold, at which price, with which discounts, taxes and duties.
use std::fmt::Arguments;

use super::{LARGEST_QUANTITY, Reader, external_id, within};
use crate::erp::orders::incoming::{
    IncomingAllocation, IncomingBundle, IncomingDuty, IncomingLine,
};
use crate::shopify::orders::{TranslateError, error, pairs};
use crate::shopify::payloads::{self, Allocation, LineGroup, MoneySet};
use crate::types::Dual;

impl Reader {
    pub(in crate::shopify::orders) fn lines(
        &self,
        order: &payloads::Order,
    ) -> Result<Option<Vec<IncomingLine>>, TranslateError> {
        let Some(lines) = order.line_items.value() else {
            return Ok(None);
        };
        let groups = order.line_item_groups.as_deref().unwrap_or_default();
        lines
            .iter()
            .enumerate()
            .map(|(place, line)| self.line(format_args!("line_items[{place}]"), line, groups))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn line(
        &self,
        path: Arguments<'_>,
        line: &payloads::Line,
        groups: &[LineGroup],
    ) -> Result<IncomingLine, TranslateError> {
        let id = line
            .id
            .clone()
            .ok_or_else(|| error(&format!("{path}.id"), "it is missing"))?;
        let quantity = pieces(format_args!("{path}.quantity"), line.quantity.unwrap_or(0))?;
        let current = line.current_quantity.unwrap_or(quantity);
        let allocations = self.allocations(path, line.discount_allocations.as_deref())?;
        let taxes = self.taxes(format_args!("{path}."), line.tax_lines.as_deref())?;
        let title = line.title.clone().or_else(|| line.name.clone());
        Ok(IncomingLine {
            external_id: id.0,
            variant_external_id: line.variant_id.clone().map(|id| id.0),
            product_external_id: line.product_id.clone().map(|id| id.0),
            title: title.unwrap_or_else(|| "Untitled".to_owned()),
            variant_title: line.variant_title.clone().filter(|title| !title.is_empty()),
            sku: line.sku.clone().filter(|sku| !sku.is_empty()),
            vendor: line.vendor.clone().filter(|vendor| !vendor.is_empty()),
            grams: line.grams,
            quantity,
            current_quantity: pieces(format_args!("{path}.current_quantity"), current)?,
            fulfilled_elsewhere: None,
            unit_price: self.unit_price(path, line, quantity)?,
            discount: self.line_discount(path, line, &allocations)?,
            allocations,
            tax: taxes.iter().map(|tax| tax.amount).sum(),
            taxes,
            duties: self.duties(path, line)?,
            taxable: line.taxable.unwrap_or(true),
            ships: line.requires_shipping.unwrap_or(true),
            gift_card: line.gift_card.unwrap_or(false),
            tip: line.tip.is_some(),
            properties: pairs(line.properties.clone().unwrap_or_default()),
            bundle: bundle(line, groups),
        })
    }

    fn unit_price(
        &self,
        path: Arguments<'_>,
        line: &payloads::Line,
        quantity: i64,
    ) -> Result<Dual, TranslateError> {
        let path = format!("{path}.price");
        let path = format_args!("{path}");
        let price = self.dual(path, line.price.as_ref(), line.price_set.as_ref())?;
        let price = price.unwrap_or(Dual::ZERO);
        for side in [Some(price.shop), price.presentment].into_iter().flatten() {
            within(path, side.times(quantity))?;
            // What is stored of a price has 64 bits.
            if i64::try_from(side.millionths()).is_err() {
                return Err(error(&path.to_string(), "it is larger than any price"));
            }
        }
        Ok(price)
    }

    /// Order-level discounts stand only in the allocations; these include the line's own.
    fn line_discount(
        &self,
        path: Arguments<'_>,
        line: &payloads::Line,
        allocations: &[IncomingAllocation],
    ) -> Result<Dual, TranslateError> {
        if line.discount_allocations.is_some() {
            return Ok(allocations.iter().map(|part| part.amount).sum());
        }
        let path = format_args!("{path}.total_discount");
        let (plain, set) = (
            line.total_discount.as_ref(),
            line.total_discount_set.as_ref(),
        );
        Ok(self.dual(path, plain, set)?.unwrap_or(Dual::ZERO))
    }

    pub(super) fn allocations(
        &self,
        path: Arguments<'_>,
        allocations: Option<&[Allocation]>,
    ) -> Result<Vec<IncomingAllocation>, TranslateError> {
        let mut read = Vec::new();
        for (place, part) in allocations.unwrap_or_default().iter().enumerate() {
            let path = format!("{path}.discount_allocations[{place}].amount");
            let path = format_args!("{path}");
            if let Some(amount) = self.dual(path, part.amount.as_ref(), part.amount_set.as_ref())? {
                read.push(IncomingAllocation {
                    discount: part.discount_application_index.unwrap_or(0),
                    amount,
                });
            }
        }
        Ok(read)
    }

    fn duties(
        &self,
        path: Arguments<'_>,
        line: &payloads::Line,
    ) -> Result<Vec<IncomingDuty>, TranslateError> {
        let mut read = Vec::new();
        for (place, duty) in line.duties.iter().flatten().enumerate() {
            let path = format!("{path}.duties[{place}]");
            let path = format_args!("{path}");
            let itself = MoneySet {
                shop_money: duty.shop_money.clone(),
                presentment_money: duty.presentment_money.clone(),
            };
            let set = duty.price_set.as_ref().unwrap_or(&itself);
            read.push(IncomingDuty {
                external_id: external_id(duty.id.as_ref()),
                hs_code: duty.harmonized_system_code.clone(),
                origin: duty.country_code_of_origin.clone(),
                amount: self.dual(path, None, Some(set))?.unwrap_or(Dual::ZERO),
                taxes: self.taxes(format_args!("{path}."), duty.tax_lines.as_deref())?,
            });
        }
        Ok(read)
    }
}

fn bundle(line: &payloads::Line, groups: &[LineGroup]) -> Option<IncomingBundle> {
    let id = external_id(line.sales_line_item_group_id.as_ref())?;
    let group = groups
        .iter()
        .find(|group| external_id(group.id.as_ref()).as_ref() == Some(&id));
    Some(IncomingBundle {
        external_id: id,
        title: group.and_then(|group| group.title.clone()),
        quantity: group.and_then(|group| group.quantity),
    })
}

fn pieces(path: Arguments<'_>, quantity: i64) -> Result<i64, TranslateError> {
    if (0..=LARGEST_QUANTITY).contains(&quantity) {
        Ok(quantity)
    } else {
        let what = format!("{quantity} is no number of pieces");
        Err(error(&path.to_string(), &what))
    }
}
