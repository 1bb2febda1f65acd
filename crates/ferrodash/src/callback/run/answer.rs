//! The way from a call to its body: from the cache, or from the function, or from a handler of
//! errors.
//!
//! What the cache stores is the packed body, so a hit neither runs the function nor writes JSON.
//! The status and the headers of a response are made by the routes.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ferrodash_cache::{
    Answer as CacheAnswer, Cache, Computed, Entry, Mode, Policy, Selector, Status, panic_message,
};
use ferrodash_components::Prop;
use ferrodash_serve::log::OneLine;
use ferrodash_serve::off_thread::{self, LARGE};
use ferrodash_wire::{Answer as WireAnswer, Body};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::time::timeout;

use crate::callback::run::key::call_key;
use crate::callback::{
    Answer, Arguments, CacheOptions, Call, CallError, Context, ErasedHandler, ErrorHandler,
    Failure, Ids, OutputValue, Property, SideUpdate,
};

/// The answer of a call, with what the cache did.
pub(crate) struct Answered {
    pub(crate) content: Content,
    /// The outcome of the look-up in the cache; `None` for a callback that is not cached.
    pub(crate) status: Option<Status>,
    /// How long pages may use the answer, if they may keep it.
    pub(crate) kept: Option<Kept>,
    /// The age of a stale answer, and the part of it that is past the timeout; both are zero for
    /// others.
    pub(crate) age: Duration,
    pub(crate) late: Duration,
}

impl Answered {
    /// An answer that the cache had no part in.
    fn uncached(content: Content) -> Self {
        Self {
            content,
            status: None,
            kept: None,
            age: Duration::ZERO,
            late: Duration::ZERO,
        }
    }
}

/// How long pages may use an answer, and what ends that earlier.
pub(crate) struct Kept {
    /// The time for which it is fresh.
    pub(crate) fresh: Duration,
    /// The time after that for which it may be shown while it is refreshed.
    pub(crate) stale: Duration,
    /// The time after `fresh` for which it may be shown if the function fails.
    pub(crate) error: Duration,
    /// What it can be invalidated by.
    pub(crate) selectors: Arc<[Selector]>,
}

impl Kept {
    /// Reads the times of an entry.
    fn of(entry: &Entry, policy: &Policy) -> Self {
        let (age, timeout) = (entry.age(), entry.parts().timeout);
        let late = age.saturating_sub(timeout);
        Self {
            fresh: entry.remaining().unwrap_or_default(),
            stale: policy.stale_while_revalidate.saturating_sub(late),
            error: policy.stale_if_error.saturating_sub(late),
            selectors: entry.parts().selectors.clone(),
        }
    }
}

/// The body of an answer, in the form in which it is at hand.
pub(crate) enum Content {
    /// Nothing changes.
    Nothing,
    /// A body that was made for this call.
    Plain(Bytes),
    /// A body from the cache, with its compressed forms.
    Encoded(Body),
}

/// The entry for an answer without a body: one byte that no packed body consists of.
const NOTHING: &[u8] = b"-";

/// Answers a call: from the cache if the callback has one, else by its function. If that fails,
/// plugins are notified, and then handlers of errors are tried in their order.
///
/// Panics of the function, of plugins and of handlers are caught here. If the returned future is
/// dropped, the function of an uncached callback is dropped with it; the function of a cached one
/// goes on if other callers wait for it.
///
/// # Errors
/// The error of the last handler, or of the function if there is none.
pub(crate) async fn answer(cache: &Cache, context: &Context) -> Result<Answered, CallError> {
    let callback = context.call().callback.clone();
    let result = match &callback.callback.spec.cache {
        Some(options) => answer_cached(cache, context, options).await,
        None => answer_anew(cache, context).await,
    };
    let Err(mut error) = result else {
        return result;
    };
    if let Some(failure) = Failure::of(callback.name(), &error) {
        for listener in callback.listeners.iter() {
            let called = std::panic::catch_unwind(AssertUnwindSafe(|| listener(&failure, context)));
            called.unwrap_or_else(|_| {
                tracing::error!(
                    "a plugin panicked on a failure of callback {}",
                    callback.name()
                )
            });
        }
    }
    // A handler that fails hands its own error to the next one. Errors that are mistakes of the app
    // have no failure, and no handler is called for them.
    for handle in &callback.on_error {
        // What a handler fails with is for the next.
        let Some(failure) = Failure::of(callback.name(), &error) else {
            break;
        };
        match handled(handle, &failure, context) {
            Ok(answered) => return Ok(answered),
            Err(next) => error = next,
        }
    }
    Err(error)
}

