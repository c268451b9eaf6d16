//! Duplicates and disorder: whatever way round a store's messages come, and however often, the house ends as if
//! each had come once and in its turn.
//!
//! `COUNTERFOIL_TELLINGS` says how often the tale is told (1 unless set), `COUNTERFOIL_SEED` begins from a seed that
//! was printed.
#![expect(
    clippy::print_stdout,
    reason = "the seed, with which a failed run can be repeated"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use counterfoil::erp::locations;
use counterfoil::erp::orders::WorkState;
use counterfoil::erp::orders::queries::OrderRow;
use counterfoil::erp::products::{self, NewProduct};
use counterfoil::erp::stock::{self, Movement};
use counterfoil::platform::inbox::queries::{self as inbox, EventRow};
use counterfoil::platform::queue::{Me, Queue, Status, Wanted, queries as queue};
use counterfoil::shopify::mappings::parts::Parts;
use counterfoil::shopify::mappings::queries::View;
use counterfoil::shopify::mappings::{self, By, MappingError, Origin};
use counterfoil::shopify::products::queries::VariantRow;
use counterfoil::shopify::shops;
use counterfoil::types::VariantId;
use reqwest::redirect::Policy;

use crate::support::app::{SHOP, TestApp, signature};
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::dice::{Dice, number, seed};
use crate::support::http_client;

use life::{End, Message, Variant, told};
use tables::{HISTORY, STANDING, Table, owner, rows};

mod life;
mod lost;
pub(crate) mod tables;

both_databases!(
    every_pair_of_topics_may_change_places,
    of_two_states_of_one_second_the_later_sent_is_the_newer,
    a_cancellation_passes_an_order_that_cannot_be_booked,
    a_replay_beside_a_running_event_waits_and_changes_nothing,
);

/// Of a hundred messages so many come a second time.
const DUPLICATES: u64 = 30;
/// At most so many of one order's messages wait at once.
const LARGEST_HEAP: usize = 5;
/// Orders of each end whose messages come in any order at all.
const SHUFFLED: usize = 3;

/// Messages of one order, heap by heap: what lies in one heap waits together.
type Heaps = Vec<Vec<Message>>;

async fn every_pair_of_topics_may_change_places(kind: Kind) {
    let (tellings, seed) = (number("COUNTERFOIL_TELLINGS", 1), seed());
    println!(
        "proof: every pair of an order's topics told in disorder, {tellings} times, seed {seed}"
    );
    for telling in 0..tellings {
        let seed = seed.wrapping_add(telling);
        let pairs_of_all_ends = tellings > 1;
        tell_twice(kind, pairs_of_all_ends, &mut Dice::of(seed)).await;
    }
}

async fn tell_twice(kind: Kind, pairs_of_all_ends: bool, dice: &mut Dice) {
    let in_turn = House::new(kind).await;
    let lives = disordered_lives(&in_turn.variants, pairs_of_all_ends, dice);
    let heaps = lives.iter().map(|life| one_by_one(&life.in_turn)).collect();
    in_turn.tell(heaps).await;

    let disorder = House::new(kind).await;
    let heaps: Vec<Heaps> = lives.iter().map(|life| life.heaps.clone()).collect();
    disorder.tell(heaps.clone()).await;
    disorder.assert_every_event_has_ended();
    // Of an order that is deleted before it was heard of, nothing is kept.
    let unheard = lives.iter().filter(|life| life.is_deleted_unheard());
    let unheard: BTreeSet<u64> = unheard.map(|life| life.order).collect();
    assert_same(
        "told in turn",
        &in_turn.rows(STANDING, &unheard),
        &disorder.rows(STANDING, &unheard),
    );

    // What was older than what was known, or known already, has left no trace.
    let newer = House::new(kind).await;
    let heaps = heaps.iter().map(|heaps| one_by_one(&got_through(heaps)));
    newer.tell(heaps.collect()).await;
    let none = BTreeSet::new();
    assert_same(
        "told only what was new",
        &newer.rows(HISTORY, &none),
        &disorder.rows(HISTORY, &none),
    );
}

