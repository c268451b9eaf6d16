//! Statements that a connection plans once and keeps.
//!
//! diesel has the database read an `UPDATE`, an `INSERT` of several rows and raw SQL anew each time, since their texts
//! may differ without end; planning them costs PostgreSQL more than running them. The statements of the hot path come
//! in few forms: [`Prepare::prepared`] says so, and they are kept by their text.
use diesel::backend::Backend;
use diesel::internal::derives::multiconnection::AstPassHelper as _;
use diesel::query_builder::{AstPass, Query, QueryBuilder as _, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl};

/// A statement whose text comes in few forms.
#[must_use = "a statement does nothing until it is executed or loaded"]
pub struct Prepared<Q> {
    query: Q,
}

/// Says of a statement that it is worth keeping. It runs on a connection of one kind (see [`native!`](crate::native)).
pub trait Prepare: Sized {
    /// Has the connection keep the statement: for one whose text is always the same, or nearly.
    fn prepared(self) -> Prepared<Self> {
        Prepared { query: self }
    }
}

impl<Q: QueryId> Prepare for Q {}

impl<Q, DB> QueryFragment<DB> for Prepared<Q>
where
    DB: Backend,
    DB::QueryBuilder: Default,
    Q: QueryFragment<DB>,
{
    // A statement says by itself that it must not be kept, wherever it is walked through. So its text is made apart
    // and handed on as it is: text has no such wish. It is how diesel's own `MultiConnection` hands on a statement.
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if pass.bind_collector().is_some() || pass.debug_binds().is_some() {
            return self.query.walk_ast(pass);
        }
        let mut text = DB::QueryBuilder::default();
        self.query.to_sql(&mut text, pass.backend())?;
        pass.push_sql(&text.finish());
        Ok(())
    }
}

// Kept by the text: one type may come in several forms.
impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, Conn> RunQueryDsl<Conn> for Prepared<Q> {}

/// How many of so many rows go into the next `INSERT`. Every number of rows is a statement of its own, which stays in
/// memory as long as the connection: so there are few numbers.
#[must_use]
pub const fn at_once(rows: usize) -> usize {
    match rows {
        0..=8 => rows,
        9..=15 => 8,
        16..=31 => 16,
        32..=63 => 32,
        _ => 64,
    }
}

/// The inserts of single rows of one table, run as one statement of all of them: what diesel makes of several rows on
/// SQLite is planned anew each time.
pub struct Rows<S>(pub Vec<S>);

impl<S: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Rows<S> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        const VALUES: &str = " VALUES ";
        if pass.bind_collector().is_some() || pass.debug_binds().is_some() {
            for row in &self.0 {
                row.walk_ast(pass.reborrow())?;
            }
            return Ok(());
        }
        let Some(first) = self.0.first() else {
            return Ok(());
        };
        let mut text = <Sqlite as Backend>::QueryBuilder::default();
        first.to_sql(&mut text, pass.backend())?;
        let text = text.finish();
        let values = text
            .rfind(VALUES)
            .map_or("", |at| &text[at + VALUES.len()..]);
        pass.push_sql(&text);
        for _row in &self.0[1..] {
            pass.push_sql(", ");
            pass.push_sql(values);
        }
        Ok(())
    }
}

// Kept by the text, as a prepared statement.
impl<S> QueryId for Rows<S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S, Conn> RunQueryDsl<Conn> for Rows<S> {}
