//! The program as processes of its own, with a store connected: for stories in which they die.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use counterfoil::app::Counterfoil;
use counterfoil::platform::clock::Clock;
use counterfoil::platform::db::Db;
use counterfoil::practice::{OrderKind, Practice};
use counterfoil::shopify::connect::{self, Way};
use counterfoil::shopify::mappings::{By, MappingError, bulk};
use counterfoil::shopify::shop_domain::ShopDomain;
use counterfoil::shopify::shops;
use counterfoil::types::VariantId;
use reqwest::redirect::Policy;
use serde_json::Value;

use super::app::{CLIENT_ID, CLIENT_SECRET, KEY, SHOP, add_items, config, store};
use super::database::{Database, Kind};
use super::http_client;

/// Looks until the program listens; each look is a refused connection, which costs next to nothing.
const LOOKS: u32 = 500_000;
/// So many of every article lie everywhere: no load takes them all.
const PLENTY: i64 = 10_000_000;

pub(crate) struct Program {
    pub(crate) url: String,
    /// For how many seconds a worker may be silent.
    pub(crate) lease: u32,
    bind: String,
    practice: Practice,
    // Dropped last: the database goes when nobody uses it any more.
    data: tempfile::TempDir,
    database: Database,
}

/// What strace notes.
#[cfg(target_os = "linux")]
const WATCHED: &str = "trace=fsync,fdatasync,pwrite64,pwritev,write,writev,sendto,sendmsg,read,readv,recvfrom,recvmsg";

/// A process that strace watches.
#[cfg(target_os = "linux")]
pub(crate) struct Traced {
    process: Process,
    log: std::path::PathBuf,
}

/// Looks at what strace wrote, each a few milliseconds long, until it is whole.
#[cfg(target_os = "linux")]
const LOOKS_AT_LOG: u32 = 5_000;

#[cfg(target_os = "linux")]
impl Traced {
    /// Ends the process and gives all that strace saw of it.
    pub(crate) fn kill_and_read(self) -> String {
        let id = self.process.0.id().to_string();
        let is_end = |line: &str| {
            let told = line.split_once(' ');
            told.is_some_and(|(thread, told)| {
                thread == id && told.contains("+++ killed by SIGKILL")
            })
        };
        self.process.kill();
        // strace writes on until it has told of the end.
        for _ in 0..LOOKS_AT_LOG {
            let log = std::fs::read(&self.log).expect("strace wrote");
            let log = String::from_utf8_lossy(&log);
            if log.lines().any(is_end) {
                return log.into_owned();
            }
        }
        panic!("strace does not end");
    }
}

/// One process of it; killed when dropped.
pub(crate) struct Process(Child);

impl Program {
    /// With the practice store connected and its catalogue imported; no process runs yet.
    pub(crate) async fn connected(kind: Kind) -> Self {
        Self::prepared(Database::create(kind), |_counterfoil| ()).await
    }

    /// As `connected`, on that database, with every article of the store mapped and plenty of it in stock.
    pub(crate) async fn stocked(database: Database) -> Self {
        Self::prepared(database, fill).await
    }

    async fn prepared(database: Database, prepare: impl FnOnce(&Counterfoil)) -> Self {
        let data = tempfile::tempdir().expect("a data folder");
        let clock = Clock::System;
        let practice = Practice::start(store(), clock.clone()).await;
        let practice = practice.expect("the practice store starts");
        let bind = free_address();
        let url = format!("http://{bind}");
        let config = config(&url, &practice.url(), &database.url, data.path());
        let counterfoil = Counterfoil::start(config, clock).await;
        let counterfoil = counterfoil.expect("Counterfoil starts");
        let shop = ShopDomain::parse(SHOP).expect("a store's address");
        let way = Way::Token {
            token: practice.custom_app_token().into(),
            app_secret: None,
        };
        let connected = connect::connect(&counterfoil.connector, &shop, way, None).await;
        connected.expect("the store is connected");
        counterfoil.worker.drain().await.expect("the worker works");
        prepare(&counterfoil);
        Self {
            url,
            lease: 6,
            bind,
            practice,
            data,
            database,
        }
    }

    /// Starts a process and waits until it answers.
    pub(crate) async fn start(&self) -> Process {
        self.serve(&self.bind).await
    }

    /// Starts a process that listens there, and waits until it answers.
    pub(crate) async fn serve(&self, bind: &str) -> Process {
        let mut command = self.command("serve", bind);
        let process = Process(command.spawn().expect("the program starts"));
        self.wait_for(bind).await;
        process
    }

