//! Amounts, lines, charges, taxes and discounts of an order's body, each error with its place.
use super::{TranslateError, error, pairs};
use crate::erp::orders::incoming::{
    ChargeKind, IncomingCharge, IncomingDiscount, IncomingLine, IncomingTax,
};
use crate::shopify::payloads::{self, Amount, MoneySet};
use crate::types::{Currency, Field, Money, UnitPrice};

/// In minor units. More is a slip of somebody's program; within it nothing that is added up overflows.
const LARGEST_AMOUNT: i64 = 10_000_000_000_000_000;
/// Pieces of a line.
pub(super) const LARGEST_QUANTITY: i64 = 1_000_000_000;

/// Reads amounts in the order's currencies and counts those that were finer than the currency.
pub(super) struct Reader {
    pub(super) currency: Currency,
    pub(super) presentment: Currency,
    pub(super) rounded: i64,
}

impl Reader {
    pub(super) fn new(order: &payloads::Order) -> Result<Reader, TranslateError> {
        let read = |path: &str, code: &Option<String>| match code {
            Some(code) => code
                .parse::<Currency>()
                .map(Some)
                .map_err(|wrong| error(path, &wrong.to_string())),
            None => Ok(None),
        };
        let currency =
            read("currency", &order.currency)?.ok_or_else(|| error("currency", "it is missing"))?;
        let presentment = read("presentment_currency", &order.presentment_currency)?;
        Ok(Reader {
            currency,
            presentment: presentment.unwrap_or(currency),
            rounded: 0,
        })
    }

    /// Minor units; an amount finer than the currency is rounded and counted.
    fn minor(&mut self, path: &str, amount: &Amount) -> Result<i64, TranslateError> {
        self.minor_in(path, amount, self.currency)
    }

    fn minor_in(
        &mut self,
        path: &str,
        amount: &Amount,
        currency: Currency,
    ) -> Result<i64, TranslateError> {
        let (money, rounded) = Money::parse_rounded(&amount.0, currency)
            .map_err(|wrong| error(path, &wrong.to_string()))?;
        self.rounded += i64::from(rounded);
        within(path, money.minor)
    }

    pub(super) fn field(
        &mut self,
        path: &str,
        field: &Field<Amount>,
    ) -> Result<Field<i64>, TranslateError> {
        field.clone().try_map(|amount| self.minor(path, &amount))
    }

    pub(super) fn set(
        &mut self,
        path: &str,
        field: &Field<MoneySet>,
    ) -> Result<Field<i64>, TranslateError> {
        match field {
            Field::Absent => Ok(Field::Absent),
            Field::Null => Ok(Field::Null),
            Field::Value(set) => match set
                .shop_money
                .as_ref()
                .and_then(|money| money.amount.as_ref())
            {
                Some(amount) => {
                    let path = format!("{path}.shop_money.amount");
                    self.minor(&path, amount).map(Field::Value)
                }
                None => Ok(Field::Absent),
            },
        }
    }

    pub(super) fn presentment_total(
        &mut self,
        order: &payloads::Order,
    ) -> Result<Field<i64>, TranslateError> {
        let amount = order
            .total_price_set
            .value()
            .and_then(|set| set.presentment_money.as_ref())
            .and_then(|money| money.amount.as_ref());
        let path = "total_price_set.presentment_money.amount";
        match amount {
            Some(amount) => self
                .minor_in(path, amount, self.presentment)
                .map(Field::Value),
            None => Ok(Field::Absent),
        }
    }

