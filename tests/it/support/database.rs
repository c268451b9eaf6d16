//! A database for each test: a file in a temporary folder, or a copy of a migrated PostgreSQL database.

use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use counterfoil::platform::db::Db;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

/// Which database a story runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// Empty and migrated; gone when dropped.
pub(crate) struct Database {
    pub(crate) url: String,
    /// Of the database on the server; a file goes with its folder.
    name: Option<String>,
    _folder: Option<tempfile::TempDir>,
}

impl Database {
    pub(crate) fn create(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::file(),
            Kind::Postgres => Self::copy(),
        }
    }

    /// On a server that a story brought itself; it goes with the server.
    pub(crate) fn on(url: String) -> Self {
        migrate(&url);
        Self {
            url,
            name: None,
            _folder: None,
        }
    }

    fn file() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite:{}", folder.path().join("counterfoil.db").display());
        migrate(&url);
        Self {
            url,
            name: None,
            _folder: Some(folder),
        }
    }

    fn copy() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", process::id());
        on_server(&format!("CREATE DATABASE {name} TEMPLATE {}", template()));
        Self {
            url: server_url(&name),
            name: Some(name),
            _folder: None,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // FORCE: the program's pool may still hold connections.
        if let Some(name) = &self.name {
            on_server(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

/// The migrated database that every test's copy is made from; made once a run.
fn template() -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let name = format!("template_{}", process::id());
        on_server(&format!("CREATE DATABASE {name}"));
        migrate(&server_url(&name));
        name
    })
}

fn migrate(url: &str) {
    let db = Db::open(url, 1).expect("the database opens");
    db.migrate().expect("the migrations run");
}

fn on_server(command: &str) {
    let mut server = PgConnection::establish(&server_url("postgres")).expect("PostgreSQL answers");
    server
        .batch_execute(command)
        .unwrap_or_else(|error| panic!("{command}: {error}"));
}

/// The address of one database on the test server.
fn server_url(name: &str) -> String {
    let server = std::env::var("TEST_POSTGRES_URL").expect(
        "TEST_POSTGRES_URL is not set: run tests/run, or tests/with-postgres cargo test ...",
    );
    let (server, _) = server.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{name}")
}
