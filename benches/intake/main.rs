//! How many webhooks a second are acknowledged, beside what others would do: `cargo bench --bench intake`.
//! The method and the last figures stand in `benches/README.md`.
#[path = "../support/behind.rs"]
mod behind;
mod peers;
#[path = "../support/problem.rs"]
mod problem;
#[path = "../support/process.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest")]
mod process;
mod sender;
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest")]
mod server;
#[path = "../support/timing.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest")]
mod timing;

use std::io::Write as _;
use std::time::Duration;

use clap::Parser;
use counterfoil::platform::clock::Clock;
use counterfoil::platform::db::{Db, DbError};
use counterfoil::platform::queue::pauses::{self, Scope};
use counterfoil::platform::queue::{Queue, queries as queue};
use reqwest::Client;
use tokio::runtime::Runtime;

use peers::Peer;
use problem::{Problem, Result};
use process::Process;
use sender::{Load, Pace, Sent, Target};
use server::{CLIENT_SECRET as SECRET, Home};
use timing::milliseconds;

/// The store that `counterfoil demo` connects.
const SHOP: &str = "practice-store.myshopify.com";
/// Made ready for a second of sending: more than any receiver takes.
const A_SECOND: u64 = 25_000;
/// Between two looks whether the queue is worked off.
const LOOK: Duration = Duration::from_millis(500);

/// Measures the intake of the release build beside its peers.
#[derive(Parser)]
struct Wishes {
    /// A PostgreSQL server to make databases on; without it SQLite is measured.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Each figure is the middle of so many pairs, taken in turn; 0 leaves the peers out and measures once.
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// How long each of a pair is sent to.
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Webhooks of the burst and of the backlog.
    #[arg(long, default_value_t = 50_000)]
    burst: u64,
    /// Finished events and orders that stand there before.
    #[arg(long, default_value_t = 0)]
    behind: u64,
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
    // Another part of the program may have chosen the provider already.
    drop(rustls::crypto::ring::default_provider().install_default());
    if wishes.pairs > 0 {
        peers::fetch()?;
    }
    let bench = Bench {
        runtime: Runtime::new()?,
        http: Client::builder().no_proxy().build()?,
        wishes,
    };
    let home = bench.connected()?;
    if bench.wishes.pairs > 0 {
        bench.beside_peers(&home)?;
    } else {
        bench.alone(&home)?;
    }
    bench.under_load(&home)
}

struct Bench {
    runtime: Runtime,
    http: Client,
    wishes: Wishes,
}

/// One measurement of one receiver.
struct Measured {
    sent: Sent,
    /// The processors' time that each acknowledged webhook took.
    used: Duration,
}

impl Bench {
    fn server(&self) -> Option<&str> {
        self.wishes.database_url.as_deref()
    }

    /// A house with a connected store, whose queue stands still.
    fn connected(&self) -> Result<Home> {
        let home = Home::new(self.server())?;
        let mut demo = self.runtime.block_on(home.start(&self.http, "demo"))?;
        demo.told("The other commands work")?;
        demo.stop()?;
        behind::fill(&Db::open(&home.database_url(), 1)?, self.wishes.behind)?;
        pause(&home, true)?;
        Ok(home)
    }

    fn beside_peers(&self, home: &Home) -> Result<()> {
        let peer = if self.server().is_some() {
            "Express 5 + pg"
        } else {
            "Express 5 + better-sqlite3"
        };
        say(&format!(
            "| acknowledged a second | {peer} | Counterfoil | ratio |\n|---|---|---|---|"
        ))?;
        for connections in [64, 8, 1] {
            let (mut theirs, mut ours) = (Vec::new(), Vec::new());
            for pair in 0..self.wishes.pairs {
                // Whoever comes second finds a warmer machine.
                if pair % 2 == 0 {
                    theirs.push(self.theirs(connections)?);
                    ours.push(self.ours(home, connections)?);
                } else {
                    ours.push(self.ours(home, connections)?);
                    theirs.push(self.theirs(connections)?);
                }
            }
            compare(connections, &theirs, &ours)?;
        }
        if self.server().is_some() {
            self.beside_pgbench(home)?;
        }
        Ok(())
    }

    /// What a long past costs shows in two runs of this.
    fn alone(&self, home: &Home) -> Result<()> {
        let behind = self.wishes.behind;
        say(&format!(
            "| alone, {behind} events behind | a second | p99 | processor time each |\n|---|---|---|---|"
        ))?;
        for connections in [64, 8, 1] {
            let one = self.ours(home, connections)?;
            let late = one.sent.times.percentile(99).unwrap_or_default();
            say(&format!(
                "| {connections} connections | {} | {} | {} |",
                one.sent.per_second(),
                fine(late),
                fine(one.used)
            ))?;
        }
        Ok(())
    }

    fn beside_pgbench(&self, home: &Home) -> Result<()> {
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..self.wishes.pairs {
            let copy = home.copy()?;
            theirs.push(peers::pgbench(&copy.database_url(), self.wishes.seconds)?);
            ours.push(self.ours(home, 64)?.sent.per_second());
        }
        let (theirs, ours) = (u128::from(middle(theirs)), middle(ours));
        say(&format!(
            "| 64 connections, pgbench -M simple instead | {theirs} | {ours} | {} |",
            ratio(ours, theirs)
        ))
    }

    fn ours(&self, home: &Home, connections: usize) -> Result<Measured> {
        let home = home.copy()?;
        let server = self.runtime.block_on(home.start(&self.http, "serve"))?;
        let measured = self.measure(target(&server.url), &server.process, connections)?;
        server.stop()?;
        Ok(measured)
    }

    fn theirs(&self, connections: usize) -> Result<Measured> {
        let peer = Peer::start(self.server())?;
        self.measure(peer.target(), &peer.process, connections)
    }

