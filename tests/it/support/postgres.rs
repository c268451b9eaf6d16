//! A PostgreSQL of a story's own, which it may stop and start as it likes.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Free ports that are tried: somebody else may take one between the choice and the start.
const TRIES: u32 = 5;

/// A server on a port of its own; gone when dropped.
pub(crate) struct OwnPostgres {
    programs: PathBuf,
    /// PostgreSQL refuses to run as root: then another user runs it.
    owner: Option<&'static str>,
    port: u16,
    folder: tempfile::TempDir,
}

impl OwnPostgres {
    /// Started. What it has committed outlives its crash: only the machine's own must not happen.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let owner = is_root().then(|| {
            if has_user("postgres") {
                "postgres"
            } else {
                "nobody"
            }
        });
        if let Some(owner) = owner {
            run(Command::new("chown").arg(owner).arg(folder.path()));
        }
        let mut server = Self {
            programs: programs(),
            owner,
            port: 0,
            folder,
        };
        let data = server.data();
        run(server
            .program("initdb")
            .args(["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8"])
            .args(["--locale=C.UTF-8", "--no-sync"]));
        for _ in 0..TRIES {
            let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
            server.port = free.local_addr().expect("its address").port();
            drop(free);
            if server.control(&["start"]).status.success() {
                return server;
            }
        }
        let log = std::fs::read_to_string(server.folder.path().join("log"));
        panic!("PostgreSQL does not start: {}", log.unwrap_or_default());
    }

    /// The address of the database it comes with.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it as a crash would: no connection is asked.
    pub(crate) fn crash(&self) {
        assert!(self.control(&["stop", "-m", "immediate"]).status.success());
    }

    /// Starts it again; it recovers what it had committed.
    pub(crate) fn come_back(&self) {
        assert!(self.control(&["start"]).status.success());
    }

    /// Both at once.
    pub(crate) fn restart(&self) {
        assert!(
            self.control(&["restart", "-m", "immediate"])
                .status
                .success()
        );
    }

    fn control(&self, what: &[&str]) -> Output {
        let folder = self.folder.path().display();
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off \
             -c max_connections=200",
            self.port
        );
        let log = format!("{folder}/log");
        self.program("pg_ctl")
            .args(["-D", &self.data(), "-l", &log, "-o", &options])
            .args(["-w", "-t", "60"])
            .args(what)
            .output()
            .expect("pg_ctl runs")
    }

    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = match self.owner {
            Some(owner) => {
                let mut command = Command::new("runuser");
                command.args(["-u", owner, "--"]).arg(path);
                command
            }
            None => Command::new(path),
        };
        command.current_dir("/");
        command
    }

    fn data(&self) -> String {
        format!("{}/data", self.folder.path().display())
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        let _ = self.control(&["stop", "-m", "immediate"]);
    }
}

// Debian keeps the server's programs out of PATH.
fn programs() -> PathBuf {
    let found = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let found = found.flatten().map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = found.chain(std::env::split_paths(&path));
    all.find(|folder| folder.join("initdb").exists())
        .expect("PostgreSQL is missing: install the package postgresql")
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    id.stdout.trim_ascii() == b"0"
}

fn has_user(name: &str) -> bool {
    let id = Command::new("id").arg(name).output().expect("id runs");
    id.status.success()
}

fn run(command: &mut Command) {
    let ended = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{command:?}: {said}");
}
