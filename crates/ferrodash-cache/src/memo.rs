//! What `#[memoize]` expands to. It can be called by hand for a function that the attribute does not fit.
//!
//! Values are kept as MessagePack with field names, which any `Serialize` type survives, also one that was read from
//! JSON, and which tolerates added and reordered fields.

use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Cache, Computed, Failure, Key, Policy};

/// The key of one call, made before the arguments are moved into the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arguments(Key);

impl Arguments {
    /// The arguments of a call, as a tuple of references.
    ///
    /// # Panics
    /// When serializing the arguments fails.
    pub fn of(function: &Function, arguments: &impl Serialize) -> Self {
        Self(function.key(arguments))
    }
}

/// The identity of a memoized function: its path, and a digest of its source, so that a changed function does not find
/// what its old form left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Path and name.
    pub name: &'static str,
    /// Digest of the source.
    pub version: &'static str,
}

impl Function {
    /// The key of a call.
    pub fn key(&self, arguments: &impl Serialize) -> Key {
        Key::of(self.name, &(self.version, arguments))
    }
}

/// The value of a function that returns a `Result`: kept when it is `Ok`, never when it is an error.
///
/// # Errors
/// The function's own error, a clone for each who waited.
///
/// # Panics
/// When the function panics, in all who waited.
pub async fn result<T, E, Fut>(
    function: Function,
    arguments: Arguments,
    policy: &Policy,
    call: impl FnOnce() -> Fut,
) -> Result<T, E>
where
    T: Serialize + DeserializeOwned + Send + 'static,
    E: Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<T, E>> + Send + 'static,
{
    let cache = Cache::current();
    let Arguments(key) = arguments;
    let compute = move || {
        let call = call();
        async move { Ok::<_, E>(encode(&function, &call.await?)) }
    };
    // An entry that another form of the type left in a shared store is computed anew.
    let readable = |bytes: &Bytes| rmp_serde::from_slice::<T>(bytes).is_ok();
    match cache.get_or_compute_if(key, policy, readable, compute).await.result {
        Ok(entry) => Ok(decode(&function, &entry.bytes)),
        Err(Failure::Error(error)) => Err(error),
        Err(Failure::Panic(message)) => std::panic::resume_unwind(Box::new(message.to_string())),
    }
}

/// The value of a function that does not fail.
///
/// # Panics
/// When the function panics, in all who waited.
pub async fn value<T, Fut>(function: Function, arguments: Arguments, policy: &Policy, call: impl FnOnce() -> Fut) -> T
where
    T: Serialize + DeserializeOwned + Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let call = || {
        let call = call();
        async move { Ok::<_, Infallible>(call.await) }
    };
    match result(function, arguments, policy, call).await {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

fn encode<T: Serialize>(function: &Function, value: &T) -> Computed {
    match rmp_serde::to_vec_named(value) {
        Ok(bytes) => Computed::keep(bytes),
        Err(error) => panic!("the value of {} cannot be kept: {error}", function.name),
    }
}

fn decode<T: DeserializeOwned>(function: &Function, bytes: &[u8]) -> T {
    match rmp_serde::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => panic!("the kept value of {} cannot be read: {error}", function.name),
    }
}

/// Finds out, where the type is known, whether a function returns a `Result`: by the type and not by how it is
/// spelled, so that an alias of `Result` is one too.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Probe<T>(PhantomData<fn() -> T>);

#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Fallible;

#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Plain;

#[doc(hidden)]
impl<T> Probe<T> {
    #[expect(clippy::new_without_default, reason = "only for generated code")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// Chosen first by method resolution for `(&Probe).kind()`, as it needs one reference less than [`ProbePlain`].
#[doc(hidden)]
pub trait ProbeFallible {
    fn kind(&self) -> Fallible {
        Fallible
    }
}

#[doc(hidden)]
pub trait ProbePlain {
    fn kind(&self) -> Plain {
        Plain
    }
}

impl<T, E> ProbeFallible for Probe<Result<T, E>> {}
impl<T> ProbePlain for &Probe<T> {}

#[doc(hidden)]
impl Fallible {
    pub async fn run<T, E, Fut>(
        self,
        function: Function,
        arguments: Arguments,
        policy: &Policy,
        call: impl FnOnce() -> Fut,
    ) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        E: Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        result(function, arguments, policy, call).await
    }
}

#[doc(hidden)]
impl Plain {
    pub async fn run<T, Fut>(
        self,
        function: Function,
        arguments: Arguments,
        policy: &Policy,
        call: impl FnOnce() -> Fut,
    ) -> T
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
    {
        value(function, arguments, policy, call).await
    }
}
