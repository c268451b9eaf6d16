//! Home: what must I do now? Every number links to the rows it counts.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::error::WebError;
use super::filters;
use super::nav;
use super::orders::words::{self, Badge};
use super::page::{Frame, Section, html, see_other};
use super::pausing::{self, Banner};
use super::sync;
use super::visitor::Visitor;
use crate::erp::alerts::{self, Alert, Kind};
use crate::erp::orders::queries::list::{self, ListRow, View, Wanted};
use crate::erp::orders::work_state::WorkState;
use crate::erp::users::roles::Action;
use crate::erp::{locations, products};
use crate::platform::db::{Db, DbConnection, DbError};
use crate::platform::queue::pauses::{self, Scope};
use crate::platform::queue::queries as queue;
use crate::shopify::mappings::queries::page::MOST_COUNTED;
use crate::shopify::pauses::scope;
use crate::shopify::shops::{self, Shop, ShopState};
use crate::shopify::unmapped;
use crate::types::At;

/// Orders shown as the next ones.
const NEXT: i64 = 5;
/// Things that need attention, at most.
const MOST: usize = 5;

/// A number and the rows behind it.
struct Figure {
    count: i64,
    label: &'static str,
    tone: &'static str,
    href: String,
}

/// An order that is next.
struct Next {
    row: ListRow,
    state: Badge,
    href: String,
}

/// Something that waits for a person: what, why, and the one way on.
struct Todo {
    tone: &'static str,
    what: String,
    why: String,
    href: String,
    verb: &'static str,
}

/// A step towards the first shipped order.
struct Step {
    is_done: bool,
    label: &'static str,
    href: String,
}

#[derive(Template)]
#[template(path = "home/show.html")]
struct HomePage {
    frame: Frame,
    day: String,
    figures: Vec<Figure>,
    next: Vec<Next>,
    to_ship: i64,
    todos: Vec<Todo>,
    stores: Vec<(Shop, Badge)>,
    /// Their streams.
    rows: Vec<sync::Row>,
    steps: Vec<Step>,
    first: Option<String>,
    pauses: Vec<Banner>,
}

/// What the page is made of.
struct Facts {
    waiting: Vec<(WorkState, i64)>,
    next: Vec<ListRow>,
    dead: i64,
    unmapped: i64,
    shops: Vec<Shop>,
    rows: Vec<sync::Row>,
    alerts: Vec<Alert>,
    items: i64,
    places: usize,
    any_order: bool,
    pauses: Vec<Banner>,
    /// The stores that a person paused.
    paused: Vec<Scope>,
}

/// `GET /`
///
/// # Errors
///
/// The database's.
pub async fn show(db: web::Data<Db>, visitor: Visitor) -> Result<HttpResponse, WebError> {
    // A driver sees nothing but the own stops.
    if !visitor.may(Action::View) {
        return Ok(see_other(nav::RUN));
    }
    let frame = visitor.frame(Section::Home);
    let prefix = frame.prefix.clone();
    let now = frame.now;
    let facts = db.read(move |conn| gather(conn, &prefix, now)).await?;
    Ok(html(StatusCode::OK, &page(frame, facts)))
}

fn gather(conn: &mut DbConnection, prefix: &str, now: At) -> Result<Facts, DbError> {
    let (next, _newer, _older) = list::page(conn, &Wanted::of(View::ToShip), None, NEXT)?;
    let (any, _newer, _older) = list::page(conn, &Wanted::of(View::All), None, 1)?;
    Ok(Facts {
        waiting: list::waiting(conn)?,
        next,
        dead: queue::count_dead(conn)?,
        unmapped: unmapped::queries::count(conn)?,
        shops: shops::list(conn)?,
        rows: sync::rows(conn, now)?,
        alerts: alerts::queries::list_open(conn)?,
        items: products::queries::count(conn)?,
        places: locations::list(conn)?.len(),
        any_order: !any.is_empty(),
        pauses: pausing::banners(conn, prefix)?,
        paused: pauses::list(conn)?.into_iter().map(|it| it.scope).collect(),
    })
}

fn page(frame: Frame, facts: Facts) -> HomePage {
    let next: Vec<Next> = facts
        .next
        .iter()
        .map(|row| Next {
            state: words::state(row.work_state, row.short_quantity),
            href: format!("{}/orders/{}?view=to-ship", frame.prefix, row.id),
            row: row.clone(),
        })
        .collect();
    let now = frame.now.timestamp().to_zoned(frame.zone.clone());
    HomePage {
        day: now.strftime("%A %-d %B").to_string(),
        figures: figures(&frame, &facts),
        to_ship: count(&facts, View::ToShip),
        todos: todos(&frame, &facts),
        steps: steps(&frame, &facts),
        first: next
            .first()
            .filter(|_| frame.can(Action::Ship))
            .map(|next| next.href.clone()),
        next,
        pauses: facts.pauses,
        rows: facts.rows,
        stores: facts
            .shops
            .into_iter()
            .map(|shop| {
                let is_paused = facts.paused.contains(&scope(&shop));
                let badge = connection(shop.state, is_paused);
                (shop, badge)
            })
            .collect(),
        frame,
    }
}

fn count(facts: &Facts, view: View) -> i64 {
    super::orders::counted(view, &facts.waiting)
}

fn in_state(facts: &Facts, wanted: WorkState) -> i64 {
    facts
        .waiting
        .iter()
        .filter(|(state, _count)| *state == wanted)
        .map(|(_state, count)| count)
        .sum()
}

