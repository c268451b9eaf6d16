//! What a supplier sends: expected, scanned, come in parts, more, less, twice.

use counterfoil::erp::users::roles::Role;

use super::{House, field};
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    what_is_expected_comes_in_two_bookings_and_one_is_taken_back,
    two_people_book_one_receipt_at_once,
    lots_and_serial_numbers_are_named_when_they_come,
    what_does_not_come_is_expected_no_longer,
    who_only_looks_changes_nothing,
);

async fn what_is_expected_comes_in_two_bookings_and_one_is_taken_back(kind: Kind) {
    let house = House::start(kind).await;
    let tea = house.item("TEA", "none");
    let page = house
        .open(
            "receipts",
            &[("reference", "DN 77"), ("expected_on", "2026-11-24")],
        )
        .await;
    page.assert_shows("R-1001")
        .assert_shows("DN 77")
        .assert_shows("Expected");
    // The scanner reads the barcode three times, somebody types the SKU once.
    for code in ["TEATEA", "teatea", "TEATEA", "tea"] {
        house.scan(&page, &[("code", code)]).await;
    }
    let page = house
        .scan(&page, &[("code", "TEA"), ("quantity", "6")])
        .await;
    assert_eq!(house.incoming(tea), 10);
    let items = house.app.get("/products").await;
    assert_eq!(
        items.texts(&format!("#product-{tea} td:last-child")),
        ["10"]
    );
    assert_eq!(house.lies(tea, house.main), 0);
    let scanned = house.send(page.form("#add"), &[("code", "NOPE")]).await;
    scanned
        .assert_status(422)
        .assert_shows("No item has this SKU or barcode");

    let now = field(&page, "n", "TEA came");
    let page = house.send(page.form("#book"), &[(&now, "7")]).await;
    page.assert_status(200)
        .assert_shows("7 pieces are booked")
        .assert_shows("Part received");
    assert_eq!((house.lies(tea, house.main), house.incoming(tea)), (7, 3));
    let newest = house.ledger(tea).remove(0);
    assert_eq!(newest, (7, "received".to_owned(), "receipt:1".to_owned()));
    // Two more came than were expected.
    let page = house.send(page.form("#book"), &[(&now, "5")]).await;
    page.assert_shows("12 of 10").assert_lacks("Part received");
    assert_eq!((house.lies(tea, house.main), house.incoming(tea)), (12, 0));
    house.app.get("/receipts").await.assert_lacks("R-1001");
    house
        .app
        .get("/receipts?state=done")
        .await
        .assert_shows("R-1001")
        .assert_shows("12 of 10");

    let page = house.again(&page).await;
    let page = house
        .send(page.form("form[action$='/bookings/2/undo']"), &[])
        .await;
    page.assert_shows("Taken back")
        .assert_shows("Part received");
    assert_eq!((house.lies(tea, house.main), house.incoming(tea)), (7, 3));
    // Of the first booking some were sold since.
    house.moved(tea, house.main, -2, None);
    let page = house
        .send(page.form("form[action$='/bookings/1/undo']"), &[])
        .await;
    page.assert_status(409)
        .assert_shows("Of TEA only 5 are there, and 7 would leave");
    assert_eq!(house.lies(tea, house.main), 5);
    let log = house.app.get("/settings/audit?kind=goods.booked").await;
    log.assert_shows("R-1001 booked: +7 pieces");
    house.assert_adds_up();
}

async fn two_people_book_one_receipt_at_once(kind: Kind) {
    let house = House::start(kind).await;
    let tea = house.item("TEA", "none");
    let page = house.open("receipts", &[]).await;
    let first = house
        .scan(&page, &[("code", "TEA"), ("quantity", "9")])
        .await;
    let now = field(&first, "n", "TEA came");
    let other = house.app.signed_in(Role::Warehouse).await;
    let second = other.get(page.url.path()).await;
    let booked = house.send(first.form("#book"), &[(&now, "4")]).await;
    booked.assert_shows("Part received");
    let late = other.submit(second.form("#book").fill(&now, "4")).await;
    late.assert_status(409)
        .assert_shows("Somebody else changed this while you had it open")
        .assert_shows("4 of 9");
    assert_eq!(house.lies(tea, house.main), 4);
    // What the page shows now can be booked.
    let rest = other.submit(late.form("#book")).await;
    rest.assert_status(200).assert_shows("9 of 9");
    assert_eq!(house.lies(tea, house.main), 9);
    house.assert_adds_up();
}

