//! The goods of a shipment: which lots leave, and the pieces taken off the shelves.
use super::queries::{self, Part};
use super::{FieldError, NewShipment, ShipError, source_of, stock_fault};
use crate::erp::products::Tracking;
use crate::erp::stock::leaving::{self, Taken};
use crate::erp::stock::lots::{self, LotState};
use crate::erp::stock::queries::{self as levels, LevelRow, lots as lot_rows};
use crate::erp::stock::{self, Movement, StockError};
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, LotId, OrderLineId, ProductId, ShipmentId};

/// A lot or serial number that somebody chose for pieces of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotChoice {
    pub line: OrderLineId,
    /// Which of the line's items; `None` where the code says it.
    pub product: Option<ProductId>,
    pub code: String,
    /// Pieces of it; `None`: all that leave.
    pub quantity: Option<i64>,
}

/// Takes the goods of a shipment off the shelves.
///
/// # Errors
///
/// `Invalid` by field: too few on hand (`quantity-17`), a lot that cannot leave (`lot-17-3`).
pub(super) fn take(
    conn: &mut DbConnection,
    new: &NewShipment,
    shipment: ShipmentId,
    lines: &[(OrderLineId, i64)],
    now: At,
) -> Result<(), ShipError> {
    let source = source_of(shipment);
    let mut faults = Vec::new();
    for (line, quantity) in lines {
        let parts = queries::list_parts(conn, *line)?;
        faults.extend(unknown_codes(conn, new, *line, &parts)?);
        for part in &parts {
            let wanted = Wanted {
                line: *line,
                part,
                pieces: quantity.saturating_mul(part.each),
            };
            let taken = match part.tracking {
                Tracking::None => Ok(vec![Taken {
                    lot: None,
                    quantity: wanted.pieces,
                }]),
                Tracking::Lot | Tracking::Serial => wanted.lots(conn, new)?,
            };
            let taken = match taken {
                Ok(taken) => taken,
                Err(fault) => {
                    faults.push(fault);
                    continue;
                }
            };
            for one in taken {
                let movement = Movement {
                    product: part.product,
                    location: new.location,
                    lot: one.lot,
                    quantity: -one.quantity,
                    reason: "shipped",
                    source: &source,
                    user: new.user,
                };
                match stock::consume(conn, *line, &movement, now) {
                    Ok(()) => {}
                    Err(StockError::NotEnough { on_hand }) => faults.push(wanted.too_few(on_hand)),
                    Err(error) => return Err(stock_fault(error)),
                }
            }
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ShipError::Invalid(faults))
    }
}

/// What is named and belongs to no item of the line.
fn unknown_codes(
    conn: &mut DbConnection,
    new: &NewShipment,
    line: OrderLineId,
    parts: &[Part],
) -> Result<Vec<FieldError>, DbError> {
    let mut faults = Vec::new();
    for choice in new.lots.iter().filter(|choice| choice.line == line) {
        let mut of = None;
        for part in parts {
            let is_asked = choice.product.is_none_or(|product| product == part.product);
            if is_asked && find(conn, part.product, &choice.code)?.is_some() {
                of = Some(part);
            }
        }
        if of.is_none() {
            let product = choice.product.or(parts.first().map(|part| part.product));
            let name = parts
                .iter()
                .find(|part| Some(part.product) == product)
                .map_or("this line", |part| part.name.as_str());
            faults.push(FieldError {
                field: field(line, product.unwrap_or(ProductId(0))),
                message: format!("There is no lot {} of {name}.", choice.code),
            });
        }
    }
    Ok(faults)
}

fn find(
    conn: &mut DbConnection,
    product: ProductId,
    code: &str,
) -> Result<Option<lot_rows::LotRow>, DbError> {
    lot_rows::find_by_code(conn, product, &lots::normal(code))
}

fn field(line: OrderLineId, product: ProductId) -> String {
    format!("lot-{line}-{product}")
}

/// Pieces of an item that are to leave with a line.
struct Wanted<'a> {
    line: OrderLineId,
    part: &'a Part,
    pieces: i64,
}

