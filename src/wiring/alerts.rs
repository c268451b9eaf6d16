//! Who looks whether something is wrong, and who tells of it: a look every minute, one mail for what began and
//! ended since the last one, a summary each morning.
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use serde::{Deserialize, Serialize};

use crate::erp::alerts::{self, Alert, Finding, Kind};
use crate::erp::pauses::{self, Standing};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::platform::jobs::repeat::{self, Repeat};
use crate::platform::jobs::{self, Filing, Job, Registry, Run};
use crate::platform::mail::{Mail, MailError, Mailer};
use crate::platform::queue::pauses::{self as queue_pauses, Pause};
use crate::platform::queue::queries::list::{self, Depth};
use crate::platform::queue::{Outcome, Queue, Status};
use crate::shopify::shops::{self, Shop, ShopState};
use crate::shopify::sync::gaps;
use crate::types::{At, JobId};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
/// The hour (UTC) at which the summary of the day before is sent.
const SUMMARY_AT: Duration = Duration::from_secs(6 * 3600);
/// A mail server that cannot be reached is tried again so soon, for ever.
const UNREACHABLE: Duration = Duration::from_secs(5 * 60);
/// One that refuses needs a person first.
const REFUSED: Duration = Duration::from_secs(3600);

/// What looking and telling need.
pub(crate) struct Watchman {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    /// `None`: alerts stand on Home alone.
    pub(crate) mailer: Option<Mailer>,
    /// An event that has waited for longer is late.
    pub(crate) late_after: Duration,
    /// The version that Shopify is asked in.
    pub(crate) api_version: String,
    /// Where people reach us, for the links of a mail.
    pub(crate) url: String,
}

pub(crate) fn register(registry: &mut Registry, cx: &Arc<Watchman>) {
    registry.register::<Watch>(cx);
    registry.register::<Tell>(cx);
    registry.register::<Summarise>(cx);
}

/// Files the first look and the first summary.
pub(crate) fn begin(conn: &mut DbConnection, mails: bool, now: At) -> Result<(), DbError> {
    repeat::begin(conn, &Watch::default(), now)?;
    if mails {
        repeat::begin(conn, &Summarise::default(), now)?;
    }
    Ok(())
}

/// Looks whether something is wrong, once a minute.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Watch {
    /// Since 1970.
    minute: u64,
    /// The run before: its row goes, or a year would leave half a million of them.
    before: Option<JobId>,
}

impl Repeat for Watch {
    fn next(&self, last: Option<JobId>, now: At) -> (Self, Duration) {
        let next = Watch {
            minute: slot(now.after(MINUTE), MINUTE),
            before: last,
        };
        (next, MINUTE)
    }

    fn before(&self) -> Option<JobId> {
        self.before
    }
}

impl Job for Watch {
    const KIND: &'static str = "alerts.watch";
    type Context = Watchman;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.minute.to_string())
    }

    async fn run(self, cx: Arc<Watchman>, run: Run) -> Outcome {
        let (now, late_after, mails) = (cx.clock.now(), cx.late_after, cx.mailer.is_some());
        let version = cx.api_version.clone();
        let looked = cx.db.write(move |conn| {
            repeat::go_on(conn, &self, run.job, Filing::default(), now)?;
            let mut findings = look(conn, late_after, now)?;
            findings.extend(other_versions(conn, &version)?);
            alerts::keep(conn, &findings, now)?;
            if mails && !alerts::queries::list_untold(conn, now.before(DAY))?.is_empty() {
                jobs::enqueue(conn, &Tell {}, &Filing::default(), now)?;
            }
            Ok::<(), DbError>(())
        });
        match looked.await {
            Ok(()) => Outcome::Done,
            // The watch must not give up: it would be the last to say so.
            Err(error) => again(MINUTE, &error),
        }
    }
}

