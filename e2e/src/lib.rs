//! A page of an app in a real browser, as tests use it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use ferrodash::App;
use ferrodash_testing::{Program, free_port};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities;
use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, CapabilitiesHelper, ChromeCapabilities, WebDriver, WebElement};
use tokio::net::TcpListener;

/// How long a page may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// An app that listens on a free port of this machine, and what it was asked for.
pub struct Site {
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Site {
    /// Serves an app.
    pub async fn start(app: App) -> Self {
        Self::serve(
            app.build()
                .expect("the app of a test has no mistakes")
                .into_router(),
        )
        .await
    }

    /// Serves a router.
    pub async fn serve(router: Router) -> Self {
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let written = log.clone();
        let record = move |request: Request, next: Next| {
            let line = format!("{} {}", request.method(), request.uri());
            written
                .lock()
                .expect("nobody panics while holding it")
                .push(line);
            next.run(request)
        };
        let router = router.layer(from_fn(record));
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let server = tokio::spawn(async move {
            axum::serve(listener, router)
                .await
                .expect("the server runs")
        });
        Self {
            address,
            log,
            server,
        }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests for callbacks so far, as `METHOD path?query`.
    pub fn callback_requests(&self) -> Vec<String> {
        let log = self.log.lock().expect("nobody panics while holding it");
        let paths = [
            "_dash-update-component",
            "_ferrodash/call/",
            "_ferrodash/batch",
        ];
        let is_callback = |line: &&String| paths.iter().any(|path| line.contains(path));
        log.iter().filter(is_callback).cloned().collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A browser, ended when dropped.
pub struct Browser {
    /// The connection to it.
    pub driver: WebDriver,
    _chromedriver: Program,
    // Chromium's profile, which nobody else removes; last, after the processes that write in it.
    _files: TempDir,
}

impl Browser {
    /// Starts Chromium with an empty profile.
    pub async fn start() -> Self {
        Self::sized(1280, 900).await
    }

    /// Starts Chromium with a window of this size.
    pub async fn sized(width: u32, height: u32) -> Self {
        let port = free_port();
        let files = tempfile::tempdir().expect("a folder for Chromium's profile");
        let mut command = Command::new("chromedriver");
        let chromedriver = Program::listening(
            command
                .arg(format!("--port={port}"))
                .env("TMPDIR", files.path()),
            port,
        );
        let mut capabilities = ChromeCapabilities::new();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            &format!("--window-size={width},{height}"),
        ] {
            capabilities
                .add_arg(argument)
                .expect("an argument is a text");
        }
        capabilities
            .set("goog:loggingPrefs", json!({"browser": "ALL"}))
            .expect("a capability is JSON");
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await;
        let driver = driver.expect("Chromium starts; run scripts/test, which installs it");
        let browser = Self {
            driver,
            _chromedriver: chromedriver,
            _files: files,
        };
        // A viewport of exactly this size, also where windows cannot be that narrow.
        let outer = browser
            .js("return [outerWidth - innerWidth, outerHeight - innerHeight]")
            .await;
        let extra =
            |index: usize| u32::try_from(outer[index].as_i64().unwrap_or(0).max(0)).unwrap_or(0);
        let (wide, tall) = (width + extra(0), height + extra(1));
        browser
            .driver
            .set_window_rect(0, 0, wide, tall)
            .await
            .expect("the window can be sized");
        browser
    }

    /// Runs a script in every page before its own scripts.
    pub async fn watch_from_the_start(&self, script: &str) {
        let parameters = json!({"source": script});
        let result = self
            .driver
            .cdp()
            .send_raw("Page.addScriptToEvaluateOnNewDocument", parameters)
            .await;
        result.expect("Chromium takes a script");
    }

    /// Opens an address and waits until Dash has drawn its layout and no callback runs.
    pub async fn open(&self, url: &str) {
        self.driver.goto(url).await.expect("the page opens");
        self.wait_until("window.dash_component_api && !document.querySelector('._dash-loading')")
            .await;
        self.wait_until(IDLE).await;
    }

    /// The value of a script that `return`s.
    pub async fn js(&self, script: &str) -> Value {
        let result = self.driver.execute(script, Vec::new()).await;
        result
            .unwrap_or_else(|error| panic!("{script}: {error}"))
            .json()
            .clone()
    }

    /// Waits in the page until an expression is true.
    ///
    /// # Panics
    /// When it does not become true.
    pub async fn wait_until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[arguments.length - 1], end = Date.now() + {};
             const look = () => {{
                 let value; try {{ value = {expression}; }} catch (error) {{ value = false; }}
                 if (value) done(true); else if (Date.now() > end) done(false); else setTimeout(look, 5);
             }};
             look();",
            PATIENCE.as_millis()
        );
        let result = self.driver.execute_async(&script, Vec::new()).await;
        let result = result.unwrap_or_else(|error| panic!("{expression}: {error}"));
        if result.json() != &Value::Bool(true) {
            let text = self
                .js("return document.body.innerText.slice(0, 2000)")
                .await;
            panic!(
                "not so after {PATIENCE:?}: {expression}\nthe page shows: {text}\nits console: {:?}",
                self.console().await
            );
        }
    }

    /// Lets time pass in the page, for what must *not* happen in it.
    pub async fn let_pass(&self, milliseconds: u32) {
        let script = format!("setTimeout(arguments[arguments.length - 1], {milliseconds})");
        self.driver
            .execute_async(&script, Vec::new())
            .await
            .expect("the page lives");
    }

    /// The element with an id.
    pub async fn element(&self, id: &str) -> WebElement {
        self.driver
            .find(By::XPath(format!("//*[@id='{id}']")))
            .await
            .unwrap_or_else(|error| panic!("#{id}: {error}"))
    }

    /// The text of the element with an id.
    pub async fn text(&self, id: &str) -> String {
        self.element(id)
            .await
            .text()
            .await
            .expect("an element has a text")
    }

    /// Waits until the element with an id shows a text.
    pub async fn shows(&self, id: &str, text: &str) {
        let expression = format!("document.getElementById({id:?}).innerText === {text:?}");
        self.wait_until(&expression).await;
    }

    /// Types a text, with a pause after each key; without one, all keys in one go. The driver's own
    /// pauses between keys are shorter than they should be.
    pub async fn type_text(&self, text: &str, pause: Duration) -> WebDriverResult<()> {
        if pause.is_zero() {
            return self.driver.action_chain().send_keys(text).perform().await;
        }
        for key in text.chars() {
            self.driver.action_chain().send_keys(key).perform().await?;
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// The errors in the console so far; each is returned once.
    pub async fn console(&self) -> Vec<String> {
        let log = self
            .driver
            .browser_log()
            .await
            .expect("the console can be read");
        log.into_iter()
            .filter(|entry| entry.level == "SEVERE")
            .map(|entry| entry.message)
            .collect()
    }
}

/// No callback is requested, waits or runs.
pub const IDLE: &str = "Object.entries(window.store.getState().callbacks)
    .every(([name, list]) => name === 'stored' || name === 'completed' || !Array.isArray(list) || list.length === 0)";

/// The path of an example, built beside the tests.
///
/// # Panics
/// When it is not built.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a program knows its path");
    let profile = test
        .ancestors()
        .nth(2)
        .expect("tests are in target/<profile>/deps");
    let path = profile.join("examples").join(name);
    assert!(
        path.is_file(),
        "{} is not there; run scripts/test, which builds it",
        path.display()
    );
    path
}
