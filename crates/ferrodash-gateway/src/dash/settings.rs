//! The settings of the script in a page.

use std::collections::BTreeMap;

use ferrodash_browser::{ClientCallback, Script, ScriptBatch, ScriptConfig, ScriptGate};

use super::callback::Callback;
use super::dependencies::{App, Gate, gate_name};
use super::page::PageConfig;
use crate::config::Part;

/// The length of a request of many calls, in UTF-16 code units of at most three bytes each. Proxies
/// often take one megabyte.
const CHARACTERS: usize = (1 << 20) / 3;

/// The limit of the length of a call for the script: none, as the app has its own.
const MOST: usize = 1 << 40;

/// What pages of one version of an app learn.
pub(crate) struct Settings {
    scopes: Vec<Scope>,
}

/// What answers that browsers keep depend on, beside the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The parts of a request that tell whose it is: `None` for all cookies and `Authorization`,
    /// nothing for answers that are shared.
    pub(crate) identity: Option<Vec<Part>>,
    pub(crate) vary: Vec<Part>,
}

impl Settings {
    pub(crate) fn new(app: &App) -> Self {
        let mut scopes: Vec<Scope> = Vec::new();
        for callback in app.callbacks.values() {
            if let Some(scope) = scope_of(callback)
                && !scopes.contains(&scope)
            {
                scopes.push(scope);
            }
        }
        // The callbacks are in no order.
        scopes.sort_by_key(|scope| format!("{scope:?}"));
        Self { scopes }
    }

    /// Returns the scopes, in the order in which pages know them.
    pub(crate) fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Returns the place of the scope of a callback.
    pub(crate) fn place(&self, callback: &Callback) -> Option<usize> {
        let scope = scope_of(callback)?;
        self.scopes.iter().position(|known| *known == scope)
    }

    /// Returns the settings of a page, and the script that it needs. `None` if it needs none.
    pub(crate) fn element(
        &self,
        app: &App,
        page: &PageConfig,
        build: &str,
    ) -> Option<(String, Script)> {
        let client = self.client_callbacks(app);
        let outputs = batched(app);
        let gates: Vec<ScriptGate> = app.gates.iter().enumerate().map(script_gate).collect();
        if client.is_empty() && gates.is_empty() && outputs.len() < 2 {
            return None;
        }
        let namespaces = if gates.is_empty() {
            Vec::new()
        } else {
            page.namespaces.iter().map(String::as_str).collect()
        };
        let config = ScriptConfig {
            prefix: &page.prefix,
            build,
            push: !client.is_empty(),
            client,
            gates,
            namespaces,
            overlap: BTreeMap::new(),
            pure: Vec::new(),
            batch: Some(ScriptBatch {
                outputs,
                characters: CHARACTERS,
            }),
            ticks: true,
            reload: false,
            most: MOST,
            cloud: true,
            guest: true,
        };
        let json = serde_json::to_string(&config).expect("text and numbers are JSON");
        Some((json.replace('<', "\\u003c"), Script::of(&config)))
    }

    /// Returns the callbacks whose answers browsers keep, by output.
    fn client_callbacks<'a>(&self, app: &'a App) -> BTreeMap<&'a str, ClientCallback<'a>> {
        let is_kept = |callback: &Callback| {
            let kept = callback.kept.as_ref();
            kept.is_some_and(|kept| kept.client.is_some())
        };
        let callbacks = app.callbacks.values().filter(|callback| is_kept(callback));
        let settings = callbacks.map(|callback| {
            let scope = self.place(callback);
            (callback.output.as_str(), client_callback(callback, scope))
        });
        settings.collect()
    }
}

/// Returns the outputs of the callbacks that may be called together.
fn batched(app: &App) -> Vec<&str> {
    let callbacks = app.callbacks.values();
    let mut outputs: Vec<&str> = callbacks
        .filter(|callback| callback.batch.unwrap_or(true))
        .map(|callback| callback.output.as_str())
        .collect();
    // The callbacks are in no order.
    outputs.sort_unstable();
    outputs
}

/// Returns the scope of a callback; `None` if its answers are for everybody, or if browsers keep
/// none.
fn scope_of(callback: &Callback) -> Option<Scope> {
    let kept = callback.kept.as_ref()?;
    kept.client?;
    let vary = kept.vary.clone();
    let identity = if kept.is_shared {
        Some(Vec::new())
    } else {
        kept.identity.clone()
    };
    let is_for_all = vary.is_empty() && identity.as_ref().is_some_and(Vec::is_empty);
    (!is_for_all).then_some(Scope { identity, vary })
}

fn client_callback(callback: &Callback, scope: Option<usize>) -> ClientCallback<'_> {
    ClientCallback {
        token: &callback.token,
        arguments: arguments(callback),
        trigger: callback.kept.as_ref().is_some_and(|kept| kept.with_trigger),
        pattern: callback.has_wildcards(),
        scope,
        rename: Vec::new(),
    }
}

/// Returns the places of the inputs and states in a call of the page. The real properties of inputs
/// that wait are after the states.
fn arguments(callback: &Callback) -> Vec<String> {
    let mut carried = callback.states.len()..;
    let inputs = callback.inputs.iter().enumerate().map(|(place, input)| {
        if input.wait.is_some() {
            format!("s{}", carried.next().unwrap_or_default())
        } else {
            format!("i{place}")
        }
    });
    let inputs: Vec<String> = inputs.collect();
    let states = (0..callback.states.len()).map(|place| format!("s{place}"));
    inputs.into_iter().chain(states).collect()
}

fn script_gate((index, gate): (usize, &Gate)) -> ScriptGate {
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    ScriptGate {
        name: gate_name(index),
        property: gate.property.clone(),
        carrier: gate.carrier.clone(),
        wait: millis(gate.timing.quiet),
        longest: gate.timing.longest.map(millis),
        leading: gate.timing.leading,
        skip_trailing: !gate.timing.trailing,
        flush: gate.timing.flush.clone(),
        hold_callbacks: gate.timing.holds_callbacks,
        own: gate.is_own,
    }
}