async fn of_two_states_of_one_second_the_later_sent_is_the_newer(kind: Kind) {
    let house = House::new(kind).await;
    let mut states = house.states_of(1, End::Paid);
    let last = states.split_off(states.len() - 2);
    assert_ne!(last[0].sent_at, last[1].sent_at);
    assert_eq!(
        last[0].version.expect("a state").0,
        last[1].version.expect("a state").0
    );
    for message in last.iter().rev() {
        house.deliver(message, true).await;
    }
    house.app.run_jobs().await;
    assert_eq!(house.order(1).facts.tags.as_deref(), Some("done"));
}

async fn a_cancellation_passes_an_order_that_cannot_be_booked(kind: Kind) {
    let house = House::new(kind).await;
    let states = house.states_of(1, End::Cancelled);
    // As any fault of ours: what meets it is tried again later.
    house.app.alter(refusing_notes(kind));
    let (noted, cancelled) = (&states[1], &states[2]);
    assert_eq!(
        (noted.topic, cancelled.topic),
        ("orders/updated", "orders/cancelled")
    );
    house.deliver(noted, true).await;
    house.app.run_jobs().await;
    assert_eq!(house.event(noted).attempts, 1);
    assert!(house.app.orders().is_empty());

    house.app.alter(match kind {
        Kind::Sqlite => "DROP TRIGGER refuse_notes",
        Kind::Postgres => "DROP TRIGGER refuse_notes ON orders",
    });
    house.deliver(cancelled, true).await;
    house.app.run_jobs().await;
    assert_eq!(house.order(1).work_state, WorkState::Cancelled);
    house.app.pass(Duration::from_secs(3600)).await;
    let noted = house.event(noted);
    assert_eq!(
        (noted.status, noted.attempts),
        (Status::Superseded.code(), 1)
    );
    assert_eq!(house.order(1).work_state, WorkState::Cancelled);
}

async fn a_replay_beside_a_running_event_waits_and_changes_nothing(kind: Kind) {
    let house = House::new(kind).await;
    let app = &house.app;
    let states = house.states_of(1, End::PartShipped);
    let (older, newer) = (&states[0], states.last().expect("a state"));
    house.deliver(older, true).await;
    app.run_jobs().await;
    house.deliver(newer, true).await;
    // Another process has it in hand when somebody replays the older one.
    let other = Me {
        host: "elsewhere".to_owned(),
        pid: 1,
        boot: "boot".to_owned(),
    };
    let due = Wanted {
        at_most: 10,
        suspects: true,
        but: &[],
        held: None,
    };
    let now = app.clock.now();
    let events = Queue::WebhookEvents;
    let held = app
        .db()
        .write_here(|conn| queue::claim(conn, events, &other, due, now));
    assert_eq!(held.expect("a claim").len(), 1);
    let page = app.get(&format!("/events/{}", house.event(older).id)).await;
    let replay = page.form("form[action*='/replay?']");
    app.owner().submit(replay).await.assert_shows("Replayed");
    app.run_jobs().await;
    assert_eq!(house.event(older).status, Status::Pending.code());
    assert_eq!(house.order(1).version, 1);

    // It dies, and what it held comes first.
    let back = app
        .db()
        .write_here(|conn| queue::take_back_from(conn, events, &other.name()));
    assert_eq!(back.expect("a row"), 1);
    app.run_jobs().await;
    assert_eq!(house.event(newer).status, Status::Done.code());
    assert_eq!(house.event(older).status, Status::Superseded.code());
    assert_eq!(house.order(1).work_state, WorkState::PartShipped);
}

/// A database that takes no order with the first note of a life.
fn refusing_notes(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => {
            "CREATE TRIGGER refuse_notes BEFORE INSERT ON orders WHEN NEW.note = 'ring twice' \
             BEGIN SELECT RAISE(ABORT, 'no such notes'); END"
        }
        Kind::Postgres => {
            "CREATE FUNCTION refuse_notes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
               IF NEW.note = 'ring twice' THEN RAISE EXCEPTION 'no such notes'; END IF; \
               RETURN NEW; END $$; \
             CREATE TRIGGER refuse_notes BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse_notes()"
        }
    }
}

