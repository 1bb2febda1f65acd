//! The list of callbacks, `_dash-dependencies`: what the app says in it, and what the page gets.
//!
//! Entries stay as they are but for the key `ferrodash`, by which the app declares something, and
//! for inputs that wait. Those become carriers, and the real properties are added to the states;
//! each kind of wait has a gate, a callback of the page, at the end of the list.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use ferrodash_wire::{DeclaredProperty, Fields, Specification, Wait, WaitTiming};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::callback::{Callback, Input, KeptAnswers, Property, Source};
use crate::config::{Config, Declaration, Kept, Part, Place, closest};

/// The callbacks of an app.
pub(crate) struct App {
    /// The callbacks of the server, by output.
    pub(crate) callbacks: HashMap<String, Arc<Callback>>,
    /// The gates, in their order.
    pub(crate) gates: Vec<Gate>,
    /// The list for the page, and the same without waits.
    pub(crate) list: Vec<u8>,
    pub(crate) plain: Vec<u8>,
    /// What is declared and cannot be done.
    pub(crate) mistakes: Vec<(Option<Place>, String)>,
}

/// The gate of inputs that wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gate {
    pub(crate) id: String,
    pub(crate) property: String,
    pub(crate) timing: WaitTiming,
    pub(crate) carrier: String,
    /// Whether the carrier is that of one callback.
    pub(crate) is_own: bool,
}

/// What a decorator of the app declares; times are in milliseconds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decorated {
    cache: Option<DecoratedCache>,
    #[serde(default)]
    debounce: BTreeMap<String, u64>,
    #[serde(default)]
    throttle: BTreeMap<String, u64>,
    max_wait: Option<u64>,
    #[serde(default)]
    invalidates: Vec<String>,
    batch: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecoratedCache {
    timeout: u64,
    #[serde(default)]
    stale_while_revalidate: u64,
    #[serde(default)]
    stale_if_error: u64,
    negative: Option<u64>,
    client: Option<Client>,
    #[serde(default)]
    shared: bool,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    vary: Vec<String>,
    trigger: Option<bool>,
}

/// Whether browsers keep answers, and for how long.
#[derive(Deserialize)]
#[serde(untagged)]
enum Client {
    Flag(bool),
    Time(u64),
}

