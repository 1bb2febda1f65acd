//! Servers that are gone.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use ferrodash_cache::{Answer, Cache, Computed, Key, Policy, Status};
use ferrodash_testing::{Redis, free_port};

async fn ask(cache: &Cache, key: Key) -> Answer {
    let compute = || async { Ok::<_, Infallible>(Computed::keep("value")) };
    cache
        .get_or_compute(key, &Policy::new(Duration::from_secs(60)), compute)
        .await
}

#[tokio::test]
async fn a_server_that_is_not_there_makes_no_answer_wrong() {
    for url in [
        format!("redis://127.0.0.1:{}", free_port()),
        format!("memcached://127.0.0.1:{}", free_port()),
    ] {
        let cache = crate::cache_at(&url)
            .await
            .expect("it need not be there yet");
        for i in 0..20 {
            let answer = ask(&cache, Key::of("f", &i)).await;
            assert_eq!(answer.status, Status::Miss { stored: false }, "{url}");
            assert_eq!(answer.result.unwrap().bytes(), "value", "{url}");
        }
        assert_eq!(cache.failing_tiers().len(), 1, "{url}");
    }
}

#[tokio::test]
async fn redis_that_comes_back_is_used_again_within_five_seconds() {
    let mut redis = Redis::start();
    let cache = crate::cache_at(&redis.url()).await.unwrap();
    let key = Key::of("f", &1);
    assert_eq!(ask(&cache, key).await.status, Status::Miss { stored: true });
    assert_eq!(ask(&cache, key).await.status, Status::Hit { tier: "redis" });
    redis.stop();
    for _ in 0..10 {
        assert_eq!(ask(&cache, key).await.result.unwrap().bytes(), "value");
    }
    assert_eq!(cache.failing_tiers(), ["redis"]);
    redis.resume();
    let back = wait_for_hit(&cache, key).await;
    assert!(back < Duration::from_secs(5), "used again after {back:?}");
    assert!(cache.failing_tiers().is_empty());
}

#[expect(clippy::disallowed_methods, reason = "the time that a user waits")]
async fn wait_for_hit(cache: &Cache, key: Key) -> Duration {
    let start = Instant::now();
    while ask(cache, key).await.status != (Status::Hit { tier: "redis" }) {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "redis is not used again"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    start.elapsed()
}

#[tokio::test]
async fn a_foreign_value_under_a_key_is_a_miss() {
    let redis = Redis::start();
    let cache = crate::cache_at(&redis.url()).await.unwrap();
    let key = Key::of("f", &1);
    ask(&cache, key).await;
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let name = format!("{{ferrodash:{key}}}:v");
    let write = |value: &'static str| {
        redis::cmd("SET")
            .arg(&name)
            .arg(value)
            .arg("PX")
            .arg(60_000)
            .clone()
    };
    for garbage in [
        "",
        "garbage",
        "FDC4garbage that is long enough, and more than that, to be looked at beyond its header, if it had one at all",
    ] {
        write(garbage)
            .query_async::<()>(&mut connection)
            .await
            .unwrap();
        assert_eq!(
            ask(&cache, key).await.status,
            Status::Miss { stored: true },
            "{garbage:?}"
        );
        assert_eq!(ask(&cache, key).await.status, Status::Hit { tier: "redis" });
    }
}

/// A server that takes connections and never answers.
async fn silent() -> (u16, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            held.push(connection);
        }
    });
    (port, task)
}