/// Calls a handler of errors and makes its value the answer.
fn handled(
    handle: &ErrorHandler,
    failure: &Failure,
    context: &Context,
) -> Result<Answered, CallError> {
    let answer = std::panic::catch_unwind(AssertUnwindSafe(|| handle(failure, context)));
    let answer = match answer.map_err(|panic| CallError::Panic(panic_message(&*panic).into()))?? {
        // A handler that returns nothing updates nothing.
        Answer::Outputs(values) if expect_nothing(&values).is_ok() => {
            Answer::Outputs(vec![OutputValue::No])
        }
        answer => answer,
    };
    tracing::warn!(
        "callback {}: {}; its error handler answers",
        failure.callback(),
        OneLine(failure)
    );
    let content =
        write(context, answer)?.map_or(Content::Nothing, |(body, _)| Content::Plain(body));
    Ok(Answered::uncached(content))
}

/// Runs the function of an uncached callback.
async fn answer_anew(cache: &Cache, context: &Context) -> Result<Answered, CallError> {
    let work = async {
        let run = run(context.clone()).await?;
        Ok(run.map_or(Content::Nothing, |(body, _)| Content::Plain(body)))
    };
    let content = limited(cache, context, work).await?;
    Ok(Answered::uncached(content))
}

/// Runs the work of an uncached call, in the scope of the app's cache and of the loads of its
/// request, for as long as the callback's time limit allows. A panic becomes an error.
pub(crate) async fn limited<T>(
    cache: &Cache,
    context: &Context,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let work = context.request().loads().run(cache.scope(work));
    let work = AssertUnwindSafe(work).catch_unwind();
    let result = match context.call().callback.timeout {
        Some(limit) => timeout(limit, work)
            .await
            .map_err(|_| CallError::TimedOut(limit))?,
        None => work.await,
    };
    result.unwrap_or_else(|panic| Err(CallError::Panic(panic_message(&*panic).into())))
}

/// Answers from the cache, which runs the function on a miss and lets equal calls share that run.
///
/// An entry can hold a body, nothing, or an error that is stored for a while. If the request asks
/// for a fresh answer and the callback allows it ([`CacheOptions::refresh`]), the function runs in
/// any case, and its answer replaces the stored one.
///
/// # Errors
/// The error of the function, also of another call that ran it.
async fn answer_cached(
    cache: &Cache,
    context: &Context,
    options: &CacheOptions,
) -> Result<Answered, CallError> {
    let callback = &context.call().callback;
    let key = call_key(context);
    let asked;
    let call_options = if options.refresh && context.asks_for_fresh() {
        asked = callback.options.clone().mode(Mode::Refresh);
        &asked
    } else if context.refuses_stale() {
        asked = callback.options.clone().waits(true);
        &asked
    } else {
        &callback.options
    };
    // The context of this call is used only if this call runs the function. It is guarded, so that
    // the function cannot read what the key does not hold.
    let compute = || {
        compute(
            context.clone().guarded(&callback.vary),
            options.negative_timeout,
        )
    };
    let CacheAnswer { result, status } = cache
        .get_or_compute_with(key, &callback.policy, call_options, compute)
        .await;
    let entry = result.map_err(|failure| match failure {
        ferrodash_cache::Failure::Error(error) => error,
        ferrodash_cache::Failure::Panic(message) => CallError::Panic(message),
        ferrodash_cache::Failure::TimedOut(time) => CallError::TimedOut(time),
        _ => CallError::Panic("the cache gave an answer that is not known here".into()),
    })?;
    if entry.parts().negative {
        return Err(CallError::Kept(
            String::from_utf8_lossy(entry.bytes()).into(),
        ));
    }
    let content = match Body::unpack(entry.bytes()) {
        // It is for the callers of this moment, so no better form of it is made.
        Some(body) if body.is_partial() => Content::Plain(body.identity().clone()),
        Some(body) => Content::Encoded(body),
        None => Content::Nothing,
    };
    // The body of a partial answer is not of the page's whole state, so pages must not keep it.
    let keepable = matches!(&content, Content::Encoded(_)) && callback.is_cached_by_clients();
    let kept = keepable.then(|| Kept::of(&entry, &callback.policy));
    let (age, late) = match status {
        Status::Stale { .. } => (
            entry.age(),
            entry.age().saturating_sub(entry.parts().timeout),
        ),
        _ => (Duration::ZERO, Duration::ZERO),
    };
    Ok(Answered {
        content,
        status: Some(status),
        kept,
        age,
        late,
    })
}

