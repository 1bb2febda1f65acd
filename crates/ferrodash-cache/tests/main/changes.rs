//! What was invalidated, told to those who keep copies where no mark can be read.

use std::time::Duration;

use ferrodash_cache::{Cache, Changes, Selector, Stamp};
use ferrodash_testing::Redis;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::{Store, builder, cache_at, stores};

/// Someone who follows the invalidations of a cache.
struct Follower {
    cache: Cache,
    moments: watch::Receiver<Stamp>,
    seen: Stamp,
}

impl Follower {
    /// Begins when the store has been asked.
    async fn of(cache: &Cache) -> Self {
        let mut follower = Self {
            cache: cache.clone(),
            moments: cache.follow_changes(),
            seen: Stamp::default(),
        };
        follower.next().await;
        follower
    }

    /// Waits for the next changes.
    async fn next(&mut self) -> Option<Vec<Selector>> {
        let seen = self.seen;
        let changed = self.moments.wait_for(|moment| *moment != seen);
        timeout(Duration::from_secs(10), changed)
            .await
            .expect("a change is known in time")
            .unwrap();
        let Changes { now, selectors } = self.cache.changes_since(seen);
        self.seen = now;
        selectors
    }
}

fn tag(name: &str) -> Selector {
    Selector::tag(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn invalidations_of_this_process_are_told_by_their_names() {
    let mut caches = vec![(Cache::memory(1 << 20), "memory")];
    let stores = stores().await;
    for store in &stores {
        caches.push((store.cache().await, store.name));
    }
    for (cache, name) in caches {
        let mut follower = Follower::of(&cache).await;
        let begin = follower.seen;
        cache.invalidate_tag("orders").await.unwrap();
        assert_eq!(follower.next().await, Some(vec![tag("orders")]), "{name}");
        cache.invalidate(&[tag("a"), tag("b")]).await.unwrap();
        let mut both = vec![tag("a"), tag("b")];
        both.sort();
        assert_eq!(follower.next().await, Some(both), "{name}");
        let all = cache.changes_since(begin).selectors.unwrap();
        assert_eq!(all.len(), 3, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalidations_of_other_processes_are_told_at_once_or_within_a_second() {
    for store in stores().await {
        let (ours, theirs) = (store.cache().await, store.cache().await);
        let mut follower = Follower::of(&ours).await;
        theirs.invalidate_tag("orders").await.unwrap();
        let told = timeout(Duration::from_secs(1), follower.next()).await;
        let told = told.unwrap_or_else(|_| panic!("{} tells it too late", store.name));
        // Only Redis knows what it was.
        let knows = store.name.starts_with("redis");
        let expected = knows.then(|| vec![tag("orders")]);
        assert_eq!(told, expected, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_reports_invalidations_and_need_not_be_asked() {
    let redis = Redis::start();
    let near = builder().memory(1 << 20).url(&redis.url()).await.unwrap();
    let (ours, theirs) = (near.build(), cache_at(&redis.url()).await.unwrap());
    let mut follower = Follower::of(&ours).await;
    for number in 0..5 {
        let name = format!("order:{number}");
        theirs.invalidate_tag(&name).await.unwrap();
        let told = timeout(Duration::from_millis(300), follower.next()).await;
        assert_eq!(
            told.expect("the change is known at once"),
            Some(vec![tag(&name)])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_starts_knows_from_redis_what_was_invalidated_before() {
    let store = Store::redis();
    let first = store.cache().await;
    let seen = Follower::of(&first).await.seen;
    first.invalidate_tag("orders").await.unwrap();
    drop(first);
    let second = store.cache().await;
    let mut follower = Follower::of(&second).await;
    let changes = second.changes_since(seen);
    assert_eq!(changes.selectors, Some(vec![tag("orders")]));
    // So many names are written down as everything.
    let many: Vec<_> = (0..200).map(|number| tag(&number.to_string())).collect();
    store.cache().await.invalidate(&many).await.unwrap();
    assert_eq!(follower.next().await, Some(vec![Selector::ALL]));
    // What is long ago is not known any more.
    for number in 0..300 {
        let name = format!("order:{number}");
        second.invalidate_tag(&name).await.unwrap();
    }
    let third = store.cache().await;
    Follower::of(&third).await;
    assert_eq!(third.changes_since(seen).selectors, None);
    assert!(third.changes_since(follower.seen).selectors.is_none());
    let late = second.changes_since(follower.seen);
    assert_eq!(late.selectors.map(|all| all.len()), Some(300));
}
