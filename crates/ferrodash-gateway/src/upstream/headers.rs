//! The headers of what is passed on: those about the connection stay here, and those about the
//! client are added.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers about one connection (RFC 9110, section 7.6.1), beside those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
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
    let is_near = peer.is_some_and(is_near);
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

/// Removes what tells visitors apart, so that the answer can be for all of them.
pub(crate) fn make_anonymous(headers: &mut HeaderMap) {
    const PERSONAL: [HeaderName; 9] = [
        header::COOKIE,
        header::AUTHORIZATION,
        header::PROXY_AUTHORIZATION,
        header::FORWARDED,
        header::USER_AGENT,
        header::ACCEPT_LANGUAGE,
        header::REFERER,
        header::ORIGIN,
        FORWARDED_FOR,
    ];
    for name in PERSONAL {
        headers.remove(name);
    }
    // The names of CSRF tokens in Dash.
    headers.remove("x-csrftoken");
    headers.remove("x-csrf-token");
}

fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
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
}
