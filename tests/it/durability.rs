//! What was answered with 200 lies on the disk: strace watches the built program and sees its calls in their order.
//! Killing the process cannot show this, for the system keeps what a dead process has written.
//!
//! On Linux and on SQLite alone: PostgreSQL syncs in processes of its own. `COUNTERFOIL_FAULTS` says how often a sync
//! of the disk is made to fail (2 unless set).
#![expect(
    clippy::print_stdout,
    reason = "what a long run has seen stands in docs/proof.md"
)]

use std::collections::BTreeMap;
use std::process::Command;

use counterfoil::platform::db::{Db, DbError};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use futures_util::future::join_all;
use reqwest::redirect::Policy;

use crate::support::app::{SHOP, signature};
use crate::support::database::Kind;
use crate::support::dice::number;
use crate::support::http_client;
use crate::support::program::Program;

/// Senders side by side, so that several deliveries share a commit.
const SENDERS: u32 = 6;
const EACH: u32 = 6;
/// More than the program syncs before it listens: which of a thread's syncs fails is counted from its first.
const FIRST_FAULT: u64 = 12;
/// Tries of one delivery before the story gives up.
const TRIES: u32 = 2_000;

#[actix_web::test]
async fn a_delivery_is_on_the_disk_before_the_first_byte_of_its_answer() {
    assert_may_trace();
    let program = Program::connected(Kind::Sqlite).await;
    let traced = program.start_traced("").await;
    let senders = (0..SENDERS).map(|sender| {
        let program = &program;
        async move {
            let client = http_client(Policy::none());
            for nth in 0..EACH {
                let marker = marker(sender, nth);
                assert_eq!(send(program, &client, &marker).await, 200, "{marker}");
            }
        }
    });
    join_all(senders).await;
    let calls = calls(&traced.kill_and_read());
    for sender in 0..SENDERS {
        for nth in 0..EACH {
            assert_synced_before_answer(&calls, &marker(sender, nth));
        }
    }
}

#[actix_web::test]
async fn a_sync_that_fails_is_answered_with_come_again_and_the_retry_is_one_row() {
    assert_may_trace();
    let faults = number("COUNTERFOIL_FAULTS", 2);
    println!("proof: {faults} syncs of the disk made to fail, none of them acknowledged");
    let program = Program::connected(Kind::Sqlite).await;
    for fault in 0..faults {
        let when = FIRST_FAULT + fault;
        let traced = program.start_traced(&when.to_string()).await;
        let client = http_client(Policy::none());
        let (mut refused, mut markers) = (0, Vec::new());
        // The thread that stores syncs once for each of these.
        for nth in 0..=u32::try_from(when).expect("a small number") {
            let marker = marker(u32::try_from(fault).expect("a small number"), nth);
            refused += send_until_taken(&program, &client, &marker).await;
            markers.push(marker);
        }
        assert!(refused > 0, "no sync failed");
        let calls = calls(&traced.kill_and_read());
        for marker in &markers {
            assert_synced_before_answer(&calls, marker);
        }
        let stored = stored(&program.db());
        for marker in &markers {
            assert_eq!(stored.get(marker), Some(&1), "{marker}");
        }
    }
}

#[actix_web::test]
async fn a_disk_that_syncs_no_more_takes_nothing_and_what_comes_again_is_one_row() {
    assert_may_trace();
    let program = Program::connected(Kind::Sqlite).await;
    let traced = program.start_traced(&format!("{FIRST_FAULT}+")).await;
    let client = http_client(Policy::none());
    let (mut answers, mut nth) = (BTreeMap::new(), 0);
    while answers.values().filter(|status| **status == 503).count() < 5 {
        let marker = marker(0, nth);
        let status = send(&program, &client, &marker).await;
        let was_refused = answers.values().any(|status| *status == 503);
        assert_eq!(status == 503, was_refused || status == 503);
        assert!(
            status == 503 || status == 200 && !was_refused,
            "{marker}: {status}"
        );
        answers.insert(marker, status);
        nth += 1;
        assert!(nth < TRIES, "no sync failed");
    }
    let calls = calls(&traced.kill_and_read());
    let taken = answers.iter().filter(|(_, status)| **status == 200);
    for (marker, _) in taken {
        assert_synced_before_answer(&calls, marker);
    }
    // The disk is well again. What was refused may be there all the same, and comes again.
    let before = stored(&program.db());
    for (marker, status) in &answers {
        assert!(
            *status == 503 || before.get(marker) == Some(&1),
            "{marker} was taken"
        );
    }
    let process = program.start().await;
    for marker in answers.keys() {
        assert_eq!(send(&program, &client, marker).await, 200, "{marker}");
    }
    process.kill();
    let after = stored(&program.db());
    for marker in answers.keys() {
        assert_eq!(after.get(marker), Some(&1), "{marker}");
    }
}