    async fn wait_for(&self, bind: &str) {
        let client = http_client(Policy::none());
        let health = format!("http://{bind}/healthz");
        let mut looks = 0;
        loop {
            match client.get(&health).send().await {
                Ok(_answer) => return,
                Err(error) if looks >= LOOKS => panic!("the program does not listen: {error}"),
                Err(_not_yet) => looks += 1,
            }
        }
    }

    /// Starts a process under strace, which notes what is written, synced and said, in which order. `faults` names
    /// the syncs of each thread that fail, as strace spells it: `3` the third, `3+` all from the third, or none.
    #[cfg(target_os = "linux")]
    pub(crate) async fn start_traced(&self, faults: &str) -> Traced {
        let log = self.data.path().join("strace.log");
        let program = self.command("serve", &self.bind);
        let mut strace = Command::new("strace");
        // `-D`: the program itself is our child, which we can kill.
        strace.args([
            "-D",
            "-f",
            "-yy",
            "-s",
            "5000",
            "-e",
            "signal=SIGKILL",
            "-e",
            WATCHED,
            "-o",
        ]);
        strace.arg(&log);
        if !faults.is_empty() {
            let fault = format!("inject=fsync,fdatasync:error=EIO:when={faults}");
            strace.args(["-e", &fault]);
        }
        strace.arg(program.get_program()).args(program.get_args());
        let settings = program.get_envs();
        strace.envs(settings.filter_map(|(name, value)| Some((name, value?))));
        strace.stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process(strace.spawn().expect("strace starts"));
        self.wait_for(&self.bind).await;
        Traced { process, log }
    }

    /// Starts a process that only works.
    pub(crate) fn work(&self) -> Process {
        let mut command = self.command("work", &free_address());
        Process(command.spawn().expect("the program starts"))
    }

    /// The program with its settings, ready to be started.
    pub(crate) fn command(&self, what: &str, bind: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
        command
            .arg(what)
            .env("COUNTERFOIL_DATA", self.data.path())
            .env("DATABASE_URL", &self.database.url)
            .env("COUNTERFOIL_BIND", bind)
            .env("COUNTERFOIL_KEY", KEY.repeat(32))
            .env("SHOPIFY_CLIENT_ID", CLIENT_ID)
            .env("SHOPIFY_CLIENT_SECRET", CLIENT_SECRET)
            .env("SHOPIFY_ADMIN_URL", self.practice.url())
            .env("LEASE_SECONDS", self.lease.to_string())
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// The program's database, opened beside it.
    pub(crate) fn db(&self) -> Db {
        Db::open(&self.database.url, 2).expect("the database opens")
    }

    /// An order of several articles, as the store tells of it.
    pub(crate) fn order(&self) -> Value {
        self.practice.place_order(OrderKind::SeveralLines);
        let told = self.practice.deliveries();
        let told = told.iter().find(|one| one.topic == "orders/create");
        serde_json::from_str(&told.expect("the store tells").body).expect("JSON")
    }
}

/// An address that nobody listens on.
pub(crate) fn free_address() -> String {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("its address").to_string()
}

fn fill(counterfoil: &Counterfoil) {
    let (db, now) = (&counterfoil.db, counterfoil.clock.now());
    add_items(db, 0..usize::MAX, PLENTY, now);
    let mapped = db.write_here(|conn| -> Result<(), MappingError> {
        let shop = ShopDomain::parse(SHOP).expect("a store's address");
        let shop = shops::find_by_domain(conn, &shop).expect("the stores can be read");
        let shop = shop.expect("it is connected");
        let exact = bulk::look(conn, &shop, VariantId(0), 1_000)?.matches;
        let shown: Vec<_> = exact.into_iter().map(|(variant, _item)| variant).collect();
        let by = By {
            shop: &shop,
            user: None,
            now,
        };
        bulk::accept_exact(conn, by, &shown)?;
        Ok(())
    });
    mapped.expect("every article is mapped");
}

impl Process {
    /// As `kill -9` does it: no goodbye, nothing flushed.
    pub(crate) fn kill(mut self) {
        self.0.kill().expect("it lived");
        self.0.wait().expect("it is gone");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has not ended by itself.
    pub(crate) fn runs(&mut self) -> bool {
        self.0.try_wait().expect("its state").is_none()
    }

    /// Stops it where it stands, as a machine does that is out of memory or put to sleep.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, which: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([which, &pid]).status();
        assert!(sent.expect("kill runs").success(), "kill {which}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended by itself is just as gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
