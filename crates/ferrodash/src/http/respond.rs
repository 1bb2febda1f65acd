//! The response of a call: its body, and headers that say what the cache and the function did.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use ferrodash_serve::cache_status::{SERVER_TIMING, describe};
use ferrodash_serve::send::{JSON, NO_STORE, empty, with_body};
use ferrodash_wire::{Accepts, compress_once};
use tokio::time::Instant;

use super::keep;
use super::rejection::Rejection;
use crate::callback::run::answer::{Answered, Content, answer};
use crate::callback::{CallError, Context, Effects, Header, Timing};
use crate::state::AppState;

/// Answers a call with a response of its own, also if it came in a batch, where its parts become a
/// line.
///
/// `start` is when the call was received. `accepts` is nothing for calls of a batch, whose answer
/// is compressed as a whole.
pub(super) async fn respond(
    app: &AppState,
    context: &Context,
    accepts: Accepts,
    start: Instant,
) -> Result<Response, Rejection> {
    let answered = run(app, context).await?;
    refuse_headers_in_batch(app, context)?;
    let (status, age, late) = (answered.status, answered.age, answered.late);
    let mut response = match answered.content {
        Content::Nothing => empty(StatusCode::NO_CONTENT),
        Content::Encoded(body) => {
            let (encoding, bytes) = body.choose(accepts);
            with_body(bytes, encoding, JSON)
        }
        // Made for this call only, so at most one compressed form is worth its time.
        Content::Plain(body) => {
            let (encoding, bytes) = compress_once(body, accepts).await;
            with_body(bytes, encoding, JSON)
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    keep::tell(headers, app, context, answered.kept.as_ref());
    describe(headers, status, (age, late), start.elapsed());
    add_effects(headers, context.effects());
    keep::tell_of_cookies(headers, app);
    Ok(response)
}

/// Answers a call; a failure names the callback.
pub(super) async fn run(app: &AppState, context: &Context) -> Result<Answered, Rejection> {
    answer(&app.cache, context)
        .await
        .map_err(|error| failed(app, context, error))
}

/// The refusal of a call that failed.
fn failed(app: &AppState, context: &Context, error: CallError) -> Rejection {
    Rejection::Failed {
        callback: context.call().callback.name().to_owned(),
        error,
        show: app.config.debug,
    }
}

/// Fails a call that set headers although its callback is declared `batch`, also if it came alone:
/// whether it travels with others depends on what else the page requests.
fn refuse_headers_in_batch(app: &AppState, context: &Context) -> Result<(), Rejection> {
    let callback = &context.call().callback;
    match callback
        .callback
        .spec
        .batch
        .then(|| context.effects().first_header())
        .flatten()
    {
        None => Ok(()),
        Some(name) => Err(failed(
            app,
            context,
            CallError::EffectInBatch(format!("the header {name}")),
        )),
    }
}

/// Adds the cookies, headers and timings that the function set. They are taken, so a second call
/// adds nothing.
///
/// Headers of the function come after those of the server and can replace them, but for the ones
/// that [`Context::set_header`](crate::Context::set_header) refuses.
pub(super) fn add_effects(headers: &mut HeaderMap, effects: &Effects) {
    for Header {
        name,
        value,
        append,
    } in effects.take_headers()
    {
        if append {
            headers.append(name, value);
        } else {
            headers.insert(name, value);
        }
    }
    for Timing {
        name,
        duration,
        description,
    } in effects.take_timings()
    {
        // The front end splits at commas, and quotes would end the text.
        let clean = |text: &str| text.replace([',', '"', '\\', ';'], " ");
        let milliseconds = duration.as_secs_f64() * 1e3;
        let text = format!(
            "{};desc=\"{}\";dur={milliseconds:.3}",
            clean(&name).replace(' ', "_"),
            clean(&description)
        );
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.append(SERVER_TIMING, value);
        }
    }
}
