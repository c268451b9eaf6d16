//! How much memory a backfill takes, and how quick it is, of orders, of customers and of a catalogue:
//! `cargo bench --bench backfill`. A
//! practice store tells what they look like in a file; this program then plays Shopify with as many such as are wanted,
//! writing the file while it is read. The memory is that of the whole process, both sides together.
use std::io::Write as _;
use std::net::TcpListener;
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use clap::Parser;
use counterfoil::app::Counterfoil;
use counterfoil::config::Settings;
use counterfoil::platform::clock::Clock;
use counterfoil::platform::db::DbError;
use counterfoil::platform::jobs::{self, Filing};
use counterfoil::practice::{self, Practice};
use counterfoil::shopify::connect::{self, Way};
use counterfoil::shopify::jobs::ImportProducts;
use counterfoil::shopify::shop_domain::ShopDomain;
use counterfoil::shopify::shops::Shop;
use counterfoil::shopify::sync::runs::{self, NewRun};
use counterfoil::shopify::sync::{RunKind, queries};
use counterfoil::types::At;
use futures_util::stream;
use serde_json::{Value, json};

type Fault = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Fault>;

const SHOP: &str = "practice-store.myshopify.com";
const OPERATION: &str = "gid://shopify/BulkOperation/77";
/// Orders of the practice store that serve as patterns, with the people who placed them.
const PATTERNS: usize = 36;
const ORDERS: &str = include_str!("../../src/shopify/graphql/bulk_orders.graphql");
const VARIANTS: &str = include_str!("../../src/shopify/graphql/bulk_variants.graphql");
const CUSTOMERS: &str = include_str!("../../src/shopify/graphql/bulk_customers.graphql");

/// Measures a backfill.
#[derive(Parser)]
struct Wishes {
    /// Orders to fetch; several numbers, one after the other, in one database.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
    orders: Vec<u64>,
    /// Customers to import, in the same way, after the orders.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
    customers: Vec<u64>,
    /// Variants of a catalogue to import, in the same way, after the customers; fewer than 250 come page by page.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
    variants: Vec<u64>,
    /// A PostgreSQL database to use; without it SQLite is measured.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// What `cargo bench` says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Orders,
    Customers,
    /// No store of this bench sells to companies.
    Companies,
    Variants,
}

impl Holds {
    /// What the text of a bulk query asks for.
    fn of(query: &str) -> Holds {
        if query.contains("companies(") {
            Holds::Companies
        } else if query.contains("productVariants") {
            Holds::Variants
        } else if query.contains(" customers(") {
            Holds::Customers
        } else {
            Holds::Orders
        }
    }
}

/// What plays Shopify.
#[derive(Clone)]
struct Stage {
    practice: String,
    own: String,
    http: reqwest::Client,
    /// The lines of each pattern.
    orders: Arc<Vec<String>>,
    customers: Arc<Vec<String>>,
    variants: Arc<Vec<String>>,
    /// How many the store has of what is asked for.
    many: Arc<AtomicU64>,
    /// The file that was last asked for.
    asked: Arc<Mutex<Holds>>,
}

#[actix_web::main]
async fn main() -> Result<()> {
    let wishes = Wishes::parse();
    let practice = Practice::start(store(), Clock::System).await;
    let practice = practice?;
    practice.demo_orders(PATTERNS);
    let token = practice.custom_app_token();
    let stage = open(&practice, &token).await?;
    let folder = tempfile::tempdir()?;
    let database = wishes
        .database_url
        .unwrap_or_else(|| format!("sqlite:{}", folder.path().join("bench.db").display()));
    let house = house(&stage.own, &database, folder.path()).await?;
    let shop = ShopDomain::parse(SHOP).map_err(|_no| Fault::from("no shop"))?;
    let way = Way::Token {
        token: token.into(),
        app_secret: None,
    };
    let shop = connect::connect(&house.connector, &shop, way, None).await?;
    house.worker.drain().await?;
    say("| | of them new here | seconds | a second | peak memory of the process |")?;
    say("|---|---|---|---|---|")?;
    let now = house.clock.now();
    let day = Duration::from_secs(86_400);
    let (from, to) = (now.before(30 * day), now.after(day));
    for many in wishes.orders {
        let run = NewRun::of_orders(&shop, RunKind::Backfill, from, to);
        measure(&house, &stage, run, (many, "orders")).await?;
    }
    for many in wishes.customers {
        let run = NewRun::of_customers(&shop, At(0), to);
        measure(&house, &stage, run, (many, "customers")).await?;
    }
    for many in wishes.variants {
        measure_catalogue(&house, &stage, &shop, many).await?;
    }
    practice.stop().await;
    Ok(())
}

