//! A callback with its function, as it was described ([`Callback`]), and with what follows from
//! that once an app has it ([`Registered`]).
//!
//! Everything that a call needs and that does not depend on the call is derived here once: shapes
//! on the wire, names, the policy and the beginning of cache keys.

use std::any::TypeId;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ferrodash_cache::{CallOptions, Entry, Policy};
use ferrodash_components::Id;
use ferrodash_wire::Body;

use crate::callback::{
    Clientside, ErasedHandler, ErrorHandler, FailureListener, Names, Parameter, Property, Shape,
    Slot, Spec, TimeLimit, Vary, callback_id,
};
use crate::error::Mistake;

/// A callback, ready to be given to [`App::callback`](crate::App::callback).
///
/// It is made by the `#[callback]` attribute or by [`Callback::builder`]. Cloning shares the
/// function.
///
/// ```
/// use ferrodash::{Callback, Input, Output};
///
/// let callback = Callback::builder()
///     .output(Output::new("greeting", "children"))
///     .input(Input::new("name", "value"))
///     .handler(async |name: Option<String>| format!("Hello {}", name.unwrap_or_default()));
/// ```
#[derive(Clone)]
pub struct Callback {
    pub(crate) spec: Spec,
    pub(crate) function: Function,
    /// Answers in place of the function when that fails.
    pub(crate) on_error: Option<ErrorHandler>,
}

/// The function that answers a callback.
#[derive(Clone)]
pub(crate) enum Function {
    /// A function of the app.
    Server {
        handler: Arc<ErasedHandler>,
        /// Tells functions apart. `None` for closures that capture something: two of one type can
        /// differ.
        id: Option<TypeId>,
    },
    /// A function of the page.
    Clientside(Clientside),
}

impl Callback {
    /// Makes a mistake of this callback, with its name and its place.
    pub(crate) fn mistake(&self, text: impl Display) -> Mistake {
        let Spec { name, location, .. } = &self.spec;
        Mistake::at(location, format!("callback {name}: {text}"))
    }

    /// Returns the function that answers it, if it is one of the app.
    pub(crate) fn handler(&self) -> Option<&Arc<ErasedHandler>> {
        match &self.function {
            Function::Server { handler, .. } => Some(handler),
            Function::Clientside(_) => None,
        }
    }

    /// Returns the function that answers it, if it is one of the page.
    pub(crate) fn clientside(&self) -> Option<&Clientside> {
        match &self.function {
            Function::Server { .. } => None,
            Function::Clientside(function) => Some(function),
        }
    }
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback")
            .field("name", &self.spec.name)
            .field("outputs", &self.spec.outputs)
            .finish()
    }
}

/// The index of a callback in the registry. Callbacks that are added to the running app have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CallbackNumber(pub(in crate::callback) usize);

/// The longest text of a component's id in a request, in bytes. An id that was read takes several
/// times that size in memory.
pub(crate) const LONGEST_ID: usize = 16 * 1024;

/// The settings of the app for callbacks that do not set these themselves.
#[derive(Clone, Default)]
pub(crate) struct Defaults {
    /// Tells builds apart; functions without a version count as changed with each.
    pub(crate) build_id: String,
    /// No callback is called when the page is loaded.
    pub(crate) prevent_initial_callbacks: bool,
    /// Answers for functions that fail and have no handler of their own, or one that fails too.
    pub(crate) on_error: Option<ErrorHandler>,
    /// The plugins' functions that learn of failures.
    pub(crate) listeners: Arc<[FailureListener]>,
    /// The time that a function may take; `None` for any time.
    pub(crate) timeout: Option<Duration>,
}

