//! What an order costs, to the cent: in the store's currency and in the customer's, on its page and for programs.

use counterfoil::erp::orders::queries::sums::find_details;
use counterfoil::erp::orders::queries::{OrderRow, list_lines};
use counterfoil::erp::payments::{self, PaymentStatus};
use counterfoil::erp::users::tokens::{self, Scope};
use counterfoil::platform::db::DbError;
use counterfoil::practice::OrderKind;
use counterfoil::shopify::apply::fetched::apply_fetched;
use counterfoil::shopify::orders::fetch;
use counterfoil::shopify::{Haste, shops};
use reqwest::Client;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    an_order_in_two_currencies_shows_both_of_everything,
    coins_of_none_and_of_three_decimals_are_kept,
    a_sum_that_does_not_follow_is_told_with_its_cause_and_stops_nothing,
    a_difference_in_the_customers_currency_alone_is_told,
    after_an_edit_a_sum_is_not_derivable_and_not_wrong,
    lines_of_every_kind_are_booked_as_they_are,
    discounts_taxes_and_duties_stand_on_their_lines,
    a_price_finer_than_its_currency_is_kept_and_the_rest_is_a_row,
    a_company_buys_on_terms_with_its_own_number,
    a_payment_is_known_once_and_what_ended_stays_so,
    a_payment_is_completed_in_the_currency_that_was_not_told,
    an_order_that_is_asked_for_brings_its_payments,
    an_older_reading_is_applied_again,
    an_erased_buyer_leaves_the_company_and_the_money,
);

fn fixture() -> Value {
    let text = include_str!("../fixtures/shopify/orders_create.json");
    serde_json::from_str(text).expect("JSON")
}

/// An order of one line: `currency`, the price of one piece, how many, and the total.
fn plain(currency: &str, price: &str, quantity: i64, total: &str) -> Value {
    json!({
        "id": 7001, "admin_graphql_api_id": "gid://shopify/Order/7001", "name": "#7001",
        "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z",
        "currency": currency, "presentment_currency": currency, "taxes_included": false,
        "financial_status": "paid", "total_tax": "0", "tax_lines": [], "total_price": total,
        "current_total_price": total, "current_total_tax": "0", "subtotal_price": total,
        "line_items": [{
            "id": 1, "title": "Tea", "quantity": quantity, "current_quantity": quantity,
            "price": price, "requires_shipping": true,
        }],
        "shipping_lines": [],
    })
}

fn money(amount: &str, currency: &str) -> Value {
    json!({ "amount": amount, "currency": currency })
}

/// The same in both currencies, as Shopify writes it.
fn set(shop: &str, presentment: &str) -> Value {
    json!({
        "shop_money": { "amount": shop, "currency_code": "EUR" },
        "presentment_money": { "amount": presentment, "currency_code": "CHF" },
    })
}

struct Story {
    app: TestApp,
    token: String,
}

impl Story {
    async fn of(kind: Kind, body: &Value) -> Story {
        let app = TestApp::connected(kind).await;
        let now = app.clock.now();
        let token = app
            .db()
            .write_here(|conn| -> Result<String, DbError> {
                tokens::create(conn, "reader", Scope::Read, &"ab".repeat(32), now)
            })
            .expect("a token");
        let story = Story { app, token };
        story.deliver("orders/create", "w1", body).await;
        story
    }

