//! How quick the house is, measured from outside: `cargo bench --bench pages`. The method and the last
//! figures stand in `benches/README.md`.
#[path = "../support/behind.rs"]
mod behind;
mod goods;
mod orders;
#[path = "../support/problem.rs"]
mod problem;
#[path = "../support/process.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest")]
mod process;
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest")]
mod server;
#[path = "../support/timing.rs"]
mod timing;
mod visitor;

use std::io::Write as _;
use std::time::{Duration, Instant};

use clap::Parser;
use counterfoil::platform::db::Db;
use reqwest::Client;

use orders::Store;
use problem::{Problem, Result};
use server::{Home, Server};
use timing::{Times, milliseconds};
use visitor::{Visitor, variant};

/// Who `counterfoil demo` makes.
const OWNER: &str = "owner@example.com";
/// Starts of the program, of which the middle one is told.
const STARTS: usize = 5;
/// How long the program is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(3);
/// Openings of a page that are not counted.
const WARM_UP: usize = 30;
/// Between two looks whether the queue is worked off.
const LOOK: Duration = Duration::from_millis(50);

/// Measures start, memory, pages and webhooks of the release build.
#[derive(Parser)]
struct Wishes {
    /// A PostgreSQL server to make databases on; without it SQLite is measured.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Orders in the house, all waiting for one variant.
    #[arg(long, default_value_t = 10_000)]
    orders: u64,
    /// How often each page is opened.
    #[arg(long, default_value_t = 500)]
    openings: usize,
    /// How long webhooks are sent at each rate.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Finished events and orders that stand there before.
    #[arg(long, default_value_t = 0)]
    behind: u64,
    /// Variants of the store that nobody has mapped, and as many items, for the pages of mappings.
    #[arg(long, default_value_t = 0)]
    variants: u64,
    /// What `cargo bench` says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let wishes = Wishes::parse();
    if !wishes.bench {
        // `cargo test --all-targets` starts benchmarks too.
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(&wishes))
}

async fn measure(wishes: &Wishes) -> Result<()> {
    // Another part of the program may have chosen the provider already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let http = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let database = wishes.database_url.as_deref();
    say(&format!(
        "| {} | measured |\n|---|---|",
        if database.is_some() {
            "PostgreSQL"
        } else {
            "SQLite"
        }
    ))?;
    fresh_starts(&http, database).await?;

    let home = Home::new(database)?;
    let (visitor, store) = move_in(&http, &home).await?;
    let server = home.start(&http, "serve").await?;
    fill(&visitor.at(&server.url), &store, &server, wishes.orders).await?;
    server.stop()?;
    behind::fill(&Db::open(&home.database_url(), 1)?, wishes.behind)?;
    goods::fill(&Db::open(&home.database_url(), 1)?, wishes.variants)?;
    home.settle()?;
    let server = existing_starts(&http, &home).await?;
    let visitor = visitor.at(&server.url);
    pages(&visitor, wishes).await?;
    let mut first = wishes.orders;
    for rate in [20, 100] {
        let count = rate * wishes.seconds;
        let wave = (first, count, rate);
        let (answered, seen) = store.watch(&visitor, &server.url, wave).await?;
        first += count;
        row(
            &format!("webhook answered, {rate}/s"),
            &answered,
            &[50, 95, 99],
        )?;
        row(
            &format!("webhook to visible order, {rate}/s"),
            &seen,
            &[50, 95, 99],
        )?;
    }
    memory("memory after all this", &server)?;
    server.stop()
}

/// Starts on a folder that nobody used before, and the memory of such a start.
async fn fresh_starts(http: &Client, database: Option<&str>) -> Result<()> {
    let mut times = Vec::new();
    for start in 1..=STARTS {
        let home = Home::new(database)?;
        let server = home.start(http, "serve").await?;
        times.push(server.first_answer);
        if start == STARTS {
            told("start on an empty folder", times.clone())?;
            tokio::time::sleep(IDLE).await;
            memory("idle memory, empty house", &server)?;
        }
        server.stop()?;
    }
    Ok(())
}

/// Starts on the filled folder; the last one goes on.
async fn existing_starts(http: &Client, home: &Home) -> Result<Server> {
    let mut times = Vec::new();
    loop {
        let server = home.start(http, "serve").await?;
        times.push(server.first_answer);
        if times.len() == STARTS {
            told("start on the filled folder", times)?;
            tokio::time::sleep(IDLE).await;
            memory("idle memory, filled house", &server)?;
            return Ok(server);
        }
        server.stop()?;
    }
}

