//! Whole tables as lines of text, with names in place of the numbers that each house gives by itself, so that what
//! two houses hold can be compared. Every column is compared unless it is named here.

use std::collections::BTreeMap;

use counterfoil::platform::db::{DbConnection, DbError};
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::support::app::TestApp;
use crate::support::database::Kind;

/// A table, whose rows count, and what of them does not.
pub(crate) struct Table {
    name: &'static str,
    rows: &'static str,
    left_out: &'static [&'static str],
}

const fn table(name: &'static str, rows: &'static str, left_out: &'static [&'static str]) -> Table {
    Table {
        name,
        rows,
        left_out,
    }
}

/// What stands now, however it came about.
pub(crate) const STANDING: &[Table] = &[
    // The version counts the changes that were seen; fewer are where a newer state came first.
    table("orders", "", &["version"]),
    table("order_lines", "", &[]),
    table("order_charges", "", &[]),
    table("order_taxes", "", &[]),
    table("order_discounts", "", &[]),
    table("order_totals", "", &[]),
    table("order_details", "", &[]),
    // Two topics carry one state: which of them brought it is a matter of which came first.
    table("order_sources", "", &["event_id"]),
    table("line_products", "", &[]),
    table("reservations", "WHERE quantity <> 0", &[]),
    table("stock_levels", "", &[]),
    table("stock_movements", "", &[]),
    table("holds", "WHERE released_at IS NULL", &[]),
    table("shipments", "", &[]),
    // Where somebody lives their own message tells, and no order.
    table("contacts", "", &["account_id", "name_zip"]),
    table("shopify_customers", "", &[]),
];

/// What stands now and all that is written down of how it came about.
pub(crate) const HISTORY: &[Table] = &[
    table("orders", "", &[]),
    table("order_lines", "", &[]),
    table("order_charges", "", &[]),
    table("order_sources", "", &[]),
    table("order_versions", "", &[]),
    table("order_tombstones", "", &[]),
    table("reservations", "", &[]),
    table("stock_levels", "", &[]),
    table("stock_movements", "", &[]),
    table("holds", "", &[]),
    table("timeline", "", &[]),
    table("changes", "WHERE kind = 'order'", &["seq"]),
    table("shipments", "", &[]),
];

/// All that orders are made of, how they came to stand so, and what follows from them.
pub(crate) const ORDERS: &[Table] = &[
    table("orders", "", &[]),
    table("order_lines", "", &[]),
    table("line_products", "", &[]),
    table("order_charges", "", &[]),
    table("order_taxes", "", &[]),
    table("order_discounts", "", &[]),
    table("order_totals", "", &[]),
    table("order_details", "", &[]),
    table("order_sources", "", &[]),
    table("order_terms", "", &[]),
    table("order_versions", "", &[]),
    table("order_edits", "", &[]),
    table("reservations", "", &[]),
    table("stock_levels", "", &[]),
    table("stock_movements", "", &[]),
    table("holds", "", &[]),
    table("payments", "", &[]),
    table("refunds", "", &[]),
    table("refund_lines", "", &[]),
    table("refund_charges", "", &[]),
    table("refund_transactions", "", &[]),
    table("deliveries", "", &[]),
    table("delivery_lines", "", &[]),
    table("delivery_log", "", &[]),
    table("timeline", "", &[]),
    table("changes", "WHERE kind = 'order'", &["seq"]),
    table("accounts", "", &[]),
    table("contacts", "", &["account_id"]),
    table("shopify_customers", "", &[]),
];

/// Numbers that a house gives in the order in which things come to it.
const OWN: [&str; 3] = ["id", "public_id", "number"];

