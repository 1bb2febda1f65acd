//! The builder of a callback, which is also what `#[callback]` writes.
//!
//! It only collects; mistakes are found when the app is built, see `check.rs`.

use std::any::TypeId;
use std::borrow::Cow;
use std::panic::Location;
use std::time::Duration;

use ferrodash_components::Id;

use crate::callback::describe::dependency::digest;
use crate::callback::run::handler::{
    self, CallbackArguments, ErasedHandler, HandlerCall, HandlerError, HandlerFuture, Signature,
};
use crate::callback::{
    ApiEndpoint, Args, CacheOptions, Callback, Clientside, Context, ErrorHandler, Failure,
    Function, Handler, InitialCall, Input, IntoAnswer, IntoOutput, Output, OutputValue, Overlap,
    Parameter, Property, Running, Source, Spec, State, TimeLimit, error_handler,
};

/// The JavaScript namespace for the functions of inline clientside callbacks, as in Dash.
pub(crate) const INLINE_NAMESPACE: &str = "_dashprivate_clientside_funcs";

/// Describes a [`Callback`].
///
/// The methods only collect, in any order; inputs, states and outputs keep the order of their
/// calls. [`handler`](Self::handler) or [`clientside`](Self::clientside) ends the description.
/// Mistakes are reported by [`App::build`](crate::App::build), with the place of
/// [`Callback::builder`].
#[derive(Clone)]
#[must_use = "a callback is complete with its handler"]
pub struct CallbackBuilder {
    spec: Spec,
    /// The callback's own handler of errors.
    on_error: Option<ErrorHandler>,
    /// The sources of the function's arguments, but for states that were declared by themselves:
    /// those are in `trailing`, as they come after all inputs.
    leading: Vec<Parameter>,
    trailing: Vec<Parameter>,
}

impl Callback {
    /// Begins the description of a callback.
    ///
    /// [`App::build`](crate::App::build) reports mistakes in it with the place of this call.
    #[track_caller]
    pub fn builder() -> CallbackBuilder {
        CallbackBuilder::new(Location::caller())
    }
}

impl CallbackBuilder {
    fn new(location: &'static Location<'static>) -> Self {
        let spec = Spec {
            name: String::new(),
            is_named: false,
            version: "",
            location,
            outputs: Vec::new(),
            inputs: Vec::new(),
            states: Vec::new(),
            parameters: None,
            running: Vec::new(),
            cache: None,
            initial_call: InitialCall::Default,
            optional: false,
            hidden: false,
            batch: false,
            overlap: None,
            api: None,
            adds_callbacks: false,
            timeout: TimeLimit::OfApp,
            unsupported: None,
        };
        Self {
            spec,
            on_error: None,
            leading: Vec::new(),
            trailing: Vec::new(),
        }
    }

    /// Sets a name for messages and cache keys, and the version of the function's source.
    ///
    /// Entries of another version are not found in the cache. `#[callback]` sets both. By default
    /// the name is that of the function's type, and the place of the description is part of the
    /// keys; an empty version changes with each build.
    ///
    /// A cached function that captures values needs a name, as what it captures is not part of its
    /// keys.
    pub fn name(mut self, name: impl Into<String>, version: &'static str) -> Self {
        self.spec.name = name.into();
        self.spec.is_named = true;
        self.spec.version = version;
        self
    }

    /// Adds an output.
    ///
    /// With several outputs, the function returns a tuple in their order, or
    /// [`Outputs`](crate::Outputs). Without any, it returns `()`.
    pub fn output(mut self, output: Output) -> Self {
        self.spec.outputs.push(output);
        self
    }

    /// Adds several outputs, such as those that are known only at run time. The function returns
    /// [`Outputs`](crate::Outputs).
    pub fn outputs(mut self, outputs: impl IntoIterator<Item = Output>) -> Self {
        self.spec.outputs.extend(outputs);
        self
    }

    /// Adds an input: an argument whose change triggers the callback.
    pub fn input(mut self, input: impl Into<Input>) -> Self {
        self.leading.push(Parameter::Input(self.spec.inputs.len()));
        self.spec.inputs.push(input.into());
        self
    }

