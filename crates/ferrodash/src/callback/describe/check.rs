//! The rules for callbacks, for each by itself and for all together.
//!
//! Each function adds [`Mistake`]s and goes on, so that an author sees all of them. Callbacks of
//! the app are checked when it is built, callbacks that are added later with [`check_added`] as
//! well. Comparing them with a layout is not done here.

use std::fmt::Display;

use ferrodash_components::Wildcard;

use crate::callback::{
    ApiEndpoint, Callback, Clientside, ErasedHandler, Function, InitialCall, Parameter, Property,
    Spec, Vary,
};
use crate::error::Mistake;
use crate::paths;

/// Checks a callback by itself, and returns the parsed form of what its answers vary by.
///
/// Checked are the options among each other, the number of arguments and values, the names of
/// properties, wildcards, and the cache options. Ids that no component has are found elsewhere, as
/// they depend on the layout.
pub(in crate::callback) fn check(callback: &Callback, mistakes: &mut Vec<Mistake>) -> Vec<Vary> {
    let spec = &callback.spec;
    let mut mistake = |text: &dyn Display| mistakes.push(callback.mistake(text));
    if let Some(text) = spec.unsupported {
        mistake(&text);
    }
    if spec.inputs.is_empty() && spec.initial_call == InitialCall::Prevented {
        mistake(&"it has no input and prevents the initial call, so it would never run");
    }
    check_arguments(callback, &mut mistake);
    for property in spec
        .properties()
        .chain(spec.running.iter().map(|running| &running.property))
    {
        if let Some(problem) = property.id.pattern_problem() {
            mistake(&format!("{property}: {problem}"));
        }
        if property.name.is_empty() || property.name.contains(['.', '@']) {
            mistake(&format!(
                "{property}: {:?} is no name of a property",
                property.name
            ));
        }
    }
    // The renderer joins the names of several outputs with three dots, and splits them there again.
    if spec.outputs.len() > 1
        && spec
            .outputs
            .iter()
            .any(|output| output.property.id.to_string().contains("..."))
    {
        mistake(&"an id must not contain three dots in a row in a callback with several outputs");
    }
    for input in &spec.inputs {
        if let Some(wrong) = input.wait.mistake() {
            mistake(&format_args!("input {}: {wrong}", input.property));
        }
    }
    // A callback whose outputs others write too must say what happens when the page is loaded.
    let says = matches!(
        spec.initial_call,
        InitialCall::Prevented | InitialCall::Duplicate
    );
    if let Some(output) = spec
        .outputs
        .iter()
        .find(|output| output.allow_duplicate && !says)
    {
        mistake(&format!(
            "{} allows duplicates, so that the order of calls when the page is loaded is \
             not known; say prevent_initial_call, or prevent_initial_call = \
             \"initial_duplicate\" if any order will do",
            output.property
        ));
    }
    check_patterns(spec, &mut mistake);
    check_cache(callback, mistakes)
}

/// Checks that the function takes the arguments that the callback has.
fn check_arguments(callback: &Callback, mistake: &mut dyn FnMut(&dyn Display)) {
    let spec = &callback.spec;
    let mut parameters = spec.parameters.iter().flatten();
    if let Some(name) = parameters.find_map(Parameter::double_name) {
        mistake(&format!("its args have {name:?} twice"));
    }
    match callback.handler() {
        Some(handler) => {
            check_counts(spec, handler, mistake);
            if let Some(api) = &spec.api {
                check_api(api, handler.arguments(), mistake);
            }
        }
        None => check_clientside(callback, mistake),
    }
}

/// Reports options that only have a meaning for functions of the server.
fn check_clientside(callback: &Callback, mistake: &mut dyn FnMut(&dyn Display)) {
    let spec = &callback.spec;
    if spec.cache.is_some()
        || spec.api.is_some()
        || callback.on_error.is_some()
        || spec.adds_callbacks
        || spec.batch
        || spec.overlap.is_some()
    {
        mistake(
            &"its function runs in the page, so cache, api_endpoint, on_error, \
              dynamic_callbacks, batch and overlap do nothing there",
        );
    }
}

/// Checks that the function has as many arguments as the callback has inputs and states, and
/// returns a value for each output, as far as its type says how many.
fn check_counts(spec: &Spec, handler: &ErasedHandler, mistake: &mut dyn FnMut(&dyn Display)) {
    let (wanted, inputs, states) = (handler.arguments(), spec.inputs.len(), spec.states.len());
    match &spec.parameters {
        None if wanted != inputs + states => mistake(&format!(
            "its function takes {wanted} argument(s), but it has {} input(s) \
             and state(s)",
            inputs + states
        )),
        Some(parameters) if wanted != parameters.len() => mistake(&format!(
            "its function takes {wanted} argument(s), but it has {} input(s), struct(s) \
             and state(s)",
            parameters.len()
        )),
        _ => {}
    }
    let (outputs, returned) = (spec.outputs.len(), handler.values());
    // Without an output, one value is `()`, which is none.
    if let Some(values) =
        returned.filter(|values| *values != outputs && (*values, outputs) != (1, 0))
    {
        mistake(&format!(
            "its function returns {values} value(s), but it has {outputs} output(s)"
        ));
    }
}

