//! Handlers: async functions with typed arguments behind one type that takes JSON.
//!
//! Traits describe which functions can be handlers; their messages are what an app's author sees
//! when one does not fit. [`ErasedHandler`] hides the types, so that the rest of the crate is not
//! generic. `#[callback]` uses the same parts through `ferrodash::__private`.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde::de::DeserializeOwned;

use crate::callback::run::outcome::AnswerResult;
use crate::callback::{Answer, CallError, Context, Failure, IntoAnswer};

/// The arguments of a call as they came: the JSON text of each, and where it is from.
///
/// Cloning shares the request's bytes.
#[derive(Debug, Clone)]
pub(crate) struct Arguments {
    /// JSON texts; `null` for an unset property without a default.
    pub(crate) values: Vec<Bytes>,
    /// The source of each, usually `id.property`, for messages.
    pub(crate) names: Arc<[String]>,
}

/// A function that can answer a callback; `A` is the tuple of its arguments.
///
/// Implemented for functions and closures of up to twelve arguments, with a [`Context`] after them
/// if they want one. The bounds of [`CallbackBuilder::handler`](crate::CallbackBuilder::handler)
/// say what an argument, the future and its value have to be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function that can answer a callback",
    label = "not a function of at most twelve arguments",
    note = "a callback's function is an async function or an async closure of at most \
            twelve arguments; several inputs and states can be one argument, a struct: \
            see `CallbackBuilder::args`"
)]
pub trait Handler<A> {
    #[doc(hidden)]
    type Future;
    #[doc(hidden)]
    fn run(&self, arguments: A) -> Self::Future;
}

/// A type that an argument of a callback's function can have: one that serde can read and that owns
/// its data.
///
/// Implemented for every `T: serde::de::DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a callback",
    label = "this type cannot be read from JSON",
    note = "an argument implements `serde::Deserialize` and owns its data: add \
            `#[derive(serde::Deserialize)]` to a type of your own, \
            and take `String` for `&str`"
)]
pub trait CallbackArgument: Sized {
    #[doc(hidden)]
    fn read(text: &[u8]) -> serde_json::Result<Self>;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> CallbackArgument for T {
    fn read(text: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(text)
    }
}

/// A type that the last argument of a callback's function can have: that of the others, or
/// [`Context`].
///
/// `K` tells the two implementations apart and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a callback",
    label = "this type cannot be read from JSON",
    note = "an argument implements `serde::Deserialize` and owns its data: add \
            `#[derive(serde::Deserialize)]` to a type of your own, and take `String` for \
            `&str`; the last argument can be a `Context`"
)]
pub trait LastArgument<K>: Sized {
    #[doc(hidden)]
    fn reader() -> Option<Reader<Self>>;
    #[doc(hidden)]
    fn take(call: &HandlerCall, index: usize) -> Result<Self, HandlerError>;
}

/// Marks a last argument that is a value.
#[doc(hidden)]
pub struct Value;

/// A value as the last argument.
#[diagnostic::do_not_recommend]
impl<T: CallbackArgument> LastArgument<Value> for T {
    fn reader() -> Option<Reader<Self>> {
        Some(reader())
    }

    fn take(call: &HandlerCall, index: usize) -> Result<Self, HandlerError> {
        call.argument(index, reader())
    }
}

/// The context, which is not read from the request's JSON.
impl LastArgument<Context> for Context {
    fn reader() -> Option<Reader<Self>> {
        None
    }

    fn take(call: &HandlerCall, _: usize) -> Result<Self, HandlerError> {
        Ok(call.context.clone())
    }
}

/// The arguments of a callback's function, as a tuple. Implemented for tuples of up to twelve
/// arguments and a [`Context`].
pub trait CallbackArguments<K>: Sized {
    #[doc(hidden)]
    fn signature() -> Signature;
    #[doc(hidden)]
    fn take(call: &HandlerCall) -> Result<Self, HandlerError>;
}

/// The arguments and the number of values of a function.
#[doc(hidden)]
#[derive(Clone)]
pub struct Signature {
    /// A check for each argument's type, without the context.
    pub checks: Vec<Check>,
    /// True if the context comes after them.
    pub takes_context: bool,
    /// The number of values that it returns, if it is known from the type.
    pub values: Option<usize>,
}