    /// Adds a trigger: an input whose change triggers the callback, and whose value is no argument
    /// of the function. It is not part of the cache's key either.
    ///
    /// So an interval renews an answer for all pages at once: those that tick within the timeout of
    /// an answer have the same one.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use ferrodash::{CacheOptions, Callback, Output};
    /// let load = Callback::builder()
    ///     .output(Output::new("load", "children"))
    ///     .trigger(("clock", "n_intervals"))
    ///     .cache(CacheOptions::new(Duration::from_secs(2)).client())
    ///     .handler(async || "0.7");
    /// # let _ = load;
    /// ```
    pub fn trigger(mut self, input: impl Into<Input>) -> Self {
        let mut input = input.into();
        input.is_argument = false;
        input.default = None;
        self.spec.inputs.push(input);
        self
    }

    /// Adds a state: an argument whose change does not trigger the callback. In the function's
    /// arguments, states come after all inputs, whatever the order of these calls.
    pub fn state(mut self, state: impl Into<State>) -> Self {
        self.trailing.push(Parameter::State(self.spec.states.len()));
        self.spec.states.push(state.into());
        self
    }

    /// Adds inputs and states that are one argument of the function: a struct with their names as
    /// fields.
    ///
    /// In the function's arguments it is among the inputs, in the order of these calls.
    pub fn args(mut self, args: Args) -> Self {
        let parameter = args.flatten(&mut self.spec.inputs, &mut self.spec.states);
        self.leading.push(parameter);
        self
    }

    /// Sets a property to `on` while the callback runs and to `off` when it is done. The property
    /// need not be an output; like one, its component must be in a fixed layout.
    pub fn running(
        mut self,
        id: impl Into<Id>,
        property: impl Into<Cow<'static, str>>,
        on: impl IntoOutput,
        off: impl IntoOutput,
    ) -> Self {
        let property = Property::new(id, property);
        let fit = |value: OutputValue| value.fit(&property.name).into_prop();
        let (on, off) = (fit(on.into_output()), fit(off.into_output()));
        self.spec.running.push(Running { property, on, off });
        self
    }

    /// Caches the answers. A callback that takes a [`Context`] must then declare what its answers
    /// vary by, see [`CacheOptions::vary`].
    pub fn cache(mut self, options: CacheOptions) -> Self {
        self.spec.cache = Some(options);
        self
    }

    /// Prevents the call when the page is loaded, which is made by default.
    pub fn prevent_initial_call(mut self) -> Self {
        self.spec.initial_call = InitialCall::Prevented;
        self
    }

    /// Asks for a call when the page is loaded although other callbacks write its outputs too. The
    /// order of these calls is not known.
    pub fn initial_duplicate(mut self) -> Self {
        self.spec.initial_call = InitialCall::Duplicate;
        self
    }

    /// Asks for a call when the page is loaded, also in an app with
    /// [`prevent_initial_callbacks`](crate::App::prevent_initial_callbacks).
    pub fn initial_call(mut self) -> Self {
        self.spec.initial_call = InitialCall::Yes;
        self
    }

    /// Declares that all its components may be missing from the page. By default the ids that a
    /// fixed layout does not have are mistakes.
    pub fn optional(mut self) -> Self {
        self.spec.optional = true;
        self
    }

    /// Lets its calls travel with others in one request although it takes a
    /// [`Context`](crate::Context) or has an error handler.
    ///
    /// The function then cannot set cookies and headers: a call that does fails. Callbacks that
    /// neither take a context nor have an error handler travel with others without this, and so do
    /// cached ones.
    ///
    /// ```
    /// # use ferrodash::prelude::*;
    /// let rows = Callback::builder()
    ///     .output(Output::new(id! {type: "out", index: MATCH}, "children"))
    ///     .input(Input::new(id! {type: "in", index: MATCH}, "value"))
    ///     .batch()
    ///     .handler(async |value: String, ctx: Context| {
    ///         format!("{:?}: {value}", ctx.matched("index"))
    ///     });
    /// # let _ = rows;
    /// ```
    pub fn batch(mut self) -> Self {
        self.spec.batch = true;
        self
    }

