//! Tools without business words: database, clock, secrets, inbox, queue, jobs, worker.
pub mod clock;
pub mod db;
pub mod health;
pub mod inbox;
pub mod jobs;
pub mod mail;
pub mod metrics;
pub mod personal_data;
pub mod priority;
pub mod queue;
pub mod retention;
pub mod secrets;
pub mod static_files;
pub mod table;
pub mod trail;
pub mod worker;
