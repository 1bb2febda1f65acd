//! The target of the fuzzer of addresses: it runs the parsers and the builder, and inspects every
//! text that they produce.

use futures_util::FutureExt;

use crate::address::masked;

/// Searches for a secret in every text about an address, whether or not the address can be used:
/// the error, and the settings that were read from it. Nothing is opened or connected to.
#[doc(hidden)]
pub fn fuzz_address(url: &str, secrets: &[&str]) {
    let check = |text: String| {
        assert!(
            !secrets.iter().any(|secret| text.contains(secret)),
            "{text}"
        );
    };
    check(masked(url));
    #[cfg(any(feature = "redis", feature = "memcached", feature = "disk"))]
    let rest = url.split_once(':').map_or("", |(_, rest)| rest);
    #[cfg(feature = "redis")]
    match crate::tiers::RedisConfig::parse(url) {
        Ok(config) => check(format!("{config:?}")),
        Err(reason) => check(reason),
    }
    #[cfg(feature = "memcached")]
    match crate::tiers::MemcachedConfig::parse(rest) {
        Ok(config) => check(format!("{config:?}")),
        Err(reason) => check(reason),
    }
    #[cfg(feature = "disk")]
    match crate::tiers::DiskConfig::parse(rest) {
        Ok(config) => assert!(!config.directory.as_os_str().is_empty() && config.max_bytes > 0),
        Err(error) => check(format!("{error} {error:?}")),
    }
    // A disk tier would create its directory.
    if !url.starts_with("disk:") {
        let cache = crate::Cache::from_url(url)
            .now_or_never()
            .expect("nothing is waited for");
        match cache {
            Ok(cache) => check(format!("{cache:?} {:?}", cache.tier_reports())),
            Err(error) => check(format!("{error} {error:?}")),
        }
    }
}
