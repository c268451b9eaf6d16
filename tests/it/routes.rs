//! Every address of the program: who may come in, and that no form is taken without its token.

use counterfoil::erp::users::roles::{Action, Role};
use counterfoil::erp::users::tokens::{self, Scope};
use counterfoil::platform::db::DbError;
use counterfoil::web::routes::{Access, Route, table};
use reqwest::{Method, StatusCode};

use crate::support::app::TestApp;
use crate::support::both_databases;
use crate::support::database::Kind;
use crate::support::visitor::Visitor;

both_databases!(
    strangers_reach_the_short_public_list_alone,
    every_role_reaches_what_it_may_and_nothing_else,
    every_form_needs_its_token,
    programs_need_a_token_of_the_right_scope,
);

/// What anybody may ask for; a longer list is a decision.
const PUBLIC: &[&str] = &[
    "GET /healthz",
    "GET /readyz",
    "GET /static/{path:.*}",
    "GET /sign-in",
    "POST /sign-in",
    // What the API can do is no secret; what it holds needs a token.
    "GET /api/openapi.json",
    "GET /setup",
    "POST /setup",
    // Shopify sends messages here; their signature is checked inside.
    "POST /api/integrations/webhook/shopify",
];

/// Who may do what, written down a second time on purpose.
const MAY: &[(Action, &[Role])] = {
    use Role::{Admin, Driver, Finance, Operations, Owner, Viewer, Warehouse};
    &[
        (
            Action::View,
            // A driver sees nothing but the own stops.
            &[Owner, Admin, Operations, Warehouse, Finance, Viewer],
        ),
        (Action::Ship, &[Owner, Admin, Operations, Warehouse]),
        (Action::AdjustStock, &[Owner, Admin, Operations, Warehouse]),
        (
            Action::Hold,
            &[Owner, Admin, Operations, Warehouse, Finance],
        ),
        (Action::Map, &[Owner, Admin, Operations]),
        (Action::CancelOrder, &[Owner, Admin, Operations]),
        (Action::MergeCustomers, &[Owner, Admin, Operations]),
        (Action::Replay, &[Owner, Admin, Operations]),
        (Action::Import, &[Owner, Admin, Operations]),
        (Action::Dispatch, &[Owner, Admin, Operations, Warehouse]),
        (
            Action::Drive,
            &[Owner, Admin, Operations, Warehouse, Driver],
        ),
        (Action::Overrule, &[Owner, Admin, Operations]),
        (Action::Discard, &[Owner, Admin]),
        (Action::Connect, &[Owner, Admin]),
        (Action::Users, &[Owner, Admin]),
        (Action::Settings, &[Owner, Admin]),
    ]
};

async fn strangers_reach_the_short_public_list_alone(kind: Kind) {
    let app = TestApp::start(kind).await;
    for route in table() {
        let name = format!("{} {}", route.method, route.path);
        let open = matches!(route.access, Access::Public | Access::Signed);
        assert_eq!(
            open,
            PUBLIC.contains(&name.as_str()),
            "{name} and the public list"
        );
        let reply = app
            .stranger()
            .ask(
                route.method.as_str().parse().expect("a method"),
                &address(&route),
            )
            .await;
        let to_sign_in = reply
            .headers()
            .get("location")
            .is_some_and(|to| to.as_bytes().starts_with(b"/sign-in?next"));
        let refused = to_sign_in || reply.status() == StatusCode::UNAUTHORIZED;
        // The webhook's door refuses an unsigned body with the same status.
        assert!(
            // Set-up is open to all, until the first account is made: this house has one.
            refused != open || matches!(route.access, Access::Signed) || route.path == "/setup",
            "{name}: {}",
            reply.status()
        );
    }
}

async fn every_role_reaches_what_it_may_and_nothing_else(kind: Kind) {
    let app = TestApp::start(kind).await;
    assert_eq!(
        MAY.len(),
        Action::ALL.len(),
        "an action has no line in this file"
    );
    for role in Role::ALL {
        let visitor = app.signed_in(*role).await;
        let token = app.csrf(&visitor);
        for route in table() {
            let allowed = match route.access {
                Access::May(action) => may(*role, action),
                Access::SignedIn => true,
                Access::Public | Access::Signed | Access::Token(_) => continue,
            };
            let refused = is_refused_for_the_role(&visitor, &route, &token, allowed).await;
            assert_eq!(
                refused, !allowed,
                "{role:?} at {} {}",
                route.method, route.path
            );
        }
    }
}

async fn every_form_needs_its_token(kind: Kind) {
    let app = TestApp::start(kind).await;
    let mut forms = 0;
    for route in table() {
        let takes_forms = matches!(
            route.access,
            Access::Public | Access::SignedIn | Access::May(_)
        );
        if is_post(&route) && takes_forms {
            forms += 1;
            for fields in [&[][..], &[("csrf", "0000")][..]] {
                let page = app.owner().post(&address(&route), fields).await;
                page.assert_status(403).assert_shows("out of date");
            }
        }
    }
    assert!(forms > 1);
    // Still signed in: none of the forms did anything.
    app.get("/").await.assert_lacks("Sign in");
}

async fn programs_need_a_token_of_the_right_scope(kind: Kind) {
    let app = TestApp::start(kind).await;
    let now = app.clock.now();
    let read = app.db().write_here(|conn| -> Result<String, DbError> {
        tokens::create(conn, "reader", Scope::Read, &"ab".repeat(32), now)
    });
    let read = read.expect("a token");
    for route in table() {
        let Access::Token(scope) = route.access else {
            continue;
        };
        let url = format!("{}{}", app.url, address(&route));
        for (token, refused) in [
            ("", true),
            ("cf_wrong", true),
            (read.as_str(), scope == Scope::Write),
        ] {
            let method: Method = route.method.as_str().parse().expect("a method");
            let reply = crate::support::http_client(reqwest::redirect::Policy::none())
                .request(method, &url)
                .bearer_auth(token)
                .send()
                .await
                .expect("an answer");
            let status = reply.status();
            let is_refusal = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
            assert_eq!(
                is_refusal, refused,
                "{} {}: {status}",
                route.method, route.path
            );
        }
    }
}

/// Whether this role is kept out. What it may do is asked without the form's token, so that nothing happens.
async fn is_refused_for_the_role(
    visitor: &Visitor,
    route: &Route,
    token: &str,
    allowed: bool,
) -> bool {
    if !is_post(route) {
        let reply = visitor.ask(Method::GET, &address(route)).await;
        return reply.status() == StatusCode::FORBIDDEN;
    }
    let token = if allowed { "" } else { token };
    let page = visitor.post(&address(route), &[("csrf", token)]).await;
    page.assert_status(403);
    page.text().contains("role")
}

fn may(role: Role, action: Action) -> bool {
    let line = MAY.iter().find(|(known, _)| *known == action);
    line.expect("a line for the action").1.contains(&role)
}

fn is_post(route: &Route) -> bool {
    route.method.as_str() != "GET"
}

/// The route's path with something in place of its parameters.
fn address(route: &Route) -> String {
    let mut address = String::new();
    let mut rest = route.path;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("a closed parameter");
        address.push_str(before);
        address.push_str(match name {
            "tenant" => "main",
            _ if name.starts_with("path") => "nothing.css",
            _ => "1",
        });
        rest = after;
    }
    address.push_str(rest);
    address
}
