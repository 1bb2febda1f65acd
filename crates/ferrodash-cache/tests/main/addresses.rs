//! Addresses of stores: whose entries they are for, and what is said of them and of the stores.

use std::process::Command;
use std::sync::{Arc, Mutex};

use ferrodash_cache::{Cache, TierState};
use ferrodash_testing::{Program, Redis, free_port};

/// What is said of an address, for people and for programmers.
async fn said(url: &str) -> String {
    let error = Cache::from_url(url).await.expect_err(url);
    format!("{error}\n{error:?}")
}

#[tokio::test]
async fn a10_no_form_of_an_address_shows_a_password_when_it_cannot_be_used() {
    for url in [
        "unix:///run/redis.sock?db=0&password=hunter2",
        "unix:///run/redis.sock;password=hunter2",
        "unix:///run/redis.sock%3Fpassword%3Dhunter2",
        "unix://:hunter2@/run/redis.sock?db=0",
        "redis-socket:///run/redis.sock?pass=hunter2",
        "redis+unix:///run/redis.sock?db=0&password=hunter2",
        "redis://localhost:6379?password=hunter2",
        "redis://localhost:6379/0?user=app&pass=hunter2",
        "redis://localhost:6379?hunter2",
        "redis://localhost:6379?password=abc&hunter2&x",
        "redis://localhost:6379#hunter2",
        "redis://localhost:hunter2",
        "redis://user:hunter2",
        "redis://user:hunter2/more",
        "redis://user:a/hunter2",
        "redis://user:a?hunter2=b",
        "redis://app:hunter2%40db.internal:6379",
        "redis%3A%2F%2Fapp%3Ahunter2%40db.internal",
        "redis:app:hunter2@db.internal:port",
        "app:hunter2@db.internal",
        "hunter2@db.internal:6379",
        "redis://a:hunter2@one,b:hunter2@two",
        "redis+cluster://a:hunter2@one:7000,b:hunter2@two:port",
        "redis+sentinel://:hunter2@one,two",
        "redis+sentinel://:hunter2@one,two/mymaster?sentinel_password=hunter2",
        "redis+sentinel://:hunter2@one,two/mymaster/0/hunter2",
        "rediss://:hunter2@one?ca=/no/such/file;hunter2",
        "redis://localhost?deadline=1s;password=hunter2",
        "redis://localhost?deadline=1s%26password%3Dhunter2",
        "redis://localhost?max_value=1MB,hunter2",
        "memcached://user:hunter2@one:11211",
        "memcached://one:hunter2",
        "memcached://one:11211?password=hunter2",
        "memcached://one:11211?max_item=1MB;hunter2",
        "memcached://one%3Ahunter2",
        "memcached://one password=hunter2",
        "disk:/proc/nowhere?password=hunter2",
        "disk:/proc/nowhere?max=lots;hunter2",
        "disk://app:hunter2@files.internal/cache",
        "memory://?max=64MB&password=hunter2",
        "memory://app:hunter2@localhost",
        "memory:hunter2",
        "null:hunter2",
        "hunter2",
        "CACHE_URL=redis://:hunter2@localhost",
        "postgres://app:hunter2@db.internal/main",
        "postgres://db.internal/main?user=app&password=hunter2",
        "postgres://db.internal/main?user=app;password=hunter2",
        "https://db.internal/?token=hunter2",
    ] {
        let said = said(url).await;
        assert!(!said.contains("hunter2"), "{url}: {said}");
    }
}

