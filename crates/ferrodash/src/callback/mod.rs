//! A callback: what it writes, what it reads, its options, and the function that answers it.

mod arguments;
mod builder;
pub(crate) mod call;
mod check;
mod context;
mod debounce;
mod dependency;
mod effects;
mod failure;
pub(crate) mod handler;
mod identity;
pub(crate) mod key;
mod options;
pub(crate) mod outcome;
mod patch;
mod registry;
mod request;

use std::any::TypeId;
use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

pub use arguments::Args;
pub use builder::CallbackBuilder;
pub use context::{Context, HeaderError};
pub use dependency::{Input, Output, State};
pub use failure::Failure;
pub use handler::{CallbackArgument, CallbackArguments, Handler, LastArgument};
pub use identity::Identity;
pub use options::CacheOptions;
pub use outcome::{
    CallbackError, Each, IntoAnswer, IntoCallbackError, IntoOutput, NoUpdate, OutputValue, Outputs,
    PreventUpdate, Update, no_update,
};
pub use patch::{Patch, PatchKey, PatchValue};
pub use request::{Argument, Grouping, Trigger};

pub(crate) use arguments::Parameter;
pub(crate) use debounce::{Gate, Shape, Slot, Source};
pub(crate) use dependency::{Names, Property, callback_id};
pub(crate) use effects::{Effects, Header, SideUpdate, Timing};
pub(crate) use failure::{ErrorHandler, error_handler};
pub(crate) use handler::{Arguments, ErasedHandler, shortened};
pub(crate) use identity::{Identify, RequestParts};
pub(crate) use options::Vary;
pub(crate) use outcome::{Answer, CallError};
pub(crate) use registry::{Defaults, LONGEST_ID, Registered, Registry};
pub(crate) use request::{Call, CallIds, Ids};

use ferrodash_components::Prop;

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
    pub(crate) function: Function,
}

/// What answers a callback.
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

/// A JavaScript function, `window.dash_clientside[namespace][name]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clientside {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Its source, if the page does not bring it otherwise.
    pub(crate) source: Option<String>,
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
    /// What the function's arguments are made of; `None` when they are the inputs and the states.
    pub(crate) parameters: Option<Vec<Parameter>>,
    pub(crate) running: Vec<Running>,
    pub(crate) cache: Option<CacheOptions>,
    pub(crate) initial_call: InitialCall,
    pub(crate) optional: bool,
    pub(crate) hidden: bool,
    pub(crate) on_error: Option<ErrorHandler>,
    pub(crate) api: Option<ApiEndpoint>,
    pub(crate) adds_callbacks: bool,
    /// Whether it sets no cookies and headers, so that its calls may travel with others.
    pub(crate) batch: bool,
    /// How long its function may take.
    pub(crate) timeout: TimeLimit,
    /// A feature that there is not yet, for a clear mistake when the app is built.
    pub(crate) unsupported: Option<&'static str>,
}

/// Whether a callback is called when the page is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InitialCall {
    /// As the app says; by default it is.
    Default,
    /// It is.
    Yes,
    /// It is not.
    Prevented,
    /// It is, although others write its outputs too.
    Duplicate,
}

/// How long a function may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum TimeLimit {
    /// As long as the app says.
    #[default]
    OfApp,
    After(Duration),
    None,
}

/// A property that has one value while the callback runs and another afterwards.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) property: Property,
    pub(crate) on: Prop,
    pub(crate) off: Prop,
}

/// An address at which other programs call a callback's function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiEndpoint {
    pub(crate) path: String,
    /// Names of the function's arguments.
    pub(crate) names: Vec<String>,
}

impl Callback {
    /// Begins the description of a callback. Mistakes in it are reported by `App::build`, with the
    /// place of this call.
    #[track_caller]
    pub fn builder() -> CallbackBuilder {
        CallbackBuilder::new(Location::caller())
    }

    /// The function that answers it, if it is one of the app.
    pub(crate) fn handler(&self) -> Option<&Arc<ErasedHandler>> {
        match &self.function {
            Function::Server { handler, .. } => Some(handler),
            Function::Clientside(_) => None,
        }
    }

    pub(crate) fn clientside(&self) -> Option<&Clientside> {
        match &self.function {
            Function::Server { .. } => None,
            Function::Clientside(function) => Some(function),
        }
    }
}

impl Spec {
    /// Every property that it names, but those that are set while it runs.
    pub(crate) fn properties(&self) -> impl Iterator<Item = &Property> {
        let outputs = self.outputs.iter().map(|output| &output.property);
        let inputs = self.inputs.iter().map(|input| &input.property);
        outputs
            .chain(inputs)
            .chain(self.states.iter().map(|state| &state.property))
    }

    /// What each of the function's arguments is made of.
    pub(crate) fn all_parameters(&self) -> Cow<'_, [Parameter]> {
        match &self.parameters {
            Some(parameters) => Cow::Borrowed(parameters),
            None => {
                let inputs = (0..self.inputs.len()).map(Parameter::Input);
                inputs
                    .chain((0..self.states.len()).map(Parameter::State))
                    .collect()
            }
        }
    }

    /// Whether some id has wildcards, so that a call says which components it is about.
    pub(crate) fn has_patterns(&self) -> bool {
        self.properties().any(Property::is_pattern)
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
