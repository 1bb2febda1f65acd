//! The callbacks of an app: found by their output strings, checked before the app is built.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ferrodash_cache::Policy;

use super::call::is_readable;
use super::dependency::output_string;
use super::{Arguments, Callback, Gate, Input, Property, Shape, Trigger, Vary};
use crate::error::Mistake;

/// Where a callback stands in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CallbackNumber(usize);

/// All callbacks of an app.
pub(crate) struct Registry {
    callbacks: Vec<Arc<Registered>>,
    by_output: HashMap<String, CallbackNumber>,
    by_token: HashMap<String, CallbackNumber>,
}

/// A callback with what is derived from its description once.
pub(crate) struct Registered {
    pub(crate) callback: Callback,
    /// The string by which the renderer knows it.
    pub(crate) output: String,
    /// `id.property` of each argument, for messages.
    pub(crate) argument_names: Arc<[String]>,
    /// A call as the renderer sends it.
    pub(crate) wire: Shape,
    /// A call as it was declared; another shape only for debounced inputs.
    pub(crate) plain: Shape,
    /// The JSON text of each argument whose property is unset.
    unset: Vec<Bytes>,
    /// What its cached answers depend on beside arguments.
    pub(crate) vary: Vec<Vary>,
    /// For how long, and under which conditions, its answers are kept.
    pub(crate) policy: Policy,
    /// What its cache keys begin with.
    pub(crate) identity: String,
    /// Its name in URLs: stable as long as the function and its outputs are.
    pub(crate) token: String,
    /// The first callback with the same function, whose cached answers are also those of this one.
    pub(crate) same_function: CallbackNumber,
}

impl Registry {
    /// Registers callbacks; every mistake is added to `mistakes`.
    pub(crate) fn new(callbacks: Vec<Callback>, build_id: &str, mistakes: &mut Vec<Mistake>) -> Self {
        let mut registry = Self { callbacks: Vec::new(), by_output: HashMap::new(), by_token: HashMap::new() };
        let mut written: HashMap<Property, String> = HashMap::new();
        let mut functions: HashMap<(TypeId, Vec<Vary>), CallbackNumber> = HashMap::new();
        for callback in callbacks {
            let number = CallbackNumber(registry.callbacks.len());
            let vary = check(&callback, mistakes);
            for output in &callback.spec.outputs {
                let place = describe(&callback);
                if let Some(other) = written.insert(output.property.clone(), place) {
                    let text = format!("{} is written by {other} too; only one callback can", output.property);
                    mistakes.push(Mistake::new(&callback, text));
                }
            }
            let same_function = match callback.function.filter(|_| callback.spec.cache.is_some()) {
                Some(function) => {
                    let first = *functions.entry((function, vary.clone())).or_insert(number);
                    if registry.can_share(first, number, &callback) { first } else { number }
                }
                None => number,
            };
            let registered = Registered::new(callback, vary, same_function, build_id);
            registry.by_output.insert(registered.output.clone(), number);
            registry.by_token.insert(registered.token.clone(), number);
            registry.callbacks.push(Arc::new(registered));
        }
        check_circles(&registry, mistakes);
        registry
    }

    /// Answers can be shared when both have the same shape, not just the same function.
    fn can_share(&self, first: CallbackNumber, number: CallbackNumber, callback: &Callback) -> bool {
        if first == number {
            return true;
        }
        let (a, b) = (&self.get(first).callback.spec, &callback.spec);
        let defaults = |spec: &super::Spec| {
            let inputs = spec.inputs.iter().map(|input| input.default.clone());
            inputs.chain(spec.states.iter().map(|state| state.default.clone())).collect::<Vec<_>>()
        };
        a.outputs.len() == b.outputs.len()
            && match (&a.cache, &b.cache) {
                (Some(a), Some(b)) => a.same_as(b),
                (a, b) => a.is_none() && b.is_none(),
            }
            && defaults(a) == defaults(b)
            && a.inputs.len() == b.inputs.len()
            && !self.get(first).vary.contains(&Vary::Trigger)
    }