/// What is wrong now.
fn look(conn: &mut DbConnection, late_after: Duration, now: At) -> Result<Vec<Finding>, DbError> {
    let mut findings = Vec::new();
    let events = list::depths(conn, Queue::WebhookEvents)?;
    for (queue, depths) in [
        (Queue::WebhookEvents, &events),
        (Queue::Jobs, &list::depths(conn, Queue::Jobs)?),
    ] {
        let is_dead = |depth: &&Depth| Status::from_code(depth.status) == Status::Dead;
        let dead: i64 = depths.iter().filter(is_dead).map(|depth| depth.rows).sum();
        if dead > 0 {
            findings.push(Finding {
                kind: Kind::Dead,
                subject: queue.table().to_owned(),
                cause: format!("{dead} when this was found. Each says why, and what mends it"),
            });
        }
    }
    let pauses = queue_pauses::list_last(conn)?;
    let open = alerts::queries::list_open(conn)?;
    for shop in shops::list(conn)? {
        let subject = shop.domain.to_string();
        findings.extend(missing_orders(conn, &shop, late_after, now)?);
        if shop.state == ShopState::NeedsReconnect {
            findings.push(Finding {
                kind: Kind::Disconnected,
                subject: subject.clone(),
                cause: shop.last_error.unwrap_or_default(),
            });
        }
        let since = events.iter().filter(|it| is_waiting_of(it, &subject));
        let since = since.map(|depth| depth.since).min();
        let is_open = open
            .iter()
            .any(|it| it.kind == Kind::Late && it.subject == subject);
        let from = waits_from(&pauses, &subject, now);
        let is_late = |since: &At| {
            let counted = if is_open { *since } else { from.max(*since) };
            now.since(counted) > late_after
        };
        if let Some(since) = since.filter(is_late) {
            findings.push(Finding {
                kind: Kind::Late,
                subject,
                cause: format!("The oldest has waited since {}", moment(since)),
            });
        }
    }
    Ok(findings)
}

/// Stores that are served another version than they are asked in: ours has expired, and what comes may mean something
/// else. It is over once an answer comes in the version that was asked for.
fn other_versions(conn: &mut DbConnection, asked: &str) -> Result<Vec<Finding>, DbError> {
    let shops = shops::list(conn)?.into_iter();
    let other = shops
        .filter(|shop| shop.state == ShopState::Active)
        .filter_map(|shop| {
            let served = shop.served_version.filter(|served| served != asked)?;
            Some(Finding {
                kind: Kind::Version,
                subject: shop.domain.to_string(),
                cause: format!(
                    "Counterfoil asks in {asked} and Shopify answers in {served}: the version asked for has expired. \
                     Update Counterfoil; this ends by itself with the first answer in the version asked for"
                ),
            })
        });
    Ok(other.collect())
}

/// Orders that the store has had for longer than anything may take, and that are not here as it has them.
fn missing_orders(
    conn: &mut DbConnection,
    shop: &Shop,
    late_after: Duration,
    now: At,
) -> Result<Option<Finding>, DbError> {
    let (count, since) = gaps::open(conn, shop, now)?;
    let since = since.filter(|since| now.since(*since) > late_after);
    Ok(since.map(|since| Finding {
        kind: Kind::Missing,
        subject: shop.domain.to_string(),
        cause: format!(
            "{count} when this was found, the oldest changed in Shopify at {}",
            moment(since)
        ),
    }))
}

/// What a person paused is not late; once it goes on, waiting counts from then. An alert that was open before stays
/// until the events are done.
fn waits_from(pauses: &[Pause], shop: &str, now: At) -> At {
    let holding = pauses.iter().filter(|it| it.scope.holds_webhooks_of(shop));
    let until = holding.map(|pause| pause.resumed_at.unwrap_or(now)).max();
    until.unwrap_or(At(0))
}

