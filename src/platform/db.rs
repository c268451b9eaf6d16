//! The database: pool, connection, transactions. The only place that opens a transaction.
mod checkpoints;
pub mod prepared;
pub mod queries;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use checkpoints::Checkpoints;
use diesel::backend::Backend;
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::migration::{self, MigrationSource};
use diesel::pg::Pg;
use diesel::r2d2::{ManageConnection, Pool, PooledConnection};
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use diesel::sqlite::Sqlite;
use diesel::{Connection, PgConnection, QueryResult, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use turns::{Turn, Turns};

use crate::platform::{priority, trail};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// For so long after something urgent the next is looked out for: whoever takes a long turn meanwhile is in its way.
const LATELY: Duration = Duration::from_millis(100);

/// How often a transaction that lost a deadlock or a serialization conflict is begun again.
const CONFLICT_TRIES: u32 = 8;

/// One connection to either database.
#[derive(diesel::MultiConnection)]
pub enum DbConnection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// Runs one diesel expression on the concrete connection: for upserts and batches, which do not
/// compile on the enum. The expression is the same for both databases.
#[macro_export]
macro_rules! native {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::platform::db::DbConnection::Postgres($c) => $body,
            $crate::platform::db::DbConnection::Sqlite($c) => $body,
        }
    };
}

/// Inserts rows, up to 64 with one statement, which the connection keeps.
#[macro_export]
macro_rules! insert_rows {
    ($conn:expr, $table:expr, $rows:expr) => {{
        use $crate::platform::db::prepared::{Prepare as _, Rows, at_once};
        let mut rest = &$rows[..];
        loop {
            let (rows, later) = rest.split_at(at_once(rest.len()));
            if rows.is_empty() {
                break diesel::QueryResult::Ok(());
            }
            let inserted = match $conn {
                $crate::platform::db::DbConnection::Postgres(c) => diesel::insert_into($table)
                    .values(rows)
                    .prepared()
                    .execute(c),
                $crate::platform::db::DbConnection::Sqlite(c) => {
                    let each = |row| diesel::insert_into($table).values(row);
                    Rows(rows.iter().map(each).collect()).execute(c)
                }
            };
            if let Err(error) = inserted {
                break Err(error);
            }
            rest = later;
        }
    }};
}

/// What can go wrong between us and the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("no database connection is free")]
    Busy(#[source] r2d2::Error),
    #[error("the database cannot be opened: {0}")]
    Open(String),
    #[error("the query failed: {0}")]
    Query(#[from] QueryError),
    #[error("the migrations failed: {0}")]
    Migration(String),
    #[error("the work on the database was interrupted")]
    Interrupted,
    #[error("somebody else changed the same rows meanwhile")]
    Overtaken,
}

impl DbError {
    /// Whether the same transaction, begun again, may well succeed.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        match self {
            DbError::Query(QueryError::DatabaseError(
                DatabaseErrorKind::SerializationFailure,
                _,
            )) => true,
            DbError::Query(QueryError::DatabaseError(_, info)) => {
                let message = info.message();
                message.contains("deadlock detected") || message.contains("database is locked")
            }
            DbError::Overtaken => true,
            DbError::Query(_)
            | DbError::Busy(_)
            | DbError::Open(_)
            | DbError::Migration(_)
            | DbError::Interrupted => false,
        }
    }

    /// Whether the database could not be spoken to, or left in the middle: a restart, a broken network. What was
    /// under way may have been committed or not.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            DbError::Busy(_) | DbError::Open(_) => true,
            DbError::Query(error) => has_left(error),
            DbError::Migration(_) | DbError::Interrupted | DbError::Overtaken => false,
        }
    }

    /// Whether a unique key refused the row.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        matches!(
            self,
            DbError::Query(QueryError::DatabaseError(
                DatabaseErrorKind::UniqueViolation,
                _
            ))
        )
    }
}

