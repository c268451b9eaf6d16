//! The store's own admin: its orders, what was shipped, and the switchboard of misbehaviour.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::model::{FoStatus, Order};
use super::state::State;
use super::totals::{self, totals};
use super::{
    Giving, Handling, Misbehaviour, OrderEdit, OrderKind, Practice, Returning, money, pages,
};

#[derive(Template)]
#[template(path = "practice/index.html")]
struct IndexPage {
    shop: String,
    kinds: Vec<(String, &'static str)>,
    orders: Vec<OrderRow>,
    faults: Vec<FaultRow>,
    subscriptions: Vec<String>,
    waiting: Vec<WebhookRow>,
    installed: bool,
}

struct OrderRow {
    id: u64,
    name: String,
    placed: String,
    customer: String,
    kind: &'static str,
    payment: String,
    shipping: String,
    total: String,
}

struct FaultRow {
    key: String,
    label: &'static str,
    explanation: &'static str,
    left: u32,
    at_once: bool,
}

struct WebhookRow {
    topic: String,
    state: &'static str,
    attempts: u32,
    answer: String,
}

#[derive(Template)]
#[template(path = "practice/order.html")]
struct OrderPage {
    row: OrderRow,
    shop: String,
    lines: Vec<LineRow>,
    address: Vec<String>,
    note: String,
    fulfillments: Vec<FulfillmentRow>,
    fulfillment_orders: Vec<(u64, String, &'static str, String)>,
    sums: Vec<(&'static str, String)>,
    handlings: Vec<(&'static str, &'static str)>,
}

struct LineRow {
    name: String,
    sku: String,
    quantity: i64,
    shipped: i64,
    price: String,
}

struct FulfillmentRow {
    name: String,
    status: &'static str,
    company: String,
    numbers: Vec<(String, String)>,
    lines: Vec<String>,
    notified: bool,
}

#[derive(Template)]
#[template(path = "practice/token.html")]
struct TokenPage {
    token: String,
    shop: String,
}

/// `GET /` and `GET /admin`
pub(super) async fn index(practice: web::Data<Practice>) -> HttpResponse {
    let page = practice.read(|state| IndexPage {
        shop: practice.config().shop_domain.clone(),
        kinds: OrderKind::ALL
            .iter()
            .map(|kind| (key(kind), label(*kind)))
            .collect(),
        orders: newest(state)
            .into_iter()
            .take(200)
            .map(|order| row(state, order))
            .collect(),
        faults: FAULTS
            .iter()
            .map(|fault| fault_row(state, *fault))
            .collect(),
        subscriptions: state
            .subscriptions
            .iter()
            .map(|one| format!("{} → {}", one.topic, one.uri))
            .collect(),
        waiting: state
            .deliveries
            .iter()
            .rev()
            .take(20)
            .map(webhook_row)
            .collect(),
        installed: state.meta.installation.is_some(),
    });
    pages::html(&page)
}

/// `GET /practice/orders/{id}`
pub(super) async fn show_order(practice: web::Data<Practice>, id: web::Path<u64>) -> HttpResponse {
    let page = practice.read(|state| {
        let order = state.orders.get(*id)?;
        let shop = practice.config().shop_domain.clone();
        Some(order_page(state, order, shop))
    });
    page.map_or_else(
        || HttpResponse::NotFound().body("There is no such order"),
        |page| pages::html(&page),
    )
}

/// `POST /practice/orders`
pub(super) async fn create_order(
    practice: web::Data<Practice>,
    form: web::Form<BTreeMap<String, String>>,
) -> HttpResponse {
    let wanted = form.get("kind").map(String::as_str).unwrap_or_default();
    let kind = OrderKind::ALL.into_iter().find(|kind| key(kind) == wanted);
    let times = form
        .get("times")
        .and_then(|times| times.parse::<usize>().ok())
        .unwrap_or(1)
        .clamp(1, 100);
    match kind {
        Some(kind) => (0..times).for_each(|_| drop(practice.place_order(kind))),
        None => drop(practice.demo_orders(times)),
    }
    pages::see_other("/")
}

/// `POST /practice/orders/{id}/{action}`
pub(super) async fn change_order(
    practice: web::Data<Practice>,
    path: web::Path<(u64, String)>,
) -> HttpResponse {
    let (id, action) = path.into_inner();
    let known = match action.as_str() {
        "addition" => practice.edit_order(id, &OrderEdit::AddLine),
        "more" => practice.edit_order(id, &OrderEdit::AddPiece),
        "removal" => practice.edit_order(id, &OrderEdit::RemovePiece),
        "address" => practice.edit_order(id, &OrderEdit::Address1("9 Moved House Rd".to_owned())),
        "note" => practice.edit_order(
            id,
            &OrderEdit::Note("Leave it with the neighbour.".to_owned()),
        ),
        "payment" => practice.pay_order(id),
        "cancellation" => practice.cancel_order(id),
        "refund" => practice.refund_order(id),
        "comeback" => practice.give_back_shipped(id, false),
        "pending-comeback" => practice.give_back_shipped(id, true),
        "shipping-refund" => practice.give_back(
            id,
            &Giving {
                shipping: true,
                ..Giving::default()
            },
        ),
        "amount-refund" => practice.give_back(
            id,
            &Giving {
                cents: Some(300),
                note: Some("For the trouble".to_owned()),
                ..Giving::default()
            },
        ),
        "return-request" => practice.return_everything(id, false),
        "exchange" => practice.return_everything(id, true),
        "return-approval" => practice.return_order(id, &Returning::Approve),
        "return-decline" => practice.return_order(id, &Returning::Decline),
        "return-restock" => practice.return_order(
            id,
            &Returning::Process {
                restock: true,
                refund: true,
            },
        ),
        "return-close" => practice.return_order(id, &Returning::Close),
        "return-cancel" => practice.return_order(id, &Returning::Cancel),
        "settlement" => practice.settle_refunds(id),
        "void" => practice.void_order(id),
        "fulfillment" => practice.fulfill_elsewhere(id),
        other => match HANDLINGS.iter().find(|(_, action, _)| *action == other) {
            Some((how, ..)) => practice.handle_order(id, *how),
            None => return HttpResponse::NotFound().body("The store cannot do that"),
        },
    };
    if known {
        pages::see_other(&format!("/practice/orders/{id}"))
    } else {
        HttpResponse::Conflict()
            .body("The order is not in a state for that. Go back and look again.")
    }
}

/// `POST /practice/products`: renames the product of a SKU.
pub(super) async fn update_product(
    practice: web::Data<Practice>,
    form: web::Form<BTreeMap<String, String>>,
) -> HttpResponse {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if practice.update_product(field("sku"), field("title")) {
        pages::see_other("/")
    } else {
        HttpResponse::NotFound().body("No product has this SKU")
    }
}

/// `POST /practice/tokens`: a custom app's token, shown once.
pub(super) async fn create_token(practice: web::Data<Practice>) -> HttpResponse {
    pages::html(&TokenPage {
        token: practice.custom_app_token(),
        shop: practice.config().shop_domain.clone(),
    })
}

/// `POST /practice/misbehaviours`
pub(super) async fn misbehave(
    practice: web::Data<Practice>,
    form: web::Form<BTreeMap<String, String>>,
) -> HttpResponse {
    let wanted = form.get("what").map(String::as_str).unwrap_or_default();
    let times = form
        .get("times")
        .and_then(|times| times.parse().ok())
        .unwrap_or(1);
    if let Some((what, ..)) = FAULTS.iter().find(|(what, ..)| key(what) == wanted) {
        practice.misbehave(*what, times);
    }
    pages::see_other("/")
}

/// `GET /practice.css`
pub(super) async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .body(include_str!("practice.css"))
}

const FAULTS: &[(Misbehaviour, &str, &str)] = &[
    (
        Misbehaviour::Throttle,
        "Throttle",
        "requests are told to come later",
    ),
    (
        Misbehaviour::ServerError,
        "Server error",
        "requests are answered 502",
    ),
    (
        Misbehaviour::TimeOutAfterCommit,
        "Silence after the work",
        "changes are made and never answered",
    ),
    (
        Misbehaviour::CloseAfterCommit,
        "Hang up after the work",
        "changes are made and the connection breaks",
    ),
    (
        Misbehaviour::DuplicateWebhooks,
        "Duplicate webhooks",
        "each comes twice",
    ),
    (
        Misbehaviour::ReorderWebhooks,
        "Reorder webhooks",
        "the next ones arrive newest first",
    ),
    (
        Misbehaviour::DelayWebhooks,
        "Delay webhooks",
        "each comes 30 seconds late",
    ),
    (
        Misbehaviour::DropWebhooks,
        "Drop webhooks",
        "they never come",
    ),
    (
        Misbehaviour::BreakDownload,
        "Break downloads",
        "files of bulk operations end half-way",
    ),
    (
        Misbehaviour::LaterVersion,
        "Later version",
        "requests are answered in a later version of the API",
    ),
    (Misbehaviour::ExpireToken, "Expire the token", "at once"),
    (Misbehaviour::Uninstall, "Uninstall the app", "at once"),
];

/// What staff and other apps do about who ships: in the address, and on the button.
const HANDLINGS: &[(Handling, &str, &str)] = &[
    (Handling::Hold, "hold", "Hold it: wrong address"),
    (Handling::HoldByApp, "app-hold", "Let another app hold it"),
    (Handling::Release, "release", "Release those holds"),
    (Handling::Move, "move", "Ship it from the other location"),
    (Handling::Split, "split", "Split one piece off"),
    (Handling::Schedule, "schedule", "Schedule it for next week"),
    (Handling::Open, "opening", "Open it for shipping"),
    (Handling::GiveToService, "service", "Give it to a service"),
    (
        Handling::ShipByService,
        "service-shipment",
        "Let the service ship",
    ),
    (
        Handling::CancelFulfillment,
        "unfulfillment",
        "Cancel the last shipment",
    ),
    (Handling::Deliver, "arrival", "The last shipment arrives"),
    (Handling::RaiseRisk, "risk", "Find it very risky"),
    (Handling::LowerRisk, "clearance", "Find it harmless"),
];

fn key(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

fn fault_row(state: &State, fault: (Misbehaviour, &'static str, &'static str)) -> FaultRow {
    let (what, label, explanation) = fault;
    FaultRow {
        key: key(&what),
        label,
        explanation,
        left: state.meta.misbehaviours.get(&what).copied().unwrap_or(0),
        at_once: matches!(what, Misbehaviour::ExpireToken | Misbehaviour::Uninstall),
    }
}

fn webhook_row(one: &super::model::Delivery) -> WebhookRow {
    let shown = super::webhooks::shown(one);
    WebhookRow {
        topic: shown.topic,
        state: shown.state,
        attempts: shown.attempts,
        answer: shown.answer.unwrap_or_default(),
    }
}

fn newest(state: &State) -> Vec<&Order> {
    let mut orders: Vec<&Order> = state.orders.iter().collect();
    orders.sort_by_key(|order| std::cmp::Reverse(order.number));
    orders
}

fn row(state: &State, order: &Order) -> OrderRow {
    let customer = order.customer_id.and_then(|id| state.customers.get(id));
    let shipping = match (order.cancelled_at, totals::fulfillment_status(order)) {
        (Some(_), _) => "cancelled",
        (None, Some("fulfilled")) => "fulfilled",
        (None, Some("partial")) => "partly fulfilled",
        (None, _) => "unfulfilled",
    };
    OrderRow {
        id: order.id,
        name: order.name(),
        placed: super::payloads::time(order.created_at)
            .replace('T', " ")
            .chars()
            .take(16)
            .collect(),
        customer: customer.map_or_else(
            || "No customer".to_owned(),
            |one| format!("{} {}", one.first_name, one.last_name),
        ),
        kind: label(order.kind),
        payment: totals::financial_status(order).replace('_', " "),
        shipping: shipping.to_owned(),
        total: shown(order, totals(order).current_total),
    }
}

/// An amount as the customer sees it.
fn shown(order: &Order, amount: money::Amount) -> String {
    format!(
        "{} {}",
        money::rest(amount.presentment, &order.presentment_currency),
        order.presentment_currency
    )
}

fn order_page(state: &State, order: &Order, shop: String) -> OrderPage {
    let sums = totals(order);
    let place = order.shipping_address.as_ref();
    let line = |line: &super::model::Line| LineRow {
        name: line.name(),
        sku: line.sku.clone().unwrap_or_else(|| "no SKU".to_owned()),
        quantity: line.current_quantity(),
        shipped: totals::fulfilled_quantity(order, line.id),
        price: shown(order, line.price),
    };
    let location = |id: u64| {
        state
            .locations
            .get(id)
            .map_or_else(String::new, |one| one.name.clone())
    };
    let open = |one: &super::model::FulfillmentOrder| match one.status {
        FoStatus::Open => "open",
        FoStatus::InProgress => "in progress",
        FoStatus::Scheduled => "scheduled",
        FoStatus::OnHold => "on hold",
        FoStatus::Closed => "closed",
        FoStatus::Cancelled => "cancelled",
    };
    OrderPage {
        row: row(state, order),
        shop,
        lines: order.lines.iter().map(line).collect(),
        address: place.map(address_lines).unwrap_or_default(),
        note: order.note.clone().unwrap_or_default(),
        fulfillments: order
            .fulfillments
            .iter()
            .map(|one| fulfillment_row(order, one))
            .collect(),
        fulfillment_orders: order
            .fulfillment_orders
            .iter()
            .map(|one| {
                (
                    one.id,
                    location(one.location_id),
                    open(one),
                    one.lines
                        .iter()
                        .map(|line| line.remaining)
                        .sum::<i64>()
                        .to_string(),
                )
            })
            .collect(),
        handlings: HANDLINGS
            .iter()
            .map(|(_, action, label)| (*action, *label))
            .collect(),
        sums: vec![
            ("Items", shown(order, sums.line_items)),
            ("Discounts", shown(order, -sums.discounts)),
            ("Shipping", shown(order, sums.shipping)),
            ("Tax", shown(order, sums.tax)),
            ("Tip", shown(order, sums.tip)),
            ("Total", shown(order, sums.total)),
            ("Total now", shown(order, sums.current_total)),
            ("Paid", shown(order, sums.received)),
            ("Refunded", shown(order, sums.refunded)),
        ],
    }
}

fn address_lines(place: &super::model::Address) -> Vec<String> {
    let town = format!("{} {}", place.city, place.zip);
    let lines = [
        place.name().unwrap_or_default(),
        place.address1.clone(),
        town,
        place.country.clone(),
    ];
    lines
        .into_iter()
        .filter(|line| !line.trim().is_empty())
        .collect()
}

fn fulfillment_row(order: &Order, one: &super::model::Fulfillment) -> FulfillmentRow {
    let numbers = one.tracking.numbers.iter().enumerate();
    let what = one.lines.iter().filter_map(|line| {
        Some(format!(
            "{} × {}",
            line.quantity,
            order.line(line.line_id)?.name()
        ))
    });
    FulfillmentRow {
        name: one.name.clone(),
        status: if one.cancelled {
            "cancelled"
        } else {
            "shipped"
        },
        company: one
            .tracking
            .company
            .clone()
            .unwrap_or_else(|| "no carrier".to_owned()),
        numbers: numbers
            .map(|(nth, number)| {
                (
                    number.clone(),
                    one.tracking.urls.get(nth).cloned().unwrap_or_default(),
                )
            })
            .collect(),
        lines: what.collect(),
        notified: one.notified,
    }
}

fn label(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::OneLine => "One line",
        OrderKind::SeveralLines => "Several lines",
        OrderKind::TwoLocations => "From two locations",
        OrderKind::DiscountCode => "Discount code",
        OrderKind::TaxesOnTop => "Taxes on top",
        OrderKind::PointOfSale => "At the till, no customer",
        OrderKind::Digital => "Digital, nothing to ship",
        OrderKind::UnknownSku => "A new SKU",
        OrderKind::NoSku => "No SKU",
        OrderKind::CustomLine => "Line typed by hand",
        OrderKind::GiftCard => "Gift card",
        OrderKind::Free => "Free of charge",
        OrderKind::Euro => "In euros, taxes included",
        OrderKind::Yen => "In yen, taxes included",
        OrderKind::Tip => "With a tip",
        OrderKind::NoteAndAttributes => "Note and attributes",
        OrderKind::Unpaid => "Unpaid",
        OrderKind::Authorized => "Authorised, some risk",
        OrderKind::LocalDelivery => "Local delivery",
        OrderKind::Pickup => "Fetched in the shop",
    }
}
