//! The whole program in this process, on free ports: Counterfoil with a database of its own and a clock that
//! stands still, and the practice store as its Shopify. Nothing runs by itself: `run_jobs` works off what is due.

use std::net::TcpListener;
use std::num::NonZeroU16;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use counterfoil::app::Counterfoil;
use counterfoil::config::{Config, Settings};
use counterfoil::erp::orders::queries::OrderRow;
use counterfoil::erp::products::{self, NewProduct, ProductError};
use counterfoil::erp::stock::{self, Movement};
use counterfoil::erp::users::roles::Role;
use counterfoil::erp::users::{self, NewUser};
use counterfoil::erp::{locations, orders};
use counterfoil::platform::clock::Clock;
use counterfoil::platform::db::{Db, DbConnection, DbError};
use counterfoil::platform::queue::{Status, queries};
use counterfoil::platform::{inbox, jobs};
use counterfoil::practice::{self, Practice};
use counterfoil::shopify::connect::{self, Way};
use counterfoil::shopify::shop_domain::ShopDomain;
use counterfoil::types::{At, JobId, OrderId};
use diesel::connection::SimpleConnection as _;
use hmac::{Hmac, KeyInit as _, Mac};
use reqwest::redirect::Policy;
use sha2::Sha256;
use url::Url;

use super::database::{Database, Kind};
use super::visitor::{Page, Visitor};

pub(crate) const SHOP: &str = "practice-store.myshopify.com";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const CLIENT_ID: &str = "practice-app";
pub(crate) const CLIENT_SECRET: &str = "practice-secret";
/// What the app signed with before its secret was changed.
pub(crate) const PREVIOUS_SECRET: &str = "practice-secret of last year";
/// One byte of the key that seals stored secrets, in hexadecimal digits.
pub(crate) const KEY: &str = "07";
/// More rounds than this between events and jobs are a circle.
const MOST_ROUNDS: u32 = 50;

pub(crate) struct TestApp {
    pub(crate) counterfoil: Counterfoil,
    pub(crate) practice: Practice,
    pub(crate) clock: Clock,
    pub(crate) url: String,
    /// The owner, signed in.
    owner: Visitor,
    server: ServerHandle,
    may_be_dead: bool,
    // Dropped last: the database goes when nobody uses it any more.
    _data: tempfile::TempDir,
    _database: Database,
}

impl TestApp {
    /// Started, with one owner who is signed in, and no store connected.
    pub(crate) async fn start(kind: Kind) -> Self {
        Self::start_with(kind, counterfoil::shopify::DEFAULT_SCOPES).await
    }

    /// Started for the first time: nobody has an account.
    pub(crate) async fn empty(kind: Kind) -> Self {
        Self::empty_as(kind, |_config| ()).await
    }

    async fn start_with(kind: Kind, scopes: &str) -> Self {
        Self::start_as(kind, |config| scopes.clone_into(&mut config.shopify.scopes)).await
    }

    async fn start_as(kind: Kind, change: impl FnOnce(&mut Config)) -> Self {
        let mut app = Self::empty_as(kind, change).await;
        app.owner = app.signed_in(Role::Owner).await;
        app
    }

    async fn empty_as(kind: Kind, change: impl FnOnce(&mut Config)) -> Self {
        let clock = Clock::fixed(noon());
        let practice = Practice::start(store(), clock.clone()).await;
        let practice = practice.expect("the practice store starts");
        Self::empty_at(kind, practice, clock, change).await
    }

    /// A second house with a database of its own, connected to this one's store, in which the same clock goes.
    pub(crate) async fn connected_to_the_same_store(&self, kind: Kind) -> Self {
        let (practice, clock) = (self.practice.clone(), self.clock.clone());
        let mut app = Self::empty_at(kind, practice, clock, |_config| ()).await;
        app.owner = app.signed_in(Role::Owner).await;
        app.with_store().await
    }

