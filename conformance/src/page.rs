//! The page with everything: what a user does on it, and what the page sends for it.

use std::time::Duration;

use e2e::{Browser, IDLE};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use crate::compare::differences;
use crate::files;

/// What a user does.
#[derive(Debug, Clone, Copy)]
enum Action {
    /// Opens the page.
    Open,
    /// Clicks the element with an id.
    Click(&'static str),
    /// Types a letter behind what the element has.
    Key(&'static str, &'static str),
}

/// Something that a user does.
#[derive(Debug, Clone, Copy)]
struct Step {
    name: &'static str,
    action: Action,
    /// What becomes true while callbacks run.
    meanwhile: Option<&'static str>,
    /// Whether callbacks that run side by side lead to others, so that their order is left to
    /// chance.
    is_unordered: bool,
}

const fn step(name: &'static str, action: Action) -> Step {
    Step {
        name,
        action,
        meanwhile: None,
        is_unordered: false,
    }
}

const fn unordered(name: &'static str, action: Action) -> Step {
    Step {
        is_unordered: true,
        ..step(name, action)
    }
}

const STEPS: &[Step] = &[
    unordered("initial calls", Action::Open),
    step(
        "single, grouped, optional, clientside",
        Action::Key("name", "b"),
    ),
    step("several outputs", Action::Click("multi")),
    step("no update for one of them", Action::Click("multi")),
    unordered(
        "MATCH, ALL, ALLSMALLER",
        Action::Key(r#"{"index":0,"type":"in"}"#, "x"),
    ),
    unordered(
        "MATCH, ALL of the last",
        Action::Key(r#"{"index":2,"type":"in"}"#, "y"),
    ),
    step("ALL outputs", Action::Click("mark")),
    unordered("components by a patch", Action::Click("add")),
    unordered(
        "a new component's value",
        Action::Key(r#"{"index":3,"type":"in"}"#, "z"),
    ),
    // After the patch, for which there is a call for each row: the last of them is left to chance.
    step(
        "MATCH input, fixed output",
        Action::Click(r#"{"index":1,"type":"fix"}"#),
    ),
    step("an original", Action::Click("first")),
    step("its duplicate", Action::Click("second")),
    step("set_props without output, a chain", Action::Click("set")),
    step("no output, no set_props", Action::Click("quiet")),
    step("a patch", Action::Click("patch")),
    step("the patch again", Action::Click("patch")),
    Step {
        meanwhile: Some("slow.disabled && slow.innerText === 'running'"),
        ..step("running", Action::Click("slow"))
    },
    step("prevent update", Action::Click("prevent")),
    step("an error", Action::Click("fail")),
    step("no error any more", Action::Click("fail")),
    unordered("ALL of nothing", Action::Click("clear")),
];

/// Keeps the bodies of callback requests, and when one last began or ended.
const WATCH: &str = "
    window.sent = [];
    window.underWay = 0;
    window.busy = performance.now();
    const real = window.fetch;
    window.fetch = async (target, options) => {
        const url = typeof target === 'string' ? target : target.url;
        if (!/_dash-update-component|_ferrodash.batch/.test(url)) return real(target, options);
        window.busy = performance.now();
        window.sent.push(options && options.body !== undefined ? options.body : await target.clone().text());
        window.underWay += 1;
        try {
            return await real(target, options);
        } finally {
            window.underWay -= 1;
            window.busy = performance.now();
        }
    };";

/// How long a page stays quiet before it counts as done: longer than the renderer takes from a
/// change to its requests.
const QUIET_MILLISECONDS: u32 = 200;

/// What the page sent and showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// The bodies of each step.
    pub steps: Vec<Sent>,
    /// The visible text at the end.
    pub text: String,
}

/// The bodies that one step sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    /// The step.
    pub step: String,
    /// The texts of the requests' bodies.
    pub bodies: Vec<String>,
}

/// Visits the page at an address.
///
/// # Panics
/// When the page does not do what it should.
pub async fn visit(url: &str) -> Visit {
    let browser = Browser::start().await;
    browser.watch_from_the_start(WATCH).await;
    let mut steps = Vec::new();
    for step in STEPS {
        perform(&browser, url, step).await;
        let bodies = browser.js("return window.sent.splice(0)").await;
        let bodies: Vec<String> = serde_json::from_value(bodies).expect("bodies are texts");
        let mut bodies: Vec<String> = bodies.into_iter().flat_map(calls).collect();
        if step.is_unordered {
            bodies.sort();
        }
        steps.push(Sent {
            step: step.name.to_owned(),
            bodies,
        });
    }
    let text = browser
        .js("return document.getElementById('react-entry-point').innerText")
        .await;
    Visit {
        steps,
        text: text.as_str().expect("a page has a text").to_owned(),
    }
}

/// The calls in a body: one, or those of a batch in their order.
fn calls(body: String) -> Vec<String> {
    match serde_json::from_str::<Vec<&RawValue>>(&body) {
        Ok(calls) => calls
            .into_iter()
            .map(|call| call.get().to_owned())
            .collect(),
        Err(_) => vec![body],
    }
}

async fn perform(browser: &Browser, url: &str, step: &Step) {
    let element = |id: &str| {
        format!(
            "window.busy = performance.now(); const it = document.getElementById({})",
            json!(id)
        )
    };
    match step.action {
        Action::Open => browser.open(url).await,
        Action::Click(id) => {
            browser.js(&format!("{}; it.click()", element(id))).await;
        }
        Action::Key(id, key) => {
            browser
                .js(&format!(
                    "{}; it.focus(); it.setSelectionRange(99, 99)",
                    element(id)
                ))
                .await;
            browser
                .type_text(key, Duration::ZERO)
                .await
                .expect("a key can be pressed");
        }
    }
    if let Some(meanwhile) = step.meanwhile {
        browser.wait_until(meanwhile).await;
    }
    let is_busy = format!("window.underWay > 0 || !({IDLE})");
    let is_quiet = format!("performance.now() - window.busy > {QUIET_MILLISECONDS}");
    browser
        .wait_until(&format!(
            "({is_busy}) ? (window.busy = performance.now(), false) : {is_quiet}"
        ))
        .await;
}

/// What Python's page sent and showed.
///
/// # Panics
/// When the recording is missing or damaged.
pub fn recorded() -> Visit {
    files::read_json("recorded/page.json")
}

/// A visit as text, a line a body.
///
/// # Panics
/// Never: a visit is JSON.
pub fn to_text(visit: &Visit) -> String {
    serde_json::to_string_pretty(visit).expect("a visit is JSON") + "\n"
}

/// Where two visits differ, to be read by people.
///
/// # Panics
/// Never: a visit is JSON.
pub fn compare(python: &Visit, ours: &Visit) -> Vec<String> {
    let value = |visit: &Visit| {
        let steps = visit
            .steps
            .iter()
            .map(|sent| (sent.step.clone(), json!(sent.bodies)));
        let mut all: serde_json::Map<String, serde_json::Value> = steps.collect();
        all.insert(
            "text".to_owned(),
            json!(visit.text.lines().collect::<Vec<_>>()),
        );
        all.into()
    };
    differences(&value(python), &value(ours))
        .iter()
        .map(ToString::to_string)
        .collect()
}
