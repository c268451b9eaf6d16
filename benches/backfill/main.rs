//! How much memory a backfill takes, and how quick it is: `cargo bench --bench backfill`. A practice store tells what
//! an order looks like in a file; this program then plays Shopify with as many such orders as are wanted, writing the
//! file while it is read. The memory is that of the whole process, both sides together.
use std::io::Write as _;
use std::net::TcpListener;
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use clap::Parser;
use counterfoil::app::Counterfoil;
use counterfoil::config::Settings;
use counterfoil::erp::orders;
use counterfoil::platform::clock::Clock;
use counterfoil::platform::db::DbError;
use counterfoil::practice::{self, Practice};
use counterfoil::shopify::connect::{self, Way};
use counterfoil::shopify::shop_domain::ShopDomain;
use counterfoil::shopify::shops::Shop;
use counterfoil::shopify::sync::runs::{self, NewRun};
use counterfoil::shopify::sync::{RunKind, queries};
use futures_util::stream;
use serde_json::{Value, json};

type Fault = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Fault>;

const SHOP: &str = "practice-store.myshopify.com";
const OPERATION: &str = "gid://shopify/BulkOperation/77";
/// Orders of the practice store that serve as patterns.
const PATTERNS: usize = 36;

/// Measures a backfill.
#[derive(Parser)]
struct Wishes {
    /// Orders to fetch; several numbers, one after the other, in one database.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
    orders: Vec<u64>,
    /// A PostgreSQL database to use; without it SQLite is measured.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// What `cargo bench` says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What plays Shopify.
#[derive(Clone)]
struct Stage {
    practice: String,
    own: String,
    http: reqwest::Client,
    /// The lines of each pattern.
    patterns: std::sync::Arc<Vec<String>>,
    orders: std::sync::Arc<std::sync::atomic::AtomicU64>,
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
    say("| orders | booked | seconds | orders a second | peak memory of the process |")?;
    say("|---|---|---|---|---|")?;
    for orders in wishes.orders {
        stage
            .orders
            .store(orders, std::sync::atomic::Ordering::SeqCst);
        measure(&house, &shop, orders).await?;
    }
    practice.stop().await;
    Ok(())
}

async fn measure(house: &Counterfoil, shop: &Shop, orders: u64) -> Result<()> {
    let (shop, begun, now) = (shop.clone(), Instant::now(), house.clock.now());
    let day = Duration::from_secs(86_400);
    let run = NewRun::of_orders(
        &shop,
        RunKind::Backfill,
        now.before(30 * day),
        now.after(day),
    );
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
            let booked = house.db.read(orders::queries::count).await?;
            let seconds = begun.elapsed().as_secs().max(1);
            let (quick, peak) = (orders / seconds, peak()? / 1024);
            return say(&format!(
                "| {orders} | {booked} | {seconds} | {quick} | {peak} MB |"
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

/// Has the practice store write its orders into a file, and opens the stage.
async fn open(practice: &Practice, token: &str) -> Result<Stage> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let url = format!("{}/admin/api/2026-10/graphql.json", practice.url());
    let document = include_str!("../../src/shopify/graphql/bulk_orders.graphql");
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
    // A file says nothing of parcels: what has left in part would be asked for by itself.
    patterns.retain(|pattern| pattern.contains("\"fulfillmentsCount\":{\"count\":0}"));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let stage = Stage {
        practice: practice.url(),
        own: format!("http://{}", listener.local_addr()?),
        http,
        patterns: std::sync::Arc::new(patterns),
        orders: std::sync::Arc::default(),
    };
    let shown = stage.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(shown.clone()))
            .app_data(web::PayloadConfig::new(4 << 20))
            .route("/file.jsonl", web::get().to(file_of))
            .default_service(web::to(answer))
    });
    actix_web::rt::spawn(server.workers(1).disable_signals().listen(listener)?.run());
    Ok(stage)
}

/// Answers what the practice store would answer, but for how many orders there are and for their file.
async fn answer(stage: web::Data<Stage>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let orders = stage.orders.load(std::sync::atomic::Ordering::SeqCst);
    let operation = json!({"id": OPERATION, "status": "COMPLETED", "errorCode": null, "objectCount": "1",
        "rootObjectCount": "1", "fileSize": "1", "url": format!("{}/file.jsonl", stage.own), "partialDataUrl": null});
    let own = match asked["operationName"].as_str() {
        Some("OrdersCount") => {
            Some(json!({"ordersCount": {"count": orders, "precision": "EXACT"}}))
        }
        Some("BulkOperationRunQuery") => Some(json!({"bulkOperationRunQuery": {
            "bulkOperation": {"id": OPERATION, "status": "CREATED"}, "userErrors": []}})),
        Some("BulkOperation") => Some(json!({ "bulkOperation": operation })),
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

/// The file, made while it is read: every order with ids of its own.
async fn file_of(stage: web::Data<Stage>) -> HttpResponse {
    let orders = stage.orders.load(std::sync::atomic::Ordering::SeqCst);
    let patterns = std::sync::Arc::clone(&stage.patterns);
    let lines = (0..orders).map(move |nth| {
        let kinds = u64::try_from(patterns.len()).unwrap_or(1);
        let pattern = usize::try_from(nth % kinds).unwrap_or(0);
        let text = patterns.get(pattern).cloned().unwrap_or_default();
        // Ids of orders, lines and customers get a place of their own, the same in every run.
        let text = renamed(&text, "Order", nth);
        let text = renamed(&text, "LineItem", nth);
        Ok::<_, std::io::Error>(web::Bytes::from(renamed(&text, "Customer", nth / 4)))
    });
    HttpResponse::Ok().streaming(stream::iter(lines))
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
