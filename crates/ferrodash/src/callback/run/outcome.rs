//! The result of a callback's function: the types and traits of what it can return, and errors of
//! calls.
//!
//! [`IntoAnswer`] turns every result into an [`Answer`], which holds an [`OutputValue`] for each
//! output. What becomes of it is in `answer.rs`.

use std::error::Error;
use std::fmt::{self, Display};
use std::sync::Arc;

use ferrodash_components::{Child, Children, IntoProp, Prop};

use crate::callback::{Patch, Vary};
use crate::error::debug_as_display;

/// The values for the outputs, or the wish to change nothing.
pub(crate) enum Answer {
    /// One value per output.
    Outputs(Vec<OutputValue>),
    /// Nothing changes.
    PreventUpdate,
}

/// The effect on an output.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum OutputValue {
    /// It stays as it is.
    No,
    /// Its new value.
    To(Prop),
    /// Changes of its present value, see [`Patch`].
    Patch(Prop),
    /// One value for each component that an id with `ALL` stands for.
    Each(Vec<OutputValue>),
}

impl OutputValue {
    /// Returns the value as it is written; `null` for no update.
    pub(crate) fn into_prop(self) -> Prop {
        match self {
            Self::To(value) | Self::Patch(value) => value,
            Self::No => Prop::Nothing,
            Self::Each(values) => Prop::List(values.into_iter().map(Self::into_prop).collect()),
        }
    }

    /// Returns the value as a property of this name can have it: `children` is one flat list, as in
    /// a layout.
    pub(crate) fn fit(self, property: &str) -> Self {
        match self {
            Self::To(value) if property == "children" => Self::To(value.flatten_children()),
            other => other,
        }
    }

    /// Returns whether it sets all of its output, whatever the page shows.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::To(_) => true,
            Self::No | Self::Patch(_) => false,
            Self::Each(values) => values.iter().all(Self::is_whole),
        }
    }

    /// Returns one value for each component of a list; `None` if it is no list.
    pub(crate) fn into_each(self) -> Option<Vec<Self>> {
        match self {
            Self::Each(values) => Some(values),
            Self::To(Prop::List(values)) => Some(values.into_iter().map(Self::To).collect()),
            Self::To(Prop::Json(serde_json::Value::Array(values))) => Some(
                values
                    .into_iter()
                    .map(|value| Self::To(Prop::Json(value)))
                    .collect(),
            ),
            Self::To(Prop::Children(Children::Many(children))) => {
                let one = |child: Child| Self::To(Prop::Children(Children::One(child)));
                Some(children.into_iter().map(one).collect())
            }
            Self::To(Prop::Children(Children::None)) => Some(Vec::new()),
            _ => None,
        }
    }
}

/// The reason why a call has no answer. Cloned for each caller that waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CallError {
    /// The function returned an error.
    #[error("{0}")]
    Function(Arc<dyn Error + Send + Sync>),
    /// An argument is not what the function takes.
    #[error(
        "the value of {dependency} does not fit: \
         received {received}, wanted {wanted}: {reason}"
    )]
    Argument {
        dependency: String,
        received: String,
        wanted: &'static str,
        reason: String,
    },
    /// A cached function read something that its key does not have.
    #[error(
        "it is cached and read {0} without declaring it, so its answer would be given to \
         others too; add vary = \"{0}\" to its cache options"
    )]
    Undeclared(Vary),
    /// The function returned another number of values than the callback has outputs.
    #[error("it returned {returned} values for {outputs} outputs")]
    OutputCount { returned: usize, outputs: usize },
    /// The value for an output with `ALL` does not have one item for each of its components.
    #[error(
        "{output} stands for {components} components, but {returned}; \
         return a list with one item for each"
    )]
    ListOutput {
        output: String,
        components: usize,
        returned: String,
    },
    /// A list of `Each` was returned for an output that is one component.
    #[error("{0} is one component, but a list of `Each` was returned for it; return its value")]
    EachForOne(String),
    /// A cached function changed the answer for its caller only.
    #[error(
        "it is cached and {0}, which would reach only one of those who get its answer; \
         do that in a callback without cache"
    )]
    EffectInCache(&'static str),
    /// A function whose calls travel with others set something for its own answer.
    #[error(
        "it is declared `batch`, but {0} was set, which an answer that travels with \
         others does not have; take `batch` away"
    )]
    EffectInBatch(String),
    /// Its function runs in the page, so the server has nothing to call.
    #[error("its function runs in the page")]
    Clientside,
    /// A value cannot be written as JSON.
    #[error("the value for {output} cannot be written as JSON: {reason}")]
    Serialize { output: String, reason: String },
    /// The function panicked.
    #[error("it panicked: {0}")]
    Panic(Arc<str>),
    /// The function ran longer than its limit.
    #[error(
        "it took longer than {0:?} and was cancelled; raise its timeout, \
         or that of the app with App::call_timeout"
    )]
    TimedOut(std::time::Duration),
    /// The error of an earlier call, which is kept for a while.
    #[error("{0} (an earlier call's error, kept for a while)")]
    Kept(Arc<str>),
}

