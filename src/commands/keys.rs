//! `keys rotate`: a new key for the secrets in the database. Whenever it is killed, some key that is
//! written down opens each of them.
use std::io::Write;
use std::time::Duration;

use serde_json::json;

use super::CommandError;
use crate::app::{self, StartError};
use crate::config::Config;
use crate::erp::audit::{self, Kind};
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::platform::secrets::{Keyring, key_file, new_key};
use crate::platform::worker;
use crate::shopify::shops::{self, ShopError};

/// Seals every stored secret with another key, in one transaction. With a key file the program makes the
/// key and keeps the old one beside it until the commit. A key of the settings is changed by a person:
/// the first run prints a new key and changes nothing; the second finds it in `COUNTERFOIL_KEY`, the old
/// one in `COUNTERFOIL_KEY_PREVIOUS`, and seals.
///
/// # Errors
///
/// A process that still works with the old key; a secret that no present key opens.
pub fn rotate(config: &Config, clock: &Clock) -> Result<(), CommandError> {
    let db = super::open(config)?;
    // Also keeps a second rotation away, and on SQLite a server.
    let _alone = app::lock_folder(&config.data)?;
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    let lease = Duration::from_secs(config.lease_seconds);
    let since = clock.now().before(lease);
    // On SQLite the folder's lock has said already that nobody works.
    if db.is_postgres()
        && let Some((host, pid)) = db.read_here(|conn| worker::find_working(conn, &host, since))?
    {
        return Err(CommandError::Told(format!(
            "process {pid} on {host} works with the present key: stop every Counterfoil of this database first (on another host a stopped one counts for {} seconds)",
            lease.as_secs()
        )));
    }
    let present = check(&db, config)?;
    match (&config.key, &config.key_previous) {
        (Some(_), None) => announce(),
        (Some(_), Some(_)) => {
            let count = seal(&db, present, clock)?;
            tracing::info!(
                "{count} stored secrets are sealed with COUNTERFOIL_KEY now: remove COUNTERFOIL_KEY_PREVIOUS, and start Counterfoil again"
            );
            Ok(())
        }
        (None, _) => {
            let path = app::key_path(config);
            let keyring = key_file::begin_rotation(&path).map_err(StartError::Key)?;
            let count = seal(&db, keyring.clone().also_opening(present), clock)?;
            key_file::end_rotation(&path, &keyring).map_err(StartError::Key)?;
            tracing::info!(
                "{count} stored secrets are sealed with a new key, which is in {}. Backups from before need the old key, which is gone from there",
                path.display()
            );
            Ok(())
        }
    }
}

/// The present keys, if they open every stored secret.
///
/// # Errors
///
/// Names the stores whose secrets stay shut, and what to do.
pub fn check(db: &Db, config: &Config) -> Result<Keyring, CommandError> {
    let keyring = app::keyring(config).map_err(StartError::Key)?;
    let shut = db.read_here(|conn| shops::list_unreadable(conn, &keyring))?;
    if shut.is_empty() {
        return Ok(keyring);
    }
    Err(CommandError::Told(format!(
        "the present key does not open the stored secrets of {}: set COUNTERFOIL_KEY_PREVIOUS to the key they were sealed with, or connect the store again",
        shut.join(", ")
    )))
}

fn seal(db: &Db, keyring: Keyring, clock: &Clock) -> Result<usize, CommandError> {
    let now = clock.now();
    let count = db.write_here(|conn| -> Result<usize, ShopError> {
        let count = shops::seal_anew(conn, &keyring)?;
        let arguments = json!({ "secrets": count });
        audit::record(conn, None, Kind::KeysRotated, "keys", &arguments, now)?;
        Ok(count)
    })?;
    Ok(count)
}

// The old key stays in force until the person has written the new one down.
fn announce() -> Result<(), CommandError> {
    let key = new_key().map_err(StartError::Key)?;
    writeln!(std::io::stdout(), "{key}")?;
    tracing::info!(
        "nothing is changed yet. Set COUNTERFOIL_KEY to this new key and COUNTERFOIL_KEY_PREVIOUS to the present one, and run `counterfoil keys rotate` once more"
    );
    Ok(())
}
