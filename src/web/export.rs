//! Lists as files: CSV with a head, in UTF-8, read in short steps however many lines there are.
use std::future::Future;

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use futures_util::{StreamExt as _, stream};

use crate::platform::db::DbError;

/// Why a file breaks off.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("a line could not be written: {0}")]
    Line(#[from] csv::Error),
    #[error("a line could not be written: {0}")]
    Write(#[from] std::io::Error),
}

impl actix_web::ResponseError for ExportError {}

/// What one step gives: its lines, and where the next one begins; `None` behind the last.
pub(super) type Stepped<S> = Result<(Bytes, Option<S>), ExportError>;

/// A file to keep under this name: the head, then what one step after another gives.
pub(super) fn file<S, F>(
    name: &str,
    head: &'static [&'static str],
    first: S,
    step: fn(S) -> F,
) -> HttpResponse
where
    S: 'static,
    F: Future<Output = Stepped<S>> + 'static,
{
    let head = stream::once(async move { written(|file| file.write_record(head)) });
    let lines = stream::try_unfold(Some(first), move |state| async move {
        match state {
            Some(state) => step(state).await.map(Some),
            None => Ok(None),
        }
    });
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            "Content-Disposition",
            format!("attachment; filename=\"{name}\""),
        ))
        .streaming(head.chain(lines))
}

/// A spreadsheet takes a text that begins so for a formula, and a buyer may have written it.
pub(super) fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// Lines as bytes.
pub(super) fn written(
    write: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>,
) -> Result<Bytes, ExportError> {
    let mut file = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    write(&mut file)?;
    let bytes = file.into_inner().map_err(|full| full.into_error())?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(harmless("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(harmless("Ada"), "Ada");
        let line = written(|file| file.write_record(["#1001", "a \"b\", c"]));
        assert_eq!(line.expect("a line"), "#1001,\"a \"\"b\"\", c\"\r\n");
    }
}
