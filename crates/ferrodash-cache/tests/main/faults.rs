//! Servers that are gone.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use ferrodash_cache::{Answer, Cache, Computed, Key, Policy, Status};
use ferrodash_testing::{Redis, free_port};

async fn ask(cache: &Cache, key: Key) -> Answer {
    let compute = || async { Ok::<_, Infallible>(Computed::keep("value")) };
    cache.get_or_compute(key, &Policy::new(Duration::from_secs(60)), compute).await
}

#[tokio::test]
async fn a_server_that_is_not_there_makes_no_answer_wrong() {
    for url in [format!("redis://127.0.0.1:{}", free_port()), format!("memcached://127.0.0.1:{}", free_port())] {
        let cache = Cache::from_url(&url).await.expect("it need not be there yet");
        for i in 0..20 {
            let answer = ask(&cache, Key::of("f", &i)).await;
            assert_eq!(answer.status, Status::Miss { stored: false }, "{url}");
            assert_eq!(answer.result.unwrap().bytes, "value", "{url}");
        }
        assert_eq!(cache.failing_tiers().len(), 1, "{url}");
    }
}

#[tokio::test]
async fn redis_that_comes_back_is_used_again_within_five_seconds() {
    let mut redis = Redis::start();
    let cache = Cache::from_url(&redis.url()).await.unwrap();
    let key = Key::of("f", &1);
    assert_eq!(ask(&cache, key).await.status, Status::Miss { stored: true });
    assert_eq!(ask(&cache, key).await.status, Status::Hit { tier: "redis" });
    redis.stop();
    for _ in 0..10 {
        assert_eq!(ask(&cache, key).await.result.unwrap().bytes, "value");
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
        assert!(start.elapsed() < Duration::from_secs(20), "redis is not used again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    start.elapsed()
}

#[tokio::test]
async fn a_foreign_value_under_a_key_is_a_miss() {
    let redis = Redis::start();
    let cache = Cache::from_url(&redis.url()).await.unwrap();
    let key = Key::of("f", &1);
    ask(&cache, key).await;
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let name = format!("ferrodash:{key}");
    let write = |value: &'static str| redis::cmd("SET").arg(&name).arg(value).arg("PX").arg(60_000).clone();
    for garbage in ["", "garbage", "FDC1garbage that is long enough"] {
        write(garbage).query_async::<()>(&mut connection).await.unwrap();
        assert_eq!(ask(&cache, key).await.status, Status::Miss { stored: true }, "{garbage:?}");
        assert_eq!(ask(&cache, key).await.status, Status::Hit { tier: "redis" });
    }
}
