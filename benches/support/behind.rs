//! A long past: finished events and orders that stand in the tables before anything is measured.
use counterfoil::platform::db::{Db, DbConnection, DbError};
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl as _};

/// How many rows one statement writes.
const STEP: u64 = 100_000;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Puts `count` done events and as many orders of one line into a house that holds one order already.
///
/// # Errors
///
/// The database's.
pub(crate) fn fill(db: &Db, count: u64) -> Result<(), DbError> {
    let mut first = 1;
    while first <= count {
        let last = count.min(first + STEP - 1);
        db.write_here(|conn| {
            let orders = columns(conn, "orders")?;
            let lines = columns(conn, "order_lines")?;
            let numbers = format!(
                "WITH RECURSIVE past (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM past WHERE n < {last})"
            );
            let blob = match conn {
                DbConnection::Postgres(_) => "convert_to(repeat('x', 1000), 'UTF8')",
                DbConnection::Sqlite(_) => "zeroblob(1000)",
            };
            let events = format!(
                "INSERT INTO webhook_events (source, shop_domain, webhook_id, topic, key, snapshot, ver, received_at, \
                   secret_label, headers, body, due_at, status, finished_at) \
                 {numbers} SELECT 'shopify', 'past.myshopify.com', 'past-' || n, 'orders/create', \
                   'past.myshopify.com/order/' || n, TRUE, n, n, 'app', '{{}}', {blob}, n, 3, n FROM past"
            );
            conn.batch_execute(&events)?;
            let copied = copied(&orders);
            let names = orders.join(", ");
            conn.batch_execute(&format!(
                "INSERT INTO orders ({names}) {numbers} SELECT {copied} FROM past, orders AS one \
                  WHERE one.id = (SELECT min(id) FROM orders)"
            ))?;
            let names = lines.join(", ");
            let copied = lines.iter().map(|name| match name.as_str() {
                "order_id" => "parent.id".to_owned(),
                name => format!("one.{name}"),
            });
            let copied = copied.collect::<Vec<_>>().join(", ");
            conn.batch_execute(&format!(
                "INSERT INTO order_lines ({names}) {numbers} SELECT {copied} \
                   FROM past JOIN orders AS parent ON parent.number = 'past-' || n, order_lines AS one \
                  WHERE one.id = (SELECT min(id) FROM order_lines)"
            ))?;
            // As many words as an order has: one of its own, one that all have, and some that many have.
            for word in ["'past-' || n", "'past'", "'buyer' || n % 5000", "'name' || n % 200", "'sku-' || n % 500"] {
                conn.batch_execute(&format!(
                    "INSERT INTO order_terms (order_id, term) {numbers} SELECT parent.id, {word} \
                       FROM past JOIN orders AS parent ON parent.number = 'past-' || n"
                ))?;
            }
            Ok::<(), DbError>(())
        })?;
        first = last + 1;
    }
    db.write_here(|conn| Ok::<(), DbError>(conn.batch_execute("ANALYZE")?))
}

/// The same as in the order that is there, but for what has to be unlike: these have left, one each second before it.
fn copied(columns: &[String]) -> String {
    let values = columns.iter().map(|name| match name.as_str() {
        "public_id" | "external_id" | "number" => "'past-' || n".to_owned(),
        "work_state" => "'shipped'".to_owned(),
        "placed_at" => "one.placed_at - n * 1000000".to_owned(),
        _ => format!("one.{name}"),
    });
    values.collect::<Vec<_>>().join(", ")
}

fn columns(conn: &mut DbConnection, table: &str) -> Result<Vec<String>, DbError> {
    let query = match conn {
        DbConnection::Postgres(_) => format!(
            "SELECT column_name::text AS name FROM information_schema.columns \
              WHERE table_name = '{table}' AND table_schema = current_schema()"
        ),
        DbConnection::Sqlite(_) => format!("SELECT name FROM pragma_table_info('{table}')"),
    };
    let columns: Vec<Column> = match conn {
        DbConnection::Postgres(conn) => diesel::sql_query(query).load(conn)?,
        DbConnection::Sqlite(conn) => diesel::sql_query(query).load(conn)?,
    };
    let names = columns.into_iter().map(|column| column.name);
    Ok(names.filter(|name| name != "id").collect())
}