    fn measure(&self, target: Target, process: &Process, connections: usize) -> Result<Measured> {
        let load = Load::new(target, 0, A_SECOND * self.wishes.seconds)?;
        let before = process.used();
        let lasting = Duration::from_secs(self.wishes.seconds);
        let sent = load.send(Pace::Eager { connections }, lasting)?;
        let used = match (before, process.used()) {
            (Some(before), Some(after)) => after - before,
            _ => Duration::ZERO,
        };
        // The warm-up took time too: a tenth of it all.
        let used = used * 9 / 10 / u32::try_from(sent.acknowledged.max(1))?;
        Ok(Measured { sent, used })
    }

    /// Intake at a steady rate on a quiet house, and on one that works off a backlog while a long list is read.
    fn under_load(&self, home: &Home) -> Result<()> {
        let home = home.copy()?;
        let token = home.run(&["token", "create", "--name", "bench"])?;
        pause(&home, false)?;
        let server = self.runtime.block_on(home.start(&self.http, "serve"))?;
        let steady = Pace::Steady { per_second: 200 };
        let lasting = Duration::from_secs(5);
        let send = |first: u64| Load::new(target(&server.url), first, 1000)?.send(steady, lasting);
        let idle = send(1_000_000)?;
        let db = Db::open(&home.database_url(), 1)?;
        self.worked_off(&db)?;

        let eager = Pace::Eager { connections: 64 };
        let burst = Load::new(target(&server.url), 2_000_000, self.wishes.burst)?;
        let burst = burst.send(eager, Duration::from_secs(300))?;
        let export = self.runtime.spawn(export(
            self.http.clone(),
            format!("{}/api/orders?limit=100", server.url),
            token,
        ));
        let busy = send(3_000_000)?;
        let is_busy = is_open(&db)?;
        export.abort();
        say("\n| in one process | measured |\n|---|---|")?;
        say(&format!(
            "| {} webhooks at once | {} a second while orders are applied |",
            self.wishes.burst,
            burst.per_second()
        ))?;
        say(&format!(
            "| answered at 200/s, idle | {} |",
            idle.times.words(&[50, 99])
        ))?;
        let note = if is_busy { "" } else { " (not all the time)" };
        say(&format!(
            "| answered at 200/s, a backlog worked off and a long list read{note} | {} |",
            busy.times.words(&[50, 99])
        ))?;
        self.worked_off(&db)?;
        match server.process.most_memory() {
            Some(mib) => say(&format!("| the most memory in all this | {mib} MiB |"))?,
            None => say("| the most memory in all this | only Linux says |")?,
        }
        server.stop()
    }

    fn worked_off(&self, db: &Db) -> Result<()> {
        while is_open(db)? {
            self.runtime
                .block_on(async { tokio::time::sleep(LOOK).await });
        }
        Ok(())
    }
}

/// Reads the list of orders from end to end, again and again.
async fn export(http: Client, first: String, token: String) -> Result<()> {
    let mut next = first.clone();
    loop {
        let page = http.get(&next).bearer_auth(&token).send().await?;
        let page: serde_json::Value = page.error_for_status()?.json().await?;
        next = match page["next"].as_str() {
            Some(cursor) => format!("{first}&after={cursor}"),
            None => first.clone(),
        };
    }
}

fn pause(home: &Home, paused: bool) -> Result<()> {
    let db = Db::open(&home.database_url(), 1)?;
    let now = Clock::System.now();
    db.write_here(|conn| {
        for scope in [Scope::Incoming, Scope::Outgoing] {
            if paused {
                pauses::begin(conn, &scope, None, None, now)?;
            } else {
                pauses::end(conn, &scope, now)?;
            }
        }
        Ok::<(), DbError>(())
    })?;
    Ok(())
}

fn is_open(db: &Db) -> Result<bool> {
    let counts = db.read_here(|conn| queue::count_by_status(conn, Queue::WebhookEvents))?;
    Ok(counts.iter().any(|(status, _, n)| *status < 3 && *n > 0))
}

fn target(url: &str) -> Target {
    Target {
        url: url.to_owned(),
        shop: SHOP,
        secret: SECRET,
    }
}

fn compare(connections: usize, theirs: &[Measured], ours: &[Measured]) -> Result<()> {
    let rates = |all: &[Measured]| middle(all.iter().map(|one| one.sent.per_second()).collect());
    let late = |all: &[Measured]| {
        let times = all.iter().filter_map(|one| one.sent.times.percentile(99));
        middle(times.collect())
    };
    let used = |all: &[Measured]| middle(all.iter().map(|one| one.used).collect());
    let (a, b) = (rates(theirs), rates(ours));
    say(&format!(
        "| {connections} connections | {a} | {b} | {} |",
        ratio(b, a)
    ))?;
    for (words, a, b) in [
        ("p99", late(theirs), late(ours)),
        ("processor time each", used(theirs), used(ours)),
    ] {
        say(&format!(
            "| {connections} connections, {words} | {} | {} | {} |",
            fine(a),
            fine(b),
            ratio(b.as_micros(), a.as_micros())
        ))?;
    }
    Ok(())
}

fn fine(time: Duration) -> String {
    if time < Duration::from_millis(1) {
        format!("{} µs", time.as_micros())
    } else {
        milliseconds(time)
    }
}

/// `2.3x`
fn ratio(a: u128, b: u128) -> String {
    let hundredths = a * 100 / b.max(1);
    format!("{}.{:02}x", hundredths / 100, hundredths % 100)
}

fn middle<T>(mut all: Vec<T>) -> T
where
    T: Copy + Default + Ord,
{
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// A line of the table, as soon as it is known.
fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
