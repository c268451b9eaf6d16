//! The key file (mode 0600): the key on its first line. While a rotation is under way the earlier keys
//! stand on the lines below it, so that a process that is killed then leaves nothing unreadable.
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use secrecy::ExposeSecret;

use super::{Keyring, SecretError, new_key};

/// Reads the key file, or makes it on the first start. The flag says it was made.
///
/// # Errors
///
/// `KeyFile` where it cannot be read or written, `BadKey` where it holds something else.
pub fn read_or_make(path: &Path) -> Result<(Keyring, bool), SecretError> {
    if path.exists() {
        return Ok((read(path)?, false));
    }
    let key = new_key()?;
    write_new(path, &[&key]).map_err(|error| fault(path, &error))?;
    Ok((Keyring::from_hex(&key)?, true))
}

/// Puts a new key above the present ones and keeps those. Returns the keyring that the file now holds.
///
/// # Errors
///
/// As [`read_or_make`]; the file is then as it was.
pub fn begin_rotation(path: &Path) -> Result<Keyring, SecretError> {
    let (present, _made) = read_or_make(path)?;
    let keyring = Keyring::from_hex(&new_key()?)?.also_opening(present);
    let keys: Vec<&str> = keyring.keys().map(|key| key.hex.expose_secret()).collect();
    replace(path, &keys)?;
    Ok(keyring)
}

/// Leaves the first key of `keyring` alone in the file: nothing is sealed with the others any more.
///
/// # Errors
///
/// `KeyFile`; the file is then as it was.
pub fn end_rotation(path: &Path, keyring: &Keyring) -> Result<(), SecretError> {
    replace(path, &[keyring.key.hex.expose_secret()])
}

fn read(path: &Path) -> Result<Keyring, SecretError> {
    let text = fs::read_to_string(path).map_err(|error| fault(path, &error))?;
    let keys = text.split_whitespace().map(Keyring::from_hex);
    let keys: Vec<Keyring> = keys.collect::<Result<_, _>>()?;
    keys.into_iter()
        .rev()
        .reduce(|earlier, key| key.also_opening(earlier))
        .ok_or(SecretError::BadKey)
}

// At any moment the path names a whole file: the old one or the new one.
fn replace(path: &Path, keys: &[&str]) -> Result<(), SecretError> {
    let all = || -> std::io::Result<()> {
        let path = fs::canonicalize(path)?;
        let draft = path.with_extension("key.new");
        if draft.exists() {
            fs::remove_file(&draft)?;
        }
        write_new(&draft, keys)?;
        fs::rename(&draft, &path)?;
        sync_folder_of(&path)
    };
    all().map_err(|error| fault(path, &error))
}

fn write_new(path: &Path, keys: &[&str]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    for key in keys {
        writeln!(file, "{key}")?;
    }
    file.sync_all()?;
    sync_folder_of(path)
}

// A new name is on the disk once its folder is.
fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) && !folder.as_os_str().is_empty() => {
            File::open(folder)?.sync_all()
        }
        Some(_) | None => Ok(()),
    }
}

fn fault(path: &Path, error: &std::io::Error) -> SecretError {
    SecretError::KeyFile {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_keeps_the_old_key_until_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("counterfoil.key");
        let (old, made) = read_or_make(&path).expect("made");
        assert!(made);
        let sealed = old.seal(&"secret".into(), "shops.1").expect("sealed");
        // Two rotations, the first of which was interrupted.
        begin_rotation(&path).expect("begun");
        let new = begin_rotation(&path).expect("begun");
        let (read, made) = read_or_make(&path).expect("read");
        assert!(!made && read.open(&sealed, "shops.1").is_ok());
        let anew = read.seal(&"secret".into(), "shops.1").expect("sealed");
        end_rotation(&path, &new).expect("ended");
        let (read, _) = read_or_make(&path).expect("read");
        assert!(read.open(&anew, "shops.1").is_ok());
        assert!(read.open(&sealed, "shops.1").is_err());
        assert!(!folder.path().join("counterfoil.key.new").exists());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("counterfoil.key");
        let mode = || fs::metadata(&path).expect("a file").permissions().mode() & 0o777;
        read_or_make(&path).expect("made");
        assert_eq!(mode(), 0o600);
        begin_rotation(&path).expect("begun");
        assert_eq!(mode(), 0o600);
    }
}
