//! Pictures of products, as we keep them: the address holds the hash of what it shows, so that a browser asks once.
use actix_web::{HttpResponse, web};

use super::error::WebError;
use crate::platform::db::Db;
use crate::shopify::pictures::{Size, queries};

/// `GET /img/{hash}`: small, to stand beside a title.
///
/// # Errors
///
/// `NotFound`.
pub async fn show(db: web::Data<Db>, hash: web::Path<String>) -> Result<HttpResponse, WebError> {
    serve(&db, hash.into_inner(), Size::Small).await
}

/// `GET /img/{hash}/large`
///
/// # Errors
///
/// `NotFound`.
pub async fn show_large(
    db: web::Data<Db>,
    hash: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    serve(&db, hash.into_inner(), Size::Large).await
}

async fn serve(db: &Db, hash: String, size: Size) -> Result<HttpResponse, WebError> {
    let found = db
        .read(move |conn| queries::find(conn, &hash, size))
        .await?;
    let bytes = found.ok_or_else(|| WebError::NotFound("This picture".to_owned()))?;
    Ok(HttpResponse::Ok()
        .content_type("image/jpeg")
        .insert_header(("Cache-Control", "private, max-age=31536000, immutable"))
        .body(bytes))
}
