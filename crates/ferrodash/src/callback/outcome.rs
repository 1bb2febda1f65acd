//! What a callback's function returns, and what becomes of it.

use std::error::Error;
use std::sync::Arc;

use ferrodash_components::{Child, Children, IntoProp, Prop};

use super::{Patch, Vary};

/// The values for the outputs, or the wish to change nothing.
pub(crate) enum Answer {
    /// One value per output.
    Outputs(Vec<OutputValue>),
    /// Nothing changes.
    PreventUpdate,
}

/// What becomes of an output.
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
    /// The value as it is written; `null` for no update.
    pub(crate) fn into_prop(self) -> Prop {
        match self {
            Self::To(value) | Self::Patch(value) => value,
            Self::No => Prop::Nothing,
            Self::Each(values) => Prop::List(values.into_iter().map(Self::into_prop).collect()),
        }
    }

    /// The value as a property of this name can have it: what is shown is one list, as in a layout.
    pub(crate) fn fit(self, property: &str) -> Self {
        match self {
            Self::To(value) if property == "children" => Self::To(value.flatten_children()),
            other => other,
        }
    }

    /// Whether it says everything about its output, whatever the page shows.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::To(_) => true,
            Self::No | Self::Patch(_) => false,
            Self::Each(values) => values.iter().all(Self::is_whole),
        }
    }

    /// One value for each component of a list; `None` if it is no list.
    pub(crate) fn into_each(self) -> Option<Vec<Self>> {
        match self {
            Self::Each(values) => Some(values),
            Self::To(Prop::List(values)) => Some(values.into_iter().map(Self::To).collect()),
            Self::To(Prop::Json(serde_json::Value::Array(values))) => {
                Some(values.into_iter().map(|value| Self::To(Prop::Json(value))).collect())
            }
            Self::To(Prop::Children(Children::Many(children))) => {
                let one = |child: Child| Self::To(Prop::Children(Children::One(child)));
                Some(children.into_iter().map(one).collect())
            }
            Self::To(Prop::Children(Children::None)) => Some(Vec::new()),
            _ => None,
        }
    }
}

/// Why a call has no answer. Cloned to all who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CallError {
    /// The function returned an error.
    #[error("{0}")]
    Function(Arc<dyn Error + Send + Sync>),
    /// An argument is not what the function takes.
    #[error("the value of {dependency} does not fit: received {received}, wanted {wanted}: {reason}")]
    Argument { dependency: String, received: String, wanted: &'static str, reason: String },
    /// A cached function read something that its key does not have.
    #[error(
        "it is cached and read {0} without declaring it, so its answer would be given to others too; add vary = \"{0}\" \
         to its cache options"
    )]
    Undeclared(Vary),
    /// The function returned another number of values than the callback has outputs.
    #[error("it returned {returned} values for {outputs} outputs")]
    OutputCount { returned: usize, outputs: usize },
    /// The value for an output with `ALL` does not have one item for each of its components.
    #[error("{output} stands for {components} components, but {returned}; return a list with one item for each")]
    ListOutput { output: String, components: usize, returned: String },
    /// A cached function changed the answer for its caller only.
    #[error(
        "it is cached and {0}, which would reach only one of those who get its answer; do that in a callback without cache"
    )]
    EffectInCache(&'static str),
    /// A function whose calls travel with others set something for its own answer.
    #[error(
        "it is declared `batch`, but {0} was set, which an answer that travels with others does not have; take `batch` away"
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
    /// The function ran longer than it may.
    #[error(
        "it took longer than {0:?} and was cancelled; raise its timeout, or that of the app with App::call_timeout"
    )]
    TimedOut(std::time::Duration),
    /// The error of an earlier call, which is kept for a while.
    #[error("{0} (an earlier call's error, kept for a while)")]
    Kept(Arc<str>),
}

/// Leaves one output as it is; returned in the place of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoUpdate;

/// Leaves one output as it is. The same as [`NoUpdate`], in Dash's spelling.
pub fn no_update() -> NoUpdate {
    NoUpdate
}

/// A value for an output, or no update, decided while running.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing is to be updated")]
pub struct PreventUpdate;

/// The error type for a callback that has none of its own; `?` turns any error into it.
///
/// It is no [`Error`] itself, as otherwise it could not be made of all errors; the original one is inside.
#[derive(Debug)]
pub struct CallbackError(Box<dyn Error + Send + Sync>);

