//! One contract for all tiers, on real servers. Names of tests begin with the scenario they show.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod addresses;
mod changes;
mod chaos;
mod contract;
mod disk;
mod disk_faults;
mod disk_leases;
mod disk_processes;
mod faults;
mod freshness;
#[cfg(feature = "macros")]
mod macros;
mod memcached;
mod memcached_leases;
mod memcached_marks;
mod memory;
mod model;
mod nodes;
mod nodes_memory;
mod orphans;
mod processes;
mod redis_changes;
mod redis_cluster;
mod redis_cluster_faults;
mod redis_leases;
mod redis_runs;
mod redis_server;
mod redis_setups;
mod secret;
mod stampede;

use std::time::Duration;

use ferrodash_cache::{Cache, CacheBuilder};
use ferrodash_testing::{Memcached, Redis};
use tempfile::TempDir;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// Begins a cache with a namespace, which a server needs.
fn builder() -> CacheBuilder {
    Cache::builder().namespace("ferrodash")
}

/// The cache at an address.
async fn cache_at(url: &str) -> ferrodash_cache::Result<Cache> {
    Ok(builder().url(url).await?.build())
}

/// A cache of one tier, and what must live as long as it.
struct Bench {
    cache: Cache,
    name: &'static str,
    _server: Server,
}

#[expect(
    dead_code,
    reason = "held so that the server lives as long as the cache"
)]
enum Server {
    None,
    Disk(TempDir),
    Redis(Redis),
    Cluster(redis_cluster::Cluster),
    Memcached(Memcached),
}

/// A place that several caches can share.
struct Store {
    name: &'static str,
    url: String,
    _server: Server,
}

impl Store {
    fn redis() -> Self {
        let redis = Redis::start();
        Self {
            name: "redis",
            url: redis.url(),
            _server: Server::Redis(redis),
        }
    }

    /// A cluster of three masters.
    async fn cluster() -> Self {
        let cluster = redis_cluster::Cluster::start().await;
        Self {
            name: "redis cluster",
            url: cluster.url(),
            _server: Server::Cluster(cluster),
        }
    }

    fn memcached() -> Self {
        let memcached = Memcached::start();
        Self {
            name: "memcached",
            url: memcached.url(),
            _server: Server::Memcached(memcached),
        }
    }

    fn disk() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        Self {
            name: "disk",
            url: format!("disk:{}", directory.path().display()),
            _server: Server::Disk(directory),
        }
    }

    fn builder(&self) -> CacheBuilder {
        builder()
    }

    /// One more cache over this store, as another process has it.
    async fn cache(&self) -> Cache {
        // On a busy machine a server can take longer than the usual deadline, which would look like
        // a fault.
        let url = if self.name == "disk" {
            self.url.clone()
        } else {
            format!("{}?deadline=2s", self.url)
        };
        cache_at(&url).await.expect("a well-formed address")
    }
}

/// Every tier that processes can share.
async fn stores() -> [Store; 4] {
    [
        Store::redis(),
        Store::cluster().await,
        Store::memcached(),
        Store::disk(),
    ]
}

/// Every tier by itself, and memory before each of the shared ones.
async fn benches() -> Vec<Bench> {
    let mut benches = vec![Bench {
        cache: Cache::memory(1 << 20),
        name: "memory",
        _server: Server::None,
    }];
    for store in stores().await {
        benches.push(Bench {
            cache: store.cache().await,
            name: store.name,
            _server: store._server,
        });
    }
    let names = [
        "memory before redis",
        "memory before a redis cluster",
        "memory before memcached",
        "memory before disk",
    ];
    for (store, name) in stores().await.into_iter().zip(names) {
        let cache = builder()
            .memory(1 << 20)
            .url(&store.url)
            .await
            .expect("a well-formed address")
            .build();
        benches.push(Bench {
            cache,
            name,
            _server: store._server,
        });
    }
    benches
}

/// Waits until something holds, and not for a time.
async fn eventually(holds: impl AsyncFnMut() -> bool) {
    within(Duration::from_secs(10), holds).await;
}

/// Like [`eventually`], for what may take longer.
async fn within(most: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(most, wait)
        .await
        .expect("it comes to hold in time");
}