    /// Sets what a page does with a call while an earlier one is in progress.
    ///
    /// By default each call is made at once. The page shows an answer as soon as it comes, unless
    /// it has already shown the answer of a newer call.
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.spec.overlap = Some(overlap);
        self
    }

    /// Sets how long the function may take, instead of
    /// [`App::call_timeout`](crate::App::call_timeout); `None` removes the limit.
    ///
    /// After that time the call is cancelled, its future is dropped, and it is answered with 504.
    /// For a cached callback this is the same as [`hard_timeout`](CacheOptions::hard_timeout);
    /// there `None` leaves the limit of the cache options.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use ferrodash::prelude::*;
    /// let report = Callback::builder()
    ///     .output(Output::new("report", "children"))
    ///     .input(Input::new("year", "value"))
    ///     .timeout(Duration::from_secs(600))
    ///     .handler(async |year: u32| format!("all of {year}"));
    /// # let _ = report;
    /// ```
    pub fn timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.spec.timeout = time.into().map_or(TimeLimit::None, TimeLimit::After);
        self
    }

    /// Leaves the callback out of the callback graph of Dash's developer tools.
    pub fn hidden(mut self) -> Self {
        self.spec.hidden = true;
        self
    }

    /// Sets the handler that answers when the function returns an error, panics or takes too long.
    ///
    /// The handler returns what the function could have returned; `()` and `null` are no update, as
    /// in Dash. If it returns an error or panics, the handler of the app is called with that
    /// failure, see [`App::on_error`](crate::App::on_error). It is called on the task of the call
    /// and cannot await.
    ///
    /// ```
    /// use ferrodash::{Callback, Context, Failure, Input, Output};
    ///
    /// let callback = Callback::builder()
    ///     .output(Output::new("out", "children"))
    ///     .input(Input::new("in", "value"))
    ///     .on_error(|failure: &Failure, _: &Context| format!("No answer: {failure}"))
    ///     .handler(async |text: String| text.parse::<u32>());
    /// ```
    pub fn on_error<M, R: IntoAnswer<M>>(
        mut self,
        handle: impl Fn(&Failure, &Context) -> R + Send + Sync + 'static,
    ) -> Self {
        self.on_error = Some(error_handler(handle));
        self
    }

    /// Adds an address, such as `/api/total`, at which other programs call the function.
    ///
    /// A POST of a JSON object with the arguments under `names`, in the order of the function's
    /// arguments, is answered with its value as JSON: a single value for one output, a list for
    /// several. A name that is missing is an unset property, an unknown one is answered with 422.
    /// The path is taken as it is, without the app's prefix.
    ///
    /// The function runs without the callback's cache and without handlers of errors, and tokens of
    /// [`App::csrf`](crate::App::csrf) are not checked. Limits of the number of calls hold as for
    /// other calls.
    pub fn api_endpoint<N: Into<String>>(
        mut self,
        path: impl Into<String>,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.spec.api = Some(ApiEndpoint {
            path: path.into(),
            names,
        });
        self
    }

    /// Declares that the function may add callbacks, with [`Context::add_callback`]: after each of
    /// its calls the page asks again which callbacks there are.
    pub fn dynamic_callbacks(mut self) -> Self {
        self.spec.adds_callbacks = true;
        self
    }

    /// Declares one of Dash's background callbacks. They are not supported yet, so
    /// [`App::build`](crate::App::build) reports a mistake.
    pub fn background(mut self) -> Self {
        self.spec.unsupported = Some("background callbacks are not supported yet");
        self
    }

    /// Declares one of Dash's callbacks over a websocket. They are not supported yet, so
    /// [`App::build`](crate::App::build) reports a mistake.
    pub fn websocket(mut self) -> Self {
        self.spec.unsupported = Some("websocket callbacks are not supported yet");
        self
    }

    /// Ends the description with the async function that answers: its arguments are the inputs, the
    /// states, and a [`Context`] if it wants one.
    ///
    /// An argument is a type that serde can read and that owns its data. What the function returns
    /// depends on the outputs, and its future is `Send`:
    ///
    /// | outputs | the function returns |
    /// |---|---|
    /// | one | a value, see [`IntoOutput`] |
    /// | two to ten | a tuple of values in their order |
    /// | any number | [`Outputs`](crate::Outputs) |
    /// | none | `()` |
    /// | any number | [`NoUpdate`](crate::NoUpdate), or a `Result` of one of these |
    ///
    /// Calls run at the same time, each with its own future. A panic is answered like an error and
    /// ends only its own call. The future is dropped where it awaits if the time limit is over, or
    /// if the client of [`serve`](crate::serve()) closes its connection.
    pub fn handler<A, K, M, H>(mut self, handler: H) -> Callback
    where
        H: Handler<A> + Send + Sync + 'static,
        H::Future: Future<Output: IntoAnswer<M>> + Send + 'static,
        A: CallbackArguments<K>,
        M: 'static,
    {
        if self.spec.name.is_empty() {
            self.spec.name = std::any::type_name::<H>().to_owned();
        }
        let id = (size_of::<H>() == 0).then(TypeId::of::<H>);
        self.finish(Function::Server {
            handler: handler::erase(handler),
            id,
        })
    }

    /// Ends the description with a handler that `#[callback]` wrote for one function.
    ///
    /// It captures nothing, so its type alone tells functions apart.
    #[doc(hidden)]
    pub fn generated_handler<H>(self, signature: Signature, handler: H) -> Callback
    where
        H: Fn(HandlerCall) -> Result<HandlerFuture, HandlerError> + Send + Sync + 'static,
    {
        let id = Some(TypeId::of::<H>());
        self.finish(Function::Server {
            handler: ErasedHandler::new(signature, handler),
            id,
        })
    }

    /// Ends the description with the source of a JavaScript function that answers in the page,
    /// without a request.
    ///
    /// It may return a promise, and use `dash_clientside.no_update`, `dash_clientside.set_props`
    /// and the rest of Dash's. Options for functions of the server, such as [`cache`](Self::cache),
    /// are mistakes.
    ///
    /// ```
    /// use ferrodash::{Callback, Input, Output};
    ///
    /// let callback = Callback::builder()
    ///     .output(Output::new("length", "children"))
    ///     .input(Input::new("text", "value"))
    ///     .clientside("text => (text || '').length");
    /// ```
    pub fn clientside(self, source: impl Into<String>) -> Callback {
        self.finish_clientside(Clientside::inline(source.into()))
    }

    /// Ends the description with a JavaScript function that answers in the page:
    /// `window.dash_clientside[namespace][name]`, which a script of the assets folder defines.
    pub fn clientside_function(
        self,
        namespace: impl Into<String>,
        name: impl Into<String>,
    ) -> Callback {
        self.finish_clientside(Clientside {
            namespace: namespace.into(),
            name: name.into(),
            source: None,
        })
    }

    /// Completes a clientside callback: wraps the function if it does not take all that the
    /// renderer calls it with, and gives the callback a name.
    fn finish_clientside(mut self, mut function: Clientside) -> Callback {
        let mut inputs = self.spec.inputs.iter();
        if inputs.any(|input| input.wait.is_set() || !input.is_argument) {
            function = function.wrapped(&self.spec);
        }
        if self.spec.name.is_empty() {
            self.spec.name = match &function.source {
                Some(_) => "clientside".to_owned(),
                None => format!("{}.{}", function.namespace, function.name),
            };
        }
        self.finish(Function::Clientside(function))
    }

    /// Puts the parts together. States come after inputs and structs, as declared in
    /// [`state`](Self::state).
    fn finish(mut self, function: Function) -> Callback {
        let are_all_arguments = self.spec.inputs.iter().all(|input| input.is_argument);
        let mut leading = self.leading.iter();
        let is_flat = !leading.any(|parameter| matches!(parameter, Parameter::Struct(_)));
        if !(is_flat && are_all_arguments) {
            self.leading.append(&mut self.trailing);
            self.spec.parameters = Some(self.leading);
        }
        Callback {
            spec: self.spec,
            on_error: self.on_error,
            function,
        }
    }
}

