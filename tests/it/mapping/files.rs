//! Mappings as a file: what is exported goes in again, and what cannot be booked is named by its line.

use counterfoil::erp::orders::WorkState;
use counterfoil::practice::OrderKind;
use counterfoil::shopify::mappings::queries::View;

use super::kits::item;
use super::{add_item, variants};
use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::Page;

both_databases!(
    a_file_is_shown_booked_and_undone,
    what_is_exported_goes_in_again_and_starts_no_formula,
    bad_lines_are_named_and_the_rest_goes_in,
    a_file_that_cannot_be_read_shows_the_form_again,
);

async fn a_file_is_shown_booked_and_undone(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let placed = app.practice.place_order(OrderKind::OneLine);
    app.run_jobs().await;
    item(&app, "CUP", "Tea cup", 500);
    item(&app, "TEA", "Sencha 50 g", 500);
    let all = variants(&app, View::Unmapped);
    let waits = blocking(&app).await;
    let waiting = all.iter().find(|row| row.id.to_string() == waits);
    let waiting = waiting.expect("it is listed");
    let mut others = all.iter().filter(|row| row.id != waiting.id);
    let (second, third) = (others.next().expect("one"), others.next().expect("one"));
    let file = format!(
        "\u{feff}variant id;kind;item sku;quantity\r\n\
         {0};kit;CUP;2\r\n{0};kit;tea;1\r\n{1};ignored;;\r\n{2};;CUP;6\r\n",
        waiting.external_id, second.external_id, third.external_id
    );
    let shown = choose(&app, file.as_bytes()).await;
    shown
        .assert_status(200)
        .assert_shows("Booking maps 3 variants")
        .assert_shows("frees 1 order")
        .assert_shows("0 lines are refused");
    assert_eq!(variants(&app, View::Mapped).len(), 0, "only shown");
    let book = || shown.form("form[action$='/booking']");
    app.owner().submit(book()).await.assert_status(200);
    let twice = app.owner().submit(book()).await;
    twice.assert_status(409).assert_shows("booked already");
    // Whoever went elsewhere meanwhile finds back.
    let choose = app.get("/mappings/imports/new?store=1").await;
    choose.assert_shows("Last imports").assert_shows("Running");
    let back = choose.attribute("td a[href*='/mappings/imports/']", "href");
    assert_eq!(back, shown.url.path());
    app.run_jobs().await;
    let done = app.get(shown.url.path()).await;
    done.assert_shows("3 variants mapped. 1 order is free.");
    assert_eq!(variants(&app, View::Mapped).len(), 2);
    assert_eq!(variants(&app, View::Ignored).len(), 1);
    assert_eq!(app.order(&placed.name).work_state, WorkState::Ready);
    let log = app.get("/settings/audit").await;
    log.assert_shows("3 mappings imported; 0 lines refused");
    let page = app.get(&format!("/mappings/{}", third.id)).await;
    page.assert_shows("6 × Tea cup").assert_shows("from a file");
    let undo = done.form("form[action*='/mappings/batches/']");
    let undone = app.owner().submit(undo).await;
    undone.assert_shows("3 variants unmapped again.");
    assert_eq!(variants(&app, View::Unmapped).len(), all.len());
    assert_eq!(app.order(&placed.name).work_state, WorkState::Unmapped);
}

async fn what_is_exported_goes_in_again_and_starts_no_formula(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let all = variants(&app, View::Unmapped);
    item(&app, "=1+1", "A SKU like a formula", 1);
    add_item(&app, &all[1], "PLAIN");
    let file = format!(
        "variant id,item sku,quantity\n{},=1+1,1\n{},PLAIN,3\n",
        all[0].external_id, all[1].external_id
    );
    book(&app, &choose(&app, file.as_bytes()).await).await;
    let exported = app.get("/mappings/export?store=1").await;
    let text = &exported.body;
    let head = "variant id,sku,barcode,title,kind,item sku,quantity\r\n";
    assert!(text.starts_with(head), "{text}");
    assert!(text.contains(",one,'=1+1,1\r\n"), "{text}");
    assert!(text.contains(",pack,PLAIN,3\r\n"), "{text}");
    assert_eq!(text.lines().count(), 1 + all.len());
    for cell in text.lines().flat_map(|line| line.split(',')) {
        assert!(
            !cell.trim_matches('"').starts_with(['=', '+', '-', '@']),
            "{cell}"
        );
    }
    let again = choose(&app, text.as_bytes()).await;
    again
        .assert_shows("Booking maps 0 variants")
        .assert_shows("2 variants are mapped so already")
        .assert_shows("0 lines are refused");
}

