//! Loads through `Batcher` beside direct calls of its function and beside the loaders of other
//! projects, in one run.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use ferrodash_batch::Batcher;
use ferrodash_batch::http::HttpBatch;
use futures_util::future::join_all;

/// The loads of a burst.
const BURST: u64 = 100;
const BURSTS: u64 = 2000;
const LONELY: u64 = 5000;

/// Ids that were not used before, as two of the loaders keep values for ever.
static IDS: AtomicU64 = AtomicU64::new(0);

fn ids(count: u64) -> std::ops::Range<u64> {
    let first = IDS.fetch_add(count, Ordering::Relaxed);
    first..first + count
}

/// The source: a function in memory.
async fn source(ids: Vec<u64>) -> HashMap<u64, u64> {
    ids.into_iter().map(|id| (id, id * 2)).collect()
}

/// What can load a value.
trait Load: Clone + Send + Sync + 'static {
    fn load(&self, id: u64) -> impl Future<Output = u64> + Send;

    /// Loads several ids with one call.
    fn load_many(&self, ids: Vec<u64>) -> impl Future<Output = usize> + Send;
}

#[derive(Clone)]
struct Direct;

impl Load for Direct {
    async fn load(&self, id: u64) -> u64 {
        source(vec![id]).await[&id]
    }

    async fn load_many(&self, ids: Vec<u64>) -> usize {
        let loads = ids.into_iter().map(|id| self.load(id));
        join_all(loads).await.len()
    }
}

impl Load for Batcher<u64, u64, Infallible> {
    async fn load(&self, id: u64) -> u64 {
        Batcher::load(self, id).await.expect("it is there")
    }

    async fn load_many(&self, ids: Vec<u64>) -> usize {
        Batcher::load_many(self, ids).await.len()
    }
}

struct Graph;

impl async_graphql::dataloader::Loader<u64> for Graph {
    type Value = u64;
    type Error = Infallible;

    async fn load(&self, ids: &[u64]) -> Result<HashMap<u64, u64>, Infallible> {
        Ok(source(ids.to_vec()).await)
    }
}

type GraphLoader = Arc<async_graphql::dataloader::DataLoader<Graph>>;

impl Load for GraphLoader {
    async fn load(&self, id: u64) -> u64 {
        self.load_one(id).await.ok().flatten().expect("it is there")
    }

    async fn load_many(&self, ids: Vec<u64>) -> usize {
        let loaded = async_graphql::dataloader::DataLoader::load_many(self, ids).await;
        loaded.expect("they are there").len()
    }
}

#[derive(Clone)]
struct Source;

impl dataloader::BatchFn<u64, u64> for Source {
    async fn load(&mut self, ids: &[u64]) -> HashMap<u64, u64> {
        source(ids.to_vec()).await
    }
}

type FacebookLoader = dataloader::non_cached::Loader<u64, u64, Source>;

impl Load for FacebookLoader {
    async fn load(&self, id: u64) -> u64 {
        FacebookLoader::load(self, id).await
    }

    async fn load_many(&self, ids: Vec<u64>) -> usize {
        FacebookLoader::load_many(self, ids).await.len()
    }
}

impl ultra_batch::Fetcher for Source {
    type Key = u64;
    type Value = u64;
    type Error = Infallible;

    async fn fetch(
        &self,
        ids: &[u64],
        values: &mut ultra_batch::Cache<'_, u64, u64>,
    ) -> Result<(), Infallible> {
        for (id, value) in source(ids.to_vec()).await {
            values.insert(id, value);
        }
        Ok(())
    }
}

type UltraLoader = ultra_batch::BatchFetcher<Source>;

impl Load for UltraLoader {
    async fn load(&self, id: u64) -> u64 {
        UltraLoader::load(self, id).await.expect("it is there")
    }

    async fn load_many(&self, ids: Vec<u64>) -> usize {
        let loaded = UltraLoader::load_many(self, &ids).await;
        loaded.expect("they are there").len()
    }
}

/// Loads a second of bursts that are awaited in one task.
async fn joined(loader: &impl Load) -> f64 {
    let start = Instant::now();
    for _ in 0..BURSTS {
        join_all(ids(BURST).map(|id| loader.load(id))).await;
    }
    (BURST * BURSTS) as f64 / start.elapsed().as_secs_f64()
}

/// The same with one call for each burst.
async fn at_once(loader: &impl Load) -> f64 {
    let start = Instant::now();
    for _ in 0..BURSTS {
        loader.load_many(ids(BURST).collect()).await;
    }
    (BURST * BURSTS) as f64 / start.elapsed().as_secs_f64()
}

/// The same with a task for each load.
async fn spawned(loader: &impl Load) -> f64 {
    let start = Instant::now();
    for _ in 0..BURSTS {
        let task = |id| {
            let loader = loader.clone();
            tokio::spawn(async move { loader.load(id).await })
        };
        let tasks: Vec<_> = ids(BURST).map(task).collect();
        join_all(tasks).await;
    }
    (BURST * BURSTS) as f64 / start.elapsed().as_secs_f64()
}

