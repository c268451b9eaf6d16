//! Ids for rows that are not written yet: whoever knows them beforehand plans a batch in memory and then writes it
//! table by table, whichever rows name each other.
use diesel::sql_types::{BigInt, Integer, Text};
use diesel::{QueryableByName, RunQueryDsl as _};

use super::prepared::Prepare as _;
use super::{DbConnection, DbError};

/// Fresh ids of one table, rising.
pub type Ids = std::vec::IntoIter<i64>;

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Integer)]
    place: i32,
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// Takes so many ids of each of these tables. On SQLite they are taken only once their rows are written, in the same
/// transaction: nobody else writes until it ends.
///
/// # Errors
///
/// The database's.
pub fn take_ids<const N: usize>(
    conn: &mut DbConnection,
    wanted: [(&'static str, usize); N],
) -> Result<[Ids; N], DbError> {
    let mut ids = [const { Vec::new() }; N];
    match conn {
        DbConnection::Postgres(conn) => {
            let parts: Vec<String> = wanted
                .iter()
                .enumerate()
                .map(|(place, (table, _count))| {
                    format!(
                        "SELECT {place} AS place, nextval('{table}_id_seq') AS id FROM generate_series(1, ${})",
                        place + 1
                    )
                })
                .collect();
            let mut query = diesel::sql_query(parts.join(" UNION ALL ")).into_boxed();
            for (_table, count) in wanted {
                query = query.bind::<BigInt, _>(i64::try_from(count).unwrap_or(0));
            }
            let taken: Vec<Taken> = query.prepared().load(conn)?;
            for (place, ids) in (0..).zip(&mut ids) {
                ids.extend(
                    taken
                        .iter()
                        .filter(|one| one.place == place)
                        .map(|one| one.id),
                );
                ids.sort_unstable();
            }
        }
        DbConnection::Sqlite(conn) => {
            let names: Vec<String> = wanted
                .iter()
                .map(|(table, _)| format!("'{table}'"))
                .collect();
            let text = format!(
                "SELECT name, seq FROM sqlite_sequence WHERE name IN ({})",
                names.join(", ")
            );
            let last: Vec<Last> = diesel::sql_query(text).prepared().load(conn)?;
            for ((table, count), ids) in wanted.iter().zip(&mut ids) {
                let last = last.iter().find(|row| row.name == *table);
                let first = last.map_or(1, |row| row.seq + 1);
                ids.extend((first..).take(*count));
            }
        }
    }
    Ok(ids.map(Vec::into_iter))
}