async fn lots_and_serial_numbers_are_named_when_they_come(kind: Kind) {
    let house = House::start(kind).await;
    let (milk, drill) = (house.item("MILK", "lot"), house.item("DRILL", "serial"));
    let page = house.open("receipts", &[]).await;
    house
        .scan(&page, &[("code", "MILK"), ("quantity", "8")])
        .await;
    let page = house
        .scan(&page, &[("code", "DRILL"), ("quantity", "3")])
        .await;
    let now = field(&page, "n", "MILK came");
    let (lot, day) = (
        field(&page, "lot", "Lot of MILK"),
        field(&page, "day", "MILK"),
    );
    let serials = field(&page, "lot", "Serial numbers of DRILL");
    let refused = house
        .send(page.form("#book"), &[(&now, "5"), (&day, "soon")])
        .await;
    refused
        .assert_status(422)
        .assert_shows("Enter a day, like 2027-03-31");
    let refused = house
        .send(page.form("#book"), &[(&now, "5"), (&serials, "S1\nS2")])
        .await;
    refused
        .assert_status(422)
        .assert_shows("Enter the lot that came");
    assert_eq!(
        refused.texts(&format!("[name='{serials}']")),
        ["S1 S2"],
        "what was typed stays"
    );
    let twice = [(now.as_str(), ""), (serials.as_str(), "S1, s1")];
    let refused = house.send(page.form("#book"), &twice).await;
    refused
        .assert_status(422)
        .assert_shows("Serial number s1 is there twice");
    assert_eq!(
        (house.lies(milk, house.main), house.lies(drill, house.main)),
        (0, 0)
    );

    let good = [
        (now.as_str(), "5"),
        (&lot, "A1"),
        (&day, "2027-03-31"),
        (&serials, "S1\r\nS2"),
    ];
    let page = house.send(page.form("#book"), &good).await;
    page.assert_status(200).assert_shows("7 pieces are booked");
    let other = [(now.as_str(), "3"), (&lot, "a1"), (&day, "2027-04-30")];
    let refused = house.send(page.form("#book"), &other).await;
    refused
        .assert_status(422)
        .assert_shows("Lot A1 is best before 2027-03-31 already");
    let received = house.levels(drill, house.main);
    assert_eq!(received, [("S1".to_owned(), 1, 0), ("S2".to_owned(), 1, 0)]);

    // The same serial number on another paper, and at another place.
    let annex = house.annex.to_string();
    let other = house.open("receipts", &[("location", &annex)]).await;
    let other = house
        .scan(&other, &[("code", "DRILL"), ("lot", "S2")])
        .await;
    let refused = house
        .send(other.form("#add"), &[("code", "DRILL"), ("lot", "S2")])
        .await;
    refused
        .assert_status(422)
        .assert_shows("Serial number S2 is listed already");
    let refused = house.send(other.form("#book"), &[]).await;
    refused
        .assert_status(422)
        .assert_shows("Serial number S2 is in stock already");
    assert_eq!(house.lies(drill, house.annex), 0);
    house.assert_adds_up();
}

async fn what_does_not_come_is_expected_no_longer(kind: Kind) {
    let house = House::start(kind).await;
    let tea = house.item("TEA", "none");
    let page = house.open("receipts", &[]).await;
    let page = house
        .scan(&page, &[("code", "TEA"), ("quantity", "4")])
        .await;
    let now = field(&page, "n", "TEA came");
    for (text, words) in [
        ("-1", "Enter how many came"),
        ("two", "Enter how many came"),
    ] {
        let refused = house.send(page.form("#book"), &[(&now, text)]).await;
        refused.assert_status(422).assert_shows(words);
        assert_eq!(refused.attribute(&format!("[name='{now}']"), "value"), text);
    }
    let page = house.send(page.form("#book"), &[(&now, "1")]).await;
    let page = house.send(page.form("#close"), &[]).await;
    page.assert_shows("Received short")
        .assert_shows("3 missing");
    assert_eq!(house.incoming(tea), 0);
    let page = house.send(page.form("#reopen"), &[]).await;
    page.assert_shows("Part received");
    assert_eq!(house.incoming(tea), 3);
    // A line that was a mistake.
    let size = field(&page, "size", "TEA");
    let form = page.form("form[id^='size-']");
    let page = house.send(form, &[(&size, "1")]).await;
    page.assert_shows("1 of 1");
    assert_eq!(house.incoming(tea), 0);
}

async fn who_only_looks_changes_nothing(kind: Kind) {
    let house = House::start(kind).await;
    house.item("TEA", "none");
    let page = house.open("receipts", &[]).await;
    let page = house.scan(&page, &[("code", "TEA")]).await;
    let viewer = house.app.signed_in(Role::Viewer).await;
    let seen = viewer.get(page.url.path()).await;
    seen.assert_status(200).assert_shows("The TEA");
    assert_eq!(seen.count("main form"), 0);
    viewer.get("/receipts/new").await.assert_status(403);
}
