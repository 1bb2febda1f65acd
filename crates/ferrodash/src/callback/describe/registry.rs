//! All callbacks of an app: checked when they are registered, and found by the strings that name
//! them.
//!
//! The callbacks of the app do not change, so calls find them without a lock. Callbacks that are
//! added while the app runs are in a list of their own behind a lock.

use std::any::TypeId;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, RwLock};

use ferrodash_serve::sync::{lock, read, write};

use crate::callback::describe::check::{check, check_added, check_together};
use crate::callback::{
    Callback, CallbackNumber, Context, Defaults, Function, Gate, Registered, Spec, Vary,
};
use crate::error::{BuildErrors, Mistake};

/// The largest number of callbacks that can be added to a running app. The list is searched from
/// end to end.
const MOST_ADDED: usize = 1000;

/// All callbacks of an app. Shared by all requests.
pub(crate) struct Registry {
    /// The callbacks that the app was built with, by their numbers.
    callbacks: Vec<Arc<Registered>>,
    /// Their numbers, by the strings by which the renderer knows them.
    by_output: HashMap<String, CallbackNumber>,
    /// The names of all their outputs.
    names: HashSet<String>,
    /// Their numbers, by their names in URLs.
    by_token: HashMap<String, CallbackNumber>,
    /// The callbacks that were added while the app runs. The lock is held for one look-up, or to
    /// exchange the list.
    added: RwLock<Vec<Arc<Registered>>>,
    /// Held while a callback is added, so that two of them are checked one after the other.
    adding: Mutex<()>,
    /// The settings of the app, for callbacks that are added later.
    defaults: Defaults,
}

