//! What the program writes to its log while a story is told, as JSON lines, from every thread.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use serde_json::Value;
use tracing_subscriber::EnvFilter;

/// How many stories listen at the moment, and what they have heard.
static HEARD: Mutex<(usize, Vec<u8>)> = Mutex::new((0, Vec::new()));

/// Listens until it is dropped. Stories side by side hear each other.
pub(crate) struct Log {
    from: usize,
}

impl Log {
    pub(crate) fn listen() -> Self {
        static START: Once = Once::new();
        START.call_once(|| {
            let filter = EnvFilter::new("info,counterfoil=trace,counterfoil::practice=off");
            let lines = tracing_subscriber::fmt()
                .json()
                .with_env_filter(filter)
                .with_writer(|| Ear);
            lines.try_init().expect("the tests have no other log");
        });
        let mut heard = lock();
        heard.0 += 1;
        Self {
            from: heard.1.len(),
        }
    }

    /// Everything since it listens.
    pub(crate) fn text(&self) -> String {
        let heard = lock();
        String::from_utf8_lossy(&heard.1[self.from..]).into_owned()
    }

    /// The messages of the lines on which this delivery's id stands, as a field or in a span, in order.
    pub(crate) fn road_of(&self, webhook_id: &str) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().map(|line| {
            let line: Value = serde_json::from_str(line).expect("a line is JSON");
            line
        });
        lines
            .filter(|line| {
                let spans = line["spans"].as_array().into_iter().flatten();
                let mut all = spans.chain([&line["fields"]]);
                all.any(|fields| fields["webhook_id"] == webhook_id)
            })
            .map(|line| {
                let message = &line["fields"]["message"];
                message.as_str().unwrap_or_default().to_owned()
            })
            .collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let mut heard = lock();
        heard.0 -= 1;
        if heard.0 == 0 {
            heard.1.clear();
        }
    }
}

struct Ear;

impl Write for Ear {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut heard = lock();
        if heard.0 > 0 {
            heard.1.extend_from_slice(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock() -> MutexGuard<'static, (usize, Vec<u8>)> {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner)
}
