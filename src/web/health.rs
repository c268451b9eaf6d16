//! What a load balancer asks. Neither answer tells a stranger more than which part is not well.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::platform::health::{self, Fault};
use crate::platform::inbox::Inbox;
use crate::platform::worker::Worker;

/// The database must answer within this, or it counts as away: whoever asks has a time-out of their own.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Whoever starts us may put this in `app_data` and hold `/readyz` back until its own work is done.
#[derive(Clone, Debug, Default)]
pub struct Preparing(pub Arc<AtomicBool>);

/// `GET /healthz`: the process answers.
pub async fn alive() -> HttpResponse {
    said(StatusCode::OK, "ok\n".to_owned())
}

/// `GET /readyz`: `ok`, or one line for each part that is not well.
pub async fn ready(req: HttpRequest, db: web::Data<Db>, clock: web::Data<Clock>) -> HttpResponse {
    let preparing = req.app_data::<web::Data<Preparing>>();
    // A host may mount the pages alone.
    let inbox = req.app_data::<web::Data<Inbox>>();
    let worker = req.app_data::<web::Data<Worker>>();
    let mut faults = Vec::new();
    if preparing.is_some_and(|it| it.0.load(Ordering::SeqCst)) {
        faults.push(Fault::Preparing);
    }
    let works = worker.is_some_and(|worker| worker.works());
    faults.extend(ask(&db, works, &clock).await);
    if inbox.is_some_and(|inbox| !inbox.is_alive()) {
        faults.push(Fault::NoInbox);
    }
    faults.extend(worker.map(|worker| worker.faults()).unwrap_or_default());
    if faults.is_empty() {
        return said(StatusCode::OK, "ok\n".to_owned());
    }
    let lines: String = faults
        .iter()
        .map(|fault| format!("{}\n", fault.words()))
        .collect();
    said(StatusCode::SERVICE_UNAVAILABLE, lines)
}

async fn ask(db: &Db, works: bool, clock: &Clock) -> Vec<Fault> {
    let now = clock.now();
    let asked = db.read(move |conn| health::check(conn, works, now));
    match tokio::time::timeout(ANSWER_WITHIN, asked).await {
        Ok(Ok(faults)) => faults,
        Ok(Err(error)) => {
            tracing::error!(%error, "the database does not answer");
            vec![Fault::NoDatabase]
        }
        Err(_late) => {
            tracing::error!("the database does not answer within {ANSWER_WITHIN:?}");
            vec![Fault::NoDatabase]
        }
    }
}

fn said(status: StatusCode, words: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/plain; charset=utf-8")
        .body(words)
}
