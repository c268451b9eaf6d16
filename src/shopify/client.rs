//! Transport to Shopify: address, token, time-outs, size, throttle; one error that says what the caller can do.
use std::time::Duration;

use graphql_client::GraphQLQuery;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::shopify::answer::{self, Cost};
use crate::shopify::shop_domain::ShopDomain;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
/// A file may take its time, but not fall silent.
const FILE_TIMEOUT: Duration = Duration::from_secs(4 * 3600);
const FILE_SILENCE: Duration = Duration::from_secs(60);
/// Where Shopify puts the files of bulk operations.
const FILE_HOSTS: &[&str] = &["storage.googleapis.com", "cdn.shopify.com"];
/// Where Shopify puts the pictures of products.
const PICTURE_HOST: &str = "cdn.shopify.com";
/// No answer of ours comes near this; a body past it is not read to its end.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// What the caller can do about a call that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShopifyError {
    #[error("Shopify asks to wait {} s", retry_after.as_secs())]
    Throttled { retry_after: Duration },
    #[error("Shopify refused the token: reconnect the store")]
    Unauthorized,
    #[error("Shopify denied access: {message}")]
    AccessDenied { message: String },
    #[error("Shopify refused the request: {}", messages.join("; "))]
    Rejected { messages: Vec<String> },
    #[error("Shopify answered: {}", messages.join("; "))]
    UserErrors { messages: Vec<String> },
    /// `sent`: the request may have reached Shopify, so that a change must be looked up before it is sent again.
    #[error("Shopify cannot be reached: {reason}")]
    Unreachable { sent: bool, reason: String },
    #[error("the query is too expensive for Shopify: {message}")]
    TooExpensive { message: String },
    #[error("Shopify's answer makes no sense: {0}")]
    Unexpected(String),
}

/// An answer with what came beside it.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    pub data: T,
    /// Shopify's `x-request-id`, for the timeline and for their support.
    pub request_id: Option<String>,
    /// The version Shopify really served; another than asked means ours has expired.
    pub api_version: Option<String>,
    pub cost: Option<Cost>,
}

/// An answer of HTTP before anybody understood it.
pub(super) struct RawAnswer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Speaks to Shopify, or to the stand-in that `SHOPIFY_ADMIN_URL` names.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    admin_url: String,
    api_version: String,
}

impl Client {
    /// A client for the address template `admin_url` (`https://{shop}`).
    ///
    /// # Errors
    ///
    /// The text says what is wrong with the address or with this machine's TLS.
    pub fn new(admin_url: &str, api_version: &str) -> Result<Client, String> {
        // The program installs it too; a host that mounts us may not have, and the second time is refused in peace.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .user_agent(concat!("Counterfoil/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("cannot prepare HTTPS: {error}"))?;
        let client = Client {
            http,
            admin_url: admin_url.trim_end_matches('/').to_owned(),
            api_version: api_version.to_owned(),
        };
        let probe = ShopDomain::exact("probe.myshopify.com");
        probe
            .and_then(|shop| client.address(&shop, "/").ok())
            .ok_or_else(|| format!("SHOPIFY_ADMIN_URL is not an address: {admin_url}"))?;
        Ok(client)
    }

    #[must_use]
    pub fn api_version(&self) -> &str {
        &self.api_version
    }

    /// The address of `path` at the shop: only ever the shop's own host or the configured one.
    ///
    /// # Errors
    ///
    /// `Unexpected` where the configured template gives no such address.
    pub fn address(&self, shop: &ShopDomain, path: &str) -> Result<Url, ShopifyError> {
        let text = self.admin_url.replace("{shop}", shop.as_str());
        let wrong = |why: &str| ShopifyError::Unexpected(format!("{why}: {text}"));
        let url = Url::parse(&format!("{text}{path}")).map_err(|_any| wrong("not an address"))?;
        let templated = self.admin_url.contains("{shop}");
        let same_host = !templated || url.host_str() == Some(shop.as_str());
        // A shop is called over https alone; a stand-in on this machine may speak plain http.
        let scheme = url.scheme() == "https" || (!templated && url.scheme() == "http");
        if same_host && scheme && url.username().is_empty() {
            Ok(url)
        } else {
            Err(wrong("not an allowed address"))
        }
    }

    /// Runs one GraphQL operation.
    ///
    /// # Errors
    ///
    /// Every variant but `UserErrors`, which the caller reads from the data.
    pub async fn call<Q: GraphQLQuery>(
        &self,
        shop: &ShopDomain,
        token: &SecretString,
        variables: Q::Variables,
    ) -> (Result<Answer<Q::ResponseData>, ShopifyError>, Option<Cost>) {
        let path = format!("/admin/api/{}/graphql.json", self.api_version);
        let sent = match self.address(shop, &path) {
            Ok(url) => {
                let request = self
                    .http
                    .post(url)
                    .header("X-Shopify-Access-Token", token.expose_secret())
                    .json(&Q::build_query(variables));
                self.send(request).await
            }
            Err(error) => Err(error),
        };
        match sent {
            Ok(raw) => answer::read(&raw),
            Err(error) => (Err(error), None),
        }
    }