/// A check whether a JSON text is a value of a type.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// The name of the type, for messages.
    wanted: &'static str,
    /// Returns why a text is not a value of the type, if it is none.
    error: fn(&[u8]) -> Option<serde_json::Error>,
}

/// Reads an argument of one type.
#[doc(hidden)]
pub struct Reader<T> {
    read: fn(&[u8]) -> serde_json::Result<T>,
    pub check: Check,
}

/// The reader of a type.
#[doc(hidden)]
pub fn reader<T: CallbackArgument>() -> Reader<T> {
    let check = Check {
        wanted: std::any::type_name::<T>(),
        error: |text| T::read(text).err(),
    };
    Reader {
        read: T::read,
        check,
    }
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Reader<T> {}

/// One call, as it is passed to its function.
#[doc(hidden)]
pub struct HandlerCall {
    arguments: Arguments,
    context: Context,
}

/// An argument that cannot be read.
#[doc(hidden)]
pub struct HandlerError(CallError);

/// A call in progress.
#[doc(hidden)]
pub type HandlerFuture = BoxFuture<'static, AnswerResult>;

#[doc(hidden)]
impl HandlerCall {
    /// Reads the argument with this index.
    ///
    /// # Errors
    /// [`HandlerError`] if its value is not a `T`.
    pub fn argument<T>(&self, index: usize, reader: Reader<T>) -> Result<T, HandlerError> {
        self.arguments
            .take(index, reader.read)
            .map_err(HandlerError)
    }

    /// Returns the context of the call.
    pub fn into_context(self) -> Context {
        self.context
    }
}

/// Waits for the result of a function, and passes it to `answer`, which turns it into values.
#[doc(hidden)]
pub fn run<F>(
    future: F,
    answer: impl FnOnce(F::Output) -> AnswerResult + Send + 'static,
) -> HandlerFuture
where
    F: Future + Send + 'static,
{
    future.map(answer).boxed()
}

/// A handler whose types are erased. Shared by all calls of a callback.
pub(crate) struct ErasedHandler {
    signature: Signature,
    call: Box<dyn Fn(HandlerCall) -> Result<HandlerFuture, HandlerError> + Send + Sync>,
}

impl ErasedHandler {
    /// Makes a handler of a function that reads its arguments itself.
    pub(crate) fn new(
        signature: Signature,
        call: impl Fn(HandlerCall) -> Result<HandlerFuture, HandlerError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            signature,
            call: Box::new(call),
        })
    }

    /// Returns the number of its arguments, without the context.
    pub(crate) fn arguments(&self) -> usize {
        self.signature.checks.len()
    }

    /// Returns whether it takes the context.
    pub(crate) fn takes_context(&self) -> bool {
        self.signature.takes_context
    }

    /// Returns the number of its values, if it is known from the type.
    pub(crate) fn values(&self) -> Option<usize> {
        self.signature.values
    }

    /// Returns the type of its argument with this index and the error of reading `text` as that, if
    /// it cannot be read.
    pub(crate) fn refuses(
        &self,
        index: usize,
        text: &[u8],
    ) -> Option<(&'static str, serde_json::Error)> {
        let check = self.signature.checks.get(index)?;
        Some((check.wanted, (check.error)(text)?))
    }

    /// Reads the arguments and calls the function. An error of reading is the result of the
    /// returned future.
    pub(crate) fn call(
        &self,
        arguments: Arguments,
        context: Context,
    ) -> BoxFuture<'static, Result<Answer, CallError>> {
        match (self.call)(HandlerCall { arguments, context }) {
            Ok(running) => running.map(|AnswerResult(result)| result).boxed(),
            Err(HandlerError(error)) => ready(Err(error)).boxed(),
        }
    }
}

