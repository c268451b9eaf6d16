//! Every URL on one page, with who may come in. What is not in this table is not served.
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, Responder, Route as Service, guard};

use super::{
    account, api, audit, customers, deliveries, events, gate, goods, health, holds, home,
    integrations, jobs, lots, mappings, metrics, nav, orders, palette, pausing, pictures, products,
    refreshing, sessions, setup, shipments, static_files, sync, users, webhooks,
};
use crate::erp::users::roles::Action;
use crate::erp::users::tokens::Scope;

/// Who may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody; forms still carry their token.
    Public,
    /// A machine that proves itself in its own way (a signature over the body): no session, no form token.
    Signed,
    /// Any signed-in user.
    SignedIn,
    /// Signed-in users whose role may.
    May(Action),
    /// A program with a bearer token of that scope.
    Token(Scope),
}

/// One line of the table.
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    service: Service,
}

/// The table.
#[must_use]
pub fn table() -> Vec<Route> {
    [house(), stores(), goods(), papers(), driving(), programs()]
        .into_iter()
        .flatten()
        .collect()
}

#[rustfmt::skip]
fn house() -> Vec<Route> {
    vec![
        // Shopify. The first that is looked at: nothing is asked for more often, and each line is looked at in turn.
        post("/api/integrations/webhook/shopify", Access::Signed, webhooks::receive),

        // Open to all: signing in, health, static files.
        get ("/healthz",               Access::Public,   health::alive),
        get ("/readyz",                Access::Public,   health::ready),
        get ("/metrics",               Access::Token(Scope::Read), metrics::show),
        get ("/static/{path:.*}",      Access::Public,   static_files::show),
        get ("/sign-in",               Access::Public,   sessions::new),
        post("/sign-in",               Access::Public,   sessions::create),
        get ("/setup",                 Access::Public,   setup::new),
        post("/setup",                 Access::Public,   setup::create),
        post("/sign-out",              Access::SignedIn, sessions::delete),

        // Sends a driver on to their stops.
        get ("/",                      Access::SignedIn, home::show),

        // Events: what came in and what goes out.
        get ("/events",                   Access::May(Action::View),    events::index),
        get ("/events/replays",           Access::May(Action::Replay),  events::replays::new),
        post("/events/replays",           Access::May(Action::Replay),  events::replays::create),
        get ("/events/{id}",              Access::May(Action::View),    events::show),
        post("/events/{id}/replay",       Access::May(Action::Replay),  events::actions::replay),
        post("/events/{id}/discard",      Access::May(Action::Discard), events::actions::discard),
        post("/events/{id}/discard/undo", Access::May(Action::Discard), events::actions::take_back),
        get ("/events/jobs/{id}",         Access::May(Action::View),    events::show_job),
        post("/events/jobs/{id}/replay",  Access::May(Action::Replay),  events::actions::replay_job),
        post("/events/jobs/{id}/discard", Access::May(Action::Discard), events::actions::discard_job),
        post("/events/jobs/{id}/discard/undo", Access::May(Action::Discard), events::actions::take_back_job),
        get ("/events/{direction}/pause",      Access::May(Action::Connect), pausing::new),
        post("/events/{direction}/pause",      Access::May(Action::Connect), pausing::create),
        post("/events/{direction}/resumption", Access::May(Action::Connect), pausing::delete),

        // People.
        get ("/settings/users",                     Access::May(Action::Users), users::index),
        post("/settings/users",                     Access::May(Action::Users), users::create),
        post("/settings/users/{id}/role",           Access::May(Action::Users), users::update_role),
        post("/settings/users/{id}/deactivation",   Access::May(Action::Users), users::deactivate),
        post("/settings/users/{id}/reactivation",   Access::May(Action::Users), users::reactivate),
        get ("/settings/audit",                     Access::May(Action::Users), audit::index),

        // Parts of every page: live counts, and what a phone's tabs have no room for.
        get ("/live/nav",              Access::SignedIn, nav::show),
        get ("/menu",                  Access::SignedIn, nav::menu),
        get ("/keys",                  Access::SignedIn, nav::keys),
        get ("/palette",               Access::May(Action::View), palette::show),

        get ("/account",               Access::SignedIn, account::edit),
        post("/account",               Access::SignedIn, account::update),
        post("/account/password",      Access::SignedIn, account::update_password),
    ]
}