/// Runs the function of a cached callback, and decides whether its answer is stored.
///
/// Answers that leave an output as it is, or patch it, are not: they depend on what the page shows.
/// Callers that wait for this run still get them.
async fn compute(context: Context, negative: Option<Duration>) -> Result<Computed, CallError> {
    let result = run(context.clone()).await;
    // A violation wins over the result, as the result may depend on what was read.
    if let Some(violation) = context.violation() {
        return Err(violation);
    }
    if let (Err(error @ CallError::Function(_)), Some(time)) = (&result, negative) {
        return Ok(Computed::negative(error.to_string(), time));
    }
    match result? {
        None => Ok(Computed::pass(NOTHING)),
        Some((body, complete)) => {
            if !complete {
                return Ok(Computed::pass(Body::partial(body).pack()));
            }
            let packed = Body::first(body).await.pack();
            let computed = Computed::keep(packed.clone()).compressed();
            let is_complete = Body::unpack(&packed).is_some_and(|body| body.is_complete());
            Ok(if is_complete {
                computed
            } else {
                computed.improved_by(better)
            })
        }
    }
}

/// Adds the missing compressed forms to a packed body. The cache calls it in the background.
async fn better(packed: Bytes) -> Option<Bytes> {
    let body = Body::unpack(&packed)?.complete().await?;
    Some(body.pack())
}

/// Runs the function, and returns the body and whether it is one that can be stored.
async fn run(context: Context) -> Result<Option<(Bytes, bool)>, CallError> {
    let call = context.call().clone();
    let arguments = Arguments {
        values: call.arguments(),
        names: call.callback.argument_names.clone(),
    };
    let answer = run_function(&context, arguments).await?;
    write(&context, answer)
}

/// Runs the function with these arguments, with access to stored values.
pub(crate) async fn run_function(
    context: &Context,
    arguments: Arguments,
) -> Result<Answer, CallError> {
    let handler = context
        .call()
        .callback
        .callback
        .handler()
        .ok_or(CallError::Clientside)?;
    let stored = context.stored_context();
    let run = begin(handler.clone(), arguments, context.clone()).await;
    match stored {
        Some(stored) => stored.scope(run).await,
        None => run.await,
    }
}

/// Decodes the arguments and calls the function; the returned future is the function's own.
///
/// Large arguments are decoded off the async threads. The function itself is then called there too,
/// but its future runs on the task of the call.
async fn begin(
    handler: Arc<ErasedHandler>,
    arguments: Arguments,
    context: Context,
) -> BoxFuture<'static, Result<Answer, CallError>> {
    if arguments.values.iter().map(Bytes::len).sum::<usize>() < LARGE {
        return handler.call(arguments, context);
    }
    // Threads for blocking work do not inherit the span of the request.
    let span = tracing::Span::current();
    let begun = off_thread::run(move || span.in_scope(|| handler.call(arguments, context))).await;
    begun.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // The task was cancelled, which happens only when the runtime ends.
        Err(_) => ready(Err(CallError::Panic("the server is stopping".into()))).boxed(),
    })
}

/// Writes the body of an answer:
///
/// ```json
/// {"multi": true, "response": {"id": {"property": 1}}, "sideUpdate": {"id": {"property": 2}}}
/// ```
///
/// Returns it with whether it has a value for every output and nothing else; `None` when nothing
/// changes.
///
/// # Errors
/// Those of [`spread`], and [`CallError::Serialize`] for a value that is not JSON.
fn write(context: &Context, answer: Answer) -> Result<Option<(Bytes, bool)>, CallError> {
    let side_updates = context.effects().take_side_updates();
    let call = context.call();
    let values = match answer {
        Answer::Outputs(values) => values,
        Answer::PreventUpdate if side_updates.is_empty() => return Ok(None),
        // What was set with `set_props` is no update of an output, so it is not prevented.
        Answer::PreventUpdate => vec![OutputValue::No],
    };
    if call.callback.callback.spec.outputs.is_empty() && side_updates.is_empty() {
        return expect_nothing(&values).map(|()| None);
    }
    let complete = side_updates.is_empty() && values.iter().all(OutputValue::is_whole);
    let values = spread(call, values)?;
    let body = encode(&values, &side_updates)?;
    Ok(Some((body, complete)))
}

