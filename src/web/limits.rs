//! How often one address or one token may ask: counted by each server thread over one minute.
//!
//! Signing in has a stricter limit of its own, counted in the database (`erp/users/sign_in.rs`).
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::error::WebError;
use crate::types::At;

/// Forms that anybody may send.
pub const FORMS_PER_ADDRESS: u32 = 60;
/// Requests of one program.
pub const REQUESTS_PER_TOKEN: u32 = 1200;

const MINUTE: Duration = Duration::from_secs(60);
/// More names than this, and those of past minutes are forgotten.
const MANY: usize = 10_000;

/// The counters of one server thread, in `app_data`.
#[derive(Debug, Default)]
pub struct Limits(Mutex<HashMap<String, (At, u32)>>);

impl Limits {
    /// Counts one request of `name`.
    ///
    /// # Errors
    ///
    /// `TooMany` beyond `limit` in a minute.
    pub fn count(&self, name: String, limit: u32, now: At) -> Result<(), WebError> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= MANY {
            counted.retain(|_, (since, _)| now.since(*since) < MINUTE);
        }
        let (since, count) = counted.entry(name).or_insert((now, 0));
        if now.since(*since) >= MINUTE {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        if *count > limit {
            return Err(WebError::TooMany {
                after: MINUTE.saturating_sub(now.since(*since)),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_for_a_minute_and_for_each_name() {
        let (limits, start) = (Limits::default(), At(0));
        let ask = |name: &str, now| limits.count(name.to_owned(), 2, now).is_ok();
        assert!(ask("a", start) && ask("a", start));
        assert!(!ask("a", start.after(Duration::from_secs(59))));
        assert!(ask("b", start));
        assert!(ask("a", start.after(MINUTE)));
    }
}
