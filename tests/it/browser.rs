//! The screens in a real Chromium: the whole story, axe-core on every page, the content policy unbroken.

use serde_json::json;

use crate::support::browser::{Browser, Look};

/// A check that cannot fail checks nothing: this page has a picture without words and a script that breaks.
#[actix_web::test]
async fn the_browser_notices_what_is_wrong_with_a_page() {
    let browser = Browser::start().await;
    browser
        .open("data:text/html,<title>t</title><h1>Hello</h1><img src='x.png'><script>nothing()</script>")
        .await;
    browser.sees("Hello").await;
    let faults = browser.axe().await;
    let found = |faults: &[String], word: &str| faults.iter().any(|it| it.contains(word));
    assert!(found(&faults, "image-alt"), "{faults:?}");
    let complaints = browser.complaints().await;
    assert!(
        found(&complaints, "nothing is not defined"),
        "{complaints:?}"
    );
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[actix_web::test]
async fn a_page_can_be_looked_at_by_night_and_on_a_phone() {
    let browser = Browser::start().await;
    browser
        .open("data:text/html,<meta name=viewport content=width=device-width><h1>Hello</h1>")
        .await;
    for look in Look::ALL {
        browser.look(look).await;
        let script = "return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]";
        let seen = browser.run(script, &[]).await;
        assert_eq!(seen, json!([look.width, look.dark]), "{}", look.name());
    }
    let file = std::env::temp_dir().join(format!("counterfoil-{}.png", std::process::id()));
    browser.picture(&file).await;
    let png = std::fs::read(&file).expect("a picture");
    std::fs::remove_file(&file).expect("it can be removed");
    assert!(png.starts_with(b"\x89PNG"));
}

#[actix_web::test]
async fn the_browser_types_and_presses() {
    let browser = Browser::start().await;
    browser
        .open(
            "data:text/html,<title>t</title><input id=name value=old>\
             <button onclick=\"document.title=document.getElementById('name').value\">Save</button>",
        )
        .await;
    browser.fill("#name", "new").await;
    browser.press("Save").await;
    assert_eq!(
        browser.run("return document.title", &[]).await,
        json!("new")
    );
    browser.click("#name").await;
    browser.keys("er").await;
    browser.press("Save").await;
    assert_eq!(
        browser.run("return document.title", &[]).await,
        json!("newer")
    );
    assert!(browser.url().await.starts_with("data:"));
}
