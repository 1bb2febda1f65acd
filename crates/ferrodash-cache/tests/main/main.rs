//! One contract for all tiers, on real servers. Names of tests begin with the scenario they show.

mod contract;
mod faults;
mod memory;

use ferrodash_cache::Cache;
use ferrodash_testing::{Memcached, Redis};
use tempfile::TempDir;

/// A cache of one tier, and what must live as long as it.
struct Bench {
    cache: Cache,
    name: &'static str,
    _server: Server,
}

#[expect(dead_code, reason = "held so that the server lives as long as the cache")]
enum Server {
    None,
    Disk(TempDir),
    Redis(Redis),
    Memcached(Memcached),
}

/// Every tier by itself, and memory before Redis.
async fn benches() -> Vec<Bench> {
    let directory = TempDir::new().expect("a temporary directory");
    let (redis, memcached, both) = (Redis::start(), Memcached::start(), Redis::start());
    let cache = async |url: String| Cache::from_url(&url).await.expect("a well-formed address");
    let stack = Cache::builder().memory(1 << 20).url(&both.url()).await.expect("a well-formed address").build();
    vec![
        Bench { cache: Cache::memory(1 << 20), name: "memory", _server: Server::None },
        Bench {
            cache: cache(format!("disk:{}", directory.path().display())).await,
            name: "disk",
            _server: Server::Disk(directory),
        },
        Bench { cache: cache(redis.url()).await, name: "redis", _server: Server::Redis(redis) },
        Bench { cache: cache(memcached.url()).await, name: "memcached", _server: Server::Memcached(memcached) },
        Bench { cache: stack, name: "memory before redis", _server: Server::Redis(both) },
    ]
}