    async fn empty_at(
        kind: Kind,
        practice: Practice,
        clock: Clock,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let database = Database::create(kind);
        let data = tempfile::tempdir().expect("a data folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let mut config = config(&url, &practice.url(), &database.url, data.path());
        change(&mut config);
        let counterfoil = Counterfoil::start(config, clock.clone()).await;
        let counterfoil = counterfoil.expect("Counterfoil starts");
        let mounted = counterfoil.clone();
        let server = HttpServer::new(move || App::new().configure(|app| mounted.mount(app)))
            .workers(1)
            // Longer than a story thinks: a connection that closes just as it is used is a failed request.
            .keep_alive(Duration::from_secs(75))
            .disable_signals()
            .listen(listener)
            .expect("the server listens")
            .run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self {
            owner: Visitor::new(&url),
            counterfoil,
            practice,
            clock,
            url,
            server: handle,
            may_be_dead: false,
            _data: data,
            _database: database,
        }
    }

    /// As `start`, with the practice store connected by the code of its consent page, and everything imported.
    pub(crate) async fn connected(kind: Kind) -> Self {
        Self::connected_with(kind, counterfoil::shopify::DEFAULT_SCOPES).await
    }

    /// As `connected`, with a store that grants these scopes alone.
    pub(crate) async fn connected_with(kind: Kind, scopes: &str) -> Self {
        Self::start_with(kind, scopes).await.with_store().await
    }

    /// As `connected`, with alerts mailed to `to` through the mail server at `smtp_url`.
    pub(crate) async fn connected_with_mail(kind: Kind, smtp_url: &str, to: &str) -> Self {
        let app = Self::start_as(kind, |config| {
            config.mail.url = Some(smtp_url.to_owned().into());
            config.mail.to = Some(to.to_owned());
        });
        app.await.with_store().await
    }

    /// As `connected`, with a worker that may be silent for so long only.
    pub(crate) async fn connected_with_lease(kind: Kind, seconds: u64) -> Self {
        let app = Self::start_as(kind, |config| config.lease_seconds = seconds);
        app.await.with_store().await
    }

    /// A second process of the same house; it does not work yet.
    pub(crate) async fn beside(&self) -> Counterfoil {
        let config = self.counterfoil.config.clone();
        let beside = Counterfoil::start(config, self.clock.clone()).await;
        beside.expect("it starts")
    }

    async fn with_store(self) -> Self {
        let app = self;
        let shop = ShopDomain::parse(SHOP).expect("a store's address");
        let way = Way::Code(app.consent().await);
        let connected = connect::connect(&app.counterfoil.connector, &shop, way, None).await;
        connected.expect("the store is connected");
        app.run_jobs().await;
        app
    }

    /// Presses Install on the store's consent page; gives the code it answers with.
    async fn consent(&self) -> String {
        let config = &self.counterfoil.config.shopify;
        let asked = [
            ("client_id", CLIENT_ID),
            ("redirect_uri", &config.callback_url()),
            ("scope", &config.scopes),
            ("state", "state"),
        ];
        let answer = super::http_client(Policy::none())
            .post(format!("{}/admin/oauth/authorize", self.practice.url()))
            .form(&asked)
            .send()
            .await
            .expect("an answer");
        let back = answer.headers().get("location").expect("a redirect");
        let back = Url::parse(back.to_str().expect("text")).expect("an address");
        let code = back.query_pairs().find(|(name, _)| name == "code");
        code.expect("a code").1.into_owned()
    }

    /// Connects the practice store as the owner would; gives the page they land on.
    pub(crate) async fn connect(&self) -> Page {
        let page = self.get("/integrations/shopify/new").await;
        let form = page.form("form[action$='/integrations/shopify']");
        let ready = self.owner.submit(form.fill("shop", SHOP)).await;
        let consent = self.get(&ready.link("Go to Shopify")).await;
        self.owner.submit(consent.form("form")).await
    }

    /// The owner opens a page.
    pub(crate) async fn get(&self, path: &str) -> Page {
        self.owner.get(path).await
    }

    pub(crate) fn owner(&self) -> &Visitor {
        &self.owner
    }

    /// Somebody who is not signed in.
    pub(crate) fn stranger(&self) -> Visitor {
        Visitor::new(&self.url)
    }

    /// A new user of that role, signed in through the sign-in page.
    pub(crate) async fn signed_in(&self, role: Role) -> Visitor {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let email = format!("{}{number}@example.com", role.as_str());
        self.add_user(&email, role);
        let visitor = self.stranger();
        let page = visitor.get("/sign-in").await;
        let form = page.form("form[action$='/sign-in']");
        let form = form.fill("email", &email).fill("password", PASSWORD);
        let page = visitor.submit(form).await;
        assert!(
            visitor.cookie("counterfoil-session").is_some(),
            "{}",
            page.text()
        );
        visitor
    }

    /// Makes items for these of the store's articles, under the same SKUs, with some stock everywhere.
    pub(crate) fn add_items(&self, which: std::ops::Range<usize>) {
        add_items(self.db(), which, 40, self.clock.now());
    }

    /// Enters somebody whose password is `PASSWORD`.
    pub(crate) fn add_user(&self, email: &str, role: Role) {
        let new = NewUser {
            email: email.to_owned(),
            name: format!("The {}", role.as_str()),
            role,
            password_hash: password_hash(),
            time_zone: "UTC".to_owned(),
        };
        let now = self.clock.now();
        let added = self.db().write_here(|conn| users::add(conn, &new, now));
        added.expect("a user can be added");
    }

    /// A second store of the same app, connected beside the first.
    pub(crate) fn add_store(&self, domain: &str) {
        let made = self.db().write_here(|conn| -> Result<(), DbError> {
            for statement in [
                format!(
                    "INSERT INTO channels (seller_id, kind, name, time_zone) \
                     SELECT seller_id, kind, '{domain}', time_zone FROM channels WHERE name = '{SHOP}'"
                ),
                format!(
                    "INSERT INTO shopify_shops (public_id, domain, channel_id, state, grant_kind, name, \
                       scopes, missing_scopes, api_version, notify_default, order_status_filter, installed_at) \
                     SELECT '{domain}', '{domain}', (SELECT id FROM channels WHERE name = '{domain}'), state, \
                       grant_kind, '{domain}', scopes, missing_scopes, api_version, notify_default, \
                       order_status_filter, installed_at FROM shopify_shops WHERE domain = '{SHOP}'"
                ),
            ] {
                conn.batch_execute(&statement)?;
            }
            Ok(())
        });
        made.expect("a second store");
        self.counterfoil.connector.directory.forget();
    }

    pub(crate) fn db(&self) -> &Db {
        &self.counterfoil.db
    }

    /// Sends a webhook as Shopify would, signed with the app's secret.
    pub(crate) async fn deliver_webhook(&self, topic: &str, id: &str, body: &[u8]) -> Answer {
        self.deliver_signed(topic, id, SHOP, body, &signature(body))
            .await
    }

    /// Sends what Shopify's "send test notification" sends.
    pub(crate) async fn deliver_test(&self, topic: &str, id: &str, body: &[u8]) -> Answer {
        let request = self.request(topic, id, SHOP, body, &signature(body));
        Answer::of(request.header("X-Shopify-Test", "true")).await
    }

    /// Sends a webhook that says it was sent at another time; the header is not signed.
    pub(crate) async fn deliver_sent_at(
        &self,
        topic: &str,
        id: &str,
        body: &[u8],
        at: &str,
    ) -> Answer {
        let mut request = self
            .request(topic, id, SHOP, body, &signature(body))
            .build()
            .expect("a request");
        let at = at.parse().expect("a header");
        request.headers_mut().insert("X-Shopify-Triggered-At", at);
        let client = super::http_client(Policy::none());
        Answer::of(reqwest::RequestBuilder::from_parts(client, request)).await
    }

    /// Sends a webhook with whatever signature.
    pub(crate) async fn deliver_signed(
        &self,
        topic: &str,
        id: &str,
        shop: &str,
        body: &[u8],
        signature: &str,
    ) -> Answer {
        Answer::of(self.request(topic, id, shop, body, signature)).await
    }

    fn request(
        &self,
        topic: &str,
        id: &str,
        shop: &str,
        body: &[u8],
        signature: &str,
    ) -> reqwest::RequestBuilder {
        super::http_client(Policy::none())
            .post(format!("{}/api/integrations/webhook/shopify", self.url))
            .header("Content-Type", "application/json")
            .header("X-Shopify-Topic", topic)
            .header("X-Shopify-Shop-Domain", shop)
            .header("X-Shopify-Webhook-Id", id)
            .header(
                "X-Shopify-Triggered-At",
                self.clock.now().timestamp().to_string(),
            )
            .header("X-Shopify-API-Version", "2026-10")
            .header("X-Shopify-Hmac-Sha256", signature)
            .body(body.to_vec())
    }

    /// Works off everything that is due by the clock, on both sides, until nothing is left.
    pub(crate) async fn run_jobs(&self) {
        for _ in 0..MOST_ROUNDS {
            self.practice.deliver_pending().await;
            let done = self
                .counterfoil
                .worker
                .drain()
                .await
                .expect("the worker works");
            if done == 0 {
                return;
            }
        }
        panic!("events and jobs go round in a circle");
    }

    /// Lets time pass and works off what that makes due.
    pub(crate) async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.run_jobs().await;
    }

