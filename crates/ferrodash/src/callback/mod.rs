//! A callback: what it writes, what it reads, its options, and the function that answers it.

pub(crate) mod call;
mod context;
mod debounce;
mod dependency;
mod handler;
mod identity;
pub(crate) mod key;
mod options;
mod outcome;
mod registry;

use std::any::TypeId;
use std::panic::Location;
use std::sync::Arc;

pub use context::{Context, Trigger};
pub use dependency::{Input, Output, State};
pub use handler::Handler;
pub use identity::Identity;
pub use options::CacheOptions;
pub use outcome::{CallbackError, IntoAnswer, IntoOutput, NoUpdate, PreventUpdate, Update, no_update};

pub(crate) use debounce::{Gate, Shape, Source};
pub(crate) use dependency::Property;
pub(crate) use handler::{Arguments, ErasedHandler};
pub(crate) use identity::{Identify, RequestParts};
pub(crate) use options::Vary;
pub(crate) use outcome::{Answer, CallError};
pub(crate) use registry::{Registered, Registry};

use ferrodash_components::{Id, IntoProp, Prop};

/// A callback, ready to be given to `App::callback`.
///
/// Made by the `#[callback]` attribute or by [`Callback::builder`].
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
    pub(crate) handler: Arc<dyn ErasedHandler>,
    /// Tells functions apart. `None` for closures that capture something: two of one type can differ.
    pub(crate) function: Option<TypeId>,
}

/// Everything about a callback but its function.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(crate) name: String,
    /// Whether the name was given, and not taken from the function's type.
    pub(crate) is_named: bool,
    pub(crate) version: &'static str,
    pub(crate) location: &'static Location<'static>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) states: Vec<State>,
    pub(crate) running: Vec<Running>,
    pub(crate) cache: Option<CacheOptions>,
    pub(crate) prevent_initial_call: bool,
}

/// A property that has one value while the callback runs and another afterwards.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) property: Property,
    pub(crate) on: Prop,
    pub(crate) off: Prop,
}

impl Callback {
    /// Begins the description of a callback. Mistakes in it are reported by `App::build`, with the place of this call.
    #[track_caller]
    pub fn builder() -> CallbackBuilder {
        CallbackBuilder {
            spec: Spec {
                name: String::new(),
                is_named: false,
                version: "",
                location: Location::caller(),
                outputs: Vec::new(),
                inputs: Vec::new(),
                states: Vec::new(),
                running: Vec::new(),
                cache: None,
                prevent_initial_call: false,
            },
        }
    }
}

/// Describes a [`Callback`]; [`handler`](Self::handler) ends the description.
#[derive(Clone)]
#[must_use = "a callback is complete with its handler"]
pub struct CallbackBuilder {
    spec: Spec,
}

impl CallbackBuilder {
    /// A name for messages and cache keys, and the version of the function's source: entries of another version are not
    /// found. The attribute sets both. By default the name is that of the function's type, and an empty version changes
    /// with each build.
    ///
    /// A cached function that captures values needs a name: what it captures is no part of its keys.
    pub fn name(mut self, name: impl Into<String>, version: &'static str) -> Self {
        self.spec.name = name.into();
        self.spec.is_named = true;
        self.spec.version = version;
        self
    }

    /// Adds an output. With several, the function returns a tuple in their order.
    pub fn output(mut self, output: Output) -> Self {
        self.spec.outputs.push(output);
        self
    }

    /// Adds an input: an argument whose change triggers the callback.
    pub fn input(mut self, input: impl Into<Input>) -> Self {
        self.spec.inputs.push(input.into());
        self
    }

    /// Adds a state: an argument whose change does not trigger the callback. States come after all inputs.
    pub fn state(mut self, state: impl Into<State>) -> Self {
        self.spec.states.push(state.into());
        self
    }

    /// Sets a property to `on` while the callback runs and to `off` when it is done.
    pub fn running(
        mut self,
        id: impl Into<Id>,
        property: impl Into<std::borrow::Cow<'static, str>>,
        on: impl IntoProp,
        off: impl IntoProp,
    ) -> Self {
        let property = Property::new(id, property);
        self.spec.running.push(Running { property, on: on.into_prop(), off: off.into_prop() });
        self
    }

    /// Caches the answers.
    pub fn cache(mut self, options: CacheOptions) -> Self {
        self.spec.cache = Some(options);
        self
    }

    /// No call when the page is loaded.
    pub fn prevent_initial_call(mut self) -> Self {
        self.spec.prevent_initial_call = true;
        self
    }

    /// The async function that answers: its arguments are the inputs, the states, and a [`Context`] if it wants one.
    pub fn handler<M, H: Handler<M>>(mut self, handler: H) -> Callback
    where
        M: 'static,
    {
        if self.spec.name.is_empty() {
            self.spec.name = std::any::type_name::<H>().to_owned();
        }
        let function = (size_of::<H>() == 0).then(TypeId::of::<H>);
        Callback { spec: self.spec, handler: handler::erase(handler), function }
    }
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback").field("name", &self.spec.name).field("outputs", &self.spec.outputs).finish()
    }
}