#[expect(clippy::disallowed_methods, reason = "the time that a user waits")]
#[tokio::test(flavor = "multi_thread")]
async fn s8_a_server_that_never_answers_costs_its_deadline_and_then_nothing() {
    for scheme in ["redis", "memcached"] {
        let (port, task) = silent().await;
        let cache = crate::cache_at(&format!("{scheme}://127.0.0.1:{port}?deadline=50ms"))
            .await
            .unwrap();
        let start = Instant::now();
        assert_eq!(
            ask(&cache, Key::of("f", &0)).await.result.unwrap().bytes(),
            "value"
        );
        let first = start.elapsed();
        assert!(
            first < Duration::from_millis(500),
            "{scheme}: the first call took {first:?}"
        );
        let mut times = Vec::new();
        for i in 1..200 {
            let start = Instant::now();
            assert!(ask(&cache, Key::of("f", &i)).await.result.is_ok());
            times.push(start.elapsed());
        }
        times.sort();
        let median = times[times.len() / 2];
        assert!(
            median < Duration::from_millis(5),
            "{scheme}: a call that passes it by took {median:?}"
        );
        assert_eq!(cache.failing_tiers(), [scheme]);
        task.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s7_a_cache_whose_server_is_not_there_yet_uses_it_once_it_is() {
    let port = free_port();
    let cache = crate::cache_at(&format!("redis://127.0.0.1:{port}?deadline=2s"))
        .await
        .unwrap();
    let key = Key::of("f", &1);
    for _ in 0..5 {
        assert_eq!(
            ask(&cache, key).await.status,
            Status::Miss { stored: false }
        );
    }
    assert_eq!(cache.failing_tiers(), ["redis"], "health says degraded");
    let mut command = std::process::Command::new("redis-server");
    command.args([
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--port",
        &port.to_string(),
    ]);
    let _server = ferrodash_testing::Program::listening(&mut command, port);
    let back = wait_for_hit(&cache, key).await;
    assert!(back < Duration::from_secs(5), "used after {back:?}");
    assert!(cache.failing_tiers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn s9_with_the_server_gone_a_hundred_callers_are_one_run() {
    for url in [
        format!("redis://127.0.0.1:{}", free_port()),
        format!("memcached://127.0.0.1:{}", free_port()),
    ] {
        let cache = crate::cache_at(&url).await.unwrap();
        let runs = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let callers = (0..100).map(|_| {
            let (cache, runs) = (cache.clone(), runs.clone());
            tokio::spawn(async move {
                let compute = || async move {
                    runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(800)).await;
                    Ok::<_, Infallible>(Computed::keep("value"))
                };
                cache
                    .get_or_compute(
                        Key::of("cold", &1),
                        &Policy::new(Duration::from_secs(60)),
                        compute,
                    )
                    .await
            })
        });
        for answer in futures_util::future::join_all(callers.collect::<Vec<_>>()).await {
            assert_eq!(answer.unwrap().result.unwrap().bytes(), "value");
        }
        assert_eq!(runs.load(std::sync::atomic::Ordering::SeqCst), 1, "{url}");
    }
}

/// A proxy before a server that can hold back or drop what passes.
struct Proxy {
    port: u16,
    state: std::sync::Arc<std::sync::atomic::AtomicU8>,
    task: tokio::task::JoinHandle<()>,
}

const PASSES: u8 = 0;
const DELAYS: u8 = 1;
/// Nothing passes, and no connection is closed: as when packets are lost.
const DROPS: u8 = 2;

impl Proxy {
    async fn before(port: u16) -> Self {
        use std::sync::atomic::{AtomicU8, Ordering};
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let state = std::sync::Arc::new(AtomicU8::new(PASSES));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await else {
                    continue;
                };
                let (client, server) = (client.into_split(), server.into_split());
                for (mut from, mut to) in [(client.0, server.1), (server.0, client.1)] {
                    let state = shared.clone();
                    tokio::spawn(async move {
                        let mut buffer = vec![0; 1 << 16];
                        while let Ok(length @ 1..) = from.read(&mut buffer).await {
                            match state.load(Ordering::SeqCst) {
                                DROPS => continue,
                                DELAYS => tokio::time::sleep(Duration::from_millis(20)).await,
                                _ => {}
                            }
                            if to.write_all(&buffer[..length]).await.is_err() {
                                break;
                            }
                        }
                    });
                }
            }
        });
        Self {
            port: own,
            state,
            task,
        }
    }

    fn set(&self, state: u8) {
        self.state.store(state, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time for which an old copy is read"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_connection_is_noticed_and_its_copies_go() {
    let redis = Redis::start();
    let port = redis.url().rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Proxy::before(port).await;
    let near = crate::builder()
        .memory(1 << 20)
        .url(&format!("redis://127.0.0.1:{}", proxy.port))
        .await
        .unwrap()
        .build();
    let other = crate::cache_at(&redis.url()).await.unwrap();
    let key = Key::of("f", &1);
    let hit = Status::Hit { tier: "memory" };
    while ask(&near, key).await.status != hit {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    proxy.set(DELAYS);
    assert_eq!(ask(&near, key).await.status, hit);
    // News of the change is lost on the way, and the connection looks as if it were alive.
    proxy.set(DROPS);
    let compute =
        |value: &'static str| move || async move { Ok::<_, Infallible>(Computed::keep(value)) };
    other.remove(&key).await.unwrap();
    let policy = Policy::new(Duration::from_secs(60));
    other
        .get_or_compute(key, &policy, compute("new"))
        .await
        .result
        .unwrap();
    let start = Instant::now();
    loop {
        let answer = near.get_or_compute(key, &policy, compute("offline")).await;
        if answer.result.unwrap().bytes() != "value" {
            break;
        }
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "the copy is still read"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    proxy.set(PASSES);
    loop {
        let answer = near.get_or_compute(key, &policy, compute("offline")).await;
        if answer.result.unwrap().bytes() == "new" {
            break;
        }
        assert!(
            start.elapsed() < Duration::from_secs(15),
            "the store is used again, and what was made without it is gone"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