    /// Every order in the house, oldest first.
    pub(crate) fn orders(&self) -> Vec<OrderRow> {
        self.read(|conn| {
            let found = (1..=500).map(|id| orders::queries::find(conn, OrderId(id)));
            let found: Result<Vec<_>, _> = found.collect();
            Ok(found?.into_iter().flatten().collect())
        })
    }

    /// The one order that the store calls by this name.
    #[track_caller]
    pub(crate) fn order(&self, name: &str) -> OrderRow {
        let mut found = self.orders();
        found.retain(|order| order.facts.name == name);
        assert_eq!(found.len(), 1, "orders named {name}");
        found.remove(0)
    }

    /// The token of this visitor's forms, for requests that no page offers.
    pub(crate) fn csrf(&self, visitor: &Visitor) -> String {
        let session = visitor.cookie("counterfoil-session").expect("signed in");
        let tag = self.counterfoil.keyring.tag("csrf", &session);
        tag.expect("a token")
    }

    /// This story ends with a dead event or push on purpose.
    pub(crate) fn expect_dead(&mut self) {
        self.may_be_dead = true;
    }

    /// Changes the database where no road of the program leads to what a story needs.
    pub(crate) fn alter(&self, statement: &str) {
        let done = self.db().write_here(|conn| -> Result<(), DbError> {
            Ok(diesel::connection::SimpleConnection::batch_execute(
                conn, statement,
            )?)
        });
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// Looks into the database where no page shows what a story needs.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&mut DbConnection) -> Result<T, DbError>) -> T {
        self.db().read_here(work).expect("a query that works")
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // The order to stop goes out with the call; nobody waits for its end.
        drop(self.server.stop(false));
        if std::thread::panicking() || self.may_be_dead {
            return;
        }
        let dead = self.read(dead);
        assert!(
            dead.is_empty(),
            "the story leaves behind:\n{}",
            dead.join("\n")
        );
    }
}

