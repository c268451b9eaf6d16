//! Local deliveries on screen: the day by driver. One delivery, the driver's phone and the drivers have files
//! of their own.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;

use super::error::WebError;
use super::filters;
use super::orders::words::{self as order_words, Badge};
use super::page::{Frame, Section, html};
use super::visitor::Visitor;
use crate::erp::deliveries::drivers::{self, Driver};
use crate::erp::deliveries::flow::State;
use crate::erp::deliveries::queries::DeliveryRow;
use crate::erp::deliveries::queries::list::{self, Day, Whose};
use crate::erp::deliveries::{DeliveryError, rule};
use crate::erp::orders;
use crate::platform::db::{Db, DbConnection, DbError};
use crate::types::{Money, UserId};

pub mod actions;
pub mod people;
pub mod run;
pub mod show;
pub mod words;

/// Stops of one page: a day has fewer.
const MOST: i64 = 500;
/// Deliveries of other days that a search shows.
const MOST_ELSEWHERE: i64 = 5;

/// What the day's URL says.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct DayQuery {
    #[serde(default)]
    day: String,
    /// A driver's id, `none`, or empty for all.
    #[serde(default)]
    driver: String,
    #[serde(default)]
    q: String,
}

/// A stop as the day shows it.
pub struct Stop {
    pub row: DeliveryRow,
    pub state: Badge,
    pub payment: Badge,
    pub total: Money,
    pub place: Vec<String>,
    /// Left over from an earlier day.
    pub is_late: bool,
}

/// A driver's stops, or those of nobody.
pub struct Group {
    pub id: String,
    pub title: String,
    pub note: String,
    pub is_nobodys: bool,
    /// Its driver's page.
    pub run: Option<String>,
    pub stops: Vec<Stop>,
}

/// So many in one state, as a badge.
struct Count {
    text: String,
    kind: String,
}

#[derive(Template)]
#[template(path = "deliveries/index.html")]
struct IndexPage {
    frame: Frame,
    query: DayQuery,
    date: String,
    title: String,
    before: String,
    after: String,
    is_today: bool,
    groups: Vec<Group>,
    drivers: Vec<Driver>,
    counts: Vec<Count>,
    unassigned: i64,
    elsewhere: Vec<Stop>,
    has_more: bool,
    has_rule: bool,
}

/// A run on paper.
#[derive(Template)]
#[template(path = "deliveries/sheet.html")]
struct SheetPage {
    frame: Frame,
    title: String,
    date: String,
    groups: Vec<Group>,
}

struct Loaded {
    rows: Vec<DeliveryRow>,
    drivers: Vec<Driver>,
    counts: Vec<(Option<UserId>, State, i64)>,
    elsewhere: Vec<DeliveryRow>,
    has_rule: bool,
}

impl DayQuery {
    fn whose(&self) -> Whose {
        match self.driver.as_str() {
            "" => Whose::Everybodys,
            "none" => Whose::Nobodys,
            id => id.parse().map_or(Whose::Everybodys, Whose::Of),
        }
    }
}

/// The day that a URL names: a date, or today where it names none.
///
/// # Errors
///
/// `NotFound` for something else.
pub(super) fn day_of(text: &str, frame: &Frame) -> Result<(Date, Day), WebError> {
    let today = frame.now.timestamp().to_zoned(frame.zone.clone()).date();
    let date = match text {
        "" | "today" => today,
        text => text
            .parse()
            .map_err(|_other| WebError::NotFound(format!("The day {text}")))?,
    };
    let day = Day {
        date: date.to_string(),
        is_today: date == today,
    };
    Ok((date, day))
}

/// `Mon 30 Nov 2026`
pub(super) fn title_of(date: Date) -> String {
    date.strftime("%a %-d %b %Y").to_string()
}

