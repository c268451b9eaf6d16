//! Whether the process can do its work: the database answers and takes what is written, its tables are those of
//! this program, deliveries can be stored, and somebody works on the queue.
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::platform::db::{DbConnection, DbError};
use crate::types::At;

pub mod queries;

/// A worker of another process that has not been heard of for so long counts as gone.
const SILENCE: Duration = Duration::from_secs(180);

/// What is not as it should be. The words say it to a person, and give nothing away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The host, or the demo, is not done with its own start.
    Preparing,
    NoDatabase,
    /// It answers, and takes nothing new: a full disk, a read-only server.
    NoWriting,
    OldTables,
    NoInbox,
    /// Pages work, but nobody applies events.
    NoWorker,
    EventsStuck,
    JobsStuck,
}

impl Fault {
    /// A line for whoever asks.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Fault::Preparing => "still being prepared",
            Fault::NoDatabase => "the database does not answer",
            Fault::NoWriting => "the database takes nothing new",
            Fault::OldTables => {
                "the tables are not those of this version: run `counterfoil migrate`"
            }
            Fault::NoInbox => "deliveries cannot be stored: the writer has stopped",
            Fault::NoWorker => "no worker is signed in",
            Fault::EventsStuck => "the worker does not come round to the events",
            Fault::JobsStuck => "the worker does not come round to the jobs",
        }
    }
}

/// What the database says of itself and of the workers.
///
/// # Errors
///
/// The database's: then it does not answer.
pub fn check(conn: &mut DbConnection, works: bool, now: At) -> Result<Vec<Fault>, DbError> {
    let mut faults = Vec::new();
    if !queries::is_current(conn)? {
        faults.push(Fault::OldTables);
    }
    // A process that works watches its own pulse; one that only serves pages needs another that works.
    let seen = queries::last_seen_worker(conn)?;
    if !works && seen.is_none_or(|seen| now.since(seen) >= SILENCE) {
        faults.push(Fault::NoWorker);
    }
    Ok(faults)
}

/// What a worker does over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Its sign of life was written: the database takes what is written.
    Written,
    /// It looked for events.
    Events,
    /// It looked for jobs.
    Jobs,
}

/// When the worker of this process last came round, measured by the process's own time.
#[derive(Debug)]
pub struct Pulse {
    begun: Instant,
    works: AtomicBool,
    // Milliseconds since `begun`.
    written: AtomicU64,
    events: AtomicU64,
    jobs: AtomicU64,
    refused: AtomicBool,
}

impl Default for Pulse {
    fn default() -> Pulse {
        Pulse {
            begun: Instant::now(),
            works: AtomicBool::new(false),
            written: AtomicU64::new(0),
            events: AtomicU64::new(0),
            jobs: AtomicU64::new(0),
            refused: AtomicBool::new(false),
        }
    }
}

impl Pulse {
    /// From now on this process works, and must come round.
    pub fn begin(&self) {
        for beat in [Beat::Written, Beat::Events, Beat::Jobs] {
            self.note(beat, self.begun.elapsed());
        }
        self.works.store(true, Ordering::Relaxed);
    }

    /// Whether this process works on the queue.
    #[must_use]
    pub fn works(&self) -> bool {
        self.works.load(Ordering::Relaxed)
    }

    /// The worker came round.
    pub fn beat(&self, beat: Beat) {
        self.note(beat, self.begun.elapsed());
    }

    /// The sign of life could not be written.
    pub fn refused(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// What the worker has not come round to for `patience`.
    #[must_use]
    pub fn faults(&self, patience: Duration) -> Vec<Fault> {
        self.faults_at(self.begun.elapsed(), patience)
    }

    fn note(&self, beat: Beat, at: Duration) {
        let at = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        match beat {
            Beat::Written => {
                self.written.store(at, Ordering::Relaxed);
                self.refused.store(false, Ordering::Relaxed);
            }
            Beat::Events => self.events.store(at, Ordering::Relaxed),
            Beat::Jobs => self.jobs.store(at, Ordering::Relaxed),
        }
    }

    fn faults_at(&self, now: Duration, patience: Duration) -> Vec<Fault> {
        if !self.works() {
            return Vec::new();
        }
        let silent = |beat: &AtomicU64| {
            let last = Duration::from_millis(beat.load(Ordering::Relaxed));
            now.saturating_sub(last) > patience
        };
        let refused = self.refused.load(Ordering::Relaxed);
        [
            (Fault::NoWriting, refused || silent(&self.written)),
            (Fault::EventsStuck, silent(&self.events)),
            (Fault::JobsStuck, silent(&self.jobs)),
        ]
        .into_iter()
        .filter_map(|(fault, is_so)| is_so.then_some(fault))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_does_not_come_round_is_named() {
        let pulse = Pulse::default();
        assert!(pulse.faults_at(at(900), PATIENCE).is_empty(), "it serves");
        pulse.begin();
        for beat in [Beat::Written, Beat::Events, Beat::Jobs] {
            pulse.note(beat, at(100));
        }
        assert!(pulse.faults_at(at(130), PATIENCE).is_empty());
        pulse.note(Beat::Events, at(130));
        let faults = [Fault::NoWriting, Fault::JobsStuck];
        assert_eq!(pulse.faults_at(at(131), PATIENCE), faults);
    }

    #[test]
    fn a_refused_sign_of_life_is_told_at_once_and_forgotten_with_the_next() {
        let pulse = Pulse::default();
        pulse.begin();
        pulse.refused();
        assert_eq!(pulse.faults_at(at(0), PATIENCE), [Fault::NoWriting]);
        pulse.beat(Beat::Written);
        assert!(pulse.faults_at(at(0), PATIENCE).is_empty());
    }
}