/// An order's messages as things happened, and as they come.
struct Told {
    order: u64,
    in_turn: Vec<Message>,
    heaps: Heaps,
}

impl Told {
    fn is_deleted_unheard(&self) -> bool {
        let first = self.heaps.iter().flatten();
        let mut first = first.filter(|it| it.version.is_some() || it.is_deletion());
        first.next().is_some_and(Message::is_deletion)
    }
}

/// In the life that has every topic each pair of them changes places; with time, in the shorter ones as well.
fn disordered_lives(
    variants: &[Variant; 2],
    pairs_of_all_ends: bool,
    dice: &mut Dice,
) -> Vec<Told> {
    let mut lives = Vec::new();
    let mut order = 7_000_000_000;
    for end in [End::Deleted, End::PartShipped, End::Paid, End::Cancelled] {
        let topics: BTreeSet<&str> = told(0, end, variants).iter().map(|it| it.topic).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        let mut ways: Vec<Vec<(&str, &str)>> = match end {
            End::Deleted => rounds(&topics),
            End::PartShipped | End::Paid | End::Cancelled if pairs_of_all_ends => rounds(&topics),
            End::PartShipped | End::Paid | End::Cancelled => Vec::new(),
        };
        ways.extend(vec![Vec::new(); SHUFFLED]);
        for pairs in ways {
            order += 1;
            let in_turn = told(order, end, variants);
            let mut messages = in_turn.clone();
            if pairs.is_empty() {
                dice.shuffle(&mut messages);
            }
            for (one, other) in pairs {
                change_places(&mut messages, one, other, dice);
            }
            repeat_some(&mut messages, dice);
            lives.push(Told {
                order,
                in_turn,
                heaps: heap(messages, dice),
            });
        }
    }
    lives
}

/// Every pair of these once, in rounds in which nobody is twice: as a tournament is drawn.
fn rounds<'a>(all: &[&'a str]) -> Vec<Vec<(&'a str, &'a str)>> {
    let mut seats: Vec<Option<&str>> = all.iter().copied().map(Some).collect();
    if seats.len() % 2 == 1 {
        seats.push(None);
    }
    let (count, mut rounds) = (seats.len(), Vec::new());
    for _ in 1..count {
        let pairs = (0..count / 2).filter_map(|seat| seats[seat].zip(seats[count - 1 - seat]));
        rounds.push(pairs.collect());
        // The first stays, the others move on.
        seats[1..].rotate_right(1);
    }
    rounds
}

/// One message of each of two topics change places.
fn change_places(messages: &mut [Message], one: &str, other: &str, dice: &mut Dice) {
    let mut pick = |topic: &str| {
        let places = messages.iter().enumerate();
        let places: Vec<usize> = places
            .filter(|(_, message)| message.topic == topic)
            .map(|(place, _)| place)
            .collect();
        places[dice.place(places.len())]
    };
    let (one, other) = (pick(one), pick(other));
    messages.swap(one, other);
}

/// Some come again: the delivery itself, or the same message as a new delivery.
fn repeat_some(messages: &mut Vec<Message>, dice: &mut Dice) {
    for place in (0..messages.len()).rev() {
        if dice.happens(DUPLICATES) {
            let mut again = messages[place].clone();
            if dice.happens(50) {
                again.webhook_id.push_str("-again");
            }
            let later = place + 1 + dice.place(messages.len() - place);
            messages.insert(later, again);
        }
    }
}

/// Lays them on heaps. A deletion is asked after: it lies alone, so that it is known what was there before it.
fn heap(messages: Vec<Message>, dice: &mut Dice) -> Heaps {
    let (mut heaps, mut room): (Heaps, usize) = (Vec::new(), 0);
    for message in messages {
        if room == 0 || message.is_deletion() {
            heaps.push(Vec::new());
            room = 1 + dice.place(LARGEST_HEAP);
        }
        room = if message.is_deletion() { 0 } else { room - 1 };
        heaps.last_mut().expect("a heap").push(message);
    }
    heaps
}