/// Makes items for these of the store's articles, under the same SKUs, with so many of each in every location.
pub(crate) fn add_items(db: &Db, which: std::ops::Range<usize>, quantity: i64, now: At) {
    let articles = practice::catalogue::catalogue();
    let articles = articles
        .into_iter()
        .filter(|it| it.ordinary && it.requires_shipping);
    for article in articles.take(which.end).skip(which.start) {
        let product = NewProduct {
            sku: article.sku.expect("an ordinary article has a SKU"),
            name: article.title,
            barcode: article.barcode,
            weight_grams: None,
            ships: true,
        };
        let made = db.write_here(|conn| -> Result<(), ProductError> {
            let product = products::create(conn, &product, now)?;
            for place in locations::list(conn)? {
                let movement = Movement {
                    product,
                    location: place.id,
                    lot: None,
                    quantity,
                    reason: "count",
                    source: "person",
                    user: None,
                };
                stock::adjust(conn, &movement, now).expect("stock");
            }
            Ok(())
        });
        made.expect("an item");
    }
}

/// What waits for a person, with its reason.
pub(crate) fn dead(conn: &mut DbConnection) -> Result<Vec<String>, DbError> {
    if queries::count_dead(conn)? == 0 {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = (1..=1000).collect();
    let dead = Status::Dead.code();
    let mut found = Vec::new();
    for event in inbox::queries::list_by_id(conn, &ids)? {
        if event.status == dead {
            found.push(format!(
                "{} {}: {:?}",
                event.topic, event.webhook_id, event.reason
            ));
        }
    }
    for id in ids {
        let job = jobs::queries::find(conn, JobId(id))?;
        if let Some(job) = job.filter(|job| job.status == dead) {
            found.push(format!("{} {}: {:?}", job.kind, job.payload, job.reason));
        }
    }
    Ok(found)
}

/// Hashing is slow on purpose: once for all users of a run.
fn password_hash() -> String {
    static HASH: OnceLock<String> = OnceLock::new();
    let hash = HASH.get_or_init(|| users::hash_password(PASSWORD).expect("a hash"));
    hash.clone()
}

/// What a webhook's sender gets to see.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    async fn of(request: reqwest::RequestBuilder) -> Self {
        let sent = request.send().await.expect("an answer");
        Self {
            status: sent.status().as_u16(),
            body: sent.text().await.expect("a text"),
        }
    }
}

