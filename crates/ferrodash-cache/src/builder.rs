//! Builds a cache: tiers, in the order in which they are asked.

use crate::error::{Error, without_password};
use crate::{Cache, Result, Tier, tiers};

/// Collects the tiers of a [`Cache`].
#[derive(Default)]
#[must_use]
pub struct CacheBuilder {
    tiers: Vec<Box<dyn Tier>>,
    namespace: Option<String>,
}

impl CacheBuilder {
    /// What keys in shared stores begin with, `ferrodash` by default. Counts for tiers that are added after it.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Adds memory of this process, at most `max_bytes` of keys and values.
    pub fn memory(self, max_bytes: u64) -> Self {
        self.tier(tiers::Memory::new(max_bytes))
    }

    /// Adds a tier of one's own.
    pub fn tier(mut self, tier: impl Tier) -> Self {
        self.tiers.push(Box::new(tier));
        self
    }

    /// Adds the tier at an address, as [`Cache::from_url`] understands it.
    ///
    /// # Errors
    /// When the address is malformed, or names a tier that is not compiled in.
    pub async fn url(self, url: &str) -> Result<Self> {
        let malformed = |reason: &str| Error::Address { url: without_password(url), reason: reason.to_owned() };
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        let namespace = self.namespace.clone().unwrap_or_else(|| "ferrodash".into());
        match scheme {
            "memory" => {
                let max = parse_memory(rest).map_err(|reason| malformed(&reason))?;
                Ok(self.memory(max))
            }
            #[cfg(feature = "disk")]
            "disk" => Ok(self.tier(tiers::Disk::open(rest.trim_start_matches("//"))?)),
            #[cfg(feature = "redis")]
            "redis" | "valkey" => {
                Ok(self.tier(tiers::Redis::new(url, namespace).map_err(|reason| malformed(&reason))?))
            }
            #[cfg(feature = "memcached")]
            "memcached" => {
                Ok(self.tier(tiers::Memcached::new(rest, namespace).await.map_err(|reason| malformed(&reason))?))
            }
            #[cfg(not(feature = "disk"))]
            "disk" => Err(Error::Feature { url: url.to_owned(), feature: "disk" }),
            #[cfg(not(feature = "redis"))]
            "redis" | "valkey" => Err(Error::Feature { url: without_password(url), feature: "redis" }),
            #[cfg(not(feature = "memcached"))]
            "memcached" => Err(Error::Feature { url: without_password(url), feature: "memcached" }),
            "" => Err(malformed("it is empty")),
            _ => Err(malformed(&format!("{scheme:?} is no scheme of a cache"))),
        }
    }

    /// The cache. Without a tier, everything is computed each time, still once for all who ask at the same time.
    pub fn build(self) -> Cache {
        Cache::with_tiers(self.tiers)
    }
}

fn parse_memory(rest: &str) -> Result<u64, String> {
    let query = rest.trim_start_matches("//").trim_start_matches('?');
    match query.split_once('=') {
        None if query.is_empty() => Ok(crate::cache::DEFAULT_MEMORY),
        Some(("max", size)) => parse_size(size).ok_or_else(|| format!("{size:?} is no size such as 64MB or 1GiB")),
        _ => Err(format!("{query:?} is not understood, only max=SIZE is")),
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" | "kib" => 1 << 10,
        "mb" | "mib" => 1 << 20,
        "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).filter(|size| *size > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_that_cannot_be_used_say_why() {
        for (url, part) in [
            ("", "it is empty"),
            ("postgres://localhost", "\"postgres\" is no scheme of a cache"),
            ("memory://?max=lots", "\"lots\" is no size"),
            ("memory://?min=1", "only max=SIZE is"),
            ("redis://:secret@local host", "redis://***@local host"),
            ("memcached://", "no server"),
            ("memcached://localhost:port", "localhost:port"),
            ("disk:", "no directory"),
        ] {
            let error = Cache::from_url(url).await.expect_err(url).to_string();
            assert!(error.contains(part), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(parse_size("64MB"), Some(64 << 20));
        assert_eq!(parse_size("1GiB"), Some(1 << 30));
        assert_eq!(parse_size("512"), Some(512));
        assert_eq!(parse_size("0"), None);
        assert_eq!(parse_size("5 apples"), None);
    }
}
