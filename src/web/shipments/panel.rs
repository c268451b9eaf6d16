//! The ship panel of the order screen and its form: what it shows, and what was typed after a refusal.
use super::cards::{self, OutsideCard, ShipmentCard};
use crate::erp::locations::{self, Location};
use crate::erp::shipping::queries;
use crate::erp::shipping::{FieldError, LotChoice, Tracking};
use crate::platform::db::{DbConnection, DbError};
use crate::shopify::carriers;
use crate::shopify::fulfillments::queries as pushes;
use crate::types::{LocationId, OrderId, OrderLineId, ProductId};

/// The option that opens the free field for a carrier's name.
pub(super) const OTHER: &str = "other";

/// What the form holds: first the defaults, after a refusal what was typed.
#[derive(Clone, Debug, Default)]
pub struct ShipForm {
    pub version: Option<i64>,
    pub request_id: String,
    pub location: Option<i64>,
    pub carrier: String,
    pub carrier_other: String,
    /// One number on each line.
    pub tracking: String,
    pub url: String,
    pub notify: bool,
    /// Line and what was typed as its quantity.
    pub quantities: Vec<(i64, String)>,
    /// Line, item and what was chosen as its lot, or typed as its serial numbers, one on each line.
    pub lots: Vec<(i64, i64, String)>,
    pub faults: Vec<FieldError>,
}

/// The ship panel of the order screen.
pub struct ShipPanel {
    pub order: OrderId,
    pub version: i64,
    pub form: ShipForm,
    pub locations: Vec<Location>,
    pub usual: &'static [&'static str],
    pub others: Vec<&'static str>,
    pub shipments: Vec<ShipmentCard>,
    /// What others have shipped.
    pub outside: Vec<OutsideCard>,
    /// Pieces that can leave, of those that are left.
    pub pieces_left: i64,
    pub destination: String,
    pub customer: String,
}

impl ShipPanel {
    /// Reads what the panel shows. `form` is what was typed, after a refusal.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn load(
        conn: &mut DbConnection,
        order: OrderId,
        form: Option<ShipForm>,
    ) -> Result<ShipPanel, DbError> {
        let facts = queries::find_order(conn, order)?;
        let open = queries::list_open_lines(conn, order)?;
        let destination = queries::find_destination(conn, order)?;
        let form = match form {
            Some(form) => form,
            None => ShipForm {
                request_id: uuid::Uuid::new_v4().to_string(),
                notify: pushes::find_notify_default(conn, order)?.unwrap_or(true),
                location: queries::find_reserved_location(conn, order)?.map(|id| id.0),
                ..ShipForm::default()
            },
        };
        Ok(ShipPanel {
            order,
            version: facts.map_or(0, |facts| facts.version),
            form,
            locations: locations::list(conn)?,
            usual: carriers::USUAL,
            others: carriers::others(destination.country_code.as_deref()),
            shipments: cards::ours(conn, order)?,
            outside: cards::of_others(conn, order)?,
            pieces_left: open.iter().map(|line| line.left().max(0)).sum(),
            destination: destination.city.unwrap_or_default(),
            customer: destination
                .customer
                .unwrap_or_else(|| "the customer".to_owned()),
        })
    }

    /// What the "ship now" field of a line shows: what was typed, else what is proposed.
    #[must_use]
    pub fn quantity(&self, line: &OrderLineId, proposed: &i64) -> String {
        self.form
            .quantities
            .iter()
            .find(|(id, _typed)| *id == line.0)
            .map_or_else(
                || (*proposed).max(0).to_string(),
                |(_id, typed)| typed.clone(),
            )
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn fault(&self, field: &str) -> Option<&str> {
        self.form
            .faults
            .iter()
            .find(|fault| fault.field == field)
            .map(|fault| fault.message.as_str())
    }

    /// Whether the form came back.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !self.form.faults.is_empty()
    }

    /// The id of the field that a fault is about.
    #[must_use]
    pub fn anchor(&self, fault: &FieldError) -> String {
        match fault.field.strip_prefix("quantity-") {
            Some(line) => format!("q-{line}"),
            None if fault.field.starts_with("lot-") => fault.field.clone(),
            None if fault.field == "quantities" => "h-lines".to_owned(),
            None => format!("f-{}", fault.field),
        }
    }

    /// What is wrong with a line's quantity.
    #[must_use]
    pub fn line_fault(&self, line: &OrderLineId) -> Option<&str> {
        self.fault(&format!("quantity-{line}"))
    }

    /// Whether this lot is the chosen one for an item of a line.
    #[must_use]
    pub fn lot_is(&self, line: &OrderLineId, product: &ProductId, code: &str) -> bool {
        self.form.lot(*line, *product) == Some(code)
    }

    /// What the field for serial numbers shows: what was typed, else those that are promised.
    #[must_use]
    pub fn serials(&self, line: &OrderLineId, product: &ProductId, promised: &str) -> String {
        let typed = self.form.lot(*line, *product);
        typed.unwrap_or(promised).to_owned()
    }

    /// What is wrong with the lot of an item of a line.
    #[must_use]
    pub fn lot_fault(&self, line: &OrderLineId, product: &ProductId) -> Option<&str> {
        self.fault(&format!("lot-{line}-{product}"))
    }

    /// Whether this carrier is the chosen one.
    #[must_use]
    pub fn carrier_is(&self, name: &str) -> bool {
        self.form.carrier == name
    }

    /// Whether this location is the chosen one.
    #[must_use]
    pub fn location_is(&self, location: &LocationId) -> bool {
        self.form.location == Some(location.0)
    }
}

