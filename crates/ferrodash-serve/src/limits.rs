//! Limits of calls in progress, for the app and for each client.
//!
//! A call that finds no place is refused at once and never queued: a queue would hold memory and
//! make every answer late. A place is a value that frees itself when it is dropped, so also when a
//! call is cancelled or panics. The answer to a call that is refused is made by the caller.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::sync::lock;

/// The calls in progress. Shared by all requests.
pub struct Limits {
    /// A permit for each call that the app may have in progress; `None` for any number.
    app: Option<Arc<Semaphore>>,
    /// The number of calls that each client may have in progress; `None` for any number.
    per_client: Option<usize>,
    /// The number of calls that each client has in progress; clients without any have no entry.
    /// Locked for one look-up.
    clients: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// The refusal of a call because too many are in progress: of "this client" or of "this app".
#[derive(Debug, PartialEq, Eq)]
pub struct Busy(
    /// Who has too many calls.
    pub &'static str,
);

/// The place of a call among those of its client; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place(
    #[expect(dead_code, reason = "it is held, and not looked at")] Option<ClientPlace>,
);

/// The place of a call among those of the app; it is free again when this is dropped.
#[derive(Debug)]
pub struct CallPlace(
    #[expect(dead_code, reason = "it is held, and not looked at")] Option<OwnedSemaphorePermit>,
);

/// The place of a client that is known.
#[derive(Debug)]
struct ClientPlace {
    client: IpAddr,
    clients: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Limits {
    /// Creates the limits of an app, with no calls in progress.
    ///
    /// `app` is the number of calls of all clients at a time, and `per_client` that of one. `None`
    /// is any number.
    pub fn new(app: Option<usize>, per_client: Option<usize>) -> Self {
        let app = app.map(|calls| Arc::new(Semaphore::new(calls.min(Semaphore::MAX_PERMITS))));
        Self {
            app,
            per_client,
            clients: Arc::default(),
        }
    }

    /// Takes a place for a call of a client, and one among all calls of the app.
    ///
    /// # Errors
    /// [`Busy`] if there is none; no place is taken then.
    pub fn admit(&self, client: Option<IpAddr>) -> Result<(Place, CallPlace), Busy> {
        let call = self.admit_call()?;
        Ok((self.admit_client(client)?, call))
    }

    /// Takes a place among all calls of the app, for a call that is ready to run. A call whose body
    /// is still being received has none, so that slow senders do not keep others out.
    pub fn admit_call(&self) -> Result<CallPlace, Busy> {
        let Some(calls) = &self.app else {
            return Ok(CallPlace(None));
        };
        let place = calls.clone().try_acquire_owned();
        place
            .map(|place| CallPlace(Some(place)))
            .map_err(|_| Busy("this app"))
    }

    /// Takes a place among the calls of a client. There is no limit for clients whose address is
    /// not known.
    pub fn admit_client(&self, client: Option<IpAddr>) -> Result<Place, Busy> {
        match (client, self.per_client) {
            (Some(client), Some(most)) => {
                self.place_of(client, most).map(|place| Place(Some(place)))
            }
            _ => Ok(Place(None)),
        }
    }

    /// Counts a call of a client, unless it has as many as it may.
    fn place_of(&self, client: IpAddr, most: usize) -> Result<ClientPlace, Busy> {
        let mut clients = lock(&self.clients);
        // A client without calls in progress has no entry, also when its first one is refused.
        match clients.entry(client) {
            MapEntry::Occupied(mut calls) if *calls.get() < most => *calls.get_mut() += 1,
            MapEntry::Vacant(calls) if most > 0 => drop(calls.insert(1)),
            _ => return Err(Busy("this client")),
        }
        Ok(ClientPlace {
            client,
            clients: self.clients.clone(),
        })
    }
}

/// Frees the place, also when its call is cancelled or panics.
impl Drop for ClientPlace {
    fn drop(&mut self) {
        let mut clients = lock(&self.clients);
        if let Some(calls) = clients.get_mut(&self.client) {
            *calls -= 1;
            if *calls == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

/// Returns the address of the client that sends a request.
///
/// That is the other end of the connection. If that is a proxy on this machine or in a private
/// network, it is the address that the proxy put at the end of `X-Forwarded-For`; earlier ones in
/// the header can be written by the client itself. `None` if the server that runs the app does not
/// say.
pub fn client(parts: &Parts) -> Option<IpAddr> {
    let ConnectInfo(remote) = parts
        .extensions
        .get::<ConnectInfo<std::net::SocketAddr>>()?;
    let remote = remote.ip().to_canonical();
    if !is_near(remote) {
        return Some(network(remote));
    }
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().next_back();
    let last =
        forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next().and_then(address));
    Some(network(last.unwrap_or(remote).to_canonical()))
}

/// Parses an address, as proxies write it: some add a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse()
        .ok()
        .or_else(|| Some(text.parse::<std::net::SocketAddr>().ok()?.ip()))
}

/// Returns whether an address is one of this machine or of a private network (RFC 1918, RFC 4193),
/// as those of proxies are.
pub fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// Returns the part of an address that belongs to one client: with IPv6 a client has all addresses
/// of a network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    const MASK: u128 = !0 << 64;
    match address {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & MASK)),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::http::Request;

    use super::*;

    fn client_of(remote: &str, forwarded: &[&str]) -> Option<String> {
        let request = forwarded.iter().fold(Request::get("/"), |it, value| {
            it.header("x-forwarded-for", *value)
        });
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts
            .extensions
            .insert(ConnectInfo(remote.parse::<SocketAddr>().unwrap()));
        client(&parts).map(|address| address.to_string())
    }

    #[test]
    fn a_client_is_told_by_its_address_and_a_header_counts_only_from_a_proxy_that_is_near() {
        for (remote, forwarded, expected) in [
            ("203.0.113.7:1", &[][..], "203.0.113.7"),
            ("203.0.113.7:1", &["198.51.100.1"], "203.0.113.7"),
            ("127.0.0.1:1", &["198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3:1", &["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3:1", &["6.6.6.6", "198.51.100.2"], "198.51.100.2"),
            ("127.0.0.1:1", &["not an address"], "127.0.0.1"),
            ("127.0.0.1:1", &["198.51.100.1:5000"], "198.51.100.1"),
            ("127.0.0.1:1", &[], "127.0.0.1"),
            ("[::ffff:127.0.0.1]:1", &["198.51.100.1"], "198.51.100.1"),
            ("[2001:db8:1:2:3:4:5:6]:1", &[], "2001:db8:1:2::"),
        ] {
            assert_eq!(
                client_of(remote, forwarded).as_deref(),
                Some(expected),
                "{remote} {forwarded:?}"
            );
        }
    }

    #[test]
    fn places_are_free_again_when_they_are_dropped() {
        let limits = Limits::new(Some(3), Some(2));
        let [a, b] = ["192.0.2.1", "192.0.2.2"].map(|text| Some(text.parse().unwrap()));
        let first = limits.admit(a).unwrap();
        let _second = limits.admit(a).unwrap();
        assert!(matches!(limits.admit(a), Err(Busy("this client"))));
        let _third = limits.admit(b).unwrap();
        assert!(matches!(limits.admit(None), Err(Busy("this app"))));
        drop(first);
        let _fourth = limits.admit(a).unwrap();
        drop((_second, _third, _fourth));
        assert!(
            lock(&limits.clients).is_empty(),
            "clients without calls are forgotten"
        );
    }
}