/// Checks that an address for other programs names each argument, and has a path that they can
/// send.
fn check_api(api: &ApiEndpoint, wanted: usize, mistake: &mut dyn FnMut(&dyn Display)) {
    if api.names.len() != wanted {
        let names = api.names.len();
        mistake(&format!(
            "its api_endpoint names {names} argument(s), but its function takes {wanted}"
        ));
    }
    let problem = paths::problem(&api.path).map(|problem| format!(": {problem}"));
    if !api.path.starts_with('/') || problem.is_some() {
        let problem = problem.unwrap_or_default();
        mistake(&format!(
            "its api_endpoint is {:?}; it must be a plain path that begins with a \
             slash{problem}",
            api.path
        ));
    }
}

/// Returns the keys for which an id has `MATCH`, in order.
fn match_keys(property: &Property) -> Vec<String> {
    let mut keys: Vec<String> = property
        .match_keys()
        .into_iter()
        .map(str::to_owned)
        .collect();
    keys.sort();
    keys
}

/// Returns the keys for which an id has `ALLSMALLER`.
fn smaller_keys(property: &Property) -> Vec<String> {
    let wildcards = property.id.wildcards();
    wildcards
        .filter(|(_, wildcard)| *wildcard == Wildcard::AllSmaller)
        .map(|(key, _)| key.to_owned())
        .collect()
}

/// Checks where wildcards are, by the rules of Dash (section "pattern-matching callbacks" of its
/// documentation).
fn check_patterns(spec: &Spec, mistake: &mut dyn FnMut(&dyn Display)) {
    let outputs: Vec<&Property> = spec.outputs.iter().map(|output| &output.property).collect();
    let keys = outputs
        .first()
        .map(|output| match_keys(output))
        .unwrap_or_default();
    if let Some(other) = outputs.iter().find(|output| match_keys(output) != keys) {
        mistake(&format!(
            "all outputs must have MATCH for the same keys, but {} and {other} have not",
            outputs[0]
        ));
    }
    let mut with_smaller = outputs.iter().filter(|it| !smaller_keys(it).is_empty());
    if let Some(output) = with_smaller.next() {
        mistake(&format!("{output}: ALLSMALLER is not allowed in an output"));
    }
    check_patterns_of_arguments(spec, &keys, mistake);
}

/// Checks that the wildcards of inputs and states follow from those of the outputs, which have
/// `MATCH` for `keys`.
fn check_patterns_of_arguments(
    spec: &Spec,
    keys: &[String],
    mistake: &mut dyn FnMut(&dyn Display),
) {
    let is_new = |key: &String| !keys.contains(key);
    for property in spec.properties().skip(spec.outputs.len()) {
        // Without any MATCH in the outputs, each change of an input with MATCH is a call of its
        // own.
        let unknown = match_keys(property).into_iter().find(is_new);
        if let Some(key) = unknown.filter(|_| !keys.is_empty()) {
            mistake(&format!(
                "{property} has MATCH for {key:?}, which the outputs have not"
            ));
        }
        if let Some(key) = smaller_keys(property).into_iter().find(is_new) {
            mistake(&format!(
                "{property} has ALLSMALLER for {key:?}, \
                 for which the outputs have no MATCH"
            ));
        }
    }
    let mut inputs = spec.inputs.iter().map(|input| &input.property);
    if !keys.is_empty() || inputs.any(|input| !match_keys(input).is_empty()) {
        return;
    }
    let mut states = spec.states.iter().map(|state| &state.property);
    if let Some(state) = states.find(|state| !match_keys(state).is_empty()) {
        mistake(&format!(
            "{state} has MATCH, but no output and no input has"
        ));
    }
}

/// Checks the cache options, and returns what the answers vary by, sorted and each once.
///
/// The order matters: the values are part of the key, and equal declarations must make equal keys.
/// The most important rule is that a cached function with a context must declare what it reads; the
/// guard of `run/context.rs` enforces the rest when the function runs.
fn check_cache(callback: &Callback, mistakes: &mut Vec<Mistake>) -> Vec<Vary> {
    let Some(cache) = &callback.spec.cache else {
        return Vec::new();
    };
    let mut mistake = |text: String| mistakes.push(callback.mistake(text));
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
    if callback.spec.outputs.is_empty() {
        let problem = "it is cached but has no output, so a second call would do nothing; \
                       leave the cache out";
        mistake(problem.into());
    }
    // Two closures of one type that captured different values would share their entries.
    if matches!(callback.function, Function::Server { id: None, .. }) && !callback.spec.is_named {
        mistake(
            "it is cached and its function captures values, which are no part of the \
             key; give it a name that no other callback over the same cache has \
             (CallbackBuilder::name), and a version that changes with its code"
                .into(),
        );
    }
    if callback
        .handler()
        .is_some_and(|handler| handler.takes_context())
        && cache.vary.is_empty()
    {
        mistake(
            "it is cached and takes the Context, so it must declare what its answer \
             varies by, for example vary = \"cookie:session\" or vary = \"trigger\"; \
             without that, the answer for one user could reach another"
                .into(),
        );
    }
    if let Some(by) = vary.iter().find(|by| cache.client && !by.suits_pages()) {
        mistake(format!(
            "it is cached in the browser and varies by {by}, which a page cannot know; \
             cache it on the server only, without `client`"
        ));
    }
    vary
}

