//! The Redis tier, against real servers: the entries and marks that it keeps.

use std::time::Duration;

use ferrodash_cache::tiers::{Redis, RedisConfig};
use ferrodash_cache::{
    Entry, Key, LeaseOutcome, LeaseRequest, Parts, Sealer, Selector, Shared, Stamp, Tier,
};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::time::Instant;

use crate::MINUTE;

/// Longer than anything here takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) const ORDERS: [Selector; 1] = [Selector::ALL];

pub(crate) fn tier(url: &str) -> Redis {
    let url = if url.contains('?') {
        url.to_owned()
    } else {
        format!("{url}?deadline=2s")
    };
    tier_with(&url, Sealer::default())
}

pub(crate) fn tier_with(url: &str, sealer: Sealer) -> Redis {
    Redis::new(
        RedisConfig::parse(url).expect("the address is right"),
        "test".to_owned(),
        sealer,
    )
    .expect("no braces")
}

pub(crate) fn key(name: &str) -> Key {
    Key::of(name, &())
}

pub(crate) fn entry(text: &'static str) -> Entry {
    Entry::new(Parts::new(text.into(), MINUTE))
}

pub(crate) fn request(token: u64) -> LeaseRequest {
    LeaseRequest {
        token,
        observed: None,
        lease: MINUTE,
        born: Stamp {
            era: 1,
            sequence: 5,
        },
        newest: 0,
    }
}

pub(crate) async fn raw(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).expect("the address is right");
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(Some(PATIENCE))
        .set_connection_timeout(Some(PATIENCE));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .expect("the server is there")
}

pub(crate) async fn tell<T: redis::FromRedisValue>(
    connection: &mut MultiplexedConnection,
    words: &[&str],
) -> T {
    redis::cmd(words[0])
        .arg(&words[1..])
        .query_async(connection)
        .await
        .expect("the command works")
}

pub(crate) fn value_name(key: &Key) -> String {
    format!("{{test:{key}}}:v")
}

