//! Addresses: what is wrong with one is said without its password, wherever a special character puts a part of it.

#![no_main]

use ferrodash_cache::Cache;
use ferrodash_cache::tiers::{DiskConfig, MemcachedConfig, RedisConfig};
use futures_util::FutureExt;
use libfuzzer_sys::{Corpus, fuzz_target};

/// A part of each password, which nothing else has in it.
const SECRET: &str = "Xq9Zk7Wv";

/// The same, as an address may have it.
const ENCODED: &str = "%58%71%39%5A%6B%37%57%76";

// Lines: what comes before the user, the user, what the password has before and after the secret, and the rest.
fuzz_target!(init: ferrodash_fuzz::seed("addresses", seeds()), |text: &str| -> Corpus {
    let mut lines = text.splitn(5, '\n');
    let mut line = || lines.next().filter(|line| !shows_secret(line));
    let [Some(scheme), Some(user), Some(before), Some(after), Some(rest)] = [(); 5].map(|()| line()) else {
        return Corpus::Reject;
    };
    if scheme.contains(':') {
        return Corpus::Reject;
    }
    check(scheme, rest);
    for secret in [SECRET, ENCODED] {
        let server = format!("{user}:{before}{secret}{after}@{rest}");
        check(scheme, &format!("//{server}"));
        // The slashes are easily forgotten; any that come later would make the password a part of the scheme.
        if !server.contains("://") {
            check(scheme, &server);
        }
    }
    Corpus::Keep
});

fn check(scheme: &str, rest: &str) {
    let url = format!("{scheme}:{rest}");
    keeps_the_secret(RedisConfig::parse(&url));
    keeps_the_secret(MemcachedConfig::parse(rest));
    // Directories and memory have no password.
    if let Ok(config) = DiskConfig::parse(rest) {
        assert!(!config.directory.as_os_str().is_empty() && config.max_bytes > 0);
    }
    let cache = || Cache::from_url(&url).now_or_never().expect("nothing is waited for");
    match scheme {
        // The directory would be made.
        "disk" => {}
        "memory" => drop(cache()),
        _ => keeps_the_secret(cache().map(drop).map_err(|error| error.to_string())),
    }
}

fn keeps_the_secret<T: std::fmt::Debug>(parsed: Result<T, String>) {
    let text = match parsed {
        Ok(config) => format!("{config:?}"),
        Err(reason) => reason,
    };
    assert!(!shows_secret(&text), "{text}");
}

fn shows_secret(text: &str) -> bool {
    text.contains(SECRET) || text.contains(ENCODED)
}

fn seeds() -> [&'static str; 9] {
    [
        "redis\nuser\n\n\nlocalhost:6380/3?deadline=2s&max_value=1GiB",
        "valkeys\n\np%40ss\nword\n[::1]",
        "rediss+sentinel\nuser\n\n\none,two:26380/mymaster/2?sentinel_auth=true",
        "redis+cluster\nuser\n\n\none:7000,two:7001",
        "rediss\nuser\n\n\nlocalhost?ca=/ca.pem&cert=/cert.pem&key=/key.pem",
        "redis\nuser\n/\n?\nlocalhost",
        "memcached\nuser\n\n\nlocalhost:11211,[::1]:2/?deadline=2s&max_item=2MB",
        "memory\n\n\n\n//?max=64MB",
        "disk\n\n\n\n/var/cache/app?max=64MB",
    ]
}
