//! A tier that fails and waits at random, around a real one: no answer may be wrong, and none may
//! be missing.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ferrodash_cache::tiers::{Memcached, MemcachedConfig, Redis, RedisConfig};
use ferrodash_cache::{
    Cache, Computed, Entry, Filled, Key, LeaseOutcome, LeaseRequest, Listener, Marks, Policy,
    Reading, Sealer, Selector, Shared, Stamp, Tier, TierResult,
};
use futures_util::future::{BoxFuture, FutureExt, join_all};
use tokio::time::{sleep, timeout};

use crate::{MINUTE, Store};

/// Fails one call in so many, and lets one in so many wait; or only lets answers come late.
pub(crate) struct Chaos<T> {
    inner: T,
    fails: u32,
    /// The longest time by which an answer is late, in milliseconds. Nothing fails then.
    late: Option<u32>,
    calls: AtomicU32,
    broken: Arc<AtomicU32>,
}

impl<T> Chaos<T> {
    async fn trouble<V>(&self, call: impl Future<Output = TierResult<V>>) -> TierResult<V> {
        // A fixed sequence that visits all kinds of calls.
        let number = self
            .calls
            .fetch_add(1, Ordering::SeqCst)
            .wrapping_mul(2_654_435_761)
            >> 8;
        if let Some(late) = self.late {
            let answer = call.await;
            sleep(Duration::from_millis((number % (late + 1)).into())).await;
            return answer;
        }
        let broken = self.broken.load(Ordering::SeqCst) > 0;
        match number % self.fails {
            0 => Err("chaos: the call did not get there".into()),
            // The answer is lost, and not the call.
            1 => call
                .await
                .and(Err("chaos: the answer did not get here".into())),
            2 => {
                sleep(Duration::from_millis(20)).await;
                call.await
            }
            _ if broken => Err("chaos: all calls fail".into()),
            _ => call.await,
        }
    }
}

impl<T: Tier + Shared> Tier for Chaos<T> {
    fn name(&self) -> &'static str {
        "chaos"
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>> {
        self.trouble(self.inner.get(key)).boxed()
    }

    fn set<'a>(&'a self, key: &'a Key, entry: &'a Entry) -> BoxFuture<'a, TierResult<bool>> {
        self.trouble(self.inner.set(key, entry)).boxed()
    }

    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>> {
        self.trouble(self.inner.remove(key)).boxed()
    }

    fn shared(&self) -> Option<&dyn Shared> {
        Some(self)
    }
}

impl<T: Tier + Shared> Shared for Chaos<T> {
    fn read<'a>(
        &'a self,
        key: &'a Key,
        selectors: &'a [Selector],
    ) -> BoxFuture<'a, TierResult<Reading>> {
        self.trouble(self.inner.read(key, selectors)).boxed()
    }

    fn marks<'a>(&'a self, selectors: &'a [Selector]) -> BoxFuture<'a, TierResult<Marks>> {
        self.trouble(self.inner.marks(selectors)).boxed()
    }

    fn invalidate<'a>(&'a self, selectors: &'a [Selector]) -> BoxFuture<'a, TierResult<Stamp>> {
        self.trouble(self.inner.invalidate(selectors)).boxed()
    }

    fn acquire<'a>(
        &'a self,
        key: &'a Key,
        request: &'a LeaseRequest,
    ) -> BoxFuture<'a, TierResult<LeaseOutcome>> {
        self.trouble(self.inner.acquire(key, request)).boxed()
    }

    fn fill<'a>(
        &'a self,
        key: &'a Key,
        token: u64,
        entry: &'a Entry,
    ) -> BoxFuture<'a, TierResult<Filled>> {
        self.trouble(self.inner.fill(key, token, entry)).boxed()
    }

    fn renew<'a>(
        &'a self,
        key: &'a Key,
        token: u64,
        lease: Duration,
    ) -> BoxFuture<'a, TierResult<bool>> {
        self.trouble(self.inner.renew(key, token, lease)).boxed()
    }

    fn release<'a>(&'a self, key: &'a Key, token: u64) -> BoxFuture<'a, TierResult<()>> {
        self.trouble(self.inner.release(key, token)).boxed()
    }

    fn changed<'a>(&'a self, key: &'a Key, within: Duration) -> BoxFuture<'a, ()> {
        self.inner.changed(key, within)
    }

    fn listen(&self, listener: Listener) -> bool {
        self.inner.listen(listener)
    }
}

