//! A real Chromium, spoken to over WebDriver: its driver is started for each `Browser` and ends with it.
//! A small client of our own, because the checks need Chromium's commands for dark mode and phone width too.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

/// WebDriver's name for "this JSON object stands for an element".
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How a page is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) width: u32,
    pub(crate) dark: bool,
}

impl Look {
    /// Desk and phone, by day and by night.
    pub(crate) const ALL: [Self; 4] = [
        Self {
            width: 1440,
            dark: false,
        },
        Self {
            width: 1440,
            dark: true,
        },
        Self {
            width: 390,
            dark: false,
        },
        Self {
            width: 390,
            dark: true,
        },
    ];

    /// For file names: `390-dark`.
    pub(crate) fn name(self) -> String {
        let shade = if self.dark { "dark" } else { "light" };
        format!("{}-{shade}", self.width)
    }
}

/// One browser window with its own, empty profile.
pub(crate) struct Browser {
    driver: Driver,
    session: String,
    http: reqwest::Client,
    profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let http = super::http_client(Policy::none());
        let mut browser = Self {
            driver: Driver::start(),
            session: String::new(),
            http,
            profile: tempfile::tempdir().expect("a folder for the profile"),
        };
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
        ];
        let mut flags: Vec<String> = flags.map(str::to_owned).to_vec();
        let folder = browser.profile.path().display();
        flags.push(format!("--user-data-dir={folder}"));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": flags},
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": 60_000, "pageLoad": 60_000, "implicit": 5_000},
        }}});
        let started = browser.post("session", &wanted).await;
        browser.session = text(&started["sessionId"]);
        browser.look(Look::ALL[0]).await;
        browser
    }

    pub(crate) async fn open(&self, url: &str) {
        self.command("url", &json!({ "url": url })).await;
    }

    pub(crate) async fn url(&self) -> String {
        text(&self.get("url").await)
    }

    /// Changes width and colours at once, without loading the page again.
    pub(crate) async fn look(&self, look: Look) {
        let height = if look.width < 720 { 844 } else { 900 };
        let mobile = look.width < 720;
        self.chromium(
            "Emulation.setDeviceMetricsOverride",
            &json!({
                "width": look.width, "height": height, "deviceScaleFactor": 1, "mobile": mobile,
            }),
        )
        .await;
        let scheme = if look.dark { "dark" } else { "light" };
        self.chromium(
            "Emulation.setEmulatedMedia",
            &json!({
                "features": [{"name": "prefers-color-scheme", "value": scheme}],
            }),
        )
        .await;
    }

    /// Clicks the first element that the CSS selector finds, waiting for it to appear.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.find("css selector", selector).await;
        self.command(&format!("element/{element}/click"), &json!({}))
            .await;
    }

    /// Clicks the button or link that shows this text.
    pub(crate) async fn press(&self, label: &str) {
        let path = format!(
            "//*[self::button or self::a or self::summary][normalize-space()='{label}' or @aria-label='{label}']"
        );
        let element = self.find("xpath", &path).await;
        self.command(&format!("element/{element}/click"), &json!({}))
            .await;
    }

    /// Empties a field and types into it.
    pub(crate) async fn fill(&self, selector: &str, value: &str) {
        let element = self.find("css selector", selector).await;
        self.command(&format!("element/{element}/clear"), &json!({}))
            .await;
        self.command(
            &format!("element/{element}/value"),
            &json!({ "text": value }),
        )
        .await;
    }

    /// Chooses from a list by what it shows.
    pub(crate) async fn choose(&self, id: &str, label: &str) {
        let path = format!("//select[@id='{id}']//option[normalize-space()='{label}']");
        let element = self.find("xpath", &path).await;
        let path = format!("element/{element}/click");
        self.command(&path, &json!({})).await;
    }

    /// Presses keys on whatever has the focus, one after the other.
    pub(crate) async fn keys(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                let key = key.to_string();
                [
                    json!({"type": "keyDown", "value": key}),
                    json!({"type": "keyUp", "value": key}),
                ]
            })
            .collect();
        let wanted = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        self.command("actions", &wanted).await;
    }

    /// The text of the page as a reader sees it.
    pub(crate) async fn text(&self) -> String {
        text(&self.run("return document.body.innerText", &[]).await)
    }

    /// Waits, ten seconds at most, until the page (or the next one) shows this text.
    pub(crate) async fn sees(&self, wanted: &str) {
        // The page looks for a quarter of a second; a navigation meanwhile ends the look, and the next begins.
        let script = "
            const [wanted, done] = arguments;
            const shown = () => Boolean(document.body && document.body.innerText.includes(wanted));
            const end = performance.now() + 250;
            (function look() {
                if (shown() || performance.now() > end) done(shown());
                else setTimeout(look, 20);
            })();";
        let path = format!("session/{}/execute/async", self.session);
        let body = json!({"script": script, "args": [wanted]});
        for _ in 0..40 {
            if self.try_post(&path, &body).await == Ok(json!(true)) {
                return;
            }
        }
        let page = self.text().await;
        panic!("{}: no {wanted:?} in:\n{page}", self.url().await);
    }

    /// Runs a script in the page and gives what it returns.
    pub(crate) async fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.command(
            "execute/sync",
            &json!({"script": script, "args": arguments}),
        )
        .await
    }

    /// As `run`, for a script that calls its last argument when it is done.
    pub(crate) async fn run_async(&self, script: &str, arguments: &[Value]) -> Value {
        self.command(
            "execute/async",
            &json!({"script": script, "args": arguments}),
        )
        .await
    }

    /// What the browser complained about since the last call: a broken content policy, a missing file, a script's error.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let entries = self.command("se/log", &json!({"type": "browser"})).await;
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| text(&entry["message"]))
            .collect()
    }

    /// What axe-core finds wrong with the page, a line for each fault.
    pub(crate) async fn axe(&self) -> Vec<String> {
        self.run(&axe_source(), &[]).await;
        // Colours on their way from one theme to the other are nobody's choice; an endless one cannot be finished.
        let settle = "for (const it of document.getAnimations()) { try { it.finish() } catch {} }";
        self.run(settle, &[]).await;
        let script = "
            const done = arguments[0];
            axe.run(document, {resultTypes: ['violations']}).then(
                found => done(found.violations.flatMap(v => v.nodes.map(n =>
                    `${v.id}: ${n.target.join(' ')}: ${v.help}: ${n.failureSummary}`))),
                error => done(['axe failed: ' + error]));";
        let found = self.run_async(script, &[]).await;
        let found = found.as_array().expect("a list of faults");
        found.iter().map(text).collect()
    }

    /// Writes a picture of the whole page.
    pub(crate) async fn picture(&self, file: &Path) {
        let taken = self
            .chromium(
                "Page.captureScreenshot",
                &json!({"captureBeyondViewport": true}),
            )
            .await;
        let png = base64::engine::general_purpose::STANDARD
            .decode(text(&taken["data"]))
            .expect("base64");
        let folder = file.parent().expect("a folder");
        std::fs::create_dir_all(folder).expect("the folder can be made");
        std::fs::write(file, png).expect("the picture can be written");
    }

    async fn find(&self, using: &str, value: &str) -> String {
        let found = self
            .command("element", &json!({"using": using, "value": value}))
            .await;
        text(&found[ELEMENT])
    }

    /// A command of Chromium's own protocol.
    async fn chromium(&self, name: &str, params: &Value) -> Value {
        self.command("goog/cdp/execute", &json!({"cmd": name, "params": params}))
            .await
    }

    async fn command(&self, path: &str, body: &Value) -> Value {
        self.post(&format!("session/{}/{path}", self.session), body)
            .await
    }

    async fn get(&self, path: &str) -> Value {
        let port = self.driver.port;
        let url = format!("http://127.0.0.1:{port}/session/{}/{path}", self.session);
        answer(self.http.get(url).send().await).await.expect(path)
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.try_post(path, body).await;
        answer.unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    async fn try_post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("http://127.0.0.1:{}/{path}", self.driver.port);
        answer(self.http.post(url).json(body).send().await).await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Drop cannot wait for a future: this one request goes over a plain socket. It makes Chromium end.
        if let Ok(mut socket) = TcpStream::connect(("127.0.0.1", self.driver.port)) {
            let patience = Some(Duration::from_secs(10));
            let _ = socket.set_read_timeout(patience);
            let _ = write!(
                socket,
                "DELETE /session/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
                self.session
            );
            let _ = socket.read(&mut [0; 64]);
        }
    }
}

