//! Lines of a receipt, a transfer or a count from a file: what went in, and which lines did not.
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::show::{ShowQuery, Told, again};
use super::{Which, Words, words};
use crate::erp::stock::documents::By;
use crate::erp::stock::sheet::{self, Outcome, SheetError};
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::types::StockDocumentId;
use crate::web::error::WebError;
use crate::web::filters;
use crate::web::page::{Frame, Section, html, see_other};
use crate::web::upload;
use crate::web::visitor::{CurrentUser, Visitor};

/// Refused lines that the page shows.
const SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "goods/file.html")]
struct FilePage {
    frame: Frame,
    words: Words,
    id: StockDocumentId,
    entered: i64,
    refused: i64,
    outcome: Outcome,
}

/// `POST …/file`: the `file`.
///
/// # Errors
///
/// `NotFound`, `TooLarge`; a file that cannot be read shows the document again.
pub async fn create(
    db: web::Data<Db>,
    clock: web::Data<Clock>,
    visitor: Visitor,
    user: CurrentUser,
    which: Which,
    id: web::Path<StockDocumentId>,
    (req, payload): (HttpRequest, web::Payload),
) -> Result<HttpResponse, WebError> {
    let named = (which.0, id.into_inner());
    let by = By {
        user: user.id,
        now: clock.now(),
    };
    let body = upload::read(&mut payload.into_inner()).await?;
    let boundary = upload::boundary(req.headers()).unwrap_or_default();
    let file = upload::parts(&body, &boundary)
        .file("file")
        .map(<[u8]>::to_vec);
    let done = match file {
        Some(file) => {
            db.write(move |conn| sheet::import(conn, named, &file, by))
                .await
        }
        None => Err(SheetError::NoFile),
    };
    let told = match done {
        Ok(outcome) if outcome.refused.is_empty() => {
            let said = format!("{} lines are entered.", outcome.entered);
            visitor.say(&db, &said).await?;
            return Ok(see_other(&format!("/{}/{}", words(named.0).path, named.1)));
        }
        Ok(mut outcome) => {
            let refused = i64::try_from(outcome.refused.len()).unwrap_or(i64::MAX);
            outcome.refused.truncate(SHOWN);
            let page = FilePage {
                frame: visitor.frame(Section::Products),
                words: words(named.0),
                id: named.1,
                entered: i64::try_from(outcome.entered).unwrap_or(i64::MAX),
                refused,
                outcome,
            };
            return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
        Err(SheetError::Goods(error)) => Told::of(error, std::collections::BTreeMap::new())?,
        Err(SheetError::Db(error)) => return Err(error.into()),
        Err(
            error @ (SheetError::NoFile
            | SheetError::TooLarge
            | SheetError::TooLong
            | SheetError::NoColumn(_)
            | SheetError::Table(_)),
        ) => {
            let mut told = Told {
                status: Some(StatusCode::UNPROCESSABLE_ENTITY),
                ..Told::default()
            };
            let words = error.to_string();
            let mut letters = words.chars();
            let first = letters.next().map(|first| first.to_uppercase().to_string());
            let words = format!("{}{}", first.unwrap_or_default(), letters.as_str());
            told.errors.add("file", words);
            told
        }
    };
    again(&db, &visitor, named, ShowQuery::default(), told).await
}
