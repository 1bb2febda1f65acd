//! `App::csrf`: the page sets a random cookie, and its calls repeat it in a header (double submit).
//!
//! Another site can cause a request with the cookie, but can neither read it nor send a header with
//! it. The value is random and not signed: a signature would say that some process of this app made
//! the token, not that it made it for this user, and pages would lose their tokens with every
//! restart of an app that has no `App::secret`. If a neighbour below the same domain could set the
//! cookie, a name that begins with `__Host-` prevents that: browsers refuse such cookies from
//! there.

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use ferrodash_serve::send::PRIVATE_NO_CACHE;

use super::rejection::Rejection;
use crate::config::Config;
use crate::stored::random;

/// The number of characters of a token: 128 bits in hex.
const LENGTH: usize = 32;

/// Adds the cookie to the answer with the page, unless the browser has one.
pub(super) fn give(config: &Config, uri: &Uri, request: &HeaderMap, response: &mut HeaderMap) {
    if !config.csrf.on {
        return;
    }
    // The answer is for this browser only.
    response.insert(header::CACHE_CONTROL, PRIVATE_NO_CACHE);
    if cookies(request, &config.csrf.cookie).any(is_token) {
        return;
    }
    let token = blake3::Hash::from_bytes(random()).to_hex();
    let secure = if is_https(uri, request) {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!(
        "{}={}; Path={}; SameSite=Strict{secure}",
        config.csrf.cookie,
        &token[..LENGTH],
        config.requests_prefix
    );
    let cookie =
        HeaderValue::try_from(cookie).expect("names and paths are checked when the app is built");
    response.append(header::SET_COOKIE, cookie);
}

/// Checks that the header of a call repeats the cookie.
///
/// # Errors
/// [`Rejection::Csrf`], if the header is missing, is no token, or is not that of the cookie.
pub(super) fn check(config: &Config, request: &HeaderMap) -> Result<(), Rejection> {
    if !config.csrf.on {
        return Ok(());
    }
    let sent = request
        .get(config.csrf.header.as_str())
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    // Compared in constant time: as hashes. An app below another one's path may see the cookies of
    // both.
    let hash = |token: &str| blake3::hash(token.as_bytes());
    let same = cookies(request, &config.csrf.cookie).any(|cookie| hash(cookie) == hash(sent));
    if is_token(sent) && same {
        Ok(())
    } else {
        Err(Rejection::Csrf {
            header: config.csrf.header.clone(),
            cookie: config.csrf.cookie.clone(),
        })
    }
}

/// Returns whether a text has the form of a token. An empty cookie and an empty header would
/// otherwise be equal.
fn is_token(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns the values of all cookies of a name.
fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .filter(move |(other, _)| *other == name)
        .map(|(_, value)| value.trim_matches('"'))
}

/// Returns whether the browser came by https, as far as can be known: a proxy that ends TLS says
/// so. A client that lies about it only loses its own cookie.
pub(super) fn is_https(uri: &Uri, headers: &HeaderMap) -> bool {
    let says = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    uri.scheme_str() == Some("https")
        || says("x-forwarded-proto")
            .split(',')
            .next()
            .is_some_and(|proto| proto.trim().eq_ignore_ascii_case("https"))
        || says("forwarded")
            .to_ascii_lowercase()
            .replace('"', "")
            .contains("proto=https")
}