fn one_by_one(messages: &[Message]) -> Heaps {
    messages.iter().map(|it| vec![it.clone()]).collect()
}

/// Of each heap the newest state, if it is newer than all before, the deletions, and what is told before a state that
/// brings it along: a refund, and what somebody else has shipped, are changes of their own.
fn got_through(heaps: &Heaps) -> Vec<Message> {
    let (mut newest, mut through) = (None, Vec::new());
    let mut heard = BTreeSet::new();
    let (mut is_refunded, mut shipped) = (false, BTreeSet::new());
    for heap in heaps {
        let heap = heap.iter().filter(|it| heard.insert(it.webhook_id.clone()));
        let heap: Vec<&Message> = heap.collect();
        // The last of equals: it arrived last.
        let states = heap.iter().filter(|it| it.version.is_some());
        let state = states.max_by_key(|it| it.version);
        let mut state = state.copied().filter(|it| it.version > newest);
        let mut is_first = true;
        for message in &heap {
            let mut message = *message;
            let mut is_state = message.version.is_some();
            if is_state {
                // The newest state goes where the first of the heap would have gone; the others are superseded.
                match state.take().filter(|_state| std::mem::take(&mut is_first)) {
                    Some(newest) => message = newest,
                    None => is_state = false,
                }
            }
            let is_refund = message.is_refund() && newest.is_some() && !is_refunded;
            let sent = message.fulfillments();
            let is_shipment = message.is_fulfillment()
                && newest.is_some()
                && sent.iter().any(|one| !shipped.contains(one));
            if is_state {
                newest = message.version;
            }
            is_refunded |= is_refund || (is_state && message.brings_refund());
            if is_state || is_shipment {
                shipped.extend(sent);
            }
            if is_state || is_refund || is_shipment || message.is_deletion() {
                through.push(message.clone());
            }
        }
    }
    through
}

struct House {
    app: TestApp,
    kind: Kind,
    variants: [Variant; 2],
    client: reqwest::Client,
}

impl House {
    /// With plenty of the two things that everybody orders.
    async fn new(kind: Kind) -> Self {
        let app = TestApp::connected(kind).await;
        let all = app.read(|conn| {
            let shop = shops::list(conn)?.remove(0);
            let view = Some(View::Unmapped);
            mappings::queries::list_by_id(conn, Some(shop.id), view, None, VariantId(0), 500)
        });
        let mut sold = all.into_iter().filter(|row| row.ships).take(2);
        let variants = [(); 2].map(|()| {
            let row = sold.next().expect("a variant");
            stock_up(&app, &row);
            (row.external_id, row.product_external_id)
        });
        Self {
            app,
            kind,
            variants,
            client: http_client(Policy::none()),
        }
    }

    /// Tells each order's heaps side by side; between two heaps everything is worked off.
    async fn tell(&self, orders: Vec<Heaps>) {
        let most = orders.iter().map(Vec::len).max().unwrap_or(0);
        let mut heard = BTreeSet::new();
        for turn in 0..most {
            for message in orders.iter().filter_map(|heaps| heaps.get(turn)).flatten() {
                let is_new = heard.insert(message.webhook_id.clone());
                self.deliver(message, is_new).await;
            }
            // No time passes here, and each message has the store asked: its limit is another story.
            self.app.practice.refill();
            self.app
                .alter("UPDATE shopify_shops SET budget_available = NULL");
            self.app.run_jobs().await;
        }
    }

    /// As Shopify sends it; what comes again is told so.
    async fn deliver(&self, message: &Message, is_new: bool) {
        let url = format!("{}/api/integrations/webhook/shopify", self.app.url);
        let sent = self
            .client
            .post(url)
            .header("Content-Type", "application/json")
            .header("X-Shopify-Topic", message.topic)
            .header("X-Shopify-Shop-Domain", SHOP)
            .header("X-Shopify-Webhook-Id", &message.webhook_id)
            .header("X-Shopify-Event-Id", &message.event_id)
            .header("X-Shopify-Triggered-At", &message.sent_at)
            .header("X-Shopify-API-Version", "2026-10")
            .header("X-Shopify-Hmac-Sha256", signature(&message.body))
            .body(message.body.clone());
        let answer = sent.send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let said = answer.text().await.expect("a text");
        assert_eq!(said.contains("duplicate"), !is_new, "{said}");
    }