#[rustfmt::skip]
fn stores() -> Vec<Route> {
    vec![
        // Stores: connecting them, what they need, and the long jobs.
        get ("/integrations",                               Access::May(Action::View),    integrations::index),
        get ("/integrations/shopify/new",                   Access::May(Action::Connect), integrations::new),
        post("/integrations/shopify",                       Access::May(Action::Connect), integrations::create),
        get ("/integrations/shopify/start",                 Access::May(Action::Connect), integrations::start),
        get ("/integrations/shopify/token",                 Access::May(Action::Connect), integrations::new_token),
        post("/integrations/shopify/token",                 Access::May(Action::Connect), integrations::create_token),
        get ("/api/integrations/callback/",                 Access::May(Action::Connect), integrations::callback::show),
        get ("/integrations/shopify/{id}",                  Access::May(Action::View),    integrations::show),
        get ("/integrations/shopify/{id}/settings",         Access::May(Action::Connect), integrations::settings::edit),
        post("/integrations/shopify/{id}/settings",         Access::May(Action::Connect), integrations::settings::update),
        get ("/integrations/shopify/{id}/pause",            Access::May(Action::Connect), pausing::new_store),
        post("/integrations/shopify/{id}/pause",            Access::May(Action::Connect), pausing::create_store),
        post("/integrations/shopify/{id}/resumption",       Access::May(Action::Connect), pausing::delete_store),
        get ("/integrations/shopify/{id}/disconnection",    Access::May(Action::Connect), integrations::settings::confirm),
        post("/integrations/shopify/{id}/disconnection",    Access::May(Action::Connect), integrations::settings::delete),
        post("/integrations/shopify/{id}/imports",          Access::May(Action::Import),  integrations::settings::import),
        post("/integrations/shopify/{id}/set-up",           Access::May(Action::Connect), integrations::settings::set_up),
        get ("/integrations/shopify/{id}/deliveries",       Access::May(Action::Connect), integrations::deliveries::edit),
        post("/integrations/shopify/{id}/deliveries",       Access::May(Action::Connect), integrations::deliveries::update),
        get ("/integrations/shopify/{id}/stock",            Access::May(Action::Connect), integrations::stock::edit),
        post("/integrations/shopify/{id}/stock",            Access::May(Action::Connect), integrations::stock::update),
        get ("/integrations/shopify/{id}/privacy",          Access::May(Action::Connect), integrations::privacy::index),
        get ("/integrations/shopify/{id}/privacy/{request}/report",    Access::May(Action::Connect), integrations::privacy::show),
        post("/integrations/shopify/{id}/privacy/{request}/closure",   Access::May(Action::Connect), integrations::privacy::close),
        post("/integrations/shopify/{id}/privacy/{request}/approval",  Access::May(Action::Connect), integrations::privacy::approve),
        get ("/mappings",                                   Access::May(Action::View),    mappings::index),
        get ("/mappings/acceptances",                       Access::May(Action::Map),     mappings::bulk::new),
        post("/mappings/acceptances",                       Access::May(Action::Map),     mappings::bulk::create),
        post("/mappings/batches/{batch}/removal",           Access::May(Action::Map),     mappings::bulk::undo),
        get ("/mappings/rules",                             Access::May(Action::Map),     mappings::rules::edit),
        post("/mappings/rules",                             Access::May(Action::Map),     mappings::rules::update),
        get ("/mappings/export",                            Access::May(Action::View),    mappings::export::show),
        get ("/mappings/imports/new",                       Access::May(Action::Map),     mappings::imports::new),
        post("/mappings/imports",                           Access::May(Action::Map),     mappings::imports::create),
        get ("/mappings/imports/{id}",                      Access::May(Action::Map),     mappings::imports::show),
        post("/mappings/imports/{id}/booking",              Access::May(Action::Map),     mappings::imports::book),
        get ("/mappings/{id}",                              Access::May(Action::View),    mappings::variant::show),
        post("/mappings/{id}/acceptance",                   Access::May(Action::Map),     mappings::create),
        get ("/mappings/{id}/kit",                          Access::May(Action::Map),     mappings::kit::new),
        post("/mappings/{id}/kit",                          Access::May(Action::Map),     mappings::kit::create),
        post("/mappings/{id}/item",                         Access::May(Action::Map),     mappings::variant::create_item),
        post("/mappings/{id}/exclusion",                    Access::May(Action::Map),     mappings::variant::exclude),
        post("/mappings/{id}/confirmation",                 Access::May(Action::Map),     mappings::variant::keep),
        post("/mappings/{id}/removal",                      Access::May(Action::Map),     mappings::variant::delete),
        get ("/jobs/{id}",                                  Access::May(Action::View),    jobs::show),
        post("/jobs/{id}/cancellation",                     Access::May(Action::Import),  jobs::create_cancellation),
        // The Sync centre.
        get ("/sync",                             Access::May(Action::View),   sync::index),
        get ("/sync/orders",                      Access::May(Action::View),   sync::orders::index),
        post("/sync/orders/runs",                 Access::May(Action::Import), sync::runs::create),
        get ("/sync/backfill",                    Access::May(Action::Import), sync::backfill::new),
        post("/sync/backfill",                    Access::May(Action::Import), sync::backfill::create),
        get ("/sync/runs/{id}",                   Access::May(Action::View),   sync::runs::show),
        get ("/sync/runs/{id}/refused",           Access::May(Action::Import), sync::runs::refused),
        post("/sync/runs/{id}/cancellation",      Access::May(Action::Import), sync::runs::create_cancellation),
    ]
}