fn is_waiting_of(depth: &Depth, shop: &str) -> bool {
    let is_waiting = match Status::from_code(depth.status) {
        Status::Pending | Status::Working | Status::Waiting => true,
        Status::Done | Status::Superseded | Status::Dead | Status::Discarded => false,
    };
    is_waiting && depth.shop_domain.as_deref() == Some(shop)
}

/// Mails what began and what ended since the last mail: all of it in one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tell {}

impl Job for Tell {
    const KIND: &'static str = "alerts.tell";
    type Context = Watchman;

    // What comes up while the mail server is away joins the mail that waits.
    fn dedupe_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, cx: Arc<Watchman>, run: Run) -> Outcome {
        let now = cx.clock.now();
        let news = cx
            .db
            .read(move |conn| alerts::queries::list_untold(conn, now.before(DAY)))
            .await;
        let news = match news {
            Ok(news) if news.is_empty() => return Outcome::nothing_to_do("everything was told"),
            Ok(news) => news,
            Err(error) => return again(MINUTE, &error),
        };
        let news_now = News::of(&cx.url, &news);
        let sent = send(&cx, format!("alert-{}", run.job), &news_now, now).await;
        if let Err(outcome) = sent {
            return outcome;
        }
        let told = cx
            .db
            .write(move |conn| alerts::queries::mark_told(conn, &news, now))
            .await;
        match told {
            Ok(()) => Outcome::Done,
            Err(error) => again(MINUTE, &error),
        }
    }
}

/// Mails a summary of the last day, where there is something to tell.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Summarise {
    /// Since 1970.
    day: u64,
}

impl Repeat for Summarise {
    fn next(&self, _last: Option<JobId>, now: At) -> (Self, Duration) {
        let today = slot(now, DAY);
        let begun = now
            .since(At(0))
            .saturating_sub(DAY.saturating_mul(u32_of(today)));
        let (day, until) = if begun < SUMMARY_AT {
            (today, SUMMARY_AT.saturating_sub(begun))
        } else {
            (today + 1, (DAY + SUMMARY_AT).saturating_sub(begun))
        };
        (Summarise { day }, until)
    }
}

impl Job for Summarise {
    const KIND: &'static str = "alerts.summarise";
    type Context = Watchman;

    fn dedupe_key(&self) -> Option<String> {
        Some(self.day.to_string())
    }

    async fn run(self, cx: Arc<Watchman>, run: Run) -> Outcome {
        if cx.mailer.is_none() {
            return Outcome::nothing_to_do("no mail server is set");
        }
        let now = cx.clock.now();
        let gathered = cx.db.write(move |conn| {
            repeat::go_on(conn, &self, run.job, Filing::default(), now)?;
            let open = alerts::queries::list_open(conn)?;
            let over = alerts::queries::list_resolved(conn, now.before(DAY))?;
            Ok::<_, DbError>((open, over, pauses::list(conn)?))
        });
        let (open, over, paused) = match gathered.await {
            Ok(all) => all,
            Err(error) => return again(MINUTE, &error),
        };
        if open.is_empty() && over.is_empty() && paused.is_empty() {
            return Outcome::nothing_to_do("nothing happened");
        }
        let summary = News {
            is_summary: true,
            paused: paused.iter().map(|it| paused_item(&cx.url, it)).collect(),
            ..News::of(&cx.url, &[open, over].concat())
        };
        match send(&cx, format!("summary-{}", run.job), &summary, now).await {
            Ok(()) => Outcome::Done,
            Err(outcome) => outcome,
        }
    }
}

async fn send(cx: &Watchman, id: String, news: &News, now: At) -> Result<(), Outcome> {
    let Some(mailer) = &cx.mailer else {
        return Err(Outcome::nothing_to_do("no mail server is set"));
    };
    let text = news.render();
    let mail = Mail {
        id,
        subject: news.subject(),
        text: text.map_err(|error| Outcome::dead(error.to_string()))?,
        at: now,
    };
    mailer.send(&mail).await.map_err(|error| {
        tracing::warn!("a mail about alerts could not be sent: its job says why");
        let after = match error {
            MailError::Unreachable(_) => UNREACHABLE,
            MailError::Refused(_) => REFUSED,
        };
        again(after, &error)
    })
}

