//! A memoized function without Dash: its values are kept in memory, and in Redis if an address is
//! given.
//!
//! ```sh
//! cargo run -p ferrodash-cache --features macros,redis --example prices
//! cargo run -p ferrodash-cache --features macros,redis --example prices -- redis://localhost:6379
//! CACHE_URL=redis://localhost:6379 cargo run -p ferrodash-cache --features macros,redis --example prices
//! ```
//!
//! With Redis, a second start within five minutes finds the price that the first one computed.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ferrodash_cache::{Cache, Unreached, invalidates, memo, memoize};

/// The discount on all products, in percent. It stands for a row of a database.
static DISCOUNT: AtomicU32 = AtomicU32::new(0);

/// The price of a product in cents. Equal calls share one run and its value, for five minutes.
#[memoize(timeout = "5m", tags = ["prices", "product:{product}"])]
async fn price(product: String) -> u32 {
    // A database would be asked here.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let length = u32::try_from(product.len()).unwrap_or(u32::MAX);
    length.saturating_mul(100 - DISCOUNT.load(Ordering::Relaxed))
}

/// Changes the discount and then invalidates all prices, also those that are being computed.
#[invalidates("prices")]
async fn set_discount(percent: u32) -> Result<(), Unreached> {
    DISCOUNT.store(percent.min(100), Ordering::Relaxed);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).or_else(|| env::var("CACHE_URL").ok());
    run(address.as_deref(), &mut io::stdout()).await
}

/// Shows what the cache does with some calls, a line each.
pub(crate) async fn run(address: Option<&str>, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut builder = Cache::builder().namespace("prices").memory(64 << 20);
    if let Some(address) = address {
        builder = builder.url(address).await?;
    }
    let cache = builder.build();
    writeln!(out, "tiers: {}", cache.tiers().join(", "))?;
    // A program with one cache can call `cache.make_default()` at its start instead.
    cache.scope(show(&cache, out)).await
}

async fn show(cache: &Cache, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "first call: {}", asked(cache, "tea").await)?;
    writeln!(out, "second call: {}", asked(cache, "tea").await)?;

    let before = runs(cache);
    memo::warm(8, (0..8).map(|_| price("coffee".to_owned()))).await;
    writeln!(out, "8 callers at once: {} run", runs(cache) - before)?;

    set_discount(10).await?;
    writeln!(out, "after a discount: {}", asked(cache, "tea").await)?;
    set_discount(0).await?;
    writeln!(out, "without it: {}", asked(cache, "tea").await)?;

    cache.invalidate_tag("product:tea").await?;
    writeln!(out, "after its tag: {}", asked(cache, "tea").await)?;
    price::forget_all().await?;
    writeln!(out, "after forget_all: {}", asked(cache, "tea").await)?;

    for function in cache.functions() {
        writeln!(
            out,
            "{}: {} runs, {} hits, {} misses, {} shared",
            function.name, function.runs, function.hits, function.misses, function.collapsed
        )?;
    }
    Ok(())
}

/// The price of a product, and whether the function ran for it.
async fn asked(cache: &Cache, product: &str) -> String {
    let before = runs(cache);
    let cents = price(product.to_owned()).await;
    let source = if runs(cache) > before {
        "computed"
    } else {
        "from the cache"
    };
    format!("{product} costs {cents} cents, {source}")
}

/// How often the function has run.
fn runs(cache: &Cache) -> u64 {
    cache.functions().iter().map(|function| function.runs).sum()
}