/// The first cached callback with a function, by the function and what else its answers depend on.
type Functions = HashMap<(TypeId, Vec<Vary>), CallbackNumber>;

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
        let mut functions = Functions::new();
        for callback in callbacks {
            registry.register(callback, &mut functions, mistakes);
        }
        let all: Vec<&Callback> = registry
            .iter()
            .map(|registered| &registered.callback)
            .collect();
        check_together(&all, mistakes);
        registry
    }

    /// Checks one callback, names it as no other is named, and adds it.
    fn register(
        &mut self,
        mut callback: Callback,
        functions: &mut Functions,
        mistakes: &mut Vec<Mistake>,
    ) {
        callback.spec.apply(&self.defaults);
        let number = CallbackNumber(self.callbacks.len());
        let vary = check(&callback, mistakes);
        let same_function = self.same_function(number, &callback, &vary, functions);
        let mut registered = Registered::new(callback, vary, same_function, &self.defaults);
        registered.make_unique(|name| self.names.contains(name));
        self.names.extend(registered.output_names.iter().cloned());
        self.by_output.insert(registered.output.clone(), number);
        self.by_token.insert(registered.token.clone(), number);
        self.callbacks.push(Arc::new(registered));
    }

    /// Returns the first callback whose cached answers are also those of this one, or this one.
    ///
    /// The browser stores such answers once, whichever of the callbacks asked for them.
    fn same_function(
        &self,
        number: CallbackNumber,
        callback: &Callback,
        vary: &[Vary],
        functions: &mut Functions,
    ) -> CallbackNumber {
        let function = function_id(callback).filter(|_| callback.spec.cache.is_some());
        let Some(function) = function else {
            return number;
        };
        let first = *functions
            .entry((function, vary.to_owned()))
            .or_insert(number);
        if self.can_share(first, number, callback) {
            first
        } else {
            number
        }
    }

    /// Adds a callback to the running app, in the place of one with the same outputs that was added
    /// before.
    ///
    /// Calls go on meanwhile: they see the list either before or after the change. Calls of a
    /// replaced callback that are in progress end as they began.
    ///
    /// # Errors
    /// [`BuildErrors`] with everything that is wrong with the callback; the list is then unchanged.
    pub(crate) fn add(&self, mut callback: Callback) -> Result<(), BuildErrors> {
        callback.spec.apply(&self.defaults);
        let mut mistakes = Vec::new();
        let vary = check(&callback, &mut mistakes);
        check_added(&callback, &mut mistakes);
        // It has no number: it shares answers with no other callback.
        let number = CallbackNumber(usize::MAX);
        let mut registered = Registered::new(callback.clone(), vary, number, &self.defaults);
        if self.by_output.contains_key(&registered.declared) {
            mistakes.push(callback.mistake(
                "the app has a callback with these outputs, \
                 or with none and these inputs, already",
            ));
        }
        // Checks compare with all others and may take a moment, so they are made under this lock,
        // and on a copy of the list.
        let _adding = lock(&self.adding);
        let mut all = self.added();
        all.retain(|other| other.declared != registered.declared);
        if all.len() >= MOST_ADDED {
            mistakes.push(
                callback.mistake("too many callbacks were added at run time (the limit is 1,000)"),
            );
        }
        registered.make_unique(|name| {
            let is_taken = |other: &Arc<Registered>| other.output_names.iter().any(|it| it == name);
            self.names.contains(name) || all.iter().any(is_taken)
        });
        all.push(Arc::new(registered));
        let together: Vec<&Callback> = self
            .callbacks
            .iter()
            .chain(&all)
            .map(|registered| &registered.callback)
            .collect();
        check_together(&together, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(BuildErrors(mistakes));
        }
        *write(&self.added) = all;
        Ok(())
    }

    /// Returns whether cached answers of two callbacks with the same function are the same bytes
    /// but for the names of outputs: both must have the same shape and options.
    fn can_share(
        &self,
        first: CallbackNumber,
        number: CallbackNumber,
        callback: &Callback,
    ) -> bool {
        if first == number {
            return true;
        }
        let known = &self.get(first).callback;
        let (a, b) = (&known.spec, &callback.spec);
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
            && known.on_error.is_none()
            && callback.on_error.is_none()
            && a.inputs.len() == b.inputs.len()
            && !(a.has_patterns() || b.has_patterns())
            && !self.get(first).vary.contains(&Vary::Trigger)
    }

    /// Returns the callback with a number, which must be one of this registry.
    pub(crate) fn get(&self, number: CallbackNumber) -> &Arc<Registered> {
        &self.callbacks[number.0]
    }

    /// Returns the callback that the renderer knows by this string.
    pub(crate) fn by_output(&self, output: &str) -> Option<Arc<Registered>> {
        match self.by_output.get(output) {
            Some(number) => Some(self.get(*number).clone()),
            None => {
                let added = read(&self.added);
                added
                    .iter()
                    .find(|registered| registered.output == output)
                    .cloned()
            }
        }
    }

    /// Returns the callback with a name in URLs.
    pub(crate) fn by_token(&self, token: &str) -> Option<&Arc<Registered>> {
        self.by_token.get(token).map(|number| self.get(*number))
    }

    /// Returns the callbacks that were added while the app runs, as they are at this moment.
    pub(crate) fn added(&self) -> Vec<Arc<Registered>> {
        read(&self.added).clone()
    }

    /// Returns the gates of all debounced inputs, each once.
    pub(crate) fn gates(&self) -> Vec<Gate> {
        let mut gates = Vec::new();
        for gate in self
            .iter()
            .flat_map(|callback| callback.callback.spec.gates())
        {
            if !gates.contains(&gate) {
                gates.push(gate);
            }
        }
        gates
    }

    /// The callbacks that the app was built with, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Registered>> {
        self.callbacks.iter()
    }
}

impl Context {
    /// Adds a callback to the running app, in the place of one with the same outputs that was added
    /// before.
    ///
    /// The page learns of it when this call ends, if its callback has
    /// [`dynamic_callbacks`](crate::CallbackBuilder::dynamic_callbacks). Only this process knows
    /// it: behind a load balancer, each process needs it. Calls in progress are not disturbed. At
    /// most 1,000 callbacks can be added. In a cached callback it makes the call fail.
    ///
    /// # Errors
    /// [`BuildErrors`] with everything that is wrong with the callback; nothing is added then.
    pub fn add_callback(&self, callback: Callback) -> Result<(), BuildErrors> {
        match self.request().services.get::<Arc<Registry>>() {
            Some(registry) if self.may_do("adds a callback") => registry.add(callback),
            _ => Ok(()),
        }
    }
}

/// Returns what tells a function of the server from others; `None` for functions of the page and
/// for closures that capture something.
fn function_id(callback: &Callback) -> Option<TypeId> {
    match &callback.function {
        Function::Server { id, .. } => *id,
        Function::Clientside(_) => None,
    }
}

impl Spec {
    /// Fills in the settings of the app for what the callback does not say itself.
    fn apply(&mut self, defaults: &Defaults) {
        use crate::callback::InitialCall::{Default, Prevented, Yes};
        if self.initial_call == Default {
            self.initial_call = if defaults.prevent_initial_callbacks {
                Prevented
            } else {
                Yes
            };
        }
    }
}