impl ShipForm {
    /// Reads what was sent.
    #[must_use]
    pub fn read(fields: &[(String, String)]) -> ShipForm {
        let value = |name: &str| {
            fields
                .iter()
                .find(|(field, _)| field == name)
                .map(|(_, value)| value.trim().to_owned())
                .unwrap_or_default()
        };
        ShipForm {
            version: value("version").parse().ok(),
            request_id: value("request_id"),
            location: value("location").parse().ok(),
            carrier: value("carrier"),
            carrier_other: value("carrier_other"),
            tracking: value("tracking"),
            url: value("url"),
            notify: !value("notify").is_empty(),
            quantities: fields
                .iter()
                .filter_map(|(field, typed)| {
                    let line = field.strip_prefix("quantity-")?.parse().ok()?;
                    Some((line, typed.trim().to_owned()))
                })
                .collect(),
            lots: fields
                .iter()
                .filter_map(|(field, typed)| {
                    let (line, product) = field.strip_prefix("lot-")?.split_once('-')?;
                    let typed = typed.trim().to_owned();
                    Some((line.parse().ok()?, product.parse().ok()?, typed))
                })
                .collect(),
            faults: Vec::new(),
        }
    }

    fn lot(&self, line: OrderLineId, product: ProductId) -> Option<&str> {
        let mut chosen = self.lots.iter();
        let found = chosen.find(|(of, item, _)| *of == line.0 && *item == product.0);
        found.map(|(_, _, typed)| typed.as_str())
    }

    /// The lots of the lines that leave.
    pub(super) fn choices(&self, lines: &[(OrderLineId, i64)]) -> Vec<LotChoice> {
        let leaves = |line: i64| lines.iter().any(|(id, pieces)| id.0 == line && *pieces > 0);
        let codes = self.lots.iter().flat_map(|(line, product, typed)| {
            let codes = typed.split(['\n', '\r', ',']).map(str::trim);
            codes.map(move |code| (*line, *product, code))
        });
        codes
            .filter(|(line, _, code)| leaves(*line) && !code.is_empty())
            .map(|(line, product, code)| LotChoice {
                line: OrderLineId(line),
                product: Some(ProductId(product)),
                code: code.to_owned(),
                quantity: None,
            })
            .collect()
    }

    pub(super) fn tracking(&self) -> Tracking {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let carrier = if self.carrier == OTHER {
            &self.carrier_other
        } else {
            &self.carrier
        };
        Tracking {
            carrier: some(carrier),
            // A pasted list may be parted by commas as well.
            numbers: self
                .tracking
                .split(['\n', '\r', ','])
                .map(str::trim)
                .filter(|number| !number.is_empty())
                .map(str::to_owned)
                .collect(),
            url: some(&self.url),
        }
    }

    // Numbers that are none are said beside their field, as the core says what it refuses.
    pub(super) fn lines(&self) -> Result<Vec<(OrderLineId, i64)>, Vec<FieldError>> {
        let mut faults = Vec::new();
        let mut lines = Vec::new();
        for (line, typed) in &self.quantities {
            match typed.as_str() {
                "" => lines.push((OrderLineId(*line), 0)),
                typed => match typed.parse() {
                    Ok(quantity) => lines.push((OrderLineId(*line), quantity)),
                    Err(_not_a_number) => faults.push(FieldError {
                        field: format!("quantity-{line}"),
                        message: "Enter a whole number of pieces.".to_owned(),
                    }),
                },
            }
        }
        if faults.is_empty() {
            Ok(lines)
        } else {
            Err(faults)
        }
    }
}
