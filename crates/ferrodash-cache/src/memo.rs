//! What `#[memoize]` expands to. It can be called by hand for a function that the attribute does
//! not fit.
//!
//! Values are kept as MessagePack with field names, which any `Serialize` type survives, also one
//! that was read from JSON, and which tolerates added and reordered fields.

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
use crate::{Cache, Computed, Entry, Failure, Key, Mode, Policy, Unreached};

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

/// The identity of a memoized function: its path, and a digest of its source, so that a changed
/// function does not find what its old form left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Path and name.
    pub name: &'static str,
    /// Digest of the source.
    pub version: &'static str,
    /// For a method, the type that it is of: two types in one module can have methods of one name.
    pub owner: Option<&'static str>,
}

impl Function {
    /// What the function is called in keys and in metrics.
    fn full_name(&self) -> Cow<'static, str> {
        match self.owner {
            None => Cow::Borrowed(self.name),
            Some(owner) => Cow::Owned(format!("{} of {owner}", self.name)),
        }
    }

    /// The key of a call.
    ///
    /// # Panics
    /// When serializing the arguments fails.
    pub fn key(&self, arguments: &impl Serialize) -> Key {
        Key::of(&self.full_name(), &(self.version, arguments))
    }

    /// A policy for values of type `T`, with the function's name: what a type of another name left
    /// counts as absent, and so does what can no longer be read.
    pub fn policy<T: 'static>(&self, timeout: Duration) -> Policy {
        Policy::new(timeout)
            .name(self.full_name())
            .fingerprint(xxh3_64(type_name::<T>().as_bytes()))
    }

    /// Forgets the values of all calls in the current cache.
    ///
    /// # Errors
    /// When the tier that keeps the marks could not be reached.
    pub async fn forget_all(&self) -> Result<(), Unreached> {
        Cache::current()
            .invalidate_function(&self.full_name())
            .await
    }
}

/// The value of a function that returns a `Result`: kept when it is `Ok`, never when it is an
/// error.
///
/// # Errors
/// The function's own error, a clone for each who waited.
///
/// # Panics
/// When the function panics, in all who waited, or when it takes longer than
/// [`Policy::hard_timeout`].
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

/// As [`result`], but errors for which `negative` gives a time are kept for that long: a caller
/// within it gets the error without a run.
///
/// # Errors
/// The function's own error.
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

/// The value of a function that does not fail.
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

/// Keeps a value as if the function had just returned it; `false` if no tier took it.
///
/// # Panics
/// When the value cannot be serialized.
pub async fn prime<T: Serialize>(
    function: Function,
    arguments: Arguments,
    policy: &Policy,
    value: &T,
) -> bool {
    Cache::current()
        .set_with(&arguments.0, to_bytes(&function, value), policy)
        .await
}

/// Forgets the value of a call in the current cache.
///
/// # Errors
/// When a tier could not be reached and may still have it.
pub async fn forget(arguments: Arguments) -> Result<(), Unreached> {
    Cache::current().remove(&arguments.0).await
}

/// Runs a function that blocks on a thread where it may, with the cache and the run of the caller
/// as the current ones.
///
/// # Panics
/// When the function panics.
pub async fn blocking<T: Send + 'static>(function: impl FnOnce() -> T + Send + 'static) -> T {
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

/// Makes calls so that later ones find their values: at most `at_once` at the same time.
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
    let cache = Cache::current();
    let own;
    // A copy in memory needs nothing of what follows.
    let policy = match cache.at_hand(&arguments.0, policy, Mode::current()) {
        Some(entry) => return Ok(entry),
        None => {
            own = policy
                .clone()
                .mode(Mode::current())
                .same(same::<T>)
                .readable(readable);
            &own
        }
    };
    match cache
        .get_or_compute(arguments.0, policy, compute)
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

/// Whether a value can be read; it is left with the entry, so that it is read once.
fn readable<T: DeserializeOwned + Send + 'static>(entry: &Entry) -> bool {
    !entry.parts().negative && decoded::<T>(entry)
}

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

fn decoded<T: DeserializeOwned + Send + 'static>(entry: &Entry) -> bool {
    rmp_serde::from_slice::<T>(entry.bytes())
        .map(|value| entry.prepare(Box::new(value)))
        .is_ok()
}

/// Whether two values say the same, whatever the order of their maps.
fn same<T: Serialize + DeserializeOwned>(a: &Bytes, b: &Bytes) -> bool {
    let key = |bytes: &Bytes| Key::try_of("", &rmp_serde::from_slice::<T>(bytes).ok()?).ok();
    a == b || key(a).is_some_and(|a| key(b) == Some(a))
}

fn encode<T: Serialize + Send + 'static>(function: &Function, value: T) -> Computed {
    let bytes = to_bytes(function, &value);
    Computed {
        prepared: Some(Box::new(value)),
        ..Computed::keep(bytes)
    }
}

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

fn to_bytes<T: Serialize>(function: &Function, value: &T) -> Bytes {
    match rmp_serde::to_vec_named(value) {
        Ok(bytes) => bytes.into(),
        Err(error) => panic!("the value of {} cannot be kept: {error}", function.name),
    }
}

/// Finds out, where the type is known, whether a function returns a `Result`: by the type and not
/// by how it is spelled, so that an alias of `Result` is one too.
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

/// Chosen first by method resolution for `(&Probe).kind()`, as it needs one reference less than
/// [`ProbePlain`].
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
