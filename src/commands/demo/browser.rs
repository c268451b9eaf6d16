//! As little of a browser as the demo's first start needs: cookies, redirects, forms and links.
use std::collections::BTreeMap;

use reqwest::Client;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use url::Url;

use super::CommandError;

/// Redirects in a row.
const MOST_REDIRECTS: usize = 10;

/// The page it is on, and its cookies by host and port.
pub(super) struct Browser {
    http: Client,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    address: Option<Url>,
    page: String,
}

impl Browser {
    pub(super) fn new() -> Result<Browser, CommandError> {
        let http = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| told(&error.to_string()))?;
        Ok(Browser {
            http,
            cookies: BTreeMap::new(),
            address: None,
            page: String::new(),
        })
    }

    /// Where it is.
    pub(super) fn address(&self) -> String {
        self.address
            .as_ref()
            .map_or_else(String::new, Url::to_string)
    }

    pub(super) async fn open(&mut self, address: &str) -> Result<(), CommandError> {
        let url = Url::parse(address).map_err(|error| told(&error.to_string()))?;
        self.go(url, None).await
    }

    /// Follows the first link whose address holds `part`.
    pub(super) async fn follow(&mut self, part: &str) -> Result<(), CommandError> {
        let found = tags(&self.page, "<a ")
            .filter_map(|tag| attribute(tag, "href"))
            .find(|href| href.contains(part));
        let href = found.ok_or_else(|| self.lacks(&format!("link to {part}")))?;
        let url = self.join(&href)?;
        self.go(url, None).await
    }

    /// Sends the first form whose address holds `part`, its hidden fields and `fields` with it.
    pub(super) async fn submit(
        &mut self,
        part: &str,
        fields: &[(&str, &str)],
    ) -> Result<(), CommandError> {
        let form = self
            .page
            .split("<form")
            .skip(1)
            .filter_map(|rest| rest.split("</form>").next())
            .find(|form| {
                let head = form.split('>').next().unwrap_or_default();
                attribute(head, "action").is_some_and(|action| action.contains(part))
            })
            .ok_or_else(|| self.lacks(&format!("form for {part}")))?
            .to_owned();
        let head = form.split('>').next().unwrap_or_default();
        let url = self.join(&attribute(head, "action").unwrap_or_default())?;
        let mut sent: Vec<(String, String)> = tags(&form, "<input")
            .filter(|tag| attribute(tag, "type").as_deref() == Some("hidden"))
            .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
            .collect();
        for (name, value) in fields {
            sent.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.go(url, Some(sent)).await
    }

    async fn go(
        &mut self,
        mut url: Url,
        mut form: Option<Vec<(String, String)>>,
    ) -> Result<(), CommandError> {
        for _ in 0..MOST_REDIRECTS {
            let cookies = self.cookies.entry(place(&url)).or_default();
            let sent: Vec<String> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let request = match form.take() {
                Some(form) => self
                    .http
                    .post(url.clone())
                    .header("Origin", url.origin().ascii_serialization())
                    .form(&form),
                None => self.http.get(url.clone()),
            };
            let answer = request
                .header(COOKIE, sent.join("; "))
                .send()
                .await
                .map_err(|error| told(&error.to_string()))?;
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str().unwrap_or_default().split(';').next();
                if let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) {
                    cookies.insert(name.trim().to_owned(), value.to_owned());
                }
            }
            let next = answer
                .headers()
                .get(LOCATION)
                .and_then(|to| to.to_str().ok());
            if let (true, Some(next)) = (answer.status().is_redirection(), next) {
                url = url.join(next).map_err(|error| told(&error.to_string()))?;
                continue;
            }
            let status = answer.status();
            let text = answer.text().await;
            self.page = text.map_err(|error| told(&error.to_string()))?;
            if !status.is_success() {
                return Err(told(&format!("{url} answered {status}")));
            }
            self.address = Some(url);
            return Ok(());
        }
        Err(told(&format!("{url} never stops redirecting")))
    }

    fn join(&self, href: &str) -> Result<Url, CommandError> {
        let base = self
            .address
            .as_ref()
            .ok_or_else(|| told("no page is open"))?;
        base.join(href).map_err(|error| told(&error.to_string()))
    }

    fn lacks(&self, what: &str) -> CommandError {
        told(&format!("the page {} has no {what}", self.address()))
    }
}

fn told(reason: &str) -> CommandError {
    CommandError::Told(format!("connecting the practice store failed: {reason}"))
}

// Cookies of two servers on one machine differ by port here, although browsers mix them.
fn place(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn tags<'a>(page: &'a str, begin: &'a str) -> impl Iterator<Item = &'a str> {
    page.split(begin)
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
}

/// The value of an attribute, its entities read.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!("{name}=\""))? + name.len() + 2;
    let value = tag.get(start..)?.split('"').next()?;
    Some(
        value
            .replace("&#38;", "&")
            .replace("&#34;", "\"")
            .replace("&amp;", "&"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_and_tags_are_found() {
        let page = r#"<a class="x" href="/start?a=1&#38;b=2">go</a><a href="/other">"#;
        let links: Vec<_> = tags(page, "<a ")
            .filter_map(|tag| attribute(tag, "href"))
            .collect();
        assert_eq!(links, ["/start?a=1&b=2", "/other"]);
    }
}
