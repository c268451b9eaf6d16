//! What a load balancer asks.
use actix_web::HttpResponse;

/// `GET /healthz`: the process answers.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

/// `GET /readyz`
pub async fn ready() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}
