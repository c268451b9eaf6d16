//! The program under measurement: the built binary on a temporary folder and a free port.
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use diesel::{Connection, PgConnection, RunQueryDsl};
use tempfile::TempDir;

use crate::process::Process;
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
pub(crate) struct Database {
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
            if let Some(status) = server.process.0.try_wait()? {
                return Err(Problem::Told(format!("`{command}` ended with {status}")));
            }
            if begun.elapsed() > PATIENCE {
                return Err(Problem::Told(format!("`{command}` does not answer")));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Another house that holds what this one holds; nothing may run on this one meanwhile.
    pub(crate) fn copy(&self) -> Result<Home> {
        let folder = tempfile::tempdir()?;
        copy_folder(
            &self.folder.path().join("data"),
            &folder.path().join("data"),
        )?;
        let database = self.database.as_ref().map(Database::copy).transpose()?;
        Ok(Home { folder, database })
    }

    /// What the program's `DATABASE_URL` would be here.
    pub(crate) fn database_url(&self) -> String {
        match &self.database {
            Some(database) => database.url(),
            None => {
                let file = self.folder.path().join("data").join("counterfoil.db");
                format!("sqlite:{}", file.display())
            }
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

    /// Runs a command that ends by itself; gives what it prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.program().args(arguments).output()?;
        if !output.status.success() {
            return Err(Problem::Told(format!("{arguments:?}: {}", output.status)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn program(&self) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
        program
            .current_dir(self.folder.path())
            .env("COUNTERFOIL_DATA", self.folder.path().join("data"))
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        if let Some(database) = &self.database {
            program.env("DATABASE_URL", database.url());
        }
        program
    }

    fn spawn(&self, command: &str) -> Result<Server> {
        let (bind, practice) = (free_address()?, free_address()?);
        let mut program = self.program();
        program
            .arg(command)
            .env("COUNTERFOIL_BIND", &bind)
            .env("COUNTERFOIL_PUBLIC_URL", format!("http://{bind}"))
            .env("PRACTICE_BIND", &practice)
            .env("SHOPIFY_CLIENT_ID", CLIENT_ID)
            .env("SHOPIFY_CLIENT_SECRET", CLIENT_SECRET)
            // Nothing is asked of Shopify while we measure; what is goes nowhere.
            .env("SHOPIFY_ADMIN_URL", format!("http://{practice}"))
            .stdout(Stdio::piped());
        let begun = Instant::now();
        Ok(Server {
            process: Process(program.spawn()?),
            url: format!("http://{bind}"),
            practice: format!("http://{practice}"),
            begun,
            first_answer: Duration::ZERO,
        })
    }
}

/// A running program; it is stopped when this goes.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) url: String,
    pub(crate) practice: String,
    begun: Instant,
    /// From the start of the process to its first answer.
    pub(crate) first_answer: Duration,
}

impl Server {
    /// Reads what the program says until a line holds `text`; gives the rest of that line.
    pub(crate) fn told(&mut self, text: &str) -> Result<String> {
        let output = self.process.0.stdout.as_mut();
        let output = output.ok_or_else(|| Problem::Told("no output".to_owned()))?;
        // One byte at a time: what follows the line is read by the next call.
        for line in BufReader::with_capacity(1, output).lines() {
            if let Some((_before, after)) = line?.split_once(text) {
                return Ok(after.trim().to_owned());
            }
        }
        Err(Problem::Told(format!("it ended without saying {text:?}")))
    }

    /// Stops it as an operator would, and waits for its end.
    pub(crate) fn stop(self) -> Result<()> {
        self.process.stop()
    }
}

impl Database {
    pub(crate) fn create(server: &str) -> Result<Database> {
        Database::made(server, "")
    }

    fn copy(&self) -> Result<Database> {
        Database::made(&self.server, &format!("TEMPLATE {}", self.name))
    }

    fn made(server: &str, how: &str) -> Result<Database> {
        let name = format!("counterfoil_bench_{}", uuid::Uuid::new_v4().simple());
        execute(server, &format!("CREATE DATABASE {name} {how}"))?;
        Ok(Database {
            server: server.to_owned(),
            name,
        })
    }

    pub(crate) fn url(&self) -> String {
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

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let there = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &there)?;
        } else {
            std::fs::copy(entry.path(), &there)?;
        }
    }
    Ok(())
}

/// An address that nobody listens on.
pub(crate) fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
