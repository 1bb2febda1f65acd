//! Memcached, by its meta protocol; several servers share the keys by rendezvous hashing.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use memcache::exp::{AsyncMetaClient, Meta, Ttl};

use super::{DEADLINE, within_deadline};
use crate::{Entry, Key, Tier, TierResult, entry};

/// The server's default limit is 1 MiB for an item with its key and header; larger ones are not sent.
const MAX_ITEM: usize = (1 << 20) - 1024;

/// Memcached counts whole seconds.
const SECOND: Duration = Duration::from_secs(1);

pub(crate) struct Memcached {
    client: AsyncMetaClient,
    namespace: String,
}

impl Memcached {
    /// A tier over the servers of `//host:port,host:port`; each is connected to when it is first used.
    pub(crate) async fn new(servers: &str, namespace: String) -> Result<Self, String> {
        let servers: Vec<String> = servers
            .trim_start_matches("//")
            .trim_end_matches('/')
            .split(',')
            .filter(|server| !server.is_empty())
            .map(with_port)
            .collect::<Result<_, _>>()?;
        if servers.is_empty() {
            return Err("it names no server".into());
        }
        let client = AsyncMetaClient::builder().connect_timeout(Some(DEADLINE)).io_timeout(Some(DEADLINE));
        let client = client.connect_multiple_async(servers).await.map_err(|error| error.to_string())?;
        Ok(Self { client, namespace })
    }

    fn name_of(&self, key: &Key) -> String {
        format!("{}:{key}", self.namespace)
    }
}

fn with_port(server: &str) -> Result<String, String> {
    match server.rsplit_once(':') {
        None => Ok(format!("{server}:11211")),
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(server.to_owned()),
        Some(_) => Err(format!("{server:?} is no host:port")),
    }
}

impl Tier for Memcached {
    fn name(&self) -> &'static str {
        "memcached"
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>> {
        async move {
            let request = self.client.get(self.name_of(key)).meta(Meta::default().ttl());
            let found = within_deadline(request.send()).await?;
            let left = found.item.ttl.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0);
            let body = found.value.map(Bytes::from).as_ref().and_then(entry::open);
            // A remainder of zero means less than a second, and one millisecond is the least that counts as fresh.
            Ok(body.map(|body| Entry::new(body, Duration::from_secs(left).max(Duration::from_millis(1)))))
        }
        .boxed()
    }

    fn set<'a>(&'a self, key: &'a Key, bytes: &'a Bytes, timeout: Duration) -> BoxFuture<'a, TierResult<bool>> {
        async move {
            if bytes.len() > MAX_ITEM || timeout < SECOND {
                return Ok(false);
            }
            // Rounded down: an entry may go early, never late.
            let ttl = Ttl::secs(u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX));
            let request = self.client.set(self.name_of(key), entry::seal(bytes)).ttl(ttl);
            Ok(within_deadline(request.send()).await?.applied())
        }
        .boxed()
    }

    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>> {
        async move { within_deadline(self.client.delete(self.name_of(key)).send()).await.map(drop) }.boxed()
    }
}
