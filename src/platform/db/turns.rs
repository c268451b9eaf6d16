//! Whose turn it is to write into SQLite: first come, first served, but acknowledged webhooks before all else.
//!
//! SQLite has one writer. Its own way of waiting is to sleep and try again, which made worst waits of more than
//! a second; a plain mutex knows no order. Intake goes before whoever waits, but never twice in a row while
//! somebody does: a flood of webhooks slows the pages, and stops nobody.
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The line in front of the one writer.
#[derive(Debug, Default)]
pub(super) struct Turns {
    line: Mutex<Line>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Line {
    busy: bool,
    /// Tickets in the order in which they were drawn.
    waiting: VecDeque<u64>,
    next_ticket: u64,
    urgent_waiting: u32,
    /// When somebody urgent last came.
    urgent_at: Option<Instant>,
    /// The last turn was intake's.
    urgent_last: bool,
}

/// The right to write, until it is dropped.
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    /// Waits for a turn in line.
    pub(super) fn wait(&self) -> Turn<'_> {
        let mut line = self.lock();
        let ticket = line.next_ticket;
        line.next_ticket += 1;
        line.waiting.push_back(ticket);
        while !line.admits(ticket) {
            line = self.sleep(line);
        }
        line.waiting.pop_front();
        line.busy = true;
        line.urgent_last = false;
        Turn(self)
    }

    /// Waits for a turn before everybody in line.
    pub(super) fn wait_urgently(&self) -> Turn<'_> {
        let mut line = self.lock();
        line.urgent_waiting += 1;
        line.urgent_at = Some(Instant::now());
        while !line.admits_urgent() {
            line = self.sleep(line);
        }
        line.urgent_waiting -= 1;
        line.busy = true;
        line.urgent_last = true;
        Turn(self)
    }

    /// Whether somebody urgent waits, or came so short a time ago that the next will soon be here.
    pub(super) fn is_urgent(&self, within: Duration) -> bool {
        let line = self.lock();
        let came_lately = line.urgent_at.is_some_and(|at| at.elapsed() < within);
        line.urgent_waiting > 0 || came_lately
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep<'a>(&self, line: MutexGuard<'a, Line>) -> MutexGuard<'a, Line> {
        self.moved
            .wait(line)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn admits(&self, ticket: u64) -> bool {
        let intake_first = self.urgent_waiting > 0 && !self.urgent_last;
        !self.busy && !intake_first && self.waiting.front() == Some(&ticket)
    }

    fn admits_urgent(&self) -> bool {
        let others_turn = self.urgent_last && !self.waiting.is_empty();
        !self.busy && !others_turn
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().busy = false;
        self.0.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Sender, channel};
    use std::thread::{JoinHandle, spawn, yield_now};

    use super::*;

    /// Starts somebody who writes their name when their turn comes, and returns when they stand in line.
    fn stand(turns: &Arc<Turns>, name: &'static str, log: &Sender<&'static str>) -> JoinHandle<()> {
        let waits = |turns: &Turns| {
            let line = turns.lock();
            (line.waiting.len(), line.urgent_waiting)
        };
        let before = waits(turns);
        let (theirs, log) = (Arc::clone(turns), log.clone());
        let started = spawn(move || {
            let _turn = if name.starts_with("intake") {
                theirs.wait_urgently()
            } else {
                theirs.wait()
            };
            log.send(name).expect("somebody reads");
        });
        while waits(turns) == before {
            yield_now();
        }
        started
    }

    #[test]
    fn intake_goes_first_but_not_twice_while_others_wait() {
        let turns = Arc::new(Turns::default());
        let (log, order) = channel();
        let now = turns.wait();
        let started: Vec<_> = ["page", "worker", "intake 1", "intake 2", "job"]
            .into_iter()
            .map(|name| stand(&turns, name, &log))
            .collect();
        drop(now);
        for one in started {
            one.join().expect("no panic");
        }
        drop(log);
        let order: Vec<_> = order.iter().map(|name| name.split(' ').next()).collect();
        let expected = ["intake", "page", "intake", "worker", "job"].map(Some);
        assert_eq!(order, expected);
    }

    #[test]
    fn alone_intake_needs_to_wait_for_nobody() {
        let turns = Turns::default();
        for _ in 0..3 {
            drop(turns.wait_urgently());
        }
    }
}