fn has_left(error: &QueryError) -> bool {
    if let QueryError::RollbackErrorOnCommit { commit_error, .. } = error {
        return has_left(commit_error);
    }
    matches!(
        error,
        QueryError::DatabaseError(
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
            _
        ) | QueryError::BrokenTransactionManager
    )
}

/// Opens connections of the kind that the URL names.
#[derive(Clone, Debug)]
pub struct Manager {
    url: String,
    /// For how long PostgreSQL lets one of them stand idle in a transaction.
    idle_secs: u32,
}

/// A process that stops in the middle of a transaction keeps its locks; for so long all others may have to wait.
const IDLE_SECS: u32 = 15;
/// The same where a peer waits to be told: it gives up after 5 seconds.
const IDLE_URGENT_SECS: u32 = 2;

/// Connections to PostgreSQL for what is urgent: while one waits for the disk, the next takes what has come meanwhile.
pub const URGENT: u32 = 2;

impl ManageConnection for Manager {
    type Connection = DbConnection;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<DbConnection, Self::Error> {
        let open = diesel::r2d2::Error::ConnectionError;
        let setup = diesel::r2d2::Error::QueryError;
        if is_postgres(&self.url) {
            let mut conn = PgConnection::establish(&self.url).map_err(open)?;
            let idle = self.idle_secs;
            conn.batch_execute(&format!(
                "SET idle_in_transaction_session_timeout = '{idle}s'"
            ))
            .map_err(setup)?;
            return Ok(DbConnection::Postgres(conn));
        }
        let mut conn = SqliteConnection::establish(sqlite_path(&self.url)).map_err(open)?;
        // FULL: in WAL mode NORMAL can lose the last commits in a power cut, and an acknowledged
        // webhook is a promise.
        conn.batch_execute(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY; \
             PRAGMA wal_autocheckpoint = 0;",
        )
        .map_err(setup)?;
        Ok(DbConnection::Sqlite(conn))
    }

    fn is_valid(&self, conn: &mut DbConnection) -> Result<(), Self::Error> {
        conn.batch_execute("SELECT 1")
            .map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, conn: &mut DbConnection) -> bool {
        std::thread::panicking()
            || match conn {
                DbConnection::Postgres(c) => {
                    AnsiTransactionManager::is_broken_transaction_manager(c)
                }
                DbConnection::Sqlite(c) => AnsiTransactionManager::is_broken_transaction_manager(c),
            }
    }
}

/// The pools, and for SQLite the line in which its writers stand.
#[derive(Clone)]
pub struct Db {
    pool: Pool<Manager>,
    /// Who writes never waits for those who only read: SQLite's one writer has a connection of its own, and so has
    /// what a peer waits to be told.
    writing: Pool<Manager>,
    urgent: Pool<Manager>,
    manager: Manager,
    turns: Arc<Turns>,
    /// Of SQLite.
    checkpoints: Option<Arc<Checkpoints>>,
}

impl Db {
    /// Opens the database behind `url`: `sqlite:PATH` or `postgres://...`.
    ///
    /// # Errors
    ///
    /// `Open` with the database's own words.
    pub fn open(url: &str, connections: u32) -> Result<Db, DbError> {
        let manager = Manager {
            url: url.to_owned(),
            idle_secs: IDLE_SECS,
        };
        let urgent = Manager {
            idle_secs: IDLE_URGENT_SECS,
            ..manager.clone()
        };
        // The pool's own first try hides the reason: ask once in the open.
        manager
            .connect()
            .map_err(|error| DbError::Open(error.to_string()))?;
        let postgres = is_postgres(url);
        let pool = pool(&manager, connections, postgres)?;
        // Not asked whether they still stand: whoever is told to hurry finds out by using them.
        let apart = self::pool(&urgent, if postgres { URGENT } else { 1 }, false)?;
        let turns = Arc::default();
        let checkpoints = if postgres {
            None
        } else {
            let started = Checkpoints::start(&manager, Arc::clone(&turns))?;
            Some(Arc::new(started))
        };
        Ok(Db {
            writing: if postgres {
                pool.clone()
            } else {
                apart.clone()
            },
            urgent: apart,
            pool,
            manager: urgent,
            turns,
            checkpoints,
        })
    }

