//! A process under measurement: how much memory and time it took.
use std::process::{Child, Command};
use std::time::Duration;

use crate::Result;

/// What Linux counts a process's time in.
const TICK: Duration = Duration::from_millis(10);

/// A running program; it is stopped when this goes.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// The memory that it holds now, in MiB; only Linux says.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.status("VmRSS:")
    }

    /// The most memory that it held so far, in MiB.
    pub(crate) fn most_memory(&self) -> Option<u64> {
        self.status("VmHWM:")
    }

    /// The time of the processors that it and its threads used so far.
    pub(crate) fn used(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).ok()?;
        // The name before the bracket may hold anything.
        let (_name, rest) = stat.rsplit_once(')')?;
        let of = |field: usize| rest.split_whitespace().nth(field)?.parse::<u32>().ok();
        Some(TICK * (of(11)? + of(12)?))
    }

    /// Stops it as an operator would, and waits for its end.
    pub(crate) fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            self.0.kill()?;
        }
        self.0.wait()?;
        Ok(())
    }

    fn status(&self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib.div_ceil(1024))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already, or ended now: either is well.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
