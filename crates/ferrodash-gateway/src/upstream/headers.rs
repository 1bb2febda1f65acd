//! The headers of what is passed on: those about the connection stay here, and those about the
//! client are added.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use ferrodash_serve::limits::is_near;

use crate::config::Part;

/// Headers about one connection (RFC 9110, section 7.6.1), beside those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What our own headers begin with. They are for the gateway, and the app never sees them.
const OWN: &str = "x-ferrodash-";

/// Removes the headers that are about one connection.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named = headers.get_all(header::CONNECTION).iter();
    let named: Vec<HeaderName> = named
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Prepares the headers of a request for the app.
///
/// What says where the request came from is believed only if `peer`, the other end of the
/// connection, is a proxy on this machine or in a private network.
pub(crate) fn prepare(headers: &mut HeaderMap, peer: Option<IpAddr>) {
    remove_hop_by_hop(headers);
    let own: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with(OWN))
        .cloned()
        .collect();
    for name in own {
        headers.remove(name);
    }
    // hyper writes the length of the body that is sent.
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::EXPECT);
    // Names with an underscore become those of others in CGI and WSGI.
    let ambiguous: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().contains('_'))
        .cloned()
        .collect();
    for name in ambiguous {
        headers.remove(name);
    }
    join_cookies(headers);
    let is_near = peer.is_some_and(|peer| is_near(peer.to_canonical()));
    if !is_near {
        headers.remove(header::FORWARDED);
        headers.remove(FORWARDED_FOR);
        headers.remove(FORWARDED_PROTO);
        headers.remove(FORWARDED_HOST);
    }
    if let Some(peer) = peer {
        let before = headers.get_all(FORWARDED_FOR).iter();
        let mut addresses: Vec<String> = before
            .filter_map(|value| value.to_str().ok().map(ToOwned::to_owned))
            .collect();
        addresses.push(peer.to_string());
        if let Ok(value) = HeaderValue::try_from(addresses.join(", ")) {
            headers.insert(FORWARDED_FOR, value);
        }
    }
    if !headers.contains_key(FORWARDED_PROTO) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if !headers.contains_key(FORWARDED_HOST)
        && let Some(host) = headers.get(header::HOST).cloned()
    {
        headers.insert(FORWARDED_HOST, host);
    }
}

/// Joins the lines of cookies, into which HTTP/2 may split them (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let lines: Vec<&[u8]> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if lines.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&lines.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, joined);
    }
}

/// Keeps what does not tell visitors apart, so that the answer can be for all of them, and what is
/// declared as a part on which it depends.
pub(crate) fn make_anonymous(headers: &mut HeaderMap, vary: &[Part]) {
    const KEPT: [HeaderName; 5] = [
        header::HOST,
        header::ACCEPT,
        header::CONTENT_TYPE,
        FORWARDED_PROTO,
        FORWARDED_HOST,
    ];
    let is_kept = |name: &HeaderName| {
        let is_declared = |part: &Part| matches!(part, Part::Header(header) if header == name);
        KEPT.contains(name) || vary.iter().any(is_declared)
    };
    let cookies = cookies(headers, vary);
    let others: Vec<HeaderName> = headers
        .keys()
        .filter(|name| !is_kept(name))
        .cloned()
        .collect();
    for name in others {
        headers.remove(name);
    }
    if let Ok(cookies) = HeaderValue::from_bytes(&cookies)
        && !cookies.is_empty()
    {
        headers.insert(header::COOKIE, cookies);
    }
}

/// Returns those cookies of a request that are declared.
fn cookies(headers: &HeaderMap, vary: &[Part]) -> Vec<u8> {
    let is_declared = |pair: &&[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        vary.iter().any(|part| match part {
            Part::Cookie(declared) | Part::Signed(declared) => declared.as_bytes() == name,
            Part::Header(_) => false,
        })
    };
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let pairs: Vec<&[u8]> = pairs.map(<[u8]>::trim_ascii).filter(is_declared).collect();
    pairs.join(&b"; "[..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(peer: &str, sent: &[(&str, &str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        prepare(&mut headers, Some(peer.parse().unwrap()));
        let lines = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        let mut lines: Vec<String> = lines.collect();
        lines.sort();
        lines
    }

    #[test]
    fn a_far_client_does_not_say_who_it_is() {
        let sent = [
            ("host", "app.example"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=10.0.0.1"),
        ];
        assert_eq!(
            prepared("203.0.113.7", &sent),
            [
                "host: app.example",
                "x-forwarded-for: 203.0.113.7",
                "x-forwarded-host: app.example",
                "x-forwarded-proto: http",
            ]
        );
        assert_eq!(
            prepared("127.0.0.1", &sent),
            [
                "forwarded: for=10.0.0.1",
                "host: app.example",
                "x-forwarded-for: 10.0.0.1, 127.0.0.1",
                "x-forwarded-host: app.example",
                "x-forwarded-proto: https",
            ]
        );
    }

    #[test]
    fn headers_of_the_connection_and_our_own_stay_here() {
        let sent = [
            ("connection", "close, x-secret"),
            ("x-secret", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("content-length", "3"),
            ("x-ferrodash-build", "0"),
            ("content_length", "5"),
            ("accept", "text/html"),
        ];
        let kept = prepared("203.0.113.7", &sent);
        assert_eq!(
            kept,
            [
                "accept: text/html",
                "x-forwarded-for: 203.0.113.7",
                "x-forwarded-proto: http",
            ]
        );
    }

    #[test]
    fn g6_a_shared_call_has_only_what_is_declared_of_its_visitor() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "app.example"),
            ("cookie", "session=alice; lang=en"),
            ("authorization", "Bearer alice"),
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-user", "alice"),
            ("x-api-key", "alice"),
            ("accept-language", "en"),
            ("content-type", "application/json"),
        ] {
            let name: HeaderName = name.parse().unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        let vary = [
            Part::Cookie("lang".to_owned()),
            Part::Header(header::ACCEPT_LANGUAGE),
        ];
        make_anonymous(&mut headers, &vary);
        assert_eq!(headers.len(), 4);
        assert_eq!(headers["cookie"], "lang=en");
        assert_eq!(headers["accept-language"], "en");
        make_anonymous(&mut headers, &[]);
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn cookies_on_several_lines_become_one() {
        let lines = prepared("203.0.113.7", &[("cookie", "a=1"), ("cookie", "b=2")]);
        assert_eq!(lines[0], "cookie: a=1; b=2");
    }
}
