//! The address of Memcached servers, and the settings in it.
//!
//! No message repeats anything that may be a password.

use std::time::Duration;

use crate::address::{self, is_host, shown};
use crate::options;

/// The limit of an item in a server that was started without `-I`.
const MAX_ITEM: usize = 1 << 20;

/// The smallest limit. Smaller items would make too many pieces of a large entry.
const LEAST_ITEM: usize = 16 << 10;

/// The size of an item besides its value: the key, and the server's header.
const OVERHEAD: usize = 1024;

/// The default deadline of a call.
const DEADLINE: Duration = Duration::from_millis(100);

const DEFAULT_PORT: u16 = 11211;

/// The servers of a [`Memcached`](super::Memcached) tier, and how to use them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemcachedConfig {
    /// The servers, as `host:port`. Keys are distributed by these names, so all processes must use
    /// the same ones.
    pub servers: Vec<String>,
    /// The time that a call may take, 100 ms by default. An entry in pieces has as much for each of
    /// them.
    pub deadline: Duration,
    /// The largest item that the servers accept, which is their option `-I`; 1 MiB by default.
    /// Values below 16 KiB count as 16 KiB.
    pub max_item: usize,
    /// The beginning of all keys, if the address names one.
    pub namespace: Option<String>,
}

impl MemcachedConfig {
    /// Reads `//host:port,host2?namespace=NAME&deadline=100ms&max_item=1MB`, the part of an address
    /// after `memcached:`. The port is 11211 by default.
    ///
    /// # Errors
    /// If there is no server, or if a server or an option is malformed. A user or a password is an
    /// error, because this protocol has neither.
    pub fn parse(address: &str) -> Result<Self, String> {
        // The text before the `@` may be a password, wherever it is, so it is not repeated.
        if address.contains('@') {
            return Err(
                "a user and a password need SASL, which only the binary protocol has, \
                 and Memcached has deprecated that; use a private network or a TLS proxy"
                    .into(),
            );
        }
        let (servers, options) = address.split_once('?').unwrap_or((address, ""));
        let servers = servers.trim_start_matches("//").trim_end_matches('/');
        let servers = servers
            .split(',')
            .filter(|server| !server.is_empty())
            .map(with_port);
        let servers: Vec<String> = servers.collect::<Result<_, _>>()?;
        if servers.is_empty() {
            return Err("it names no server".into());
        }
        let mut config = Self {
            servers,
            deadline: DEADLINE,
            max_item: MAX_ITEM,
            namespace: None,
        };
        options
            .split('&')
            .filter(|option| !option.is_empty())
            .try_for_each(|option| config.set(option))?;
        Ok(config)
    }

    /// Returns the longest value of an item.
    pub(super) fn max_value(&self) -> usize {
        self.max_item.max(LEAST_ITEM) - OVERHEAD
    }

    /// Applies an option of the address.
    fn set(&mut self, option: &str) -> Result<(), String> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        match name {
            "namespace" => self.namespace = Some(options::namespace(value)?),
            "deadline" => {
                let error = || {
                    format!(
                        "deadline={:?} is not a time such as 100ms or 2s",
                        shown(value)
                    )
                };
                self.deadline = options::time(value).ok_or_else(error)?;
            }
            "max_item" => {
                let size = options::size(value)
                    .and_then(|size| usize::try_from(size).ok())
                    .ok_or_else(|| {
                        format!("max_item={:?} is not a size such as 1MB", shown(value))
                    })?;
                if size < LEAST_ITEM {
                    return Err(format!("max_item={:?} is less than 16KB", shown(value)));
                }
                self.max_item = size;
            }
            _ => {
                let name = address::option(name);
                return Err(format!(
                    "{name} is no option of Memcached; namespace, \
                     deadline and max_item are"
                ));
            }
        }
        Ok(())
    }
}

/// Checks a server, and adds the default port if it has none.
fn with_port(server: &str) -> Result<String, String> {
    // Only a colon after the bracket of an IPv6 address begins a port.
    let begin = server.rfind(']').unwrap_or(0);
    let (host, port) = match server[begin..].rfind(':') {
        Some(colon) => (&server[..begin + colon], Some(&server[begin + colon + 1..])),
        None => (server, None),
    };
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    if !is_host(inner.unwrap_or(host)) || inner.is_none() && host.contains(':') {
        // A text that is not a host may be a password, so it is not repeated.
        let reason = "a server is not written as host:port, \
                      with an IPv6 address in brackets";
        return Err(reason.to_owned());
    }
    match port.map(str::parse::<u16>) {
        None => Ok(format!("{host}:{DEFAULT_PORT}")),
        Some(Ok(1..)) => Ok(server.to_owned()),
        Some(Ok(0)) => Err(format!("{server:?} needs a port other than 0")),
        Some(Err(_)) => Err(format!("the text after \"{host}:\" is not a port")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_servers_and_options() {
        let config =
            MemcachedConfig::parse("//a:1,b,[::1],[::1]:2/?deadline=2s&max_item=2MB").unwrap();
        assert_eq!(config.servers, ["a:1", "b:11211", "[::1]:11211", "[::1]:2"]);
        assert_eq!(
            (config.deadline, config.max_item),
            (Duration::from_secs(2), 2 << 20)
        );
        let config = MemcachedConfig::parse("//localhost").unwrap();
        assert_eq!((config.deadline, config.max_item), (DEADLINE, MAX_ITEM));
    }

    #[test]
    fn an_address_that_cannot_be_used_says_why() {
        for (address, part) in [
            ("//", "no server"),
            ("//host:port", "after \"host:\" is not a port"),
            ("//host:0", "host:0"),
            ("//::1", "not written as host:port"),
            (
                "//user:secret@host",
                "deprecated that; use a private network",
            ),
            (
                "//user:secret?more@host",
                "deprecated that; use a private network",
            ),
            (
                "//user:11?secret@host",
                "deprecated that; use a private network",
            ),
            ("//host?deadline=100", "not a time such as"),
            ("//host?deadline=0ms", "not a time such as"),
            ("//host?max_item=lots", "not a size such as"),
            ("//host?max_item=1KB", "less than 16KB"),
            ("//host?tls=1", "\"tls\" is no option of Memcached"),
        ] {
            let error = MemcachedConfig::parse(address).expect_err(address);
            assert!(
                error.contains(part) && !error.contains("secret"),
                "{address}: {error}"
            );
        }
    }
}
