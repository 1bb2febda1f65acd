//! Addresses of stores: whatever is said of one, there is no password in it, wherever a special
//! character puts a part of it. The ordinary test
//! `a10_nothing_that_is_said_of_an_address_has_its_password` drives the same entry.

#![no_main]

use ferrodash_cache::fuzz_address;
use libfuzzer_sys::{Corpus, fuzz_target};

/// A part of each password, which nothing else has in it, as it is and as an address may have it.
const SECRETS: [&str; 2] = ["Xq9Zk7Wv", "%58%71%39%5A%6B%37%57%76"];

// Lines: what comes before the user, the user, what the password has before and after the secret,
// and the rest.
fuzz_target!(init: ferrodash_fuzz::seed("addresses", seeds()), |text: &str| -> Corpus {
    let mut lines = text.splitn(5, '\n');
    let mut line = || lines.next().filter(|line| !SECRETS.iter().any(|secret| line.contains(secret)));
    let [Some(scheme), Some(user), Some(before), Some(after), Some(rest)] = [(); 5].map(|()| line()) else {
        return Corpus::Reject;
    };
    if scheme.contains(':') {
        return Corpus::Reject;
    }
    fuzz_address(&format!("{scheme}:{rest}"), &SECRETS);
    for secret in SECRETS {
        let server = format!("{user}:{before}{secret}{after}@{rest}");
        fuzz_address(&format!("{scheme}://{server}"), &SECRETS);
        // The slashes are easily forgotten; any that come later would make the password a part of
        // the scheme.
        if !server.contains("://") {
            fuzz_address(&format!("{scheme}:{server}"), &SECRETS);
        }
        // As an option, after a place without anything that would begin one.
        let place = rest.replace(['@', '?', '#'], "");
        fuzz_address(&format!("{scheme}://{place}?password={secret}{after}"), &SECRETS);
        fuzz_address(&format!("{scheme}://{place}?deadline=2s&{secret}"), &SECRETS);
        fuzz_address(&format!("{scheme}://{place}?deadline=2s;{secret}"), &SECRETS);
    }
    Corpus::Keep
});

fn seeds() -> [&'static str; 10] {
    [
        "redis\nuser\n\n\nlocalhost:6380/3?namespace=n&deadline=2s&max_value=1GiB",
        "valkeys\n\np%40ss\nword\n[::1]",
        "rediss+sentinel\nuser\n\n\none,two:26380/mymaster/2?sentinel_auth=true",
        "redis+cluster\nuser\n\n\none:7000,two:7001",
        "rediss\nuser\n\n\nlocalhost?ca=/ca.pem&cert=/cert.pem&key=/key.pem",
        "redis\nuser\n/\n?\nlocalhost",
        "unix\n\n\n\n/run/redis.sock",
        "memcached\nuser\n\n\nlocalhost:11211,[::1]:2/?deadline=2s&max_item=2MB",
        "memory\n\n\n\n//?max=64MB",
        "disk\n\n\n\n/var/cache/app?max=64MB",
    ]
}
