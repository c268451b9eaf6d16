//! The house's rules that a machine can check: arrows between rooms, where SQL may stand, who reads the clock,
//! migrations of both databases, templates under the strict content policy, manners of tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Room, then the rooms it may name in `crate::…`. The rooms that join everything (app, wiring, main) stand in
/// no row: they may name all, and no row names them.
const ARROWS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("schema", &[]),
    ("platform", &["types", "schema"]),
    ("erp", &["types", "schema", "platform"]),
    ("shopify", &["types", "schema", "platform", "erp"]),
    ("web", &["types", "platform", "erp", "shopify"]),
    ("practice", &["types", "platform"]),
];

/// What may stand in a queries file alone; a row's derive may name its table anywhere.
const SQL: &[&str] = &[
    "crate::schema",
    "sql_query",
    "insert_into",
    "diesel::update",
    "diesel::delete",
    "batch_execute",
    "dsl::sql",
];

/// What may stand in `platform/clock.rs` alone. `Instant` is not here: it measures how long, not when.
const READS_TIME: &[&str] = &["Timestamp::now", "Zoned::now", "SystemTime::now"];

/// A file is one sitting; at 400 lines look again, here is the wall.
const LONGEST_FILE: usize = 600;

#[test]
fn rooms_import_only_along_the_arrows() {
    let rooms: BTreeSet<&str> = ARROWS.iter().map(|(room, _)| *room).collect();
    let mut broken = Vec::new();
    for (room, allowed) in ARROWS {
        for file in files_of(room) {
            for used in crate_paths_in(&code_of(&file)) {
                let joins_everything = ["app", "wiring"].contains(&used.as_str());
                let is_room = rooms.contains(used.as_str());
                if used != *room && (joins_everything || is_room) && !allowed.contains(&&*used) {
                    broken.push(format!("{}: {room} -> {used}", file.display()));
                }
            }
        }
    }
    assert_none(&broken, "rooms name only rooms on their left");
}

#[test]
fn only_queries_files_speak_sql() {
    let may = |file: &Path| {
        file.ends_with("queries.rs")
            || file.components().any(|part| part.as_os_str() == "queries")
            || file.ends_with("schema.rs")
            || file.ends_with("platform/db.rs")
    };
    let mut broken = Vec::new();
    for file in rust_files("src").into_iter().filter(|file| !may(file)) {
        broken.extend(lines_with(&file, SQL));
    }
    assert_none(
        &broken,
        "SQL stands in queries.rs files and queries/ folders",
    );
}

#[test]
fn only_the_clock_reads_the_time() {
    let mut broken = Vec::new();
    for file in rust_files("src") {
        if !file.ends_with("platform/clock.rs") {
            broken.extend(lines_with(&file, READS_TIME));
        }
    }
    assert_none(&broken, "functions take `now: At`; the edge asks the clock");
}

#[test]
fn every_file_opens_with_its_purpose() {
    let broken: Vec<String> = [rust_files("src"), rust_files("tests")]
        .concat()
        .into_iter()
        .filter(|file| !read(file).starts_with("//!"))
        .map(|file| file.display().to_string())
        .collect();
    assert_none(&broken, "a file opens with `//!`: what lives here");
}

#[test]
fn every_file_is_one_sitting() {
    let broken: Vec<String> = rust_files("src")
        .into_iter()
        .filter(|file| !file.ends_with("src/schema.rs"))
        .map(|file| (read(&file).lines().count(), file))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, file)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert_none(&broken, "split files longer than one sitting");
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |folder: &str| -> BTreeSet<String> {
        files_under(Path::new(folder))
            .iter()
            .map(|file| file.strip_prefix(folder).expect("below the folder"))
            .map(|file| file.display().to_string())
            .collect()
    };
    assert!(!names("migrations/sqlite").is_empty(), "no migrations");
    assert_eq!(names("migrations/sqlite"), names("migrations/postgres"));
}

#[test]
fn templates_carry_no_script_and_no_style() {
    let mut broken = Vec::new();
    for file in files_under(Path::new("templates")) {
        for (number, line) in read(&file).lines().enumerate() {
            if let Some(fault) = inline_code(line) {
                broken.push(format!("{}:{}: {fault}", file.display(), number + 1));
            }
        }
    }
    assert_none(&broken, "the content policy allows files of our own alone");
}

#[test]
fn tests_neither_sleep_nor_are_skipped() {
    // Put together here, so that this file does not find itself.
    let skipped = ["#[ign", "ore"].concat();
    let sleeps = ["sle", "ep("].concat();
    let mut broken = Vec::new();
    for file in rust_files("tests") {
        broken.extend(lines_with(&file, &[&skipped, &sleeps]));
    }
    for file in rust_files("src") {
        broken.extend(lines_with(&file, &[&skipped]));
    }
    assert_none(
        &broken,
        "a test runs always and waits for a thing, not for a time",
    );
}

/// What in this line of a template the content policy would refuse.
fn inline_code(line: &str) -> Option<&'static str> {
    let line = line.to_lowercase();
    let has_handler = line.split(" on").skip(1).any(|rest| {
        let name: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
        !name.is_empty() && rest[name.len()..].starts_with("=\"")
    });
    if has_handler {
        Some("an event handler in an attribute")
    } else if line.contains(" style=") || line.contains("<style") {
        Some("a style in the page")
    } else if line.contains("<script") && !line.contains(" src=") {
        Some("a script in the page")
    } else if line.contains("javascript:") {
        Some("a script in a link")
    } else {
        None
    }
}

fn assert_none(broken: &[String], rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

/// `file:line: text` for each line of code that holds one of the words.
fn lines_with(file: &Path, words: &[&str]) -> Vec<String> {
    code_of(file)
        .lines()
        .enumerate()
        .filter(|(_, line)| {
            !line.contains("table_name = ") && words.iter().any(|word| line.contains(word))
        })
        .map(|(number, line)| format!("{}:{}: {}", file.display(), number + 1, line.trim()))
        .collect()
}

/// The file with its comment lines emptied, so that they may speak of anything.
fn code_of(file: &Path) -> String {
    read(file)
        .lines()
        .map(|line| {
            if line.trim_start().starts_with("//") {
                ""
            } else {
                line
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// First segments of all `crate::…` paths.
fn crate_paths_in(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            // `use crate::{a::b, c}`: every name after the brace or a comma is a candidate.
            let group = group.split("};").next().unwrap_or_default();
            found.extend(group.split(['{', ',', '\n']).map(|part| word(part.trim())));
        } else {
            found.insert(word(rest));
        }
    }
    found.remove("");
    found
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn files_of(room: &str) -> Vec<PathBuf> {
    let mut files = rust_files(&format!("src/{room}"));
    files.extend(Some(PathBuf::from(format!("src/{room}.rs"))).filter(|path| path.exists()));
    files
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    files_under(Path::new(folder))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ext| ext == "rs"))
        .collect()
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .flat_map(|path| {
            if path.is_dir() {
                files_under(&path)
            } else {
                vec![path]
            }
        })
        .collect();
    files.sort();
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("readable text")
}