    /// Whether this is the server database, over which several processes may work.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.checkpoints.is_none()
    }

    /// Whether somebody urgent waits for SQLite's one writer, or will before long: whoever has it should soon be done.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.turns.is_urgent(LATELY)
    }

    /// Connections in use and the pool's size.
    #[must_use]
    pub fn pool_use(&self) -> (u32, u32) {
        let state = self.pool.state();
        (
            state.connections.saturating_sub(state.idle_connections),
            self.pool.max_size(),
        )
    }

    /// Brings the tables up to date; returns how many migrations ran.
    ///
    /// # Errors
    ///
    /// `Migration` with the step that failed.
    pub fn migrate(&self) -> Result<usize, DbError> {
        let _turn = self.turns.wait();
        let conn = &mut *self.connection()?;
        match conn {
            DbConnection::Postgres(c) => c.run_pending_migrations(POSTGRES).map(|ran| ran.len()),
            DbConnection::Sqlite(c) => c.run_pending_migrations(SQLITE).map(|ran| ran.len()),
        }
        .map_err(|error| DbError::Migration(error.to_string()))
    }

    /// Runs `work` on a blocking thread, seeing one state of the data throughout.
    ///
    /// # Errors
    ///
    /// Those of `work`; `Busy` when no connection is free.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut DbConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let db = self.clone();
        let work = trail::carry(move || db.read_here(work));
        tokio::task::spawn_blocking(move || {
            priority::step_back();
            work()
        })
        .await
        .map_err(|_stopped| DbError::Interrupted)?
    }

    /// Runs `work` on a blocking thread in one transaction; an `Err` undoes all of it.
    ///
    /// # Errors
    ///
    /// Those of `work`; `Busy` when no connection is free.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut DbConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let db = self.clone();
        let work = trail::carry(move || db.write_here(work));
        tokio::task::spawn_blocking(move || {
            priority::step_back();
            work()
        })
        .await
        .map_err(|_stopped| DbError::Interrupted)?
    }

    /// As [`Db::read`], on this thread.
    ///
    /// # Errors
    ///
    /// As [`Db::read`].
    pub fn read_here<T, E: From<DbError>>(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut conn = self.connection()?;
        transact(&mut conn, begin_read, work)
    }

    /// As [`Db::write`], on this thread.
    ///
    /// # Errors
    ///
    /// As [`Db::write`].
    pub fn write_here<T, E: From<DbError>>(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let _turn = self.turn(Turns::wait);
        let mut conn = self.writing.get().map_err(DbError::Busy)?;
        self.written(transact(&mut conn, begin_write, work))
    }

    /// As [`Db::write_here`], before everybody who waits to write: for what a peer waits to be told.
    ///
    /// # Errors
    ///
    /// As [`Db::write`].
    pub fn write_urgently_here<T, E: From<DbError>>(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let _turn = self.turn(Turns::wait_urgently);
        let mut conn = self.urgent.get().map_err(DbError::Busy)?;
        self.written(transact(&mut conn, begin_write, work))
    }

    /// As [`Db::write_urgently_here`], for what is one statement on PostgreSQL: there it is a transaction by itself, and
    /// asked once more where the server had gone. What it then finds done already may be its own.
    ///
    /// # Errors
    ///
    /// As [`Db::write`].
    pub fn write_at_once_here<T>(
        &self,
        mut work: impl FnMut(&mut DbConnection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        if !self.is_postgres() {
            return self.write_urgently_here(work);
        }
        let mut conn = self.urgent.get().map_err(DbError::Busy)?;
        match work(&mut conn) {
            Err(error) if error.is_away() => {
                let again = self.manager.connect();
                *conn = again.map_err(|error| DbError::Open(error.to_string()))?;
                work(&mut conn)
            }
            done => done,
        }
    }

    /// As [`Db::write_here`], begun again when PostgreSQL chose it as the victim of a conflict.
    ///
    /// # Errors
    ///
    /// As [`Db::write_here`]; a conflict only after several tries.
    pub fn write_repeating<T>(
        &self,
        mut work: impl FnMut(&mut DbConnection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let mut tries = 0;
        loop {
            match self.write_here(&mut work) {
                Err(error) if error.is_conflict() && tries < CONFLICT_TRIES => tries += 1,
                result => return result,
            }
        }
    }

    fn turn<'a>(&'a self, wait: impl FnOnce(&'a Turns) -> Turn<'a>) -> Option<Turn<'a>> {
        (!self.is_postgres()).then(|| wait(&self.turns))
    }

    fn written<T, E>(&self, result: Result<T, E>) -> Result<T, E> {
        if let (Ok(_), Some(checkpoints)) = (&result, &self.checkpoints) {
            checkpoints.written();
        }
        result
    }

    fn connection(&self) -> Result<PooledConnection<Manager>, DbError> {
        self.pool.get().map_err(DbError::Busy)
    }
}