/// As Shopify signs a body with our app's secret.
pub(crate) fn signature(body: &[u8]) -> String {
    signature_by(CLIENT_SECRET, body)
}

/// As a body is signed with a secret.
pub(crate) fn signature_by(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

fn noon() -> At {
    At::parse("2026-11-21T12:00:00Z").expect("a moment")
}

pub(crate) fn store() -> practice::Config {
    practice::Config {
        bind: "127.0.0.1:0".to_owned(),
        data_dir: None,
        shop_domain: SHOP.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned().into(),
        redirect_prefixes: Vec::new(),
        token_lifetime_secs: 3600,
        seed: true,
    }
}

pub(crate) fn config(url: &str, shopify: &str, database: &str, data: &std::path::Path) -> Config {
    let settings = Settings {
        data: Some(data.to_owned()),
        database_url: Some(database.to_owned()),
        bind: "127.0.0.1:0".to_owned(),
        public_url: Some(url.to_owned()),
        tenant: "main".to_owned(),
        key: Some(KEY.repeat(32).into()),
        key_previous: None,
        shopify_client_id: Some(CLIENT_ID.to_owned()),
        shopify_client_secret: Some(CLIENT_SECRET.to_owned().into()),
        shopify_client_secret_previous: Some(PREVIOUS_SECRET.to_owned().into()),
        shopify_scopes: counterfoil::shopify::DEFAULT_SCOPES.to_owned(),
        shopify_admin_url: shopify.to_owned(),
        shopify_api_version: "2026-10".to_owned(),
        webhook_max_attempts: 8,
        lease_seconds: 60,
        workers: None,
        worker_batch: Some(32),
        worker_poll_ms: 250,
        smtp_url: None,
        alert_mail_to: None,
        mail_from: None,
        alert_after_minutes: 10,
        retention_days: NonZeroU16::new(30).expect("a month"),
        practice_bind: "127.0.0.1:0".to_owned(),
    };
    settings.into_config("data")
}
