//! Prepares the static files: style sheets joined, every file named by its content and compressed once,
//! so that the program serves them from memory and a browser keeps them for ever.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest, Sha256};

/// One file as it is served.
struct Served {
    /// `css/app.css`
    name: String,
    /// `css/app.0a1b2c3d4e5f.css`
    path: String,
    bytes: Vec<u8>,
}

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=static");
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=templates");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?).join("static");
    fs::create_dir_all(&out)?;
    let root = Path::new("static");
    let mut served: BTreeMap<String, Served> = BTreeMap::new();
    // Style sheets last: they name fonts, whose names must be known.
    for name in names_under(root, root)? {
        if !name.ends_with(".css") && content_type(&name).is_some() {
            let bytes = fs::read(root.join(&name))?;
            served.insert(name.clone(), serve(name, bytes));
        }
    }
    let sheet = with_hashed_urls(&joined(&root.join("css"))?, &served);
    let name = "css/app.css".to_owned();
    served.insert(name.clone(), serve(name, sheet.into_bytes()));
    fs::write(out.join("table.rs"), table(&out, served.values())?)
}

fn names_under(root: &Path, folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            names.extend(names_under(root, &path)?);
        } else if let Ok(name) = path.strip_prefix(root) {
            names.push(name.display().to_string());
        }
    }
    names.sort();
    Ok(names)
}

/// None for what is kept beside the files and not served: licences, checksums.
fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "png" => Some("image/png"),
        "woff2" => Some("font/woff2"),
        _ => None,
    }
}

fn serve(name: String, bytes: Vec<u8>) -> Served {
    let hash = hex::encode(Sha256::digest(&bytes));
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    let path = format!("{stem}.{}.{extension}", &hash[..12]);
    Served { name, path, bytes }
}

/// `app.css` with each `@import` replaced by that file; a sheet that nobody imports is a mistake.
fn joined(folder: &Path) -> io::Result<String> {
    let mut sheet = String::new();
    let mut imported = vec!["app.css".to_owned()];
    for line in fs::read_to_string(folder.join("app.css"))?.lines() {
        let import = line
            .strip_prefix("@import \"")
            .and_then(|rest| rest.strip_suffix("\";"));
        if let Some(file) = import {
            sheet.push_str(&fs::read_to_string(folder.join(file))?);
            imported.push(file.to_owned());
        } else {
            sheet.push_str(line);
        }
        sheet.push('\n');
    }
    match names_under(folder, folder)?
        .into_iter()
        .find(|name| !imported.contains(name))
    {
        Some(name) => Err(io::Error::other(format!(
            "static/css/app.css does not import {name}"
        ))),
        None => Ok(sheet),
    }
}

/// `url(../vendor/x.woff2)` as the hashed name, still relative: it holds under any mount prefix.
fn with_hashed_urls(sheet: &str, served: &BTreeMap<String, Served>) -> String {
    served.values().fold(sheet.to_owned(), |sheet, file| {
        sheet.replace(
            &format!("url(../{})", file.name),
            &format!("url(../{})", file.path),
        )
    })
}

/// The Rust table that `platform/static_files.rs` includes; it is sorted by name.
fn table<'a>(out: &Path, files: impl Iterator<Item = &'a Served>) -> io::Result<String> {
    let mut code = String::from("&[\n");
    for (number, file) in files.enumerate() {
        let kind = content_type(&file.name).unwrap_or_default();
        let plain = stored(out, number, "plain", &file.bytes)?;
        // Fonts and pictures are compressed in themselves.
        let small = kind.starts_with("text/") || kind.ends_with("xml");
        let (gzip, brotli) = if small {
            (
                Some(stored(out, number, "gz", &gzip(&file.bytes)?)?),
                Some(stored(out, number, "br", &brotli(&file.bytes)?)?),
            )
        } else {
            (None, None)
        };
        let packed = |path: Option<String>| {
            path.map_or("None".to_owned(), |path| {
                format!("Some(include_bytes!({path:?}))")
            })
        };
        writeln!(
            code,
            "File {{ name: {:?}, path: {:?}, content_type: {kind:?}, plain: include_bytes!({plain:?}), \
             gzip: {}, brotli: {} }},",
            file.name,
            file.path,
            packed(gzip),
            packed(brotli),
        )
        .map_err(io::Error::other)?;
    }
    code.push(']');
    Ok(code)
}

fn stored(out: &Path, number: usize, kind: &str, bytes: &[u8]) -> io::Result<String> {
    let path = out.join(format!("{number}.{kind}"));
    fs::write(&path, bytes)?;
    Ok(path.display().to_string())
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes)?;
    writer.finish()
}

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    {
        let mut writer = brotli::CompressorWriter::new(&mut packed, 4096, 11, 22);
        writer.write_all(bytes)?;
    }
    Ok(packed)
}
