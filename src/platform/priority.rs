//! Who gets the processors first when they are short: who takes webhooks in. Their sender gives up after five seconds;
//! pages and the queue can wait a little.
use std::cell::Cell;

/// How much nicer those who can wait are: they get a tenth of a processor that both want. Not less, for now and then
/// they hold what intake waits for.
#[cfg(target_os = "linux")]
const NICER: i32 = 10;

thread_local! {
    static STEPPED_BACK: Cell<bool> = const { Cell::new(false) };
}

/// Lets this thread stand back behind those that take webhooks in, from now on. Only Linux knows it of single threads.
pub fn step_back() {
    if !STEPPED_BACK.replace(true) {
        stand_back();
    }
}

#[cfg(target_os = "linux")]
fn stand_back() {
    use rustix::process::setpriority_process;
    use rustix::thread::gettid;

    // Whoever was told to be nicer still stays so: only root may go back.
    if let Err(error) = setpriority_process(Some(gettid()), NICER) {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}

#[cfg(not(target_os = "linux"))]
fn stand_back() {}
