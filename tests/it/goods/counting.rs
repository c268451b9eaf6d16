//! A count while orders go on: what moved meanwhile is not lost, what cannot be is said where it was typed.

use counterfoil::erp::users::roles::Role;

use super::{House, field};
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    a_sale_between_counting_and_booking_is_not_lost,
    what_cannot_be_is_said_beside_its_field_and_what_was_typed_stays,
    two_who_count_do_not_overwrite_each_other,
    a_blind_count_finds_what_nobody_expected,
    a_long_list_is_counted_page_by_page,
);

async fn a_sale_between_counting_and_booking_is_not_lost(kind: Kind) {
    let house = House::start(kind).await;
    let (tea, cup) = (house.item("TEA", "none"), house.item("CUP", "none"));
    house.moved(tea, house.main, 10, None);
    house.moved(cup, house.main, 6, None);
    let page = house.open("counts", &[]).await;
    page.assert_shows("C-1001").assert_shows("Counting");
    let teas = field(&page, "n", "TEA");
    let page = house.send(page.form("#numbers"), &[(&teas, "8")]).await;
    page.assert_shows("1 number is kept")
        .assert_shows("−2")
        .assert_shows("1 counted");
    let before = house.send(page.form("#numbers"), &[]).await;
    before.assert_lacks("kept.");
    // Sold after it was counted, before it is booked.
    house.moved(tea, house.main, -1, None);
    let page = house.again(&page).await;
    page.assert_shows("Counted 8; since then −1");
    assert_eq!(page.attribute(&format!("[name='{teas}']"), "value"), "");
    let page = house.send(page.form("#numbers"), &[]).await;
    let page = house.send(page.form("#book"), &[]).await;
    page.assert_status(200)
        .assert_shows("Booked")
        .assert_shows("−2");
    assert_eq!(house.lies(tea, house.main), 7, "10, one sold, two missing");
    assert_eq!(house.lies(cup, house.main), 6, "nobody counted it");
    let newest = house.ledger(tea).remove(0);
    assert_eq!(newest, (-2, "count".to_owned(), "count:1".to_owned()));
    page.assert_lacks("The CUP");
    let page = house.send(page.form("form[action$='/undo']"), &[]).await;
    page.assert_shows("Counting");
    assert_eq!(house.lies(tea, house.main), 9);

    // More are missing than are left: that item is to be counted again.
    house.moved(tea, house.main, -8, None);
    let page = house.again(&page).await;
    let refused = house.send(page.form("#book"), &[]).await;
    refused
        .assert_status(409)
        .assert_shows("Of TEA only 1 are there, and 2 would leave");
    let page = house.send(refused.form("#numbers"), &[(&teas, "1")]).await;
    house
        .send(page.form("#book"), &[])
        .await
        .assert_shows("Booked");
    assert_eq!(house.lies(tea, house.main), 1);
    house.assert_adds_up();
}

async fn what_cannot_be_is_said_beside_its_field_and_what_was_typed_stays(kind: Kind) {
    let house = House::start(kind).await;
    let (tea, drill) = (house.item("TEA", "none"), house.item("DRILL", "serial"));
    house.moved(tea, house.main, 3, None);
    house.moved(drill, house.main, 1, Some(("S1", "2030-01-01")));
    let page = house.open("counts", &[]).await;
    let (teas, drills) = (field(&page, "n", "TEA"), field(&page, "n", "DRILL"));
    for wrong in ["-1", "three", "1.5", "=1+1"] {
        let typed = [(teas.as_str(), wrong), (&drills, "0")];
        let refused = house.send(page.form("#numbers"), &typed).await;
        refused
            .assert_status(422)
            .assert_shows("Enter how many lie there, like 12");
        assert_eq!(
            refused.attribute(&format!("[name='{teas}']"), "value"),
            wrong
        );
        assert_eq!(
            refused.attribute(&format!("[name='{drills}']"), "value"),
            "0"
        );
        refused.assert_shows("0 counted");
    }
    let refused = house.send(page.form("#numbers"), &[(&drills, "2")]).await;
    refused
        .assert_status(422)
        .assert_shows("A serial number is one piece");
    let nothing = house.send(page.form("#book"), &[]).await;
    nothing
        .assert_status(422)
        .assert_shows("There is nothing to book");

    // The piece lies at the other location: it cannot be here as well.
    let annex = house.annex.to_string();
    let there = house.open("counts", &[("location", &annex)]).await;
    let there = house
        .scan(&there, &[("code", "DRILL"), ("lot", "S1")])
        .await;
    let there = house
        .send(
            there.form("#numbers"),
            &[(&field(&there, "n", "DRILL"), "1")],
        )
        .await;
    let refused = house.send(there.form("#book"), &[]).await;
    refused
        .assert_status(409)
        .assert_shows("Serial number S1 is in stock already. Nothing was booked.");
    house.assert_adds_up();
}