    pub(super) fn lines(
        &mut self,
        order: &payloads::Order,
    ) -> Result<Option<Vec<IncomingLine>>, TranslateError> {
        let Some(lines) = order.line_items.value() else {
            return Ok(None);
        };
        lines
            .iter()
            .enumerate()
            .map(|(place, line)| self.line(&format!("line_items[{place}]"), line))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn line(&mut self, path: &str, line: &payloads::Line) -> Result<IncomingLine, TranslateError> {
        let id = line
            .id
            .clone()
            .ok_or_else(|| error(&format!("{path}.id"), "it is missing"))?;
        let quantity = pieces(&format!("{path}.quantity"), line.quantity.unwrap_or(0))?;
        let current = line.current_quantity.unwrap_or(quantity);
        Ok(IncomingLine {
            external_id: id.0,
            variant_external_id: line.variant_id.clone().map(|id| id.0),
            product_external_id: line.product_id.clone().map(|id| id.0),
            title: line
                .title
                .clone()
                .or_else(|| line.name.clone())
                .unwrap_or_else(|| "Untitled".to_owned()),
            variant_title: line.variant_title.clone().filter(|title| !title.is_empty()),
            sku: line.sku.clone().filter(|sku| !sku.is_empty()),
            quantity,
            current_quantity: pieces(&format!("{path}.current_quantity"), current)?,
            fulfilled_elsewhere: None,
            unit_price: self.unit_price(&format!("{path}.price"), line.price.as_ref(), quantity)?,
            discount: self.line_discount(path, line)?,
            tax: self.line_taxes(path, line)?,
            ships: line.requires_shipping.unwrap_or(true),
            gift_card: line.gift_card.unwrap_or(false),
            tip: line.tip.is_some(),
            properties: pairs(line.properties.clone().unwrap_or_default()),
        })
    }

    fn unit_price(
        &mut self,
        path: &str,
        amount: Option<&Amount>,
        quantity: i64,
    ) -> Result<i64, TranslateError> {
        let Some(amount) = amount else { return Ok(0) };
        let price = UnitPrice::parse(&amount.0, self.currency)
            .map_err(|wrong| error(path, &wrong.to_string()))?;
        let of_line = price.times(quantity).map_or(i64::MAX, |money| money.minor);
        within(path, of_line)?;
        Ok(price.millionths)
    }

    /// Order-level discounts stand only in the allocations; these include the line's own.
    fn line_discount(&mut self, path: &str, line: &payloads::Line) -> Result<i64, TranslateError> {
        match (&line.discount_allocations, &line.total_discount) {
            (Some(allocations), _) => self.allocations(path, allocations),
            (None, Some(amount)) => self.minor(&format!("{path}.total_discount"), amount),
            (None, None) => Ok(0),
        }
    }

    fn allocations(
        &mut self,
        path: &str,
        allocations: &[payloads::Allocation],
    ) -> Result<i64, TranslateError> {
        let mut sum = 0;
        for (place, allocation) in allocations.iter().enumerate() {
            if let Some(amount) = &allocation.amount {
                let path = format!("{path}.discount_allocations[{place}].amount");
                sum = within(&path, sum + self.minor(&path, amount)?)?;
            }
        }
        Ok(sum)
    }

    fn line_taxes(&mut self, path: &str, line: &payloads::Line) -> Result<i64, TranslateError> {
        let mut sum = 0;
        for (place, tax) in line.tax_lines.iter().flatten().enumerate() {
            if let Some(amount) = &tax.price {
                let path = format!("{path}.tax_lines[{place}].price");
                sum = within(&path, sum + self.minor(&path, amount)?)?;
            }
        }
        Ok(sum)
    }

    pub(super) fn charges(
        &mut self,
        order: &payloads::Order,
        lines: Option<&[IncomingLine]>,
    ) -> Result<Option<Vec<IncomingCharge>>, TranslateError> {
        let Some(shipping) = order.shipping_lines.value() else {
            return Ok(None);
        };
        let mut charges = Vec::new();
        for (place, line) in shipping.iter().enumerate() {
            if line.is_removed == Some(true) {
                continue;
            }
            let path = format!("shipping_lines[{place}]");
            let allocations = line.discount_allocations.as_deref().unwrap_or_default();
            let amount = match &line.price {
                Some(amount) => self.minor(&format!("{path}.price"), amount)?,
                None => 0,
            };
            charges.push(IncomingCharge {
                kind: ChargeKind::Shipping,
                external_id: line.id.clone().map(|id| id.0),
                title: line
                    .title
                    .clone()
                    .or_else(|| line.code.clone())
                    .unwrap_or_else(|| "Shipping".to_owned()),
                amount,
                discount: self.allocations(&path, allocations)?,
            });
        }
        let tips_are_lines = lines.is_some_and(|lines| lines.iter().any(|line| line.tip));
        let tip = self.field("total_tip_received", &order.total_tip_received)?;
        let duties = self.set(
            "original_total_duties_set",
            &order.original_total_duties_set,
        )?;
        let fees = self.set(
            "original_total_additional_fees_set",
            &order.original_total_additional_fees_set,
        )?;
        let included = order.duties_included.value() == Some(&true);
        for (kind, title, amount, counts) in [
            (ChargeKind::Tip, "Tip", tip, !tips_are_lines),
            (ChargeKind::Duty, "Duties", duties, !included),
            (ChargeKind::Fee, "Additional fees", fees, true),
        ] {
            if let (Some(amount), true) = (amount.value().filter(|amount| **amount != 0), counts) {
                charges.push(IncomingCharge {
                    kind,
                    external_id: None,
                    title: title.to_owned(),
                    amount: *amount,
                    discount: 0,
                });
            }
        }
        Ok(Some(charges))
    }

    pub(super) fn taxes(
        &mut self,
        order: &payloads::Order,
    ) -> Result<Option<Vec<IncomingTax>>, TranslateError> {
        let Some(taxes) = order.tax_lines.value() else {
            return Ok(None);
        };
        let mut read = Vec::new();
        for (place, tax) in taxes.iter().enumerate() {
            let amount = match &tax.price {
                Some(amount) => self.minor(&format!("tax_lines[{place}].price"), amount)?,
                None => 0,
            };
            read.push(IncomingTax {
                title: tax.title.clone().unwrap_or_else(|| "Tax".to_owned()),
                rate: tax.rate.clone().map_or_else(String::new, |rate| rate.0),
                amount,
            });
        }
        Ok(Some(read))
    }

    /// Discounts by application, each with the sum of what was allocated to lines and shipping.
    pub(super) fn discounts(
        &mut self,
        order: &payloads::Order,
    ) -> Result<Option<Vec<IncomingDiscount>>, TranslateError> {
        let Some(applications) = &order.discount_applications else {
            return Ok(None);
        };
        let mut sums = vec![0_i64; applications.len()];
        let lines = order.line_items.value().into_iter().flatten();
        let shipping = order.shipping_lines.value().into_iter().flatten();
        let allocations = lines
            .filter_map(|line| line.discount_allocations.as_ref())
            .chain(shipping.filter_map(|line| line.discount_allocations.as_ref()))
            .flatten();
        for allocation in allocations {
            let index = allocation.discount_application_index.unwrap_or(0);
            if let (Some(sum), Some(amount)) = (sums.get_mut(index), &allocation.amount) {
                let path = "discount_allocations";
                *sum = within(path, *sum + self.minor(path, amount)?)?;
            }
        }
        Ok(Some(
            applications
                .iter()
                .zip(sums)
                .map(|(application, amount)| IncomingDiscount {
                    kind: application
                        .r#type
                        .clone()
                        .unwrap_or_else(|| "discount".to_owned()),
                    title: [
                        &application.code,
                        &application.title,
                        &application.description,
                    ]
                    .into_iter()
                    .flatten()
                    .next()
                    .cloned()
                    .unwrap_or_else(|| "Discount".to_owned()),
                    amount,
                })
                .collect(),
        ))
    }
}

fn within(path: &str, minor: i64) -> Result<i64, TranslateError> {
    if (-LARGEST_AMOUNT..=LARGEST_AMOUNT).contains(&minor) {
        Ok(minor)
    } else {
        Err(error(path, "it is larger than any order"))
    }
}

fn pieces(path: &str, quantity: i64) -> Result<i64, TranslateError> {
    if (0..=LARGEST_QUANTITY).contains(&quantity) {
        Ok(quantity)
    } else {
        Err(error(path, &format!("{quantity} is no number of pieces")))
    }
}
