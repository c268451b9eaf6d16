//! Signing in and out, seen from outside: cookies, tokens, limits, headers.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use counterfoil::erp::users::{self, NewUser, UserError, roles::Role};
use counterfoil::platform::clock::Clock;
use counterfoil::platform::db::Db;
use counterfoil::platform::queue::{Me, queries};
use counterfoil::platform::secrets::Keyring;
use counterfoil::types::At;
use counterfoil::web::{self, Config};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response};

use crate::support::database::{Database, Kind};
use crate::support::{both_databases, http_client};

const EMAIL: &str = "mara@example.com";
const PASSWORD: &str = "correct horse battery";

both_databases!(
    a_good_password_opens_a_session_and_signing_out_ends_it,
    a_wrong_password_and_an_unknown_account_look_the_same,
    after_too_many_tries_the_door_stays_shut_for_a_while,
    a_session_ends_by_itself,
    a_form_from_elsewhere_is_refused,
    every_answer_carries_the_policy,
    it_is_ready_once_a_worker_is_signed_in,
    live_counts_do_not_keep_a_session_alive,
);

async fn a_good_password_opens_a_session_and_signing_out_ends_it(kind: Kind) {
    let site = Site::start(kind).await;
    let mut browser = Browser::of(&site);
    let answer = browser.get("/account-of-nobody").await;
    assert_eq!(answer.status(), 404);
    assert_eq!(
        browser
            .sign_in(" Mara@Example.com", PASSWORD)
            .await
            .status(),
        303
    );
    let first = browser.session.clone().expect("a session");
    assert!(first.starts_with("counterfoil-session="), "{first}");
    let page = browser.get("/nowhere").await.text().await.expect("text");
    assert!(page.contains("Mara Olsen"), "{page}");
    assert!(page.contains("Sign out"), "{page}");
    let csrf = csrf_of(&page);
    let answer = browser.post("/sign-out", &[("csrf", &csrf)]).await;
    assert_eq!(answer.status(), 303);
    browser.session = Some(first.clone());
    let page = browser.get("/nowhere").await.text().await.expect("text");
    assert!(!page.contains("Mara Olsen"), "{page}");
    // Signing in again makes a new token.
    browser.sign_in(EMAIL, PASSWORD).await;
    assert_ne!(browser.session, Some(first));
}

async fn a_wrong_password_and_an_unknown_account_look_the_same(kind: Kind) {
    let site = Site::start(kind).await;
    let mut browser = Browser::of(&site);
    for (email, password) in [(EMAIL, "wrong"), ("nobody@example.com", PASSWORD)] {
        let answer = browser.sign_in(email, password).await;
        assert_eq!(answer.status(), 422);
        let page = answer.text().await.expect("text");
        assert!(page.contains("E-mail address or password is not right."));
        assert!(!page.contains(password));
    }
    assert_eq!(browser.session, None);
}

async fn after_too_many_tries_the_door_stays_shut_for_a_while(kind: Kind) {
    let site = Site::start(kind).await;
    let mut browser = Browser::of(&site);
    for _ in 0..users::sign_in::TRIES_PER_ACCOUNT {
        assert_eq!(browser.sign_in(EMAIL, "wrong").await.status(), 422);
    }
    let answer = browser.sign_in(EMAIL, PASSWORD).await;
    assert_eq!(answer.status(), 429);
    let page = answer.text().await.expect("text");
    assert!(page.contains("Try again in 15 minutes"), "{page}");
    site.clock.advance(Duration::from_secs(16 * 60));
    assert_eq!(browser.sign_in(EMAIL, PASSWORD).await.status(), 303);
}

async fn a_session_ends_by_itself(kind: Kind) {
    let site = Site::start(kind).await;
    let mut browser = Browser::of(&site);
    browser.sign_in(EMAIL, PASSWORD).await;
    for _ in 0..2 {
        site.clock.advance(Duration::from_secs(5 * 60 * 60));
        assert!(browser.is_signed_in().await, "used every five hours");
    }
    site.clock.advance(Duration::from_secs(2 * 60 * 60));
    assert!(!browser.is_signed_in().await, "twelve hours are the end");
    browser.sign_in(EMAIL, PASSWORD).await;
    site.clock.advance(Duration::from_secs(8 * 60 * 60));
    assert!(!browser.is_signed_in().await, "eight hours unused");
}

