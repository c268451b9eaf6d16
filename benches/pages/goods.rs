//! A large catalogue: variants of the demo's store that nobody has mapped, and as many items that they may be.
use counterfoil::platform::db::{Db, DbError};
use diesel::connection::SimpleConnection as _;

/// How many rows one statement writes.
const STEP: u64 = 20_000;
/// Four words, each of which hundreds or thousands have; no two have the same four below 400,000.
const WORDS: [&str; 4] = [
    "'brand' || (n % 40)",
    "'colour' || (n / 2000 % 20)",
    "'noun' || (n / 40 % 50)",
    "'size' || (n / 40000 % 10)",
];

/// Puts `count` variants and as many items there, every other one with the same SKU on both sides.
///
/// # Errors
///
/// The database's.
pub(crate) fn fill(db: &Db, count: u64) -> Result<(), DbError> {
    let title = WORDS.join(" || ' ' || ");
    let backwards: Vec<&str> = WORDS.iter().rev().copied().collect();
    let backwards = backwards.join(" || ' ' || ");
    let mut first = 1;
    while first <= count {
        let last = count.min(first + STEP - 1);
        let numbers = format!(
            "WITH RECURSIVE goods (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM goods WHERE n < {last})"
        );
        let mut statements = vec![
            format!(
                "INSERT INTO products (sku, sku_normal, name, created_at) \
                   {numbers} SELECT 'G-' || n, 'g-' || n, {title}, 0 FROM goods"
            ),
            format!(
                "INSERT INTO shopify_variants (shop_id, external_id, product_external_id, product_title, sku, \
                   sku_normal, source_updated_at, seen_at) \
                   {numbers} SELECT 1, '88' || n, '99' || n, {title}, \
                     CASE n % 2 WHEN 0 THEN 'G-' ELSE 'S-' END || n, \
                     CASE n % 2 WHEN 0 THEN 'g-' ELSE 's-' END || n, 0, 0 FROM goods"
            ),
        ];
        let keys = [format!("'>' || {title}"), format!("'<' || {backwards}")];
        for term in WORDS.iter().copied().chain(keys.iter().map(String::as_str)) {
            statements.push(format!(
                "INSERT INTO product_terms (product_id, term) \
                   {numbers} SELECT p.id, {term} FROM goods JOIN products p ON p.sku = 'G-' || n"
            ));
        }
        for term in WORDS.iter().copied().chain(["v.sku_normal"]) {
            statements.push(format!(
                "INSERT INTO shopify_variant_terms (shop_id, variant_id, term) \
                   {numbers} SELECT 1, v.id, {term} \
                     FROM goods JOIN shopify_variants v ON v.shop_id = 1 AND v.external_id = '88' || n"
            ));
        }
        db.write_here(|conn| {
            for statement in &statements {
                conn.batch_execute(statement)?;
            }
            Ok::<(), DbError>(())
        })?;
        first = last + 1;
    }
    db.write_here(|conn| Ok::<(), DbError>(conn.batch_execute("ANALYZE")?))
}