/// A callback with what is derived from its description once.
pub(crate) struct Registered {
    pub(crate) callback: Callback,
    /// The string by which the renderer knows it.
    pub(crate) output: String,
    /// The same for each of its outputs.
    pub(in crate::callback) output_names: Vec<String>,
    /// The string that it would have if no other callback had its names. A callback that is added
    /// to the running app replaces one with the same string.
    pub(in crate::callback) declared: String,
    /// The source of each argument of the function, for messages.
    pub(crate) argument_names: Arc<[String]>,
    /// A call as the renderer sends it.
    pub(crate) wire: Shape,
    /// A call as it was declared; another shape only for debounced inputs.
    pub(crate) plain: Shape,
    /// The JSON text of each input and state that is unset.
    unset: Vec<Bytes>,
    /// The parts of the request that its cached answers depend on beside arguments.
    pub(crate) vary: Vec<Vary>,
    /// The time for which, and the conditions under which, its answers are stored.
    pub(crate) policy: Policy,
    /// The name and the form of the answers, for the cache.
    pub(crate) options: CallOptions,
    /// The beginning of its cache keys.
    pub(crate) identity: String,
    /// Its name in URLs: stable as long as the function and its outputs are.
    pub(crate) token: String,
    /// The first callback with the same function, whose cached answers are also those of this one.
    pub(crate) same_function: CallbackNumber,
    /// Its own handler of errors, then that of the app.
    pub(crate) on_error: Vec<ErrorHandler>,
    /// The plugins' functions that learn of failures.
    pub(crate) listeners: Arc<[FailureListener]>,
    /// True if ids have wildcards, so that a call says which components it is about.
    pub(crate) has_patterns: bool,
    /// The time that its function may take; `None` for any time, and for cached callbacks, whose
    /// policy says it.
    pub(crate) timeout: Option<Duration>,
}