impl Wanted<'_> {
    fn fault(&self, message: String) -> FieldError {
        FieldError {
            field: field(self.line, self.part.product),
            message,
        }
    }

    fn too_few(&self, on_hand: i64) -> FieldError {
        let name = &self.part.name;
        FieldError {
            field: format!("quantity-{}", self.line),
            message: format!(
                "Only {on_hand} of {name} on hand at this location. Ship fewer, choose another location or adjust the stock."
            ),
        }
    }

    /// The lots that leave: those that were chosen, and for the rest first what was promised, then what expires first.
    fn lots(
        &self,
        conn: &mut DbConnection,
        new: &NewShipment,
    ) -> Result<Result<Vec<Taken>, FieldError>, DbError> {
        let product = self.part.product;
        let mut here = levels::levels_of(conn, &[product])?;
        here.retain(|level| level.location_id == new.location);
        let mut taken: Vec<Taken> = Vec::new();
        let chosen = new.lots.iter().filter(|choice| {
            choice.line == self.line && choice.product.is_none_or(|asked| asked == product)
        });
        for choice in chosen {
            let Some(lot) = find(conn, product, &choice.code)? else {
                continue;
            };
            let rest = self.pieces - pieces(&taken);
            let quantity = match (self.part.tracking, choice.quantity) {
                (Tracking::Serial, None) => 1,
                (Tracking::Lot | Tracking::None, None) => rest,
                (_, Some(quantity)) => quantity,
            };
            if let Some(message) = self.why_not(&lot, quantity, &taken, &here) {
                return Ok(Err(self.fault(message)));
            }
            match taken.iter_mut().find(|one| one.lot == Some(lot.id)) {
                Some(one) => one.quantity += quantity,
                None => taken.push(Taken {
                    lot: Some(lot.id),
                    quantity,
                }),
            }
        }
        let named = pieces(&taken);
        if named > self.pieces {
            let message = format!("{named} are named here, but {} leave.", self.pieces);
            return Ok(Err(self.fault(message)));
        }
        let rest = self.pieces - named;
        if rest > 0 && named > 0 && self.part.tracking == Tracking::Serial {
            let message = format!(
                "{} leave and {named} serial numbers are named. Name one for each piece, or none.",
                self.pieces
            );
            return Ok(Err(self.fault(message)));
        }
        self.fill(conn, new, here, taken, rest)
    }

    /// Why pieces of a lot cannot leave from here.
    fn why_not(
        &self,
        lot: &lot_rows::LotRow,
        quantity: i64,
        taken: &[Taken],
        here: &[LevelRow],
    ) -> Option<String> {
        let code = &lot.code;
        match lot.state {
            LotState::Blocked => {
                let why = lot.note.as_deref().unwrap_or("blocked");
                return Some(format!("{code} must not leave: {why}."));
            }
            LotState::Expired => {
                let day = lot.best_before.as_deref().unwrap_or("a day that is over");
                return Some(format!("{code} was best before {day}."));
            }
            LotState::Open => {}
        }
        let there = on_hand(here, Some(lot.id));
        let before = pieces_of(taken, lot.id);
        if quantity < 1 {
            Some(format!("Enter how many pieces of {code} leave."))
        } else if before > 0 && self.part.tracking == Tracking::Serial {
            Some(format!("{code} is named twice."))
        } else if before + quantity > there {
            Some(format!("{there} of {code} lie at this location."))
        } else {
            None
        }
    }

    fn fill(
        &self,
        conn: &mut DbConnection,
        new: &NewShipment,
        mut here: Vec<LevelRow>,
        mut taken: Vec<Taken>,
        rest: i64,
    ) -> Result<Result<Vec<Taken>, FieldError>, DbError> {
        if rest <= 0 {
            return Ok(Ok(taken));
        }
        let fit = here.iter().filter(|level| !level.barred);
        let on_hand: i64 = fit.map(|level| level.on_hand).sum();
        for level in &mut here {
            let gone = level.lot_id.map_or(0, |lot| pieces_of(&taken, lot));
            level.on_hand -= gone;
        }
        let held = levels::reservations_of_order(conn, new.order)?;
        let place = (self.part.product, new.location);
        let found = leaving::of_line(&here, &held, self.line, place, rest);
        if pieces(&found) < rest {
            return Ok(Err(self.too_few(on_hand)));
        }
        if let Some(nameless) = found.iter().find(|one| one.lot.is_none()) {
            let message = format!(
                "{} of {} lie in no lot. Name their lot on the item's page first.",
                nameless.quantity, self.part.name
            );
            return Ok(Err(self.fault(message)));
        }
        for one in found {
            match taken.iter_mut().find(|known| known.lot == one.lot) {
                Some(known) => known.quantity += one.quantity,
                None => taken.push(one),
            }
        }
        Ok(Ok(taken))
    }
}

fn pieces(taken: &[Taken]) -> i64 {
    taken.iter().map(|one| one.quantity).sum()
}

fn pieces_of(taken: &[Taken], lot: LotId) -> i64 {
    let of_lot = taken.iter().filter(|one| one.lot == Some(lot));
    of_lot.map(|one| one.quantity).sum()
}

fn on_hand(here: &[LevelRow], lot: Option<LotId>) -> i64 {
    let of_lot = here.iter().filter(|level| level.lot_id == lot);
    of_lot.map(|level| level.on_hand).sum()
}