    /// The whole states that an order of the store is told in.
    fn states_of(&self, order: u64, end: End) -> Vec<Message> {
        let mut all = told(order, end, &self.variants);
        all.retain(|message| message.version.is_some());
        all
    }

    fn order(&self, order: u64) -> OrderRow {
        self.app.order(&format!("#{order}"))
    }

    /// The stored event of a message.
    fn event(&self, message: &Message) -> EventRow {
        let ids: Vec<i64> = (1..=500).collect();
        let events = self.app.read(|conn| inbox::list_by_id(conn, &ids));
        let mut events = events.into_iter();
        let found = events.find(|event| event.webhook_id == message.webhook_id);
        found.expect("it was stored")
    }

    fn rows(&self, tables: &[Table], without: &BTreeSet<u64>) -> Rows {
        let mut all = rows(&self.app, self.kind, tables);
        let left_out: Vec<String> = without.iter().map(|order| format!("={order}")).collect();
        let is_of = |line: &String| left_out.iter().any(|order| owner(line).contains(order));
        for lines in all.values_mut() {
            lines.retain(|line| !is_of(line));
        }
        all
    }

    fn assert_every_event_has_ended(&self) {
        let ids: Vec<i64> = (1..=1_000_000).collect();
        for part in ids.chunks(10_000) {
            let events = self.app.read(|conn| inbox::list_by_id(conn, part));
            for event in &events {
                let status = Status::from_code(event.status);
                assert!(
                    [Status::Done, Status::Superseded].contains(&status),
                    "{} {}: {status:?} {:?}",
                    event.topic,
                    event.webhook_id,
                    event.reason
                );
            }
            if events.is_empty() {
                return;
            }
        }
    }
}

/// Gives the variant an item, and the house more of it than all orders want.
fn stock_up(app: &TestApp, row: &VariantRow) {
    let now = app.clock.now();
    let product = NewProduct {
        sku: format!("item-{}", row.external_id),
        name: row.product_title.clone(),
        ships: true,
        ..NewProduct::default()
    };
    let done = app.db().write_here(|conn| -> Result<(), MappingError> {
        let product = products::create(conn, &product, now)?;
        for place in locations::list(conn)? {
            let movement = Movement {
                product,
                location: place.id,
                lot: None,
                quantity: 10_000,
                reason: "count",
                source: "person",
                user: None,
            };
            stock::adjust(conn, &movement, now).expect("stock");
        }
        let by = By {
            shop: &shops::list(conn)?.remove(0),
            user: None,
            now,
        };
        mappings::accept(
            conn,
            by,
            row.id,
            &Parts::new([(product, 1)])?,
            Origin::Person,
        )?;
        Ok(())
    });
    done.expect("a mapped variant");
}

type Rows = BTreeMap<&'static str, Vec<String>>;

#[track_caller]
fn assert_same(what: &str, expected: &Rows, found: &Rows) {
    assert_equal(what, expected, found);
    for (table, rows) in expected {
        let may_be_empty = ["holds", "shipments", "order_tombstones"].contains(table);
        assert!(may_be_empty || !rows.is_empty(), "{table} is empty");
    }
}

/// The same rows in both houses; says which are not.
fn assert_equal(what: &str, expected: &Rows, found: &Rows) {
    for (table, expected) in expected {
        let found = &found[table];
        let count = |lines: &[String], one: &String| lines.iter().filter(|it| *it == one).count();
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            let more = these
                .iter()
                .filter(|line| count(these, line) > count(those, line));
            more.take(3).cloned().collect()
        };
        assert!(
            expected == found,
            "{table}, {what}, in the one house alone:\n{}\nand in the other:\n{}",
            only(expected, found).join("\n"),
            only(found, expected).join("\n")
        );
    }
}
