//! The target of the fuzzer of addresses: it runs the parsers and the builder, and inspects every
//! text that they produce.

use futures_util::FutureExt;

use crate::address::masked;

/// Searches for a secret in every text about an address, whether or not the address can be used:
/// the error, and the settings that were read from it. Nothing is opened or connected to.
pub fn fuzz_address(url: &str, secrets: &[&str]) {
    let check = |text: String| {
        assert!(
            !secrets.iter().any(|secret| text.contains(secret)),
            "{text}"
        );
    };
    check(masked(url));
    let rest = url.split_once(':').map_or("", |(_, rest)| rest);
    match crate::tiers::RedisConfig::parse(url) {
        Ok(config) => check(format!("{config:?}")),
        Err(reason) => check(reason),
    }
    match crate::tiers::MemcachedConfig::parse(rest) {
        Ok(config) => check(format!("{config:?}")),
        Err(reason) => check(reason),
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A part of each password, which nothing else has in it, as it is and as an address may have
    /// it.
    const SECRETS: [&str; 2] = ["Xq9Zk7Wv", "%58%71%39%5A%6B%37%57%76"];

    /// Text with all that has a meaning in addresses.
    fn text() -> impl Strategy<Value = String> {
        let parts = prop::sample::select(vec![
            ":",
            "/",
            "//",
            "?",
            "&",
            "=",
            "@",
            "#",
            ";",
            ",",
            "%",
            "%40",
            "%3A",
            "%2F",
            "%3F",
            "[",
            "]",
            " ",
            "+",
            "a",
            "b1",
            "6379",
            "localhost",
            "[::1]",
            "deadline",
            "=2s",
            "max",
            "password=",
            "namespace=n",
            "max_value=",
            "ca=",
            "é",
        ]);
        prop::collection::vec(parts, 0..6).prop_map(|parts| parts.concat())
    }

    fn scheme() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "redis",
            "rediss",
            "valkey",
            "redis+sentinel",
            "rediss+cluster",
            "redis+unix",
            "memcached",
            "memory",
            "null",
            "unix",
            "disk",
            "postgres",
            "https",
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

        /// As the fuzzer `addresses` does: the secret stands where a password may stand.
        #[test]
        fn a10_nothing_that_is_said_of_an_address_has_its_password(
            (scheme, user, before, after, rest) in (scheme(), text(), text(), text(), text()),
            slashes in prop::sample::select(vec!["//", "/", ""]),
        ) {
            for secret in SECRETS {
                // Before a host.
                let login = format!("{user}:{before}{secret}{after}@{rest}");
                if !slashes.is_empty() || !login.contains("://") {
                    fuzz_address(&format!("{scheme}:{slashes}{login}"), &SECRETS);
                }
                // As an option, with whatever is behind it.
                let host = rest.replace(['@', '?', '#'], "");
                for name in ["password", "pass", "token", "sentinel_password", "x", "PASSWORD", "1"] {
                    fuzz_address(&format!("{scheme}://{host}?{name}={secret}{after}"), &SECRETS);
                    fuzz_address(&format!("{scheme}://{host}?deadline=2s&{name}={secret}{after}"), &SECRETS);
                }
                // In the place of a port, of an option without a name, or behind one that is known.
                fuzz_address(&format!("{scheme}://{user}a:{secret}"), &SECRETS);
                fuzz_address(&format!("{scheme}://{host}?{secret}"), &SECRETS);
                fuzz_address(&format!("{scheme}://{host}?deadline=2s;{secret}"), &SECRETS);
                // By itself, and before anything that is an address.
                fuzz_address(secret, &SECRETS);
                fuzz_address(&format!("{secret}@{host}"), &SECRETS);
                fuzz_address(&format!("KEY={secret}{after}"), &SECRETS);
            }
        }
    }
}