pub(crate) async fn until<F: Future<Output = bool>>(mut done: impl FnMut() -> F) {
    let start = Instant::now();
    while !done().await {
        assert!(start.elapsed() < PATIENCE, "it does not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn entries_come_back_with_the_time_that_is_left() {
    let server = ferrodash_testing::Redis::start();
    let (one, other, key) = (tier(&server.url()), tier(&server.url()), key("entries"));
    assert_eq!(one.name(), "redis");
    assert!(one.get(&key).await.expect("an answer").is_none());
    let kept = entry("value");
    assert!(one.set(&key, &kept).await.expect("an answer"));
    let found = other.get(&key).await.expect("an answer").expect("an entry");
    assert_eq!((found.bytes(), found.id()), (kept.bytes(), kept.id()));
    let left = found.lifetime_left().expect("it lives");
    assert!(left <= MINUTE && left > MINUTE / 2, "{left:?}");

    let aged: i64 = tell(
        &mut raw(&server.url()).await,
        &["PEXPIRE", &value_name(&key), "20000"],
    )
    .await;
    assert_eq!(aged, 1);
    let reading = other.read(&key, &ORDERS).await.expect("an answer");
    let found = reading.entry.expect("an entry");
    assert!(
        found.age() >= MINUTE - Duration::from_secs(20),
        "{:?}",
        found.age()
    );

    other.remove(&key).await.expect("an answer");
    assert!(
        one.read(&key, &ORDERS)
            .await
            .expect("an answer")
            .entry
            .is_none()
    );
}

#[tokio::test]
async fn marks_are_shared_and_end_with_their_era() {
    let server = ferrodash_testing::Redis::start();
    let (one, other) = (tier(&server.url()), tier(&server.url()));
    let (tag, another) = (Selector::tag("tag"), Selector::tag("another"));
    let before = one.marks(&[tag, another]).await.expect("an answer");
    assert_eq!((before.now.sequence, before.newest), (0, 0));
    let stamp = other.invalidate(&[tag]).await.expect("an answer");
    assert_eq!(
        stamp,
        Stamp {
            sequence: 1,
            ..before.now
        }
    );
    assert_eq!(other.invalidate(&[]).await.expect("an answer").sequence, 2);
    let after = one
        .read(&key("marks"), &[another, tag])
        .await
        .expect("an answer")
        .marks;
    assert_eq!(
        (after.now.era, after.now.sequence, after.newest),
        (before.now.era, 2, 1)
    );
    assert!(!after.allow(before.now) && after.allow(stamp));
    assert_eq!(one.marks(&[another]).await.expect("an answer").newest, 0);

    let () = tell(&mut raw(&server.url()).await, &["FLUSHALL"]).await;
    let lost = one
        .read(&key("marks"), &[tag])
        .await
        .expect("an answer")
        .marks;
    assert_eq!((lost.now.sequence, lost.newest), (0, 0));
    assert!(
        !lost.allow(stamp),
        "an entry from before the loss does not count"
    );
    assert_eq!(
        other.marks(&[tag]).await.expect("an answer"),
        lost,
        "everyone is in the same era"
    );
}

#[tokio::test]
async fn too_many_marks_begin_another_era() {
    let server = ferrodash_testing::Redis::start();
    let tier = tier(&server.url());
    let before = tier.marks(&[]).await.expect("an answer").now;
    let fill = "for i = 1, 100001 do redis.call('HSET', KEYS[1], i, 1) end";
    let () = tell(
        &mut raw(&server.url()).await,
        &["EVAL", fill, "1", "{test}:marks"],
    )
    .await;
    let after = tier.invalidate(&ORDERS).await.expect("an answer");
    assert!(after.era != before.era && after.sequence == 1, "{after:?}");
}

#[tokio::test]
async fn what_does_not_open_is_absent() {
    let server = ferrodash_testing::Redis::start();
    let (tier, key) = (tier(&server.url()), key("garbage"));
    let mut raw = raw(&server.url()).await;
    for garbage in [
        "",
        "short",
        "longer than the header of an entry, but none of ours, however long it is",
    ] {
        let () = tell(&mut raw, &["SET", &value_name(&key), garbage, "EX", "60"]).await;
        assert!(tier.get(&key).await.expect("an answer").is_none());
        assert!(
            tier.read(&key, &ORDERS)
                .await
                .expect("an answer")
                .entry
                .is_none()
        );
        assert!(
            matches!(tier.acquire(&key, &request(1)).await, Ok(LeaseOutcome::Won)),
            "{garbage:?} blocks nobody"
        );
        assert!(
            tier.fill(&key, 1, &entry("value"))
                .await
                .expect("an answer")
                .is_stored()
        );
        assert!(tier.get(&key).await.expect("an answer").is_some());
    }
    let forever: i64 = tell(&mut raw, &["PERSIST", &value_name(&key)]).await;
    assert_eq!(forever, 1);
    assert!(
        tier.get(&key).await.expect("an answer").is_none(),
        "nothing of ours is kept for ever"
    );
    assert!(matches!(
        tier.acquire(&key, &request(2)).await,
        Ok(LeaseOutcome::Won)
    ));

    let signing = tier_with(
        &format!("{}?deadline=2s", server.url()),
        Sealer::new(Some("secret")),
    );
    assert!(tier.set(&key, &entry("unsigned")).await.expect("an answer"));
    assert!(signing.get(&key).await.expect("an answer").is_none());
    assert!(matches!(
        signing.acquire(&key, &request(3)).await,
        Ok(LeaseOutcome::Won)
    ));
}

#[tokio::test]
async fn large_and_old_entries_are_not_taken() {
    let server = ferrodash_testing::Redis::start();
    let (tier, key) = (
        tier(&format!("{}?max_value=1KB&deadline=2s", server.url())),
        key("large"),
    );
    // Compressing them would make them small.
    let large = Entry::new(Parts {
        compressed: true,
        ..Parts::new(vec![1; 1024].into(), MINUTE)
    });
    assert!(tier.set(&key, &entry("before")).await.expect("an answer"));
    assert!(!tier.set(&key, &large).await.expect("an answer"));
    assert!(
        tier.get(&key).await.expect("an answer").is_none(),
        "nor is the one before it still right"
    );
    assert!(matches!(
        tier.acquire(&key, &request(1)).await,
        Ok(LeaseOutcome::Won)
    ));
    assert!(
        !tier
            .fill(&key, 1, &large)
            .await
            .expect("an answer")
            .is_stored()
    );
    assert!(
        matches!(tier.acquire(&key, &request(2)).await, Ok(LeaseOutcome::Won)),
        "the lease was released"
    );
    let over = Entry::new(Parts::new("over".into(), Duration::ZERO));
    assert!(
        !tier
            .fill(&key, 2, &over)
            .await
            .expect("an answer")
            .is_stored()
    );
}

#[tokio::test]
async fn scripts_survive_their_removal() {
    let server = ferrodash_testing::Redis::start();
    let (tier, key) = (tier(&server.url()), key("scripts"));
    assert!(tier.set(&key, &entry("value")).await.expect("an answer"));
    let () = tell(&mut raw(&server.url()).await, &["SCRIPT", "FLUSH"]).await;
    assert!(tier.set(&key, &entry("value")).await.expect("an answer"));
}
