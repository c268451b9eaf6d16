//! Statements that a connection plans once and keeps.
//!
//! diesel has the database read an `UPDATE`, an `INSERT` of several rows and raw SQL anew each time, since their texts
//! may differ without end; planning them costs PostgreSQL more than running them. The statements of the hot path come
//! in few forms: [`Prepare::prepared`] says so, and they are kept by their text.
use diesel::backend::Backend;
use diesel::internal::derives::multiconnection::AstPassHelper as _;
use diesel::query_builder::{AstPass, Query, QueryBuilder as _, QueryFragment, QueryId};
use diesel::{QueryResult, RunQueryDsl};

/// A statement whose text comes in few forms.
#[must_use = "a statement does nothing until it is executed or loaded"]
pub struct Prepared<Q> {
    query: Q,
    kept: bool,
}

/// Rows of an `INSERT` up to which its text is worth keeping: most orders have fewer lines.
const FEW: usize = 8;

/// Says of a statement that it is worth keeping. It runs on a connection of one kind (see [`native!`](crate::native)).
pub trait Prepare: Sized {
    /// Has the connection keep the statement: for one whose text is always the same, or nearly.
    fn prepared(self) -> Prepared<Self> {
        Prepared {
            query: self,
            kept: true,
        }
    }

    /// Has the connection keep the `INSERT` of few rows; every number of rows is a statement of its own, and all stay
    /// in memory as long as the connection.
    fn prepared_for(self, rows: usize) -> Prepared<Self> {
        Prepared {
            query: self,
            kept: rows <= FEW,
        }
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
        if !self.kept || pass.bind_collector().is_some() || pass.debug_binds().is_some() {
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