/// Connects the practice store by `counterfoil demo`, and asks it what it sells.
async fn move_in(http: &Client, home: &Home) -> Result<(Visitor, Store)> {
    let mut demo = home.start(http, "demo").await?;
    let password = demo.told("Password")?;
    let password = password.split_whitespace().next().unwrap_or_default();
    demo.told("The other commands work")?;
    let visitor = Visitor::sign_in(http, &demo.url, OWNER, password).await?;
    let sold = [
        variant(http, &demo.practice, &visitor.first_sku("unmapped").await?).await?,
        variant(http, &demo.practice, &visitor.first_sku("mapped").await?).await?,
    ];
    let store = Store::new(http, &sold)?;
    demo.stop()?;
    Ok((visitor, store))
}

async fn fill(visitor: &Visitor, store: &Store, server: &Server, orders: u64) -> Result<()> {
    let wanted = visitor.waiting().await? + usize::try_from(orders)?;
    let begun = Instant::now();
    store.fill(&server.url, orders).await?;
    let answered = begun.elapsed();
    while visitor.waiting().await? < wanted {
        tokio::time::sleep(LOOK).await;
    }
    let applied = begun.elapsed();
    let rate = |time: Duration| u128::from(orders) * 1000 / time.as_millis().max(1);
    say(&format!(
        "| {orders} orders at once | {} a second answered, {} a second applied |",
        rate(answered),
        rate(applied)
    ))
}

async fn pages(visitor: &Visitor, wishes: &Wishes) -> Result<()> {
    let list = visitor.get("/orders?view=to-ship").await?;
    let rows = list.text.split("<a class=\"row-link").nth(10);
    let order = rows.and_then(|row| row.split("href=\"").nth(1)?.split('"').next());
    let order = order.ok_or_else(|| Problem::Told("the list is empty".to_owned()))?;
    let order = order.replace("&#38;", "&");
    for (words, path) in [
        ("home", "/"),
        ("order list, to ship", "/orders?view=to-ship"),
        ("order list, all", "/orders?view=all"),
        (
            "order list, paid by part",
            "/orders?view=all&payment=partially_paid",
        ),
        (
            "order list, a number searched",
            "/orders?view=all&q=%231042",
        ),
        (
            "order list, a rare word searched",
            "/orders?view=all&q=1042+ada",
        ),
        (
            "order list, a word of most searched",
            "/orders?view=all&q=past",
        ),
        ("order page", order.as_str()),
        ("mappings page", "/mappings"),
        (
            "mappings page, late in the list",
            "/mappings?view=unmapped&store=1&after=1.brand7",
        ),
        ("mappings page, mapped", "/mappings?view=mapped&store=1"),
        (
            "mappings page, a SKU searched",
            "/mappings?store=1&q=G-1042",
        ),
        (
            "mappings page, words of many searched",
            "/mappings?store=1&q=brand2+noun7+colour1",
        ),
        (
            "mappings page, words without a match searched",
            "/mappings?store=1&q=brand2+brand3",
        ),
        ("preview of exact matches", "/mappings/acceptances?store=1"),
        ("item list, words searched", "/products?q=brand2+noun7"),
        ("events page", "/events?state=done"),
    ] {
        for _ in 0..WARM_UP {
            visitor.get(path).await?;
        }
        let mut times = Vec::new();
        for _ in 0..wishes.openings {
            times.push(visitor.get(path).await?.took);
        }
        row(words, &Times::new(times), &[50, 99])?;
    }
    Ok(())
}

fn row(words: &str, times: &Times, percents: &[usize]) -> Result<()> {
    say(&format!(
        "| {words} | {} ({} times) |",
        times.words(percents),
        times.len()
    ))
}

fn told(words: &str, times: Vec<Duration>) -> Result<()> {
    let times = Times::new(times);
    let middle = times.percentile(50).map_or(String::new(), milliseconds);
    let worst = times.percentile(100).map_or(String::new(), milliseconds);
    say(&format!(
        "| {words} | {middle}, worst {worst} ({} times) |",
        times.len()
    ))
}

fn memory(words: &str, server: &Server) -> Result<()> {
    match server.process.memory() {
        Some(mib) => say(&format!("| {words} | {mib} MiB |")),
        None => say(&format!("| {words} | only Linux says |")),
    }
}

/// A line of the table, as soon as it is known.
fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