/// `GET /deliveries?day=&driver=&q=`
///
/// # Errors
///
/// `NotFound` for a day that is none.
pub async fn index(
    db: web::Data<Db>,
    visitor: Visitor,
    query: web::Query<DayQuery>,
) -> Result<HttpResponse, WebError> {
    let (frame, query) = (visitor.frame(Section::Deliveries), query.into_inner());
    let (date, day) = day_of(&query.day, &frame)?;
    let (asked, wanted) = (day.clone(), query.clone());
    let loaded = db.read(move |conn| load(conn, &asked, &wanted)).await?;
    let beside = |date: Result<Date, jiff::Error>| date.unwrap_or(Date::ZERO).to_string();
    let elsewhere = loaded.elsewhere.iter().filter(|row| row.day != day.date);
    let page = IndexPage {
        title: title_of(date),
        before: beside(date.yesterday()),
        after: beside(date.tomorrow()),
        is_today: day.is_today,
        has_more: i64::try_from(loaded.rows.len()).unwrap_or(i64::MAX) >= MOST,
        counts: counts(&loaded.counts),
        unassigned: loaded
            .counts
            .iter()
            .filter(|(driver, state, _count)| driver.is_none() && *state == State::Pending)
            .map(|(_driver, _state, count)| count)
            .sum(),
        elsewhere: elsewhere.map(|row| stop(row.clone(), &day)).collect(),
        groups: groups(&frame, &day, loaded.rows, &loaded.drivers),
        drivers: loaded.drivers,
        has_rule: loaded.has_rule,
        date: day.date,
        query,
        frame,
    };
    Ok(html(StatusCode::OK, &page))
}

/// `GET /deliveries/sheet?day=&driver=`: a run on paper.
///
/// # Errors
///
/// `NotFound` for a day that is none.
pub async fn sheet(
    db: web::Data<Db>,
    visitor: Visitor,
    query: web::Query<DayQuery>,
) -> Result<HttpResponse, WebError> {
    let (frame, query) = (visitor.frame(Section::Deliveries), query.into_inner());
    let (date, day) = day_of(&query.day, &frame)?;
    let asked = day.clone();
    let mut loaded = db.read(move |conn| load(conn, &asked, &query)).await?;
    loaded.rows.retain(|row| row.state.is_open());
    let page = SheetPage {
        title: title_of(date),
        groups: groups(&frame, &day, loaded.rows, &loaded.drivers),
        date: day.date,
        frame,
    };
    Ok(html(StatusCode::OK, &page))
}

fn load(conn: &mut DbConnection, day: &Day, query: &DayQuery) -> Result<Loaded, DbError> {
    let search = query.q.trim();
    Ok(Loaded {
        rows: list::list_day(conn, day, query.whose(), search, MOST)?,
        drivers: drivers::list(conn)?,
        counts: list::count_day(conn, day)?,
        elsewhere: if search.is_empty() {
            Vec::new()
        } else {
            list::list_named(conn, search, MOST_ELSEWHERE)?
        },
        has_rule: rule::is_any(conn)?,
    })
}

/// A delivery with its words.
pub(super) fn stop(row: DeliveryRow, day: &Day) -> Stop {
    let address = orders::address(row.told.address.as_deref());
    let mut place = address.lines();
    // Whom it is for stands beside it.
    place.retain(|line| Some(line) != row.told.name.as_ref());
    Stop {
        state: words::state(row.state),
        payment: order_words::payment(row.told.payment_state),
        total: Money::new(row.told.total_minor, row.told.currency),
        is_late: row.state.is_open() && row.day < day.date,
        place,
        row,
    }
}