/// Leaves one output as it is; returned instead of its value.
///
/// Returned alone by a function with several outputs, or from an error handler, it leaves all of
/// them as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoUpdate;

/// Returns [`NoUpdate`], in Dash's spelling.
pub fn no_update() -> NoUpdate {
    NoUpdate
}

/// A value for an output, or no update, decided at run time.
///
/// ```
/// use ferrodash::Update;
/// async fn shout(text: Option<String>) -> Update<String> {
///     text.map_or(Update::No, |text| Update::To(text.to_uppercase()))
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update<T> {
    /// The new value.
    To(T),
    /// The output stays as it is.
    No,
}

/// The error that changes nothing: no output is written, and no callback that depends on them runs.
///
/// `?` turns it into every error type that is made of other errors: it is recognized inside an
/// `anyhow::Error`, and inside a variant of an own error type that is `transparent`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PreventUpdate;

/// The source of [`PreventUpdate`], by which that is recognized: a transparent error type shows the
/// source of the error that it wraps, but not its type.
#[derive(Debug)]
struct Prevented;

impl PreventUpdate {
    /// Returns whether an error is this one, or a transparent wrapper of it.
    fn is(error: &(dyn Error + 'static)) -> bool {
        error.is::<Self>()
            || error
                .source()
                .is_some_and(|source| source.is::<Prevented>())
    }
}

impl Error for PreventUpdate {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&Prevented)
    }
}

impl Display for PreventUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing is to be updated")
    }
}

debug_as_display!(PreventUpdate);

impl Display for Prevented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the callback prevents its update")
    }
}

impl Error for Prevented {}

/// The error type for a callback that has none of its own; `?` turns any error into it.
///
/// It does not implement [`Error`], as otherwise it could not be made from all errors; the original
/// one is inside, and [`Failure::error`](crate::Failure::error) returns it. [`PreventUpdate`]
/// inside keeps its meaning.
pub struct CallbackError(Box<dyn Error + Send + Sync>);

impl CallbackError {
    /// Creates an error that is only a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }
}

impl Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

debug_as_display!(CallbackError);

/// Lets `?` turn any error into this one.
impl<E: Error + Send + Sync + 'static> From<E> for CallbackError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// Returns the original error.
impl From<CallbackError> for Box<dyn Error + Send + Sync> {
    fn from(error: CallbackError) -> Self {
        error.0
    }
}

/// One value for each component of an output with [`ALL`](crate::ALL), some of which may stay as
/// they are.
///
/// A plain `Vec` of values works as well; this type also takes [`Update`] and [`Patch`]. Its length
/// must be the number of components, or the call fails.
///
/// ```
/// use ferrodash::{Each, Update};
/// async fn mark(values: Vec<i32>) -> Each<Update<&'static str>> {
///     let mark = |value: i32| if value < 0 { Update::To("negative") } else { Update::No };
///     Each(values.into_iter().map(mark).collect())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Each<T>(pub Vec<T>);

/// A value for one output.
///
/// Implemented for everything that is a property ([`IntoProp`]), and for values that say how an
/// output changes:
///
/// | value | effect |
/// |---|---|
/// | text, numbers, booleans, `serde_json::Value`, `Json<T>` | the new value |
/// | components and [`Children`] | the new content |
/// | `Vec`, arrays and the usual iterators of these | a list |
/// | `Option<T>` | `null` for `None` |
/// | `()` | `null` |
/// | [`Update`], [`NoUpdate`] | a new value, or none |
/// | [`Patch`] | a change of the present value |
/// | [`Each`] | a value for each component of an output with `ALL` |
///
/// Infinities and NaN are `null`, or text in `children`. A value that cannot be written as JSON
/// makes the call fail.
#[diagnostic::on_unimplemented(
    message = "a callback cannot write `{Self}` to an output",
    note = "text, numbers, booleans, components, `serde_json::Value`, options and lists \
            of these, `Update`, `NoUpdate`, `Patch` and `Each` can be; wrap any other \
            value that serializes in `Json`"
)]
pub trait IntoOutput {
    /// True for a value that stands for all outputs of a callback, however many there are.
    #[doc(hidden)]
    const FOR_ALL: bool = false;

    /// Turns the value into the effect on its output.
    fn into_output(self) -> OutputValue;
}

/// Every value of a property is a new value of an output.
impl<T: IntoProp> IntoOutput for T {
    fn into_output(self) -> OutputValue {
        OutputValue::To(self.into_prop())
    }
}

impl IntoOutput for OutputValue {
    fn into_output(self) -> OutputValue {
        self
    }
}

