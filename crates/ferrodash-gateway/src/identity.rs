//! Whose a request is, and the further parts of it on which an answer depends.

use axum::http::{HeaderMap, HeaderName, Uri, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use crate::config::Part;
use crate::dash::KeptAnswers;

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What is signed before the name in a cookie.
const SIGNED: &[u8] = b"ferrodash identity v1\0";

/// What an answer depends on beside the call.
#[derive(Serialize)]
pub(crate) struct Asker {
    /// Whose the call is; nothing if the answer is for everybody.
    who: Option<String>,
    /// The further parts of the request.
    vary: Vec<Option<String>>,
    /// The name under which the app is visited.
    hosts: [String; 2],
    /// What the address of the call says, which the app can read.
    query: String,
}

impl Asker {
    /// Reads a request for an answer that is kept.
    pub(crate) fn of(
        headers: &HeaderMap,
        uri: &Uri,
        kept: &KeptAnswers,
        secret: Option<&str>,
    ) -> Self {
        let identity = || identity(headers, kept.identity.as_deref(), secret);
        Self {
            who: (!kept.is_shared).then(identity),
            vary: values(headers, &kept.vary, secret),
            query: query(uri),
            hosts: [header::HOST, FORWARDED_HOST].map(|name| joined(headers, &name)),
        }
    }
}

/// Returns the query of a call, without what Dash adds to tell servers apart.
fn query(uri: &Uri) -> String {
    let query = uri.query().unwrap_or_default().split('&');
    let parts: Vec<&str> = query.filter(|pair| !pair.starts_with("endId=")).collect();
    parts.join("&")
}

/// Returns the text that tells whose a request is, with the parts of it that are declared, or with
/// everything that may say so.
pub(crate) fn identity(
    headers: &HeaderMap,
    parts: Option<&[Part]>,
    secret: Option<&str>,
) -> String {
    let Some(parts) = parts else {
        return everything(headers);
    };
    let values = values(headers, parts, secret);
    // No value runs into the next one.
    serde_json::to_string(&values).expect("texts are JSON")
}

/// Returns the values of parts of a request; `None` for those that it does not have.
pub(crate) fn values(
    headers: &HeaderMap,
    parts: &[Part],
    secret: Option<&str>,
) -> Vec<Option<String>> {
    let value = |part: &Part| match part {
        Part::Cookie(name) => cookie(headers, name),
        Part::Header(name) => headers.contains_key(name).then(|| joined(headers, name)),
        Part::Signed(name) => signed(&cookie(headers, name)?, secret?),
    };
    parts.iter().map(value).collect()
}

/// Headers that say nothing about whose a request is: those of browsers, of connections, and those
/// that proxies add to follow requests. Many of them differ for each request.
const IMPERSONAL: [&str; 54] = [
    "b3",
    "baggage",
    "cache-control",
    "cdn-loop",
    "cf-connecting-ip",
    "cf-ipcountry",
    "cf-ray",
    "cf-visitor",
    "connection",
    "dnt",
    "fly-request-id",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "pragma",
    "priority",
    "range",
    "referer",
    "save-data",
    "sentry-trace",
    "te",
    "traceparent",
    "tracestate",
    "true-client-ip",
    "uber-trace-id",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "x-amz-cf-id",
    "x-amzn-trace-id",
    "x-azure-clientip",
    "x-azure-ref",
    "x-client-ip",
    "x-cloud-trace-context",
    "x-correlation-id",
    "x-csrf-token",
    "x-csrftoken",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-path",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-request-id",
    "x-request-start",
    "x-requested-with",
    "x-scheme",
    "x-vercel-id",
    "x-wait-time",
];

/// What the names of further such headers begin with.
const HARMLESS: [&str; 9] = [
    "accept",
    "content-",
    "if-",
    "sec-",
    "x-b3-",
    "x-datadog-",
    "x-envoy-",
    "x-ferrodash-",
    "x-goog-trace",
];

/// Returns all that may tell whose a request is: cookies, `Authorization`, and each header that is
/// not known to say nothing. A proxy that signs visitors in can use any name.
fn everything(headers: &HeaderMap) -> String {
    let mut names: Vec<&HeaderName> = headers
        .keys()
        .filter(|name| {
            let name = name.as_str();
            let is_harmless = HARMLESS.iter().any(|start| name.starts_with(start));
            !is_harmless && !IMPERSONAL.contains(&name)
        })
        .collect();
    names.sort_by_key(|name| name.as_str());
    let said = names
        .into_iter()
        .map(|name| (name.as_str(), joined(headers, name)));
    let said: Vec<(&str, String)> = said.collect();
    // No value runs into the next one.
    serde_json::to_string(&said).expect("texts are JSON")
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter();
    let texts: Vec<String> = values.map(|value| text(value.as_bytes())).collect();
    texts.join("; ")
}

/// Returns a text that differs for all bytes that differ. Values need not be UTF-8.
fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter();
    let mut pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        let pair = pair.trim_ascii();
        let end = pair.iter().position(|byte| *byte == b'=')?;
        (&pair[..end] == name.as_bytes()).then(|| text(&pair[end + 1..]))
    })
}

