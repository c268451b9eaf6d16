//! HTTP: routes, who may pass, pages, errors.
//!
//! A handler reads the request, calls one function of the core and chooses the answer. Its line in
//! `routes.rs` says who may come in; its page struct embeds a [`page::Frame`] as the field `frame`.
use actix_web::dev::HttpServiceFactory;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

pub mod account;
pub mod api;
pub mod audit;
pub mod customers;
pub mod deliveries;
pub mod error;
mod error_page;
pub mod events;
mod export;
pub mod filters;
pub mod form;
pub mod gate;
pub mod goods;
pub mod headers;
pub mod health;
pub mod holds;
pub mod home;
pub mod integrations;
pub mod jobs;
pub mod limits;
pub mod lots;
pub mod mappings;
pub mod metrics;
pub mod nav;
pub mod orders;
pub mod page;
pub mod palette;
pub mod pausing;
pub mod pictures;
pub mod products;
pub mod refreshing;
pub mod routes;
pub mod sessions;
pub mod setup;
pub mod shipments;
pub mod static_files;
pub mod sync;
pub mod timeline;
pub mod upload;
pub mod users;
pub mod visitor;
pub mod webhooks;

/// What the pages know of their surroundings; in `app_data` beside `Db`, `Clock` and `Keyring`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where people reach us, without a slash at the end: `https://erp.example.com`.
    pub public_url: String,
    /// The slug in API paths.
    pub tenant: String,
    /// The path under which a host application mounted us: empty, or `/shop`.
    pub prefix: String,
}

impl Config {
    /// Whether cookies may be kept to encrypted connections.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// `scheme://host[:port]` of the public address, as browsers write it in `Origin`.
    #[must_use]
    pub fn origin(&self) -> String {
        url::Url::parse(&self.public_url).map_or_else(
            |_none| self.public_url.clone(),
            |url| url.origin().ascii_serialization(),
        )
    }
}

/// Registers everything: every route of the table behind its gate, headers and error pages around all.
/// `Db`, `Clock`, `Keyring` and [`Config`] must be in `app_data` (as `web::Data`).
///
/// A host application calls this inside a scope of its own: `web::scope("/shop").configure(web::configure)`.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(module());
}

fn module() -> impl HttpServiceFactory {
    web::scope("")
        .app_data(web::Data::new(limits::Limits::default()))
        .wrap(from_fn(headers::around))
        .configure(api::configure)
        .configure(routes::register)
        .default_service(
            web::route()
                .to(error_page::nothing_here)
                .wrap(from_fn(gate::pass_nowhere)),
        )
}
