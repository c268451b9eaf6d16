//! Goods that come in, move and are counted, as the warehouse tells it.

mod counting;
mod files;
mod receiving;
mod transferring;

use counterfoil::erp::locations::{self, NewLocation};
use counterfoil::erp::products::{self, NewProduct};
use counterfoil::erp::stock::queries::document_lines;
use counterfoil::erp::stock::{self, Movement, queries};
use counterfoil::types::{LocationId, ProductId};

use crate::support::app::TestApp;
use crate::support::database::Kind;
use crate::support::visitor::{Form, Page};

/// A house with two locations and nothing on its shelves.
struct House {
    app: TestApp,
    main: LocationId,
    annex: LocationId,
}

impl House {
    async fn start(kind: Kind) -> Self {
        Self::around(TestApp::start(kind).await, "Main")
    }

    fn around(app: TestApp, main: &str) -> Self {
        let place = |name: &str| {
            let new = NewLocation {
                name: name.to_owned(),
                ..NewLocation::default()
            };
            let made = app.db().write_here(|conn| locations::ensure(conn, &new));
            made.expect("a location")
        };
        let (main, annex) = (place(main), place("Annex"));
        Self { app, main, annex }
    }

    /// An item whose barcode is its SKU twice.
    fn item(&self, sku: &str, tracking: &str) -> ProductId {
        let new = NewProduct {
            sku: sku.to_owned(),
            name: format!("The {sku}"),
            barcode: Some(format!("{sku}{sku}")),
            weight_grams: None,
            ships: true,
        };
        let now = self.app.clock.now();
        let made = self
            .app
            .db()
            .write_here(|conn| products::create(conn, &new, now));
        let id = made.expect("an item");
        let set = format!("UPDATE products SET tracking = '{tracking}' WHERE id = {id}");
        self.app.alter(&set);
        id
    }

    /// Pieces come or go as they do without any paper: in a lot where it has a code.
    fn moved(
        &self,
        product: ProductId,
        location: LocationId,
        quantity: i64,
        lot: Option<(&str, &str)>,
    ) {
        let now = self.app.clock.now();
        let done = self.app.db().write_here(|conn| {
            let lot = lot.map(|(code, day)| {
                let day = Some(day.parse().expect("a day"));
                stock::lots::name(conn, product, code, day, now).expect("a lot")
            });
            let movement = Movement {
                product,
                location,
                lot,
                quantity,
                reason: "sold or found",
                source: "story",
                user: None,
            };
            stock::adjust(conn, &movement, now)
        });
        done.expect("a movement");
    }

    fn lies(&self, product: ProductId, location: LocationId) -> i64 {
        let levels = self.levels(product, location);
        levels
            .iter()
            .map(|(_lot, on_hand, _promised)| on_hand)
            .sum()
    }

    /// Lot, on hand, promised of each level, by the lot's code.
    fn levels(&self, product: ProductId, location: LocationId) -> Vec<(String, i64, i64)> {
        let all = self
            .app
            .read(|conn| queries::list_placed(conn, None, Some(location), 0, 1000));
        let mut levels: Vec<(String, i64, i64)> = all
            .into_iter()
            .filter(|row| row.level.product_id == product && row.level.on_hand > 0)
            .map(|row| {
                (
                    row.lot.unwrap_or_default(),
                    row.level.on_hand,
                    row.level.reserved,
                )
            })
            .collect();
        levels.sort();
        levels
    }

    fn incoming(&self, product: ProductId) -> i64 {
        let sums = self
            .app
            .read(|conn| document_lines::incoming(conn, &[product]));
        sums.iter().map(|(_item, pieces)| pieces).sum()
    }

    /// Why and by what an item moved, the latest first.
    fn ledger(&self, product: ProductId) -> Vec<(i64, String, String)> {
        let rows = self
            .app
            .read(|conn| queries::list_movements(conn, product, None, 50));
        let row = |row: queries::MovementRow| (row.quantity, row.reason, row.source);
        rows.into_iter().map(row).collect()
    }

    /// A new document of `receipts`, `transfers` or `counts`, as its form makes it.
    async fn open(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.app.get(&format!("/{path}/new")).await;
        let form = page.form(&format!("form[action='/{path}']"));
        let page = self.send(form, fields).await;
        page.assert_status(200);
        page
    }

    async fn scan(&self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let path = page.url.path().to_owned();
        let page = self.app.get(&path).await;
        let page = self.send(page.form("#add"), fields).await;
        page.assert_status(200);
        self.app.get(&path).await
    }

    async fn send(&self, form: Form, fields: &[(&str, &str)]) -> Page {
        let fill = |form: Form, (name, value): &(&str, &str)| form.fill(name, value);
        self.app
            .owner()
            .submit(fields.iter().fold(form, fill))
            .await
    }

    async fn again(&self, page: &Page) -> Page {
        self.app
            .get(page.url.path().trim_end_matches("/bookings"))
            .await
    }

    fn assert_adds_up(&self) {
        let wrong = self.app.read(stock::wrong_levels);
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

/// The field of that kind in the row that speaks of these words.
#[track_caller]
fn field(page: &Page, kind: &str, words: &str) -> String {
    let inputs = format!("[name^='{kind}-'][aria-label*='{words}']");
    page.attribute(&inputs, "name")
}