/// Returns the name in a cookie that was signed with the secret.
fn signed(cookie: &str, secret: &str) -> Option<String> {
    let (name, signature) = cookie.split_once('.')?;
    let name = BASE64_URL_SAFE_NO_PAD.decode(name).ok()?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(SIGNED);
    mac.update(&name);
    mac.verify_slice(&signature).ok()?;
    String::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        lines.collect()
    }

    #[test]
    fn g6_without_a_declaration_all_cookies_and_the_authorization_tell() {
        let requests = [
            request(&[]),
            request(&[("cookie", "a=1")]),
            request(&[("cookie", "a=1; b=2")]),
            request(&[("authorization", "a=1")]),
            request(&[("x-forwarded-preferred-username", "a=1")]),
            request(&[("x-any-name", "a=1")]),
        ];
        let names = requests.map(|request| identity(&request, None, None));
        for (place, name) in names.iter().enumerate() {
            assert!(!names[..place].contains(name), "{name:?}");
        }
        let browser = request(&[
            ("user-agent", "a"),
            ("accept", "b"),
            ("x-forwarded-for", "c"),
        ]);
        assert_eq!(identity(&browser, None, None), names[0]);
    }

    #[test]
    fn g6_what_is_declared_tells_and_nothing_else() {
        let parts = [
            Part::Cookie("a".to_owned()),
            Part::Header("x-user".parse().unwrap()),
        ];
        let name = |lines: &[_]| identity(&request(lines), Some(&parts), None);
        let alice = name(&[("cookie", "b=2; a=1"), ("x-user", "u")]);
        assert_eq!(alice, name(&[("cookie", "a=1; c=3"), ("x-user", "u")]));
        for other in [
            name(&[("cookie", "a=2"), ("x-user", "u")]),
            name(&[("cookie", "a=1")]),
            name(&[("x-user", "u")]),
            name(&[("cookie", "aa=1"), ("x-user", "u")]),
            name(&[("cookie", "a=1,u")]),
        ] {
            assert_ne!(alice, other);
        }
    }

    #[test]
    fn g6_bytes_that_are_no_text_tell_too() {
        let name = |cookie: &'static [u8], parts: Option<&[Part]>| {
            let value = axum::http::HeaderValue::from_bytes(cookie).unwrap();
            identity(
                &HeaderMap::from_iter([(header::COOKIE, value)]),
                parts,
                None,
            )
        };
        let session = [Part::Cookie("session".to_owned())];
        for parts in [None, Some(&session[..])] {
            let names = [
                name(b"name=Jos\xc3\xa9; session=alice", parts),
                name(b"name=Jos\xc3\xa9; session=bob", parts),
                name(b"session=\xe9", parts),
                name(b"session=\xe8", parts),
            ];
            for (place, name) in names.iter().enumerate() {
                assert!(!names[..place].contains(name), "{name:?}");
            }
        }
    }

    #[test]
    fn g6_a_cookie_with_another_signature_is_nobodys() {
        // Made by the Python package for "alice" and the secret "secret".
        let made = "YWxpY2U.iR02Egoh6DOB7ZE2P5mQoBZQ4dx40QgLS6rO-oGIfiA";
        assert_eq!(signed(made, "secret").as_deref(), Some("alice"));
        for wrong in [
            made.replace("YWxpY2U", "YWxpY2V"),
            made.replace("iR02", "iR03"),
            "YWxpY2U".to_owned(),
            "YWxpY2U.".to_owned(),
            String::new(),
        ] {
            assert_eq!(signed(&wrong, "secret"), None, "{wrong}");
        }
        assert_eq!(signed(made, "other"), None);
    }
}
