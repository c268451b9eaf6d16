//! Several processes over one database, of which some go away: killed, stopped and woken again, without their database.
//!
//! `COUNTERFOIL_DEATHS` says how often one dies and one stands still, `COUNTERFOIL_RESTARTS` how often the database is
//! restarted (once each unless set), `COUNTERFOIL_SEED` begins from a seed that was printed.
#![expect(
    clippy::print_stdout,
    reason = "what a long run was, for whoever reads the proof"
)]

mod clock;
mod poison;

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use counterfoil::platform::db::{Db, DbError};
use counterfoil::platform::inbox::{Stored, queries as inbox};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text};

use crate::queue::change;
use crate::support::database::{Database, Kind};
use crate::support::dice::{Dice, number, seed};
use crate::support::load::{Load, count, query, read, until};
use crate::support::postgres::OwnPostgres;
use crate::support::program::{Process, Program, free_address};

/// Acknowledged deliveries between two misfortunes.
const LEAST: u64 = 10;
const MOST: u64 = 80;
/// Seconds for which a worker may be silent.
const LEASE: u32 = 2;

#[actix_web::test]
async fn of_three_processes_one_dies_and_one_stands_still_past_its_lease() {
    let deaths = number("COUNTERFOIL_DEATHS", 1);
    let seed = seed();
    println!("{deaths} deaths, seed {seed}");
    let mut dice = Dice::of(seed);
    let mut program = Program::stocked(Database::create(Kind::Postgres)).await;
    program.lease = LEASE;
    let db = program.db();
    let addresses: Vec<String> = (0..3).map(|_| free_address()).collect();
    let mut processes = Vec::new();
    for address in &addresses {
        processes.push(Some(program.serve(address).await));
    }
    let urls: Vec<String> = addresses.iter().map(|it| format!("http://{it}")).collect();
    let running = Load::begin(&urls, program.order());
    let mut zombies = Vec::new();
    for _ in 0..deaths {
        running.load.acknowledges(LEAST + dice.roll(MOST)).await;
        let dies = usize::try_from(dice.roll(3)).expect("small");
        let stops = (dies + 1) % 3;
        processes[dies].take().expect("it runs").kill();
        let zombie = processes[stops].as_ref().expect("it runs");
        let lost = freeze_with_work_in_hand(&db, zombie, &running.load).await;
        let ids = lost.clone();
        until(&db, "others have done what it held", move |conn| {
            let text = format!("{ROWS} WHERE id IN ({ids})");
            Ok(query::<Row>(conn, &text)?.iter().all(|row| row.status >= 3))
        })
        .await;
        let done = rows(&db, &lost);
        let seen = seen(&db, zombie);
        zombie.thaw();
        let pid = zombie.pid();
        until(&db, "it is back", move |conn| {
            let text = format!("SELECT seen_at AS n FROM workers WHERE pid = {pid}");
            Ok(count(conn, &text)? > seen)
        })
        .await;
        zombies.push((lost, done));
        processes[dies] = Some(program.serve(&addresses[dies]).await);
    }
    let load = running.end(&db).await;
    load.assert_done_once(&db);
    load.assert_reserved_once(&db);
    for (lost, done) in zombies {
        assert_eq!(rows(&db, &lost), done, "a zombie wrote");
    }
    println!(
        "proof: of three processes one killed and one stopped past its lease, {deaths} times each: {}, seed {seed}",
        load.sum()
    );
    drop(processes);
}

#[actix_web::test]
async fn a_database_that_restarts_loses_nothing_and_is_found_again() {
    let restarts = number("COUNTERFOIL_RESTARTS", 1);
    let seed = seed();
    println!("{restarts} restarts, seed {seed}");
    let mut dice = Dice::of(seed);
    let server = OwnPostgres::start();
    let program = Program::stocked(Database::on(server.url())).await;
    let mut processes = [program.start().await, program.work()];
    // One that is still starting when its database goes away goes too: whoever started it starts it again.
    signs_in(&program.db(), &processes[1]).await;
    let running = Load::begin(std::slice::from_ref(&program.url), program.order());
    let mut slowest = 0;
    for _ in 0..restarts {
        running.load.acknowledges(LEAST + dice.roll(MOST)).await;
        server.restart();
        slowest = slowest.max(comes_back(&running.load).await);
        running.load.acknowledges(LEAST + dice.roll(MOST)).await;
        server.crash();
        running.load.is_refused().await;
        server.come_back();
        slowest = slowest.max(comes_back(&running.load).await);
    }
    for process in &mut processes {
        assert!(process.runs(), "it must not need to be started again");
    }
    let db = program.db();
    let load = running.end(&db).await;
    load.assert_done_once(&db);
    load.assert_reserved_once(&db);
    println!(
        "proof: PostgreSQL crashed and restarted under load, {restarts} times each: {}, after {slowest} ms at most \
         deliveries were taken again, seed {seed}",
        load.sum()
    );
    drop(processes);
    // Before their server.
    drop(db);
    drop(program);
}