/// The time of a load that comes alone, in microseconds.
async fn lonely(loader: &impl Load, count: u64) -> f64 {
    let start = Instant::now();
    for id in ids(count) {
        loader.load(id).await;
    }
    start.elapsed().as_secs_f64() * 1e6 / count as f64
}

struct Figures {
    name: &'static str,
    at_once: f64,
    joined: f64,
    spawned: f64,
    lonely: f64,
}

/// Measures in a task, as the thread that waits for all others is not one of the runtime's.
async fn measure(name: &'static str, loader: impl Load, lonely_loads: u64) -> Figures {
    let task = async move {
        lonely(&loader, 50).await;
        Figures {
            name,
            at_once: at_once(&loader).await,
            joined: joined(&loader).await,
            spawned: spawned(&loader).await,
            lonely: lonely(&loader, lonely_loads).await,
        }
    };
    tokio::spawn(task).await.expect("it does not panic")
}

/// The requests to the API.
static REQUESTS: AtomicUsize = AtomicUsize::new(0);

#[derive(serde::Deserialize)]
struct Asked {
    ids: String,
}

/// An API that takes 20 ms.
async fn api(State(()): State<()>, Query(asked): Query<Asked>) -> String {
    REQUESTS.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let item = |id: &str| format!("{{\"id\":{id},\"value\":{id}}}");
    let items: Vec<String> = asked.ids.split(',').map(item).collect();
    format!("[{}]", items.join(","))
}

#[derive(Clone, serde::Deserialize)]
struct Item {
    value: u64,
}

/// Loads a thousand ids over HTTP: with batches, and one after the other.
async fn http() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a loopback port is free");
    let url = format!(
        "http://{}/data/",
        listener.local_addr().expect("it is bound")
    );
    let router = Router::new().route("/data/", get(api)).with_state(());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let items = HttpBatch::new(url)
        .max_url(8000)
        .batcher::<u64, Item>()
        .max_size(100);
    let start = Instant::now();
    let loads = join_all((0..1000_u64).map(|id| items.load(id))).await;
    let (batched, requests) = (start.elapsed(), REQUESTS.swap(0, Ordering::Relaxed));
    let values = loads
        .into_iter()
        .map(|item| item.expect("it is there").value);
    assert!(values.eq(0..1000));
    let start = Instant::now();
    let tasks = (0..1000_u64).map(|id| {
        let items = items.clone();
        tokio::spawn(async move { items.load(id).await.is_ok() })
    });
    let loaded = join_all(tasks.collect::<Vec<_>>()).await;
    assert!(loaded.into_iter().all(Result::unwrap));
    let (tasks, requests_of_tasks) = (start.elapsed(), REQUESTS.swap(0, Ordering::Relaxed));
    let start = Instant::now();
    for id in 0..1000_u64 {
        assert!(items.load(id).await.is_ok());
    }
    let single = start.elapsed();
    println!("\n| 1,000 ids over HTTP, 20 ms a request | Requests | Time |");
    println!("|---|---:|---:|");
    println!(
        "| loads of one task | {requests} | {} ms |",
        batched.as_millis()
    );
    println!(
        "| loads of 1,000 tasks | {requests_of_tasks} | {} ms |",
        tasks.as_millis()
    );
    let requests = REQUESTS.load(Ordering::Relaxed);
    println!(
        "| one after the other | {requests} | {} ms |",
        single.as_millis()
    );
    println!(
        "\nratio {:.0}",
        single.as_secs_f64() / batched.as_secs_f64()
    );
    server.abort();
}

#[tokio::main]
async fn main() {
    let ours = Batcher::new(async |ids: Vec<u64>| Ok::<_, Infallible>(source(ids).await));
    let graph = async_graphql::dataloader::DataLoader::new(Graph, tokio::spawn).max_batch_size(100);
    let facebook = FacebookLoader::new(Source).with_max_batch_size(100);
    let ultra = ultra_batch::BatchFetcher::build(Source).finish();
    let all = [
        measure("the function itself", Direct, LONELY).await,
        measure("ferrodash-batch", ours, LONELY).await,
        measure("async-graphql", Arc::new(graph), 200).await,
        measure("dataloader", facebook, LONELY).await,
        measure("ultra-batch", ultra, 200).await,
    ];
    println!(
        "| Loader | `load_many` of 100 | of the function | 100 `load` in one task | of the function | 100 tasks | of the function | A lonely load |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for figures in &all {
        let Figures {
            name,
            at_once,
            joined,
            spawned,
            lonely,
        } = figures;
        println!(
            "| {name} | {:.2} M/s | {:.2} | {:.2} M/s | {:.2} | {:.2} M/s | {:.2} | {lonely:.1} µs |",
            at_once / 1e6,
            at_once / all[0].at_once,
            joined / 1e6,
            joined / all[0].joined,
            spawned / 1e6,
            spawned / all[0].spawned,
        );
    }
    // In a task, as a server's code is.
    tokio::spawn(http()).await.expect("it does not panic");
}
