//! What a page learns with an answer that it may keep: `X-Ferrodash-Keep`.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use ferrodash_wire::{KEEP, Keep};

use crate::callback::Context;
use crate::callback::run::answer::Kept;
use crate::state::AppState;

/// The number of names in a header.
const MOST_NAMES: usize = 64;

/// Tells the page that a cookie was set, so that another user may be signed in.
const COOKIES: HeaderName = HeaderName::from_static("x-ferrodash-cookies");

/// Adds the header to an answer that the page may keep.
pub(super) fn tell(
    headers: &mut HeaderMap,
    app: &AppState,
    context: &Context,
    kept: Option<&Kept>,
) {
    // Proxies refuse headers that are too long. An answer with so many tags is not kept in pages.
    let Some(kept) = kept.filter(|kept| kept.selectors.len() <= MOST_NAMES) else {
        return;
    };
    let scopes = &app.scopes;
    let place = scopes.place(&context.call().callback);
    let keep = Keep {
        fresh: millis(kept.fresh),
        stale: millis(kept.stale),
        error: millis(kept.error),
        on: kept
            .selectors
            .iter()
            .map(|selector| scopes.selector(selector))
            .collect(),
        scope: place.map(|place| scopes.name(place, context.request())),
    };
    let value = HeaderValue::try_from(keep.to_json()).expect("names and digits are a header value");
    headers.insert(HeaderName::from_static(KEEP), value);
}

/// Tells the page if the function has set a cookie and answers depend on who uses the browser.
pub(super) fn tell_of_cookies(headers: &mut HeaderMap, app: &AppState) {
    if headers.contains_key(header::SET_COOKIE) && !app.scopes.is_empty() {
        headers.insert(COOKIES, HeaderValue::from_static("set"));
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
