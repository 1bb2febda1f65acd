//! The functions to which `#[memoize]` expands. They can be called by hand for a function that the
//! attribute does not fit.
//!
//! Values are stored as MessagePack with field names. This form works for every `Serialize` type,
//! also for one that was read from JSON, and it tolerates added and reordered fields.
//!
//! All functions use the [current](Cache::current) cache and the [current](Mode::current) mode.
//! They do what [`Cache::get_or_compute`] does, with typed arguments and values, and turn a panic
//! or a timeout of the function into a panic of the caller.
//!
//! ```
//! use std::time::Duration;
//! use ferrodash_cache::Policy;
//! use ferrodash_cache::memo::{self, Arguments, Function};
//!
//! const SQUARE: Function = Function { name: "square", version: "1", owner: None };
//!
//! async fn square(x: u64) -> u64 {
//!     let policy = Policy::new(Duration::from_secs(60));
//!     let arguments = Arguments::of(&SQUARE, &(&x,));
//!     memo::value(SQUARE, arguments, &policy, move || async move { x * x }).await
//! }
//! # #[tokio::main(flavor = "current_thread")] async fn main() { assert_eq!(square(7).await, 49); }
//! ```

use std::any::type_name;
use std::borrow::Cow;
use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

use crate::run::Run;
use crate::{Cache, CallOptions, Computed, Entry, Failure, Key, Mode, Policy, Unreached};

/// The key of one call, which is made before the arguments are moved into the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arguments(Key);

impl Arguments {
    /// Makes the key of a call from its arguments, as a tuple of references.
    ///
    /// # Panics
    /// If serializing the arguments fails.
    pub fn of(function: &Function, arguments: &impl Serialize) -> Self {
        Self(function.key(arguments))
    }
}

/// The identity of a memoized function: its path, and a digest of its source, so that a changed
/// function does not find the values of its old form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// The path and the name.
    pub name: &'static str,
    /// A digest of the source.
    pub version: &'static str,
    /// For a method, the name of its type. Two types in one module can have methods of one name.
    pub owner: Option<&'static str>,
}

impl Function {
    /// Returns the name of the function in keys and in metrics.
    fn full_name(&self) -> Cow<'static, str> {
        match self.owner {
            None => Cow::Borrowed(self.name),
            Some(owner) => Cow::Owned(format!("{} of {owner}", self.name)),
        }
    }

    /// Returns the key of a call with these arguments.
    ///
    /// # Panics
    /// If serializing the arguments fails.
    pub fn key(&self, arguments: &impl Serialize) -> Key {
        Key::of(&self.full_name(), &(self.version, arguments))
    }

    /// Invalidates the values of all calls in the current cache.
    ///
    /// # Errors
    /// If the tier that keeps the marks could not be reached.
    pub async fn forget_all(&self) -> Result<(), Unreached> {
        Cache::current()
            .invalidate_function(&self.full_name())
            .await
    }
}

/// Returns the value of a function that returns a `Result`. An `Ok` is stored, an error never is.
///
/// Concurrent callers share one run; see [`Cache::get_or_compute`] for concurrency and
/// cancellation.
///
/// # Errors
/// The function's own error, as a clone for each caller that waited.
///
/// # Panics
/// In all callers that waited: if the function panics, or if it takes longer than
/// [`Policy::hard_timeout`]. If the value cannot be serialized, or a stored one cannot be read.
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
    let compute = move || {
        let call = call();
        async move { Ok::<_, E>(encode(&function, call.await?)) }
    };
    match answer::<T, E, _, _>(&function, arguments, policy, readable::<T>, compute).await {
        Ok(entry) => Ok(decode(&function, &entry)),
        Err(error) => Err(error),
    }
}

/// Like [`result`], but stores errors too, each for the time that `negative` returns. A caller
/// within that time gets the error without a run. Errors for which it returns `None` or zero are
/// not stored.
///
/// # Errors
/// The function's own error, or a stored one.
///
/// # Panics
/// As for [`result`].
pub async fn result_with_negative<T, E, Fut>(
    function: Function,
    arguments: Arguments,
    policy: &Policy,
    negative: fn(&E) -> Option<Duration>,
    call: impl FnOnce() -> Fut,
) -> Result<T, E>
where
    T: Serialize + DeserializeOwned + Send + 'static,
    E: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<T, E>> + Send + 'static,
{
    let compute = move || {
        let call = call();
        async move {
            match call.await {
                Ok(value) => Ok(encode(&function, value)),
                Err(error) => match negative(&error).filter(|time| !time.is_zero()) {
                    Some(time) => Ok(Computed::negative(to_bytes(&function, &error), time)),
                    None => Err(error),
                },
            }
        }
    };
    match answer::<T, E, _, _>(
        &function,
        arguments,
        policy,
        readable_or_negative::<T, E>,
        compute,
    )
    .await
    {
        Ok(entry) if entry.parts().negative => Err(decode(&function, &entry)),
        Ok(entry) => Ok(decode(&function, &entry)),
        Err(error) => Err(error),
    }
}

