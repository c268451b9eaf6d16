//! What a load balancer asks. Neither answer tells a stranger more than yes or no.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::platform::health::{self, Health};

/// Whoever starts us may put this in `app_data` and hold `/readyz` back until its own work is done.
#[derive(Clone, Debug, Default)]
pub struct Preparing(pub Arc<AtomicBool>);

/// `GET /healthz`: the process answers.
pub async fn alive() -> HttpResponse {
    said(StatusCode::OK, "ok")
}

/// `GET /readyz`: the database answers and a worker is signed in.
pub async fn ready(req: HttpRequest, db: web::Data<Db>, clock: web::Data<Clock>) -> HttpResponse {
    let preparing = req
        .app_data::<web::Data<Preparing>>()
        .is_some_and(|it| it.0.load(Ordering::SeqCst));
    if preparing {
        return said(StatusCode::SERVICE_UNAVAILABLE, "still being prepared");
    }
    let now = clock.now();
    match db.read(move |conn| health::check(conn, now)).await {
        Ok(Health::Ready) => said(StatusCode::OK, "ok"),
        Ok(Health::NoWorker) => said(StatusCode::SERVICE_UNAVAILABLE, "no worker is signed in"),
        Err(error) => {
            tracing::error!("not ready: {error}");
            said(
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not answer",
            )
        }
    }
}

fn said(status: StatusCode, words: &'static str) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/plain; charset=utf-8")
        .body(format!("{words}\n"))
}
