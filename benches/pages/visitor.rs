//! Somebody who is signed in and opens pages; and the practice store's API, which knows its variants.
use std::time::{Duration, Instant};

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Response};
use scraper::{Html, Selector};
use serde_json::{Value, json};

use crate::orders::Variant;
use crate::server::{CLIENT_ID, CLIENT_SECRET};
use crate::{Problem, Result};

/// A session.
pub(crate) struct Visitor {
    http: Client,
    url: String,
    cookie: String,
}

/// A page that was opened, and how long that took.
pub(crate) struct Page {
    pub(crate) text: String,
    pub(crate) took: Duration,
}

impl Visitor {
    /// Signs in by the form.
    pub(crate) async fn sign_in(
        http: &Client,
        url: &str,
        email: &str,
        password: &str,
    ) -> Result<Visitor> {
        let form = http.get(format!("{url}/sign-in")).send().await?;
        let visit = cookie(&form)?;
        let page = form.text().await?;
        let csrf = attributes(&page, "form[action$='/sign-in'] input[name=csrf]", "value");
        let csrf = csrf.into_iter().next().unwrap_or_default();
        let answer = http
            .post(format!("{url}/sign-in"))
            .header(COOKIE, visit)
            .form(&[("email", email), ("password", password), ("csrf", &csrf)])
            .send()
            .await?;
        if !answer.status().is_redirection() {
            return Err(Problem::Told(format!("sign-in: {}", answer.status())));
        }
        Ok(Visitor {
            http: http.clone(),
            url: url.to_owned(),
            cookie: cookie(&answer)?,
        })
    }

    /// The same session on the same data, served elsewhere.
    pub(crate) fn at(&self, url: &str) -> Visitor {
        Visitor {
            http: self.http.clone(),
            url: url.to_owned(),
            cookie: self.cookie.clone(),
        }
    }

    /// Opens a page and reads it to its end.
    pub(crate) async fn get(&self, path: &str) -> Result<Page> {
        let request = self.http.get(format!("{}{path}", self.url));
        let begun = Instant::now();
        let answer = request.header(COOKIE, &self.cookie).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        let took = begun.elapsed();
        if status.is_success() {
            Ok(Page { text, took })
        } else {
            Err(Problem::Told(format!("{path}: {status}")))
        }
    }

    /// The SKU of the first variant of a mapping page that has one.
    pub(crate) async fn first_sku(&self, view: &str) -> Result<String> {
        let page = self.get(&format!("/mappings?view={view}")).await?;
        let skus = texts(&page.text, ".match .product code");
        skus.into_iter()
            .next()
            .ok_or_else(|| Problem::Told(format!("no {view} variant has a SKU")))
    }

    /// How many orders wait for a mapping.
    pub(crate) async fn waiting(&self) -> Result<usize> {
        let page = self.get("/orders?view=needs-mapping").await?;
        let counts = texts(&page.text, ".tabs a[aria-current] .count");
        let digits = counts.first().map_or(String::new(), |count| {
            count.chars().filter(char::is_ascii_digit).collect()
        });
        Ok(digits.parse().unwrap_or(0))
    }

    /// The names of the newest orders.
    pub(crate) async fn newest(&self) -> Result<Vec<String>> {
        let page = self.get("/orders?view=all").await?;
        // The list is looked at all the time: a parser would take more time than the server.
        let rows = page.text.split("<a class=\"row-link").skip(1);
        let names = rows.filter_map(|row| row.split('>').nth(1)?.split('<').next());
        Ok(names.map(str::to_owned).collect())
    }
}

/// The ids of a variant in the practice store, by its SKU.
pub(crate) async fn variant(http: &Client, store: &str, sku: &str) -> Result<Variant> {
    let grant: Value = http
        .post(format!("{store}/admin/oauth/access_token"))
        .json(&json!({
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "grant_type": "client_credentials",
        }))
        .send()
        .await?
        .json()
        .await?;
    let query = "query($q: String!) { productVariants(first: 5, query: $q) \
                 { nodes { legacyResourceId sku title product { legacyResourceId title } } } }";
    let answer: Value = http
        .post(format!("{store}/admin/api/2026-10/graphql.json"))
        .header(
            "X-Shopify-Access-Token",
            grant["access_token"].as_str().unwrap_or_default(),
        )
        .json(&json!({ "query": query, "variables": { "q": format!("sku:{sku}") } }))
        .send()
        .await?
        .json()
        .await?;
    let nodes = answer["data"]["productVariants"]["nodes"].as_array();
    let node = nodes.into_iter().flatten().find(|node| node["sku"] == sku);
    let node = node.ok_or_else(|| Problem::Told(format!("{sku} is not sold: {answer}")))?;
    let number = |value: &Value| value.as_str().and_then(|digits| digits.parse::<u64>().ok());
    let found = number(&node["legacyResourceId"]).zip(number(&node["product"]["legacyResourceId"]));
    let (id, product) = found.ok_or_else(|| Problem::Told("ids are not numbers".to_owned()))?;
    Ok(Variant {
        id,
        product,
        sku: sku.to_owned(),
        title: node["product"]["title"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    })
}

fn cookie(answer: &Response) -> Result<String> {
    let cookies = answer.headers().get_all(SET_COOKIE);
    let pairs = cookies.iter().filter_map(|cookie| {
        let pair = cookie.to_str().ok()?.split(';').next()?;
        Some(pair.to_owned())
    });
    let all: Vec<String> = pairs.collect();
    if all.is_empty() {
        return Err(Problem::Told("no cookie came".to_owned()));
    }
    Ok(all.join("; "))
}

fn texts(page: &str, selector: &str) -> Vec<String> {
    let page = Html::parse_document(page);
    let Ok(selector) = Selector::parse(selector) else {
        return Vec::new();
    };
    let found = page
        .select(&selector)
        .map(|element| element.text().collect());
    found.collect()
}

fn attributes(page: &str, selector: &str, name: &str) -> Vec<String> {
    let page = Html::parse_document(page);
    let Ok(selector) = Selector::parse(selector) else {
        return Vec::new();
    };
    let found = page
        .select(&selector)
        .filter_map(|element| element.attr(name));
    found.map(str::to_owned).collect()
}
