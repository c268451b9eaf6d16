//! What can go wrong in a benchmark.

/// What is wrong, for whoever reads the terminal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("{0}")]
    Told(String),
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

pub(crate) type Result<T> = std::result::Result<T, Problem>;

macro_rules! problems {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Problem {
            fn from(error: $error) -> Problem {
                Problem::Other(Box::new(error))
            }
        })*
    };
}

problems!(
    std::io::Error,
    std::num::TryFromIntError,
    std::num::ParseIntError,
    reqwest::Error,
    serde_json::Error,
    hmac::digest::InvalidLength,
    tokio::sync::AcquireError,
    tokio::task::JoinError,
    diesel::ConnectionError,
    diesel::result::Error,
    counterfoil::platform::db::DbError,
);
