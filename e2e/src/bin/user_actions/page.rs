//! A page of one of the two apps, and what it measures of itself while a user acts.

use std::path::Path;
use std::time::Duration;

use e2e::{Browser, IDLE};
use serde_json::{Value, json};
use thirtyfour::{By, WebElement};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How long late answers may take to come before an action is over, in milliseconds: longer than
/// each function runs.
const SETTLE: u32 = 1500;

/// Notes, in the page, when the user did something and when each output changed.
///
/// Moves count while a button is held: others are not a part of any action.
const WATCH: &str = "{
    performance.setResourceTimingBufferSize(10000);
    window.watch = { last: 0, shown: [] };
    for (const kind of ['keydown', 'input', 'mousemove', 'mouseup', 'click', 'popstate'])
        addEventListener(kind, (event) => {
            const counts = kind !== 'mousemove' || event.buttons;
            if (event.isTrusted && counts) watch.last = event.timeStamp;
        }, true);
    const outputs = {
        page: '#page', typed: '#typed', 'slow-typed': '#slow-typed', dragged: '#dragged',
        ticked: '#ticked', graph: '#graph .gtitle',
    };
    const texts = {};
    new MutationObserver(() => {
        for (const [id, place] of Object.entries(outputs)) {
            const text = document.querySelector(place)?.textContent;
            if (!text || text === texts[id]) continue;
            texts[id] = text;
            watch.shown.push({ id, text, at: performance.now() });
        }
    }).observe(document, { childList: true, subtree: true, characterData: true });
}";

/// The requests of scripts since the last [`Page::begin`].
const REQUESTS: &str = "
    const isOfScript = ({ initiatorType, name }) =>
        ['fetch', 'xmlhttprequest'].includes(initiatorType) && !name.endsWith('/runs');
    const isCall = ({ name }) => /_dash-update-component|_ferrodash\\/(call|batch)/.test(name);
    const all = performance.getEntriesByType('resource').filter(isOfScript);
    const calls = all.filter(isCall);
    return [calls.length, calls.reduce((sum, { transferSize }) => sum + transferSize, 0),
        all.length - calls.length];";

/// What an action caused.
#[derive(Clone, Default)]
pub(crate) struct Measured {
    /// Requests for callbacks.
    pub(crate) requests: u64,
    /// Other requests of the page's scripts.
    pub(crate) others: u64,
    /// Runs of the functions on the server.
    pub(crate) runs: u64,
    /// The bytes of the answers to callbacks, as Chromium counts them.
    pub(crate) bytes: u64,
    /// How often an output of the page changed.
    pub(crate) changes: u64,
    /// From the last event of the user to the final value, in milliseconds, for each step.
    pub(crate) times: Vec<f64>,
}

impl Measured {
    /// Adds what another tab caused by the same action. Its times are those of the same steps.
    pub(crate) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.others += other.others;
        self.bytes += other.bytes;
        self.changes += other.changes;
    }
}

/// A tab that shows one of the apps.
pub(crate) struct Page<'a> {
    pub(crate) browser: &'a Browser,
    url: String,
}

impl<'a> Page<'a> {
    /// Opens the first page of an app in the present tab, and waits until it has shown all.
    pub(crate) async fn open(browser: &'a Browser, url: String) -> Self {
        browser.watch_from_the_start(WATCH).await;
        browser.open(&format!("{url}/1")).await;
        let page = Self { browser, url };
        page.has_shown(0, "page", "This is /1").await;
        page.has_shown(0, "graph", "Choice A").await;
        page.settle().await;
        page
    }

    /// Opens the same app in a tab of its own, and goes there.
    pub(crate) async fn in_another_tab(&self) -> Self {
        let driver = &self.browser.driver;
        let tab = driver.new_tab().await.expect("Chromium opens a tab");
        let there = driver.switch_to_window(tab).await;
        there.expect("the tab is open");
        Self::open(self.browser, self.url.clone()).await
    }

    /// Forgets what happened before an action, and returns the runs of all functions until now.
    pub(crate) async fn begin(&self) -> u64 {
        let runs = self.runs().await;
        self.browser
            .js("performance.clearResourceTimings(); watch.shown.length = 0; watch.last = 0;")
            .await;
        runs
    }