/// Erases the types of a function: arguments are read, its result is turned into values.
pub(crate) fn erase<A, K, M, H>(handler: H) -> Arc<ErasedHandler>
where
    H: Handler<A> + Send + Sync + 'static,
    H::Future: Future<Output: IntoAnswer<M>> + Send + 'static,
    A: CallbackArguments<K>,
    M: 'static,
{
    let values = <<H::Future as Future>::Output as IntoAnswer<M>>::VALUES;
    let signature = Signature {
        values,
        ..A::signature()
    };
    ErasedHandler::new(signature, move |call| {
        Ok(run(handler.run(A::take(&call)?), IntoAnswer::into_answer))
    })
}

impl Arguments {
    /// Reads one argument; a missing one is `null`.
    fn take<T>(
        &self,
        index: usize,
        read: fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, CallError> {
        let text = self.values.get(index).map_or(&b"null"[..], |bytes| bytes);
        read(text).map_err(|error| CallError::Argument {
            dependency: self.names.get(index).cloned().unwrap_or_default(),
            received: shortened(text),
            wanted: std::any::type_name::<T>(),
            reason: error.to_string(),
        })
    }
}

/// Turns a failure into the answer of its call, or into another failure.
pub(crate) type ErrorHandler =
    Arc<dyn Fn(&Failure, &Context) -> Result<Answer, CallError> + Send + Sync>;

/// Erases the type of an error handler's result.
pub(crate) fn error_handler<M, R: IntoAnswer<M>>(
    handle: impl Fn(&Failure, &Context) -> R + Send + Sync + 'static,
) -> ErrorHandler {
    Arc::new(move |failure, context| handle(failure, context).into_answer().0)
}

/// Learns of a failure before a handler of errors answers.
pub(crate) type FailureListener = Arc<dyn Fn(&Failure, &Context) + Send + Sync>;

/// Returns the beginning of a text, at most 200 characters, for messages: what was sent may be
/// long.
pub(crate) fn shortened(text: &[u8]) -> String {
    const LIMIT: usize = 200;
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

impl<F, Fut> Handler<()> for F
where
    F: Fn() -> Fut,
{
    type Future = Fut;

    fn run(&self, (): ()) -> Fut {
        self()
    }
}

impl CallbackArguments<()> for () {
    fn signature() -> Signature {
        Signature {
            checks: Vec::new(),
            takes_context: false,
            values: None,
        }
    }

    fn take(_: &HandlerCall) -> Result<Self, HandlerError> {
        Ok(())
    }
}

/// Functions of some arguments and a last one.
macro_rules! handler {
    ($($argument:ident $index:tt),*; $last:ident $count:tt) => {
        impl<F, Fut, $($argument,)* $last> Handler<($($argument,)* $last,)> for F
        where
            F: Fn($($argument,)* $last) -> Fut,
        {
            type Future = Fut;

            fn run(&self, arguments: ($($argument,)* $last,)) -> Fut {
                self($(arguments.$index,)* arguments.$count)
            }
        }

        impl<K, $($argument,)* $last> CallbackArguments<K> for ($($argument,)* $last,)
        where
            $($argument: CallbackArgument,)*
            $last: LastArgument<K>,
        {
            fn signature() -> Signature {
                let last = <$last as LastArgument<K>>::reader();
                let mut checks = vec![$(reader::<$argument>().check),*];
                checks.extend(last.map(|last| last.check));
                Signature { checks, takes_context: last.is_none(), values: None }
            }

            fn take(call: &HandlerCall) -> Result<Self, HandlerError> {
                Ok(($(call.argument($index, reader::<$argument>())?,)* $last::take(call, $count)?,))
            }
        }
    };
}
handler!(; A 0);
handler!(A 0; B 1);
handler!(A 0, B 1; C 2);
handler!(A 0, B 1, C 2; D 3);
handler!(A 0, B 1, C 2, D 3; E 4);
handler!(A 0, B 1, C 2, D 3, E 4; G 5);
handler!(A 0, B 1, C 2, D 3, E 4, G 5; H 6);
handler!(A 0, B 1, C 2, D 3, E 4, G 5, H 6; I 7);
handler!(A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7; J 8);
handler!(A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8; L 9);
handler!(A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, L 9; N 10);
handler!(A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, L 9, N 10; O 11);
handler!(A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, L 9, N 10, O 11; P 12);
