//! What a failed request looks like to whoever made it: the only errors with a status.
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value, json};

use crate::erp::users::UserError;
use crate::erp::users::roles::Action;
use crate::platform::db::DbError;
use crate::platform::secrets::SecretError;

/// Why a request was not done. `headers.rs` writes the page (or `application/problem+json` under `/api`)
/// and logs `Internal` once, with the request's id.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// What is missing, as a sentence's subject: `Order 17`.
    #[error("{0} was not found")]
    NotFound(String),
    /// Nobody is signed in. For a page: where the visitor wanted to go.
    #[error("sign in first")]
    SignIn { next: String },
    #[error("your role may not {}", needs.label())]
    Forbidden { needs: Action },
    /// The form is not from one of our pages, or too old.
    #[error("this form is out of date: open the page again")]
    Forged,
    #[error("this token may only read")]
    TokenScope,
    /// A sentence that says what is in the way.
    #[error("{0}")]
    Conflict(String),
    /// A sentence that says what to mend. A form with fields shows itself again instead.
    #[error("{0}")]
    Invalid(String),
    /// What is wrong with which fields of a program's request: name and sentence.
    #[error("some fields need another look")]
    Fields(Vec<(String, String)>),
    /// A program's request that cannot be read at all.
    #[error("{0}")]
    Unreadable(String),
    #[error("that was more than this address takes")]
    TooLarge,
    #[error(
        "this file is larger than 8 MB, and nothing of it was taken. Go back and choose a smaller one: a photo of fewer \
         points, or a table in several files that each begin with its first line"
    )]
    FileTooLarge,
    /// Several stores are connected, and the request names none.
    #[error("several stores are connected: name one with ?shop=")]
    ChooseShop(Vec<String>),
    #[error("too many requests: try again later")]
    TooMany { after: Duration },
    #[error("the database is busy: try again in a moment")]
    Busy,
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl WebError {
    /// An internal error from its words.
    pub fn internal(reason: impl Into<String>) -> WebError {
        WebError::Internal(reason.into().into())
    }

    /// A program's request that cannot be read, and why.
    pub fn unreadable(reason: impl Into<String>) -> WebError {
        WebError::Unreadable(reason.into())
    }

    /// A parse of a form or query that a person cannot cause by filling it in.
    pub fn invalid(reason: impl Into<String>) -> WebError {
        WebError::Invalid(reason.into())
    }
}

impl From<DbError> for WebError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Busy(_) | DbError::Overtaken => WebError::Busy,
            DbError::Open(_) | DbError::Query(_) | DbError::Migration(_) | DbError::Interrupted => {
                WebError::Internal(error.into())
            }
        }
    }
}

impl From<SecretError> for WebError {
    fn from(error: SecretError) -> Self {
        WebError::Internal(error.into())
    }
}

impl From<askama::Error> for WebError {
    fn from(error: askama::Error) -> Self {
        WebError::Internal(error.into())
    }
}

impl From<UserError> for WebError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::EmailTaken(_) => WebError::Conflict(error.to_string()),
            UserError::BadEmail(_) | UserError::BadPassword => WebError::Invalid(error.to_string()),
            UserError::Hashing => WebError::Internal(error.into()),
            UserError::Db(error) => error.into(),
        }
    }
}

/// The error inside its response, for the page that is made of it later.
#[derive(Clone, Debug)]
pub struct Failure {
    pub status: StatusCode,
    /// Said to the visitor.
    pub message: String,
    /// Said to the log alone.
    pub cause: Option<String>,
    /// Which roles may, where the visitor's may not.
    pub who_may: Option<String>,
    /// What a program is told beside the sentence: a member of the problem document and its value.
    pub extra: Option<(&'static str, Value)>,
}

impl ResponseError for WebError {
    fn status_code(&self) -> StatusCode {
        match self {
            WebError::NotFound(_) => StatusCode::NOT_FOUND,
            WebError::SignIn { .. } => StatusCode::UNAUTHORIZED,
            WebError::Forbidden { .. } | WebError::Forged | WebError::TokenScope => {
                StatusCode::FORBIDDEN
            }
            WebError::Conflict(_) | WebError::ChooseShop(_) => StatusCode::CONFLICT,
            WebError::Invalid(_) | WebError::Fields(_) => StatusCode::UNPROCESSABLE_ENTITY,
            WebError::Unreadable(_) => StatusCode::BAD_REQUEST,
            WebError::TooLarge | WebError::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            WebError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            WebError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            WebError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        match self {
            WebError::TooMany { after } => {
                answer.insert_header((RETRY_AFTER, after.as_secs().max(1).to_string()));
            }
            WebError::Busy => {
                answer.insert_header((RETRY_AFTER, "2"));
            }
            WebError::SignIn { next } if !next.is_empty() => {
                return HttpResponse::SeeOther()
                    .insert_header((LOCATION, format!("/sign-in?next={}", encoded(next))))
                    .finish();
            }
            // A script's request: the page loads itself again and is sent to the sign-in page.
            WebError::SignIn { .. } => {
                answer.insert_header(("HX-Refresh", "true"));
            }
            WebError::NotFound(_)
            | WebError::Forbidden { .. }
            | WebError::Forged
            | WebError::TokenScope
            | WebError::Conflict(_)
            | WebError::Invalid(_)
            | WebError::Fields(_)
            | WebError::Unreadable(_)
            | WebError::TooLarge
            | WebError::FileTooLarge
            | WebError::ChooseShop(_)
            | WebError::Internal(_) => {}
        }
        let mut answer = answer.finish();
        answer.extensions_mut().insert(Failure {
            status: self.status_code(),
            message: sentence(&self.to_string()),
            cause: self.cause(),
            who_may: self.who_may(),
            extra: self.extra(),
        });
        answer
    }
}

impl WebError {
    fn who_may(&self) -> Option<String> {
        if let WebError::Forbidden { needs } = self {
            Some(needs.who_may())
        } else {
            None
        }
    }

    fn extra(&self) -> Option<(&'static str, Value)> {
        match self {
            WebError::Fields(faults) => {
                let faults = faults
                    .iter()
                    .map(|(field, detail)| json!({ "field": field, "detail": detail }));
                Some(("errors", faults.collect()))
            }
            WebError::ChooseShop(domains) => Some(("shops", json!(domains))),
            WebError::NotFound(_)
            | WebError::SignIn { .. }
            | WebError::Forbidden { .. }
            | WebError::Forged
            | WebError::TokenScope
            | WebError::Conflict(_)
            | WebError::Invalid(_)
            | WebError::Unreadable(_)
            | WebError::TooLarge
            | WebError::FileTooLarge
            | WebError::TooMany { .. }
            | WebError::Busy
            | WebError::Internal(_) => None,
        }
    }

    fn cause(&self) -> Option<String> {
        let WebError::Internal(source) = self else {
            return None;
        };
        let mut words = source.to_string();
        let mut deeper = source.source();
        while let Some(error) = deeper {
            words.push_str(": ");
            words.push_str(&error.to_string());
            deeper = error.source();
        }
        Some(words)
    }
}

/// With a capital and a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let end = if words.ends_with(['.', '?']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