/// Once more, as often as it takes.
fn again(after: Duration, error: &impl std::fmt::Display) -> Outcome {
    Outcome::Retry {
        after: Some(after),
        reason: error.to_string(),
    }
}

/// One alert in a mail.
struct Item {
    what: String,
    why: String,
    when: String,
    href: String,
}

/// The mail.
#[derive(Template)]
#[template(path = "mails/alerts/body.txt")]
struct News {
    is_summary: bool,
    open: Vec<Item>,
    over: Vec<Item>,
    /// What a person paused; told in the summary alone.
    paused: Vec<Item>,
    url: String,
}

impl News {
    fn of(url: &str, all: &[Alert]) -> News {
        let items = |is_over: bool| {
            all.iter()
                .filter(move |alert| alert.resolved_at.is_some() == is_over)
                .map(|alert| item(url, alert))
                .collect()
        };
        News {
            is_summary: false,
            open: items(false),
            over: items(true),
            paused: Vec::new(),
            url: url.to_owned(),
        }
    }

    fn subject(&self) -> String {
        let is_are = |n: usize| if n == 1 { "thing needs" } else { "things need" };
        match (self.is_summary, self.open.as_slice(), self.over.as_slice()) {
            (true, [], _) if !self.paused.is_empty() => {
                "Counterfoil: the last day, and what is paused".to_owned()
            }
            (true, [], _) => "Counterfoil: the last day, and all is well now".to_owned(),
            (true, open, _) => {
                let n = open.len();
                format!("Counterfoil: the last day, and {n} {} you", is_are(n))
            }
            (false, [], [one]) => format!("Counterfoil: over: {}", one.what),
            (false, [], over) => format!("Counterfoil: {} alerts are over", over.len()),
            (false, [one], _) => format!("Counterfoil: {}", one.what),
            (false, open, _) => {
                let n = open.len();
                format!("Counterfoil: {n} {} you", is_are(n))
            }
        }
    }
}

fn item(url: &str, alert: &Alert) -> Item {
    let page = match alert.kind {
        Kind::Dead => "/events?state=failed",
        Kind::Disconnected | Kind::Version => "/integrations",
        Kind::Late => "/events",
        Kind::Missing => "/sync",
    };
    let since = moment(alert.opened_at);
    Item {
        what: alert.words(),
        why: alert.cause.clone(),
        when: alert.resolved_at.map_or_else(
            || format!("since {since}"),
            |end| format!("from {since} to {}", moment(end)),
        ),
        href: format!("{url}{page}"),
    }
}

fn paused_item(url: &str, pause: &Standing) -> Item {
    let since = moment(pause.since);
    Item {
        what: pause.words(),
        why: pause.reason.clone().unwrap_or_default(),
        when: match &pause.by {
            Some(name) => format!("by {name} since {since}"),
            None => format!("since {since}"),
        },
        href: format!("{url}/events"),
    }
}

fn moment(at: At) -> String {
    at.timestamp().strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Which of the slots of this length since 1970 a moment lies in.
fn slot(at: At, length: Duration) -> u64 {
    at.since(At(0)).as_secs() / length.as_secs()
}

fn u32_of(days: u64) -> u32 {
    u32::try_from(days).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_comes_at_the_next_six_o_clock() {
        for (now, until) in [
            ("2026-11-21T05:59:00Z", 60),
            ("2026-11-21T06:00:00Z", 86_400),
            ("2026-11-21T12:00:00Z", 18 * 3600),
        ] {
            let now = At::parse(now).expect("a moment");
            let (next, delay) = Summarise::default().next(None, now);
            assert_eq!(delay, Duration::from_secs(until));
            assert_eq!(next.day, slot(now.after(delay), DAY));
        }
    }
}
