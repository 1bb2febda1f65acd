//! The attributes without Dash, and the example that shows them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ferrodash_cache::{Cache, Unreached, invalidates, memoize};
use ferrodash_testing::Redis;
use serde::Serialize;

#[path = "../../examples/prices.rs"]
#[expect(dead_code, reason = "the test calls what `main` calls")]
mod prices;

/// What the example says with the cache at an address.
async fn said(address: Option<&str>) -> String {
    let mut out = Vec::new();
    prices::run(address, &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

/// What it says with a cache that has no price yet.
fn expected(tiers: &str) -> String {
    let counts = "6 runs, 1 hits, 6 misses, 7 shared";
    format!(
        "tiers: {tiers}\n\
         first call: tea costs 300 cents, computed\n\
         second call: tea costs 300 cents, from the cache\n\
         8 callers at once: 1 run\n\
         after a discount: tea costs 270 cents, computed\n\
         without it: tea costs 300 cents, computed\n\
         after its tag: tea costs 300 cents, computed\n\
         after forget_all: tea costs 300 cents, computed\n\
         main::macros::prices::price: {counts}\n"
    )
}

#[tokio::test]
async fn the_example_shows_memory_then_redis() {
    assert_eq!(said(None).await, expected("memory"));

    let redis = Redis::start();
    assert_eq!(said(Some(&redis.url())).await, expected("memory, redis"));
    let second = said(Some(&redis.url())).await;
    assert!(
        second.contains("first call: tea costs 300 cents, from the cache\n"),
        "{second}"
    );
}

static RUNS: AtomicU32 = AtomicU32::new(0);

#[derive(Clone, Serialize)]
struct Shop {
    name: String,
}

impl Shop {
    /// The length of two names; a product without a name is an error.
    #[memoize(timeout = "1m", negative_timeout = "10s", tags = ["shop:{product}"])]
    async fn label(&self, product: &str) -> Result<usize, String> {
        RUNS.fetch_add(1, Ordering::Relaxed);
        match product.len() {
            0 => Err(format!("{} has no such product", self.name)),
            length => Ok(self.name.len() + length),
        }
    }

    #[invalidates("shop:{product}")]
    async fn sell(&self, product: &str) -> Result<(), Unreached> {
        assert!(!product.is_empty());
        Ok(())
    }
}

#[memoize(timeout = "1m", blocking, ignore = [pause])]
fn doubled(number: u32, pause: Duration) -> u32 {
    std::thread::sleep(pause);
    number * 2
}

#[tokio::test]
async fn methods_and_blocking_functions_are_memoized_without_ferrodash() {
    let shop = Shop {
        name: "corner".to_owned(),
    };
    let calls = async {
        assert_eq!(shop.label("tea").await, Ok(9));
        assert_eq!(shop.label("tea").await, Ok(9));
        assert_eq!(RUNS.load(Ordering::Relaxed), 1);
        shop.sell("tea").await.unwrap();
        assert_eq!(shop.label("tea").await, Ok(9));
        assert_eq!(RUNS.load(Ordering::Relaxed), 2);
        assert!(shop.label("").await.is_err());
        assert!(shop.label("").await.is_err());
        assert_eq!(RUNS.load(Ordering::Relaxed), 3);
        assert!(shop.label_prime("tea", Ok(1)).await);
        assert_eq!(shop.label("tea").await, Ok(1));
        shop.label_forget("tea").await.unwrap();
        assert_eq!(shop.label("tea").await, Ok(9));

        assert_eq!(doubled(4, Duration::from_millis(1)).await, 8);
        assert_eq!(
            doubled::key(4, Duration::ZERO),
            doubled::key(4, Duration::MAX)
        );
        assert_eq!(doubled::uncached(5, Duration::ZERO), 10);
        assert_eq!(doubled::refresh(6, Duration::ZERO).await, 12);
    };
    Cache::memory(1 << 20).scope(calls).await;
}