    pub(crate) fn get(&self, number: CallbackNumber) -> &Arc<Registered> {
        &self.callbacks[number.0]
    }

    pub(crate) fn by_output(&self, output: &str) -> Option<&Arc<Registered>> {
        self.by_output.get(output).map(|number| self.get(*number))
    }

    pub(crate) fn by_token(&self, token: &str) -> Option<&Arc<Registered>> {
        self.by_token.get(token).map(|number| self.get(*number))
    }

    /// The gates of all debounced inputs, each once.
    pub(crate) fn gates(&self) -> Vec<Gate> {
        let mut gates = Vec::new();
        for gate in self.iter().flat_map(|callback| &callback.callback.spec.inputs).filter_map(Input::gate) {
            if !gates.contains(&gate) {
                gates.push(gate);
            }
        }
        gates
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Registered> {
        self.callbacks.iter().map(|registered| &**registered)
    }
}

impl Registered {
    fn new(callback: Callback, vary: Vec<Vary>, same_function: CallbackNumber, build_id: &str) -> Self {
        let spec = &callback.spec;
        let inputs = spec.inputs.iter().map(|input| input.property.to_string());
        let argument_names = inputs.chain(spec.states.iter().map(|state| state.property.to_string())).collect();
        let output = output_string(&spec.outputs);
        // Without a version of its own, a function counts as changed with each build.
        let version = if spec.version.is_empty() { build_id } else { spec.version };
        let identity = format!("callback {output} of {} {version}", spec.name);
        let token = blake3::hash(identity.as_bytes()).to_hex()[..16].to_owned();
        let defaults = spec.inputs.iter().map(|input| &input.default);
        let defaults = defaults.chain(spec.states.iter().map(|state| &state.default));
        let unset = defaults.map(|value| match value {
            Some(value) => Bytes::from(value.to_string()),
            None => Bytes::from_static(b"null"),
        });
        let policy = spec.cache.as_ref().map_or(Policy::new(Duration::ZERO), |cache| cache.policy.clone());
        Self {
            policy: policy.name(spec.name.clone()).readable(is_readable),
            argument_names,
            wire: spec.wire(),
            plain: spec.plain(),
            unset: unset.collect(),
            output,
            vary,
            identity,
            token,
            same_function,
            callback,
        }
    }

    /// The arguments of a call, from the value of each; an unset one becomes its default, or `null`.
    pub(crate) fn arguments(&self, values: impl Iterator<Item = Option<Bytes>>) -> Arguments {
        let values = values.zip(&self.unset).map(|(value, unset)| value.unwrap_or_else(|| unset.clone())).collect();
        Arguments { values, names: self.argument_names.clone() }
    }

    /// What `id.property` in a request stands for; `None` if it is no input of this callback.
    pub(crate) fn trigger(&self, changed: &str) -> Option<Trigger> {
        let position = |shape: &Shape| shape.names.iter().position(|name| name == changed);
        let position = position(&self.wire).or_else(|| position(&self.plain))?;
        let property = &self.callback.spec.inputs[position].property;
        Some(Trigger { id: property.id.to_string(), property: property.name.to_string() })
    }

    /// Whether browsers keep its answers.
    pub(crate) fn is_cached_by_clients(&self) -> bool {
        self.callback.spec.cache.as_ref().is_some_and(|cache| cache.client)
    }

    /// The callback's function by name, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.callback.spec.name
    }
}

fn describe(callback: &Callback) -> String {
    format!("{} ({})", callback.spec.name, callback.spec.location)
}

