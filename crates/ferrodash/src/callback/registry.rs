//! The callbacks of an app: found by the strings that name them, checked before the app is built.

use std::any::TypeId;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use ferrodash_cache::Policy;
use ferrodash_components::Id;

use super::call::is_readable;
use super::check::{check, check_circles, check_writers};
use super::{
    Callback, ErrorHandler, Function, Gate, Input, Names, Parameter, Property, Shape, Spec,
    TimeLimit, Vary, callback_id,
};
use crate::error::{BuildErrors, Mistake};
use crate::plugin::Plugins;

/// Where a callback stands in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CallbackNumber(usize);

/// The longest text of a component's id in a request, in bytes. What is read of it takes several
/// times its size.
pub(crate) const LONGEST_ID: usize = 16 * 1024;

/// How many callbacks can be added to a running app.
const MOST_ADDED: usize = 1000;

/// All callbacks of an app.
pub(crate) struct Registry {
    callbacks: Vec<Arc<Registered>>,
    by_output: HashMap<String, CallbackNumber>,
    /// The names of all their outputs.
    names: HashSet<String>,
    by_token: HashMap<String, CallbackNumber>,
    /// Those that callbacks added.
    added: RwLock<Vec<Arc<Registered>>>,
    /// Held by who adds one.
    adding: Mutex<()>,
    defaults: Defaults,
}

/// What the app says for callbacks that do not say it themselves.
#[derive(Clone, Default)]
pub(crate) struct Defaults {
    /// Tells builds apart; functions without a version count as changed with each.
    pub(crate) build_id: String,
    /// No callback is called when the page is loaded.
    pub(crate) prevent_initial_callbacks: bool,
    pub(crate) on_error: Option<ErrorHandler>,
    /// Are told of failures.
    pub(crate) plugins: Plugins,
    /// How long a function may take; `None` for any time.
    pub(crate) timeout: Option<Duration>,
}

/// A callback with what is derived from its description once.
pub(crate) struct Registered {
    pub(crate) callback: Callback,
    /// The string by which the renderer knows it.
    pub(crate) output: String,
    /// The same for each of its outputs.
    output_names: Vec<String>,
    /// The string that it would have if it were alone.
    declared: String,
    /// What each argument of the function is read from, for messages.
    pub(crate) argument_names: Arc<[String]>,
    /// A call as the renderer sends it.
    pub(crate) wire: Shape,
    /// A call as it was declared; another shape only for debounced inputs.
    pub(crate) plain: Shape,
    /// The JSON text of each input and state that is unset.
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
    /// Its own handler of errors, then that of the app.
    pub(crate) on_error: Vec<ErrorHandler>,
    pub(crate) plugins: Plugins,
    /// Whether a call says which components it is about.
    pub(crate) has_patterns: bool,
    /// How long its function may take; `None` for any time, and for cached callbacks, whose policy
    /// says it.
    pub(crate) timeout: Option<Duration>,
}

impl Registry {
    /// Registers callbacks; every mistake is added to `mistakes`.
    pub(crate) fn new(
        callbacks: Vec<Callback>,
        defaults: Defaults,
        mistakes: &mut Vec<Mistake>,
    ) -> Self {
        let mut registry = Self {
            callbacks: Vec::new(),
            by_output: HashMap::new(),
            names: HashSet::new(),
            by_token: HashMap::new(),
            added: RwLock::default(),
            adding: Mutex::default(),
            defaults,
        };
        let mut functions: HashMap<(TypeId, Vec<Vary>), CallbackNumber> = HashMap::new();
        for mut callback in callbacks {
            callback.spec.apply(&registry.defaults);
            let number = CallbackNumber(registry.callbacks.len());
            let vary = check(&callback, mistakes);
            let same_function =
                match function_id(&callback).filter(|_| callback.spec.cache.is_some()) {
                    Some(function) => {
                        let first = *functions.entry((function, vary.clone())).or_insert(number);
                        if registry.can_share(first, number, &callback) {
                            first
                        } else {
                            number
                        }
                    }
                    None => number,
                };
            let mut registered = Registered::new(callback, vary, same_function, &registry.defaults);
            registered.make_unique(|name| registry.names.contains(name));
            registry
                .names
                .extend(registered.output_names.iter().cloned());
            registry.by_output.insert(registered.output.clone(), number);
            registry.by_token.insert(registered.token.clone(), number);
            registry.callbacks.push(Arc::new(registered));
        }
        let all: Vec<&Callback> = registry
            .callbacks
            .iter()
            .map(|registered| &registered.callback)
            .collect();
        check_writers(&all, mistakes);
        check_circles(&all, mistakes);
        registry
    }

