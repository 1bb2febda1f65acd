//! Addresses that are understood, and the errors for all others.

use super::*;

#[test]
fn addresses_that_can_be_used() {
    for url in [
        "redis://localhost",
        "redis://localhost/",
        "redis://localhost:6380/3",
        "redis://:secret@[::1]:6380/3?deadline=2s&max_value=1GiB",
        "valkey://user:p%40ss%2Fword@localhost",
        "rediss://localhost",
        "valkeys://user:secret@localhost:6380",
        "redis+sentinel://one,two:26380/mymaster",
        "rediss+sentinel://user:secret@one,two/mymaster/2?sentinel_auth=true",
        "redis+cluster://user:secret@one:7000,two:7001",
        "valkeys+cluster://one",
    ] {
        RedisConfig::parse(url).expect(url);
    }
}

#[test]
fn addresses_mean_what_they_say() {
    let config =
        RedisConfig::parse("valkey://us%3Aer:p%40ss:word@[::1]/3?deadline=2s&max_value=1KB")
            .expect("it is right");
    assert_eq!(
        (config.deadline, config.max_value),
        (Duration::from_secs(2), 1024)
    );
    let Target::Server(client) = config.target else {
        panic!("one server")
    };
    let info = client.get_connection_info();
    assert_eq!(info.addr(), &ConnectionAddr::Tcp("::1".to_owned(), 6379));
    let settings = info.redis_settings();
    assert_eq!(
        (settings.username(), settings.password(), settings.db()),
        (Some("us:er"), Some("p@ss:word"), 3)
    );
    let config = RedisConfig::parse("redis://localhost").expect("it is right");
    assert_eq!((config.deadline, config.max_value), (DEADLINE, MAX_VALUE));
}

#[test]
fn addresses_that_cannot_be_used_say_why_without_the_password() {
    for (url, part) in [
        ("localhost:6379", "no ://"),
        ("postgres://localhost", "\"postgres\" is none of redis"),
        (
            "redis+memcached://localhost",
            "neither +sentinel nor +cluster",
        ),
        ("redis://", "the host is missing"),
        ("redis://user:secret@", "the host is missing"),
        ("redis://secret@localhost", "no user:password"),
        ("redis://localhost:secret", "not a port"),
        ("redis://user:secret/more@localhost", "%XX"),
        ("redis://user:secret?more@localhost", "%XX"),
        ("redis://user:secret%@localhost", "two hexadecimal digits"),
        ("redis://user:secret%+1@localhost", "two hexadecimal digits"),
        ("redis://user:secret%ff@localhost", "UTF-8"),
        (
            "redis://localhost/main",
            "\"main\" is not the number of a database",
        ),
        ("redis://one,two/0", "redis+sentinel:// or redis+cluster://"),
        (
            "redis+sentinel://one,two",
            "the name of the master is missing",
        ),
        (
            "redis+sentinel://one/mymaster/main",
            "\"main\" is not the number",
        ),
        ("redis+cluster://one,two/3", "a cluster has neither"),
        ("redis://localhost?deadline", "\"deadline\" has no value"),
        ("redis://localhost?deadline=100", "\"100\" is not a time"),
        ("redis://localhost?deadline=0ms", "\"0ms\" is not a time"),
        (
            "redis://localhost?deadline=1s&deadline=2s",
            "deadline is given twice",
        ),
        ("redis://localhost?max_value=lots", "\"lots\" is not a size"),
        ("redis://localhost?timeout=1s", "\"timeout\" is none of"),
        ("redis://localhost?ca=/ca.pem", "for TLS"),
        ("rediss://localhost?cert=/cert.pem", "given together"),
        (
            "rediss://localhost?ca=/no/such/file",
            "/no/such/file cannot be read",
        ),
        (
            "redis://:secret@localhost?sentinel_auth=true",
            "needs sentinels",
        ),
        (
            "redis+sentinel://one/mymaster?sentinel_auth=true",
            "a user and password",
        ),
        (
            "redis+sentinel://:secret@one/mymaster?sentinel_auth=yes",
            "true or false",
        ),
    ] {
        let error = RedisConfig::parse(url).expect_err(url);
        assert!(
            error.contains(part) && !error.contains("secret"),
            "{url}: {error}"
        );
    }
    let config = RedisConfig::parse("redis://user:secret@localhost").expect("it is right");
    assert!(!format!("{config:?}").contains("secret"));
}
