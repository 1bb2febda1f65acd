//! Async functions as handlers: JSON values in, typed arguments, an answer out.

use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde::de::DeserializeOwned;

use super::{Answer, CallError, Context, IntoAnswer};

/// The arguments of a call as they came: the JSON text of each, and where it is from.
///
/// Cloning shares the request's bytes.
#[derive(Debug, Clone)]
pub(crate) struct Arguments {
    /// JSON texts; `null` for an unset property without a default.
    pub(crate) values: Vec<Bytes>,
    /// What each is, usually `id.property`, for messages.
    pub(crate) names: Arc<[String]>,
}

/// An async function that can answer a callback.
///
/// Implemented for functions of up to twelve arguments that serde can read, with or without a [`Context`] at the end.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot answer a callback",
    note = "it must be an async function whose arguments implement `serde::Deserialize` and are owned, with a `Context` \
            at the end if it wants one, whose future is `Send`, and whose value can be written to a property; wrap a value that only serializes in \
            `Json`"
)]
pub trait Handler<M>: Send + Sync + 'static {
    #[doc(hidden)]
    const ARGUMENTS: usize;
    #[doc(hidden)]
    const TAKES_CONTEXT: bool;
    #[doc(hidden)]
    fn call(&self, call: HandlerCall) -> BoxFuture<'static, HandlerResult>;
}

#[doc(hidden)]
pub struct HandlerCall {
    arguments: Arguments,
    context: Context,
}

#[doc(hidden)]
pub struct HandlerResult(Result<Answer, CallError>);

#[doc(hidden)]
pub struct PlainMarker<A, M>(PhantomData<(A, M)>);

#[doc(hidden)]
pub struct WithContext<A, M>(PhantomData<(A, M)>);

/// A handler whose types are forgotten.
pub(crate) trait ErasedHandler: Send + Sync {
    /// How many arguments it takes, without the context.
    fn arguments(&self) -> usize;
    /// Whether it takes the context.
    fn takes_context(&self) -> bool;
    /// Calls the function.
    fn call(&self, arguments: Arguments, context: Context) -> BoxFuture<'static, Result<Answer, CallError>>;
}

struct Erased<H, M>(H, PhantomData<fn() -> M>);

impl<M: 'static, H: Handler<M>> ErasedHandler for Erased<H, M> {
    fn arguments(&self) -> usize {
        H::ARGUMENTS
    }

    fn takes_context(&self) -> bool {
        H::TAKES_CONTEXT
    }

    fn call(&self, arguments: Arguments, context: Context) -> BoxFuture<'static, Result<Answer, CallError>> {
        self.0.call(HandlerCall { arguments, context }).map(|HandlerResult(result)| result).boxed()
    }
}

pub(crate) fn erase<M: 'static, H: Handler<M>>(handler: H) -> Arc<dyn ErasedHandler> {
    Arc::new(Erased(handler, PhantomData))
}

impl Arguments {
    fn take<T: DeserializeOwned>(&self, index: usize) -> Result<T, CallError> {
        let text = self.values.get(index).map_or(&b"null"[..], |bytes| bytes);
        serde_json::from_slice(text).map_err(|error| CallError::Argument {
            dependency: self.names.get(index).cloned().unwrap_or_default(),
            received: shortened(text),
            wanted: std::any::type_name::<T>(),
            reason: error.to_string(),
        })
    }
}

/// The beginning of a text, for messages.
pub(crate) fn shortened(text: &[u8]) -> String {
    const LIMIT: usize = 200;
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

fn refused(error: CallError) -> BoxFuture<'static, HandlerResult> {
    ready(HandlerResult(Err(error))).boxed()
}

macro_rules! handler {
    ($count:literal: $($argument:ident $index:tt),*) => {
        impl<F, Fut, M, $($argument),*> Handler<PlainMarker<($($argument,)*), M>> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: IntoAnswer<M>> + Send + 'static,
            $($argument: DeserializeOwned,)*
        {
            const ARGUMENTS: usize = $count;
            const TAKES_CONTEXT: bool = false;

            #[allow(unused_variables, clippy::allow_attributes, reason = "a function may take no argument")]
            fn call(&self, call: HandlerCall) -> BoxFuture<'static, HandlerResult> {
                $(
                    #[expect(non_snake_case, reason = "the arguments are named after their types")]
                    let $argument = match call.arguments.take($index) {
                        Ok(argument) => argument,
                        Err(error) => return refused(error),
                    };
                )*
                self($($argument),*).map(|value| HandlerResult(value.into_answer().0)).boxed()
            }
        }

        impl<F, Fut, M, $($argument),*> Handler<WithContext<($($argument,)*), M>> for F
        where
            F: Fn($($argument,)* Context) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: IntoAnswer<M>> + Send + 'static,
            $($argument: DeserializeOwned,)*
        {
            const ARGUMENTS: usize = $count;
            const TAKES_CONTEXT: bool = true;

            fn call(&self, call: HandlerCall) -> BoxFuture<'static, HandlerResult> {
                $(
                    #[expect(non_snake_case, reason = "the arguments are named after their types")]
                    let $argument = match call.arguments.take($index) {
                        Ok(argument) => argument,
                        Err(error) => return refused(error),
                    };
                )*
                self($($argument,)* call.context).map(|value| HandlerResult(value.into_answer().0)).boxed()
            }
        }
    };
}
handler!(0:);
handler!(1: A 0);
handler!(2: A 0, B 1);
handler!(3: A 0, B 1, C 2);
handler!(4: A 0, B 1, C 2, D 3);
handler!(5: A 0, B 1, C 2, D 3, E 4);
handler!(6: A 0, B 1, C 2, D 3, E 4, G 5);
handler!(7: A 0, B 1, C 2, D 3, E 4, G 5, H 6);
handler!(8: A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7);
handler!(9: A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8);
handler!(10: A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9);
handler!(11: A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9, L 10);
handler!(12: A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9, L 10, N 11);
