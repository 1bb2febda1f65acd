//! The builder of a cache, and the part of [`Cache`] that constructs one.
//!
//! Tiers are read in the order in which they are added. The builder reads addresses and opens
//! stores, and it reports what is wrong with an address without repeating anything that may be a
//! secret. It does not connect to servers; the tiers do so when they are first called.

use std::time::Duration;

use crate::address::{self, is_redis, masked, scheme, shown};
use crate::error::Error;
use crate::near_cache::NearCache;
use crate::{Cache, Result, Tier, options, tiers};

/// Collects the tiers of a [`Cache`].
///
/// Tiers are read in the order in which they are added: the fastest first, the one that processes
/// share last. [`namespace`](Self::namespace) and [`secret`](Self::secret) apply to the tiers that
/// are added after them, so call them first.
///
/// ```
/// use std::time::Duration;
/// use ferrodash_cache::Cache;
///
/// let cache = Cache::builder()
///     .memory(64 << 20)
///     .near_age(Duration::from_secs(10))
///     .build();
/// assert_eq!(cache.tiers(), ["memory"]);
/// ```
#[derive(Default)]
#[must_use]
pub struct CacheBuilder {
    near_cache: Option<NearCache>,
    near_age: Option<Duration>,
    tiers: Vec<Box<dyn Tier>>,
    namespace: Option<String>,
    secret: Option<String>,
    /// The name of a setting that was made after a tier was added, so that the tier does not have
    /// it.
    late: Option<&'static str>,
}

