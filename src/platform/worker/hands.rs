//! What this process works on at this moment. Only that is kept alive: a row whose ending could not be written is let
//! go, or the process would keep it for itself for as long as it lives.
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::platform::queue::{Claim, Queue};

/// The rows of one process.
#[derive(Clone, Debug, Default)]
pub(super) struct Hands(Arc<Mutex<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    // With the number of the claim: a row that was let go may be claimed anew before its old grip is gone.
    held: HashSet<(Queue, i64, i64)>,
    let_go: Vec<(Queue, Claim)>,
    /// When the last row began that somebody died over, if it has not ended.
    suspect: Option<Instant>,
}

/// The right to work on a row that somebody died over: one at a time has it, or one that kills its process would take
/// others with it each time, until they too look like the culprit.
#[derive(Debug)]
pub(super) struct Turn {
    hands: Hands,
    begun: Instant,
}

/// A hold on claimed rows. What is not put down as ended when it is dropped, is let go.
#[derive(Debug)]
pub(super) struct Grip {
    hands: Hands,
    queue: Queue,
    open: Vec<Claim>,
    turn: Option<Turn>,
}

impl Hands {
    /// Takes what was just claimed.
    pub(super) fn take(&self, queue: Queue, claims: Vec<Claim>) -> Grip {
        let rows = claims.iter().map(|claim| of(queue, claim));
        self.rows().held.extend(rows);
        Grip {
            hands: self.clone(),
            queue,
            open: claims,
            turn: None,
        }
    }

    /// The turn of a row that somebody died over, unless another has it; one that has lived with it for `patience` is
    /// none of those that kill at once, and keeps nobody waiting.
    pub(super) fn turn(&self, patience: Duration) -> Option<Turn> {
        let (mut rows, now) = (self.rows(), Instant::now());
        let is_taken = rows
            .suspect
            .is_some_and(|begun| now.duration_since(begun) < patience);
        if is_taken {
            return None;
        }
        rows.suspect = Some(now);
        Some(Turn {
            hands: self.clone(),
            begun: now,
        })
    }

    /// The rows of a queue that are worked on, by their ids.
    pub(super) fn held(&self, queue: Queue) -> Vec<i64> {
        let rows = self.rows();
        let of_queue = rows.held.iter().filter(|(of, _, _)| *of == queue);
        of_queue.map(|(_, id, _)| *id).collect()
    }

    /// What was let go since the last call: somebody must write that down.
    pub(super) fn take_let_go(&self) -> Vec<(Queue, Claim)> {
        std::mem::take(&mut self.rows().let_go)
    }

    /// It could not be written down yet.
    pub(super) fn put_back(&self, claims: Vec<(Queue, Claim)>) {
        self.rows().let_go.extend(claims);
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut rows = self.hands.rows();
        if rows.suspect == Some(self.begun) {
            rows.suspect = None;
        }
    }
}

impl Grip {
    /// Keeps the turn for as long as it holds, where it holds what somebody died over.
    pub(super) fn with(mut self, turn: Option<Turn>) -> Grip {
        self.turn = turn.filter(|_| self.open.iter().any(|claim| claim.crashes > 0));
        self
    }

    /// What is not ended.
    pub(super) fn open(&self) -> &[Claim] {
        &self.open
    }

    /// The first `n` have ended, and it is written down.
    pub(super) fn ended(&mut self, n: usize) {
        let mut rows = self.hands.rows();
        for claim in self.open.drain(..n.min(self.open.len())) {
            rows.held.remove(&of(self.queue, &claim));
        }
    }
}

impl Drop for Grip {
    fn drop(&mut self) {
        let mut rows = self.hands.rows();
        for claim in self.open.drain(..) {
            rows.held.remove(&of(self.queue, &claim));
            rows.let_go.push((self.queue, claim));
        }
    }
}

const fn of(queue: Queue, claim: &Claim) -> (Queue, i64, i64) {
    (queue, claim.id, claim.claim_no)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_end_is_let_go_once_and_no_longer_held() {
        let hands = Hands::default();
        let mut grip = hands.take(Queue::Jobs, vec![claim(1, 7), claim(2, 1)]);
        // Somebody claimed the first one anew.
        let newer = hands.take(Queue::Jobs, vec![claim(1, 8)]);
        grip.ended(1);
        drop(grip);
        assert_eq!(hands.held(Queue::Jobs), [1]);
        assert!(hands.held(Queue::WebhookEvents).is_empty());
        let let_go: Vec<i64> = hands.take_let_go().iter().map(|(_, it)| it.id).collect();
        assert_eq!(let_go, [2]);
        assert!(hands.take_let_go().is_empty());
        drop(newer);
        assert!(hands.held(Queue::Jobs).is_empty());
    }

    #[test]
    fn one_suspect_begins_at_a_time() {
        let (hands, long) = (Hands::default(), Duration::from_secs(60));
        let sound = hands.turn(long);
        // It claimed nothing that somebody died over, so the turn is free again.
        let grip = hands.take(Queue::Jobs, vec![claim(1, 1)]).with(sound);
        let turn = hands.turn(long);
        let died_over = Claim {
            crashes: 1,
            ..claim(2, 1)
        };
        let suspect = hands.take(Queue::WebhookEvents, vec![died_over]).with(turn);
        assert!(hands.turn(long).is_none());
        assert!(hands.turn(Duration::ZERO).is_some(), "it lives for so long");
        drop(suspect);
        assert!(hands.turn(long).is_some());
        drop(grip);
    }

    fn claim(id: i64, claim_no: i64) -> Claim {
        Claim {
            id,
            key: None,
            kind: String::new(),
            snapshot: false,
            ver: 0,
            claim_no,
            crashes: 0,
            attempts: 0,
        }
    }
}
