//! What is done with events, in two steps: whatever needs no database is done before a lock is held.
use crate::platform::db::{DbConnection, DbError};
use crate::platform::inbox::queries::EventRow;
use crate::platform::queue::Outcome;
use crate::platform::trail;
use crate::types::At;

/// Applies events.
pub trait Handler: Send + Sync {
    /// Reads the events of a batch.
    fn read<'a>(&self, events: &'a [EventRow]) -> Box<dyn Readings + 'a>;
}

/// The events of a batch, read and ready to be applied.
pub trait Readings {
    /// Applies the events at these places of the batch inside the caller's transaction, and tells what became of
    /// each, in this order. `Err` is the database's fault and undoes all of them.
    ///
    /// # Errors
    ///
    /// The database's.
    fn apply(
        &self,
        conn: &mut DbConnection,
        places: &[usize],
        now: At,
    ) -> Result<Vec<Outcome>, DbError>;
}

/// A handler that applies one event after another and reads nothing beforehand.
pub struct OneByOne<F>(pub F);

struct Unread<'a, F> {
    apply: F,
    events: &'a [EventRow],
}

impl<F> Handler for OneByOne<F>
where
    F: Fn(&mut DbConnection, &EventRow, At) -> Result<Outcome, DbError>
        + Clone
        + Send
        + Sync
        + 'static,
{
    fn read<'a>(&self, events: &'a [EventRow]) -> Box<dyn Readings + 'a> {
        Box::new(Unread {
            apply: self.0.clone(),
            events,
        })
    }
}

impl<F> Readings for Unread<'_, F>
where
    F: Fn(&mut DbConnection, &EventRow, At) -> Result<Outcome, DbError>,
{
    fn apply(
        &self,
        conn: &mut DbConnection,
        places: &[usize],
        now: At,
    ) -> Result<Vec<Outcome>, DbError> {
        let events = places.iter().filter_map(|place| self.events.get(*place));
        events
            .map(|event| {
                trail::on(Some(event.webhook_id.clone()), || {
                    (self.apply)(conn, event, now)
                })
            })
            .collect()
    }
}