impl Clientside {
    /// A function that is given as source. As in Dash, its name is a digest of the source.
    fn inline(source: String) -> Self {
        Self {
            namespace: INLINE_NAMESPACE.into(),
            name: digest(&source),
            source: Some(source),
        }
    }

    /// Wraps the function of a callback with debounced inputs or triggers. The renderer calls the
    /// wrapper with all values, carriers among them (see `debounce.rs`), and the wrapper calls the
    /// function with those that are its arguments.
    fn wrapped(self, spec: &Spec) -> Self {
        let place = |source: &Source| match source {
            Source::Input(index) => format!("all[{index}]"),
            Source::State(index) => format!("all[{}]", spec.inputs.len() + index),
        };
        let arguments: Vec<String> = spec.wire().arguments(spec).map(place).collect();
        let function = match self.source {
            Some(source) => format!("({}\n)", source.trim_end().trim_end_matches(';')),
            None => format!(
                "window.dash_clientside[{:?}][{:?}]",
                self.namespace, self.name
            ),
        };
        // The script of the page learns which values the call has, and that it ends the waits.
        let learn = "const page = window.dash_clientside.ferrodash; \
                     page && page.sent && page.sent(window.dash_clientside.callback_context);";
        let arguments = arguments.join(", ");
        Self::inline(format!(
            "(...all) => {{ {learn} return {function}({arguments}); }}"
        ))
    }
}
