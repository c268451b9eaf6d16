//! Amounts of an order's body in both of its currencies, each error with its place.
use std::fmt::Arguments;

use super::{TranslateError, error};
use crate::erp::orders::incoming::{IncomingTax, IncomingTotals};
use crate::shopify::payloads::{self, Amount, Anything, MoneySet, MoneyValue, TaxLine};
use crate::types::{Currency, Dual, Exact, Field};

mod charges;
mod lines;

/// In units of a currency. More is a slip of somebody's program.
const LARGEST_AMOUNT: i128 = 100_000_000_000_000;
/// Pieces of a line.
pub(super) const LARGEST_QUANTITY: i64 = 1_000_000_000;

/// Reads amounts in the order's currencies.
pub(super) struct Reader {
    pub(super) currency: Currency,
    pub(super) presentment: Currency,
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
        })
    }

    pub(super) fn ordered(
        &self,
        order: &payloads::Order,
    ) -> Result<IncomingTotals, TranslateError> {
        let none = Field::Absent;
        let read = |path, plain, set| self.field(path, plain, set);
        Ok(IncomingTotals {
            subtotal: read(
                "subtotal_price",
                &order.subtotal_price,
                &order.subtotal_price_set,
            )?,
            discount: read(
                "total_discounts",
                &order.total_discounts,
                &order.total_discounts_set,
            )?,
            shipping: read(
                "total_shipping_price_set",
                &none,
                &order.total_shipping_price_set,
            )?,
            duties: read(
                "original_total_duties_set",
                &none,
                &order.original_total_duties_set,
            )?,
            fees: read(
                "original_total_additional_fees_set",
                &none,
                &order.original_total_additional_fees_set,
            )?,
            tax: read("total_tax", &order.total_tax, &order.total_tax_set)?,
            total: read("total_price", &order.total_price, &order.total_price_set)?,
        })
    }

    pub(super) fn now(&self, order: &payloads::Order) -> Result<IncomingTotals, TranslateError> {
        let none = Field::Absent;
        let read = |path, plain, set| self.field(path, plain, set);
        Ok(IncomingTotals {
            subtotal: read(
                "current_subtotal_price",
                &order.current_subtotal_price,
                &order.current_subtotal_price_set,
            )?,
            discount: read(
                "current_total_discounts",
                &order.current_total_discounts,
                &order.current_total_discounts_set,
            )?,
            shipping: read(
                "current_shipping_price_set",
                &none,
                &order.current_shipping_price_set,
            )?,
            duties: read(
                "current_total_duties_set",
                &none,
                &order.current_total_duties_set,
            )?,
            fees: read(
                "current_total_additional_fees_set",
                &none,
                &order.current_total_additional_fees_set,
            )?,
            tax: read(
                "current_total_tax",
                &order.current_total_tax,
                &order.current_total_tax_set,
            )?,
            total: read(
                "current_total_price",
                &order.current_total_price,
                &order.current_total_price_set,
            )?,
        })
    }

    /// One amount that the body tells plainly (in the shop's currency), as a set, or both ways.
    pub(super) fn field(
        &self,
        path: &str,
        plain: &Field<Amount>,
        set: &Field<MoneySet>,
    ) -> Result<Field<Dual>, TranslateError> {
        let found = self.dual(format_args!("{path}"), plain.value(), set.value())?;
        Ok(match (found, plain, set) {
            (Some(amount), _, _) => Field::Value(amount),
            (None, Field::Null, _) | (None, _, Field::Null) => Field::Null,
            (None, Field::Absent | Field::Value(_), Field::Absent | Field::Value(_)) => {
                Field::Absent
            }
        })
    }

    /// Where both currencies are one, so are both amounts, and nothing at all is nothing in each.
    fn dual(
        &self,
        path: Arguments<'_>,
        plain: Option<&Amount>,
        set: Option<&MoneySet>,
    ) -> Result<Option<Dual>, TranslateError> {
        let shop = match (plain, set.and_then(|set| of(set.shop_money.as_ref()))) {
            (Some(plain), _) => exact(path, plain)?,
            (None, Some(amount)) => exact(format_args!("{path}.shop_money.amount"), amount)?,
            (None, None) => return Ok(None),
        };
        let told = set.and_then(|set| of(set.presentment_money.as_ref()));
        let presentment = match told {
            _ if self.presentment == self.currency => Some(shop),
            Some(amount) => {
                let path = format_args!("{path}.presentment_money.amount");
                Some(exact(path, amount)?)
            }
            None => (shop == Exact::ZERO).then_some(Exact::ZERO),
        };
        Ok(Some(Dual { shop, presentment }))
    }

    fn taxes(
        &self,
        path: Arguments<'_>,
        taxes: Option<&[TaxLine]>,
    ) -> Result<Vec<IncomingTax>, TranslateError> {
        let taxes = taxes.unwrap_or_default().iter().enumerate();
        taxes
            .map(|(place, tax)| {
                let path = format_args!("{path}tax_lines[{place}].price");
                let amount = self.dual(path, tax.price.as_ref(), tax.price_set.as_ref())?;
                Ok(IncomingTax {
                    title: tax.title.clone().unwrap_or_else(|| "Tax".to_owned()),
                    rate: tax.rate.clone().map_or_else(String::new, |rate| rate.0),
                    amount: amount.unwrap_or(Dual::ZERO),
                    channel_liable: tax.channel_liable.unwrap_or(false),
                })
            })
            .collect()
    }
}

fn of(money: Option<&MoneyValue>) -> Option<&Amount> {
    money.and_then(|money| money.amount.as_ref())
}

fn exact(path: Arguments<'_>, amount: &Amount) -> Result<Exact, TranslateError> {
    let exact =
        Exact::parse(&amount.0).map_err(|wrong| error(&path.to_string(), &wrong.to_string()))?;
    within(path, exact)
}

fn within(path: Arguments<'_>, amount: Exact) -> Result<Exact, TranslateError> {
    if amount.millionths().abs() <= LARGEST_AMOUNT * 1_000_000 {
        Ok(amount)
    } else {
        Err(error(&path.to_string(), "it is larger than any order"))
    }
}

/// The id in a number, a text, or the end of a gid.
fn external_id(id: Option<&Anything>) -> Option<String> {
    let id = id?.0.rsplit('/').next()?;
    (!id.is_empty()).then(|| id.to_owned())
}
