//! A moment in time, the same bytes in both databases.
use std::time::Duration;

use diesel::deserialize::{self, FromSql};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::BigInt;
use diesel::{AsExpression, FromSqlRow, backend::Backend};
use jiff::Timestamp;

crate::bigint_type! {
    /// Microseconds since 1970-01-01 00:00 UTC.
    At
}

impl At {
    /// The moment `by` later; the last one there is if that lies beyond it.
    #[must_use]
    pub fn after(self, by: Duration) -> At {
        At(self.0.saturating_add(micros(by)))
    }

    /// The moment `by` earlier.
    #[must_use]
    pub fn before(self, by: Duration) -> At {
        At(self.0.saturating_sub(micros(by)))
    }

    /// How long after `earlier` this is; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: At) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As jiff's timestamp; the epoch for a value outside its range.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Reads an ISO 8601 / RFC 3339 moment with its offset: `2026-02-04T15:25:46+11:00`.
    ///
    /// # Errors
    ///
    /// jiff's error where the text is no moment.
    pub fn parse(text: &str) -> Result<At, jiff::Error> {
        text.parse::<Timestamp>().map(At::from)
    }
}

fn micros(by: Duration) -> i64 {
    i64::try_from(by.as_micros()).unwrap_or(i64::MAX)
}

impl From<Timestamp> for At {
    fn from(moment: Timestamp) -> At {
        At(moment.as_microsecond())
    }
}