/// Returns the value of a function that cannot fail. Otherwise like [`result`].
///
/// # Panics
/// As for [`result`].
pub async fn value<T, Fut>(
    function: Function,
    arguments: Arguments,
    policy: &Policy,
    call: impl FnOnce() -> Fut,
) -> T
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

/// Stores a value as if the function had just returned it. Returns `false` as [`Cache::set`] does.
///
/// # Panics
/// If the value cannot be serialized.
pub async fn prime<T: Serialize>(
    function: Function,
    arguments: Arguments,
    policy: &Policy,
    value: &T,
) -> bool {
    Cache::current()
        .set_kind(
            &arguments.0,
            to_bytes(&function, value),
            policy,
            fingerprint::<T>(),
        )
        .await
}

/// Removes the value of a call from the current cache.
///
/// # Errors
/// If a tier could not be reached and may still have the value.
pub async fn forget(arguments: Arguments) -> Result<(), Unreached> {
    Cache::current().remove(&arguments.0).await
}

/// Runs a blocking function on a thread for blocking work, with the cache and the run of the caller
/// as the current ones.
///
/// # Cancellation
/// A function that has begun cannot be stopped: if the caller is dropped or its time runs out, the
/// function continues on its thread and its value is dropped.
///
/// # Panics
/// If the function panics, or if the runtime shuts down before the function has begun.
pub async fn blocking<T: Send + 'static>(function: impl FnOnce() -> T + Send + 'static) -> T {
    // Task-local variables do not exist on the other thread, so they are set again there.
    let (cache, run) = (Cache::current(), Run::current());
    let work = tokio::task::spawn_blocking(move || cache.sync_scope(|| run.sync_scope(function)));
    match work.await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("the blocking function was not run: {error}"),
        },
    }
}

/// Makes calls so that later ones find their values, at most `at_once` at the same time. Zero
/// counts as one. The values are dropped.
///
/// The calls run in the caller's task, so a panic in one of them ends the others too, and dropping
/// the returned future stops them.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # async fn rows(page: u32) -> u32 { page }
/// use ferrodash_cache::memo;
/// memo::warm(4, (0..20).map(rows)).await;
/// # }
/// ```
pub async fn warm<F: Future>(at_once: usize, calls: impl IntoIterator<Item = F>) {
    stream::iter(calls)
        .buffer_unordered(at_once.max(1))
        .for_each(|_| async {})
        .await;
}

/// Makes a call through the current cache, and turns a panic or a timeout of the function into a
/// panic of the caller.
async fn answer<T, E, F, Fut>(
    function: &Function,
    arguments: Arguments,
    policy: &Policy,
    readable: fn(&Entry) -> bool,
    compute: F,
) -> Result<Entry, E>
where
    T: Serialize + DeserializeOwned,
    E: Clone + Send + Sync + 'static,
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<Computed, E>> + Send + 'static,
{
    let (cache, mode) = (Cache::current(), Mode::current());
    let fingerprint = fingerprint::<T>();
    // A copy in memory needs no options, so they are made only without one.
    if let Some(entry) = cache.at_hand(&arguments.0, policy, fingerprint, mode) {
        return Ok(entry);
    }
    let options = CallOptions::new()
        .name(function.full_name())
        .fingerprint(fingerprint)
        .mode(mode)
        .same(same::<T>)
        .readable(readable);
    match cache
        .get_or_compute_with(arguments.0, policy, &options, compute)
        .await
        .result
    {
        Ok(entry) => Ok(entry),
        Err(Failure::Error(error)) => Err(error),
        Err(Failure::Panic(message)) => std::panic::resume_unwind(Box::new(message.to_string())),
        Err(Failure::TimedOut(time)) => {
            panic!(
                "{} took longer than {time:?} and was stopped",
                function.name
            )
        }
    }
}

/// Returns the kind of a value: a digest of the name of its type. A value of a type with another
/// name counts as absent.
fn fingerprint<T>() -> u64 {
    xxh3_64(type_name::<T>().as_bytes())
}

