//! What the stories stand on.

use reqwest::redirect::Policy;

pub(crate) mod browser;
pub(crate) mod database;

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
