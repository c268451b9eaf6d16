//! A program that speaks to the API.

use counterfoil::erp::users::tokens::{self, Scope};
use counterfoil::platform::db::DbError;
use reqwest::redirect::Policy;
use serde_json::Value;

use super::app::TestApp;
use super::http_client;

/// A program with a token that may write.
pub(crate) struct Program {
    url: String,
    token: String,
}

impl Program {
    pub(crate) fn of(app: &TestApp) -> Self {
        let now = app.clock.now();
        let token = app.db().write_here(|conn| -> Result<String, DbError> {
            tokens::create(conn, "writer", Scope::Write, &"cd".repeat(32), now)
        });
        Self {
            url: format!("{}/api/main", app.url),
            token: token.expect("a token"),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let client = http_client(Policy::none());
        self.ask(client.get(format!("{}{path}", self.url))).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let client = http_client(Policy::none());
        let request = client.post(format!("{}{path}", self.url)).json(&body);
        self.ask(request).await
    }

    /// With a key that makes it safe to repeat.
    pub(crate) async fn post_once(&self, path: &str, key: &str, body: Value) -> (u16, Value) {
        let client = http_client(Policy::none());
        let request = client.post(format!("{}{path}", self.url)).json(&body);
        self.ask(request.header("Idempotency-Key", key)).await
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request
            .bearer_auth(&self.token)
            .send()
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"))
    }
}