/// The versions of the migrations that this program brings for the database of `conn`.
///
/// # Errors
///
/// `Migration` where one cannot be read.
pub fn migrations(conn: &DbConnection) -> Result<Vec<String>, DbError> {
    fn versions<B: Backend>(source: &impl MigrationSource<B>) -> migration::Result<Vec<String>> {
        let all = source.migrations()?;
        Ok(all
            .iter()
            .map(|one| one.name().version().to_string())
            .collect())
    }
    match conn {
        DbConnection::Postgres(_) => versions::<Pg>(&POSTGRES),
        DbConnection::Sqlite(_) => versions::<Sqlite>(&SQLITE),
    }
    .map_err(|error| DbError::Migration(error.to_string()))
}

fn pool(manager: &Manager, connections: u32, tested: bool) -> Result<Pool<Manager>, DbError> {
    Pool::builder()
        .max_size(connections)
        .min_idle(Some(1))
        .test_on_check_out(tested)
        .connection_timeout(Duration::from_secs(3))
        .build(manager.clone())
        .map_err(|error| DbError::Open(error.to_string()))
}

/// Runs `work` in a savepoint: its `Err` undoes what it did and nothing else.
///
/// # Errors
///
/// Those of `work`.
pub fn savepoint<T, E: From<DbError>>(
    conn: &mut DbConnection,
    work: impl FnOnce(&mut DbConnection) -> Result<T, E>,
) -> Result<T, E> {
    transact(conn, Transactions::begin_transaction, work)
}

type Transactions = <DbConnection as Connection>::TransactionManager;

fn transact<T, E: From<DbError>>(
    conn: &mut DbConnection,
    begin: fn(&mut DbConnection) -> QueryResult<()>,
    work: impl FnOnce(&mut DbConnection) -> Result<T, E>,
) -> Result<T, E> {
    begin(conn).map_err(DbError::from)?;
    let result = work(conn);
    match &result {
        Ok(_) => Transactions::commit_transaction(conn).map_err(DbError::from)?,
        // The error of `work` says more than that of its rollback.
        Err(_) => drop(Transactions::rollback_transaction(conn)),
    }
    result
}

fn begin_read(conn: &mut DbConnection) -> QueryResult<()> {
    match conn {
        DbConnection::Sqlite(conn) => AnsiTransactionManager::begin_transaction(conn),
        DbConnection::Postgres(conn) => AnsiTransactionManager::begin_transaction_sql(
            conn,
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        ),
    }
}

// SQLite cannot wait for its write lock in a transaction that has already read: it fails at once
// whatever busy_timeout says. BEGIN IMMEDIATE waits at the start.
fn begin_write(conn: &mut DbConnection) -> QueryResult<()> {
    match conn {
        DbConnection::Sqlite(conn) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")
        }
        DbConnection::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn),
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

fn sqlite_path(url: &str) -> &str {
    url.strip_prefix("sqlite:").unwrap_or(url)
}