async fn two_who_count_do_not_overwrite_each_other(kind: Kind) {
    let house = House::start(kind).await;
    let (tea, cup) = (house.item("TEA", "none"), house.item("CUP", "none"));
    house.moved(tea, house.main, 5, None);
    house.moved(cup, house.main, 5, None);
    let page = house.open("counts", &[]).await;
    let (teas, cups) = (field(&page, "n", "TEA"), field(&page, "n", "CUP"));
    let other = house.app.signed_in(Role::Warehouse).await;
    let theirs = other.get(page.url.path()).await;
    house
        .send(page.form("#numbers"), &[(&teas, "4")])
        .await
        .assert_status(200);
    // The colleague counted something else: what I counted stays.
    let form = theirs.form("#numbers").fill(&cups, "6");
    let kept = other.submit(form).await;
    kept.assert_status(200).assert_shows("2 counted");
    let form = theirs.form("#numbers").fill(&teas, "3");
    let refused = other.submit(form).await;
    refused
        .assert_status(422)
        .assert_shows("Somebody else entered 4 meanwhile");
    // Whoever has not seen all of it books none of it.
    let late = house.send(page.form("#book"), &[]).await;
    late.assert_status(409)
        .assert_shows("Somebody else changed this");
    let page = house.again(&page).await;
    house.send(page.form("#book"), &[]).await.assert_status(200);
    assert_eq!(
        (house.lies(tea, house.main), house.lies(cup, house.main)),
        (4, 6)
    );
}

async fn a_blind_count_finds_what_nobody_expected(kind: Kind) {
    let house = House::start(kind).await;
    let (tea, milk) = (house.item("TEA", "none"), house.item("MILK", "lot"));
    house.moved(tea, house.main, 7, None);
    let page = house
        .open("counts", &[("scope", "named"), ("blind", "yes")])
        .await;
    page.assert_shows("Nothing named yet");
    let page = house.scan(&page, &[("code", "TEA")]).await;
    page.assert_lacks("Expected")
        .assert_lacks("Differences")
        .assert_lacks("7");
    let refused = house.send(page.form("#add"), &[("code", "MILK")]).await;
    refused.assert_status(422).assert_shows("Enter the lot");
    let found = [
        ("code", "MILK"),
        ("lot", "NEW"),
        ("best_before", "2027-02-28"),
    ];
    let page = house.scan(&page, &found).await;
    let milks = field(&page, "n", "MILK");
    let page = house.send(page.form("#numbers"), &[(&milks, "2")]).await;
    let page = house.send(page.form("#book"), &[]).await;
    page.assert_shows("+2");
    assert_eq!(house.levels(milk, house.main), [("NEW".to_owned(), 2, 0)]);
    assert_eq!(house.lies(tea, house.main), 7);
    house.assert_adds_up();
}

async fn a_long_list_is_counted_page_by_page(kind: Kind) {
    let house = House::start(kind).await;
    for number in 0..60 {
        let id = house.item(&format!("ITEM-{number:02}"), "none");
        house.moved(id, house.main, 1, None);
    }
    let page = house.open("counts", &[]).await;
    page.assert_shows("ITEM-49").assert_lacks("ITEM-50");
    let path = page.url.path().to_owned();
    let second = house
        .app
        .get(&format!("{path}{}", page.link("Older")))
        .await;
    second
        .assert_shows("ITEM-50")
        .assert_shows("ITEM-59")
        .assert_lacks("ITEM-49");
    let last = field(&second, "n", "ITEM-59");
    let kept = house.send(second.form("#numbers"), &[(&last, "3")]).await;
    kept.assert_shows("ITEM-59").assert_lacks("ITEM-49");
    let differences = house.app.get(&format!("{path}?show=differences")).await;
    differences
        .assert_shows("ITEM-59")
        .assert_shows("+2")
        .assert_lacks("ITEM-58");
    let one = house.app.get(&format!("{path}?q=item-07")).await;
    one.assert_shows("ITEM-07").assert_lacks("ITEM-08");
}