impl CallbackError {
    /// An error that is only a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for CallbackError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl From<CallbackError> for Box<dyn Error + Send + Sync> {
    fn from(error: CallbackError) -> Self {
        error.0
    }
}

/// One value for each component of an output with [`ALL`](crate::ALL), some of which may stay as they are.
///
/// A plain `Vec` of values does as well; this one also takes [`Update`] and [`Patch`].
///
/// ```
/// use ferrodash::{Each, Update};
/// async fn mark(values: Vec<i32>) -> Each<Update<&'static str>> {
///     Each(values.into_iter().map(|value| if value < 0 { Update::To("negative") } else { Update::No }).collect())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Each<T>(pub Vec<T>);

/// A value for one output.
#[diagnostic::on_unimplemented(
    message = "a callback cannot write `{Self}` to an output",
    note = "text, numbers, booleans, components, `serde_json::Value`, options and lists of these, `Update`, `NoUpdate`, \
            `Patch` and `Each` can be; wrap any other value that serializes in `Json`"
)]
pub trait IntoOutput {
    /// The value.
    fn into_output(self) -> OutputValue;
}

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

impl IntoOutput for NoUpdate {
    fn into_output(self) -> OutputValue {
        OutputValue::No
    }
}

impl IntoOutput for Patch {
    fn into_output(self) -> OutputValue {
        OutputValue::Patch(self.into_prop_value())
    }
}

impl<T: IntoOutput> IntoOutput for Update<T> {
    fn into_output(self) -> OutputValue {
        match self {
            Self::To(value) => value.into_output(),
            Self::No => OutputValue::No,
        }
    }
}

impl<T: IntoOutput> IntoOutput for Each<T> {
    fn into_output(self) -> OutputValue {
        OutputValue::Each(self.0.into_iter().map(IntoOutput::into_output).collect())
    }
}

/// What a callback's function can return: a value, a tuple of values for several outputs, or a `Result` of these.
#[diagnostic::on_unimplemented(
    message = "a callback cannot return `{Self}`",
    note = "it returns a value for its output, a tuple of values for several outputs, or a `Result` of these whose \
            error is a `std::error::Error` or text; wrap a value that only serializes in `Json`"
)]
pub trait IntoAnswer<M> {
    #[doc(hidden)]
    fn into_answer(self) -> AnswerResult;
}

#[doc(hidden)]
pub struct AnswerResult(pub(crate) Result<Answer, CallError>);

#[doc(hidden)]
pub struct Single;

#[doc(hidden)]
pub struct Multiple<T>(std::marker::PhantomData<T>);

#[doc(hidden)]
pub struct Fallible<M>(std::marker::PhantomData<M>);

impl<T: IntoOutput> IntoAnswer<Single> for T {
    fn into_answer(self) -> AnswerResult {
        AnswerResult(Ok(Answer::Outputs(vec![self.into_output()])))
    }
}

impl<M, T, E> IntoAnswer<Fallible<M>> for Result<T, E>
where
    T: IntoAnswer<M>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn into_answer(self) -> AnswerResult {
        match self {
            Ok(value) => value.into_answer(),
            Err(error) => {
                let error: Box<dyn Error + Send + Sync> = error.into();
                AnswerResult(match error.is::<PreventUpdate>() {
                    true => Ok(Answer::PreventUpdate),
                    false => Err(CallError::Function(error.into())),
                })
            }
        }
    }
}

macro_rules! outputs {
    ($($output:ident),+) => {
        impl<$($output: IntoOutput),+> IntoAnswer<Multiple<($($output,)+)>> for ($($output,)+) {
            #[expect(non_snake_case, reason = "the values are named after their types")]
            fn into_answer(self) -> AnswerResult {
                let ($($output,)+) = self;
                AnswerResult(Ok(Answer::Outputs(vec![$($output.into_output()),+])))
            }
        }
    };
}
outputs!(A);
outputs!(A, B);
outputs!(A, B, C);
outputs!(A, B, C, D);
outputs!(A, B, C, D, E);
outputs!(A, B, C, D, E, F);
outputs!(A, B, C, D, E, F, G);
outputs!(A, B, C, D, E, F, G, H);
outputs!(A, B, C, D, E, F, G, H, I);
outputs!(A, B, C, D, E, F, G, H, I, J);