#[rustfmt::skip]
fn goods() -> Vec<Route> {
    vec![
        // Orders.
        get ("/orders",                           Access::May(Action::View), orders::index),
        get ("/orders/export",                    Access::May(Action::View), orders::export::show),
        get ("/orders/views/new",                 Access::May(Action::View), orders::saved_views::new),
        post("/orders/views",                     Access::May(Action::View), orders::saved_views::create),
        post("/orders/views/{id}/removal",        Access::May(Action::View), orders::saved_views::delete),
        get ("/orders/{id}",                      Access::May(Action::View), orders::show::show),
        post("/orders/{id}/shipments",            Access::May(Action::Ship), shipments::create),
        get ("/shipments/{id}/tracking",          Access::May(Action::Ship), shipments::edit_tracking),
        post("/shipments/{id}/tracking",          Access::May(Action::Ship), shipments::update_tracking),
        get ("/shipments/{id}/cancellation",      Access::May(Action::Ship), shipments::confirm_undo),
        post("/shipments/{id}/cancellation",      Access::May(Action::Ship), shipments::create_undo),
        post("/orders/{id}/hold",                 Access::May(Action::Hold), holds::create),
        post("/orders/{id}/hold/release",         Access::May(Action::Hold), holds::release),
        get ("/orders/{id}/edits/{version}",      Access::May(Action::View), orders::edits::show),
        post("/orders/{id}/edits/{version}",      Access::May(Action::Hold), orders::edits::create),
        get ("/orders/{id}/cancellation",         Access::May(Action::CancelOrder), orders::cancellation::confirm),
        post("/orders/{id}/cancellation",         Access::May(Action::CancelOrder), orders::cancellation::create),
        post("/orders/{id}/refresh",              Access::May(Action::Hold), refreshing::create),
        post("/orders/{id}/lines/{line}/item",    Access::May(Action::Map),  holds::choose_item),
        // Customers.
        get ("/customers",                        Access::May(Action::View),           customers::index),
        get ("/customers/export",                 Access::May(Action::View),           customers::export::show),
        get ("/customers/import",                 Access::May(Action::Import),         customers::import::new),
        post("/customers/import",                 Access::May(Action::Import),         customers::import::create),
        get ("/customers/duplicates",             Access::May(Action::View),           customers::duplicates::index),
        post("/customers/duplicates/apart",       Access::May(Action::MergeCustomers), customers::duplicates::create_apart),
        get ("/customers/merge",                  Access::May(Action::MergeCustomers), customers::merging::new),
        post("/customers/merge",                  Access::May(Action::MergeCustomers), customers::merging::create),
        post("/customers/merges/{id}/undo",       Access::May(Action::MergeCustomers), customers::merging::delete),
        get ("/customers/{id}",                   Access::May(Action::View),           customers::show::show),
        // Pictures of what is sold.
        get ("/img/{hash}",                       Access::May(Action::View), pictures::show),
        get ("/img/{hash}/large",                 Access::May(Action::View), pictures::show_large),
        // Items and their stock.
        get ("/products",                         Access::May(Action::View), products::index),
        get ("/products/new",                     Access::May(Action::Map),  products::new),
        post("/products",                         Access::May(Action::Map),  products::create),
        get ("/products/{id}",                    Access::May(Action::View), products::show::show),
        post("/products/{id}/adjustments",        Access::May(Action::AdjustStock), products::show::adjust),
        post("/products/{id}/tracking",           Access::May(Action::AdjustStock), products::lots::update_tracking),
        post("/products/{id}/lots",               Access::May(Action::AdjustStock), products::lots::create),
        post("/products/{id}/stores/{shop}/push", Access::May(Action::AdjustStock), products::stores::create_push),
        get ("/lots",                             Access::May(Action::View), lots::index),
        get ("/lots/{id}",                        Access::May(Action::View), lots::show),
        get ("/lots/{id}/export",                 Access::May(Action::View), lots::export::show),
        post("/lots/{id}/block",                  Access::May(Action::AdjustStock), lots::block),
        post("/lots/{id}/release",                Access::May(Action::AdjustStock), lots::release),
        post("/lots/{id}/date",                   Access::May(Action::AdjustStock), lots::update_date),
    ]
}