impl CacheBuilder {
    /// Sets the namespace of the entries, for stores that others can use too.
    ///
    /// In a server, all keys begin with the namespace. On a disk, each namespace has a directory of
    /// its own. Caches with the same namespace share their values, and caches with different ones
    /// do not see each other. A server needs a namespace, here or in its address, because nothing
    /// else says which processes belong together.
    ///
    /// The setting applies to tiers that are added after it. If a tier behind memory was added
    /// before, the next call of [`url`](Self::url) returns an error. An empty namespace, or one
    /// that differs from the namespace in an address, is an error of `url` too.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self.set_late("CacheBuilder::namespace");
        self
    }

    /// Signs entries in shared stores, with their key, their namespace and their expiry.
    ///
    /// Someone who can write to the store but does not know the secret cannot forge values, move
    /// them to other keys, or make them last longer. The guide says what the secret does not
    /// protect against. All processes need the same secret, and clocks that agree. Entries that
    /// were signed with another secret, or not at all, count as absent. By default entries are not
    /// signed.
    ///
    /// The setting applies to tiers that are added after it. If a tier behind memory was added
    /// before, the next call of [`url`](Self::url) returns an error.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self.set_late("CacheBuilder::secret");
        self
    }

    /// Adds memory of this process, of at most `max_bytes` for keys and values.
    ///
    /// If memory is the first tier, it is a near cache of the tiers after it: when another process
    /// changes an entry there, the copy in this memory is removed too. Memory that is added later
    /// is an ordinary tier without such notices.
    pub fn memory(mut self, max_bytes: u64) -> Self {
        let memory = tiers::Memory::new(max_bytes);
        if self.near_cache.is_none() && self.tiers.is_empty() {
            self.near_cache = Some(NearCache::new(memory));
            return self;
        }
        self.tier(memory)
    }

    /// Sets the maximum age of a copy in memory of an entry in a shared tier. After this time the
    /// entry is read from its tier again.
    ///
    /// By default 30 s if the shared tier reports changes, as Redis does, and 2 s if it does not.
    /// If the report of a change is lost, a process may read the old value for this long. The
    /// setting has no effect without a shared tier.
    pub fn near_age(mut self, age: Duration) -> Self {
        self.near_age = Some(age);
        self
    }

    /// Adds a tier of your own. [`namespace`](Self::namespace) and [`secret`](Self::secret) do not
    /// apply to it; the tier itself has to use them.
    pub fn tier(mut self, tier: impl Tier) -> Self {
        self.tiers.push(Box::new(tier));
        self
    }

    /// Adds the tier at an address, as [`Cache::from_url`] understands it.
    ///
    /// Opening a directory blocks the thread, for up to 10 s if another process is opening it at
    /// the same time. The other tiers connect later.
    ///
    /// # Errors
    /// - [`Error::Address`] if the address is malformed, if its namespace contradicts
    ///   [`namespace`](Self::namespace), or if a setting was made after an earlier tier was added.
    /// - [`Error::Feature`] if the address names a tier that is not compiled in.
    /// - [`Error::Namespace`] if a server has no namespace.
    /// - [`Error::Directory`] if the directory of a disk tier cannot be used.
    pub async fn url(self, url: &str) -> Result<Self> {
        if let Some(setting) = self.late {
            let reason = format!(
                "{setting} was set after another tier was added; \
                 set it before all of them"
            );
            return Err(malformed(url, reason));
        }
        let rest = url.split_once(':').map_or("", |(_, rest)| rest);
        match scheme(url) {
            "memory" => {
                let max = parse_memory(rest).map_err(|reason| malformed(url, reason))?;
                Ok(self.memory(max))
            }
            "null" if rest.is_empty() => Ok(self),
            "disk" => self.disk(url, rest),
            scheme if is_redis(scheme) => self.redis(url),
            "memcached" => self.memcached(url, rest),
            "" => Err(malformed(url, "it is empty".into())),
            "null" => Err(malformed(
                url,
                "null has neither a place nor options".into(),
            )),
            scheme => Err(malformed(url, format!("unknown cache scheme {scheme:?}"))),
        }
    }

    #[cfg(feature = "disk")]
    fn disk(self, url: &str, rest: &str) -> Result<Self> {
        let mut config = tiers::DiskConfig::parse(rest)?;
        config.namespace = self.namespace_or(url, config.namespace)?;
        let tier = tiers::Disk::open(config, self.sealer())?;
        Ok(self.tier(tier))
    }

    #[cfg(not(feature = "disk"))]
    fn disk(self, url: &str, _: &str) -> Result<Self> {
        Err(Error::Feature {
            url: masked(url),
            feature: "disk",
        })
    }

    #[cfg(feature = "redis")]
    fn redis(self, url: &str) -> Result<Self> {
        let asks_for_tls = url.starts_with("rediss") || url.starts_with("valkeys");
        if asks_for_tls && cfg!(not(feature = "redis-tls")) {
            return Err(Error::Feature {
                url: masked(url),
                feature: "redis-tls",
            });
        }
        let malformed = |reason| malformed(url, reason);
        let mut config = tiers::RedisConfig::parse(url).map_err(malformed)?;
        let namespace = self.namespace_of_server(url, config.namespace.take())?;
        let tier = tiers::Redis::new(config, namespace, self.sealer()).map_err(malformed)?;
        Ok(self.tier(tier))
    }

    #[cfg(not(feature = "redis"))]
    fn redis(self, url: &str) -> Result<Self> {
        Err(Error::Feature {
            url: masked(url),
            feature: "redis",
        })
    }

    #[cfg(feature = "memcached")]
    fn memcached(self, url: &str, rest: &str) -> Result<Self> {
        let malformed = |reason| malformed(url, reason);
        let mut config = tiers::MemcachedConfig::parse(rest).map_err(malformed)?;
        let namespace = self.namespace_of_server(url, config.namespace.take())?;
        let tier = tiers::Memcached::new(config, namespace, self.sealer()).map_err(malformed)?;
        Ok(self.tier(tier))
    }

    #[cfg(not(feature = "memcached"))]
    fn memcached(self, url: &str, _: &str) -> Result<Self> {
        Err(Error::Feature {
            url: masked(url),
            feature: "memcached",
        })
    }

    #[cfg(any(feature = "disk", feature = "redis", feature = "memcached"))]
    fn sealer(&self) -> crate::Sealer {
        crate::Sealer::new(self.secret.as_deref())
    }

    /// Returns the namespace of a tier: that of the builder, or else that of its address. Two
    /// different ones are an error.
    #[cfg(any(feature = "disk", feature = "redis", feature = "memcached"))]
    fn namespace_or(&self, url: &str, of_address: Option<String>) -> Result<Option<String>> {
        match (&self.namespace, of_address) {
            (Some(ours), Some(other)) if *ours != other => {
                let reason = format!(
                    "it names the namespace {other:?}, and the builder {ours:?}; \
                     leave one of them out"
                );
                Err(malformed(url, reason))
            }
            (Some(ours), _) if ours.is_empty() => Err(malformed(
                url,
                "the builder's namespace has no name".to_owned(),
            )),
            (Some(ours), _) => Ok(Some(ours.clone())),
            (None, of_address) => Ok(of_address),
        }
    }

    /// Like [`namespace_or`](Self::namespace_or), for a server, which needs a namespace.
    #[cfg(any(feature = "redis", feature = "memcached"))]
    fn namespace_of_server(&self, url: &str, of_address: Option<String>) -> Result<String> {
        self.namespace_or(url, of_address)?
            .ok_or_else(|| Error::Namespace { url: masked(url) })
    }

    /// Remembers a setting that was made after a tier was added, so that [`url`](Self::url) can
    /// refuse it.
    fn set_late(&mut self, setting: &'static str) {
        if !self.tiers.is_empty() {
            tracing::error!(
                "{setting} does not count for tiers that were added before it; \
                 set it before all of them"
            );
            self.late = Some(setting);
        }
    }

    /// Builds the cache.
    ///
    /// A cache without tiers computes every value each time, still once for all concurrent callers.
    pub fn build(self) -> Cache {
        Cache::with_tiers(
            self.near_cache,
            self.tiers,
            self.near_age,
            self.secret.is_some(),
        )
    }
}

