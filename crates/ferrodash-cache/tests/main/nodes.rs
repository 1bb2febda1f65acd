//! Several caches over one store, as in several processes: invalidations and leases.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ferrodash_cache::{Answer, Cache, Computed, Key, Policy, Status};
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use crate::{MINUTE, Store, eventually, stores};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A function whose data is a number that can be written.
#[derive(Clone, Default)]
pub(crate) struct Source {
    data: Arc<AtomicU32>,
    runs: Arc<AtomicU32>,
}

impl Source {
    pub(crate) fn write(&self) -> u32 {
        self.data.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) async fn ask(&self, cache: &Cache, key: Key, policy: &Policy) -> Answer {
        let source = self.clone();
        let compute = || async move {
            source.runs.fetch_add(1, Ordering::SeqCst);
            Ok(Computed::keep(
                source.data.load(Ordering::SeqCst).to_string(),
            ))
        };
        cache.get_or_compute(key, policy, compute).await
    }

    pub(crate) async fn read(&self, cache: &Cache, key: Key, policy: &Policy) -> u32 {
        let answer = self.ask(cache, key, policy).await;
        std::str::from_utf8(answer.result.unwrap().bytes())
            .unwrap()
            .parse()
            .unwrap()
    }
}

async fn two_nodes(store: &Store) -> (Cache, Cache) {
    (store.cache().await, store.cache().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_after_an_invalidation_no_other_node_reads_the_old_value() {
    for store in stores().await {
        let (a, b) = two_nodes(&store).await;
        let (source, key) = (Source::default(), Key::of("s10", &1));
        let policy = Policy::new(MINUTE).tag("orders");
        for round in 0..1000 {
            let (writer, reader) = if round % 2 == 0 { (&a, &b) } else { (&b, &a) };
            source.read(writer, key, &policy).await;
            let written = source.write();
            writer.invalidate_tag("orders").await.unwrap();
            assert_eq!(
                source.read(reader, key, &policy).await,
                written,
                "{}: round {round}",
                store.name
            );
        }
        assert!(
            source.runs.load(Ordering::SeqCst) <= 1001,
            "{}: each was computed once",
            store.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_invalidate_ends_what_it_names_and_nothing_else() {
    for store in stores().await {
        let (a, b) = two_nodes(&store).await;
        let source = Source::default();
        let orders = Policy::new(MINUTE).tag("orders");
        let plain = Policy::new(MINUTE);
        let keys = [Key::of("f", &1), Key::of("f", &2), Key::of("g", &1)];
        let read = async |policies: [&Policy; 3]| {
            let mut values = Vec::new();
            for (key, policy) in keys.iter().zip(policies) {
                values.push(source.read(&b, *key, policy).await);
            }
            values
        };
        let policies = [&orders, &plain, &orders];
        assert_eq!(read(policies).await, [0, 0, 0], "{}", store.name);
        source.write();
        a.remove(&keys[0]).await.unwrap();
        assert_eq!(read(policies).await, [1, 0, 0], "{}: by key", store.name);
        source.write();
        a.invalidate_function("f").await.unwrap();
        assert_eq!(
            read(policies).await,
            [2, 2, 0],
            "{}: by function",
            store.name
        );
        source.write();
        a.invalidate_tag("orders").await.unwrap();
        assert_eq!(read(policies).await, [3, 2, 3], "{}: by tag", store.name);
        source.write();
        a.clear().await.unwrap();
        assert_eq!(read(policies).await, [4, 4, 4], "{}: all", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s11_what_was_under_way_on_another_node_when_something_was_invalidated_is_not_given_to_later_readers()
 {
    for store in stores().await {
        let (a, b) = two_nodes(&store).await;
        for (round, by_key) in [(0, true), (1, false)] {
            let (key, go, started) = (
                Key::of("s11", &round),
                Arc::new(Notify::new()),
                Arc::new(Notify::new()),
            );
            let policy = Policy::new(MINUTE).tag("orders");
            let slow = {
                let (cache, go, started, policy) =
                    (a.clone(), go.clone(), started.clone(), policy.clone());
                tokio::spawn(async move {
                    let compute = || async move {
                        started.notify_one();
                        go.notified().await;
                        Ok::<_, Infallible>(Computed::keep("old"))
                    };
                    cache.get_or_compute(key, &policy, compute).await
                })
            };
            started.notified().await;
            match by_key {
                true => b.remove(&key).await.unwrap(),
                false => b.invalidate_tag("orders").await.unwrap(),
            }
            let new = || async { Ok::<_, Infallible>(Computed::keep("new")) };
            // A reader after the invalidation does not wait for what was begun before it.
            let after = timeout(5 * SECOND, b.get_or_compute(key, &policy, new))
                .await
                .expect(store.name);
            assert_eq!(after.result.unwrap().bytes(), "new", "{}", store.name);
            go.notify_one();
            let before = slow.await.unwrap();
            assert_eq!(
                before.result.unwrap().bytes(),
                "old",
                "{}: who asked before has it",
                store.name
            );
            for cache in [&a, &b] {
                let newer = || async { Ok::<_, Infallible>(Computed::keep("newer")) };
                let value = cache
                    .get_or_compute(key, &policy, newer)
                    .await
                    .result
                    .unwrap();
                assert_eq!(value.bytes(), "new", "{}: by key {by_key}", store.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_joins_after_an_invalidation_does_not_get_what_was_begun_before_it() {
    for store in stores().await {
        let (a, b) = two_nodes(&store).await;
        let (key, policy) = (Key::of("join", &1), Policy::new(MINUTE).tag("orders"));
        let (go, started, source) = (
            Arc::new(Notify::new()),
            Arc::new(Notify::new()),
            Source::default(),
        );
        let first = {
            let (cache, go, started, policy, source) = (
                a.clone(),
                go.clone(),
                started.clone(),
                policy.clone(),
                source.clone(),
            );
            tokio::spawn(async move {
                let compute = || async move {
                    let value = source.data.load(Ordering::SeqCst);
                    started.notify_one();
                    go.notified().await;
                    Ok::<_, Infallible>(Computed::keep(value.to_string()))
                };
                cache.get_or_compute(key, &policy, compute).await
            })
        };
        started.notified().await;
        let written = source.write();
        b.invalidate_tag("orders").await.unwrap();
        let (cache, joins) = (a.clone(), source.clone());
        let second = tokio::spawn(async move { joins.read(&cache, key, &policy).await });
        sleep(SECOND / 10).await;
        go.notify_one();
        assert_eq!(
            timeout(15 * SECOND, second)
                .await
                .expect(store.name)
                .unwrap(),
            written,
            "{}",
            store.name
        );
        first.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_callers_on_each_of_four_nodes_are_one_run() {
    for store in stores().await {
        let mut nodes = Vec::new();
        for _ in 0..4 {
            nodes.push(store.cache().await);
        }
        let (key, runs) = (Key::of("nodes", &1), Arc::new(AtomicU32::new(0)));
        let callers = nodes
            .iter()
            .flat_map(|node| (0..100).map(move |_| node.clone()))
            .map(|cache| {
                let runs = runs.clone();
                tokio::spawn(async move {
                    let compute = || async move {
                        runs.fetch_add(1, Ordering::SeqCst);
                        sleep(SECOND / 2).await;
                        Ok::<_, Infallible>(Computed::keep("value"))
                    };
                    cache
                        .get_or_compute(key, &Policy::new(MINUTE), compute)
                        .await
                        .result
                        .unwrap()
                })
            });
        for entry in join_all(callers.collect::<Vec<_>>()).await {
            assert_eq!(entry.unwrap().bytes(), "value");
        }
        assert_eq!(runs.load(Ordering::SeqCst), 1, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_one_node_refreshes_while_all_have_the_old_value() {
    for store in stores().await {
        let (a, b) = two_nodes(&store).await;
        let (key, source) = (Key::of("swr", &1), Source::default());
        let policy = Policy::new(2 * SECOND).stale_while_revalidate(20 * SECOND);
        source.read(&a, key, &policy).await;
        sleep(SECOND * 7 / 2).await;
        source.write();
        let start = Instant::now();
        for _ in 0..20 {
            for cache in [&a, &b] {
                let answer = source.ask(cache, key, &policy).await;
                assert!(answer.result.is_ok());
                assert!(
                    !matches!(answer.status, Status::Miss { .. }),
                    "{}: nobody waits for a run",
                    store.name
                );
            }
        }
        assert!(
            start.elapsed() < SECOND,
            "{}: {:?}",
            store.name,
            start.elapsed()
        );
        eventually(|| async { source.read(&b, key, &policy).await == 1 }).await;
        assert_eq!(source.runs.load(Ordering::SeqCst), 2, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_outlasts_its_length_while_its_holder_lives() {
    for store in stores().await {
        let (a, b) = two_nodes(&store).await;
        let (key, runs) = (Key::of("long", &1), Arc::new(AtomicU32::new(0)));
        let policy = Policy::new(MINUTE).lease(SECOND);
        let ask = |cache: Cache| {
            let (runs, policy) = (runs.clone(), policy.clone());
            tokio::spawn(async move {
                let compute = || async move {
                    runs.fetch_add(1, Ordering::SeqCst);
                    sleep(4 * SECOND).await;
                    Ok::<_, Infallible>(Computed::keep("value"))
                };
                cache.get_or_compute(key, &policy, compute).await.status
            })
        };
        let first = ask(a.clone());
        sleep(SECOND / 2).await;
        let second = ask(b.clone());
        assert_eq!(
            first.await.unwrap(),
            Status::Miss { stored: true },
            "{}",
            store.name
        );
        assert!(
            matches!(second.await.unwrap(), Status::Hit { .. }),
            "{}",
            store.name
        );
        assert_eq!(runs.load(Ordering::SeqCst), 1, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn caches_of_different_namespaces_know_nothing_of_each_other() {
    for store in stores().await {
        let one = store
            .builder()
            .namespace("one")
            .url(&store.url)
            .await
            .unwrap()
            .build();
        let two = store
            .builder()
            .namespace("two")
            .url(&store.url)
            .await
            .unwrap()
            .build();
        let key = Key::of("f", &1);
        assert!(one.set(&key, "value".into(), MINUTE).await);
        assert!(two.get(&key).await.is_none(), "{}", store.name);
        two.clear().await.unwrap();
        assert!(one.get(&key).await.is_some(), "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiter_wakes_at_the_end_of_a_lease_among_300_000_expiring_keys() {
    let store = Store::redis();
    let client = redis::Client::open(store.url.as_str()).unwrap();
    let mut other = client.get_multiplexed_async_connection().await.unwrap();
    let script =
        "for i = 1, 10000 do redis.call('SET', KEYS[1] .. i, 'x', 'PX', 60000 + i * 100) end";
    for block in 0..30 {
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(1).arg(format!("other:{block}:"));
        command.query_async::<()>(&mut other).await.unwrap();
    }
    let (a, b) = two_nodes(&store).await;
    let (key, policy) = (
        Key::of("expiring", &1),
        Policy::new(MINUTE).lease(2 * SECOND),
    );
    // A holder that takes the lease and gives no sign of life: its runtime is gone.
    let holder = std::thread::spawn({
        let policy = policy.clone();
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let started = Arc::new(Notify::new());
            let seen = started.clone();
            runtime.spawn(async move {
                let compute = || async move {
                    started.notify_one();
                    std::future::pending::<Result<Computed, Infallible>>().await
                };
                a.get_or_compute(key, &policy, compute).await.status
            });
            runtime.block_on(seen.notified());
            runtime.shutdown_background();
        }
    });
    holder.join().unwrap();
    let start = Instant::now();
    let value = || async { Ok::<_, Infallible>(Computed::keep("value")) };
    let answer = b.get_or_compute(key, &policy, value).await;
    assert_eq!(answer.status, Status::Miss { stored: true });
    assert!(
        start.elapsed() < 4 * SECOND,
        "it waited {:?} for the end of a lease of 2 s",
        start.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_while_it_asks_for_a_lease_leaves_none() {
    for store in stores().await {
        let (a, b) = two_nodes(&store).await;
        let policy = Policy::new(MINUTE);
        for round in 0..30u64 {
            let key = Key::of("goes", &round);
            let compute = || std::future::pending::<Result<Computed, Infallible>>();
            let call = a.get_or_compute(key, &policy, compute);
            let _ = timeout(Duration::from_micros(round * 40), call).await;
            let value = || async { Ok::<_, Infallible>(Computed::keep("value")) };
            let next = timeout(5 * SECOND, b.get_or_compute(key, &policy, value)).await;
            assert_eq!(
                next.unwrap_or_else(|_| panic!("{}: round {round}", store.name))
                    .result
                    .unwrap()
                    .bytes(),
                "value"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_value_is_computed_anew_and_a_removed_one_does_not_come_back() {
    for store in stores().await {
        let (a, b) = two_nodes(&store).await;
        let (key, source) = (Key::of("expire", &1), Source::default());
        let policy = Policy::new(MINUTE).stale_while_revalidate(MINUTE);
        assert_eq!(source.read(&a, key, &policy).await, 0);
        source.write();
        sleep(SECOND / 10).await;
        assert!(b.expire(&key).await.unwrap(), "{}", store.name);
        assert!(
            matches!(
                source.ask(&a, key, &policy).await.status,
                Status::Stale { .. }
            ),
            "{}",
            store.name
        );
        eventually(|| async { source.read(&a, key, &policy).await == 1 }).await;
        a.remove(&key).await.unwrap();
        assert!(
            !b.expire(&key).await.unwrap(),
            "{}: there is none",
            store.name
        );
    }
}