/// Goods that come in, move and are counted.
#[rustfmt::skip]
fn papers() -> Vec<Route> {
    vec![
        get ("/receipts",                                       Access::May(Action::View), goods::index),
        get ("/receipts/new",                                   Access::May(Action::AdjustStock), goods::new),
        post("/receipts",                                       Access::May(Action::AdjustStock), goods::create),
        get ("/receipts/{id}",                                  Access::May(Action::View), goods::show::show),
        post("/receipts/{id}/lines",                            Access::May(Action::AdjustStock), goods::actions::create_line),
        post("/receipts/{id}/lines/{line}",                     Access::May(Action::AdjustStock), goods::actions::update_line),
        post("/receipts/{id}/file",                             Access::May(Action::AdjustStock), goods::files::create),
        post("/receipts/{id}/bookings",                         Access::May(Action::AdjustStock), goods::actions::create_booking),
        post("/receipts/{id}/bookings/{booking}/undo",          Access::May(Action::AdjustStock), goods::actions::delete_booking),
        post("/receipts/{id}/closure",                          Access::May(Action::AdjustStock), goods::actions::close),
        post("/receipts/{id}/reopening",                        Access::May(Action::AdjustStock), goods::actions::reopen),
        get ("/transfers",                                      Access::May(Action::View), goods::index),
        get ("/transfers/new",                                  Access::May(Action::AdjustStock), goods::new),
        post("/transfers",                                      Access::May(Action::AdjustStock), goods::create),
        get ("/transfers/{id}",                                 Access::May(Action::View), goods::show::show),
        post("/transfers/{id}/lines",                           Access::May(Action::AdjustStock), goods::actions::create_line),
        post("/transfers/{id}/lines/{line}",                    Access::May(Action::AdjustStock), goods::actions::update_line),
        post("/transfers/{id}/file",                            Access::May(Action::AdjustStock), goods::files::create),
        post("/transfers/{id}/dispatch",                        Access::May(Action::AdjustStock), goods::actions::dispatch),
        post("/transfers/{id}/return",                          Access::May(Action::AdjustStock), goods::actions::give_back),
        post("/transfers/{id}/bookings",                        Access::May(Action::AdjustStock), goods::actions::create_booking),
        post("/transfers/{id}/bookings/{booking}/undo",         Access::May(Action::AdjustStock), goods::actions::delete_booking),
        post("/transfers/{id}/closure",                         Access::May(Action::AdjustStock), goods::actions::close),
        post("/transfers/{id}/reopening",                       Access::May(Action::AdjustStock), goods::actions::reopen),
        get ("/counts",                                         Access::May(Action::View), goods::index),
        get ("/counts/new",                                     Access::May(Action::AdjustStock), goods::new),
        post("/counts",                                         Access::May(Action::AdjustStock), goods::create),
        get ("/counts/{id}",                                    Access::May(Action::View), goods::show::show),
        post("/counts/{id}/lines",                              Access::May(Action::AdjustStock), goods::actions::create_line),
        post("/counts/{id}/numbers",                            Access::May(Action::AdjustStock), goods::actions::save_numbers),
        post("/counts/{id}/file",                               Access::May(Action::AdjustStock), goods::files::create),
        post("/counts/{id}/bookings",                           Access::May(Action::AdjustStock), goods::actions::create_booking),
        post("/counts/{id}/bookings/{booking}/undo",            Access::May(Action::AdjustStock), goods::actions::delete_booking),
        post("/counts/{id}/closure",                            Access::May(Action::AdjustStock), goods::actions::close),
        post("/counts/{id}/reopening",                          Access::May(Action::AdjustStock), goods::actions::reopen),
    ]
}