    /// Adds a callback to the running app, in the place of one with the same name that was added
    /// before.
    pub(crate) fn add(&self, mut callback: Callback) -> Result<(), BuildErrors> {
        callback.spec.apply(&self.defaults);
        let mut mistakes = Vec::new();
        let vary = check(&callback, &mut mistakes);
        let mut mistake = |text: &str| mistakes.push(Mistake::new(&callback, text.into()));
        if callback
            .clientside()
            .is_some_and(|function| function.source.is_some())
        {
            mistake(
                "its function is source text, which a page that is loaded already cannot take; name a function",
            );
        }
        if callback
            .spec
            .inputs
            .iter()
            .any(|input| input.debounce.is_some())
        {
            mistake("a callback that is added to a running app cannot have debounced inputs");
        }
        if callback.spec.api.is_some() {
            mistake("a callback that is added to a running app cannot have an api_endpoint");
        }
        let mut registered = Registered::new(
            callback.clone(),
            vary,
            CallbackNumber(usize::MAX),
            &self.defaults,
        );
        if self.by_output.contains_key(&registered.declared) {
            mistake(
                "the app has a callback with these outputs, or with none and these inputs, already",
            );
        }
        // One at a time; calls go on meanwhile.
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let others: Vec<_> = self
            .added()
            .into_iter()
            .filter(|other| other.declared != registered.declared)
            .collect();
        let of_others = |name: &str| {
            others
                .iter()
                .any(|other| other.output_names.iter().any(|known| known == name))
        };
        registered.make_unique(|name| self.names.contains(name) || of_others(name));
        let registered = Arc::new(registered);
        if others.len() >= MOST_ADDED {
            mistake("so many callbacks were added to the running app that it takes no more");
        }
        let all = self
            .callbacks
            .iter()
            .chain(&others)
            .chain([&registered])
            .map(|it| &it.callback)
            .collect::<Vec<_>>();
        check_writers(&all, &mut mistakes);
        check_circles(&all, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(BuildErrors(mistakes));
        }
        *self.added.write().unwrap_or_else(PoisonError::into_inner) =
            others.into_iter().chain([registered]).collect();
        Ok(())
    }

    /// Answers can be shared when both have the same shape, not just the same function.
    fn can_share(
        &self,
        first: CallbackNumber,
        number: CallbackNumber,
        callback: &Callback,
    ) -> bool {
        if first == number {
            return true;
        }
        let (a, b) = (&self.get(first).callback.spec, &callback.spec);
        let defaults = |spec: &Spec| {
            let inputs = spec.inputs.iter().map(|input| input.default.clone());
            inputs
                .chain(spec.states.iter().map(|state| state.default.clone()))
                .collect::<Vec<_>>()
        };
        // What a function returns is written as it is, but for children, which are made flat.
        let children = |spec: &Spec| {
            spec.outputs
                .iter()
                .map(|output| output.property.name == "children")
                .collect::<Vec<_>>()
        };
        children(a) == children(b)
            && a.timeout == b.timeout
            && match (&a.cache, &b.cache) {
                (Some(a), Some(b)) => a.same_as(b),
                (a, b) => a.is_none() && b.is_none(),
            }
            && defaults(a) == defaults(b)
            && a.parameters == b.parameters
            && a.on_error.is_none()
            && b.on_error.is_none()
            && a.inputs.len() == b.inputs.len()
            && !(a.has_patterns() || b.has_patterns())
            && !self.get(first).vary.contains(&Vary::Trigger)
    }

    pub(crate) fn get(&self, number: CallbackNumber) -> &Arc<Registered> {
        &self.callbacks[number.0]
    }

    /// The callback that the renderer knows by this string.
    pub(crate) fn by_output(&self, output: &str) -> Option<Arc<Registered>> {
        match self.by_output.get(output) {
            Some(number) => Some(self.get(*number).clone()),
            None => {
                let added = self.added.read().unwrap_or_else(PoisonError::into_inner);
                added
                    .iter()
                    .find(|registered| registered.output == output)
                    .cloned()
            }
        }
    }

    pub(crate) fn by_token(&self, token: &str) -> Option<&Arc<Registered>> {
        self.by_token.get(token).map(|number| self.get(*number))
    }

