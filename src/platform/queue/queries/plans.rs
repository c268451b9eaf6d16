//! How SQLite would go about a statement, for the tests of this folder.
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::native;
use crate::platform::db::{Db, DbError};

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// A house that was just set up.
pub(super) fn new_house() -> Db {
    let db = Db::open("sqlite::memory:", 1).expect("a database");
    db.migrate().expect("the tables");
    db
}

/// The steps of the plan.
pub(super) fn of_sqlite(db: &Db, text: &str) -> Vec<String> {
    let explain = format!("EXPLAIN QUERY PLAN {text}");
    let steps = db.read_here(|conn| -> Result<Vec<Step>, DbError> {
        Ok(native!(conn, |c| diesel::sql_query(&explain).load(c))?)
    });
    let steps = steps.expect("a plan").into_iter();
    steps.map(|step| step.detail).collect()
}
