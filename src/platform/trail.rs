//! Which delivery a piece of work goes back to: its id stands on every line of the log that the work writes, and
//! in the jobs that it files, so that one search finds the whole road from intake to push.
use tracing::Span;

tokio::task_local! {
    static DELIVERY: Option<String>;
}

/// The id of the delivery (`X-Shopify-Webhook-Id`) that the present work goes back to.
#[must_use]
pub fn current() -> Option<String> {
    DELIVERY.try_with(Clone::clone).ok().flatten()
}

/// Does `work` as a consequence of that delivery.
pub fn on<T>(delivery: Option<String>, work: impl FnOnce() -> T) -> T {
    DELIVERY.sync_scope(delivery, work)
}

/// As [`on`], for work that waits.
pub async fn follow<F: Future>(delivery: Option<String>, work: F) -> F::Output {
    DELIVERY.scope(delivery, work).await
}

/// The same work for another thread, still on the trail and in the log's span of this one.
pub fn carry<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let (delivery, span) = (current(), Span::current());
    move || span.in_scope(|| on(delivery, work))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_leads_over_to_another_thread_and_ends_with_its_work() {
        let there = on(Some("w1".to_owned()), || std::thread::spawn(carry(current)));
        assert_eq!(there.join().expect("no panic").as_deref(), Some("w1"));
        assert_eq!(current(), None);
        assert_eq!(carry(current)(), None);
    }
}