/// One that is stopped as it stores keeps the row's lock: PostgreSQL must not wait for it for longer than a sender does.
#[actix_web::test]
async fn who_stands_still_while_it_stores_does_not_keep_the_others_waiting() {
    let database = Database::create(Kind::Postgres);
    let delivery = change("a.myshopify.com", "w1", "order/1");
    let (stored, is_stored) = channel();
    let (go_on, stands_still) = channel::<()>();
    let (frozen, same) = (open(&database), delivery.clone());
    let frozen = thread::spawn(move || {
        frozen.write_urgently_here(|conn| -> Result<(), DbError> {
            inbox::insert_all(conn, &[&same])?;
            stored.send(()).expect("the story waits");
            let _ = stands_still.recv();
            Ok(())
        })
    });
    is_stored.recv().expect("it is stored");
    let other = open(&database);
    let (answer, answered) = channel();
    thread::spawn(move || {
        let stored = other.write_urgently_here(|conn| inbox::insert_all(conn, &[&delivery]));
        drop(answer.send(stored));
    });
    let stored = answered.recv_timeout(Duration::from_secs(60));
    let stored = stored.expect("an answer").expect("a place for it");
    assert_eq!(stored, [Stored::New]);
    drop(go_on);
    let woken = frozen.join().expect("it wakes");
    assert!(woken.is_err_and(|error| error.is_away()), "it was cut off");
}

fn open(database: &Database) -> Db {
    Db::open(&database.url, 2).expect("the database opens")
}

#[actix_web::test]
async fn a_second_process_on_the_same_sqlite_folder_is_refused_in_clear_words() {
    let program = Program::connected(Kind::Sqlite).await;
    let mut first = program.start().await;
    for what in ["serve", "work"] {
        let said = refused(&program, what, &free_address());
        let words = match what {
            "serve" => "another Counterfoil already works in",
            _ => "with SQLite the server works by itself",
        };
        assert!(said.contains(words), "{said}");
        assert!(said.contains("PostgreSQL"), "what to do: {said}");
        assert!(said.contains("DATABASE_URL"), "which setting: {said}");
    }
    assert!(first.runs());
    // Where the first one is gone, the next may begin, however it went.
    first.kill();
    drop(program.start().await);
}

/// What the program says as it refuses to start.
fn refused(program: &Program, what: &str, bind: &str) -> String {
    // One that is not refused would run for ever.
    let mut command = std::process::Command::new("timeout");
    let it = program.command(what, bind);
    command.arg("30").arg(it.get_program()).args(it.get_args());
    for (name, value) in it.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let ended = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{what}: {said}");
    said
}

/// Stops a process in a moment in which it holds events; gives their ids.
async fn freeze_with_work_in_hand(db: &Db, process: &Process, load: &Load) -> String {
    let pid = process.pid();
    loop {
        process.freeze();
        let held = read(db, |conn| {
            let text = format!("{ROWS} WHERE status = 1 AND locked_by LIKE '%:{pid}:%'");
            query::<Row>(conn, &text)
        });
        if !held.is_empty() {
            let ids: Vec<String> = held.iter().map(|row| row.id.to_string()).collect();
            return ids.join(", ");
        }
        process.thaw();
        load.acknowledges(1).await;
    }
}

/// Until the next deliveries are acknowledged, in milliseconds.
async fn comes_back(load: &Load) -> u128 {
    let begun = Instant::now();
    load.acknowledges(LEAST).await;
    begun.elapsed().as_millis()
}

async fn signs_in(db: &Db, process: &Process) {
    let pid = process.pid();
    until(db, "it works", move |conn| {
        let text = format!("SELECT count(*) AS n FROM workers WHERE pid = {pid}");
        Ok(count(conn, &text)? > 0)
    })
    .await;
}

fn seen(db: &Db, process: &Process) -> i64 {
    let text = format!(
        "SELECT seen_at AS n FROM workers WHERE pid = {}",
        process.pid()
    );
    read(db, |conn| count(conn, &text))
}

fn rows(db: &Db, ids: &str) -> Vec<Row> {
    read(db, |conn| {
        query(conn, &format!("{ROWS} WHERE id IN ({ids}) ORDER BY id"))
    })
}

const ROWS: &str = "SELECT id, status, claim_no, crashes, locked_by, finished_at, \
    (SELECT count(*) FROM tries t WHERE t.queue = 'webhook_events' AND t.row_id = e.id) AS tries \
    FROM webhook_events e";

/// All that a worker writes on an event.
#[derive(Debug, PartialEq, Eq, QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = BigInt)]
    claim_no: i64,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    crashes: i32,
    #[diesel(sql_type = Nullable<Text>)]
    locked_by: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    finished_at: Option<i64>,
    #[diesel(sql_type = BigInt)]
    tries: i64,
}
