//! Calls that a proxy sends again, because the server that it sent them to before gave no answer.
//!
//! The proxy cannot know whether the function ran there. The first server to begin a call therefore
//! stores the request's id in the app's cache, which the other servers share. A server that finds
//! the id does not run the function.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use ferrodash_cache::{CallOptions, Computed, Key, Policy, Status};

use super::rejection::Rejection;
use crate::callback::Context;
use crate::state::AppState;

/// The time for which an id is kept after the last moment at which its call can be in progress.
const LATER: Duration = Duration::from_secs(60);

/// The time for which an id is kept if calls may take any time.
const UNLIMITED: Duration = Duration::from_secs(60 * 60);

/// Refuses a call of an uncached callback that was begun before, by this process or one that shares
/// its cache. `place` is the call's place among those of its request.
///
/// # Errors
/// [`Rejection::Repeated`] for the second of two equal calls, also if both come at the same time:
/// the cache runs `claim` for one of them.
pub(super) async fn refuse(
    app: &AppState,
    context: &Context,
    place: usize,
) -> Result<(), Rejection> {
    let Some(header) = &app.config.request_id else {
        return Ok(());
    };
    let callback = &context.call().callback;
    let id = context
        .request()
        .headers
        .get(header)
        .map(|value| value.as_bytes())
        .unwrap_or_default();
    if id.is_empty() || callback.callback.spec.cache.is_some() {
        return Ok(());
    }
    let key = Key::of("ferrodash request id", &(id, &callback.output, place));
    let kept = callback
        .timeout
        .map_or(UNLIMITED, |limit| limit.saturating_add(LATER));
    let policy = Policy::new(kept);
    let options = CallOptions::new().name("request ids");
    let claim = || async { Ok::<_, Infallible>(Computed::keep(Bytes::from_static(b"begun"))) };
    let answer = app
        .cache
        .get_or_compute_with(key, &policy, &options, claim)
        .await;
    match answer.status {
        // Not kept, when the store cannot be asked: then nobody knows, and the call runs.
        Status::Miss { .. } | Status::Bypass => Ok(()),
        _ => {
            tracing::warn!(
                "callback {}: a call was sent again and does not run twice",
                callback.name()
            );
            Err(Rejection::Repeated(
                String::from_utf8_lossy(id).into_owned(),
            ))
        }
    }
}
