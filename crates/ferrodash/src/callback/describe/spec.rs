//! The description of a callback without its function: what it writes and reads, and its options.
//!
//! These are plain data. The builder fills them, the checks and the renderer's list of callbacks
//! read them.

use std::borrow::Cow;
use std::panic::Location;
use std::time::Duration;

use ferrodash_components::Prop;

use crate::callback::{CacheOptions, Input, Output, Overlap, Parameter, Property, State};

/// Everything about a callback but its function.
#[derive(Clone)]
pub(crate) struct Spec {
    /// The name in messages and cache keys; by default that of the function's type.
    pub(crate) name: String,
    /// True if the name was given, and not taken from the function's type.
    pub(crate) is_named: bool,
    /// The version of the function's source; an empty one changes with each build.
    pub(crate) version: &'static str,
    /// The place of the description, for mistakes and for keys of functions without a name.
    pub(crate) location: &'static Location<'static>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) states: Vec<State>,
    /// The source of each of the function's arguments; `None` when they are the inputs and the
    /// states.
    pub(crate) parameters: Option<Vec<Parameter>>,
    /// The properties that are set while it runs.
    pub(crate) running: Vec<Running>,
    pub(crate) cache: Option<CacheOptions>,
    pub(crate) initial_call: InitialCall,
    /// True if all its components may be missing from the page.
    pub(crate) optional: bool,
    /// True if Dash's developer tools leave it out of their graph.
    pub(crate) hidden: bool,
    /// The address for other programs, if it has one.
    pub(crate) api: Option<ApiEndpoint>,
    /// True if its function may add callbacks, so that the page asks for the list again.
    pub(crate) adds_callbacks: bool,
    /// Declares that it sets no cookies and headers, so that its calls may travel with others.
    pub(crate) batch: bool,
    /// What a page does with calls that overlap. Without it, they are made as in Dash, and the
    /// newest answer that has come is shown.
    pub(crate) overlap: Option<Overlap>,
    /// The time that its function may take.
    pub(crate) timeout: TimeLimit,
    /// A feature that is not supported yet, for a clear mistake when the app is built.
    pub(crate) unsupported: Option<&'static str>,
}

/// The choice whether a callback is called when the page is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InitialCall {
    /// The app's setting; by default it is called.
    Default,
    /// It is.
    Yes,
    /// It is not.
    Prevented,
    /// It is, although others write its outputs too.
    Duplicate,
}

/// The time that a function may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum TimeLimit {
    /// The app's limit.
    #[default]
    OfApp,
    /// This time.
    After(Duration),
    /// Any time.
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
    /// The whole path, without the app's prefix.
    pub(crate) path: String,
    /// Names of the function's arguments.
    pub(crate) names: Vec<String>,
}

/// A JavaScript function, `window.dash_clientside[namespace][name]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clientside {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Its source, if the page does not bring it otherwise.
    pub(crate) source: Option<String>,
}

impl Spec {
    /// Returns every property that it names, but those that are set while it runs: outputs, then
    /// inputs, then states.
    pub(crate) fn properties(&self) -> impl Iterator<Item = &Property> {
        let outputs = self.outputs.iter().map(|output| &output.property);
        let inputs = self.inputs.iter().map(|input| &input.property);
        outputs
            .chain(inputs)
            .chain(self.states.iter().map(|state| &state.property))
    }

    /// Returns the source of each of the function's arguments.
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

    /// Returns whether anybody reads the value of the input or state with this index, counted over
    /// both.
    pub(crate) fn is_argument(&self, index: usize) -> bool {
        self.inputs.get(index).is_none_or(|input| input.is_argument)
    }

    /// Returns whether some id has wildcards, so that a call says which components it is about.
    pub(crate) fn has_patterns(&self) -> bool {
        self.properties().any(Property::is_pattern)
    }
}
