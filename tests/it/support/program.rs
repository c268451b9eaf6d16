//! The program as a process of its own, with a store connected: for stories in which it dies.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use counterfoil::app::Counterfoil;
use counterfoil::platform::clock::Clock;
use counterfoil::platform::db::Db;
use counterfoil::practice::Practice;
use counterfoil::shopify::connect::{self, Way};
use counterfoil::shopify::shop_domain::ShopDomain;
use reqwest::redirect::Policy;

use super::app::{CLIENT_ID, CLIENT_SECRET, KEY, SHOP, config, store};
use super::database::{Database, Kind};
use super::http_client;

/// Looks until the program listens; each look is a refused connection, which costs next to nothing.
const LOOKS: u32 = 500_000;

pub(crate) struct Program {
    pub(crate) url: String,
    bind: String,
    practice: Practice,
    // Dropped last: the database goes when nobody uses it any more.
    data: tempfile::TempDir,
    database: Database,
}

/// One process of it; killed when dropped.
pub(crate) struct Process(Child);

impl Program {
    /// With the practice store connected and its catalogue imported; no process runs yet.
    pub(crate) async fn connected(kind: Kind) -> Self {
        let database = Database::create(kind);
        let data = tempfile::tempdir().expect("a data folder");
        let clock = Clock::System;
        let practice = Practice::start(store(), clock.clone()).await;
        let practice = practice.expect("the practice store starts");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let bind = free.local_addr().expect("its address").to_string();
        drop(free);
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
        Self {
            url,
            bind,
            practice,
            data,
            database,
        }
    }

    /// Starts a process and waits until it answers.
    pub(crate) async fn start(&self) -> Process {
        let child = Command::new(env!("CARGO_BIN_EXE_counterfoil"))
            .arg("serve")
            .env("COUNTERFOIL_DATA", self.data.path())
            .env("DATABASE_URL", &self.database.url)
            .env("COUNTERFOIL_BIND", &self.bind)
            .env("COUNTERFOIL_KEY", KEY.repeat(32))
            .env("SHOPIFY_CLIENT_ID", CLIENT_ID)
            .env("SHOPIFY_CLIENT_SECRET", CLIENT_SECRET)
            .env("SHOPIFY_ADMIN_URL", self.practice.url())
            .env("LEASE_SECONDS", "6")
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let process = Process(child.expect("the program starts"));
        let client = http_client(Policy::none());
        let health = format!("{}/healthz", self.url);
        let mut looks = 0;
        loop {
            match client.get(&health).send().await {
                Ok(_answer) => return process,
                Err(error) if looks >= LOOKS => panic!("the program does not listen: {error}"),
                Err(_not_yet) => looks += 1,
            }
        }
    }

    /// The program's database, opened beside it.
    pub(crate) fn db(&self) -> Db {
        Db::open(&self.database.url, 2).expect("the database opens")
    }
}

impl Process {
    /// As `kill -9` does it: no goodbye, nothing flushed.
    pub(crate) fn kill(mut self) {
        self.0.kill().expect("it lived");
        self.0.wait().expect("it is gone");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended by itself is just as gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