impl App {
    /// Reads the list of an app. `build` tells versions of the app apart.
    ///
    /// # Errors
    /// If it is not the list of an app.
    pub(crate) fn read(
        list: &[u8],
        config: &Config,
        build: &str,
    ) -> Result<Self, serde_json::Error> {
        let mut entries: Vec<Fields<'_>> = serde_json::from_slice(list)?;
        let mut app = Self {
            callbacks: HashMap::new(),
            gates: Vec::new(),
            list: Vec::new(),
            plain: Vec::new(),
            mistakes: Vec::new(),
        };
        let mut outputs = Vec::new();
        let mut plain = Vec::new();
        for entry in &mut entries {
            let decorated = entry.remove("ferrodash");
            plain.push(to_raw_value(entry)?);
            let Some(output) = entry.text("output").map(Cow::into_owned) else {
                continue;
            };
            outputs.push(output.clone());
            let (declaration, place) = app.declaration(&output, decorated.as_deref(), config);
            app.add(entry, declaration, place, config, build);
        }
        app.check_outputs(&outputs, config);
        let gates = app.gates.iter().enumerate().map(|(index, gate)| {
            let input = DeclaredProperty {
                id: gate.id.clone(),
                property: gate.property.clone(),
                allow_optional: false,
            };
            let name = gate_name(index);
            to_raw_value(&Specification::<'_, ()>::gate(&name, input))
        });
        let gates: Vec<Box<RawValue>> = gates.collect::<Result<_, _>>()?;
        let all = entries
            .iter()
            .map(to_raw_value)
            .chain(gates.into_iter().map(Ok));
        let all: Vec<Box<RawValue>> = all.collect::<Result<_, _>>()?;
        app.list = serde_json::to_vec(&all)?;
        app.plain = serde_json::to_vec(&plain)?;
        Ok(app)
    }

    /// Returns what is declared for a callback: by the file, or else by a decorator.
    fn declaration(
        &mut self,
        output: &str,
        decorated: Option<&RawValue>,
        config: &Config,
    ) -> (Declaration, Option<Place>) {
        let mut declared = config.callbacks.iter();
        if let Some((declaration, place)) = declared.find(|(it, _)| it.output == output) {
            return (declaration.clone(), Some(place.clone()));
        }
        let mut declaration = Declaration {
            output: output.to_owned(),
            ..Declaration::default()
        };
        let Some(decorated) = decorated else {
            return (declaration, None);
        };
        let read = serde_json::from_str::<Decorated>(decorated.get());
        let filled = read
            .map_err(|error| error.to_string())
            .and_then(|decorated| decorated.fill(&mut declaration));
        if let Err(error) = filled {
            let text = format!(
                "the decorators of {output:?} are not understood, and have no effect: {error}; \
                 use the same version of the Python package and of the gateway"
            );
            self.mistakes.push((None, text));
        }
        (declaration, None)
    }

    /// Adds a callback, and puts carriers into its entry.
    fn add(
        &mut self,
        entry: &mut Fields<'_>,
        declaration: Declaration,
        place: Option<Place>,
        config: &Config,
        build: &str,
    ) {
        let (declared_inputs, states) = (properties(entry, "inputs"), properties(entry, "state"));
        let mut mistake = |text: String| self.mistakes.push((place.clone(), text));
        let output = declaration.output.clone();
        let source = source(&declaration, place.as_ref());
        let kind = kind(entry);
        if let (Some(kind), true) = (kind, declares(&declaration)) {
            mistake(format!(
                "{output:?} is {kind}, which the gateway does not answer; remove its declaration"
            ));
        }
        if kind == Some(CLIENTSIDE) {
            return;
        }
        let waits = waits(&declaration, &declared_inputs, &mut mistake);
        let own = own_carriers(&output, &declared_inputs);
        let inputs: Vec<Input> = declared_inputs
            .into_iter()
            .zip(waits)
            .map(|(declared, timing)| {
                let wait = timing.filter(|_| kind.is_none()).map(|timing| {
                    let carrier = timing.carrier(&declared.property, &own);
                    (timing, carrier)
                });
                Input {
                    property: declared.property.clone(),
                    declared,
                    wait,
                }
            })
            .collect();
        let kept = declaration.kept.as_ref().filter(|_| kind.is_none());
        let kept = kept.map(|kept| KeptAnswers::new(&declaration, kept, config, build, &inputs));
        let callback = Callback {
            token: token(&output),
            output: output.clone(),
            inputs,
            states,
            kept,
            invalidates: declaration.invalidates,
            batch: declaration.batch,
            source,
            is_usual: kind.is_none(),
        };
        if callback.waits() {
            put_carriers(entry, &callback);
            self.add_gates(&callback, !own.is_empty());
        }
        self.callbacks.insert(output, Arc::new(callback));
    }

    fn add_gates(&mut self, callback: &Callback, is_own: bool) {
        for input in &callback.inputs {
            let Some((timing, carrier)) = &input.wait else {
                continue;
            };
            let gate = Gate {
                id: every(&input.declared.id),
                property: input.property.clone(),
                timing: timing.clone(),
                carrier: carrier.clone(),
                is_own,
            };
            if !self.gates.contains(&gate) {
                self.gates.push(gate);
            }
        }
    }

    /// Adds a mistake for each output that the file names and the app does not have.
    fn check_outputs(&mut self, outputs: &[String], config: &Config) {
        for (declaration, place) in &config.callbacks {
            if outputs.contains(&declaration.output) {
                continue;
            }
            let wrong = &declaration.output;
            let hint = match closest(wrong, outputs.iter().map(String::as_str)) {
                Some(close) => format!("did you mean {close:?}?"),
                None => "see _dash-dependencies for the outputs of the app".to_owned(),
            };
            let text = format!("output: the app has no callback {wrong:?}; {hint}");
            self.mistakes.push((Some(place.clone()), text));
        }
    }
}

/// Returns whether a declaration says more than whether calls may travel together.
fn declares(declaration: &Declaration) -> bool {
    declaration.kept.is_some()
        || !declaration.invalidates.is_empty()
        || !declaration.debounce.is_empty()
        || !declaration.throttle.is_empty()
}

fn source(declaration: &Declaration, place: Option<&Place>) -> Source {
    match place {
        Some(_) => Source::File,
        None if declares(declaration) => Source::Decorators,
        None => Source::Nowhere,
    }
}

const CLIENTSIDE: &str = "a function of the page";

/// Returns what a callback is whose calls are passed on as they are; `None` for a usual one.
fn kind(entry: &Fields<'_>) -> Option<&'static str> {
    if entry.is_set("clientside_function") {
        Some(CLIENTSIDE)
    } else if entry.is_set("background") || entry.is_set("long") {
        Some("a background callback")
    } else if entry.is_set("websocket") {
        Some("called over a websocket")
    } else {
        None
    }
}

impl Decorated {
    /// Adds what is declared to a declaration.
    ///
    /// # Errors
    /// The reason if a part of `vary` is not understood. Nothing is added then: without the part,
    /// an answer could reach somebody whom it is not for.
    fn fill(self, declaration: &mut Declaration) -> Result<(), String> {
        let vary = self.cache.iter().flat_map(|cache| &cache.vary);
        let vary: Vec<Part> = vary
            .map(|text| Part::parse(text))
            .collect::<Result<_, _>>()?;
        let time = Duration::from_millis;
        let times = |times: BTreeMap<String, u64>| {
            let times = times.into_iter();
            times.map(|(input, wait)| (input, time(wait))).collect()
        };
        declaration.debounce = times(self.debounce);
        declaration.throttle = times(self.throttle);
        declaration.max_wait = self.max_wait.map(time);
        declaration.invalidates = self.invalidates;
        declaration.batch = self.batch;
        declaration.kept = self.cache.map(|cache| Kept {
            timeout: time(cache.timeout),
            stale_while_revalidate: time(cache.stale_while_revalidate),
            stale_if_error: time(cache.stale_if_error),
            negative: cache.negative.map(time),
            client: match cache.client {
                Some(Client::Flag(true)) => Some(time(cache.timeout)),
                Some(Client::Time(client)) => Some(time(client)),
                Some(Client::Flag(false)) | None => None,
            },
            is_shared: cache.shared,
            tags: cache.tags,
            vary,
            identity: None,
            trigger: cache.trigger,
        });
        Ok(())
    }
}

/// Reads inputs or states of an entry.
fn properties(entry: &Fields<'_>, key: &str) -> Vec<Property> {
    #[derive(Deserialize)]
    struct Entry {
        id: String,
        property: String,
        #[serde(default)]
        allow_optional: bool,
    }
    let entries: Vec<Entry> = entry.read(key).unwrap_or_default();
    let property = |entry: Entry| Property {
        id: entry.id,
        property: entry.property,
        is_optional: entry.allow_optional,
    };
    entries.into_iter().map(property).collect()
}

/// Returns the wait of each input.
fn waits(
    declaration: &Declaration,
    inputs: &[Property],
    mistake: &mut impl FnMut(String),
) -> Vec<Option<WaitTiming>> {
    let names: Vec<String> = inputs.iter().map(Property::name).collect();
    let declared = declaration
        .debounce
        .keys()
        .chain(declaration.throttle.keys());
    for wrong in declared.filter(|name| !names.contains(name)) {
        let hint = match closest(wrong, names.iter().map(String::as_str)) {
            Some(close) => format!("did you mean {close:?}?"),
            None => format!("its inputs are {}", names.join(", ")),
        };
        let output = &declaration.output;
        mistake(format!("{output:?} has no input {wrong:?}; {hint}"));
    }
    let timing = |name: &String| {
        let wait = Wait {
            debounce: declaration.debounce.get(name).copied(),
            throttle: declaration.throttle.get(name).copied(),
            longest: declaration
                .max_wait
                .filter(|_| declaration.debounce.contains_key(name)),
            ..Wait::default()
        };
        if let Some(reason) = wait.mistake() {
            mistake(format!("{name}: {reason}"));
            return None;
        }
        wait.timing()
    };
    names.iter().map(timing).collect()
}

/// Returns what the carriers of a callback end in: nothing if it has one input, as callbacks with
/// the same input and wait are then called for the same reason only.
fn own_carriers(output: &str, inputs: &[Property]) -> String {
    if inputs.len() < 2 {
        return String::new();
    }
    let names = inputs.iter().map(Property::name);
    let all: Vec<String> = std::iter::once(output.to_owned()).chain(names).collect();
    blake3::hash(all.join(" ").as_bytes()).to_hex()[..8].to_owned()
}

/// Returns the name of a callback in addresses.
fn token(output: &str) -> String {
    blake3::hash(output.as_bytes()).to_hex()[..16].to_owned()
}

/// Returns the name of a gate, which the script of the page registers.
pub(crate) fn gate_name(index: usize) -> String {
    format!("gate_{index}")
}

/// Puts carriers in the place of inputs that wait, and adds the real properties to the states.
fn put_carriers(entry: &mut Fields<'_>, callback: &Callback) {
    let mut inputs: Vec<Value> = entry.read("inputs").unwrap_or_default();
    let mut states: Vec<Value> = entry.read("state").unwrap_or_default();
    for (place, carrier) in callback.carriers() {
        states.push(inputs[place].clone());
        inputs[place]["property"] = carrier.into();
    }
    for (key, value) in [("inputs", inputs), ("state", states)] {
        entry.set(key, to_raw_value(&value).expect("values are JSON"));
    }
}

/// Returns the id with `ALL` in the place of every wildcard: the renderer then calls the gate when
/// any of them changes.
fn every(id: &str) -> String {
    let Ok(Value::Object(mut keys)) = serde_json::from_str(id) else {
        return id.to_owned();
    };
    for value in keys.values_mut().filter(|value| value.is_array()) {
        *value = serde_json::json!(["ALL"]);
    }
    Value::Object(keys).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Upstream;

    const LIST: &str = r#"[
        {"output":"out.children","inputs":[{"id":"in","property":"value"}],"state":[{"id":"url",
         "property":"pathname"}],"clientside_function":null,"prevent_initial_call":false,"new":[1]},
        {"output":"..a.x...b.y..","inputs":[{"id":"{\"i\":[\"MATCH\"],\"t\":\"r\"}","property":"n"},
         {"id":"in","property":"value"}],"state":[],"background":null,
         "ferrodash":{"cache":{"timeout":5000,"client":true,"vary":["cookie:lang"]},
         "throttle":{"{\"i\":[\"MATCH\"],\"t\":\"r\"}.n":200}}},
        {"output":"c.z","inputs":[{"id":"in","property":"value"}],"state":[],
         "clientside_function":{"namespace":"n","function_name":"f"}},
        {"output":"d.z","inputs":[],"state":[],"long":{"interval":1000}}
    ]"#;

    fn config(callbacks: &str) -> Config {
        let text = format!("upstreams = [\"http://127.0.0.1:1\"]\n{callbacks}");
        Config::parse(&text, "f.toml").unwrap()
    }

    fn read(config: &Config) -> App {
        App::read(LIST.as_bytes(), config, "build").unwrap()
    }

    #[test]
    fn without_a_declaration_only_the_decorators_key_is_gone() {
        let list = LIST.split(",\n         \"ferrodash\"").next().unwrap();
        let list = format!("{list}}}]");
        let config = Config::to(vec![Upstream::parse("http://127.0.0.1:1").unwrap()]);
        let app = App::read(list.as_bytes(), &config, "build").unwrap();
        let before: Value = serde_json::from_str(&list).unwrap();
        let after: Value = serde_json::from_slice(&app.list).unwrap();
        assert_eq!(before, after);
        assert!(app.mistakes.is_empty() && app.gates.is_empty());
    }

    #[test]
    fn inputs_that_wait_become_carriers_with_a_gate() {
        let config = config(
            "[[callback]]\noutput = \"out.children\"\ndebounce = { \"in.value\" = \"500ms\" }",
        );
        let app = read(&config);
        assert!(app.mistakes.is_empty(), "{:?}", app.mistakes);
        let list: Vec<Value> = serde_json::from_slice(&app.list).unwrap();
        assert_eq!(list.len(), 6);
        assert_eq!(list[0]["inputs"][0]["property"], "data-fd-value-500");
        assert_eq!(list[0]["state"][1]["property"], "value");
        assert_eq!(list[0]["new"], serde_json::json!([1]));
        assert!(list[1].get("ferrodash").is_none());
        assert_eq!(list[4]["output"], "gate_0");
        assert_eq!(list[5]["inputs"][0]["id"], "{\"i\":[\"ALL\"],\"t\":\"r\"}");
        let own = &app.callbacks["..a.x...b.y.."];
        let kept = own.kept.as_ref().unwrap();
        assert_eq!(kept.client, Some(Duration::from_secs(5)));
        assert_eq!(kept.vary, [Part::Cookie("lang".to_owned())]);
        assert!(
            own.carriers()
                .next()
                .unwrap()
                .1
                .starts_with("data-fd-n-200-200-l-")
        );
    }

    #[test]
    fn g15_what_cannot_be_done_is_said() {
        let config = config(
            "[[callback]]\noutput = \"out.childern\"\ntimeout = \"1m\"\n\
             [[callback]]\noutput = \"c.z\"\ntimeout = \"1m\"\n\
             [[callback]]\noutput = \"d.z\"\ntimeout = \"1m\"\n\
             [[callback]]\noutput = \"out.children\"\ndebounce = { \"in.vale\" = \"1s\" }",
        );
        let app = read(&config);
        let said: Vec<_> = app
            .mistakes
            .iter()
            .map(|(place, text)| (place.as_ref().unwrap().line, text.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (
                    12,
                    "\"out.children\" has no input \"in.vale\"; did you mean \"in.value\"?"
                ),
                (
                    6,
                    "\"c.z\" is a function of the page, which the gateway does not answer; \
                     remove its declaration"
                ),
                (
                    9,
                    "\"d.z\" is a background callback, which the gateway does not answer; \
                     remove its declaration"
                ),
                (
                    3,
                    "output: the app has no callback \"out.childern\"; did you mean \
                     \"out.children\"?"
                ),
            ]
        );
    }
}