async fn bad_lines_are_named_and_the_rest_goes_in(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let all = variants(&app, View::Unmapped);
    item(&app, "CUP", "Tea cup", 1);
    item(&app, "TEA", "Sencha 50 g", 1);
    let first = format!("variant id,item sku\n{},TEA\n", all[3].external_id);
    book(&app, &choose(&app, first.as_bytes()).await).await;
    let file = format!(
        "variant id,kind,item sku,quantity\n{0},,CUP,1\n{1},,NOPE,1\n{0},,TEA,1\n99,,CUP,1\n{2},,CUP,0\n{3},,CUP,1\n4.4E+13,,CUP,1\n",
        all[0].external_id, all[1].external_id, all[2].external_id, all[3].external_id
    );
    let shown = choose(&app, file.as_bytes()).await;
    let reasons = [
        "NOPE: no item has this SKU",
        "line 2 speaks of this variant already",
        "this store has no such variant",
        "quantity is 1 to 10,000, not 0",
        "this variant is mapped already: unmap it first",
        "4.4E+13 was rounded by a spreadsheet",
    ];
    shown.assert_shows("6 lines are refused");
    for (line, reason) in (3..).zip(reasons) {
        shown.assert_shows(&format!("{line} {reason}"));
    }
    let done = book(&app, &shown).await;
    done.assert_shows("1 variant mapped.")
        .assert_shows("6 lines refused")
        .assert_shows("4 line 2 speaks of this variant already");
    assert_eq!(variants(&app, View::Mapped).len(), 2);
}

async fn a_file_that_cannot_be_read_shows_the_form_again(kind: Kind) {
    let app = TestApp::connected(kind).await;
    let long = [
        "variant id,item sku\n".to_owned(),
        "1,A\n".repeat(1_000_000),
    ]
    .concat();
    let latin = [b"variant id,item sku\n1,Gr".as_slice(), b"\xfcn\n"].concat();
    for (file, words) in [
        (Vec::new(), "Choose a file"),
        (b"\xff\xfev\0a\0".to_vec(), "The file is in UTF-16"),
        (latin, "Line 2 is not in UTF-8"),
        (
            b"sku,title\nA,B\n".to_vec(),
            "The first line names no column “variant id”",
        ),
        (
            long.into_bytes(),
            "The file has more than 100,000 lines: split it",
        ),
    ] {
        let answer = choose(&app, &file).await;
        answer.assert_status(422).assert_shows(words);
        assert_eq!(
            answer.attribute("#f-file", "aria-describedby"),
            "e-file h-file"
        );
    }
    // Half a megabyte more than is taken: the page says so, and what to do.
    let large = vec![b'1'; 9 * 1024 * 1024];
    let answer = choose(&app, &large).await;
    answer
        .assert_status(413)
        .assert_shows("larger than 8 MB")
        .assert_shows("in several files");
    let viewer = app
        .signed_in(counterfoil::erp::users::roles::Role::Viewer)
        .await;
    viewer
        .get("/mappings/imports/new?store=1")
        .await
        .assert_status(403);
}

/// Chooses a file on the page of imports.
async fn choose(app: &TestApp, file: &[u8]) -> Page {
    let page = app.get("/mappings").await;
    let form = app.get(&page.link("Import")).await;
    let form = form.form("form[enctype='multipart/form-data']");
    app.owner().upload(form, "file", "mappings.csv", file).await
}

/// Presses the button of what is shown, and lets it be booked.
async fn book(app: &TestApp, shown: &Page) -> Page {
    let form = shown.form("form[action$='/booking']");
    app.owner().submit(form).await.assert_status(200);
    app.run_jobs().await;
    app.get(shown.url.path()).await
}

/// The id of the variant that holds the one order.
async fn blocking(app: &TestApp) -> String {
    let page = app.get("/mappings").await;
    let title = page.attribute("li.match.is-open a.name", "href");
    title.rsplit('/').next().expect("an id").to_owned()
}