/// `tests/run` leaves these stories out where this is so, and says it; `tests/prove` fails.
fn assert_may_trace() {
    let asked = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .output();
    let may = asked.is_ok_and(|output| output.status.success());
    assert!(
        may,
        "strace cannot watch a process here: install the package strace, and let processes be traced"
    );
}

fn marker(sender: u32, nth: u32) -> String {
    format!("durable-{sender:04}-{nth:04}-end")
}

/// One delivery that nothing is to be done with; its id stands in its body too.
async fn send(program: &Program, client: &reqwest::Client, marker: &str) -> u16 {
    let body = format!("{{\"marker\":\"{marker}\"}}").into_bytes();
    let sent = client
        .post(format!("{}/api/integrations/webhook/shopify", program.url))
        .header("Content-Type", "application/json")
        .header("X-Shopify-Topic", "themes/publish")
        .header("X-Shopify-Shop-Domain", SHOP)
        .header("X-Shopify-Webhook-Id", marker)
        .header("X-Shopify-Hmac-Sha256", signature(&body))
        .body(body);
    let answer = sent.send().await.expect("an answer");
    answer.status().as_u16()
}

/// As Shopify does; returns how often it was refused.
async fn send_until_taken(program: &Program, client: &reqwest::Client, marker: &str) -> u32 {
    for refused in 0..TRIES {
        match send(program, client, marker).await {
            200 => return refused,
            503 => {}
            other => panic!("{marker}: {other}"),
        }
    }
    panic!("{marker} is never taken");
}

/// A call to the system: on which lines it began and returned.
struct Call {
    began: usize,
    returned: Option<usize>,
    text: String,
}

impl Call {
    fn is(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.text.starts_with(name))
    }
}

/// What strace wrote: a call stands on one line, or on two where other threads came between.
fn calls(log: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, line) in log.lines().enumerate() {
        let Some((thread, text)) = line.split_once(' ') else {
            continue;
        };
        let text = text.trim_start();
        if let Some((_, rest)) = text
            .strip_prefix("<... ")
            .and_then(|it| it.split_once(" resumed>"))
        {
            if let Some(call) = open.remove(thread) {
                calls[call].returned = Some(place);
                calls[call].text.push_str(rest);
            }
            continue;
        }
        let unfinished = text.strip_suffix("<unfinished ...>");
        if unfinished.is_some() {
            open.insert(thread, calls.len());
        }
        calls.push(Call {
            began: place,
            returned: unfinished.is_none().then_some(place),
            text: unfinished.unwrap_or(text).to_owned(),
        });
    }
    calls
}

/// The log of changes was synced after the delivery was written to it, and the answer began only then.
#[track_caller]
fn assert_synced_before_answer(calls: &[Call], marker: &str) {
    let heard = calls.iter().filter(|call| {
        call.is(&["recv", "read"]) && call.text.contains("<TCP") && call.text.contains(marker)
    });
    // The last of several tries is the one that was taken.
    let (answer, synced) = heard
        .filter_map(|heard| {
            let (_, socket) = heard.text.split_once("<TCP")?;
            let (socket, _) = socket.split_once("]>")?;
            let mut later = calls
                .iter()
                .filter(|call| Some(call.began) > heard.returned);
            let answer =
                later.find(|call| call.is(&["send", "write"]) && call.text.contains(socket))?;
            answer
                .text
                .contains("HTTP/1.1 200")
                .then(|| (answer, synced(calls, heard, marker)))
        })
        .next()
        .unwrap_or_else(|| panic!("{marker}: no answer with 200 is seen"));
    let synced =
        synced.unwrap_or_else(|| panic!("{marker}: nothing was synced after it was written"));
    assert!(
        synced < answer.began,
        "{marker} was answered on line {} and on the disk on line {synced}",
        answer.began
    );
}

/// When the disk said that it has what was written of the delivery after it was heard.
fn synced(calls: &[Call], heard: &Call, marker: &str) -> Option<usize> {
    let to_log = |call: &&Call| call.text.contains("counterfoil.db-wal>");
    let mut later = calls
        .iter()
        .filter(|call| Some(call.began) > heard.returned)
        .filter(to_log);
    let written = later.find(|call| call.is(&["pwrite"]) && call.text.contains(marker))?;
    let mut syncs = later.filter(|call| call.is(&["fsync", "fdatasync"]));
    let synced =
        syncs.find(|call| Some(call.began) > written.returned && call.text.ends_with("= 0"))?;
    synced.returned
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    webhook_id: String,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// How many rows each delivery has.
fn stored(db: &Db) -> BTreeMap<String, i64> {
    let rows = db.read_here(|conn| -> Result<Vec<Row>, DbError> {
        let text = "SELECT webhook_id, count(*) AS n FROM webhook_events GROUP BY webhook_id";
        Ok(counterfoil::native!(conn, |c| diesel::sql_query(text).load(c))?)
    });
    let rows = rows.expect("the deliveries");
    rows.into_iter()
        .map(|row| (row.webhook_id, row.n))
        .collect()
}