/// Local deliveries: the day, one of them, who drives, and the driver's phone.
#[rustfmt::skip]
fn driving() -> Vec<Route> {
    vec![
        get ("/deliveries",                       Access::May(Action::View),     deliveries::index),
        get ("/deliveries/sheet",                 Access::May(Action::View),     deliveries::sheet),
        get ("/deliveries/drivers",               Access::May(Action::Dispatch), deliveries::people::index),
        post("/deliveries/drivers/{id}",          Access::May(Action::Dispatch), deliveries::people::update),
        post("/deliveries/assignments",           Access::May(Action::Dispatch), deliveries::actions::create_assignments),
        get ("/deliveries/{id}",                  Access::May(Action::View),     deliveries::show::show),
        get ("/deliveries/{id}/photos/{photo}",   Access::May(Action::View),     deliveries::show::photo),
        post("/deliveries/{id}/status",           Access::May(Action::Dispatch), deliveries::actions::create_status),
        post("/deliveries/{id}/undo",             Access::May(Action::Dispatch), deliveries::actions::delete_status),
        post("/deliveries/{id}/assignment",       Access::May(Action::Dispatch), deliveries::actions::create_assignment),
        post("/deliveries/{id}/day",              Access::May(Action::Dispatch), deliveries::actions::update_day),
        post("/deliveries/{id}/position",         Access::May(Action::Dispatch), deliveries::actions::update_position),
        post("/deliveries/{id}/lines",            Access::May(Action::Dispatch), deliveries::actions::update_lines),
        post("/deliveries/{id}/shipment",         Access::May(Action::Dispatch), deliveries::actions::create_shipment),
        get ("/run/{day}",                        Access::May(Action::Drive),    deliveries::run::show),
        post("/run/{day}/out",                    Access::May(Action::Drive),    deliveries::run::set_out),
        post("/run/{day}/stops/{id}",             Access::May(Action::Drive),    deliveries::run::create_status),
        post("/run/{day}/stops/{id}/undo",        Access::May(Action::Drive),    deliveries::run::delete_status),
    ]
}

