//! The jobs of one process that run side by side.
use std::collections::HashMap;

use tokio::task::{Id, JoinError, JoinSet};

use crate::platform::jobs::Registry;

/// The jobs of this process that run now, and of which kind each is.
#[derive(Default)]
pub(super) struct Running {
    pub(super) tasks: JoinSet<()>,
    pub(super) kinds: HashMap<Id, String>,
}

impl Running {
    /// Forgets those that have ended.
    pub(super) fn clear(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.forget(ended);
        }
    }

    /// Waits until one has ended, or for `rest`.
    pub(super) async fn end_or(&mut self, rest: impl Future<Output = ()>) {
        if self.tasks.is_empty() {
            return rest.await;
        }
        tokio::select! {
            Some(ended) = self.tasks.join_next_with_id() => self.forget(ended),
            () = rest => {}
        }
    }

    fn forget(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        self.kinds.remove(&id);
    }

    /// The kinds of which no more may run beside each other.
    pub(super) fn full(&self, registry: &Registry) -> Vec<&'static str> {
        let running = |kind: &str| self.kinds.values().filter(|one| *one == kind).count();
        registry
            .limits()
            .filter(|(kind, at_once)| running(kind) >= *at_once)
            .map(|(kind, _)| kind)
            .collect()
    }
}
