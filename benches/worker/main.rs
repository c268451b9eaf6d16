//! How many events a second are worked off: by the engine alone, and as real orders of three lines.
//! `cargo bench --bench worker`. The method and the last figures stand in `benches/README.md`.
#[path = "../support/behind.rs"]
mod behind;

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use counterfoil::app::Counterfoil;
use counterfoil::config::{Config, Settings};
use counterfoil::erp::products::{self, NewProduct, ProductError};
use counterfoil::erp::stock::{self, Movement};
use counterfoil::erp::{locations, orders};
use counterfoil::platform::clock::Clock;
use counterfoil::platform::db::{Db, DbConnection, DbError};
use counterfoil::platform::inbox::{Delivery, queries as inbox};
use counterfoil::platform::jobs::Registry;
use counterfoil::platform::metrics::Metrics;
use counterfoil::platform::queue::{Me, Outcome, Policy};
use counterfoil::platform::worker::handler::{Handler, OneByOne};
use counterfoil::platform::worker::{Settings as WorkerSettings, Worker};
use counterfoil::practice::{self, OrderKind, Practice};
use counterfoil::shopify::apply::Webhooks;
use counterfoil::shopify::connect::{self, Way};
use counterfoil::shopify::mappings::{By, MappingError, bulk};
use counterfoil::shopify::shop_domain::ShopDomain;
use counterfoil::shopify::{topics, webhooks};
use counterfoil::types::VariantId;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _};
use serde_json::{Value, json};
use tokio::sync::Notify;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const SHOP: &str = "practice-store.myshopify.com";
const TOPIC: &str = "orders/create";
/// The practice store sells some dozens.
const MOST_VARIANTS: i64 = 1_000;
/// Rows that are stored in one go before the clock starts.
const CHUNK: usize = 500;
/// Between two looks whether the queue is worked off.
const LOOK: Duration = Duration::from_millis(10);

