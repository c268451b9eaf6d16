//! What the database and the pool say at the moment somebody reads `/metrics`, as gauges, and the text of it all.
use std::collections::BTreeMap;

use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts, Registry, TextEncoder};

use crate::platform::queue::queries::list::Depth;
use crate::platform::queue::{Queue, Status};
use crate::types::At;

/// The content type of [`Standing::text`].
pub const TEXT: &str = prometheus::TEXT_FORMAT;

/// What stands where. Made anew for each reading, so that a shop that is gone leaves no line behind.
pub struct Standing {
    registry: Registry,
}

impl Default for Standing {
    fn default() -> Standing {
        Standing::new()
    }
}

/// The states of rows that are not finished, or that wait for a person.
const STATES: [&str; 5] = ["pending", "retrying", "working", "waiting", "dead"];

impl Standing {
    /// Nothing said yet.
    #[must_use]
    pub fn new() -> Standing {
        Standing {
            registry: Registry::new(),
        }
    }

    /// Rows of both queues by shop and state, and how long the oldest of them has waited. Every one of `shops`
    /// and the empty one (what belongs to none) gets its line, also with nothing to count: a line that comes
    /// and goes makes a poor alarm.
    pub fn queues(&self, depths: &[(Queue, Vec<Depth>)], shops: &[String], now: At) {
        let labels = &["queue", "shop", "state"];
        let rows = self.gauge(
            "counterfoil_queue_rows",
            "Rows that are not finished, and dead ones",
            labels,
        );
        let oldest = self.gauge(
            "counterfoil_queue_oldest_seconds",
            "For how long the oldest such row has been due; a failed one counts from its arrival",
            labels,
        );
        for (queue, depths) in depths {
            for (shop, state, rows_there, age) in lines(depths, shops, now) {
                let of = &[queue.table(), shop.as_str(), state];
                rows.with_label_values(of).set(rows_there);
                oldest.with_label_values(of).set(age);
            }
        }
    }

    /// What a person paused: `which` is `incoming`, `outgoing` or `store`, the shop empty for all of them.
    pub fn paused<'a>(&self, lines: impl Iterator<Item = (&'static str, &'a str, bool)>) {
        let paused = self.gauge(
            "counterfoil_paused",
            "1 while a person has paused it",
            &["which", "shop"],
        );
        for (which, shop, is_on) in lines {
            paused
                .with_label_values(&[which, shop])
                .set(i64::from(is_on));
        }
    }

    /// Points that a shop's rate limit leaves, and how many there can be.
    pub fn budget(&self, shops: impl Iterator<Item = (String, i64, i64)>) {
        let points = self.gauge(
            "counterfoil_rate_budget_points",
            "Points of the store's rate limit: what is left, and the most there can be",
            &["shop", "which"],
        );
        for (shop, left, most) in shops {
            points.with_label_values(&[shop.as_str(), "left"]).set(left);
            points.with_label_values(&[shop.as_str(), "most"]).set(most);
        }
    }

    /// Connections of the pool in use, and how many there may be.
    pub fn pool(&self, (used, most): (u32, u32)) {
        let pool = self.gauge(
            "counterfoil_pool_connections",
            "Connections to the database: those in use, and the most there can be",
            &["which"],
        );
        pool.with_label_values(&["used"]).set(i64::from(used));
        pool.with_label_values(&["most"]).set(i64::from(most));
    }

    /// Which program this is, over which database.
    pub fn build(&self, postgres: bool) {
        let build = self.gauge(
            "counterfoil_build_info",
            "Always 1: the labels say which program this is",
            &["version", "database"],
        );
        let database = if postgres { "postgres" } else { "sqlite" };
        let of = &[env!("CARGO_PKG_VERSION"), database];
        build.with_label_values(of).set(1);
    }

    /// All of it and `counted` in Prometheus' text format.
    ///
    /// # Errors
    ///
    /// The library's, where two families have one name.
    pub fn text(&self, mut counted: Vec<MetricFamily>) -> Result<String, prometheus::Error> {
        counted.extend(self.registry.gather());
        TextEncoder::new().encode_to_string(&counted)
    }

    fn gauge(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        let made = IntGaugeVec::new(Opts::new(name, help), labels).expect(super::FIXED);
        super::known(&self.registry, made)
    }
}

/// For each shop and state: how many rows, and the oldest one's age in whole seconds.
fn lines(
    depths: &[Depth],
    shops: &[String],
    now: At,
) -> impl Iterator<Item = (String, &'static str, i64, i64)> {
    let none = String::new();
    let mut lines = BTreeMap::new();
    for shop in shops.iter().chain(std::iter::once(&none)) {
        for state in STATES {
            lines.insert((shop.clone(), state), (0, 0));
        }
    }
    for depth in depths {
        let shop = depth.shop_domain.clone().unwrap_or_default();
        let word = Status::from_code(depth.status).word(i32::from(depth.retried));
        let age = now.since(depth.since).as_secs();
        let age = i64::try_from(age).unwrap_or(i64::MAX);
        lines.insert((shop, word), (depth.rows, age));
    }
    lines
        .into_iter()
        .map(|((shop, state), (rows, age))| (shop, state, rows, age))
}