    /// Posts a form to the shop (the token endpoint).
    pub(super) async fn post_form(
        &self,
        shop: &ShopDomain,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<RawAnswer, ShopifyError> {
        let request = self
            .http
            .post(self.address(shop, path)?)
            .header("Accept", "application/json")
            .form(fields);
        self.send(request).await
    }

    /// The address of a file, if it lies where Shopify's files do, or at the stand-in.
    ///
    /// # Errors
    ///
    /// `Unexpected`.
    pub fn file_address(&self, text: &str) -> Result<Url, ShopifyError> {
        // The address is signed: whoever reads it can read the file, so that it is not repeated here.
        let elsewhere = || ShopifyError::Unexpected("a file lies where none may lie".to_owned());
        self.allowed(text, FILE_HOSTS).ok_or_else(elsewhere)
    }

    /// The address, if it lies on one of these hosts, or at the stand-in.
    fn allowed(&self, text: &str, hosts: &[&str]) -> Option<Url> {
        let url = Url::parse(text).ok()?;
        let at_shopify = url.scheme() == "https"
            && url.port().is_none()
            && url.host_str().is_some_and(|host| hosts.contains(&host));
        let stand_in = Url::parse(&self.admin_url).ok();
        let at_stand_in = stand_in.is_some_and(|stand_in| {
            !self.admin_url.contains("{shop}") && stand_in.origin() == url.origin()
        });
        let is_plain = url.username().is_empty() && url.password().is_none();
        (is_plain && (at_shopify || at_stand_in)).then_some(url)
    }

    /// Reads a picture of a product, if it lies where Shopify's pictures do. No token goes along, and no redirect is
    /// followed.
    ///
    /// # Errors
    ///
    /// `Rejected` where it lies elsewhere, is gone, or has more than `most` bytes; `Throttled`, `Unreachable`.
    pub(super) async fn picture(&self, text: &str, most: usize) -> Result<Vec<u8>, ShopifyError> {
        let refused = |why: String| ShopifyError::Rejected {
            messages: vec![why],
        };
        let elsewhere = || refused("it lies on a host that is not Shopify's".to_owned());
        let url = self.allowed(text, &[PICTURE_HOST]).ok_or_else(elsewhere)?;
        let request = self.http.get(url).header("Accept", "image/*");
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        match response.status().as_u16() {
            200 => {}
            429 => {
                return Err(ShopifyError::Throttled {
                    retry_after: Duration::from_secs(60),
                });
            }
            status @ 500..=599 => {
                return Err(ShopifyError::Unreachable {
                    sent: false,
                    reason: format!("the picture's host answered {status}"),
                });
            }
            status => return Err(refused(format!("it cannot be had ({status})"))),
        }
        let too_large = || refused(format!("it is larger than {} MB", most / (1024 * 1024)));
        let told = response.content_length().unwrap_or(0);
        if usize::try_from(told).unwrap_or(usize::MAX) > most {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| unreachable(&error))?
        {
            if bytes.len() + chunk.len() > most {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Opens a file from a byte on. The address alone opens it: no token goes along.
    ///
    /// # Errors
    ///
    /// `Unexpected` where it lies elsewhere; `Unreachable`; `Rejected` where it is gone.
    pub(super) async fn open_file(&self, text: &str, from: u64) -> Result<FileBody, ShopifyError> {
        let mut request = self
            .http
            .get(self.file_address(text)?)
            .timeout(FILE_TIMEOUT)
            .header("Accept-Encoding", "identity");
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        let skip = match response.status().as_u16() {
            206 => 0,
            // The host does not know ranges: what was read already comes once more.
            200 => from,
            // Nothing is left behind that byte.
            416 => {
                return Ok(FileBody {
                    response: None,
                    skip: 0,
                });
            }
            status @ 500..=599 => {
                return Err(ShopifyError::Unreachable {
                    sent: false,
                    reason: format!("the file's host answered {status}"),
                });
            }
            status => {
                return Err(ShopifyError::Rejected {
                    messages: vec![format!("the file cannot be had ({status})")],
                });
            }
        };
        Ok(FileBody {
            response: Some(response),
            skip,
        })
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<RawAnswer, ShopifyError> {
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| unreachable(&error))?
        {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(ShopifyError::Unexpected("it does not end".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(RawAnswer {
            status,
            headers,
            body,
        })
    }
}

/// A file while it is read.
pub(super) struct FileBody {
    response: Option<reqwest::Response>,
    skip: u64,
}

impl FileBody {
    /// The next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, ShopifyError> {
        let Some(response) = &mut self.response else {
            return Ok(None);
        };
        loop {
            let silent = || ShopifyError::Unreachable {
                sent: false,
                reason: "the file fell silent".to_owned(),
            };
            let chunk = tokio::time::timeout(FILE_SILENCE, response.chunk())
                .await
                .map_err(|_elapsed| silent())?
                .map_err(|error| unreachable(&error))?;
            let Some(chunk) = chunk else {
                return Ok(None);
            };
            let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            if self.skip >= length {
                self.skip -= length;
                continue;
            }
            let from = usize::try_from(self.skip).unwrap_or(usize::MAX);
            self.skip = 0;
            return Ok(Some(chunk.get(from..).unwrap_or_default().to_vec()));
        }
    }
}

impl RawAnswer {
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?.to_str().ok()?;
        Some(value.chars().take(200).collect())
    }

    /// What the status alone says, before the body is looked at.
    pub(super) fn failure(&self) -> Option<ShopifyError> {
        match self.status {
            200..=299 => None,
            401 => Some(ShopifyError::Unauthorized),
            403 => Some(ShopifyError::AccessDenied {
                message: self.said(),
            }),
            429 => Some(ShopifyError::Throttled {
                retry_after: self.retry_after().unwrap_or(Duration::from_secs(2)),
            }),
            // Whatever broke on their side may have broken after the change was made.
            500..=599 => Some(ShopifyError::Unreachable {
                sent: true,
                reason: format!("it answered {}", self.status),
            }),
            402 | 423 => Some(ShopifyError::Rejected {
                messages: vec![format!("the store is frozen or locked ({})", self.status)],
            }),
            404 => Some(ShopifyError::Rejected {
                messages: vec!["there is no such store, or the address is wrong".to_owned()],
            }),
            status => Some(ShopifyError::Rejected {
                messages: vec![format!("{status} {}", self.said())],
            }),
        }
    }

    /// `errors` or `error_description` of a failed answer, as far as it is text.
    pub(super) fn said(&self) -> String {
        let value: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let texts = ["errors", "error_description", "error"];
        let said = texts.iter().find_map(|key| {
            let said = value.get(key)?;
            Some(
                said.as_str()
                    .map_or_else(|| said.to_string(), str::to_owned),
            )
        });
        said.unwrap_or_default().chars().take(300).collect()
    }

    // A decimal number of seconds, `4.0`: the part behind the point is waited for in full.
    fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let more = u64::from(fraction.bytes().any(|digit| digit != b'0'));
        let seconds: u64 = whole.parse().ok()?;
        Some(Duration::from_secs(seconds.saturating_add(more).min(3600)))
    }
}

fn unreachable(error: &reqwest::Error) -> ShopifyError {
    let reason = if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "the connection failed"
    } else {
        "the connection broke"
    };
    ShopifyError::Unreachable {
        sent: !error.is_connect() && !error.is_builder(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> ShopDomain {
        ShopDomain::exact("acme.myshopify.com").expect("a domain")
    }

    #[test]
    fn only_the_shops_own_host_or_the_configured_one_is_called() {
        let real = Client::new("https://{shop}", "2026-10").expect("a client");
        let url = real.address(&shop(), "/admin/oauth/access_token");
        assert_eq!(
            url.map(String::from).as_deref(),
            Ok("https://acme.myshopify.com/admin/oauth/access_token")
        );
        let stand_in = Client::new("http://127.0.0.1:8081/", "2026-10").expect("a client");
        assert!(stand_in.address(&shop(), "/x").is_ok());
        for wrong in [
            "http://{shop}",
            "https://{shop}.evil.tld",
            "https://{shop}@evil.tld",
            "nothing",
        ] {
            assert!(Client::new(wrong, "2026-10").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_is_read_from_shopifys_hosts_or_the_stand_in_alone() {
        let real = Client::new("https://{shop}", "2026-10").expect("a client");
        let stand_in = Client::new("http://127.0.0.1:8081", "2026-10").expect("a client");
        for client in [&real, &stand_in] {
            for right in [
                "https://storage.googleapis.com/shopify-tiers/bulk.jsonl?Signature=x",
                "https://cdn.shopify.com/file.jsonl",
            ] {
                assert!(client.file_address(right).is_ok(), "{right}");
            }
            for wrong in [
                "http://storage.googleapis.com/x",
                "https://storage.googleapis.com.evil.tld/x",
                "https://storage.googleapis.com@evil.tld/x",
                "https://storage.googleapis.com:8443/x",
                "https://127.0.0.1/x",
                "http://127.0.0.1:8082/x",
                "file:///etc/passwd",
            ] {
                assert!(client.file_address(wrong).is_err(), "{wrong}");
            }
        }
        let own = "http://127.0.0.1:8081/practice/bulk/1.jsonl";
        assert!(stand_in.file_address(own).is_ok());
        assert!(real.file_address(own).is_err());
    }

    #[test]
    fn a_429_is_waited_for_as_long_as_it_says() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "4.0".parse().expect("a value"));
        let raw = RawAnswer {
            status: 429,
            headers,
            body: Vec::new(),
        };
        let retry_after = Duration::from_secs(4);
        assert_eq!(raw.failure(), Some(ShopifyError::Throttled { retry_after }));
    }
}