/// The rows of these tables, by table: sorted, and the timeline of each order as it was written.
pub(crate) fn rows(
    app: &TestApp,
    kind: Kind,
    tables: &[Table],
) -> BTreeMap<&'static str, Vec<String>> {
    let read = tables.iter().map(|table| {
        let mut lines = app.read(|conn| lines_of(conn, kind, table));
        if ["timeline", "delivery_log"].contains(&table.name) {
            // What belongs to one order stays in its order.
            lines.sort_by_key(|line| owner(line).to_owned());
        } else {
            lines.sort();
        }
        (table.name, lines)
    });
    read.collect()
}

/// The record that a row belongs to.
pub(super) fn owner(line: &str) -> &str {
    line.split(" | ").next().unwrap_or(line)
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines_of(conn: &mut DbConnection, kind: Kind, table: &Table) -> Result<Vec<String>, DbError> {
    let name = table.name;
    let columns = match kind {
        Kind::Sqlite => format!("SELECT name AS line FROM pragma_table_info('{name}')"),
        Kind::Postgres => format!(
            "SELECT CAST(column_name AS TEXT) AS line FROM information_schema.columns \
              WHERE table_schema = current_schema() AND table_name = '{name}' ORDER BY ordinal_position"
        ),
    };
    let mut columns = load(conn, &columns)?;
    columns.retain(|column| {
        let own = OWN.contains(&column.as_str()) && !(name == "changes" && column == "public_id");
        !own && !table.left_out.contains(&column.as_str())
    });
    // The record that a row belongs to comes first.
    let belongs = ["order_id", "external_id", "order_line_id", "public_id"];
    columns.sort_by_key(|column| belongs.iter().position(|it| it == column).unwrap_or(9));
    let parts: Vec<String> = columns
        .iter()
        .map(|column| {
            format!(
                "'{column}=' || COALESCE(CAST({} AS TEXT), '-')",
                named(column)
            )
        })
        .collect();
    let (line, rows) = (parts.join(" || ' | ' || "), table.rows);
    load(
        conn,
        &format!("SELECT {line} AS line FROM {name} t {rows} ORDER BY t.id"),
    )
}

/// What a column of numbers points at, by its name in the store.
fn named(column: &str) -> String {
    match column {
        "order_id" => "(SELECT o.external_id FROM orders o WHERE o.id = t.order_id)".to_owned(),
        "public_id" => {
            "(SELECT o.external_id FROM orders o WHERE o.public_id = t.public_id)".to_owned()
        }
        "order_line_id" => {
            "(SELECT l.external_id FROM order_lines l WHERE l.id = t.order_line_id)".to_owned()
        }
        "refund_id" => "(SELECT r.external_id FROM refunds r WHERE r.id = t.refund_id)".to_owned(),
        "delivery_id" => {
            "(SELECT o.external_id FROM deliveries d JOIN orders o ON o.id = d.order_id \
                            WHERE d.id = t.delivery_id)"
                .to_owned()
        }
        "contact_id" => "(SELECT c.email FROM contacts c WHERE c.id = t.contact_id)".to_owned(),
        "event_id" => {
            "(SELECT e.webhook_id FROM webhook_events e WHERE e.id = t.event_id)".to_owned()
        }
        "source" => {
            "CASE WHEN t.source LIKE 'event:%' THEN (SELECT e.webhook_id FROM webhook_events e \
                       WHERE 'event:' || e.id = t.source) ELSE t.source END"
                .to_owned()
        }
        "arguments" => {
            "COALESCE((SELECT REPLACE(t.arguments, '\"refund\":' || r.id || '}', '\"refund\":' || r.external_id || '}') \
                       FROM refunds r WHERE t.kind = 'refunded' AND t.arguments LIKE '%\"refund\":' || r.id || '}'), \
                      t.arguments)"
                .to_owned()
        }
        _ => format!("t.{column}"),
    }
}

fn load(conn: &mut DbConnection, query: &str) -> Result<Vec<String>, DbError> {
    let lines: Vec<Line> =
        counterfoil::native!(conn, |c| diesel::sql_query(query).load(c)).map_err(DbError::from)?;
    Ok(lines.into_iter().map(|line| line.line).collect())
}