/// As [`measure`], of a catalogue, which a job of its own imports.
async fn measure_catalogue(
    house: &Counterfoil,
    stage: &Stage,
    shop: &Shop,
    many: u64,
) -> Result<()> {
    stage.many.store(many, Ordering::SeqCst);
    let (begun, now) = (Instant::now(), house.clock.now());
    let (import, domain) = (ImportProducts { shop: shop.id }, shop.domain.to_string());
    let filing = Filing {
        shop_domain: Some(domain),
        ..Filing::default()
    };
    let job = house
        .db
        .write(move |conn| jobs::enqueue(conn, &import, &filing, now))
        .await?
        .ok_or_else(|| Fault::from("an import is under way"))?;
    loop {
        house.worker.drain().await?;
        let row = house
            .db
            .read(move |conn| jobs::queries::find(conn, job))
            .await?
            .ok_or_else(|| Fault::from("the job is gone"))?;
        if row.finished_at.is_some() {
            let progress: Value = serde_json::from_str(row.progress.as_deref().unwrap_or("{}"))?;
            let read = &progress["done"];
            let seconds = begun.elapsed().as_secs().max(1);
            let (quick, peak) = (many / seconds, peak()? / 1024);
            return say(&format!(
                "| {many} variants | {read} | {seconds} | {quick} | {peak} MB |"
            ));
        }
        if begun.elapsed() > Duration::from_secs(3600) {
            return Err(Fault::from(format!("the import does not end: {row:?}")));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn measure(
    house: &Counterfoil,
    stage: &Stage,
    run: NewRun,
    (many, what): (u64, &str),
) -> Result<()> {
    stage.many.store(many, Ordering::SeqCst);
    let (begun, now) = (Instant::now(), house.clock.now());
    let id = house
        .db
        .write(move |conn| Ok::<_, DbError>(runs::file(conn, &run, now)))
        .await??;
    loop {
        house.worker.drain().await?;
        let row = house
            .db
            .read(move |conn| queries::runs::find(conn, id))
            .await?
            .ok_or_else(|| Fault::from("the run is gone"))?;
        if row.finished_at.is_some() {
            let new = row.tally.created;
            let seconds = begun.elapsed().as_secs().max(1);
            let (quick, peak) = (many / seconds, peak()? / 1024);
            return say(&format!(
                "| {many} {what} | {new} | {seconds} | {quick} | {peak} MB |"
            ));
        }
        if begun.elapsed() > Duration::from_secs(3600) {
            return Err(Fault::from(format!("the run does not end: {row:?}")));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// The most memory this process ever had, in kilobytes.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kilobytes.ok_or_else(|| Fault::from("no VmHWM"))
}

/// Has the practice store write its orders and its customers into files, and opens the stage.
async fn open(practice: &Practice, token: &str) -> Result<Stage> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mut orders = patterns(&http, practice, token, ORDERS).await?;
    // A file says nothing of parcels: what has left in part would be asked for by itself.
    orders.retain(|pattern| pattern.contains("\"fulfillmentsCount\":{\"count\":0}"));
    let customers = patterns(&http, practice, token, CUSTOMERS).await?;
    let variants = patterns(&http, practice, token, VARIANTS).await?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let stage = Stage {
        practice: practice.url(),
        own: format!("http://{}", listener.local_addr()?),
        http,
        orders: Arc::new(orders),
        customers: Arc::new(customers),
        variants: Arc::new(variants),
        many: Arc::default(),
        asked: Arc::new(Mutex::new(Holds::Orders)),
    };
    let shown = stage.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(shown.clone()))
            .app_data(web::PayloadConfig::new(4 << 20))
            .route("/orders.jsonl", web::get().to(orders_file))
            .route("/customers.jsonl", web::get().to(customers_file))
            .route("/variants.jsonl", web::get().to(variants_file))
            .default_service(web::to(answer))
    });
    actix_web::rt::spawn(server.workers(1).disable_signals().listen(listener)?.run());
    Ok(stage)
}

/// The groups of lines of the file that the practice store writes for a bulk query.
async fn patterns(
    http: &reqwest::Client,
    practice: &Practice,
    token: &str,
    document: &str,
) -> Result<Vec<String>> {
    let url = format!("{}/admin/api/2026-10/graphql.json", practice.url());
    let ask = |query: String, variables: Value| {
        let body = json!({"query": query, "variables": variables});
        let request = http.post(&url).header("X-Shopify-Access-Token", token);
        async move { request.json(&body).send().await?.json::<Value>().await }
    };
    let run = "mutation($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: true) { bulkOperation { id } userErrors { message } } }";
    let begun = ask(run.to_owned(), json!({"query": document})).await?;
    let id = begun["data"]["bulkOperationRunQuery"]["bulkOperation"]["id"].clone();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let look = "query($id: ID!) { bulkOperation(id: $id) { url } }";
    let found = ask(look.to_owned(), json!({"id": id})).await?;
    let file = found["data"]["bulkOperation"]["url"].as_str();
    let file = file.ok_or_else(|| Fault::from(format!("no file: {begun} {found}")))?;
    let text = http.get(file).send().await?.text().await?;
    let mut patterns: Vec<String> = Vec::new();
    for line in text.lines() {
        match patterns.last_mut() {
            Some(last) if line.contains("__parentId") => last.push_str(&format!("{line}\n")),
            Some(_) | None => patterns.push(format!("{line}\n")),
        }
    }
    Ok(patterns)
}

/// Answers what the practice store would answer, but for how many orders and customers there are and for their files.
async fn answer(stage: web::Data<Stage>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let body_read: Value = serde_json::from_slice(&body).unwrap_or_default();
    let count = json!({"count": stage.many.load(Ordering::SeqCst), "precision": "EXACT"});
    let own = match body_read["operationName"].as_str() {
        Some("OrdersCount") => Some(json!({ "ordersCount": count })),
        Some("CustomersCount") => Some(json!({ "customersCount": count })),
        Some("CatalogueSize") => Some(json!({ "productVariantsCount": count })),
        Some("BulkOperationRunQuery") => {
            let query = body_read["variables"]["query"].as_str();
            if let Ok(mut asked) = stage.asked.lock() {
                *asked = Holds::of(query.unwrap_or_default());
            }
            Some(json!({"bulkOperationRunQuery": {
                "bulkOperation": {"id": OPERATION, "status": "CREATED"}, "userErrors": []}}))
        }
        Some("BulkOperation") => Some(json!({ "bulkOperation": operation(&stage) })),
        Some(_) | None => None,
    };
    if let Some(data) = own {
        return HttpResponse::Ok().json(json!({ "data": data }));
    }
    let mut onward = stage
        .http
        .post(format!("{}{}", stage.practice, request.uri()))
        .header("Content-Type", "application/json")
        .body(body.to_vec());
    if let Some(token) = request.headers().get("X-Shopify-Access-Token") {
        onward = onward.header("X-Shopify-Access-Token", token.as_bytes());
    }
    match onward.send().await {
        Ok(answer) => {
            let text = answer.text().await.unwrap_or_default();
            HttpResponse::Ok()
                .content_type("application/json")
                .body(text)
        }
        Err(_) => HttpResponse::BadGateway().finish(),
    }
}

/// The operation whose file was last asked for; of companies there is none.
fn operation(stage: &Stage) -> Value {
    let asked = stage.asked.lock().map_or(Holds::Orders, |asked| *asked);
    let path = match asked {
        Holds::Orders => Some("orders.jsonl"),
        Holds::Customers => Some("customers.jsonl"),
        Holds::Variants => Some("variants.jsonl"),
        Holds::Companies => None,
    };
    let url = path.map(|path| format!("{}/{path}", stage.own));
    let objects = if url.is_some() { "1" } else { "0" };
    json!({"id": OPERATION, "status": "COMPLETED", "errorCode": null, "objectCount": objects,
        "rootObjectCount": objects, "fileSize": objects, "url": url, "partialDataUrl": null})
}

/// The file, made while it is read: every order with ids of its own.
async fn orders_file(stage: web::Data<Stage>) -> HttpResponse {
    let many = stage.many.load(Ordering::SeqCst);
    let patterns = Arc::clone(&stage.orders);
    // Ids of orders, lines and customers get a place of their own, the same in every run.
    file((0..many).map(move |nth| {
        let text = renamed(&pattern(&patterns, nth), "Order", nth);
        let text = renamed(&text, "LineItem", nth);
        renamed(&text, "Customer", nth / 4)
    }))
}

/// As [`orders_file`], with an e-mail address and a phone number of everybody's own.
async fn customers_file(stage: web::Data<Stage>) -> HttpResponse {
    let many = stage.many.load(Ordering::SeqCst);
    let patterns = Arc::clone(&stage.customers);
    file((0..many).map(move |nth| {
        let text = renamed(&pattern(&patterns, nth), "Customer", nth);
        let text = renamed(&text, "MailingAddress", nth);
        let text = text.replace("\"emailAddress\":\"", &format!("\"emailAddress\":\"{nth}."));
        text.replace(
            "\"phoneNumber\":\"+",
            &format!("\"phoneNumber\":\"+{nth:07}"),
        )
    }))
}

/// As [`orders_file`], three variants to a product, each with a SKU of its own.
async fn variants_file(stage: web::Data<Stage>) -> HttpResponse {
    let many = stage.many.load(Ordering::SeqCst);
    let patterns = Arc::clone(&stage.variants);
    file((0..many).map(move |nth| {
        let text = renamed(&pattern(&patterns, nth), "ProductVariant", nth);
        let text = renamed(&text, "InventoryItem", nth);
        let text = renamed(&text, "Product", nth / 3);
        text.replace("\"sku\":\"", &format!("\"sku\":\"{nth}-"))
    }))
}

fn file(lines: impl Iterator<Item = String> + 'static) -> HttpResponse {
    let lines = lines.map(|text| Ok::<_, std::io::Error>(web::Bytes::from(text)));
    HttpResponse::Ok().streaming(stream::iter(lines))
}

fn pattern(patterns: &[String], nth: u64) -> String {
    let kinds = u64::try_from(patterns.len()).unwrap_or(1).max(1);
    let at = usize::try_from(nth % kinds).unwrap_or(0);
    patterns.get(at).cloned().unwrap_or_default()
}

/// The text with each id of the kind moved to a place of its own.
fn renamed(text: &str, kind: &str, nth: u64) -> String {
    const ROOM: u64 = 10_000_000;
    let start = format!("gid://shopify/{kind}/");
    let mut parts = text.split(&start);
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find('"').unwrap_or(part.len());
        let (id, rest) = part.split_at(end);
        let id: u64 = id.parse().unwrap_or(0);
        let moved = (nth + 1) * ROOM + id % ROOM;
        made.push_str(&format!("{start}{moved}{rest}"));
    }
    made
}

async fn house(shopify: &str, database: &str, data: &std::path::Path) -> Result<Counterfoil> {
    let settings = Settings {
        data: Some(data.to_owned()),
        database_url: Some(database.to_owned()),
        bind: "127.0.0.1:0".to_owned(),
        public_url: Some("http://127.0.0.1:9".to_owned()),
        tenant: "main".to_owned(),
        key: Some("07".repeat(32).into()),
        key_previous: None,
        shopify_client_id: Some("practice-app".to_owned()),
        shopify_client_secret: Some("practice-secret".to_owned().into()),
        shopify_client_secret_previous: None,
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
        retention_days: NonZeroU16::new(30).ok_or_else(|| Fault::from("days"))?,
        practice_bind: "127.0.0.1:0".to_owned(),
    };
    Ok(Counterfoil::start(settings.into_config("data"), Clock::System).await?)
}

fn store() -> practice::Config {
    practice::Config {
        bind: "127.0.0.1:0".to_owned(),
        data_dir: None,
        shop_domain: SHOP.to_owned(),
        client_id: "practice-app".to_owned(),
        client_secret: "practice-secret".to_owned().into(),
        redirect_prefixes: Vec::new(),
        token_lifetime_secs: 3600,
        seed: true,
    }
}