    /// What an action caused that began after so many runs.
    pub(crate) async fn end(&self, runs_before: u64, times: Vec<f64>) -> Measured {
        let changes = self.changes().await;
        self.settle().await;
        let requests = self.browser.js(REQUESTS).await;
        let number = |index: usize| requests[index].as_u64().expect("a count");
        Measured {
            requests: number(0),
            bytes: number(1),
            others: number(2),
            runs: self.runs().await - runs_before,
            changes,
            times,
        }
    }

    /// How often outputs changed since the action began.
    pub(crate) async fn changes(&self) -> u64 {
        let count = self.browser.js("return watch.shown.length").await;
        count.as_u64().expect("a length")
    }

    /// Waits for what an action causes late.
    pub(crate) async fn settle(&self) {
        self.browser.wait_until(IDLE).await;
        self.browser.let_pass(SETTLE).await;
    }

    /// Waits until an output shows its final text, and returns the time from the user's last event
    /// until then. The first `since` changes of the action do not count.
    pub(crate) async fn has_shown(&self, since: u64, id: &str, text: &str) -> f64 {
        let entry = format!(
            "watch.shown.slice({since}).findLast((entry) =>
                entry.id === {id:?} && entry.text === {text:?})"
        );
        self.browser.wait_until(&entry).await;
        let took = format!("return {entry}.at - watch.last");
        let took = self.browser.js(&took).await;
        // The final value may be there before the mouse is released.
        took.as_f64().expect("a time").max(0.0)
    }

    /// The element that a selector finds.
    pub(crate) async fn find(&self, selector: &str) -> WebElement {
        let found = self.browser.driver.find(By::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    /// Clicks with the mouse.
    pub(crate) async fn click(&self, selector: &str) {
        let clicked = self.find(selector).await.click().await;
        clicked.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Types a text, a key in each pause, faster than WebDriver's own commands are.
    pub(crate) async fn type_text(&self, text: &str, pause: Duration) {
        let mut clock = interval(pause);
        for letter in text.chars() {
            clock.tick().await;
            for kind in ["keyDown", "keyUp"] {
                let mut key = json!({"type": kind, "key": letter.to_string()});
                if kind == "keyDown" {
                    key["text"] = json!(letter.to_string());
                }
                self.send("Input.dispatchKeyEvent", key).await;
            }
        }
    }

    /// Drags an element to the right for a while.
    pub(crate) async fn drag(&self, selector: &str, duration: Duration, pixels_per_second: f64) {
        let place = self.find(selector).await.rect().await.expect("a place");
        let (start, y) = (place.x + place.width / 2.0, place.y + place.height / 2.0);
        let mouse = async |kind: &str, x: f64| {
            let event = json!({
                "type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1,
            });
            self.send("Input.dispatchMouseEvent", event).await;
        };
        mouse("mousePressed", start).await;
        let begun = Instant::now();
        let mut clock = interval(Duration::from_millis(16));
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut x = start;
        while begun.elapsed() < duration {
            clock.tick().await;
            x = start + begun.elapsed().as_secs_f64() * pixels_per_second;
            mouse("mouseMoved", x).await;
        }
        mouse("mouseReleased", x).await;
    }

    /// Writes a picture of the page.
    pub(crate) async fn picture(&self, file: &Path) {
        let written = self.browser.driver.screenshot(file).await;
        written.expect("the picture can be written");
    }

    /// A command of Chromium's own protocol.
    async fn send(&self, command: &str, parameters: Value) -> Value {
        let cdp = self.browser.driver.cdp();
        let answer = cdp.send_raw(command, parameters).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// How often the functions of the app ran until now.
    async fn runs(&self) -> u64 {
        let script = "const done = arguments[arguments.length - 1];
            fetch('/runs').then((answer) => answer.json()).then((runs) =>
                done(Object.values(runs).reduce((sum, count) => sum + count, 0)));";
        let driver = &self.browser.driver;
        let sum = driver.execute_async(script, Vec::new()).await;
        let sum = sum.expect("the app shows its runs");
        sum.json().as_u64().expect("a count")
    }
}
