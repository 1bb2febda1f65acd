//! Copies in the memory of several caches over one store: they follow what others do, and the store
//! follows them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ferrodash_cache::{Computed, Key, Policy, Status};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::nodes::{SECOND, Source};
use crate::{MINUTE, Store, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_memory_follows_what_others_do() {
    let store = Store::redis();
    let near = async || {
        store
            .builder()
            .memory(1 << 20)
            .url(&store.url)
            .await
            .unwrap()
            .build()
    };
    let (a, b) = (near().await, near().await);
    let (source, key) = (Source::default(), Key::of("near", &1));
    let policy = Policy::new(MINUTE).tag("orders");
    for round in 0..50 {
        source.read(&a, key, &policy).await;
        source.read(&b, key, &policy).await;
        eventually(|| async {
            source.ask(&b, key, &policy).await.status == Status::Hit { tier: "memory" }
        })
        .await;
        let written = source.write();
        if round % 2 == 0 {
            a.invalidate_tag("orders").await.unwrap()
        } else {
            a.remove(&key).await.unwrap()
        }
        let start = Instant::now();
        // Its own memory follows at once, the other's as soon as the message is there.
        assert_eq!(source.read(&a, key, &policy).await, written);
        while source.read(&b, key, &policy).await != written {
            assert!(
                start.elapsed() < SECOND,
                "round {round}: the copy does not follow"
            );
            sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_in_memory_go_when_the_connection_is_lost_and_news_with_it() {
    let store = Store::redis();
    let cache = store
        .builder()
        .memory(1 << 20)
        .url(&store.url)
        .await
        .unwrap()
        .build();
    let (source, key, policy) = (Source::default(), Key::of("lost", &1), Policy::new(MINUTE));
    let hit = Status::Hit { tier: "memory" };
    source.read(&cache, key, &policy).await;
    eventually(|| async { source.ask(&cache, key, &policy).await.status == hit }).await;
    let client = redis::Client::open(store.url.as_str()).unwrap();
    let mut other = client.get_multiplexed_async_connection().await.unwrap();
    // The connection is ended by the server, and the entry changed, in one step: no news of it can
    // arrive.
    let mut pipe = redis::pipe();
    pipe.atomic()
        .cmd("CLIENT")
        .arg("KILL")
        .arg("TYPE")
        .arg("normal")
        .arg("SKIPME")
        .arg("yes")
        .ignore();
    pipe.del(format!("{{ferrodash:{key}}}:v")).ignore();
    pipe.query_async::<()>(&mut other).await.unwrap();
    let written = source.write();
    let start = Instant::now();
    while source.read(&cache, key, &policy).await != written {
        assert!(
            start.elapsed() < 5 * SECOND,
            "the copy outlives the connection"
        );
        sleep(Duration::from_millis(5)).await;
    }
    // And it is trusted again.
    eventually(|| async { source.ask(&cache, key, &policy).await.status == hit }).await;
    redis::cmd("FLUSHALL")
        .query_async::<()>(&mut other)
        .await
        .unwrap();
    let written = source.write();
    let start = Instant::now();
    while source.read(&cache, key, &policy).await != written {
        assert!(start.elapsed() < 5 * SECOND, "the copy outlives FLUSHALL");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_refreshed_early_reaches_the_store_that_all_share() {
    let store = Store::redis();
    let near = store
        .builder()
        .memory(1 << 20)
        .url(&format!("{}?deadline=2s", store.url))
        .await
        .unwrap()
        .build();
    let other = store.cache().await;
    let (key, source) = (Key::of("early", &1), Source::default());
    // So eager that each hit refreshes.
    let policy = Policy::new(MINUTE).early(1e12);
    source.read(&near, key, &policy).await;
    source.write();
    eventually(|| async {
        source.read(&near, key, &policy).await;
        other
            .get(&key)
            .await
            .is_some_and(|entry| entry.bytes() == "1")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s11_what_the_store_refuses_is_not_kept_in_memory_past_a_removal() {
    let store = Store::redis();
    let url = format!("{}?deadline=2s&max_value=1KB", store.url);
    let near = crate::builder()
        .memory(1 << 20)
        .url(&url)
        .await
        .unwrap()
        .build();
    let other = store.cache().await;
    let (key, go, started) = (
        Key::of("refused", &1),
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
    );
    let slow = {
        let (cache, go, started) = (near.clone(), go.clone(), started.clone());
        tokio::spawn(async move {
            let compute = || async move {
                started.notify_one();
                go.notified().await;
                let noise: Vec<u8> = (0..5000u32)
                    .map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[3])
                    .collect();
                Ok::<_, Infallible>(Computed::keep(noise).compressed())
            };
            cache
                .get_or_compute(key, &Policy::new(MINUTE), compute)
                .await
                .status
        })
    };
    started.notified().await;
    other.remove(&key).await.unwrap();
    go.notify_one();
    assert_eq!(slow.await.unwrap(), Status::Miss { stored: false });
    assert!(
        near.get(&key).await.is_none(),
        "it was begun before the removal"
    );
}