/// Checks what only a callback of a running app must not have: pages that are loaded already, and
/// the router, cannot learn of it.
pub(in crate::callback) fn check_added(callback: &Callback, mistakes: &mut Vec<Mistake>) {
    let mut mistake = |text: &str| mistakes.push(callback.mistake(text));
    let is_source = |function: &Clientside| function.source.is_some();
    let mut inputs = callback.spec.inputs.iter();
    if callback.clientside().is_some() && inputs.any(|input| !input.is_argument) {
        mistake(
            "a callback that is added to a running app, with a function of the page, cannot \
             have triggers; use inputs",
        );
    } else if callback.clientside().is_some_and(is_source) {
        mistake(
            "its function is source text, which a page that is loaded already cannot \
             take; name a function",
        );
    }
    let mut inputs = callback.spec.inputs.iter();
    if inputs.any(|input| input.wait.is_set()) {
        mistake("a callback that is added to a running app cannot have debounced inputs");
    }
    if callback.spec.api.is_some() {
        mistake("a callback that is added to a running app cannot have an api_endpoint");
    }
}

/// Checks the callbacks of one app against each other.
pub(in crate::callback) fn check_together(callbacks: &[&Callback], mistakes: &mut Vec<Mistake>) {
    check_writers(callbacks, mistakes);
    check_circles(callbacks, mistakes);
}

/// Checks that each property has one callback that writes it, unless the others say
/// `allow_duplicate`.
///
/// Two patterns collide if there can be a component that both stand for, whether or not the layout
/// has one.
fn check_writers(callbacks: &[&Callback], mistakes: &mut Vec<Mistake>) {
    let mut plain = std::collections::HashMap::new();
    let mut patterns = Vec::new();
    let all = callbacks.iter().flat_map(|callback| {
        callback
            .spec
            .outputs
            .iter()
            .map(move |output| (*callback, output))
    });
    let all = all.filter(|(_, output)| !output.allow_duplicate);
    for (callback, output) in all {
        let property = &output.property;
        // Most ids are texts, which are found by one look-up. Only patterns have to be compared one
        // by one.
        let exact = plain.insert(property, callback);
        let overlapping = || {
            let known = patterns
                .iter()
                .find(|(known, _): &&(&Property, &Callback)| known.overlaps(property));
            known.map(|(_, other)| *other)
        };
        if let Some(other) = exact.or_else(overlapping) {
            let other = format!("{} ({})", other.spec.name, other.spec.location);
            let text = format!(
                "{property} is written by {other} too; only one callback can, \
                 unless the others say allow_duplicate"
            );
            mistakes.push(callback.mistake(text));
        }
        if matches!(property.id, ferrodash_components::Id::Keys(_)) {
            patterns.push((property, callback));
        }
    }
}

/// Reports callbacks that trigger each other in a circle, which would never come to rest.
///
/// The renderer allows a callback that writes its own input, as it knows where a chain began.
/// Behind a gate, which is a callback of its own, it no longer does; so a debounced input of this
/// kind is a circle.
fn check_circles(all: &[&Callback], mistakes: &mut Vec<Mistake>) {
    let triggers = |from: &Callback, to: &Callback| {
        let same = std::ptr::eq(from, to);
        let inputs = to
            .spec
            .inputs
            .iter()
            .filter(|input| !same || input.wait.is_set());
        inputs.map(|input| &input.property).any(|input| {
            from.spec
                .outputs
                .iter()
                .any(|output| output.property.overlaps(input))
        })
    };
    // For each callback, those that it triggers.
    let next_of: Vec<Vec<usize>> = all
        .iter()
        .map(|from| {
            (0..all.len())
                .filter(|to| triggers(from, all[*to]))
                .collect()
        })
        .collect();
    for (start, first) in all.iter().enumerate() {
        // A search from this callback through later ones only, so that each circle is found once,
        // at its first callback.
        let (mut reached, mut next) = (vec![false; all.len()], vec![start]);
        while let Some(from) = next.pop() {
            for to in next_of[from].iter().copied().filter(|to| *to >= start) {
                if to == start {
                    let last = &all[from].spec.name;
                    let text = format!(
                        "it triggers itself again, through its outputs and {last}, \
                         without an end"
                    );
                    mistakes.push(first.mistake(text));
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