/// Checks the values of a function without outputs: it returns `()`, or one of the values that mean
/// nothing.
fn expect_nothing(values: &[OutputValue]) -> Result<(), CallError> {
    match values {
        []
        | [
            OutputValue::No | OutputValue::To(Prop::Nothing | Prop::Json(serde_json::Value::Null)),
        ] => Ok(()),
        values => Err(CallError::OutputCount {
            returned: values.len(),
            outputs: 0,
        }),
    }
}

/// Returns a value for each component that the call writes to: ids of wildcards are those of this
/// call, and the items of a list go to the components that `ALL` stands for.
///
/// A single [`OutputValue::No`] stands for all outputs.
///
/// # Errors
/// [`CallError::OutputCount`] and [`CallError::ListOutput`], if there are not as many values as
/// outputs or components.
fn spread(
    call: &Call,
    values: Vec<OutputValue>,
) -> Result<Vec<(String, &Property, OutputValue)>, CallError> {
    let outputs = &call.callback.callback.spec.outputs;
    if outputs.is_empty() {
        return expect_nothing(&values).map(|()| Vec::new());
    }
    if let [OutputValue::No] = &values[..] {
        return Ok(Vec::new());
    }
    if values.len() != outputs.len() {
        return Err(CallError::OutputCount {
            returned: values.len(),
            outputs: outputs.len(),
        });
    }
    let mut spread = Vec::with_capacity(values.len());
    for (index, (output, value)) in outputs.iter().zip(values).enumerate() {
        let property = &output.property;
        let ids = call.ids.as_ref().map(|ids| &ids.outputs[index]);
        if matches!(
            (ids, &value),
            (None | Some(Ids::One(_)), OutputValue::Each(_))
        ) {
            return Err(CallError::EachForOne(property.to_string()));
        }
        match ids {
            None => spread.push((property.id.to_string(), property, value.fit(&property.name))),
            Some(Ids::One(id)) => {
                spread.push((id.to_string(), property, value.fit(&property.name)))
            }
            Some(Ids::Many(_)) if matches!(value, OutputValue::No) => {}
            Some(Ids::Many(ids)) => {
                let mismatch = |returned: String| CallError::ListOutput {
                    output: property.to_string(),
                    components: ids.len(),
                    returned,
                };
                let each = value
                    .into_each()
                    .ok_or_else(|| mismatch("its value is no list".into()))?;
                if each.len() != ids.len() {
                    return Err(mismatch(format!("its list has {} items", each.len())));
                }
                let each = each.into_iter().map(|value| value.fit(&property.name));
                spread.extend(
                    ids.iter()
                        .zip(each)
                        .map(|(id, value)| (id.to_string(), property, value)),
                );
            }
        }
    }
    Ok(spread)
}

/// The answer as JSON. Outputs without a value are left out.
fn encode(
    values: &[(String, &Property, OutputValue)],
    side_updates: &[SideUpdate],
) -> Result<Bytes, CallError> {
    let updates = values
        .iter()
        .filter_map(|(id, property, value)| match value {
            OutputValue::To(value) | OutputValue::Patch(value) => {
                Some((id.as_str(), property.name.as_ref(), value))
            }
            OutputValue::No | OutputValue::Each(_) => None,
        });
    let side_ids: Vec<String> = side_updates
        .iter()
        .map(|update| update.id.to_string())
        .collect();
    let side_updates = side_updates
        .iter()
        .zip(&side_ids)
        .map(|(update, id)| (id.as_str(), update.property.as_ref(), &update.value));
    let answer = WireAnswer::new(updates).with_side_updates(side_updates);
    answer.to_bytes().map_err(|error| CallError::Serialize {
        output: format!("{}.{}", error.id, error.property),
        reason: error.source.to_string(),
    })
}