#[tokio::test]
async fn a10_what_is_no_secret_of_an_address_is_still_shown() {
    for (url, parts) in [
        (
            "unix:///run/redis.sock?db=0&password=hunter2",
            &["unix:///run/redis.sock?db=***&password=***"][..],
        ),
        (
            "redis://app:hunter2@db.internal:6379/0?timeout=1s",
            &["redis://***@db.internal:6379/0?timeout=***"],
        ),
        (
            "redis+cluster://a:hunter2@one:7000,two:7001/3",
            &["redis+cluster://***@one:7000,two:7001/3"],
        ),
        (
            "redis://[::1]:6380/main",
            &["redis://[::1]:6380/main", "\"main\" is not the number"],
        ),
        (
            "redis://localhost?deadline=100",
            &["\"100\" is not a time such as", "?deadline=***"],
        ),
        ("memcached://one:port", &["memcached://one:***"]),
        (
            "disk:/var/cache/app?min=1",
            &["disk:/var/cache/app?min=***", "\"min\""],
        ),
        (
            "postgres://db.internal/main",
            &[
                "postgres://db.internal/main",
                "unknown cache scheme \"postgres\"",
            ],
        ),
    ] {
        let said = said(url).await;
        assert!(
            parts.iter().all(|part| said.contains(part)),
            "{url}: {said}"
        );
    }
}

#[tokio::test]
async fn a6_a_server_that_others_can_reach_needs_to_be_told_whose_entries_it_keeps() {
    for url in [
        "redis://localhost",
        "valkey+cluster://localhost",
        "redis+sentinel://one/mymaster",
        "memcached://one",
    ] {
        let said = said(url).await;
        assert!(said.contains("namespace"), "{url}: {said}");
    }
}

/// What is written into the log by this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = format!("{}:", event.metadata().level());
        event.record(
            &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                line += &format!(" {field}={value:?}");
            },
        );
        self.0.lock().unwrap().push_str(&(line + "\n"));
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

impl Log {
    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

/// A server that knows neither `HELLO` nor `AUTH` says what it does not know, with the password.
#[tokio::test]
async fn a10_what_a_server_repeats_of_the_password_is_not_said_again() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    for renamed in [&["HELLO"][..], &["HELLO", "AUTH"]] {
        let port = free_port();
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--port",
            &port.to_string(),
            "--requirepass",
            "hunter2",
        ]);
        renamed
            .iter()
            .for_each(|name| _ = command.args(["--rename-command", name, ""]));
        let _server = Program::listening(&mut command, port);
        let url = format!("redis://:hunter2@127.0.0.1:{port}?namespace=app&deadline=2s");
        let cache = Cache::from_url(&url).await.unwrap();
        cache.log_tiers().await;
        let said = format!("{}{:?}", log.text(), cache.tier_reports());
        assert!(
            said.contains(&format!("redis://***@127.0.0.1:{port}")),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
    assert!(log.text().contains("unknown command"), "{}", log.text());
}

#[tokio::test]
async fn d28_each_tier_has_a_line_at_the_start_with_its_state() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let (redis, gone) = (Redis::start(), free_port());
    let directory = tempfile::tempdir().unwrap();
    let builder = Cache::builder().namespace("app").memory(64 << 20);
    let builder = builder
        .url(&format!("disk:{}?max=8MB", directory.path().display()))
        .await
        .unwrap();
    let builder = builder
        .url(&format!("{}?deadline=2s", redis.url()))
        .await
        .unwrap();
    let cache = builder
        .url(&format!("redis://:hunter2@127.0.0.1:{gone}/3"))
        .await
        .unwrap()
        .build();
    let reports = cache.log_tiers().await;
    let lines: Vec<String> = log
        .text()
        .lines()
        .filter(|line| line.contains("cache: "))
        .map(str::to_owned)
        .collect();
    assert_eq!((reports.len(), lines.len()), (4, 4), "{lines:#?}");
    for (line, parts) in lines.iter().zip([
        vec!["INFO", "memory", "at most 64 MiB"],
        vec!["INFO", "disk", "ns-app, at most 8 MiB", "answers"],
        vec!["INFO", "redis", &redis.url(), "answers"],
        vec![
            "WARN",
            "redis",
            &format!("redis://***@127.0.0.1:{gone}/3"),
            "does not answer",
            "invalidations fail",
        ],
    ]) {
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    }
    assert!(matches!(reports[3].state, TierState::Down(_)));
    assert_eq!(cache.trouble().as_deref(), Some("redis does not answer"));
}
