//! What Counterfoil is compared with: two Express receivers in `benches/peers`, and PostgreSQL by itself.
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::process::Process;
use crate::sender::Target;
use crate::server::{Database, free_address};
use crate::{Problem, Result, SECRET, SHOP};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}

/// Fetches what the receivers need, once: the versions that their lock file names.
pub(crate) fn fetch() -> Result<()> {
    if folder().join("node_modules").is_dir() {
        return Ok(());
    }
    let mut fetch = Command::new("npm");
    fetch.args(["ci", "--silent"]).current_dir(folder());
    // Where the compiled part is not at hand it is built, with the headers that came with node.
    if let Some(node) = which("node") {
        fetch.env("npm_config_nodedir", node.parent().unwrap_or(&node));
    }
    done("npm ci in benches/peers", &mut fetch)
}

/// A receiver of Express with a database of its own; both go when this goes.
pub(crate) struct Peer {
    pub(crate) process: Process,
    url: String,
    _folder: TempDir,
    _database: Option<Database>,
}

impl Peer {
    /// With better-sqlite3, or on the given PostgreSQL server.
    pub(crate) fn start(server: Option<&str>) -> Result<Peer> {
        let folder = tempfile::tempdir()?;
        let database = server.map(Database::create).transpose()?;
        let (script, store) = match &database {
            Some(database) => ("postgres.js", database.url()),
            None => {
                let file = folder.path().join("peer.db");
                ("sqlite.js", file.display().to_string())
            }
        };
        let address = free_address()?;
        let port = address.rsplit(':').next().unwrap_or_default();
        let mut child = Command::new("node")
            .args([script, port, &store, SECRET])
            .current_dir(self::folder())
            .env("NODE_ENV", "production")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take();
        let process = Process(child);
        let mut told = String::new();
        BufReader::new(output.ok_or_else(|| Problem::Told("no output".to_owned()))?)
            .read_line(&mut told)?;
        if told.trim() != "ready" {
            return Err(Problem::Told(format!("{script} does not start: {told}")));
        }
        Ok(Peer {
            process,
            url: format!("http://{address}"),
            _folder: folder,
            _database: database,
        })
    }

    pub(crate) fn target(&self) -> Target {
        Target {
            url: self.url.clone(),
            shop: SHOP,
            secret: SECRET,
        }
    }
}

/// How many a second `pgbench` inserts of the same row, one by one, over 64 connections.
pub(crate) fn pgbench(database_url: &str, seconds: u64) -> Result<u64> {
    let program = pgbench_program()?;
    let mut script = tempfile::NamedTempFile::new()?;
    let body = include_str!("order.json").replace("@@", "");
    // The program's variables begin with a colon: none may be taken for one.
    let body = body.replace(':', ": ");
    write!(
        script,
        "INSERT INTO webhook_events (source, shop_domain, webhook_id, event_id, topic, api_version, key, snapshot, ver, \
         triggered_at, received_at, secret_label, headers, body, due_at) \
         VALUES ('shopify', '{SHOP}', gen_random_uuid()::text, gen_random_uuid()::text, 'orders/create', '2026-10', \
         '{SHOP}/order/' || (random() * 1e12)::bigint, TRUE, 1793534400000000, 1793534400000000, 1793534400000000, 'app', '{{}}', \
         convert_to($b${body}$b$, 'UTF8'), 1793534400000000) \
         ON CONFLICT (shop_domain, webhook_id) DO NOTHING;"
    )?;
    let output = Command::new(program)
        .args(["-n", "-M", "simple", "-c", "64", "-j", "2", "-T"])
        .arg(seconds.to_string())
        .arg("-f")
        .arg(script.path())
        .arg(database_url)
        .output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    let rate = told
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split('.').next());
    match rate {
        Some(rate) => Ok(rate.parse()?),
        None => Err(Problem::Told(format!(
            "pgbench: {told}{}",
            String::from_utf8_lossy(&output.stderr)
        ))),
    }
}

/// On the path, or where Debian puts it.
fn pgbench_program() -> Result<PathBuf> {
    if let Some(found) = which("pgbench") {
        return Ok(found.join("pgbench"));
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    versions
        .filter_map(|version| Some(version.ok()?.path().join("bin/pgbench")))
        .find(|program| program.is_file())
        .ok_or_else(|| Problem::Told("pgbench is missing (it comes with PostgreSQL)".to_owned()))
}

/// The folder of the path that holds a program.
fn which(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| folder.join(program).is_file())
}

fn done(what: &str, command: &mut Command) -> Result<()> {
    let status = command.status()?;
    if status.success() {
        Ok(())
    } else {
        Err(Problem::Told(format!("{what} ended with {status}")))
    }
}
