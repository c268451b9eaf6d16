//! Forms that carry a file (`multipart/form-data`): read into memory within a bound, part by part.
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web::BytesMut;
use futures_util::StreamExt as _;

use super::error::WebError;
use crate::erp::deliveries::photos;

/// The largest such form: its photo and a few words.
pub const LARGEST: usize = photos::LARGEST + 64 * 1024;
/// A sender that goes on beyond this is not listened to any more.
const MOST_READ: usize = 8 * LARGEST;
/// Parts of a form.
const MOST_PARTS: usize = 50;

/// One part: a field, or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    pub name: String,
    pub is_file: bool,
    pub data: &'a [u8],
}

/// What a form holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form<'a>(pub Vec<Part<'a>>);

impl Form<'_> {
    /// A field's text; empty where there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        let part = self
            .0
            .iter()
            .find(|part| part.name == name && !part.is_file);
        part.map(|part| String::from_utf8_lossy(part.data).into_owned())
            .unwrap_or_default()
    }

    /// A file's bytes; a browser sends an empty one where nobody chose any.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        let part = self.0.iter().find(|part| part.name == name && part.is_file);
        part.map(|part| part.data).filter(|data| !data.is_empty())
    }
}

/// What parts the parts, where this is such a form.
#[must_use]
pub fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let rest = kind.strip_prefix("multipart/form-data")?;
    let found = rest
        .split(';')
        .find_map(|part| part.trim().strip_prefix("boundary="))?;
    let text = found.trim_matches('"');
    (!text.is_empty() && text.len() <= 70).then(|| text.to_owned())
}

/// Reads a body that is not larger than such a form. More is read and forgotten: a browser that is still sending would
/// show a broken connection instead of the answer.
///
/// # Errors
///
/// `FileTooLarge`, `Invalid` where it breaks off.
pub async fn read(payload: &mut Payload) -> Result<BytesMut, WebError> {
    let mut body = BytesMut::new();
    let mut length = 0;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_broken| WebError::invalid("The form did not arrive whole."))?;
        length += chunk.len();
        if length > MOST_READ {
            break;
        }
        if length <= LARGEST {
            body.extend_from_slice(&chunk);
        }
    }
    if length > LARGEST {
        return Err(WebError::FileTooLarge);
    }
    Ok(body)
}

/// Takes a form apart; what cannot be read is not in it.
#[must_use]
pub fn parts<'a>(body: &'a [u8], boundary: &str) -> Form<'a> {
    let line = format!("--{boundary}");
    let next = format!("\r\n--{boundary}");
    let mut form = Form::default();
    let Some(begin) = find(body, line.as_bytes()) else {
        return form;
    };
    let mut rest = body.get(begin + line.len()..).unwrap_or_default();
    while form.0.len() < MOST_PARTS && rest.starts_with(b"\r\n") {
        let Some(end) = find(rest, next.as_bytes()) else {
            break;
        };
        let (part, tail) = rest.split_at(end);
        form.0.extend(one(part.get(2..).unwrap_or_default()));
        rest = tail.get(next.len()..).unwrap_or_default();
    }
    form
}

fn one(part: &[u8]) -> Option<Part<'_>> {
    let end = find(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(part.get(..end)?).ok()?;
    let said = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    })?;
    let word = |key: &str| {
        said.split(';').find_map(|part| {
            let value = part.trim().strip_prefix(key)?.strip_prefix('=')?;
            Some(value.trim_matches('"').to_owned())
        })
    };
    Some(Part {
        name: word("name")?,
        is_file: word("filename").is_some(),
        data: part.get(end + 4..)?,
    })
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|byte| *byte == first)?;
        if text.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &[u8] = b"--xYz\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nab12\r\n\
        --xYz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nwith neighbour\r\nNo 4\r\n\
        --xYz\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a b.jpg\"\r\n\
        Content-Type: image/jpeg\r\n\r\n\xff\xd8\xff\r\n--x\r\n--xYz--\r\n";

    #[test]
    fn a_form_with_a_file_is_taken_apart() {
        let form = parts(BODY, "xYz");
        assert_eq!(form.text("csrf"), "ab12");
        assert_eq!(form.text("note"), "with neighbour\r\nNo 4");
        assert_eq!(form.file("photo"), Some(&b"\xff\xd8\xff\r\n--x"[..]));
        assert_eq!(form.text("photo"), "");
        assert_eq!(form.file("csrf"), None);
        assert_eq!(parts(BODY, "other"), Form::default());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_stumble(cut in 0..300_usize, at in 0..300_usize, byte in any::<u8>()) {
            let mut body = BODY.to_vec();
            let (cut, at) = (cut.min(body.len()), at.min(body.len() - 1));
            body[at] = byte;
            let _form = parts(&body[..cut], "xYz");
        }
    }
}
