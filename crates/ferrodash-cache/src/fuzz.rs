//! What the fuzzer of addresses runs: the builder, and everything that it says.

use futures_util::FutureExt;

use crate::address::masked;

/// Looks for a secret in all that is said of an address, whether or not it can be used: the error,
/// and the settings that were read from it. Nothing is opened or connected to.
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
    // A directory would be made.
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