impl Registered {
    /// Derives what calls need from the description. The names are not unique yet, see
    /// [`make_unique`](Self::make_unique).
    pub(in crate::callback) fn new(
        callback: Callback,
        vary: Vec<Vary>,
        same_function: CallbackNumber,
        defaults: &Defaults,
    ) -> Self {
        let spec = &callback.spec;
        let inputs: Vec<Property> = spec
            .inputs
            .iter()
            .map(|input| input.property.clone())
            .collect();
        let output = callback_id(&spec.outputs, &inputs);
        let identity = identity(spec, &output, &defaults.build_id);
        let token = blake3::hash(identity.as_bytes()).to_hex()[..16].to_owned();
        let on_error = callback.on_error.iter().chain(&defaults.on_error);
        Self {
            policy: policy(spec),
            options: CallOptions::new()
                .name(spec.name.clone())
                .readable(is_readable),
            argument_names: spec.argument_names().into(),
            on_error: on_error.cloned().collect(),
            listeners: defaults.listeners.clone(),
            has_patterns: spec.has_patterns(),
            timeout: timeout(spec, defaults.timeout),
            wire: spec.wire(),
            plain: spec.plain(),
            unset: unset(spec),
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

    /// Gives the callback and its outputs names that no other has; `is_taken` knows those of the
    /// others.
    pub(in crate::callback) fn make_unique(&mut self, is_taken: impl Fn(&str) -> bool) {
        let spec = &self.callback.spec;
        let inputs: Vec<Property> = spec
            .inputs
            .iter()
            .map(|input| input.property.clone())
            .collect();
        let Names { callback, outputs } = Names::new(&spec.outputs, &inputs, is_taken);
        (self.output, self.output_names) = (callback, outputs);
    }

    /// Returns the JSON text of an input or a state that is unset: its default, or `null`. States
    /// are counted after all inputs.
    pub(crate) fn unset(&self, index: usize) -> &Bytes {
        &self.unset[index]
    }

    /// Returns the declared inputs that `id.property` in a request can belong to, and the id;
    /// `None` if it is no input of this callback. Arguments come first, in the order of
    /// declaration.
    ///
    /// Both the carrier of a debounced input and its real property are accepted, as clients other
    /// than our page do not know carriers.
    pub(crate) fn triggers(&self, changed: &str) -> Option<(Vec<usize>, Id)> {
        for shape in [&self.wire, &self.plain] {
            if let Some(index) = shape.names.iter().position(|name| name == changed) {
                return Some((vec![index], shape.inputs[index].property.id.clone()));
            }
        }
        if !self.has_patterns {
            return None;
        }
        let (id, property) = changed
            .rsplit_once('.')
            .filter(|(id, _)| id.len() <= LONGEST_ID)?;
        let id: Id = serde_json::from_str(id).ok()?;
        let fits = |slot: &Slot| slot.property.name == property && slot.property.id.matches(&id);
        let is_of =
            |index: &usize| fits(&self.wire.inputs[*index]) || fits(&self.plain.inputs[*index]);
        // An id can match several inputs.
        let mut indices: Vec<usize> = (0..self.wire.inputs.len()).filter(is_of).collect();
        indices.sort_by_key(|index| !self.callback.spec.is_argument(*index));
        (!indices.is_empty()).then_some((indices, id))
    }

    /// Returns whether browsers store its answers.
    pub(crate) fn is_cached_by_clients(&self) -> bool {
        self.callback
            .spec
            .cache
            .as_ref()
            .is_some_and(|cache| cache.client)
    }

    /// Returns whether calls of it can travel with others in one request: when its answers are
    /// nothing but their bodies.
    ///
    /// Cookies and headers are set through a [`Context`](crate::callback::Context) only, and not by
    /// callbacks that are cached or declared `batch`.
    pub(crate) fn is_batched(&self) -> bool {
        let spec = &self.callback.spec;
        let Some(handler) = self.callback.handler() else {
            return false;
        };
        let sets_headers =
            !self.on_error.is_empty() || (spec.cache.is_none() && handler.takes_context());
        spec.batch || !sets_headers
    }

    /// Returns the name of the callback's function, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.callback.spec.name
    }
}

/// Returns the beginning of a callback's cache keys. Callbacks with equal identities would share
/// entries.
fn identity(spec: &Spec, output: &str, build_id: &str) -> String {
    // Without a version of its own, a function counts as changed with each build.
    let version = if spec.version.is_empty() {
        build_id
    } else {
        spec.version
    };
    // Closures of one function have one name, so they are distinguished by their places.
    let place = if spec.is_named {
        String::new()
    } else {
        format!(" at {}", spec.location)
    };
    format!("callback {output} of {} {version}{place}", spec.name)
}

/// Returns the JSON text of each input and state that is unset.
fn unset(spec: &Spec) -> Vec<Bytes> {
    let inputs = spec.inputs.iter().map(|input| &input.default);
    let values = inputs.chain(spec.states.iter().map(|state| &state.default));
    values
        .map(|value| match value {
            Some(value) => Bytes::from(value.to_string()),
            None => Bytes::from_static(b"null"),
        })
        .collect()
}

/// Returns the policy of the answers. An uncached callback has one with a timeout of zero, which is
/// not used.
fn policy(spec: &Spec) -> Policy {
    let mut policy = match &spec.cache {
        Some(cache) => cache.policy.clone(),
        None => Policy::new(Duration::ZERO),
    };
    if let TimeLimit::After(limit) = spec.timeout {
        policy = policy.hard_timeout(limit);
    }
    policy
}

/// Returns how long the function may take; `None` for any time. A cached callback has its policy's
/// limit, also where the cache takes no part, as in an `api_endpoint`.
fn timeout(spec: &Spec, of_app: Option<Duration>) -> Option<Duration> {
    match spec.timeout {
        _ if spec.cache.is_some() => Some(policy(spec).hard_timeout),
        TimeLimit::OfApp => of_app,
        TimeLimit::After(limit) => Some(limit),
        TimeLimit::None => None,
    }
}

/// Returns whether an entry of a tier can be read. An entry that another version of this crate left
/// there counts as absent.
fn is_readable(entry: &Entry) -> bool {
    entry.parts().negative || Body::unpack(entry.bytes()).is_some()
}

impl Spec {
    /// Returns the source of each of the function's arguments, for messages.
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
