//! Which leases have run out. Nobody's time of day decides it, for clocks jump and hosts disagree: a lease has run out
//! when its sign of life stood still over several looks, and between two looks every living worker renews its own.
use std::collections::HashMap;

use crate::platform::db::{DbConnection, DbError};
use crate::platform::queue::Queue;
use crate::platform::queue::queries::{self as rows, Lease};

/// Looks in a lease's time: as often a worker renews what it holds, and so often a lease may stand still.
pub(super) const LOOKS: u32 = 6;

/// What was seen at the last look, and for how many looks it has stood still.
#[derive(Debug, Default)]
pub(super) struct Vigil(HashMap<(Queue, i64), (Lease, u32)>);

impl Vigil {
    /// Looks once more and takes back what stood still for too long. A look that fails is forgotten with all before
    /// it: while the database is away nobody can give a sign of life.
    pub(super) fn look(self, conn: &mut DbConnection) -> Result<Vigil, DbError> {
        let mut seen = HashMap::new();
        for queue in [Queue::WebhookEvents, Queue::Jobs] {
            for lease in rows::list_leases(conn, queue)? {
                let before = self.0.get(&(queue, lease.id));
                let still = match before {
                    Some((before, looks)) if *before == lease => looks + 1,
                    Some(_) | None => 0,
                };
                if still >= LOOKS && rows::take_back(conn, queue, &lease)? {
                    tracing::warn!(queue = queue.table(), row.id = lease.id, "a lease ran out");
                    continue;
                }
                seen.insert((queue, lease.id), (lease, still));
            }
        }
        Ok(Vigil(seen))
    }
}
