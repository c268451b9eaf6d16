//! SQL over the columns of the register. Their names are constants of the program; ids are numbers.
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, SmallInt, Text};

use super::Column;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::body::{self, Encoding};

/// A row and what stands in it.
pub type Value = (i64, String);

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    value: String,
}

#[derive(QueryableByName)]
struct BytesRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Binary)]
    value: Vec<u8>,
}

#[derive(QueryableByName)]
struct BodyRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Binary)]
    value: Vec<u8>,
    #[diesel(sql_type = SmallInt)]
    encoding: i16,
}

/// Puts `word`, or nothing, in the place of whatever stands there.
pub(super) fn replace(
    conn: &mut DbConnection,
    column: &Column,
    ids: &[i64],
    word: Option<&str>,
) -> Result<(), DbError> {
    let (table, name) = (column.table, column.column);
    let value = word.map_or_else(|| "NULL".to_owned(), |word| format!("'{word}'"));
    let filter = filter(column, ids);
    let text = format!("UPDATE {table} SET {name} = {value} WHERE {filter}");
    native!(conn, |c| diesel::sql_query(&text).execute(c))?;
    Ok(())
}

pub(super) fn list_texts(
    conn: &mut DbConnection,
    column: &Column,
    ids: &[i64],
) -> Result<Vec<Value>, DbError> {
    let text = listing(column, ids);
    let rows: Vec<TextRow> = native!(conn, |c| diesel::sql_query(&text).load(c))?;
    Ok(rows.into_iter().map(|row| (row.id, row.value)).collect())
}

pub(super) fn list_bytes(
    conn: &mut DbConnection,
    column: &Column,
    ids: &[i64],
) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
    let text = listing(column, ids);
    let rows: Vec<BytesRow> = native!(conn, |c| diesel::sql_query(&text).load(c))?;
    Ok(rows.into_iter().map(|row| (row.id, row.value)).collect())
}

pub(super) fn set_text(
    conn: &mut DbConnection,
    column: &Column,
    row: i64,
    value: &str,
) -> Result<(), DbError> {
    let text = setting(column);
    native!(conn, |c| diesel::sql_query(&text)
        .bind::<Text, _>(value)
        .bind::<BigInt, _>(row)
        .execute(c))?;
    Ok(())
}

pub(super) fn set_bytes(
    conn: &mut DbConnection,
    column: &Column,
    row: i64,
    value: &[u8],
) -> Result<(), DbError> {
    let text = setting(column);
    native!(conn, |c| diesel::sql_query(&text)
        .bind::<Binary, _>(value)
        .bind::<BigInt, _>(row)
        .execute(c))?;
    Ok(())
}

/// As [`list_bytes`], as the bodies came; one that was dropped holds nothing.
pub(super) fn list_bodies(
    conn: &mut DbConnection,
    column: &Column,
    ids: &[i64],
) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
    let (table, name) = (column.table, column.column);
    let filter = filter(column, ids);
    let text = format!(
        "SELECT id, {name} AS value, {name}_encoding AS encoding FROM {table} \
          WHERE {filter} AND {name}_encoding < 2 ORDER BY id"
    );
    let rows: Vec<BodyRow> = native!(conn, |c| diesel::sql_query(&text).load(c))?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, body::open(row.encoding, row.value)))
        .collect())
}

/// Stores what is left of a body, unless it was dropped since.
pub(super) fn set_body(
    conn: &mut DbConnection,
    column: &Column,
    row: i64,
    value: &[u8],
) -> Result<(), DbError> {
    let (table, name) = (column.table, column.column);
    let text = format!(
        "UPDATE {table} SET {name} = $1, {name}_encoding = $2 WHERE id = $3 AND {name}_encoding < 2"
    );
    native!(conn, |c| diesel::sql_query(&text)
        .bind::<Binary, _>(value)
        .bind::<SmallInt, _>(Encoding::Plain.code())
        .bind::<BigInt, _>(row)
        .execute(c))?;
    Ok(())
}

fn listing(column: &Column, ids: &[i64]) -> String {
    let (table, name) = (column.table, column.column);
    let filter = filter(column, ids);
    format!(
        "SELECT id, {name} AS value FROM {table} WHERE {filter} AND {name} IS NOT NULL ORDER BY id"
    )
}

fn setting(column: &Column) -> String {
    let (table, name) = (column.table, column.column);
    format!("UPDATE {table} SET {name} = $1 WHERE id = $2")
}

fn filter(column: &Column, ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    format!("{} IN ({})", column.by, ids.join(", "))
}