fn figures(frame: &Frame, facts: &Facts) -> Vec<Figure> {
    let orders = |view: View, label, tone| Figure {
        count: count(facts, view),
        label,
        tone,
        href: format!("{}/orders?view={view}", frame.prefix),
    };
    let mut figures = vec![
        orders(View::ToShip, "To ship", "success"),
        orders(View::NeedsMapping, "Needs mapping", "critical"),
        orders(View::OnHold, "On hold", "neutral"),
    ];
    if frame.serves("/events") {
        figures.push(Figure {
            count: facts.dead,
            label: "Failed events",
            tone: "critical",
            href: format!("{}/events?state=failed", frame.prefix),
        });
    }
    figures
}

// Worst first: what stops everything, what is lost until somebody looks, what waits.
fn todos(frame: &Frame, facts: &Facts) -> Vec<Todo> {
    let prefix = &frame.prefix;
    let mut todos: Vec<Todo> = facts
        .shops
        .iter()
        .filter(|shop| shop.state == ShopState::NeedsReconnect)
        .map(|shop| Todo {
            tone: "critical",
            what: format!("{} must be connected again", shop.name),
            why: shop.last_error.clone().unwrap_or_default(),
            href: format!("{prefix}/integrations/shopify/{}", shop.id),
            verb: "Reconnect",
        })
        .collect();
    if facts.dead > 0 && frame.serves("/events") {
        todos.push(Todo {
            tone: "critical",
            what: format!("{} gave up", many(facts.dead, "event", "events")),
            why: "Each says why, and what mends it".to_owned(),
            href: format!("{prefix}/events?state=failed"),
            verb: "Review",
        });
    }
    todos.extend(late(frame, facts));
    let unmapped = in_state(facts, WorkState::Unmapped);
    if unmapped > 0 {
        todos.push(Todo {
            tone: "warning",
            what: format!("{} wait for a mapping", many(unmapped, "order", "orders")),
            why: format!("{} without an item", unmapped_variants(facts.unmapped)),
            href: format!("{prefix}/mappings"),
            verb: "Map",
        });
    }
    let short = in_state(facts, WorkState::Short);
    if short > 0 {
        todos.push(Todo {
            tone: "warning",
            what: format!("{} short on stock", many(short, "order is", "orders are")),
            why: "Ship the rest, or add stock".to_owned(),
            href: format!("{prefix}/orders?view=to-ship"),
            verb: "See",
        });
    }
    let review = in_state(facts, WorkState::NeedsReview);
    if review > 0 {
        todos.push(Todo {
            tone: "warning",
            what: format!("{} a decision", many(review, "order needs", "orders need")),
            why: "Address, risk or an edit".to_owned(),
            href: format!("{prefix}/orders?view=on-hold"),
            verb: "Review",
        });
    }
    todos.truncate(MOST);
    todos
}

// What is dead and which store must be connected again is counted here and now, above; the alerts of those
// kinds say the same for the mail. That events wait too long, they alone know.
fn late<'a>(frame: &'a Frame, facts: &'a Facts) -> impl Iterator<Item = Todo> + 'a {
    let late = facts.alerts.iter().filter(|alert| match alert.kind {
        Kind::Late => frame.serves("/events"),
        Kind::Missing => frame.serves("/sync"),
        Kind::Version => frame.serves("/integrations"),
        Kind::Dead | Kind::Disconnected => false,
    });
    late.map(|alert| Todo {
        tone: "critical",
        what: alert.words(),
        why: alert.cause.clone(),
        href: match alert.kind {
            Kind::Missing => format!("{}/sync", frame.prefix),
            Kind::Version => format!("{}/integrations", frame.prefix),
            Kind::Late | Kind::Dead | Kind::Disconnected => {
                format!("{}/events?state=pending", frame.prefix)
            }
        },
        verb: "See",
    })
}

fn steps(frame: &Frame, facts: &Facts) -> Vec<Step> {
    let prefix = &frame.prefix;
    if facts.any_order {
        return Vec::new();
    }
    vec![
        Step {
            is_done: facts.places > 0,
            label: "Name the place you ship from",
            href: format!("{prefix}/integrations"),
        },
        Step {
            is_done: facts
                .shops
                .iter()
                .any(|shop| shop.state == ShopState::Active),
            label: "Connect a store",
            href: format!("{prefix}/integrations/shopify/new"),
        },
        Step {
            is_done: facts.items > 0,
            label: "Enter your items",
            href: format!("{prefix}/products"),
        },
        Step {
            is_done: !facts.shops.is_empty() && facts.unmapped == 0,
            label: "Map what the store sells to your items",
            href: format!("{prefix}/mappings"),
        },
    ]
}

fn connection(state: ShopState, is_paused: bool) -> Badge {
    let (text, kind) = match state {
        ShopState::Active if is_paused => ("Paused", "neutral"),
        ShopState::Active => ("Connected", "success plain"),
        ShopState::NeedsReconnect => ("Needs reconnecting", "critical"),
        ShopState::Disconnected => ("Disconnected", "neutral"),
    };
    Badge {
        text: text.to_owned(),
        kind,
        quiet: false,
    }
}

fn many(count: i64, one: &str, more: &str) -> String {
    let word = if count == 1 { one } else { more };
    format!("{count} {word}")
}

/// They are counted so far and no further.
fn unmapped_variants(count: i64) -> String {
    if count > MOST_COUNTED {
        format!("more than {} variants", filters::grouped(MOST_COUNTED))
    } else {
        many(count, "variant", "variants")
    }
}