/// Returns `true` if a value can be read. The decoded value stays with the entry, so that it is
/// decoded once.
fn readable<T: DeserializeOwned + Send + 'static>(entry: &Entry) -> bool {
    !entry.parts().negative && decoded::<T>(entry)
}

/// Like [`readable`], for an entry that may contain an error.
fn readable_or_negative<T, E>(entry: &Entry) -> bool
where
    T: DeserializeOwned + Send + 'static,
    E: DeserializeOwned + Send + 'static,
{
    if entry.parts().negative {
        decoded::<E>(entry)
    } else {
        decoded::<T>(entry)
    }
}

/// Decodes an entry and leaves the value with it. Returns `false` if that fails.
fn decoded<T: DeserializeOwned + Send + 'static>(entry: &Entry) -> bool {
    rmp_serde::from_slice::<T>(entry.bytes())
        .map(|value| entry.prepare(Box::new(value)))
        .is_ok()
}

/// Compares two stored values, whatever the order of their maps. The canonical form of [`Key`]
/// serves for that.
fn same<T: Serialize + DeserializeOwned>(a: &Bytes, b: &Bytes) -> bool {
    let key = |bytes: &Bytes| Key::try_of("", &rmp_serde::from_slice::<T>(bytes).ok()?).ok();
    a == b || key(a).is_some_and(|a| key(b) == Some(a))
}

/// Encodes a value for the tiers, and keeps it as it is for the caller that started the run.
fn encode<T: Serialize + Send + 'static>(function: &Function, value: T) -> Computed {
    let bytes = to_bytes(function, &value);
    Computed {
        prepared: Some(Box::new(value)),
        ..Computed::keep(bytes)
    }
}

/// Takes the decoded value of an entry, or decodes its bytes.
fn decode<T: DeserializeOwned + 'static>(function: &Function, entry: &Entry) -> T {
    if let Some(value) = entry.take_prepared() {
        return value;
    }
    match rmp_serde::from_slice(entry.bytes()) {
        Ok(value) => value,
        Err(error) => panic!(
            "the kept value of {} cannot be read: {error}",
            function.name
        ),
    }
}

/// Encodes a value as MessagePack with field names.
fn to_bytes<T: Serialize>(function: &Function, value: &T) -> Bytes {
    match rmp_serde::to_vec_named(value) {
        Ok(bytes) => bytes.into(),
        Err(error) => panic!("the value of {} cannot be kept: {error}", function.name),
    }
}

/// Finds out whether a function returns a `Result`, where its type is known. It looks at the type
/// and not at its spelling, so that an alias of `Result` is recognized.
///
/// The generated code calls `(&Probe::<T>::new()).kind()`. Method resolution finds
/// [`ProbeFallible`] first if `T` is a `Result`, and otherwise [`ProbePlain`].
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Probe<T>(PhantomData<fn() -> T>);

/// Marks a function that returns a `Result`. Its methods forward to the functions of this module.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Fallible;

/// Marks a function that returns any other type. Its methods forward to the functions of this
/// module.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Plain;

#[doc(hidden)]
impl<T> Probe<T> {
    /// Creates a probe for the type `T`.
    #[expect(clippy::new_without_default, reason = "only for generated code")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// Implemented for `Result` only. Method resolution prefers it, as it needs one reference less than
/// [`ProbePlain`].
#[doc(hidden)]
pub trait ProbeFallible {
    fn kind(&self) -> Fallible {
        Fallible
    }
}

/// Implemented for all types, and found only if [`ProbeFallible`] does not apply.
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

    pub async fn run_with_negative<T, E, Fut>(
        self,
        function: Function,
        arguments: Arguments,
        policy: &Policy,
        negative: fn(&E) -> Option<Duration>,
        call: impl FnOnce() -> Fut,
    ) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        E: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        result_with_negative(function, arguments, policy, negative, call).await
    }

    /// Stores an `Ok`. An error is not stored, and the call returns `false`.
    pub async fn prime<T: Serialize, E>(
        self,
        function: Function,
        arguments: Arguments,
        policy: &Policy,
        value: Result<T, E>,
    ) -> bool {
        match value {
            Ok(value) => prime(function, arguments, policy, &value).await,
            Err(_) => false,
        }
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

    pub async fn prime<T: Serialize>(
        self,
        function: Function,
        arguments: Arguments,
        policy: &Policy,
        value: T,
    ) -> bool {
        prime(function, arguments, policy, &value).await
    }
}