#[rustfmt::skip]
fn programs() -> Vec<Route> {
    vec![
        get ("/api/openapi.json",                          Access::Public,              api::docs::document),
        get ("/settings/api",                              Access::SignedIn,            api::docs::show),
        get ("/api/{tenant}/orders",                       Access::Token(Scope::Read),  api::orders::index),
        get ("/api/{tenant}/orders/{id}",                  Access::Token(Scope::Read),  api::orders::show),
        post("/api/{tenant}/orders/{id}/shipments",        Access::Token(Scope::Write), api::shipments::create),
        get ("/api/{tenant}/events",                       Access::Token(Scope::Read),  api::events::index),
        post("/api/{tenant}/events/{id}/replay",           Access::Token(Scope::Write), api::events::replay),
        get ("/api/{tenant}/mappings",                     Access::Token(Scope::Read),  api::mappings::index),
        get ("/api/{tenant}/products",                     Access::Token(Scope::Read),  api::products::index),
        get ("/api/{tenant}/stock",                        Access::Token(Scope::Read),  api::stock::index),
        get ("/api/{tenant}/inventory",                    Access::Token(Scope::Read),  api::inventory::index),
        post("/api/{tenant}/inventory/pushes",             Access::Token(Scope::Write), api::inventory::create_push),
        get ("/api/{tenant}/locations",                    Access::Token(Scope::Read),  api::locations::index),
        get ("/api/{tenant}/customers",                    Access::Token(Scope::Read),  api::customers::index),
        get ("/api/{tenant}/customers/{id}",               Access::Token(Scope::Read),  api::customers::show),
        post("/api/{tenant}/customers/{id}/merge",         Access::Token(Scope::Write), api::customers::merge),
        get ("/api/{tenant}/deliveries",                   Access::Token(Scope::Read),  api::deliveries::index),
        get ("/api/{tenant}/deliveries/{id}",              Access::Token(Scope::Read),  api::deliveries::show),
        post("/api/{tenant}/deliveries/{id}/status",       Access::Token(Scope::Write), api::deliveries::create_status),
        get ("/api/{tenant}/changes",                      Access::Token(Scope::Read),  api::changes::index),
        get ("/api/{tenant}/sync/status",                  Access::Token(Scope::Read),  api::sync::status),
        post("/api/{tenant}/sync/shopify",                 Access::Token(Scope::Write), api::sync_runs::create),
        post("/api/{tenant}/integrations/shopify/test",    Access::Token(Scope::Write), api::integrations::test),
        delete("/api/{tenant}/integrations/shopify",       Access::Token(Scope::Write), api::integrations::delete),
    ]
}

fn route<F, Args>(method: Method, path: &'static str, access: Access, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let service = web::route().to(handler);
    Route {
        method,
        path,
        access,
        service,
    }
}

fn get<F, Args>(path: &'static str, access: Access, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    route(Method::GET, path, access, handler)
}

fn post<F, Args>(path: &'static str, access: Access, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    route(Method::POST, path, access, handler)
}

fn delete<F, Args>(path: &'static str, access: Access, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    route(Method::DELETE, path, access, handler)
}

/// Registers the table, each line behind its gate.
pub(super) fn register(cfg: &mut ServiceConfig) {
    for line in table() {
        let access = line.access;
        let resource = web::resource(line.path).route(line.service);
        let resource = if line.method == Method::GET {
            resource.guard(guard::Any(guard::Get()).or(guard::Head()))
        } else {
            resource.guard(guard::Method(line.method))
        };
        cfg.service(resource.wrap(from_fn(move |req, next| gate::pass(access, req, next))));
    }
}
