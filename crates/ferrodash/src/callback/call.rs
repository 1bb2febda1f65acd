//! One call: the cache, or the function; then bytes.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ferrodash_cache::{Answer as CacheAnswer, Cache, Computed, Entry, Failure, Mode, Status, panic_message};
use ferrodash_components::Prop;
use futures_util::FutureExt;

use super::key::call_key;
use super::{Answer, Arguments, CallError, Context, Registered};
use crate::body::Body;

/// The answer of a call.
pub(crate) struct Answered {
    pub(crate) content: Content,
    /// What the cache did; `None` for a callback that is not cached.
    pub(crate) status: Option<Status>,
    /// How long the answer is fresh, if it may be kept.
    pub(crate) fresh: Option<Duration>,
    /// How old an answer from the cache is, and by how much past its timeout.
    pub(crate) age: Duration,
    pub(crate) late: Duration,
}

/// What is sent.
pub(crate) enum Content {
    /// Nothing changes.
    Nothing,
    /// A body that was made for this call.
    Plain(Bytes),
    /// A body from the cache, with its compressed forms.
    Encoded(Body),
}

/// In the cache, nothing is one byte that no packed body consists of.
const NOTHING: &[u8] = b"-";

/// Answers a call: from the cache if the callback has one, else by its function.
pub(crate) async fn answer(
    cache: &Cache,
    callback: &Arc<Registered>,
    arguments: Arguments,
    context: Context,
) -> Result<Answered, CallError> {
    let Some(options) = &callback.callback.spec.cache else {
        let run = AssertUnwindSafe(cache.scope(run(callback, arguments, context)));
        let content = match run.catch_unwind().await {
            Ok(content) => content?,
            Err(panic) => return Err(CallError::Panic(panic_message(&*panic).into())),
        };
        let content = content.map_or(Content::Nothing, |(body, _)| Content::Plain(body));
        return Ok(Answered { content, status: None, fresh: None, age: Duration::ZERO, late: Duration::ZERO });
    };
    let key = call_key(callback, &arguments, &context);
    let refreshed;
    let policy = match options.refresh && context.asks_for_fresh() {
        false => &callback.policy,
        true => {
            refreshed = callback.policy.clone().mode(Mode::Refresh);
            &refreshed
        }
    };
    let negative = options.negative_timeout;
    let compute = || compute(callback.clone(), arguments, context, negative);
    let CacheAnswer { result, status } = cache.get_or_compute(key, policy, compute).await;
    let entry = result.map_err(|failure| match failure {
        Failure::Error(error) => error,
        Failure::Panic(message) => CallError::Panic(message),
        Failure::TimedOut(time) => CallError::TimedOut(time),
        _ => CallError::Panic("the cache gave an answer that is not known here".into()),
    })?;
    if entry.parts().negative {
        return Err(CallError::Kept(String::from_utf8_lossy(entry.bytes()).into()));
    }
    let content = match Body::unpack(entry.bytes()) {
        Some(body) => Content::Encoded(body),
        None => Content::Nothing,
    };
    let keepable = matches!(&content, Content::Encoded(body) if !body.partial);
    let (age, late) = match status {
        Status::Stale { .. } => (entry.age(), entry.age().saturating_sub(entry.parts().timeout)),
        _ => (Duration::ZERO, Duration::ZERO),
    };
    Ok(Answered { content, status: Some(status), fresh: entry.remaining().filter(|_| keepable), age, late })
}

/// Whether an entry of a tier can be read; what another version left there is computed anew.
pub(crate) fn is_readable(entry: &Entry) -> bool {
    entry.parts().negative || Body::unpack(entry.bytes()).is_some()
}

/// Runs the function of a cached callback. Answers that leave an output as it is are not kept: they depend on what the
/// page shows.
async fn compute(
    callback: Arc<Registered>,
    arguments: Arguments,
    context: Context,
    negative: Option<Duration>,
) -> Result<Computed, CallError> {
    let (arguments, context) = (arguments.canonical(), context.guarded(&callback.vary));
    let result = run(&callback, arguments, context.clone()).await;
    if let Some(undeclared) = context.undeclared() {
        return Err(CallError::Undeclared(undeclared));
    }
    if let (Err(error @ CallError::Function(_)), Some(time)) = (&result, negative) {
        return Ok(Computed::negative(error.to_string(), time));
    }
    match result? {
        None => Ok(Computed::pass(NOTHING)),
        Some((body, complete)) => {
            let mut body = Body::encode(body).await;
            body.partial = !complete;
            Ok(if complete { Computed::keep(body.pack()).compressed() } else { Computed::pass(body.pack()) })
        }
    }
}

/// Runs the function; the body, and whether it has a value for every output.
async fn run(
    callback: &Registered,
    arguments: Arguments,
    context: Context,
) -> Result<Option<(Bytes, bool)>, CallError> {
    let desk = context.desk();
    let call = callback.callback.handler.call(arguments, context);
    let answer = match desk {
        Some(desk) => desk.scope(call).await,
        None => call.await,
    };
    match answer? {
        Answer::PreventUpdate => Ok(None),
        Answer::Outputs(values) => {
            let complete = values.iter().all(Option::is_some);
            Ok(Some((write_body(callback, &values)?.into(), complete)))
        }
    }
}

/// `{"multi":true,"response":{id:{property:value}}}`. Outputs without a value are left out.
fn write_body(callback: &Registered, values: &[Option<Prop>]) -> Result<Vec<u8>, CallError> {
    let outputs = &callback.callback.spec.outputs;
    if values.len() != outputs.len() {
        return Err(CallError::OutputCount { returned: values.len(), outputs: outputs.len() });
    }
    let written: Vec<_> = outputs.iter().zip(values).filter_map(|(out, value)| Some((out, value.as_ref()?))).collect();
    let mut body = br#"{"multi":true,"response":{"#.to_vec();
    for (index, (output, _)) in written.iter().enumerate() {
        let id = &output.property.id;
        if written[..index].iter().any(|(before, _)| before.property.id == *id) {
            continue;
        }
        separate(&mut body);
        write_json(&mut body, &id.to_string());
        body.extend(b":{");
        for (output, value) in written[index..].iter().filter(|(other, _)| other.property.id == *id) {
            separate(&mut body);
            write_json(&mut body, &output.property.name);
            body.push(b':');
            serde_json::to_writer(&mut body, value).map_err(|error| CallError::Serialize {
                output: output.property.to_string(),
                reason: error.to_string(),
            })?;
        }
        body.push(b'}');
    }
    body.extend(b"}}");
    Ok(body)
}

/// A comma, unless an object has just begun.
fn separate(body: &mut Vec<u8>) {
    if body.last() != Some(&b'{') {
        body.push(b',');
    }
}

fn write_json(body: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(body, text).expect("text is JSON, and writing to memory does not fail");
}