/// What is to be measured.
#[derive(Parser)]
struct Args {
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
    /// Orders that are applied.
    #[arg(long, default_value_t = 3000)]
    orders: u64,
    /// Events that nobody applies.
    #[arg(long, default_value_t = 30_000)]
    events: u64,
    /// Batches side by side; what the program would take unless set.
    #[arg(long)]
    workers: Option<usize>,
    /// Finished events and orders that stand there before.
    #[arg(long, default_value_t = 0)]
    behind: u64,
    /// A PostgreSQL server; SQLite unless set.
    #[arg(long, env = "DATABASE_URL")]
    database_url: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let home = Home::new(args.database_url.as_deref())?;
    let mut house = House::open(&home, args.workers).await?;
    if args.behind > 0 {
        house.first_order().await?;
        behind::fill(house.db(), args.behind)?;
        house.before += 1 + args.behind;
    }
    let name = if home.server.is_some() {
        "PostgreSQL"
    } else {
        "SQLite"
    };
    say(&format!("| {name} | a second |\n|---|---|"))?;
    let engine = house.engine(args.events).await?;
    say(&format!("| events, nothing to do | {engine} |"))?;
    let applied = house.orders(args.orders).await?;
    say(&format!("| new orders of three lines | {applied} |"))?;
    let sale = house.sale(args.orders).await?;
    say(&format!("| the same, all of one article | {sale} |"))?;
    let found = house.db().read_here(orders::queries::count)?;
    if found != i64::try_from(2 * args.orders + house.before)? {
        return Err(format!("{found} orders came of it").into());
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// A folder, and a database of our own on the server; both go when this goes.
struct Home {
    folder: tempfile::TempDir,
    server: Option<(String, String)>,
}

impl Home {
    fn new(server: Option<&str>) -> Result<Home> {
        let folder = tempfile::tempdir()?;
        let Some(server) = server else {
            return Ok(Home {
                folder,
                server: None,
            });
        };
        let name = format!("bench_worker_{}", std::process::id());
        PgConnection::establish(server)?.batch_execute(&format!("CREATE DATABASE {name}"))?;
        Ok(Home {
            folder,
            server: Some((server.to_owned(), name)),
        })
    }

    fn database_url(&self) -> Option<String> {
        let (server, name) = self.server.as_ref()?;
        let (server, _) = server.rsplit_once('/')?;
        Some(format!("{server}/{name}"))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let Some((server, name)) = &self.server else {
            return;
        };
        if let Ok(mut server) = PgConnection::establish(server) {
            // What is left goes with the server.
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            let _left = server.batch_execute(&drop);
        }
    }
}

/// The program's parts with a connected store, mapped articles and stock.
struct House {
    counterfoil: Counterfoil,
    workers: usize,
    batch: i64,
    /// An order of three lines as the store sends it.
    template: Value,
    /// What is mapped: variant and product, as the store numbers them.
    articles: Vec<Article>,
    before: u64,
}

impl House {
    async fn open(home: &Home, workers: Option<usize>) -> Result<House> {
        let clock = Clock::System;
        let practice = Practice::start(store(), clock.clone()).await?;
        let mut config = settings(home, &practice.url());
        config.workers = workers.unwrap_or(config.workers);
        let (workers, batch) = (config.workers, config.worker_batch.into());
        let counterfoil = Counterfoil::start(config, clock).await?;
        let shop = ShopDomain::parse(SHOP)?;
        let way = Way::Token {
            token: practice.custom_app_token().into(),
            app_secret: None,
        };
        connect::connect(&counterfoil.connector, &shop, way, None).await?;
        counterfoil.worker.drain().await?;
        fill(&counterfoil)?;
        let articles = counterfoil.db.read_here(mapped)?;
        practice.place_order(OrderKind::SeveralLines);
        let sent = practice.deliveries();
        let sent = sent.iter().find(|one| one.topic == TOPIC);
        let template = serde_json::from_str(&sent.ok_or("the store sent nothing")?.body)?;
        let before = counterfoil.db.read_here(orders::queries::count)?;
        Ok(House {
            counterfoil,
            workers,
            batch,
            template,
            articles,
            before: u64::try_from(before)?,
        })
    }

    fn db(&self) -> &Db {
        &self.counterfoil.db
    }

    /// Events of as many records, applied by nothing at all.
    async fn engine(&self, count: u64) -> Result<u64> {
        let bodies = (0..count).map(|number| Ok((number, b"{}".to_vec())));
        self.store("engine", bodies)?;
        let nothing = OneByOne(|_: &mut DbConnection, _: &_, _| Ok(Outcome::Done));
        self.work_off(count, Arc::new(nothing)).await
    }

    /// The order that all orders of the past are made like.
    async fn first_order(&self) -> Result<u64> {
        let body = std::iter::once_with(|| Ok((0, self.body(900_000, &self.articles)?)));
        self.store("first", body)?;
        self.work_off(1, Arc::new(Webhooks)).await
    }

    /// Orders of three lines, of different articles and customers.
    async fn orders(&self, count: u64) -> Result<u64> {
        let bodies =
            (0..count).map(|number| Ok((number, self.body(1_000_000 + number, &self.articles)?)));
        self.store("order", bodies)?;
        self.work_off(count, Arc::new(Webhooks)).await
    }

    /// As many, every line of one article.
    async fn sale(&self, count: u64) -> Result<u64> {
        let one = self.articles.get(..1).ok_or("nothing is mapped")?;
        let bodies = (0..count).map(|number| Ok((number, self.body(9_000_000 + number, one)?)));
        self.store("sale", bodies)?;
        self.work_off(count, Arc::new(Webhooks)).await
    }

    fn body(&self, number: u64, articles: &[Article]) -> Result<Vec<u8>> {
        let mut order = self.template.clone();
        let id = 7_000_000_000_000 + number;
        order["id"] = json!(id);
        order["admin_graphql_api_id"] = json!(format!("gid://shopify/Order/{id}"));
        order["name"] = json!(format!("#B{number}"));
        let lines = order["line_items"].as_array_mut().ok_or("no lines")?;
        if let Some(last) = lines.last().cloned() {
            lines.resize(3, last);
        }
        for (line, place) in lines.iter_mut().zip(1..) {
            let id = 80_000_000_000_000_u64 + number * 10 + place;
            line["id"] = json!(id);
            line["admin_graphql_api_id"] = json!(format!("gid://shopify/LineItem/{id}"));
            // Neighbours have none in common, as far as there are enough.
            let turn = usize::try_from(number * 3 + place)? % articles.len().max(1);
            if let Some(article) = articles.get(turn) {
                line["variant_id"] = serde_json::from_str(&article.external_id)?;
                line["product_id"] = serde_json::from_str(&article.product_external_id)?;
            }
        }
        // Some buy again.
        let buyer = number % 2500;
        let email = format!("buyer{buyer}@example.com");
        order["customer"]["id"] = json!(90_000_000_000_000_u64 + buyer);
        order["customer"]["email"] = json!(email);
        order["email"] = json!(email);
        order["contact_email"] = json!(email);
        Ok(serde_json::to_vec(&order)?)
    }

    /// Puts deliveries into the inbox, as intake would.
    fn store(
        &self,
        what: &str,
        bodies: impl Iterator<Item = Result<(u64, Vec<u8>)>>,
    ) -> Result<()> {
        let rule = topics::rule(TOPIC).ok_or("no such topic")?;
        let now = self.counterfoil.clock.now();
        let mut waiting = Vec::new();
        let store = |waiting: &[Delivery]| {
            let refs: Vec<&Delivery> = waiting.iter().collect();
            let stored = self.db().write_here(|conn| inbox::insert_all(conn, &refs));
            stored.map(drop)
        };
        for body in bodies {
            let (number, body) = body?;
            let glance = webhooks::glance(rule, SHOP, &body);
            waiting.push(Delivery {
                source: "shopify",
                shop_domain: SHOP.to_owned(),
                webhook_id: format!("{what}-{number}"),
                event_id: None,
                topic: TOPIC.to_owned(),
                api_version: Some("2026-10".to_owned()),
                key: glance.key.or_else(|| Some(format!("{what}/{number}"))),
                snapshot: true,
                ver: now.0,
                triggered_at: Some(now),
                received_at: now,
                secret_label: "app".to_owned(),
                headers: "{}".to_owned(),
                body,
            });
            if waiting.len() == CHUNK {
                store(&waiting)?;
                waiting.clear();
            }
        }
        store(&waiting)?;
        // As PostgreSQL's own housekeeping does within minutes; until then it plans by guesses. SQLite has none.
        self.db()
            .write_here(|conn| -> std::result::Result<(), DbError> {
                if let DbConnection::Postgres(pg) = conn {
                    pg.batch_execute("ANALYZE")?;
                }
                Ok(())
            })?;
        Ok(())
    }

    /// Works until nothing is due; tells how many a second that were.
    async fn work_off(&self, count: u64, handler: Arc<dyn Handler>) -> Result<u64> {
        let worker = Worker::new(
            self.db().clone(),
            self.counterfoil.clock.clone(),
            Me {
                host: "bench".to_owned(),
                pid: std::process::id(),
                boot: format!("{count}"),
            },
            WorkerSettings {
                policy: Policy { max_attempts: 8 },
                lease: Duration::from_secs(60),
                poll: LOOK,
                event_workers: self.workers,
                batch: self.batch,
                jobs_at_once: 1,
            },
            handler,
            Arc::new(Registry::default()),
            Arc::new(Notify::new()),
            Metrics::new(),
        );
        let begun = Instant::now();
        let working = tokio::spawn(worker.run());
        while self.db().read_here(is_open)? {
            tokio::time::sleep(LOOK).await;
        }
        let took = begun.elapsed();
        working.abort();
        Ok(u64::try_from(
            u128::from(count) * 1000 / took.as_millis().max(1),
        )?)
    }
}

/// What the store sells and we have mapped.
#[derive(QueryableByName)]
struct Article {
    #[diesel(sql_type = Text)]
    external_id: String,
    #[diesel(sql_type = Text)]
    product_external_id: String,
}

fn mapped(conn: &mut DbConnection) -> std::result::Result<Vec<Article>, DbError> {
    let query = "SELECT v.external_id, v.product_external_id FROM shopify_variants v \
                   JOIN shopify_product_mappings m ON m.variant_id = v.id ORDER BY v.id";
    Ok(match conn {
        DbConnection::Postgres(conn) => diesel::sql_query(query).load(conn)?,
        DbConnection::Sqlite(conn) => diesel::sql_query(query).load(conn)?,
    })
}

/// A cheap look: what is measured is not to be the looking.
fn is_open(conn: &mut DbConnection) -> std::result::Result<bool, DbError> {
    #[derive(QueryableByName)]
    struct Open {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let query =
        "SELECT count(*) AS n FROM (SELECT 1 FROM webhook_events WHERE status < 3 LIMIT 1) one";
    let open: Open = match conn {
        DbConnection::Postgres(conn) => diesel::sql_query(query).get_result(conn)?,
        DbConnection::Sqlite(conn) => diesel::sql_query(query).get_result(conn)?,
    };
    Ok(open.n > 0)
}

/// Makes an item for every ordinary article of the store, with stock, and maps it.
fn fill(counterfoil: &Counterfoil) -> Result<()> {
    let now = counterfoil.clock.now();
    let articles = practice::catalogue::catalogue();
    counterfoil.db.write_here(|conn| {
        for article in articles.into_iter().filter(|it| it.requires_shipping) {
            let Some(sku) = article.sku else { continue };
            let product = NewProduct {
                sku,
                name: article.title,
                barcode: None,
                weight_grams: None,
                ships: true,
            };
            let Ok(product) = products::create(conn, &product, now) else {
                continue;
            };
            for place in locations::list(conn)? {
                let movement = Movement {
                    product,
                    location: place.id,
                    lot: None,
                    quantity: 1_000_000,
                    reason: "count",
                    source: "person",
                    user: None,
                };
                stock::adjust(conn, &movement, now).map_err(|error| error.to_string())?;
            }
        }
        Ok::<(), Fault>(())
    })?;
    counterfoil.db.write_here(|conn| {
        let shop = ShopDomain::parse(SHOP).map_err(|error| error.to_string())?;
        let shop = counterfoil::shopify::shops::find_by_domain(conn, &shop)?;
        let shop = shop.ok_or_else(|| "no store".to_owned())?;
        let exact = bulk::look(conn, &shop, VariantId(0), MOST_VARIANTS)?.matches;
        let shown: Vec<_> = exact.into_iter().map(|(variant, _item)| variant).collect();
        let by = By {
            shop: &shop,
            user: None,
            now,
        };
        bulk::accept_exact(conn, by, &shown)?;
        Ok::<(), Fault>(())
    })?;
    Ok(())
}

/// Why the shelves could not be filled.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Product(#[from] ProductError),
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error("{0}")]
    Told(String),
}

impl From<String> for Fault {
    fn from(told: String) -> Fault {
        Fault::Told(told)
    }
}

fn store() -> practice::Config {
    practice::Config {
        bind: "127.0.0.1:0".to_owned(),
        data_dir: None,
        shop_domain: SHOP.to_owned(),
        client_id: "bench-app".to_owned(),
        client_secret: "bench-app-secret".to_owned().into(),
        redirect_prefixes: Vec::new(),
        token_lifetime_secs: 3600,
        seed: true,
    }
}

/// The program's own settings, with their defaults.
#[derive(Parser)]
struct Program {
    #[command(flatten)]
    settings: Settings,
}

fn settings(home: &Home, shopify: &str) -> Config {
    let Program { mut settings } = Program::parse_from([
        "counterfoil",
        "--shopify-client-id=bench-app",
        "--shopify-client-secret=bench-app-secret",
        &format!("--shopify-admin-url={shopify}"),
    ]);
    settings.data = Some(home.folder.path().to_owned());
    settings.database_url = home.database_url();
    settings.into_config("data")
}