/// The output stays as it is.
impl IntoOutput for NoUpdate {
    const FOR_ALL: bool = true;

    fn into_output(self) -> OutputValue {
        OutputValue::No
    }
}

/// The output is changed in the page.
impl IntoOutput for Patch {
    fn into_output(self) -> OutputValue {
        OutputValue::Patch(self.into_prop_value())
    }
}

/// A new value, or none.
impl<T: IntoOutput> IntoOutput for Update<T> {
    fn into_output(self) -> OutputValue {
        match self {
            Self::To(value) => value.into_output(),
            Self::No => OutputValue::No,
        }
    }
}

/// A value for each component of the output.
impl<T: IntoOutput> IntoOutput for Each<T> {
    fn into_output(self) -> OutputValue {
        OutputValue::Each(self.0.into_iter().map(IntoOutput::into_output).collect())
    }
}

/// Values for all outputs of a callback, in their order: for outputs that are known only at run
/// time, and for more of them than a tuple has. If there are not as many values as outputs, the
/// call fails.
///
/// ```
/// use ferrodash::{Callback, NoUpdate, Output, Outputs};
///
/// let rooms = ["kitchen", "bath", "hall"];
/// let callback = Callback::builder()
///     .outputs(rooms.map(|room| Output::new(room, "children")))
///     .output(Output::new("summary", "children"))
///     .input(("clock", "n_intervals"))
///     .handler(move |_ticks: Option<u32>| async move {
///         let mut values: Outputs = rooms.iter().map(|room| format!("{room}: 21 °C")).collect();
///         values.push(NoUpdate);
///         values
///     });
/// ```
#[derive(Debug, Clone, Default)]
pub struct Outputs(Vec<OutputValue>);

impl Outputs {
    /// Creates a list without values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the value of the next output.
    pub fn push(&mut self, value: impl IntoOutput) {
        self.0.push(value.into_output());
    }
}

impl<T: IntoOutput> Extend<T> for Outputs {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        self.0
            .extend(values.into_iter().map(IntoOutput::into_output));
    }
}

impl<T: IntoOutput> FromIterator<T> for Outputs {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().map(IntoOutput::into_output).collect())
    }
}

impl<T: IntoOutput> From<Vec<T>> for Outputs {
    fn from(values: Vec<T>) -> Self {
        values.into_iter().collect()
    }
}

/// A type that a callback's function can return: a value, a tuple of up to ten values for several
/// outputs, [`Outputs`], or a `Result` of these.
///
/// `M` tells the implementations apart and is inferred. An error of a `Result` makes the call fail,
/// except [`PreventUpdate`].
#[diagnostic::on_unimplemented(
    message = "a callback cannot return `{Self}`",
    label = "this is neither a value for an output nor several of them",
    note = "it returns a value for its output, a tuple of at most ten values or \
            `Outputs` for several outputs, or a `Result` of these; \
            wrap a value that only serializes in `Json`",
    note = "the error of a `Result` implements `std::error::Error`, or is \
            `CallbackError`, text, or `Box<dyn Error + Send + Sync>`"
)]
pub trait IntoAnswer<M> {
    /// The number of values, if it is known from the type.
    #[doc(hidden)]
    const VALUES: Option<usize>;

    #[doc(hidden)]
    fn into_answer(self) -> AnswerResult;
}

/// A type that a callback with `N` outputs, more or less than one, can return, where the number of
/// values is known from the type.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a callback with {N} outputs cannot return `{Self}`",
    label = "this is not a value for each of {N} outputs",
    note = "for several outputs it returns a tuple with one value for each or `Outputs`, \
            for none it returns `()`, or it returns a `Result` of these; wrap a value \
            that only serializes in `Json`"
)]
pub trait IntoAnswers<const N: usize, M>: IntoAnswer<M> {}

/// A type that a callback with one output can return, where the number of values is known from the
/// type.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a callback with one output cannot return `{Self}`",
    label = "this is not a value for an output",
    note = "text, numbers, booleans, components, `serde_json::Value`, options and lists \
            of these, `Update`, `NoUpdate`, `Patch` and `Each` are values, and a \
            `Result` of one can be returned; \
            wrap any other value that serializes in `Json`"
)]
pub trait IntoSingleAnswer<M>: IntoAnswer<M> {}

