//! What a callback's function returns, and what becomes of it.

use std::error::Error;
use std::sync::Arc;

use ferrodash_components::{IntoProp, Prop};

use super::Vary;

/// The values for the outputs, or the wish to change nothing.
pub(crate) enum Answer {
    /// One value per output; `None` leaves the output as it is.
    Outputs(Vec<Option<Prop>>),
    /// Nothing changes.
    PreventUpdate,
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
    /// A value cannot be written as JSON.
    #[error("the value for {output} cannot be written as JSON: {reason}")]
    Serialize { output: String, reason: String },
    /// The function panicked.
    #[error("it panicked: {0}")]
    Panic(Arc<str>),
    /// The function ran longer than it may.
    #[error("it took longer than {0:?} and was ended")]
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

/// A value for one output.
pub trait IntoOutput {
    /// The value; `None` leaves the output as it is.
    fn into_output(self) -> Option<Prop>;
}

impl<T: IntoProp> IntoOutput for T {
    fn into_output(self) -> Option<Prop> {
        Some(self.into_prop())
    }
}

impl IntoOutput for NoUpdate {
    fn into_output(self) -> Option<Prop> {
        None
    }
}

impl<T: IntoProp> IntoOutput for Update<T> {
    fn into_output(self) -> Option<Prop> {
        match self {
            Self::To(value) => Some(value.into_prop()),
            Self::No => None,
        }
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
