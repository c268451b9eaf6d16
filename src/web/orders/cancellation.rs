//! Cancelling an order from here, after a page that says what follows.
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::erp::orders::cancellations::{self, NewCancellation, Reason};
use crate::erp::orders::queries::{self as rows, OrderRow, cancellations as asked};
use crate::erp::orders::{OrderError, WorkState};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError};
use crate::types::{Money, OrderId};
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::form::Errors;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::visitor::{CurrentUser, Visitor};

/// What the form sends; a box that is not ticked is not sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CancelForm {
    version: i64,
    reason: String,
    refund: Option<String>,
    restock: Option<String>,
    notify: Option<String>,
}

#[derive(Template)]
#[template(path = "orders/cancellation.html")]
struct ConfirmPage {
    frame: Frame,
    order: OrderRow,
    total: Money,
    reasons: Vec<(Reason, &'static str)>,
    form: CancelForm,
    errors: Errors,
    /// Why it cannot be cancelled now; empty where it can.
    blocked: String,
}

impl ConfirmPage {
    fn is_reason(&self, reason: &Reason) -> bool {
        self.form.reason == reason.as_str()
    }
}

/// `GET /orders/{id}/cancellation`
///
/// # Errors
///
/// `NotFound`.
pub async fn confirm(
    db: web::Data<Db>,
    visitor: Visitor,
    id: web::Path<OrderId>,
) -> Result<HttpResponse, WebError> {
    let form = CancelForm {
        refund: Some("1".to_owned()),
        restock: Some("1".to_owned()),
        notify: Some("1".to_owned()),
        ..CancelForm::default()
    };
    let page = page(&db, &visitor, id.into_inner(), form).await?;
    Ok(html(StatusCode::OK, &page))
}

async fn page(
    db: &Db,
    visitor: &Visitor,
    id: OrderId,
    form: CancelForm,
) -> Result<ConfirmPage, WebError> {
    let (order, left, open) = db
        .read(move |conn| -> Result<_, DbError> {
            let Some(order) = rows::find(conn, id)? else {
                return Ok(None);
            };
            let left: i64 = rows::list_lines(conn, id)?
                .iter()
                .map(|row| (row.shipped_quantity - row.returned_quantity).max(0))
                .sum();
            let open = asked::find_open(conn, id)?;
            Ok(Some((order, left, open)))
        })
        .await?
        .ok_or_else(|| WebError::NotFound(format!("order {id}")))?;
    let blocked = if WorkState::CLOSED.contains(&order.work_state) {
        "It is over already.".to_owned()
    } else if open.is_some() {
        "The store is being asked to cancel it.".to_owned()
    } else if left > 0 {
        format!(
            "{left} pieces of it have left: the store cancels nothing that was shipped. Undo the shipment first, or refund what comes back."
        )
    } else {
        String::new()
    };
    Ok(ConfirmPage {
        frame: visitor.frame(Section::Orders),
        total: Money::new(order.facts.current_total_minor, order.facts.currency),
        order,
        reasons: Reason::ALL
            .iter()
            .map(|reason| (*reason, words(*reason)))
            .collect(),
        form,
        errors: Errors::default(),
        blocked,
    })
}

/// Why an order is cancelled, as a person reads it.
fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::Customer => "The customer changed or cancelled it",
        Reason::Inventory => "Something is not available",
        Reason::Fraud => "It looks like fraud",
        Reason::Declined => "The payment was declined",
        Reason::Staff => "A mistake of ours",
        Reason::Other => "Another reason",
    }
}

/// `POST /orders/{id}/cancellation`
///
/// # Errors
///
/// `NotFound`.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    id: web::Path<OrderId>,
    form: web::Form<CancelForm>,
) -> Result<HttpResponse, WebError> {
    let (id, now, form) = (id.into_inner(), clock.now(), form.into_inner());
    let Ok(reason) = form.reason.parse::<Reason>() else {
        let mut page = page(&db, &visitor, id, form).await?;
        page.errors.add("reason", "Choose why it is cancelled");
        return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page));
    };
    let new = NewCancellation {
        order: id,
        version: form.version,
        reason,
        refund: form.refund.is_some(),
        restock: form.restock.is_some(),
        notify: form.notify.is_some(),
        user: Some(user.id),
    };
    match db
        .write(move |conn| cancellations::ask(conn, &new, now))
        .await
    {
        Ok(_) => {
            visitor
                .say(
                    &db,
                    "Shopify is asked to cancel it. Nothing leaves meanwhile.",
                )
                .await?;
            Ok(see_other(&format!("/orders/{id}")))
        }
        Err(OrderError::Changed) => {
            let mut page = page(&db, &visitor, id, form).await?;
            let changed = "The order has changed since this page was made. Look again, then cancel";
            page.errors.add("reason", changed);
            Ok(html(StatusCode::CONFLICT, &page))
        }
        Err(error) => Err(error.into()),
    }
}