/// A cache over a Redis whose answers come up to so many milliseconds late: much can happen between
/// a look at the store and the answer.
pub(crate) fn with_late_answers(store: &Store, late: u32) -> Cache {
    let config = RedisConfig::parse(&store.url).unwrap();
    let tier = Redis::new(config, "late".into(), Sealer::default()).unwrap();
    let tier = Chaos {
        inner: tier,
        fails: u32::MAX,
        late: Some(late),
        calls: AtomicU32::new(0),
        broken: Arc::default(),
    };
    Cache::builder().tier(tier).build()
}

/// Caches with trouble over the stores that have servers, with and without memory, and a switch
/// that breaks all calls.
fn troubled() -> Vec<(Cache, Arc<AtomicU32>, Store)> {
    let mut caches = Vec::new();
    for with_memory in [false, true] {
        let builder = || {
            if with_memory {
                Cache::builder().memory(1 << 20)
            } else {
                Cache::builder()
            }
        };
        let (redis, memcached) = (Store::redis(), Store::memcached());
        let broken = Arc::new(AtomicU32::new(0));
        let config = RedisConfig::parse(&redis.url).unwrap();
        let tier = Redis::new(config, "chaos".into(), Sealer::default()).unwrap();
        let tier = Chaos {
            inner: tier,
            fails: 12,
            late: None,
            calls: AtomicU32::new(0),
            broken: broken.clone(),
        };
        caches.push((builder().tier(tier).build(), broken, redis));
        let broken = Arc::new(AtomicU32::new(0));
        let config =
            MemcachedConfig::parse(memcached.url.strip_prefix("memcached:").unwrap()).unwrap();
        let tier = Memcached::new(config, "chaos".into(), Sealer::default()).unwrap();
        let tier = Chaos {
            inner: tier,
            fails: 12,
            late: None,
            calls: AtomicU32::new(0),
            broken: broken.clone(),
        };
        caches.push((builder().tier(tier).build(), broken, memcached));
    }
    caches
}

#[tokio::test(flavor = "multi_thread")]
async fn every_caller_gets_the_right_value_whatever_fails() {
    for (cache, _, store) in troubled() {
        let data = Arc::new(AtomicU32::new(0));
        for round in 0..40 {
            let callers: Vec<_> = (0..20)
                .map(|caller| {
                    let (cache, data) = (cache.clone(), data.clone());
                    tokio::spawn(async move {
                        let key = caller % 4;
                        let policy = Policy::new(MINUTE)
                            .lease(Duration::from_secs(1))
                            .tag("data");
                        let compute = || async move {
                            Ok::<_, Infallible>(Computed::keep(format!(
                                "{key} {}",
                                data.load(Ordering::SeqCst)
                            )))
                        };
                        let answer = cache
                            .get_or_compute(Key::of("chaos", &key), &policy, compute)
                            .await;
                        (
                            key,
                            String::from_utf8(answer.result.unwrap().bytes().to_vec()).unwrap(),
                        )
                    })
                })
                .collect();
            let answers = timeout(Duration::from_secs(20), join_all(callers)).await;
            let now = data.load(Ordering::SeqCst);
            for answer in answers
                .unwrap_or_else(|_| panic!("{}: somebody hangs in round {round}", store.name))
            {
                let (key, value) = answer.unwrap();
                assert_eq!(
                    value,
                    format!("{key} {now}"),
                    "{}: round {round}",
                    store.name
                );
            }
            // An invalidation that fails says so, and can be repeated until it does not.
            data.fetch_add(1, Ordering::SeqCst);
            let mut tries = 0;
            while cache.invalidate_tag("data").await.is_err() {
                tries += 1;
                assert!(tries < 50, "{}", store.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_an_invalidation_that_does_not_get_there_is_an_error() {
    for (cache, broken, store) in troubled() {
        broken.store(1, Ordering::SeqCst);
        let key = Key::of("f", &1);
        let errors = [
            cache.invalidate_tag("orders").await.unwrap_err(),
            cache.invalidate_function("f").await.unwrap_err(),
            cache.clear().await.unwrap_err(),
            cache.remove(&key).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.tiers, ["chaos"], "{}", store.name);
            assert!(
                error.to_string().contains("may still return old values"),
                "{error}"
            );
        }
    }
}
