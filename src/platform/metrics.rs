//! What this process counts of its own work, for `/metrics`. Counting is an atomic addition: nobody who takes a
//! delivery waits for a lock. What stands in the database is asked when somebody reads (`metrics/standing.rs`).
pub mod standing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
};

use crate::platform::queue::{Outcome, Queue};

/// Upper bounds of the intake's latencies, in seconds: the sender gives up after five.
const INTAKE_SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];
/// Upper bounds of the way from a change to whoever must hear of it, in seconds.
const ROAD_SECONDS: &[f64] = &[
    0.05, 0.15, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0,
];

/// Why a delivery was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Signature,
    NotConnected,
    TooLarge,
    Encoded,
    /// The body did not arrive in time.
    Late,
    /// The body broke off.
    Broken,
}

impl Refusal {
    const ALL: [(Refusal, &'static str); 6] = [
        (Refusal::Signature, "signature"),
        (Refusal::NotConnected, "not_connected"),
        (Refusal::TooLarge, "too_large"),
        (Refusal::Encoded, "encoded"),
        (Refusal::Late, "late"),
        (Refusal::Broken, "broken"),
    ];
}

/// What a delivery was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    Stored,
    Duplicate,
    Rejected(Refusal),
    /// The sender must come again.
    Unavailable,
}

/// The counters. Cloning shares them.
#[derive(Clone)]
pub struct Metrics(Arc<Counters>);

struct Counters {
    registry: Registry,
    stored: IntCounter,
    duplicate: IntCounter,
    unavailable: IntCounter,
    rejected: Vec<(Refusal, IntCounter)>,
    intake_seconds: Histogram,
    tries: IntCounterVec,
    event_seconds: Histogram,
    push_seconds: HistogramVec,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// Counters that stand at zero.
    #[must_use]
    pub fn new() -> Metrics {
        let registry = Registry::new();
        let answers = counters(
            &registry,
            "counterfoil_intake_deliveries_total",
            "Webhook deliveries by what they were answered; a reason where they were rejected",
            &["answer", "reason"],
        );
        let answer = |word: &str| answers.with_label_values(&[word, ""]);
        let rejected = Refusal::ALL
            .iter()
            .map(|(refusal, word)| (*refusal, answers.with_label_values(&["rejected", word])));
        let counters = Counters {
            stored: answer("stored"),
            duplicate: answer("duplicate"),
            unavailable: answer("unavailable"),
            rejected: rejected.collect(),
            intake_seconds: histogram(
                &registry,
                "counterfoil_intake_seconds",
                "From the first byte of a delivery's body to its answer",
                INTAKE_SECONDS,
            ),
            tries: counters(
                &registry,
                "counterfoil_tries_total",
                "Tries of events and jobs by what became of them",
                &["queue", "outcome"],
            ),
            event_seconds: histogram(
                &registry,
                "counterfoil_event_seconds",
                "From a delivery's arrival until it is applied",
                ROAD_SECONDS,
            ),
            push_seconds: histograms(
                &registry,
                "counterfoil_push_seconds",
                "From a change here until the channel has taken it",
                ROAD_SECONDS,
            ),
            registry,
        };
        Metrics(Arc::new(counters))
    }

    /// Counts one delivery that began at `begun`.
    pub fn answered(&self, answered: Answered, begun: Instant) {
        match answered {
            Answered::Stored => self.0.stored.inc(),
            Answered::Duplicate => self.0.duplicate.inc(),
            Answered::Unavailable => self.0.unavailable.inc(),
            Answered::Rejected(refusal) => {
                let counted = self.0.rejected.iter().find(|(one, _)| *one == refusal);
                if let Some((_, counter)) = counted {
                    counter.inc();
                }
            }
        }
        self.0.intake_seconds.observe(begun.elapsed().as_secs_f64());
    }

    /// Counts one try. `last`: what failed had no try left.
    pub fn tried(&self, queue: Queue, outcome: &Outcome, last: bool) {
        let word = match outcome {
            Outcome::Retry { .. } if last => "dead",
            Outcome::Done
            | Outcome::NothingToDo { .. }
            | Outcome::Superseded
            | Outcome::Retry { .. }
            | Outcome::WaitFor { .. }
            | Outcome::Dead { .. } => outcome.word(),
        };
        self.count_try(queue, word);
    }

    /// Counts a try whose handler broke.
    pub fn crashed(&self, queue: Queue) {
        self.count_try(queue, "crash");
    }

    fn count_try(&self, queue: Queue, word: &str) {
        let of = &[queue.table(), word];
        self.0.tries.with_label_values(of).inc();
    }

    /// How long an event took from its arrival until it was applied.
    pub fn applied(&self, after: Duration) {
        self.0.event_seconds.observe(after.as_secs_f64());
    }

    /// How long a change took until the channel had taken it.
    pub fn pushed(&self, kind: &str, after: Duration) {
        let of_kind = self.0.push_seconds.with_label_values(&[kind]);
        of_kind.observe(after.as_secs_f64());
    }

    /// The counters as they stand, for the exposition.
    #[must_use]
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.0.registry.gather()
    }
}

const FIXED: &str = "names and labels are constants, each used once";

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    let made = IntCounterVec::new(Opts::new(name, help), labels).expect(FIXED);
    known(registry, made)
}

fn histogram(registry: &Registry, name: &str, help: &str, bounds: &[f64]) -> Histogram {
    let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
    known(registry, Histogram::with_opts(options).expect(FIXED))
}

fn histograms(registry: &Registry, name: &str, help: &str, bounds: &[f64]) -> HistogramVec {
    let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
    known(
        registry,
        HistogramVec::new(options, &["kind"]).expect(FIXED),
    )
}

fn known<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> C {
    registry.register(Box::new(collector.clone())).expect(FIXED);
    collector
}
