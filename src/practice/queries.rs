//! The practice store's own little database: one table of JSON documents, written in one transaction per change.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;

diesel::table! {
    documents (kind, id) {
        kind -> Text,
        id -> Text,
        json -> Text,
    }
}

/// A document to be written, or without JSON to be removed.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) json: Option<String>,
}

/// Opens (and creates) the file, or a database in memory.
///
/// # Errors
///
/// When the file cannot be opened or is not a database.
pub(super) fn open(path: Option<&Path>) -> Result<SqliteConnection, ConnectionError> {
    let address = path.map_or_else(|| ":memory:".to_owned(), |path| path.display().to_string());
    let mut conn = SqliteConnection::establish(&address)?;
    conn.batch_execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;
         CREATE TABLE IF NOT EXISTS documents (
             kind TEXT NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL,
             CONSTRAINT documents_pkey PRIMARY KEY (kind, id)
         ) WITHOUT ROWID;",
    )
    .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// All documents of a kind.
///
/// # Errors
///
/// When the database cannot be read.
pub(super) fn list(conn: &mut SqliteConnection, kind: &str) -> QueryResult<Vec<String>> {
    documents::table
        .filter(documents::kind.eq(kind))
        .select(documents::json)
        .load(conn)
}

/// Writes all changes or none.
///
/// # Errors
///
/// When the database cannot be written.
pub(super) fn save(conn: &mut SqliteConnection, changes: &[Change]) -> QueryResult<()> {
    conn.immediate_transaction(|conn| {
        for change in changes {
            match &change.json {
                Some(json) => {
                    diesel::replace_into(documents::table)
                        .values((
                            documents::kind.eq(change.kind),
                            documents::id.eq(&change.id),
                            documents::json.eq(json),
                        ))
                        .execute(conn)?;
                }
                None => {
                    diesel::delete(documents::table.find((change.kind, &change.id)))
                        .execute(conn)?;
                }
            }
        }
        Ok(())
    })
}
