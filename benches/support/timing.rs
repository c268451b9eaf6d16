//! Durations, and what is said of many of them.
use std::time::Duration;

/// Measured times, shortest first.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn new(mut times: Vec<Duration>) -> Times {
        times.sort_unstable();
        Times(times)
    }

    /// The time that so many of a hundred do not exceed; nothing where nothing was measured.
    pub(crate) fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied()
    }

    /// How many were measured.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// `p50 1.2 ms, p99 3.4 ms`
    pub(crate) fn words(&self, percents: &[usize]) -> String {
        let said = percents
            .iter()
            .map(|percent| match self.percentile(*percent) {
                Some(time) => format!("p{percent} {}", milliseconds(time)),
                None => format!("p{percent} not measured"),
            });
        said.collect::<Vec<_>>().join(", ")
    }
}

/// `12.3 ms`
pub(crate) fn milliseconds(time: Duration) -> String {
    let micros = time.as_micros();
    format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
}
