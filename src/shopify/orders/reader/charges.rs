//! What an order's body asks beside its lines: shipping and other charges, taxes, discounts.
use super::Reader;
use crate::erp::orders::incoming::{
    ChargeKind, IncomingCharge, IncomingDiscount, IncomingLine, IncomingTax,
};
use crate::shopify::orders::TranslateError;
use crate::shopify::orders::charges::{Beside, beside};
use crate::shopify::payloads;
use crate::types::{Dual, Field};

impl Reader {
    pub(in crate::shopify::orders) fn charges(
        &self,
        order: &payloads::Order,
        lines: Option<&[IncomingLine]>,
    ) -> Result<Option<Vec<IncomingCharge>>, TranslateError> {
        if order.shipping_lines.is_absent() {
            return Ok(None);
        }
        let shipping = order.shipping_lines.value().map_or(&[][..], Vec::as_slice);
        let none = Field::Absent;
        let set = |path, set| -> Result<Option<Dual>, TranslateError> {
            Ok(self.field(path, &none, set)?.value().copied())
        };
        let other = Beside {
            tip: self
                .field(
                    "total_tip_received",
                    &order.total_tip_received,
                    &Field::Absent,
                )?
                .value()
                .copied(),
            duties: set(
                "original_total_duties_set",
                &order.original_total_duties_set,
            )?,
            duties_included: order.duties_included.value() == Some(&true),
            fees: set(
                "original_total_additional_fees_set",
                &order.original_total_additional_fees_set,
            )?,
            cash_rounding: set(
                "total_cash_rounding_payment_adjustment_set",
                &order.total_cash_rounding_payment_adjustment_set,
            )?,
        };
        let mut charges = shipping
            .iter()
            .enumerate()
            .map(|(place, line)| self.shipping(place, line))
            .collect::<Result<Vec<_>, _>>()?;
        charges.extend(beside(lines.unwrap_or_default(), &other));
        Ok(Some(charges))
    }

    fn shipping(
        &self,
        place: usize,
        line: &payloads::ShippingLine,
    ) -> Result<IncomingCharge, TranslateError> {
        let path = format!("shipping_lines[{place}]");
        let path = format_args!("{path}");
        let allocations = self.allocations(path, line.discount_allocations.as_deref())?;
        let price = (line.price.as_ref(), line.price_set.as_ref());
        let title = line.title.clone().or_else(|| line.code.clone());
        Ok(IncomingCharge {
            kind: ChargeKind::Shipping,
            external_id: line.id.clone().map(|id| id.0),
            title: title.unwrap_or_else(|| "Shipping".to_owned()),
            code: line.code.clone().filter(|code| !code.is_empty()),
            amount: self
                .dual(format_args!("{path}.price"), price.0, price.1)?
                .unwrap_or(Dual::ZERO),
            discount: allocations.iter().map(|part| part.amount).sum(),
            allocations,
            taxes: self.taxes(format_args!("{path}."), line.tax_lines.as_deref())?,
            removed: line.is_removed == Some(true),
        })
    }

    pub(in crate::shopify::orders) fn order_taxes(
        &self,
        order: &payloads::Order,
    ) -> Result<Option<Vec<IncomingTax>>, TranslateError> {
        if order.tax_lines.is_absent() {
            return Ok(None);
        }
        let taxes = order.tax_lines.value().map(Vec::as_slice);
        self.taxes(format_args!(""), taxes).map(Some)
    }

    /// Discounts by application, each with the sum of what was allocated to lines and shipping.
    pub(in crate::shopify::orders) fn discounts(
        order: &payloads::Order,
        lines: Option<&[IncomingLine]>,
        charges: Option<&[IncomingCharge]>,
    ) -> Option<Vec<IncomingDiscount>> {
        let applications = order.discount_applications.as_ref()?;
        let lines = lines.unwrap_or_default().iter();
        let charges = charges.unwrap_or_default().iter();
        let allocations: Vec<_> = lines
            .flat_map(|line| &line.allocations)
            .chain(charges.flat_map(|charge| &charge.allocations))
            .collect();
        let read = applications.iter().enumerate().map(|(place, one)| {
            let title = [&one.code, &one.title, &one.description];
            let title = title.into_iter().flatten().next().cloned();
            let kind = one.r#type.clone();
            IncomingDiscount {
                kind: kind.unwrap_or_else(|| "discount".to_owned()),
                title: title.unwrap_or_else(|| "Discount".to_owned()),
                target: one.target_type.clone(),
                value: one.value.clone().map(|value| value.0),
                value_kind: one.value_type.clone(),
                amount: allocations
                    .iter()
                    .filter(|part| part.discount == place)
                    .map(|part| part.amount)
                    .sum(),
            }
        });
        Some(read.collect())
    }
}
