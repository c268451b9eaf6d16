//! Somebody at a browser without JavaScript: keeps cookies, follows redirects, fills in the forms of a page.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use scraper::{ElementRef, Html, Selector};
use url::Url;

/// More redirects than this are a circle.
const MOST_REDIRECTS: u8 = 10;

pub(crate) struct Visitor {
    base: Url,
    http: reqwest::Client,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl Visitor {
    pub(crate) fn new(base: &str) -> Self {
        Self {
            base: base.parse().expect("a base URL"),
            http: super::http_client(Policy::none()),
            cookies: RefCell::default(),
        }
    }

    /// Opens a page, following redirects.
    pub(crate) async fn get(&self, path: &str) -> Page {
        let url = self.base.join(path).expect("a path");
        self.visit(Method::GET, url, Vec::new()).await
    }

    /// Sends a form as the page gave it, with what the test filled in.
    pub(crate) async fn submit(&self, form: Form) -> Page {
        self.visit(form.method, form.action, form.fields).await
    }

    /// Sends a form with a file, as a browser does.
    pub(crate) async fn upload(&self, form: Form, field: &str, name: &str, file: &[u8]) -> Page {
        let mut body = Vec::new();
        for (name, value) in &form.fields {
            let part = format!(
                "--xYz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--xYz\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: text/csv\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--xYz--\r\n");
        let request = self
            .request(form.method, &form.action)
            .header(CONTENT_TYPE, "multipart/form-data; boundary=xYz")
            .body(body);
        let reply = request.send().await.expect("an answer");
        let Some(to) = reply.headers().get(LOCATION) else {
            return Page::read(form.action, reply).await;
        };
        let to = to.to_str().expect("a readable address");
        self.get(to).await
    }

    /// Sends a form and does not follow where the answer leads.
    pub(crate) async fn submit_only(&self, form: Form) -> Response {
        self.send(form.method, &form.action, &form.fields).await
    }

    /// Posts fields that no page offered: what a forger would do.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let url = self.base.join(path).expect("a path");
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.visit(Method::POST, url, fields.collect()).await
    }

    /// One request, without following a redirect.
    pub(crate) async fn ask(&self, method: Method, path: &str) -> Response {
        let url = self.base.join(path).expect("a path");
        self.send(method, &url, &[]).await
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    async fn visit(&self, method: Method, url: Url, fields: Vec<(String, String)>) -> Page {
        let mut reply = self.send(method, &url, &fields).await;
        let mut url = url;
        for _ in 0..MOST_REDIRECTS {
            if !reply.status().is_redirection() {
                return Page::read(url, reply).await;
            }
            let to = reply.headers()[LOCATION]
                .to_str()
                .expect("a readable address");
            url = url.join(to).expect("an address");
            reply = self.send(Method::GET, &url, &[]).await;
        }
        panic!("redirected in a circle at {url}");
    }

    async fn send(&self, method: Method, url: &Url, fields: &[(String, String)]) -> Response {
        let mut request = self.request(method.clone(), url);
        if method == Method::POST {
            request = request.form(fields);
        } else if !fields.is_empty() {
            request = request.query(fields);
        }
        let reply = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{url}: {error}"));
        if self.is_home(url) {
            self.keep_cookies(&reply);
        }
        reply
    }

    fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        let mut request = self
            .http
            .request(method.clone(), url.clone())
            .header(ACCEPT, "text/html");
        if method == Method::POST {
            request = request
                .header(ORIGIN, self.base.origin().ascii_serialization())
                .header("Sec-Fetch-Site", "same-origin");
        }
        if self.is_home(url) {
            let cookies = self.cookies.borrow();
            let cookies: Vec<_> = cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            if !cookies.is_empty() {
                request = request.header(COOKIE, cookies.join("; "));
            }
        }
        request
    }

    /// Cookies go to the program that set them, not to the store it redirects to.
    fn is_home(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    fn keep_cookies(&self, reply: &Response) {
        let mut cookies = self.cookies.borrow_mut();
        for set in reply.headers().get_all(SET_COOKIE) {
            let set = set.to_str().expect("a readable cookie");
            let (pair, attributes) = set.split_once(';').unwrap_or((set, ""));
            let (name, value) = pair.split_once('=').expect("name=value");
            let ends = attributes
                .split(';')
                .any(|it| it.trim().eq_ignore_ascii_case("max-age=0"));
            if ends || value.is_empty() {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// What came back, read as a person reads it.
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Page {
    async fn read(url: Url, reply: Response) -> Self {
        Self {
            url,
            status: reply.status(),
            headers: reply.headers().clone(),
            body: reply.text().await.expect("a text"),
        }
    }

    /// The words of the page without its markup, runs of white space as one blank.
    pub(crate) fn text(&self) -> String {
        let page = Html::parse_document(&self.body);
        let body = select("body");
        let text: Vec<&str> = page.select(&body).flat_map(|it| it.text()).collect();
        text.join(" ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[track_caller]
    pub(crate) fn assert_shows(&self, wanted: &str) -> &Self {
        let text = self.text();
        assert!(
            text.contains(wanted),
            "{} ({}) lacks {wanted:?}:\n{text}",
            self.url,
            self.status
        );
        self
    }

    #[track_caller]
    pub(crate) fn assert_lacks(&self, unwanted: &str) -> &Self {
        let text = self.text();
        assert!(
            !text.contains(unwanted),
            "{} shows {unwanted:?}:\n{text}",
            self.url
        );
        self
    }

    #[track_caller]
    pub(crate) fn assert_status(&self, wanted: u16) -> &Self {
        assert_eq!(
            self.status.as_u16(),
            wanted,
            "{}:\n{}",
            self.url,
            self.text()
        );
        self
    }

    /// How many elements the CSS selector finds.
    pub(crate) fn count(&self, selector: &str) -> usize {
        Html::parse_document(&self.body)
            .select(&select(selector))
            .count()
    }

    /// The words of each element that the CSS selector finds.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let page = Html::parse_document(&self.body);
        let selector = select(selector);
        let found = page.select(&selector).map(|it| {
            let text = it.text().collect::<String>();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        found.collect()
    }

    /// An attribute of the first element that the CSS selector finds.
    #[track_caller]
    pub(crate) fn attribute(&self, selector: &str, name: &str) -> String {
        let page = Html::parse_document(&self.body);
        let found = page.select(&select(selector)).next();
        let found = found.and_then(|it| it.attr(name));
        found
            .unwrap_or_else(|| panic!("{} has no {selector}[{name}]", self.url))
            .to_owned()
    }

    /// The same of each that it finds.
    pub(crate) fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let page = Html::parse_document(&self.body);
        let selector = select(selector);
        let found = page.select(&selector).filter_map(|it| it.attr(name));
        found.map(str::to_owned).collect()
    }

    /// Where the link with this text leads.
    #[track_caller]
    pub(crate) fn link(&self, label: &str) -> String {
        let page = Html::parse_document(&self.body);
        let links = select("a[href]");
        let found = page.select(&links).find(|link| {
            let text = link.text().collect::<String>();
            text.split_whitespace().collect::<Vec<_>>().join(" ") == label
        });
        let found = found.and_then(|link| link.attr("href"));
        found
            .unwrap_or_else(|| panic!("{} has no link {label:?}:\n{}", self.url, self.text()))
            .to_owned()
    }

    /// Where all links of the page lead that stay inside the program: paths with their queries.
    pub(crate) fn links(&self) -> BTreeSet<String> {
        let page = Html::parse_document(&self.body);
        let selector = select("a[href]");
        let links = page.select(&selector).filter_map(|link| link.attr("href"));
        links
            .filter_map(|href| self.url.join(href).ok())
            .filter(|to| to.origin() == self.url.origin())
            .map(|to| match to.query() {
                Some(query) => format!("{}?{query}", to.path()),
                None => to.path().to_owned(),
            })
            .collect()
    }

    /// The form that the CSS selector finds, as it stands on the page: hidden fields and all.
    #[track_caller]
    pub(crate) fn form(&self, selector: &str) -> Form {
        let page = Html::parse_document(&self.body);
        let found = page.select(&select(selector)).next();
        let form =
            found.unwrap_or_else(|| panic!("{} has no {selector}:\n{}", self.url, self.text()));
        Form::read(&self.url, &page, form)
    }
}

/// A form with its present values; a later value of the same name replaces the earlier ones.
pub(crate) struct Form {
    method: Method,
    action: Url,
    fields: Vec<(String, String)>,
}

impl Form {
    pub(crate) fn fill(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As if the field's tick were taken away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn read(url: &Url, page: &Html, form: ElementRef<'_>) -> Self {
        let post = form
            .attr("method")
            .is_some_and(|it| it.eq_ignore_ascii_case("post"));
        let mut fields = Vec::new();
        for field in form.select(&select("input, select, textarea")) {
            read_field(field, &mut fields);
        }
        // Fields elsewhere on the page may belong to it by name.
        if let Some(id) = form.attr("id") {
            let named = select(&format!(
                "input[form='{id}'], select[form='{id}'], textarea[form='{id}']"
            ));
            for field in page.select(&named) {
                read_field(field, &mut fields);
            }
        }
        Self {
            method: if post { Method::POST } else { Method::GET },
            action: url
                .join(form.attr("action").unwrap_or(""))
                .expect("an address"),
            fields,
        }
    }
}

fn read_field(field: ElementRef<'_>, fields: &mut Vec<(String, String)>) {
    let Some(name) = field.attr("name") else {
        return;
    };
    if field.attr("disabled").is_some() {
        return;
    }
    let value = match field.value().name() {
        "textarea" => field.text().collect(),
        "select" => {
            let chosen = field.select(&select("option[selected]")).next();
            let chosen = chosen.or_else(|| field.select(&select("option")).next());
            let Some(option) = chosen else { return };
            match option.attr("value") {
                Some(value) => value.to_owned(),
                None => option.text().collect(),
            }
        }
        _ => {
            let kind = field.attr("type").unwrap_or("text");
            let is_choice = kind == "checkbox" || kind == "radio";
            if (is_choice && field.attr("checked").is_none())
                || kind == "submit"
                || kind == "button"
            {
                return;
            }
            field
                .attr("value")
                .unwrap_or(if is_choice { "on" } else { "" })
                .to_owned()
        }
    };
    fields.push((name.to_owned(), value));
}

fn select(selector: &str) -> Selector {
    Selector::parse(selector).unwrap_or_else(|error| panic!("{selector}: {error}"))
}
