//! Pieces on their way from one location to another, and those that never arrive.

use counterfoil::practice::OrderKind;
use counterfoil::types::ProductId;

use super::{House, field};
use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    what_expires_first_leaves_first_and_part_of_it_is_lost,
    what_is_under_way_can_come_back,
    no_more_leaves_than_lies_there,
    what_orders_were_promised_leaves_only_when_somebody_says_so,
    a_closed_location_is_emptied,
);

async fn what_expires_first_leaves_first_and_part_of_it_is_lost(kind: Kind) {
    let house = House::start(kind).await;
    let milk = house.item("MILK", "lot");
    house.moved(milk, house.main, 6, Some(("LATE", "2027-06-30")));
    house.moved(milk, house.main, 4, Some(("SOON", "2027-01-31")));
    let page = house.to_annex().await;
    let page = house
        .scan(&page, &[("code", "MILK"), ("quantity", "7")])
        .await;
    page.assert_shows("first to expire");
    assert_eq!(house.incoming(milk), 0, "a draft promises nothing");
    let page = house.send(page.form("#send"), &[]).await;
    page.assert_status(200)
        .assert_shows("In transit")
        .assert_shows("SOON");
    assert_eq!(house.levels(milk, house.main), [("LATE".to_owned(), 3, 0)]);
    assert_eq!(
        (house.lies(milk, house.annex), house.incoming(milk)),
        (0, 7)
    );
    house.assert_adds_up();

    // One of the first lot is broken; the other has yet to come.
    let names = page.attributes("[name^='n-']", "name");
    let too_many = house.send(page.form("#book"), &[(&names[0], "5")]).await;
    too_many
        .assert_status(422)
        .assert_shows("Only 4 are under way");
    let came = [(names[0].as_str(), "3"), (&names[1], "0")];
    let page = house.send(page.form("#book"), &came).await;
    page.assert_shows("3 of 7").assert_shows("In transit");
    assert_eq!(house.levels(milk, house.annex), [("SOON".to_owned(), 3, 0)]);
    let page = house.send(page.form("#close"), &[]).await;
    page.assert_status(422).assert_shows("Say why");
    let page = house
        .send(page.form("#close"), &[("reason", "fell off the van")])
        .await;
    page.assert_shows("Received short")
        .assert_shows("fell off the van")
        .assert_shows("1 missing");
    assert_eq!(
        (house.lies(milk, house.main), house.lies(milk, house.annex)),
        (3, 3)
    );
    assert_eq!(house.incoming(milk), 0);
    // It was found after all.
    let page = house.send(page.form("#reopen"), &[]).await;
    house
        .send(page.form("#book"), &[])
        .await
        .assert_shows("7 of 7");
    assert_eq!(house.lies(milk, house.annex), 7);
    house.assert_adds_up();
}

async fn what_is_under_way_can_come_back(kind: Kind) {
    let house = House::start(kind).await;
    let drill = house.item("DRILL", "serial");
    house.moved(drill, house.main, 1, Some(("S1", "2030-01-01")));
    let page = house.to_annex().await;
    let unknown = house
        .send(page.form("#add"), &[("code", "DRILL"), ("lot", "S9")])
        .await;
    unknown
        .assert_status(422)
        .assert_shows("This item has no such lot");
    let page = house.scan(&page, &[("code", "DRILL"), ("lot", "s1")]).await;
    let page = house.send(page.form("#send"), &[]).await;
    assert_eq!(house.lies(drill, house.main), 0);
    let page = house.send(page.form("#return"), &[]).await;
    page.assert_shows("Returned");
    assert_eq!(
        (house.lies(drill, house.main), house.incoming(drill)),
        (1, 0)
    );
    house.assert_adds_up();
    let other = house.to_annex().await;
    let cancelled = house.send(other.form("#close"), &[]).await;
    cancelled.assert_shows("Cancelled");
}

async fn no_more_leaves_than_lies_there(kind: Kind) {
    let house = House::start(kind).await;
    let tea = house.item("TEA", "none");
    house.moved(tea, house.main, 3, None);
    let page = house.app.get("/transfers/new").await;
    let same = [("other", house.main.to_string())];
    let form = page
        .form("form[action='/transfers']")
        .fill(same[0].0, &same[0].1);
    let refused = house.send(form, &[("reference", "T 5")]).await;
    refused
        .assert_status(422)
        .assert_shows("Choose another location");
    assert_eq!(refused.attribute("[name='reference']", "value"), "T 5");
    let page = house.to_annex().await;
    let page = house
        .scan(&page, &[("code", "TEA"), ("quantity", "5")])
        .await;
    let refused = house.send(page.form("#send"), &[]).await;
    refused.assert_status(422).assert_shows("Only 3 lie there");
    assert_eq!(house.lies(tea, house.main), 3);
}

