//! Tools without business words: database, clock, secrets, inbox, queue, HTTP.
pub mod clock;
pub mod db;
pub mod secrets;