/// Nobody's first, then driver by driver in the order of their names.
fn groups(frame: &Frame, day: &Day, rows: Vec<DeliveryRow>, drivers: &[Driver]) -> Vec<Group> {
    let mut groups: Vec<(Option<UserId>, Group)> = Vec::new();
    for row in rows {
        let driver = row.driver_id;
        let stop = stop(row, day);
        match groups.iter_mut().find(|(known, _group)| *known == driver) {
            Some((_known, group)) => group.stops.push(stop),
            None => {
                let known = drivers.iter().find(|one| Some(one.user) == driver);
                let mut group = group(frame, day, driver, known);
                group.stops.push(stop);
                groups.push((driver, group));
            }
        }
    }
    groups.sort_by(|(one, a), (other, b)| {
        (one.is_some(), &a.title).cmp(&(other.is_some(), &b.title))
    });
    groups.into_iter().map(|(_driver, group)| group).collect()
}

fn group(frame: &Frame, day: &Day, driver: Option<UserId>, known: Option<&Driver>) -> Group {
    let notes = known.map(|one| [one.vehicle.clone(), one.phone.clone()]);
    let notes: Vec<String> = notes.into_iter().flatten().flatten().collect();
    Group {
        id: driver.map_or_else(|| "none".to_owned(), |id| id.to_string()),
        title: match (driver, known) {
            (None, _) => "Unassigned".to_owned(),
            (Some(_), Some(one)) => one.name.clone(),
            (Some(_), None) => "No driver any more".to_owned(),
        },
        note: notes.join(" · "),
        is_nobodys: driver.is_none(),
        run: driver.map(|id| format!("{}/run/{}?driver={id}", frame.prefix, day.date)),
        stops: Vec::new(),
    }
}

fn counts(all: &[(Option<UserId>, State, i64)]) -> Vec<Count> {
    let of = |states: &[State]| -> i64 {
        all.iter()
            .filter(|(_driver, state, _count)| states.contains(state))
            .map(|(_driver, _state, count)| count)
            .sum()
    };
    [
        ("to assign", &[State::Pending][..], "warning"),
        ("assigned", &[State::Assigned], "neutral"),
        ("out", &[State::Out], "info"),
        ("delivered", &[State::Delivered], "success"),
        ("not home", &[State::NotHome], "warning"),
        (
            "back or cancelled",
            &[State::Returned, State::Cancelled],
            "neutral",
        ),
    ]
    .into_iter()
    .map(|(label, states, tone)| (of(states), label, tone))
    .filter(|(count, _label, _tone)| *count > 0)
    .map(|(count, label, tone)| Count {
        text: format!("{count} {label}"),
        kind: format!("{tone} plain"),
    })
    .collect()
}

impl From<DeliveryError> for WebError {
    fn from(error: DeliveryError) -> Self {
        match error {
            DeliveryError::NotFound => WebError::NotFound("This delivery".to_owned()),
            DeliveryError::Changed
            | DeliveryError::NotAllowed { .. }
            | DeliveryError::NothingToUndo => WebError::Conflict(sentence(&error)),
            DeliveryError::NoDriver | DeliveryError::NoteTooLong | DeliveryError::NoDay => {
                WebError::Invalid(sentence(&error))
            }
            DeliveryError::Db(error) => error.into(),
        }
    }
}

/// What was in the way, for a person.
pub(super) fn sentence(error: &DeliveryError) -> String {
    match error {
        DeliveryError::NotFound => "There is no such delivery.".to_owned(),
        DeliveryError::Changed => {
            "Somebody else changed this delivery while the page was open. Look again.".to_owned()
        }
        DeliveryError::NotAllowed { from, to } => format!(
            "This delivery is {}: it cannot become {}.",
            words::state(*from).text.to_lowercase(),
            words::state(*to).text.to_lowercase()
        ),
        DeliveryError::NoDriver => "Choose one of the drivers who are active.".to_owned(),
        DeliveryError::NothingToUndo => {
            "There is nothing to take back any more: it was too long ago, or somebody was quicker."
                .to_owned()
        }
        DeliveryError::NoteTooLong => "A note has at most 500 characters.".to_owned(),
        DeliveryError::NoDay => "Enter a day.".to_owned(),
        DeliveryError::Db(error) => error.to_string(),
    }
}