/// How often the driver may lose its port to somebody else.
const DRIVER_STARTS: u32 = 5;

/// The driver's process; ends when dropped.
struct Driver {
    process: Child,
    port: u16,
    // Kept open: the driver must not write into a closed pipe.
    output: BufReader<ChildStdout>,
}

impl Driver {
    // The driver chooses a free port and takes it a moment later: another one may be quicker, and then it ends.
    fn start() -> Self {
        let started = (0..DRIVER_STARTS).find_map(|_| Self::try_start());
        started.expect("chromedriver ended before it named its port, each time")
    }

    fn try_start() -> Option<Self> {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver: install chromium and chromium-driver, or run tests/run");
        let output = process.stdout.take().expect("piped above");
        let mut driver = Self {
            process,
            port: 0,
            output: BufReader::new(output),
        };
        driver.port = driver.read_port()?;
        Some(driver)
    }

    /// `None` if it ends before it has one.
    fn read_port(&mut self) -> Option<u16> {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.output.read_line(&mut line).expect("its output");
            if read == 0 {
                return None;
            }
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                let port = port.trim().trim_end_matches('.');
                return Some(port.parse().expect("a port number"));
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn axe_source() -> String {
    let path = std::env::var("AXE_JS").unwrap_or_else(|_| "target/npm/axe.min.js".to_owned());
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{path}: {error}: tests/run fetches axe-core"))
}

async fn answer(sent: reqwest::Result<reqwest::Response>) -> Result<Value, String> {
    let reply = sent.map_err(|error| format!("no answer from chromedriver: {error}"))?;
    let status = reply.status();
    let body: Value = reply.json().await.map_err(|error| error.to_string())?;
    let value = body["value"].clone();
    if status.is_success() {
        Ok(value)
    } else {
        Err(format!("{}: {}", value["error"], value["message"]))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