/// An error that a callback's function can return.
///
/// Implemented for everything that turns into a `Box<dyn Error + Send + Sync>`: error types,
/// [`CallbackError`], `anyhow::Error` and text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a callback",
    label = "this type is no error that can be shown and sent to another thread",
    note = "the error implements `std::error::Error`, `Send` and `Sync`, or is \
            `CallbackError`, `anyhow::Error`, text, or `Box<dyn Error + Send + Sync>`; \
            `?` turns each error into a `CallbackError`"
)]
pub trait IntoCallbackError {
    #[doc(hidden)]
    fn into_callback_error(self) -> CallbackError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn Error + Send + Sync>>> IntoCallbackError for E {
    fn into_callback_error(self) -> CallbackError {
        CallbackError(self.into())
    }
}

/// The result of a function, with its types erased.
#[doc(hidden)]
pub struct AnswerResult(pub(crate) Result<Answer, CallError>);

impl AnswerResult {
    /// One value for each output. For generated code.
    #[doc(hidden)]
    pub fn of<const N: usize>(values: [OutputValue; N]) -> Self {
        Self(Ok(Answer::Outputs(values.into())))
    }

    /// An error of the function. For generated code.
    #[doc(hidden)]
    pub fn failed(error: impl IntoCallbackError) -> Self {
        let CallbackError(error) = error.into_callback_error();
        Self(if PreventUpdate::is(&*error) {
            Ok(Answer::PreventUpdate)
        } else {
            Err(CallError::Function(error.into()))
        })
    }
}

/// The answer of a callback with one output. For generated code.
#[doc(hidden)]
pub fn single_answer<M, T: IntoSingleAnswer<M>>(value: T) -> AnswerResult {
    value.into_answer()
}

/// The answer of a callback with `N` outputs. For generated code.
#[doc(hidden)]
pub fn answers<const N: usize, M, T: IntoAnswers<N, M>>(value: T) -> AnswerResult {
    value.into_answer()
}

/// Marks a result that is one value.
#[doc(hidden)]
pub struct Single;

/// Marks a result that is a tuple of values.
#[doc(hidden)]
pub struct Multiple<T>(std::marker::PhantomData<T>);

/// Marks a result that is [`Outputs`].
#[doc(hidden)]
pub struct List;

/// Marks a `Result` of one of the others.
#[doc(hidden)]
pub struct Fallible<M>(std::marker::PhantomData<M>);

/// One value is the answer of a callback with one output.
impl<T: IntoOutput> IntoAnswer<Single> for T {
    const VALUES: Option<usize> = if T::FOR_ALL { None } else { Some(1) };

    fn into_answer(self) -> AnswerResult {
        AnswerResult::of([self.into_output()])
    }
}

impl<T: IntoOutput> IntoSingleAnswer<Single> for T {}
impl IntoAnswers<0, Single> for () {}
impl<const N: usize> IntoAnswers<N, Single> for NoUpdate {}

/// The number of values is compared with that of the outputs on each call.
impl IntoAnswer<List> for Outputs {
    const VALUES: Option<usize> = None;

    fn into_answer(self) -> AnswerResult {
        AnswerResult(Ok(Answer::Outputs(self.0)))
    }
}

impl IntoSingleAnswer<List> for Outputs {}
impl<const N: usize> IntoAnswers<N, List> for Outputs {}

/// An error makes the call fail, unless it is [`PreventUpdate`].
impl<M, T: IntoAnswer<M>, E: IntoCallbackError> IntoAnswer<Fallible<M>> for Result<T, E> {
    const VALUES: Option<usize> = T::VALUES;

    fn into_answer(self) -> AnswerResult {
        match self {
            Ok(value) => value.into_answer(),
            Err(error) => AnswerResult::failed(error),
        }
    }
}

impl<M, T: IntoSingleAnswer<M>, E: IntoCallbackError> IntoSingleAnswer<Fallible<M>>
    for Result<T, E>
{
}
impl<const N: usize, M, T: IntoAnswers<N, M>, E: IntoCallbackError> IntoAnswers<N, Fallible<M>>
    for Result<T, E>
{
}

macro_rules! outputs {
    ($count:literal: $($output:ident),+) => {
        impl<$($output: IntoOutput),+> IntoAnswer<Multiple<($($output,)+)>> for ($($output,)+) {
            const VALUES: Option<usize> = Some($count);

            #[expect(non_snake_case, reason = "the values are named after their types")]
            fn into_answer(self) -> AnswerResult {
                let ($($output,)+) = self;
                AnswerResult::of([$($output.into_output()),+])
            }
        }

        impl<$($output: IntoOutput),+> IntoAnswers<$count, Multiple<($($output,)+)>> for ($($output,)+) {}
    };
}
impl<A: IntoOutput> IntoSingleAnswer<Multiple<(A,)>> for (A,) {}
outputs!(1: A);
outputs!(2: A, B);
outputs!(3: A, B, C);
outputs!(4: A, B, C, D);
outputs!(5: A, B, C, D, E);
outputs!(6: A, B, C, D, E, F);
outputs!(7: A, B, C, D, E, F, G);
outputs!(8: A, B, C, D, E, F, G, H);
outputs!(9: A, B, C, D, E, F, G, H, I);
outputs!(10: A, B, C, D, E, F, G, H, I, J);
