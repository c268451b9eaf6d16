//! `src/schema.rs` says what both migrated databases have: same tables, same columns, same types.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;

use counterfoil::erp::orders::queries::list::View;
use counterfoil::platform::db::{Db, DbConnection, DbError};
use diesel::sql_types::{Bool, Text};
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};

use crate::support::database::{Database, Kind};

/// Column name -> type in schema.rs's words, as `Nullable<BigInt>`.
type Columns = BTreeMap<String, String>;

#[test]
fn sqlite_has_the_tables_of_the_schema() {
    assert_agrees(Kind::Sqlite);
}

#[test]
fn postgres_has_the_tables_of_the_schema() {
    assert_agrees(Kind::Postgres);
}

#[test]
fn migrations_can_be_undone_and_done_again() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let database = Database::create(kind);
        let before = real(&database);
        redo(&database.url).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert_eq!(before, real(&database), "{kind:?}");
    }
}

/// What stands before the first underscore is a migration's version: of two that share one, the second is never run.
#[test]
fn each_migration_has_a_version_of_its_own() {
    for kind in ["sqlite", "postgres"] {
        let mut versions = BTreeSet::new();
        for entry in fs::read_dir(format!("migrations/{kind}")).expect("the migrations") {
            let name = entry.expect("a migration").file_name();
            let name = name.to_string_lossy().into_owned();
            let version = name.split('_').next().expect("a version").to_owned();
            assert!(versions.insert(version), "{kind}: {name}");
        }
    }
}

/// A view of several states is a partial index that says the same: without it PostgreSQL walks through
/// all orders there ever were to find the oldest ones that wait.
#[test]
fn each_view_of_the_order_list_has_its_index() {
    for kind in ["sqlite", "postgres"] {
        let path = format!("migrations/{kind}/2026-11-21-100000_create_counterfoil/up.sql");
        let tables = fs::read_to_string(path).expect("the migration");
        for states in View::ALL.iter().filter_map(|view| view.states()) {
            let names: Vec<String> = states.iter().map(|state| format!("'{state}'")).collect();
            let index = format!(
                "ON orders (placed_at, id) WHERE work_state IN ({});",
                names.join(", ")
            );
            assert!(
                states.len() == 1 || tables.contains(&index),
                "{kind}: {index}"
            );
        }
    }
}

/// Down to nothing and up again.
fn redo(url: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    if url.starts_with("postgres") {
        let files = FileBasedMigrations::from_path("migrations/postgres")?;
        let mut conn = PgConnection::establish(url)?;
        conn.revert_all_migrations(files.clone())?;
        conn.run_pending_migrations(files)?;
    } else {
        let files = FileBasedMigrations::from_path("migrations/sqlite")?;
        let mut conn = SqliteConnection::establish(url.trim_start_matches("sqlite:"))?;
        conn.revert_all_migrations(files.clone())?;
        conn.run_pending_migrations(files)?;
    }
    Ok(())
}

fn assert_agrees(kind: Kind) {
    let written = written();
    assert!(written.len() > 10, "schema.rs could not be read");
    let real = real(&Database::create(kind));
    let names =
        |tables: &BTreeMap<String, Columns>| tables.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(
        names(&written),
        names(&real),
        "tables in schema.rs and in {kind:?}"
    );
    for (table, columns) in &written {
        assert_eq!(
            columns, &real[table],
            "{table} in schema.rs and in {kind:?}"
        );
    }
}

/// The tables as `src/schema.rs` declares them.
fn written() -> BTreeMap<String, Columns> {
    let text = fs::read_to_string("src/schema.rs").expect("the schema");
    let mut tables = BTreeMap::new();
    for table in text.split("diesel::table! {").skip(1) {
        let (head, body) = table.split_once('{').expect("a table's columns");
        let name = head.split('(').next().unwrap_or_default().trim();
        let (body, _) = body.split_once('}').expect("a table's end");
        let mut columns = Columns::new();
        let mut real_name = None;
        for line in body.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("#[sql_name = \"") {
                real_name = name.strip_suffix("\"]").map(str::to_owned);
            } else if let Some((column, kind)) = line.split_once("->") {
                let column = real_name.take().unwrap_or_else(|| column.trim().to_owned());
                columns.insert(column, kind.trim().trim_end_matches(',').to_owned());
            }
        }
        tables.insert(name.to_owned(), columns);
    }
    tables
}

#[derive(diesel::QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

const ON_SQLITE: &str = "SELECT m.name AS table_name, c.name AS column_name, c.type AS kind, \
     (c.\"notnull\" = 0) AS nullable \
     FROM sqlite_master m JOIN pragma_table_info(m.name) c \
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";

const ON_POSTGRES: &str = "SELECT table_name::TEXT, column_name::TEXT, data_type::TEXT AS kind, \
     (is_nullable = 'YES') AS nullable \
     FROM information_schema.columns WHERE table_schema = 'public'";

/// The tables as the migrations made them.
fn real(database: &Database) -> BTreeMap<String, Columns> {
    let db = Db::open(&database.url, 1).expect("the database opens");
    let found: Result<Vec<Column>, DbError> = db.read_here(|conn| {
        Ok(match conn {
            DbConnection::Sqlite(conn) => diesel::sql_query(ON_SQLITE).load(conn)?,
            DbConnection::Postgres(conn) => diesel::sql_query(ON_POSTGRES).load(conn)?,
        })
    });
    let mut tables: BTreeMap<String, Columns> = BTreeMap::new();
    for column in found.expect("the columns") {
        // diesel's own book of migrations.
        if column.table_name == "__diesel_schema_migrations" {
            continue;
        }
        let spelled = spelled(&column);
        let columns = tables.entry(column.table_name).or_default();
        columns.insert(column.column_name, spelled);
    }
    tables
}

/// A real column's type in schema.rs's words.
fn spelled(column: &Column) -> String {
    let plain = match column.kind.to_lowercase().as_str() {
        "bigint" => "BigInt",
        // SQLite numbers its rows only in a column of exactly this type, which holds 64 bits; all
        // other whole numbers of 32 bits are never called `id` or `seq`.
        "integer" if ["id", "seq"].contains(&column.column_name.as_str()) => "BigInt",
        "integer" => "Integer",
        "smallint" => "SmallInt",
        "text" => "Text",
        "boolean" => "Bool",
        "blob" | "bytea" => "Binary",
        _ => panic!(
            "{}.{}: {}",
            column.table_name, column.column_name, column.kind
        ),
    };
    if column.nullable {
        format!("Nullable<{plain}>")
    } else {
        plain.to_owned()
    }
}
