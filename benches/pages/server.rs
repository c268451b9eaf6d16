//! The program under measurement: the built binary on a temporary folder and a free port.
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use diesel::{Connection, PgConnection, RunQueryDsl};
use tempfile::TempDir;

use crate::{Problem, Result};

pub(crate) const CLIENT_ID: &str = "bench-app";
pub(crate) const CLIENT_SECRET: &str = "bench-app-secret";
/// Nothing here takes longer, unless it never ends.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often to look whether the server answers.
const LOOK: Duration = Duration::from_millis(1);

/// A data folder and a database that go when this goes.
pub(crate) struct Home {
    folder: TempDir,
    database: Option<Database>,
}

/// A database of our own on the server that `DATABASE_URL` names.
struct Database {
    server: String,
    name: String,
}

impl Home {
    /// With SQLite, or on the given PostgreSQL server.
    pub(crate) fn new(server: Option<&str>) -> Result<Home> {
        let folder = tempfile::tempdir()?;
        let database = server.map(Database::create).transpose()?;
        Ok(Home { folder, database })
    }

    /// Starts a command of the program here and waits for its first answer.
    pub(crate) async fn start(&self, http: &reqwest::Client, command: &str) -> Result<Server> {
        let mut server = self.spawn(command)?;
        let asked = format!("{}/readyz", server.url);
        let begun = Instant::now();
        loop {
            let answer = http.get(&asked).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                server.first_answer = server.begun.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(Problem::Told(format!("`{command}` ended with {status}")));
            }
            if begun.elapsed() > PATIENCE {
                return Err(Problem::Told(format!("`{command}` does not answer")));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Has PostgreSQL look at what was just filled in, as its own housekeeping does within minutes;
    /// until then it plans by guesses. SQLite needs nothing.
    pub(crate) fn settle(&self) -> Result<()> {
        match &self.database {
            Some(database) => execute(&database.url(), "VACUUM ANALYZE"),
            None => Ok(()),
        }
    }

    fn spawn(&self, command: &str) -> Result<Server> {
        let (bind, practice) = (free_address()?, free_address()?);
        let mut program = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
        program
            .arg(command)
            .current_dir(self.folder.path())
            .env("COUNTERFOIL_DATA", self.folder.path().join("data"))
            .env("COUNTERFOIL_BIND", &bind)
            .env("COUNTERFOIL_PUBLIC_URL", format!("http://{bind}"))
            .env("PRACTICE_BIND", &practice)
            .env("SHOPIFY_CLIENT_ID", CLIENT_ID)
            .env("SHOPIFY_CLIENT_SECRET", CLIENT_SECRET)
            // Nothing is asked of Shopify while we measure; what is goes nowhere.
            .env("SHOPIFY_ADMIN_URL", format!("http://{practice}"))
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(database) = &self.database {
            program.env("DATABASE_URL", database.url());
        }
        let begun = Instant::now();
        Ok(Server {
            child: program.spawn()?,
            url: format!("http://{bind}"),
            practice: format!("http://{practice}"),
            begun,
            first_answer: Duration::ZERO,
        })
    }
}

/// A running program; it is stopped when this goes.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) practice: String,
    begun: Instant,
    /// From the start of the process to its first answer.
    pub(crate) first_answer: Duration,
}

impl Server {
    /// Reads what the program says until a line holds `text`; gives the rest of that line.
    pub(crate) fn told(&mut self, text: &str) -> Result<String> {
        let output = self.child.stdout.as_mut();
        let output = output.ok_or_else(|| Problem::Told("no output".to_owned()))?;
        // One byte at a time: what follows the line is read by the next call.
        for line in BufReader::with_capacity(1, output).lines() {
            if let Some((_before, after)) = line?.split_once(text) {
                return Ok(after.trim().to_owned());
            }
        }
        Err(Problem::Told(format!("it ended without saying {text:?}")))
    }

    /// The memory that the process holds, in MiB; only Linux says.
    pub(crate) fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib.div_ceil(1024))
    }

    /// Stops it as an operator would, and waits for its end.
    pub(crate) fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        if !asked.is_ok_and(|status| status.success()) {
            self.child.kill()?;
        }
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already, or ended now: either is well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Database {
    fn create(server: &str) -> Result<Database> {
        let name = format!("counterfoil_bench_{}", uuid::Uuid::new_v4().simple());
        execute(server, &format!("CREATE DATABASE {name}"))?;
        Ok(Database {
            server: server.to_owned(),
            name,
        })
    }

    fn url(&self) -> String {
        let mut url = self.server.clone();
        let rest = url.split_off(url.rfind('/').unwrap_or(url.len()));
        let query = rest.find('?').map_or("", |at| &rest[at..]);
        format!("{url}/{}{query}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let gone = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A database that stays behind is named like this one; the figures are told all the same.
        drop(execute(&self.server, &gone));
    }
}

fn execute(server: &str, statement: &str) -> Result<()> {
    let mut conn = PgConnection::establish(server)?;
    diesel::sql_query(statement).execute(&mut conn)?;
    Ok(())
}

/// An address that nobody listens on.
fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
