//! Whose a request is, and the further parts of it on which an answer depends.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::Part;

/// What is signed before the name in a cookie.
const SIGNED: &[u8] = b"ferrodash identity v1\0";

/// Returns the text that tells whose a request is, with the parts of it that are declared, or with
/// all cookies and `Authorization`.
pub(crate) fn identity(
    headers: &HeaderMap,
    parts: Option<&[Part]>,
    secret: Option<&str>,
) -> String {
    let Some(parts) = parts else {
        let cookies = joined(headers, &header::COOKIE);
        let authorization = joined(headers, &header::AUTHORIZATION);
        return format!("{cookies}\0{authorization}");
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
        Part::Cookie(name) => cookie(headers, name).map(Cow::into_owned),
        Part::Header(name) => headers.contains_key(name).then(|| joined(headers, name)),
        Part::Signed(name) => signed(&cookie(headers, name)?, secret?),
    };
    parts.iter().map(value).collect()
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter();
    let texts: Vec<Cow<'_, str>> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    texts.join("; ")
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    let lines = headers.get_all(header::COOKIE).iter();
    let mut pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (known, value) = pair.trim().split_once('=')?;
        (known == name).then_some(Cow::Borrowed(value))
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
        ];
        let names = requests.map(|request| identity(&request, None, None));
        for (place, name) in names.iter().enumerate() {
            assert!(!names[..place].contains(name), "{name:?}");
        }
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
