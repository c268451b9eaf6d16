//! Killed under load, again and again: what was answered with 200 is there once, is done once, and nothing is dead.
//!
//! `COUNTERFOIL_KILLS` says how often (5 unless set), `COUNTERFOIL_SEED` begins from a seed that was printed.
#![expect(
    clippy::print_stdout,
    reason = "what a long run was, for whoever reads the proof"
)]

use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::dice::{Dice, number, seed};
use crate::support::load::{Load, unmapped_order};
use crate::support::program::Program;

both_databases!(what_was_acknowledged_survives_every_kill);

/// Acknowledged deliveries between two kills.
const LEAST: u64 = 5;
const MOST: u64 = 60;

async fn what_was_acknowledged_survives_every_kill(kind: Kind) {
    let kills = number("COUNTERFOIL_KILLS", 5);
    let seed = seed();
    println!("{kills} kills, seed {seed}");
    let mut dice = Dice::of(seed);
    let program = Program::connected(kind).await;
    let mut process = Some(program.start().await);
    let running = Load::begin(std::slice::from_ref(&program.url), unmapped_order());
    for _ in 0..kills {
        let more = LEAST + dice.roll(MOST - LEAST);
        running.load.acknowledges(more).await;
        process.take().expect("it runs").kill();
        process = Some(program.start().await);
    }
    let db = program.db();
    let load = running.end(&db).await;
    println!("{}", load.sum());
    load.assert_done_once(&db);
    drop(process);
}