async fn what_orders_were_promised_leaves_only_when_somebody_says_so(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.add_items(0..200);
    let page = app.get("/mappings").await;
    let links = page.links();
    let all = links
        .iter()
        .find(|it| it.starts_with("/mappings/acceptances"));
    let page = app.get(all.expect("exact matches")).await;
    let form = page.form("form[action$='/mappings/acceptances']");
    app.owner().submit(form).await.assert_status(200);
    app.run_jobs().await;
    let placed = app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    let house = House::around(app, "Portland DC");
    let id = (1..=200)
        .map(ProductId)
        .find(|id| {
            house
                .levels(*id, house.main)
                .iter()
                .any(|level| level.2 > 0)
        })
        .expect("something is promised");
    let promised = house.levels(id, house.main)[0].2;
    let sku = house.app.read(|conn| {
        let row = counterfoil::erp::products::queries::find(conn, id)?;
        Ok(row.expect("the item").sku)
    });
    let page = house.to_annex().await;
    let page = house
        .scan(&page, &[("code", &sku), ("quantity", "40")])
        .await;
    let asked = house.send(page.form("#send"), &[]).await;
    asked.assert_status(409).assert_shows("promised to orders");
    assert_eq!(house.lies(id, house.main), 40, "nothing has left");
    let page = house
        .send(asked.form("#send"), &[("promises", "take")])
        .await;
    page.assert_status(200).assert_shows("In transit");
    assert_eq!(house.lies(id, house.main), 0);
    let order = house.app.order(&placed.name);
    let page = house.app.get(&format!("/orders/{}", order.id)).await;
    page.assert_shows(&format!("Short {promised}"));
    // Where it arrives it is promised anew.
    let page = house.app.get("/transfers/1").await;
    house
        .send(page.form("#book"), &[])
        .await
        .assert_shows("40 of 40");
    assert_eq!(
        house.levels(id, house.annex),
        [(String::new(), 40, promised)]
    );
    house.assert_adds_up();
}

async fn a_closed_location_is_emptied(kind: Kind) {
    let house = House::start(kind).await;
    let (tea, cup) = (house.item("TEA", "none"), house.item("CUP", "none"));
    house.moved(tea, house.annex, 5, None);
    house.moved(cup, house.annex, 2, None);
    house
        .app
        .alter("UPDATE locations SET active = FALSE WHERE name = 'Annex'");
    let list = house.app.get("/transfers").await;
    list.assert_shows("Annex is closed, and stock lies there");
    let page = house.app.get(&list.link("Transfer it away")).await;
    let to = house.main.to_string();
    let page = house
        .send(page.form("form[action='/transfers']"), &[("other", &to)])
        .await;
    page.assert_shows("Annex is closed");
    let page = house
        .scan(&page, &[("code", "TEA"), ("quantity", "5")])
        .await;
    let page = house.send(page.form("#send"), &[]).await;
    house
        .send(page.form("#book"), &[])
        .await
        .assert_shows("Received");
    assert_eq!(
        (house.lies(tea, house.annex), house.lies(tea, house.main)),
        (0, 5)
    );

    // The rest is not there any more.
    let page = house.app.get(&list.link("Count it")).await;
    let page = house.send(page.form("form[action='/counts']"), &[]).await;
    page.assert_shows("The CUP").assert_lacks("The TEA");
    let cups = field(&page, "n", "CUP");
    let page = house.send(page.form("#numbers"), &[(&cups, "0")]).await;
    house
        .send(page.form("#book"), &[])
        .await
        .assert_shows("Booked");
    assert_eq!(house.lies(cup, house.annex), 0);
    house.app.get("/transfers").await.assert_lacks("is closed");
    house.app.get("/receipts/new").await.assert_lacks("Annex");
    house.assert_adds_up();
}

impl House {
    async fn to_annex(&self) -> crate::support::visitor::Page {
        let (from, to) = (self.main.to_string(), self.annex.to_string());
        self.open("transfers", &[("location", &from), ("other", &to)])
            .await
    }
}
