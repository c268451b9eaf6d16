//! Style sheets, scripts, fonts and icons, built into the program and named by their content.

/// One file, ready to be sent.
#[derive(Debug)]
pub struct File {
    /// As the source calls it: `css/app.css`.
    pub name: &'static str,
    /// Below `/static/`, with the hash of the content: `css/app.0a1b2c3d4e5f.css`.
    pub path: &'static str,
    pub content_type: &'static str,
    pub plain: &'static [u8],
    pub gzip: Option<&'static [u8]>,
    pub brotli: Option<&'static [u8]>,
}

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/static/table.rs"));

/// The path of a file by its source name, without the mount prefix; `None` if there is no such file.
#[must_use]
pub fn url(name: &str) -> Option<String> {
    FILES
        .iter()
        .find(|file| file.name == name)
        .map(|file| format!("/static/{}", file.path))
}

/// The file behind a path below `/static/`.
#[must_use]
pub fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_the_path_that_names_its_content() {
        let url = url("css/app.css").expect("the style sheet");
        let file = find(url.trim_start_matches("/static/")).expect("a file");
        let sheet = std::str::from_utf8(file.plain).expect("text");
        assert!(!sheet.contains("@import"), "sheets are joined");
        let font = sheet
            .split("url(../")
            .nth(1)
            .and_then(|rest| rest.split(')').next())
            .expect("a font");
        assert!(find(font).is_some(), "{font}");
        assert!(
            file.brotli
                .is_some_and(|packed| packed.len() < file.plain.len() / 3)
        );
        assert!(
            find("css/app.css").is_none(),
            "only the hashed name is served"
        );
    }
}