/// Checks a callback by itself and reads what it varies by.
fn check(callback: &Callback, mistakes: &mut Vec<Mistake>) -> Vec<Vary> {
    let spec = &callback.spec;
    let mut mistake = |text: &dyn Display| mistakes.push(Mistake::new(callback, text.to_string()));
    if spec.outputs.is_empty() {
        mistake(&"it has no output");
    }
    if spec.inputs.is_empty() && spec.prevent_initial_call {
        mistake(&"it has no input and prevents the initial call, so it would never run");
    }
    let (wanted, given) = (callback.handler.arguments(), spec.inputs.len() + spec.states.len());
    if wanted != given {
        mistake(&format!("its function takes {wanted} argument(s), but it has {given} input(s) and state(s)"));
    }
    let outputs = spec.outputs.iter().map(|output| &output.property);
    let inputs = spec.inputs.iter().map(|input| &input.property);
    let states = spec.states.iter().map(|state| &state.property);
    let running = spec.running.iter().map(|running| &running.property);
    for property in outputs.chain(inputs).chain(states).chain(running) {
        if let Some(problem) = property.id.problem() {
            mistake(&format!("{property}: {problem}"));
        }
        if property.name.is_empty() || property.name.contains(['.', '@']) {
            mistake(&format!("{property}: {:?} is no name of a property", property.name));
        }
    }
    if spec.outputs.len() > 1 && spec.outputs.iter().any(|output| output.property.id.to_string().contains("...")) {
        mistake(&"an id with three dots in a row cannot be told apart in a callback with several outputs");
    }
    if spec.inputs.iter().any(|input| input.debounce.is_some_and(|wait| wait.is_zero())) {
        mistake(&"a debounce of zero waits for nothing; leave it out");
    }
    check_cache(callback, mistakes)
}

fn check_cache(callback: &Callback, mistakes: &mut Vec<Mistake>) -> Vec<Vary> {
    let Some(cache) = &callback.spec.cache else { return Vec::new() };
    let mut mistake = |text: String| mistakes.push(Mistake::new(callback, text));
    let mut vary = Vec::new();
    for by in &cache.vary {
        match by.parse::<Vary>() {
            Ok(by) => vary.push(by),
            Err(problem) => mistake(problem),
        }
    }
    vary.sort();
    vary.dedup();
    if cache.policy.timeout.is_zero() {
        mistake("a cache with a timeout of zero keeps nothing; leave it out".into());
    }
    if callback.function.is_none() && !callback.spec.is_named {
        mistake(
            "it is cached and its function captures values, which are no part of the key; give it a name that no other \
             callback over the same cache has (CallbackBuilder::name), and a version that changes with its code"
                .into(),
        );
    }
    if callback.handler.takes_context() && cache.vary.is_empty() {
        mistake(
            "it is cached and takes the Context, so it must declare what its answer varies by, for example vary = \
             \"cookie:session\" or vary = \"trigger\"; without that, the answer for one user could reach another"
                .into(),
        );
    }
    if let Some(by) = vary.iter().find(|by| cache.client && !by.is_known_to_the_browser()) {
        mistake(format!(
            "it is cached in the browser and varies by {by}, which a page cannot see; cache it on the server only, \
             without `client`"
        ));
    }
    vary
}

/// Callbacks that trigger each other in a circle would never come to rest. The renderer allows a callback that writes
/// its own input, as it knows where a chain began; behind a gate it no longer does.
fn check_circles(registry: &Registry, mistakes: &mut Vec<Mistake>) {
    let triggers = |from: &Callback, to: &Callback| {
        let same = std::ptr::eq(from, to);
        let inputs = to.spec.inputs.iter().filter(|input| !same || input.debounce.is_some());
        inputs
            .map(|input| &input.property)
            .any(|input| from.spec.outputs.iter().any(|output| output.property == *input))
    };
    let all: Vec<&Callback> = registry.iter().map(|registered| &registered.callback).collect();
    for (start, first) in all.iter().enumerate() {
        // What can be reached from this callback through later ones; each circle is found at its first callback.
        let (mut reached, mut next) = (vec![false; all.len()], vec![start]);
        while let Some(from) = next.pop() {
            for to in (start..all.len()).filter(|to| triggers(all[from], all[*to])) {
                if to == start {
                    let last = &all[from].spec.name;
                    let text = format!("it triggers itself again, through its outputs and {last}, without an end");
                    mistakes.push(Mistake::new(first, text));
                    next.clear();
                    break;
                }
                if !std::mem::replace(&mut reached[to], true) {
                    next.push(to);
                }
            }
        }
    }
}
