//! `GET /static/...`: files out of the program, compressed as the browser likes.
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY,
};
use actix_web::{HttpRequest, HttpResponse, web};

use super::error::WebError;
use crate::platform::static_files;

/// `GET /static/{path}`
pub async fn show(req: HttpRequest, path: web::Path<String>) -> Result<HttpResponse, WebError> {
    let file =
        static_files::find(&path).ok_or_else(|| WebError::NotFound(format!("The file {path}")))?;
    let takes = |coding: &str| {
        req.headers()
            .get(ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|list| {
                list.split(',')
                    .any(|entry| entry.split(';').next().unwrap_or_default().trim() == coding)
            })
    };
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((CONTENT_TYPE, file.content_type))
        // The name changes with the content, so what has this name never changes.
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((VARY, "Accept-Encoding"));
    Ok(match (file.brotli, file.gzip) {
        (Some(packed), _) if takes("br") => {
            answer.insert_header((CONTENT_ENCODING, "br")).body(packed)
        }
        (_, Some(packed)) if takes("gzip") => answer
            .insert_header((CONTENT_ENCODING, "gzip"))
            .body(packed),
        (_, _) => answer.body(file.plain),
    })
}