impl Cache {
    /// Creates a cache in memory that holds at most `max_bytes` of keys and values. If more is
    /// stored, entries are evicted.
    pub fn memory(max_bytes: u64) -> Self {
        Self::builder().memory(max_bytes).build()
    }

    /// Returns a builder without tiers.
    pub fn builder() -> CacheBuilder {
        CacheBuilder::default()
    }

    /// Creates a cache with the one tier at an address.
    ///
    /// | Address | Tier |
    /// |---|---|
    /// | `memory`, `memory://?max=64MB` | memory of this process; 128 MiB without `max` |
    /// | `disk:DIR?max=1GiB&namespace=NAME` | a directory of this host (feature `disk`) |
    /// | `redis://user:password@host:port/database` | Redis or Valkey (feature `redis`) |
    /// | `memcached://host:port,host:port` | Memcached (feature `memcached`) |
    /// | `null` | none; nothing is stored |
    ///
    /// For Redis, `rediss`, `valkey` and `valkeys` are schemes too, and `+sentinel` or `+cluster`
    /// can follow. Servers need the option `namespace=NAME`, or [`CacheBuilder::namespace`]. Sizes
    /// have binary units: `kb`, `mb` and `gb` are 1024, 1024² and 1024³ bytes.
    ///
    /// A server need not be running: the cache connects to it when it is first needed. The
    /// directory of a disk tier is opened at once.
    ///
    /// # Errors
    /// As for [`CacheBuilder::url`]. The error does not repeat parts of the address that may be
    /// secret.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use ferrodash_cache::Cache;
    /// let cache = Cache::from_url("memory://?max=64MB").await.unwrap();
    /// assert_eq!(cache.tiers(), ["memory"]);
    /// assert!(Cache::from_url("postgres://localhost").await.is_err());
    /// # }
    /// ```
    pub async fn from_url(url: &str) -> Result<Self> {
        Ok(Self::builder().url(url).await?.build())
    }
}

/// Makes the error for an address that cannot be used, with its secrets hidden.
fn malformed(url: &str, reason: String) -> Error {
    Error::Address {
        url: masked(url),
        reason,
    }
}

/// Reads the part of a `memory` address after the scheme. Returns the size in bytes.
fn parse_memory(rest: &str) -> Result<u64, String> {
    let query = rest.trim_start_matches("//").trim_start_matches('?');
    // The text before the `@` may be a password, so the message does not repeat it.
    if query.contains('@') {
        return Err("the memory of this process has neither a user nor a password".into());
    }
    match query.split_once('=') {
        None if query.is_empty() => Ok(crate::cache::DEFAULT_MEMORY),
        Some(("max", size)) => options::size(size)
            .ok_or_else(|| format!("{:?} is not a size such as 64MB or 1GiB", shown(size))),
        other => {
            let name = address::option(other.map_or("", |(name, _)| name));
            Err(format!(
                "{name} is not a known option; the only option is max=SIZE"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_that_cannot_be_used_say_why() {
        for (url, part) in [
            ("", "it is empty"),
            ("postgres://localhost", "unknown cache scheme \"postgres\""),
            ("memory://?max=secret@host", "neither a user nor a password"),
            ("memory://?max=lots", "\"lots\" is not a size"),
            ("memory://?min=1", "the only option is max=SIZE"),
            ("redis://:secret@local host", "redis://***@local host"),
            ("redis:user:secret@localhost", "redis:***@localhost"),
            ("memcached://", "no server"),
            ("memcached://localhost:port", "memcached://localhost:***"),
            #[cfg(feature = "disk")]
            ("disk:", "no directory"),
        ] {
            let error = Cache::from_url(url).await.expect_err(url).to_string();
            assert!(error.contains(part), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
