//! Lines from a file: the good ones go in, the bad ones are named, and a file that is none says what to do.

use super::{House, field};
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::Page;

both_databases!(
    bad_lines_are_named_and_the_rest_goes_in,
    a_count_comes_from_a_file,
    a_file_that_cannot_be_read_says_what_to_do,
);

async fn bad_lines_are_named_and_the_rest_goes_in(kind: Kind) {
    let house = House::start(kind).await;
    let (tea, milk) = (house.item("TEA", "none"), house.item("MILK", "lot"));
    house.item("DRILL", "serial");
    let page = house.open("receipts", &[]).await;
    let file = "\u{feff}sku;quantity;lot;best before\r\nTEA;12;;\r\nNOPE;1;;\r\nmilk;4;A1;2027-03-31\r\n\
        TEA;3;;\r\nMILK;=1+1;B2;\r\nMILK;5;A1;2027-03-31\r\nDRILL;2;S1;\r\nMILK;1;C3;31.3.2027\r\nTEA;1;X;\r\n";
    let shown = house.read(&page, file.as_bytes()).await;
    shown
        .assert_status(422)
        .assert_shows("2 lines are entered. 7 lines are refused");
    for (line, reason) in [
        (3, "No item has this SKU or barcode"),
        (5, "Line 2 speaks of this item and lot already"),
        (6, "The quantity is a formula: paste its value"),
        (7, "Line 4 speaks of this item and lot already"),
        (8, "A serial number is one piece"),
        (9, "Best before is a day like 2027-03-31, not 31.3.2027"),
        (10, "This item has no lots"),
    ] {
        shown.assert_shows(&format!("{line} {reason}"));
    }
    assert_eq!((house.incoming(tea), house.incoming(milk)), (12, 4));
    // The same file once more says the same.
    house.read(&page, file.as_bytes()).await;
    assert_eq!((house.incoming(tea), house.incoming(milk)), (12, 4));
    let lots = house.app.read(|conn| {
        counterfoil::erp::stock::queries::lots::list_by_code(conn, "", None, None, 10)
    });
    assert_eq!(lots.len(), 1, "a refused line makes no lot");
}

async fn a_count_comes_from_a_file(kind: Kind) {
    let house = House::start(kind).await;
    let (tea, cup) = (house.item("TEA", "none"), house.item("CUP", "none"));
    house.moved(tea, house.main, 9, None);
    let page = house.open("counts", &[]).await;
    let file = b"sku,quantity\nTEA,4\nCUP,2\nCUP,-1\n";
    let shown = house.read(&page, file).await;
    shown
        .assert_status(422)
        .assert_shows("4 The quantity is a whole number like 12, not -1");
    let page = house.again(&page).await;
    assert_eq!(
        page.attribute(&format!("[name='{}']", field(&page, "n", "TEA")), "value"),
        "4"
    );
    house
        .send(page.form("#book"), &[])
        .await
        .assert_shows("Booked");
    assert_eq!(
        (house.lies(tea, house.main), house.lies(cup, house.main)),
        (4, 2)
    );
}

async fn a_file_that_cannot_be_read_says_what_to_do(kind: Kind) {
    let house = House::start(kind).await;
    let page = house.open("receipts", &[]).await;
    let large = vec![b'a'; 1024 * 1024 + 1];
    let files: [(&[u8], &str); 6] = [
        (b"", "Choose a file"),
        (b"\xff\xfes\0k\0u\0", "The file is in UTF-16"),
        (b"sku,quantity\nCAF\xc9,1\n", "Line 2 is not in UTF-8"),
        (b"sku,amount\nTEA,1\n", "names no column"),
        (b"PK\x03\x04\0\0", "This is not a text file"),
        (&large, "The file is larger than 1 MB"),
    ];
    for (file, words) in files {
        let shown = house.read(&page, file).await;
        shown.assert_status(422).assert_shows(words);
        assert_eq!(shown.count("#f-file[aria-invalid]"), 1, "{words}");
    }
    // So much is not even read.
    let huge = vec![b'a'; 8 * 1024 * 1024 + 128 * 1024];
    let shown = house.read(&page, &huge).await;
    shown.assert_status(413).assert_shows("larger than 8 MB");
}

impl House {
    async fn read(&self, page: &Page, file: &[u8]) -> Page {
        let page = self.app.get(page.url.path()).await;
        let form = page.form("#file").without("file");
        self.app
            .owner()
            .upload(form, "file", "lines.csv", file)
            .await
    }
}
