//! Log lines on standard error: `RUST_LOG` says which, `COUNTERFOIL_LOG=json` makes them machine-readable.
use tracing_subscriber::EnvFilter;

/// Starts logging; a second call changes nothing.
pub fn start() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_unset| EnvFilter::new("info,actix_server=warn"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let json = std::env::var("COUNTERFOIL_LOG").is_ok_and(|form| form == "json");
    // A host may have its own subscriber: then that one is kept.
    let _already = if json {
        lines.json().try_init()
    } else {
        lines.with_target(false).try_init()
    };
}
