//! Pictures of products: fetched by us, made small, served by us, and gone when nothing shows them.

use std::time::Duration;

use counterfoil::practice::Misbehaviour;
use reqwest::Method;

use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;

both_databases!(
    a_picture_stands_beside_its_product_wherever_that_is_named,
    each_colour_of_a_product_may_have_a_picture_of_its_own,
    what_cannot_be_shown_is_left_out_and_said,
    a_host_that_does_not_answer_is_asked_again,
    a_new_picture_takes_the_place_of_the_old_one,
    a_picture_goes_with_its_product,
);

const SENCHA: &str = "FT-SEN-050";
const KETTLE: &str = "FT-KET-MOS";
const GREEN: &str = "/practice/pictures/2f7d5b.png";
const RED: &str = "/practice/pictures/a03020.png";

async fn a_picture_stands_beside_its_product_wherever_that_is_named(kind: Kind) {
    let app = with_picture(kind, GREEN).await;
    app.add_items(0..3);
    let page = app.get(&format!("/mappings?q={SENCHA}")).await;
    let src = page.attribute(".thumb img", "src");
    assert_eq!(
        page.attribute(".thumb img", "alt"),
        "",
        "the title stands beside it"
    );
    assert_eq!(page.attribute(".thumb img", "width"), "36", "nothing jumps");
    let picture = app.owner().ask(Method::GET, &src).await;
    assert_eq!(picture.status(), 200);
    let header = |name: &str| {
        let value = picture.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(header("content-type"), "image/jpeg");
    assert_eq!(
        header("cache-control"),
        "private, max-age=31536000, immutable"
    );
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(picture.bytes().await.expect("bytes")[..2], [0xFF, 0xD8]);
    assert!(
        app.stranger()
            .ask(Method::GET, &src)
            .await
            .status()
            .is_redirection()
    );

    // A product without one has a box, and the list does not mind.
    let page = app.get("/mappings?q=FT-GYO-050").await;
    assert_eq!((page.count(".thumb img"), page.count(".thumb svg")), (0, 1));

    // The page of the variant shows the large one; once it is mapped, so do the item's page and an order's line.
    let row = app.get(&format!("/mappings?q={SENCHA}")).await;
    let variant = app.get(&row.attribute("a.name", "href")).await;
    assert!(variant.attribute(".thumb img", "src").ends_with("/large"));
    let preview = app.get("/mappings").await;
    let preview = app
        .get(
            &preview
                .links()
                .into_iter()
                .find(|it| it.contains("/acceptances"))
                .expect("exact matches"),
        )
        .await;
    app.owner()
        .submit(preview.form("form[action$='/mappings/acceptances']"))
        .await;
    let items = app.get("/products?q=FT-SEN-050").await;
    assert_eq!(items.attribute(".thumb img", "src"), src);
    let item = app.get(&items.attribute("a.row-link", "href")).await;
    assert_eq!(item.attribute(".thumb img", "src"), format!("{src}/large"));
}

async fn each_colour_of_a_product_may_have_a_picture_of_its_own(kind: Kind) {
    let app = TestApp::start(kind).await;
    app.practice.add_pictures();
    app.connect().await;
    app.run_jobs().await;
    let moss = thumb(&app, KETTLE).await.expect("a picture");
    let black = thumb(&app, "FT-KET-BLK").await.expect("a picture");
    assert_ne!(moss, black);
    // A webhook tells the same of them as the import did.
    app.clock.advance(Duration::from_secs(60));
    assert!(app.practice.update_product(KETTLE, "Kettle"));
    app.run_jobs().await;
    assert_eq!(thumb(&app, KETTLE).await, Some(moss));
    assert_eq!(thumb(&app, "FT-KET-BLK").await, Some(black));
    let order = app
        .practice
        .place_order(counterfoil::practice::OrderKind::OneLine);
    app.run_jobs().await;
    let order = app.order(&order.name);
    let page = app.get(&format!("/orders/{}", order.id)).await;
    assert_eq!(page.count(".lines .thumb"), 1);
}

async fn what_cannot_be_shown_is_left_out_and_said(kind: Kind) {
    let app = TestApp::start(kind).await;
    let wrong = [
        (
            SENCHA,
            "https://pictures.example.com/tea.png",
            "on a host that is not Shopify",
        ),
        (
            "FT-GYO-050",
            "/practice/pictures/huge",
            "it is larger than 10 MB",
        ),
        ("FT-GEN-050", "/practice/pictures/broken", "it is broken"),
        (
            "FT-HOJ-050",
            "/practice/pictures/moved",
            "it cannot be had (302)",
        ),
        (
            "FT-LON-050",
            "/practice/pictures/none",
            "it cannot be had (404)",
        ),
        (
            "FT-JAS-050",
            "http://cdn.shopify.com/tea.png",
            "on a host that is not Shopify",
        ),
    ];
    for (sku, url, _why) in wrong {
        assert!(app.practice.show_picture(sku, url));
    }
    assert!(app.practice.show_picture(KETTLE, GREEN));
    app.connect().await;
    app.run_jobs().await;
    for (sku, url, why) in wrong {
        let list = app.get(&format!("/mappings?q={sku}")).await;
        assert_eq!(list.count(".thumb img"), 0, "{url}");
        let page = app.get(&list.attribute("a.name", "href")).await;
        page.assert_shows("Left out").assert_shows(why);
    }
    assert!(thumb(&app, KETTLE).await.is_some(), "the others are there");
}

async fn a_host_that_does_not_answer_is_asked_again(kind: Kind) {
    let app = TestApp::connected(kind).await;
    app.clock.advance(Duration::from_secs(60));
    app.practice.misbehave(Misbehaviour::ServerError, 1);
    assert!(app.practice.show_picture(SENCHA, GREEN));
    app.run_jobs().await;
    assert_eq!(thumb(&app, SENCHA).await, None);
    let list = app.get(&format!("/mappings?q={SENCHA}")).await;
    let page = app.get(&list.attribute("a.name", "href")).await;
    page.assert_shows("Being fetched").assert_shows("502");
    app.pass(Duration::from_secs(120)).await;
    assert!(thumb(&app, SENCHA).await.is_some());
}

async fn a_new_picture_takes_the_place_of_the_old_one(kind: Kind) {
    let app = with_picture(kind, GREEN).await;
    let old = thumb(&app, SENCHA).await.expect("a picture");
    app.clock.advance(Duration::from_secs(60));
    assert!(app.practice.show_picture(SENCHA, RED));
    app.run_jobs().await;
    let new = thumb(&app, SENCHA).await.expect("a picture");
    assert_ne!(new, old);
    app.get(&old).await.assert_status(404);
}

async fn a_picture_goes_with_its_product(kind: Kind) {
    let app = with_picture(kind, GREEN).await;
    app.clock.advance(Duration::from_secs(60));
    // Another product shows the same one.
    assert!(app.practice.show_picture(KETTLE, GREEN));
    app.run_jobs().await;
    let shown = thumb(&app, SENCHA).await.expect("a picture");
    assert_eq!(thumb(&app, KETTLE).await.as_ref(), Some(&shown));
    app.clock.advance(Duration::from_secs(60));
    assert!(app.practice.delete_product(SENCHA));
    app.run_jobs().await;
    let still = app.owner().ask(Method::GET, &shown).await;
    assert_eq!(still.status(), 200, "the kettle still shows it");
    assert!(app.practice.delete_product(KETTLE));
    app.run_jobs().await;
    app.get(&shown).await.assert_status(404);
}

/// Connected to a store in which one tea has a picture.
async fn with_picture(kind: Kind, picture: &str) -> TestApp {
    let app = TestApp::start(kind).await;
    assert!(app.practice.show_picture(SENCHA, picture));
    app.connect().await;
    app.run_jobs().await;
    app
}

/// The address of the picture that the list shows for a SKU.
async fn thumb(app: &TestApp, sku: &str) -> Option<String> {
    let page = app.get(&format!("/mappings?q={sku}")).await;
    (page.count(".thumb img") > 0).then(|| page.attribute(".thumb img", "src"))
}
