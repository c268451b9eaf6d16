//! What is known of people, column by column: each room keeps its part of the register, and erasing
//! somebody and telling them what is known both walk it. A column that stands neither in a register nor
//! in the list of impersonal ones (`tests/it/personal_data.rs`) fails a test.
pub mod queries;
mod scrub;

pub use scrub::{Fate, scrub};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::platform::db::{DbConnection, DbError};
use crate::platform::personal_data::queries::Value;

/// Whose id leads to the rows of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Contact,
    Account,
    Order,
    /// A stored webhook.
    Event,
    Job,
    /// People who work with the program: not part of a customer's report or erasure.
    Staff,
    /// Whoever sent a delivery that was refused.
    Sender,
}

/// What erasing does to a value.
#[derive(Clone, Copy, Debug)]
pub enum Erasure {
    /// Nothing is left.
    Null,
    /// A word is left, where the column or a page needs one.
    Word(&'static str),
    /// What does not tell of a person is left.
    Text(fn(&str) -> String),
    /// As `Text`, for bytes.
    Bytes(fn(&[u8]) -> Vec<u8>),
    /// As `Bytes`, for the bodies of stored webhooks, however each is stored.
    Body(fn(&[u8]) -> Vec<u8>),
    /// Nothing is left of its bytes; told as base64, since they are no text.
    Picture,
    /// It stays, for the reason that the register gives.
    Stays,
}

/// One column that holds something about people.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub table: &'static str,
    pub column: &'static str,
    pub subject: Subject,
    /// What the subject's id stands in: `id`, `order_id`.
    pub by: &'static str,
    pub erasure: Erasure,
    pub reason: &'static str,
    /// How long it is kept.
    pub kept: &'static str,
}

/// The platform's own part.
pub const COLUMNS: &[Column] = &[Column {
    table: "rejected_webhooks",
    column: "address",
    subject: Subject::Sender,
    by: "id",
    erasure: Erasure::Stays,
    reason: "who tries to forge deliveries",
    kept: "the last 1,000 refusals",
}];

/// Erases what the register knows of these subjects; doing it again changes nothing.
///
/// # Errors
///
/// The database's.
pub fn erase(
    conn: &mut DbConnection,
    register: &[Column],
    subject: Subject,
    ids: &[i64],
) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    for column in register.iter().filter(|column| column.subject == subject) {
        match column.erasure {
            Erasure::Null => queries::replace(conn, column, ids, None)?,
            Erasure::Word(word) => queries::replace(conn, column, ids, Some(word))?,
            Erasure::Text(rewrite) => {
                for (row, text) in queries::list_texts(conn, column, ids)? {
                    let left = rewrite(&text);
                    if left != text {
                        queries::set_text(conn, column, row, &left)?;
                    }
                }
            }
            Erasure::Bytes(rewrite) => {
                for (row, bytes) in queries::list_bytes(conn, column, ids)? {
                    let left = rewrite(&bytes);
                    if left != bytes {
                        queries::set_bytes(conn, column, row, &left)?;
                    }
                }
            }
            Erasure::Body(rewrite) => {
                for (row, body) in queries::list_bodies(conn, column, ids)? {
                    let left = rewrite(&body);
                    if left != body {
                        queries::set_body(conn, column, row, &left)?;
                    }
                }
            }
            Erasure::Picture => {
                for (row, bytes) in queries::list_bytes(conn, column, ids)? {
                    if !bytes.is_empty() {
                        queries::set_bytes(conn, column, row, &[])?;
                    }
                }
            }
            Erasure::Stays => {}
        }
    }
    Ok(())
}

/// What the register knows of these subjects: column by column, what is empty left out.
///
/// # Errors
///
/// The database's.
pub fn collect(
    conn: &mut DbConnection,
    register: &[Column],
    subject: Subject,
    ids: &[i64],
) -> Result<Vec<(Column, Vec<Value>)>, DbError> {
    let mut found = Vec::new();
    for column in register.iter().filter(|column| column.subject == subject) {
        let values = match column.erasure {
            Erasure::Bytes(_) => readable(queries::list_bytes(conn, column, ids)?),
            Erasure::Body(_) => readable(queries::list_bodies(conn, column, ids)?),
            Erasure::Picture => pictures(queries::list_bytes(conn, column, ids)?),
            Erasure::Null | Erasure::Word(_) | Erasure::Text(_) | Erasure::Stays => {
                queries::list_texts(conn, column, ids)?
            }
        };
        if !values.is_empty() {
            found.push((*column, values));
        }
    }
    Ok(found)
}

fn pictures(values: Vec<(i64, Vec<u8>)>) -> Vec<Value> {
    values
        .into_iter()
        .filter(|(_row, bytes)| !bytes.is_empty())
        .map(|(row, bytes)| (row, STANDARD.encode(bytes)))
        .collect()
}

fn readable(values: Vec<(i64, Vec<u8>)>) -> Vec<Value> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    values
        .into_iter()
        .map(|(row, bytes)| (row, text(bytes)))
        .collect()
}
