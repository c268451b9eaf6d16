//! What the stories stand on.

use reqwest::redirect::Policy;

pub(crate) mod api;
pub(crate) mod app;
pub(crate) mod browser;
pub(crate) mod database;
pub(crate) mod dice;
pub(crate) mod load;
pub(crate) mod log;
pub(crate) mod postgres;
pub(crate) mod program;
pub(crate) mod smtp;
pub(crate) mod visitor;

/// Makes two tests of each named story, one a database:
/// `both_databases!(an_order_ships);` beside `async fn an_order_ships(kind: Kind) { … }`.
macro_rules! both_databases {
    ($($story:ident),+ $(,)?) => {
        $(mod $story {
            #[actix_web::test]
            async fn on_sqlite() {
                super::$story($crate::support::database::Kind::Sqlite).await;
            }

            #[actix_web::test]
            async fn on_postgres() {
                super::$story($crate::support::database::Kind::Postgres).await;
            }
        })+
    };
}
pub(crate) use both_databases;

/// An HTTP client of the tests' own; the tests speak to 127.0.0.1 alone.
pub(crate) fn http_client(redirects: Policy) -> reqwest::Client {
    // The second call finds the first one's work done.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(redirects)
        .no_proxy()
        .build()
        .expect("an HTTP client")
}
