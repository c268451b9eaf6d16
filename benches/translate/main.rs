//! How long it takes to understand one webhook: from its bytes to an order whose sums were checked.
//! `cargo bench --bench translate`. The method and the last figures stand in `benches/README.md`.
use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use counterfoil::erp::orders::totals::add_up;
use counterfoil::shopify::orders::translate;
use counterfoil::types::At;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const NOW: At = At(1_795_000_000_000_000);
/// How often each body is read: the first tenth does not count.
const ROUNDS: usize = 20_000;

fn main() -> Result<()> {
    let two: Value = serde_json::from_str(include_str!(
        "../../tests/fixtures/shopify/orders_create.json"
    ))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "| order | bytes | middle | 99th of 100 |")?;
    writeln!(out, "|---|---|---|---|")?;
    for lines in [2, 3, 20] {
        let body = with_lines(&two, lines)?;
        let mut took = Vec::with_capacity(ROUNDS);
        for round in 0..ROUNDS {
            let begun = Instant::now();
            let order = translate(black_box(&body), NOW)?.order;
            black_box((add_up(&order), order.digest()));
            if round >= ROUNDS / 10 {
                took.push(begun.elapsed());
            }
        }
        took.sort_unstable();
        let (middle, late) = (took[took.len() / 2], took[took.len() * 99 / 100]);
        let (size, middle, late) = (body.len(), micros(middle), micros(late));
        writeln!(out, "| {lines} lines | {size} | {middle} µs | {late} µs |")?;
    }
    Ok(())
}

/// The sample with so many lines, and without the spaces that Shopify does not send.
fn with_lines(sample: &Value, lines: usize) -> Result<Vec<u8>> {
    let mut order = sample.clone();
    let first = order["line_items"][0].clone();
    let all = order["line_items"].as_array_mut().ok_or("no lines")?;
    while all.len() < lines {
        let mut more = first.clone();
        more["id"] = json!(all.len());
        all.push(more);
    }
    Ok(serde_json::to_vec(&order)?)
}

fn micros(time: Duration) -> String {
    let tenths = time.as_nanos() / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}