    async fn deliver(&self, topic: &str, id: &str, body: &Value) {
        let body = body.to_string();
        let answer = self.app.deliver_webhook(topic, id, body.as_bytes()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.app.run_jobs().await;
    }

    fn order(&self) -> OrderRow {
        let mut orders = self.app.orders();
        orders.pop().expect("the order is there")
    }

    async fn page(&self) -> crate::support::visitor::Page {
        self.app.get(&format!("/orders/{}", self.order().id)).await
    }

    async fn api(&self) -> Value {
        let id = self.order().public_id;
        let answer = Client::new()
            .get(format!("{}/api/main/orders/{id}", self.app.url))
            .bearer_auth(&self.token)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
        answer.json().await.expect("JSON")
    }
}

async fn an_order_in_two_currencies_shows_both_of_everything(kind: Kind) {
    let story = Story::of(kind, &fixture()).await;
    let page = story.page().await;
    for words in [
        "Store, EUR",
        "Customer, CHF",
        "Subtotal, 3 items",
        "€49.98",
        "CHF 47.48",
        "WELCOME, 10%",
        "−€4.00",
        "−CHF 3.80",
        "Standard",
        "€4.90",
        "CHF 4.66",
        "MwSt 19%, included",
        "€8.12",
        "CHF 7.71",
        "€50.88",
        "CHF 48.34",
        "W2MEX5V65",
        "Attributes",
        "Engraving: A&M",
    ] {
        page.assert_shows(words);
    }
    let order = story.api().await;
    let line = &order["lines"][0];
    assert_eq!(line["unit_price"], money("19.99", "EUR"));
    assert_eq!(line["presentment_unit_price"], money("18.99", "CHF"));
    assert_eq!(line["presentment_total"], money("34.18", "CHF"));
    assert_eq!(line["presentment_tax"], money("5.45", "CHF"));
    assert_eq!(
        line["discounts"][0]["presentment_amount"],
        money("3.80", "CHF")
    );
    assert_eq!(line["taxes"][0]["rate"], "0.19");
    assert_eq!(line["grams"], 200);
    assert_eq!(line["vendor"], "Acme");
    assert_eq!(
        order["charges"][0]["presentment_amount"],
        money("4.66", "CHF")
    );
    assert_eq!(
        order["charges"][0]["taxes"][0]["amount"],
        money("0.78", "EUR")
    );
    let sides = order["totals"]["sides"].as_array().expect("sides");
    let said: Vec<(&str, &str, &str)> = sides
        .iter()
        .map(|side| {
            let word = |key: &str| side[key].as_str().expect("a word");
            (word("side"), word("basis"), word("check"))
        })
        .collect();
    assert_eq!(
        said,
        [
            ("shop", "ordered", "agrees"),
            ("shop", "now", "agrees"),
            ("presentment", "ordered", "agrees"),
            ("presentment", "now", "agrees"),
        ]
    );
    assert_eq!(sides[2]["added_up"], money("48.34", "CHF"));
    assert_eq!(sides[2]["added_up_tax"], money("7.71", "CHF"));
    assert_eq!(sides[3]["tax"], money("7.71", "CHF"));
    assert_eq!(order["totals"]["notes"], json!([]));
    assert_eq!(order["confirmation_number"], "W2MEX5V65");
    assert_eq!(order["sold_through"], "web");
    assert_eq!(order["locale"], "de");
}

async fn coins_of_none_and_of_three_decimals_are_kept(kind: Kind) {
    let mut body = plain("JPY", "1999", 2, "3998");
    body["presentment_currency"] = json!("KWD");
    let both = |yen: &str, dinar: &str| json!({ "shop_money": { "amount": yen }, "presentment_money": { "amount": dinar } });
    body["line_items"][0]["price_set"] = both("1999", "4.125");
    body["total_price_set"] = both("3998", "8.250");
    body["current_total_price_set"] = both("3998", "8.250");
    let story = Story::of(kind, &body).await;
    let order = story.order();
    assert_eq!(order.facts.total_minor, 3998);
    assert_eq!(order.facts.presentment_total_minor, 8250);
    assert_eq!(order.facts.totals_check.as_str(), "agrees");
    let page = story.page().await;
    page.assert_shows("¥3,998").assert_shows("KWD 8.250");
    let line = &story.api().await["lines"][0];
    assert_eq!(line["unit_price"], money("1999", "JPY"));
    assert_eq!(line["presentment_unit_price"], money("4.125", "KWD"));
    assert_eq!(line["presentment_total"], money("8.250", "KWD"));
}

async fn a_sum_that_does_not_follow_is_told_with_its_cause_and_stops_nothing(kind: Kind) {
    let mut body = fixture();
    body["total_price"] = json!("51.88");
    body["tax_lines"][0]["price_set"] = set("8.12", "7.00");
    let story = Story::of(kind, &body).await;
    // The store's total is what is booked, and the order waits for nothing but its items.
    assert_eq!(story.order().facts.total_minor, 5188);
    assert_eq!(story.order().work_state.as_str(), "unmapped");
    let page = story.page().await;
    page.assert_shows("The lines add up to €50.88, the store says €51.88: €1.00 more.")
        .assert_shows(
            "The taxes by rate add up to CHF 7.00, the store says CHF 7.71: CHF 0.71 more.",
        )
        .assert_shows("The invoice waits until a person has looked at them.")
        .assert_shows("The store says €51.88, the lines add up to €50.88");
    let totals = &story.api().await["totals"];
    assert_eq!(totals["check"], "differs");
    assert_eq!(totals["sides"][0]["check"], "differs");
    assert_eq!(totals["notes"].as_array().expect("notes").len(), 3);
}

async fn a_difference_in_the_customers_currency_alone_is_told(kind: Kind) {
    let mut body = fixture();
    body["total_price_set"] = set("50.88", "48.35");
    let story = Story::of(kind, &body).await;
    assert_eq!(story.order().facts.totals_check.as_str(), "differs");
    let page = story.page().await;
    page.assert_shows("The lines add up to CHF 48.34, the store says CHF 48.35: CHF 0.01 more.")
        .assert_shows("The store's totals do not follow from their parts")
        .assert_lacks("The lines add up to €")
        .assert_lacks("the lines add up to €");
    let sides = story.api().await["totals"]["sides"].clone();
    assert_eq!(sides[0]["check"], "agrees");
    assert_eq!(sides[2]["check"], "differs");
}

async fn after_an_edit_a_sum_is_not_derivable_and_not_wrong(kind: Kind) {
    let mut body = fixture();
    body["line_items"][0]["current_quantity"] = json!(1);
    body["total_price"] = json!("31.00");
    body["current_total_price"] = json!("31.00");
    let story = Story::of(kind, &body).await;
    assert_eq!(story.order().facts.totals_check.as_str(), "not_derivable");
    let page = story.page().await;
    page.assert_shows("After an edit the total does not follow from the lines (€50.88).")
        .assert_lacks("The invoice waits");
    assert_eq!(story.api().await["totals"]["check"], "not_derivable");
}

async fn lines_of_every_kind_are_booked_as_they_are(kind: Kind) {
    let mut body = plain("EUR", "10.00", 1, "63.50");
    body["line_items"] = json!([
        { "id": 1, "title": "Set, cup", "quantity": 2, "price": "10.00",
          "sales_line_item_group_id": "gid://shopify/LineItemGroup/5" },
        { "id": 2, "title": "Gift card", "quantity": 1, "price": "25.00", "gift_card": true,
          "requires_shipping": false, "taxable": false },
        { "id": 3, "title": "Tip", "quantity": 1, "price": "3.50", "tip": { "id": 1 },
          "requires_shipping": false },
        { "id": 4, "title": "Taken out", "quantity": 1, "current_quantity": 0, "price": "15.00" },
        { "id": 5, "title": "Nothing", "quantity": 0, "current_quantity": 0, "price": "9.99" },
        { "id": 6, "title": "Custom", "quantity": 1, "price": "0.00", "variant_id": null, "sku": "" },
    ]);
    body["line_item_groups"] = json!([{ "id": 5, "title": "Tea set", "quantity": 2 }]);
    // A tip that is a line is no charge as well.
    body["total_tip_received"] = json!("3.50");
    body["test"] = json!(true);
    let story = Story::of(kind, &body).await;
    let order = story.order();
    assert_eq!(order.facts.totals_check.as_str(), "agrees");
    assert_eq!(order.facts.item_count, 5);
    // A test order is marked and never shipped.
    assert_eq!(order.work_state.as_str(), "nothing_to_ship");
    let page = story.page().await;
    for words in [
        "Test",
        "Part of 2 × Tea set",
        "Gift card",
        "Removed",
        "Subtotal, 6 items",
    ] {
        page.assert_shows(words);
    }
    let lines = story.api().await["lines"].clone();
    assert_eq!(lines[0]["bundle"]["title"], "Tea set");
    assert_eq!(lines[1]["taxable"], false);
    assert_eq!(lines[2]["tip"], true);
    assert_eq!(lines[3]["current_quantity"], 0);
    assert_eq!(lines[3]["total"], money("15.00", "EUR"));
    assert_eq!(lines[4]["quantity"], 0);
    assert_eq!(lines[5]["sku"], Value::Null);
}

async fn discounts_taxes_and_duties_stand_on_their_lines(kind: Kind) {
    let mut body = plain("EUR", "20.00", 2, "55.60");
    let line = &mut body["line_items"][0];
    line["discount_allocations"] = json!([
        { "amount": "4.00", "discount_application_index": 0 },
        { "amount": "1.50", "discount_application_index": 2 },
    ]);
    line["tax_lines"] = json!([
        { "title": "State", "rate": 0.06, "price": "2.07" },
        { "title": "Market", "rate": 1.0e-2, "price": "0.35", "channel_liable": true },
    ]);
    line["duties"] = json!([{
        "id": "gid://shopify/Duty/2", "harmonized_system_code": "090210",
        "country_code_of_origin": "JP", "shop_money": { "amount": "3.20" },
        "presentment_money": { "amount": "3.20" },
        "tax_lines": [{ "title": "Import", "rate": 0.19, "price": "0.61" }],
    }]);
    body["shipping_lines"] = json!([
        { "id": 8, "title": "Express", "code": "EXP", "price": "12.00",
          "discount_allocations": [{ "amount": "2.00", "discount_application_index": 1 }],
          "tax_lines": [{ "title": "State", "rate": 0.06, "price": "0.60" }] },
        { "id": 9, "title": "Courier", "price": "30.00", "is_removed": true },
    ]);
    body["discount_applications"] = json!([
        { "type": "discount_code", "code": "TEN", "value": "10.0", "value_type": "percentage",
          "target_type": "line_item" },
        { "type": "automatic", "title": "Cheaper post", "target_type": "shipping_line",
          "value": "2.0", "value_type": "fixed_amount" },
        { "type": "manual", "description": "For the scratch", "target_type": "line_item" },
    ]);
    body["original_total_additional_fees_set"] = json!({ "shop_money": { "amount": "2.27" } });
    body["total_cash_rounding_payment_adjustment_set"] =
        json!({ "shop_money": { "amount": "-0.02" } });
    body["tax_lines"] = json!([
        { "title": "State", "rate": 0.06, "price": "2.67" },
        { "title": "Market", "rate": 0.01, "price": "0.35", "channel_liable": true },
        { "title": "Import", "rate": 0.19, "price": "0.61" },
    ]);
    body["total_tax"] = json!("3.63");
    // 40.00 - 5.50 + 12.00 - 2.00 + 3.20 + 2.27 + 3.63, and the courier who was taken out again does not count.
    body["total_price"] = json!("53.60");
    let story = Story::of(kind, &body).await;
    assert_eq!(story.order().facts.totals_check.as_str(), "agrees");
    let page = story.page().await;
    for words in [
        "TEN, 10%",
        "−€4.00",
        "Cheaper post",
        "−€2.00",
        "For the scratch",
        "−€1.50",
        "State 6%",
        "Market 1%, paid by the channel",
        "Import 19%",
        "Duties",
        "Duty 090210: 3.20 EUR, from JP",
        "Additional fees",
        "Cash rounding",
        "Courier, taken out again",
    ] {
        page.assert_shows(words);
    }
    let order = story.api().await;
    assert_eq!(order["discounts"][2]["kind"], "manual");
    assert_eq!(order["discounts"][1]["target"], "shipping_line");
    assert_eq!(order["lines"][0]["discount"], money("5.50", "EUR"));
    assert_eq!(order["lines"][0]["discounts"][1]["discount"], 2);
    assert_eq!(order["lines"][0]["taxes"][1]["channel_liable"], true);
    assert_eq!(
        order["lines"][0]["duties"][0]["taxes"][0]["amount"],
        money("0.61", "EUR")
    );
    assert_eq!(order["charges"][0]["code"], "EXP");
    assert_eq!(order["charges"][1]["removed"], true);
    let kinds: Vec<&str> = order["charges"]
        .as_array()
        .expect("charges")
        .iter()
        .map(|charge| charge["kind"].as_str().expect("a word"))
        .collect();
    assert_eq!(
        kinds,
        ["shipping", "shipping", "duty", "fee", "cash_rounding"]
    );
    assert_eq!(order["taxes"][0]["rate"], "0.06");
}

async fn a_price_finer_than_its_currency_is_kept_and_the_rest_is_a_row(kind: Kind) {
    // Three pieces at 0.3325 are 0.9975: a quarter of a cent was rounded up.
    let story = Story::of(kind, &plain("USD", "0.3325", 3, "1.00")).await;
    assert_eq!(story.order().facts.totals_check.as_str(), "rounding");
    let order = story.api().await;
    assert_eq!(order["lines"][0]["unit_price"], money("0.3325", "USD"));
    assert_eq!(order["charges"][0]["kind"], "rounding");
    story.page().await.assert_shows("the rest is rounding");
}

async fn a_company_buys_on_terms_with_its_own_number(kind: Kind) {
    let mut body = plain("EUR", "100.00", 1, "100.00");
    body["financial_status"] = json!("pending");
    body["po_number"] = json!("PO-4711");
    body["company"] = json!({
        "id": 55, "name": "Fernwood Ltd", "location_id": 66, "location_name": "Reno", "contact_id": 77,
    });
    body["payment_terms"] = json!({
        "payment_terms_name": "NET_30", "payment_terms_type": "NET", "due_in_days": 30,
        "payment_schedules": [
            { "due_at": "2026-12-20T10:00:00Z", "completed_at": "null", "amount": 100 },
        ],
    });
    let story = Story::of(kind, &body).await;
    // On terms it may ship before it is paid.
    assert_eq!(story.order().work_state.as_str(), "unmapped");
    let page = story.page().await;
    for words in ["Fernwood Ltd", "Reno", "PO-4711", "Net 30", "due"] {
        page.assert_shows(words);
    }
    let order = story.api().await;
    assert_eq!(order["company"]["shopify_company_id"], "55");
    assert_eq!(order["payment_terms"]["days"], 30);
    assert_eq!(order["payment_terms"]["due_at"], "2026-12-20T10:00:00Z");
    // A message that tells the ids alone leaves the names; another company takes them away.
    body["company"] = json!({ "id": 55, "location_id": 66 });
    body["updated_at"] = json!("2026-11-20T11:00:00Z");
    story.deliver("orders/updated", "w2", &body).await;
    assert_eq!(story.api().await["company"]["name"], "Fernwood Ltd");
    assert_eq!(story.api().await["company"]["location_name"], "Reno");
    body["po_number"] = json!("PO-4712");
    body["company"] = json!({ "id": 56, "location_id": 67 });
    body["updated_at"] = json!("2026-11-20T12:00:00Z");
    story.deliver("orders/updated", "w3", &body).await;
    assert_eq!(story.api().await["company"]["name"], Value::Null);
    story
        .page()
        .await
        .assert_shows("Changed in the store: company, purchase order");
    body["company"] = Value::Null;
    body["updated_at"] = json!("2026-11-20T13:00:00Z");
    story.deliver("orders/updated", "w4", &body).await;
    assert_eq!(story.api().await["company"], Value::Null);
}

fn transaction(id: u64, kind: &str, status: &str, amount: &str, currency: &str) -> Value {
    json!({
        "id": id, "order_id": 820_982_911_946_154_508_u64, "kind": kind, "status": status,
        "gateway": "shopify_payments", "amount": amount, "currency": currency, "test": false,
        "processed_at": "2026-11-20T10:00:00+01:00", "receipt": { "card": "visa ending in 4242" },
    })
}

async fn a_payment_is_known_once_and_what_ended_stays_so(kind: Kind) {
    let story = Story::of(kind, &fixture()).await;
    let paid = transaction(1, "sale", "success", "40.88", "EUR");
    story
        .deliver("order_transactions/create", "t1", &paid)
        .await;
    story
        .deliver("order_transactions/create", "t2", &paid)
        .await;
    let mut card = transaction(2, "sale", "pending", "10.00", "EUR");
    card["gateway"] = json!("gift_card");
    story
        .deliver("order_transactions/create", "t3", &card)
        .await;
    card["status"] = json!("success");
    story
        .deliver("order_transactions/create", "t4", &card)
        .await;
    card["status"] = json!("pending");
    story
        .deliver("order_transactions/create", "t5", &card)
        .await;
    let failed = transaction(3, "capture", "failure", "50.88", "EUR");
    story
        .deliver("order_transactions/create", "t6", &failed)
        .await;
    let order = story.order();
    let kept = story
        .app
        .read(|conn| payments::queries::list(conn, order.id));
    let said: Vec<(&str, PaymentStatus)> = kept
        .iter()
        .map(|row| (row.facts.gateway.as_str(), row.facts.status))
        .collect();
    assert_eq!(
        said,
        [
            ("shopify_payments", PaymentStatus::Success),
            ("gift_card", PaymentStatus::Success),
            ("shopify_payments", PaymentStatus::Failure),
        ]
    );
    // A gift card that pays is no discount: the total stays.
    assert_eq!(order.facts.total_minor, 5088);
    let page = story.page().await;
    for words in [
        "Shopify payments, paid",
        "Gift card, paid",
        "Shopify payments, capture failed",
        "€40.88 paid · Shopify payments",
        "€10.00 paid · Gift card",
    ] {
        page.assert_shows(words);
    }
    page.assert_lacks("4242");
    let payments = story.api().await["payments"].clone();
    assert_eq!(payments.as_array().expect("payments").len(), 3);
    assert_eq!(payments[1]["gateway"], "gift_card");
    assert_eq!(payments[1]["amount"], money("10.00", "EUR"));
    // One that overtakes its order is not lost: the order brings its payments when it comes.
    let mut early = transaction(9, "sale", "success", "1.00", "EUR");
    early["order_id"] = json!(4711);
    story
        .deliver("order_transactions/create", "t7", &early)
        .await;
}

async fn a_payment_is_completed_in_the_currency_that_was_not_told(kind: Kind) {
    use counterfoil::erp::payments::{IncomingPayment, PaidAmount, PaymentKind};
    use counterfoil::erp::timeline::Actor;
    use counterfoil::types::{Dual, Exact};

    let story = Story::of(kind, &fixture()).await;
    // Shopify's webhook tells what the customer paid in the customer's currency.
    let paid = transaction(1, "sale", "success", "48.34", "CHF");
    story
        .deliver("order_transactions/create", "t1", &paid)
        .await;
    let payment = story.api().await["payments"][0].clone();
    assert_eq!(payment["amount"], Value::Null);
    assert_eq!(payment["presentment_amount"], money("48.34", "CHF"));
    let exact = |text: &str| Exact::parse(text).expect("an amount");
    let whole = IncomingPayment {
        external_id: "1".to_owned(),
        parent_external_id: None,
        gateway: "shopify_payments".to_owned(),
        kind: PaymentKind::Sale,
        status: PaymentStatus::Success,
        amount: PaidAmount::Both(Dual {
            shop: exact("50.88"),
            presentment: Some(exact("48.34")),
        }),
        error_code: None,
        manual: false,
        test: false,
        processed_at: None,
    };
    let (order, now) = (story.order().id, story.app.clock.now());
    for wanted in [1, 0] {
        let news = story.app.db().write_here(|conn| {
            payments::receive(
                conn,
                order,
                std::slice::from_ref(&whole),
                &Actor::default(),
                now,
            )
        });
        assert_eq!(news.expect("the database works"), wanted);
    }
    // The webhook once more takes nothing away.
    story
        .deliver("order_transactions/create", "t2", &paid)
        .await;
    let payment = story.api().await["payments"][0].clone();
    assert_eq!(payment["amount"], money("50.88", "EUR"));
    assert_eq!(payment["presentment_amount"], money("48.34", "CHF"));
}

async fn an_order_that_is_asked_for_brings_its_payments(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let placed = app.practice.place_order(OrderKind::OneLine);
    app.practice.deliver_pending().await;
    app.run_jobs().await;
    let shop = app.read(shops::list).remove(0);
    let cx = &app.counterfoil.connector;
    let fetched = fetch::whole(cx, shop.id, Haste::Now, &placed.id.to_string()).await;
    let fetched = fetched.expect("an answer").expect("the order");
    let now = app.clock.now();
    for _twice in 0..2 {
        let booked = app
            .db()
            .write_here(|conn| apply_fetched(conn, &shop, &fetched, "order", now));
        booked.expect("the database works");
    }
    let order = app.order(&placed.name);
    let kept = app.read(|conn| payments::queries::list(conn, order.id));
    assert_eq!(kept.len(), 1);
    let paid = &kept[0].facts;
    assert_eq!(paid.status, PaymentStatus::Success);
    assert_eq!(paid.amount_minor, Some(order.facts.total_minor));
    let presented = order.facts.presentment_total_minor;
    assert_eq!(paid.presentment_minor, Some(presented));
}

/// What an order looked like to the version before: its digest names that version.
async fn an_older_reading_is_applied_again(kind: Kind) {
    let story = Story::of(kind, &fixture()).await;
    let order = story.order();
    story.app.alter(
        "UPDATE orders SET source_digest = 'v1:0', totals_check = 'not_derivable'; \
         UPDATE order_lines SET presentment_total_minor = NULL; DELETE FROM order_totals; \
         DELETE FROM order_details",
    );
    // The same message, to the second, once more.
    story.deliver("orders/create", "w2", &fixture()).await;
    let again = story.order();
    assert_eq!(again.facts.totals_check.as_str(), "agrees");
    assert!(!again.facts.source_digest.starts_with("v1:"));
    assert_eq!(again.facts.total_minor, order.facts.total_minor);
    let lines = story.app.read(|conn| list_lines(conn, order.id));
    assert_eq!(lines[0].facts.presentment_total_minor, Some(3418));
    let sides = story.api().await["totals"]["sides"].clone();
    assert_eq!(sides.as_array().expect("sides").len(), 4);
    assert_eq!(story.api().await["sold_through"], "web");
}

async fn an_erased_buyer_leaves_the_company_and_the_money(kind: Kind) {
    let mut body = fixture();
    body["company"] = json!({ "id": 55, "name": "Fernwood Ltd", "contact_id": 77 });
    body["po_number"] = json!("PO-4711");
    let story = Story::of(kind, &body).await;
    let order = story.order();
    let contact = |story: &Story| {
        let details = story.app.read(|conn| find_details(conn, order.id));
        details.expect("details").company_contact_external_id
    };
    assert_eq!(contact(&story).as_deref(), Some("77"));
    story
        .app
        .db()
        .write_here(|conn| {
            let register = counterfoil::shopify::personal_data::register();
            let subject = counterfoil::platform::personal_data::Subject::Order;
            counterfoil::platform::personal_data::erase(conn, &register, subject, &[order.id.0])?;
            Ok::<_, DbError>(())
        })
        .expect("it is erased");
    assert_eq!(contact(&story), None);
    let left = story.api().await;
    assert_eq!(left["company"]["name"], "Fernwood Ltd");
    assert_eq!(left["po_number"], "PO-4711");
    assert_eq!(left["totals"]["total"], money("50.88", "EUR"));
    assert_eq!(left["lines"][0]["taxes"][0]["amount"], money("5.74", "EUR"));
}