    /// The callbacks that were added while the app ran.
    pub(crate) fn added(&self) -> Vec<Arc<Registered>> {
        self.added
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The gates of all debounced inputs, each once.
    pub(crate) fn gates(&self) -> Vec<Gate> {
        let mut gates = Vec::new();
        for gate in self
            .iter()
            .flat_map(|callback| &callback.callback.spec.inputs)
            .filter_map(Input::gate)
        {
            if !gates.contains(&gate) {
                gates.push(gate);
            }
        }
        gates
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Registered>> {
        self.callbacks.iter()
    }
}

fn function_id(callback: &Callback) -> Option<TypeId> {
    match &callback.function {
        Function::Server { id, .. } => *id,
        Function::Clientside(_) => None,
    }
}

impl Registered {
    fn new(
        callback: Callback,
        vary: Vec<Vary>,
        same_function: CallbackNumber,
        defaults: &Defaults,
    ) -> Self {
        let spec = &callback.spec;
        let wire = spec.wire();
        let inputs: Vec<Property> = spec
            .inputs
            .iter()
            .map(|input| input.property.clone())
            .collect();
        let output = callback_id(&spec.outputs, &inputs);
        // Without a version of its own, a function counts as changed with each build.
        let version = if spec.version.is_empty() {
            defaults.build_id.as_str()
        } else {
            spec.version
        };
        // Closures of one function have one name, so they are told apart by their places.
        let place = if spec.is_named {
            String::new()
        } else {
            format!(" at {}", spec.location)
        };
        let identity = format!("callback {output} of {} {version}{place}", spec.name);
        let token = blake3::hash(identity.as_bytes()).to_hex()[..16].to_owned();
        let values = spec.inputs.iter().map(|input| &input.default);
        let values = values.chain(spec.states.iter().map(|state| &state.default));
        let unset = values.map(|value| match value {
            Some(value) => Bytes::from(value.to_string()),
            None => Bytes::from_static(b"null"),
        });
        let mut policy = spec
            .cache
            .as_ref()
            .map_or(Policy::new(Duration::ZERO), |cache| cache.policy.clone());
        if let TimeLimit::After(limit) = spec.timeout {
            policy = policy.hard_timeout(limit);
        }
        let timeout = match spec.timeout {
            _ if spec.cache.is_some() => None,
            TimeLimit::OfApp => defaults.timeout,
            TimeLimit::After(limit) => Some(limit),
            TimeLimit::None => None,
        };
        Self {
            policy: policy.name(spec.name.clone()).readable(is_readable),
            argument_names: spec.argument_names().into(),
            on_error: spec
                .on_error
                .iter()
                .chain(&defaults.on_error)
                .cloned()
                .collect(),
            plugins: defaults.plugins.clone(),
            has_patterns: spec.has_patterns(),
            timeout,
            plain: spec.plain(),
            unset: unset.collect(),
            wire,
            declared: output.clone(),
            output,
            output_names: Vec::new(),
            vary,
            identity,
            token,
            same_function,
            callback,
        }
    }

    /// Names the callback and its outputs as no other is named.
    fn make_unique(&mut self, is_taken: impl Fn(&str) -> bool) {
        let spec = &self.callback.spec;
        let inputs: Vec<Property> = spec
            .inputs
            .iter()
            .map(|input| input.property.clone())
            .collect();
        let Names { callback, outputs } = Names::new(&spec.outputs, &inputs, is_taken);
        (self.output, self.output_names) = (callback, outputs);
    }

    /// The value of an input or a state that is unset.
    pub(crate) fn unset(&self, index: usize) -> &Bytes {
        &self.unset[index]
    }

    /// The declared input that `id.property` in a request is of, and the id; `None` if it is no
    /// input of this callback.
    pub(crate) fn trigger(&self, changed: &str) -> Option<(usize, Id)> {
        for shape in [&self.wire, &self.plain] {
            if let Some(index) = shape.names.iter().position(|name| name == changed) {
                return Some((index, shape.inputs[index].property.id.clone()));
            }
        }
        if !self.has_patterns {
            return None;
        }
        let (id, property) = changed
            .rsplit_once('.')
            .filter(|(id, _)| id.len() <= LONGEST_ID)?;
        let id: Id = serde_json::from_str(id).ok()?;
        let shapes = [&self.wire, &self.plain].into_iter();
        let index = shapes.flat_map(|shape| {
            shape
                .inputs
                .iter()
                .position(|slot| slot.property.name == property && slot.property.id.matches(&id))
        });
        index.min().map(|index| (index, id))
    }

    /// Whether browsers keep its answers.
    pub(crate) fn is_cached_by_clients(&self) -> bool {
        self.callback
            .spec
            .cache
            .as_ref()
            .is_some_and(|cache| cache.client)
    }

    /// Whether calls of it can travel with others in one request: when its answers are nothing but
    /// their bodies. Cookies and headers are set through a [`Context`](super::Context) only, and
    /// not by callbacks that are cached or declared `batch`; answers that browsers keep have an
    /// address of their own.
    pub(crate) fn is_batched(&self) -> bool {
        let spec = &self.callback.spec;
        let Some(handler) = self.callback.handler() else {
            return false;
        };
        let sets_headers =
            !self.on_error.is_empty() || (spec.cache.is_none() && handler.takes_context());
        !self.is_cached_by_clients() && (spec.batch || !sets_headers)
    }

    /// The callback's function by name, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.callback.spec.name
    }
}

impl Spec {
    /// Fills in what the app says for all callbacks.
    fn apply(&mut self, defaults: &Defaults) {
        use super::InitialCall::{Default, Prevented, Yes};
        if self.initial_call == Default {
            self.initial_call = if defaults.prevent_initial_callbacks {
                Prevented
            } else {
                Yes
            };
        }
    }

    /// What each argument of the function is read from.
    fn argument_names(&self) -> Vec<String> {
        let inputs = self.inputs.iter().map(|input| input.property.to_string());
        let all: Vec<String> = inputs
            .chain(self.states.iter().map(|state| state.property.to_string()))
            .collect();
        let Some(parameters) = &self.parameters else {
            return all;
        };
        let name = |parameter: &Parameter| match parameter {
            Parameter::Input(index) => all[*index].clone(),
            Parameter::State(index) => all[self.inputs.len() + index].clone(),
            Parameter::Struct(fields) => {
                let fields: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
                format!("args({})", fields.join(", "))
            }
        };
        parameters.iter().map(name).collect()
    }
}