async fn a_form_from_elsewhere_is_refused(kind: Kind) {
    let site = Site::start(kind).await;
    let mut browser = Browser::of(&site);
    let csrf = csrf_of(&browser.get("/sign-in").await.text().await.expect("text"));
    let fields = [("email", EMAIL), ("password", PASSWORD), ("csrf", &csrf)];
    let foreign = [
        ("Origin", "https://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ];
    for (name, value) in foreign {
        let request = browser.request(browser.http.post(site.at("/sign-in")));
        let answer = request.header(name, value).form(&fields).send().await;
        assert_eq!(answer.expect("an answer").status(), 403, "{name}: {value}");
    }
    let without = [("email", EMAIL), ("password", PASSWORD), ("csrf", "")];
    assert_eq!(browser.post("/sign-in", &without).await.status(), 403);
    assert_eq!(browser.post("/sign-in", &fields).await.status(), 303);
}

async fn every_answer_carries_the_policy(kind: Kind) {
    let site = Site::start(kind).await;
    let mut browser = Browser::of(&site);
    for path in [
        "/sign-in",
        "/nowhere",
        "/healthz",
        "/static/none.css",
        "/api/main/none",
    ] {
        let answer = browser.get(path).await;
        let header = |name: &str| {
            let value = answer.headers().get(name).expect("the header");
            value.to_str().expect("text").to_owned()
        };
        assert!(header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("x-request-id").len(), 32);
    }
    let answer = browser.get("/api/main/none").await;
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let page = browser.get("/sign-in").await.text().await.expect("text");
    let sheet = page
        .split("href=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let answer = browser.get(sheet.expect("a style sheet")).await;
    assert_eq!(answer.status(), 200);
    let kept = answer.headers()["cache-control"].to_str().expect("text");
    assert!(kept.contains("immutable"), "{kept}");
}

async fn it_is_ready_once_a_worker_is_signed_in(kind: Kind) {
    let site = Site::start(kind).await;
    let mut browser = Browser::of(&site);
    assert_eq!(browser.get("/healthz").await.status(), 200);
    let answer = browser.get("/readyz").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(
        answer.text().await.expect("text"),
        "no worker is signed in\n"
    );
    let me = Me {
        host: "here".to_owned(),
        pid: 1,
        boot: "b1".to_owned(),
    };
    let now = site.clock.now();
    let db = Db::open(&site.database.url, 1).expect("the database opens");
    db.write_here(|conn| queries::insert_worker(conn, &me, now))
        .expect("a worker");
    assert_eq!(browser.get("/readyz").await.status(), 200);
    assert_eq!(browser.visit, None, "a load balancer gets no cookie");
}

async fn live_counts_do_not_keep_a_session_alive(kind: Kind) {
    let site = Site::start(kind).await;
    let mut browser = Browser::of(&site);
    browser.sign_in(EMAIL, PASSWORD).await;
    for _ in 0..9 {
        site.clock.advance(Duration::from_secs(60 * 60));
        let request = browser.http.get(site.at("/live/nav"));
        let live = request
            .header("HX-Request", "true")
            .header("X-Background", "1");
        let answer = browser.send(live).await;
        if answer.status() == 401 {
            assert_eq!(answer.headers()["hx-refresh"], "true");
            return;
        }
        assert_eq!(answer.status(), 200);
    }
    panic!("still signed in after nine idle hours");
}

/// The pages alone, without worker and stores.
struct Site {
    url: String,
    clock: Clock,
    server: ServerHandle,
    database: Database,
}

impl Site {
    async fn start(kind: Kind) -> Site {
        let database = Database::create(kind);
        let db = Db::open(&database.url, 4).expect("the database opens");
        let clock = Clock::fixed(At::parse("2026-11-20T09:42:00Z").expect("a moment"));
        add_mara(&db, clock.now());
        let keyring = Keyring::from_hex(&"c0".repeat(32)).expect("a key");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let config = Config {
            public_url: url.clone(),
            tenant: "main".to_owned(),
            prefix: String::new(),
        };
        let shown = clock.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::new(db.clone()))
                .app_data(Data::new(shown.clone()))
                .app_data(Data::new(keyring.clone()))
                .app_data(Data::new(config.clone()))
                .configure(web::configure)
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .expect("a server")
        .run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Site {
            url,
            clock,
            server: handle,
            database,
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

fn add_mara(db: &Db, now: At) {
    let mara = NewUser {
        email: EMAIL.to_owned(),
        name: "Mara Olsen".to_owned(),
        role: Role::Operations,
        password_hash: users::hash_password(PASSWORD).expect("hashed"),
        time_zone: "America/New_York".to_owned(),
    };
    db.write_here(|conn| -> Result<_, UserError> { users::add(conn, &mara, now) })
        .expect("an account");
}

/// Keeps the two cookies as a browser does.
struct Browser<'a> {
    site: &'a Site,
    http: reqwest::Client,
    visit: Option<String>,
    session: Option<String>,
}

impl<'a> Browser<'a> {
    fn of(site: &'a Site) -> Browser<'a> {
        Browser {
            site,
            http: http_client(Policy::none()),
            visit: None,
            session: None,
        }
    }

    fn request(&self, request: RequestBuilder) -> RequestBuilder {
        let cookies: Vec<String> = self.visit.iter().chain(&self.session).cloned().collect();
        request.header("Cookie", cookies.join("; "))
    }

    async fn send(&mut self, request: RequestBuilder) -> Response {
        let answer = self.request(request).send().await.expect("an answer");
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
            let pair = cookie.split(';').next().expect("a pair").to_owned();
            if pair.starts_with("counterfoil-visit=") {
                self.visit = Some(pair);
            } else {
                self.session = Some(pair);
            }
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Response {
        self.send(self.http.get(self.site.at(path))).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.send(self.http.post(self.site.at(path)).form(fields))
            .await
    }

    async fn sign_in(&mut self, email: &str, password: &str) -> Response {
        self.session = None;
        let page = self.get("/sign-in").await.text().await.expect("text");
        let csrf = csrf_of(&page);
        let fields = [("email", email), ("password", password), ("csrf", &csrf)];
        self.post("/sign-in", &fields).await
    }

    async fn is_signed_in(&mut self) -> bool {
        let page = self.get("/nowhere").await.text().await.expect("text");
        page.contains("Sign out")
    }
}

fn csrf_of(page: &str) -> String {
    page.split("name=\"csrf\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_else(|| panic!("no token in:\n{page}"))
        .to_owned()
}
