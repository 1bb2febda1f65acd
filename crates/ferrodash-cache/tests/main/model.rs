//! Random histories against a model: no read after an invalidation returns data computed before it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ferrodash_cache::{Cache, Computed, Key, Policy};
use futures_util::future::{BoxFuture, FutureExt};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use crate::chaos::with_late_answers;
use crate::{Store, stores};

const KEYS: u8 = 4;
const TAGS: u8 = 3;

/// What can happen.
#[derive(Debug, Clone)]
enum Step {
    /// A node asks for a key; the function reads the data and takes so many milliseconds.
    Read {
        node: usize,
        key: u8,
        takes: u8,
    },
    /// The data is written, and a tag invalidated after it.
    WriteAndInvalidateTag {
        node: usize,
        tag: u8,
    },
    WriteAndRemove {
        node: usize,
        key: u8,
    },
    WriteAndInvalidateFunction {
        node: usize,
    },
    WriteAndClear {
        node: usize,
    },
    /// A value is set without the function.
    Set {
        node: usize,
        key: u8,
    },
    /// A caller goes away in the middle.
    Abandon {
        node: usize,
        key: u8,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (node, key, tag) = (0..2usize, 0..KEYS, 0..TAGS);
    let step = prop_oneof![
        6 => (node.clone(), key.clone(), 0..4u8).prop_map(|(node, key, takes)| Step::Read { node, key, takes }),
        2 => (node.clone(), tag).prop_map(|(node, tag)| Step::WriteAndInvalidateTag { node, tag }),
        2 => (node.clone(), key.clone()).prop_map(|(node, key)| Step::WriteAndRemove { node, key }),
        1 => node.clone().prop_map(|node| Step::WriteAndInvalidateFunction { node }),
        1 => node.clone().prop_map(|node| Step::WriteAndClear { node }),
        1 => (node.clone(), key.clone()).prop_map(|(node, key)| Step::Set { node, key }),
        1 => (node, key).prop_map(|(node, key)| Step::Abandon { node, key }),
    ];
    prop::collection::vec(step, 1..40)
}

fn tag(number: u8) -> String {
    format!("tag {number}")
}

fn key(history: u64, number: u8) -> Key {
    Key::of("model", &(history, number))
}

/// Plays a history; background readers go on all the while, so that something is always in
/// progress.
async fn play(nodes: &[Cache], history: u64, steps: &[Step]) {
    let data = Arc::new(AtomicU64::new(1));
    // The oldest data that a read of a key may return.
    let mut oldest: HashMap<u8, u64> = HashMap::new();
    let policy = |key: u8| {
        Policy::new(Duration::from_secs(60))
            .lease(Duration::from_secs(2))
            .tag(&tag(key % TAGS))
    };
    for step in steps {
        let written = data.load(Ordering::SeqCst);
        match *step {
            Step::Read {
                node,
                key: number,
                takes,
            } => {
                let compute = source(&data, takes);
                let answer = nodes[node]
                    .get_or_compute(key(history, number), &policy(number), compute)
                    .await;
                let status = answer.status;
                let value: u64 = std::str::from_utf8(answer.result.unwrap().bytes())
                    .unwrap()
                    .parse()
                    .unwrap();
                let least = oldest.get(&number).copied().unwrap_or(0);
                assert!(
                    value >= least,
                    "key {number}: {value} ({status:?}) was computed before {least} was written: {steps:?}"
                );
                assert!(value <= written);
                continue;
            }
            Step::Set { node, key: number } => {
                let value = written.to_string().into();
                nodes[node]
                    .set_with(&key(history, number), value, &policy(number))
                    .await;
                continue;
            }
            Step::Abandon { node, key: number } => {
                // Others may have joined it by then, and they have to come to an end.
                let policy = policy(number);
                let call =
                    nodes[node].get_or_compute(key(history, number), &policy, source(&data, 20));
                let _ = tokio::time::timeout(Duration::from_millis(2), call).await;
                continue;
            }
            _ => under_way(nodes, history, &data, &policy).await,
        }
        let written = data.fetch_add(1, Ordering::SeqCst) + 1;
        match *step {
            Step::WriteAndInvalidateTag { node, tag: number } => {
                nodes[node].invalidate_tag(&tag(number)).await.unwrap();
                (0..KEYS)
                    .filter(|key| key % TAGS == number)
                    .for_each(|key| _ = oldest.insert(key, written));
            }
            Step::WriteAndRemove { node, key: number } => {
                nodes[node].remove(&key(history, number)).await.unwrap();
                oldest.insert(number, written);
            }
            Step::WriteAndInvalidateFunction { node } => {
                nodes[node].invalidate_function("model").await.unwrap();
                (0..KEYS).for_each(|key| _ = oldest.insert(key, written));
            }
            Step::WriteAndClear { node } => {
                nodes[node].clear().await.unwrap();
                (0..KEYS).for_each(|key| _ = oldest.insert(key, written));
            }
            Step::Read { .. } | Step::Set { .. } | Step::Abandon { .. } => {}
        }
    }
}

/// A function that reads the data when it begins, and takes so many milliseconds.
fn source(
    data: &Arc<AtomicU64>,
    takes: u8,
) -> impl FnOnce() -> BoxFuture<'static, Result<Computed, Infallible>> + use<> {
    let data = data.clone();
    move || {
        async move {
            let value = data.load(Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(takes.into())).await;
            Ok(Computed::keep(value.to_string()))
        }
        .boxed()
    }
}

/// Starts slow computations with the data as it is before a write; what they bring must not be read
/// after it.
async fn under_way(
    nodes: &[Cache],
    history: u64,
    data: &Arc<AtomicU64>,
    policy: &impl Fn(u8) -> Policy,
) {
    for (number, node) in (0..KEYS).zip(nodes.iter().cycle()) {
        let (node, policy, compute) = (node.clone(), policy(number), source(data, 3));
        tokio::spawn(async move {
            node.get_or_compute(key(history, number), &policy, compute)
                .await
                .status
        });
    }
    // Some computations are about to be stored, some were just stored, and some are being read.
    let pause = 1 + data.load(Ordering::SeqCst) % 8;
    tokio::time::sleep(Duration::from_millis(pause)).await;
}

fn check(store: &str, cases: u32, runtime: &Runtime, nodes: &[Cache]) {
    let history = AtomicU64::new(0);
    let mut runner = TestRunner::new(Config {
        cases,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&steps(), |steps| {
        let history = history.fetch_add(1, Ordering::SeqCst);
        let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runtime.block_on(play(nodes, history, &steps));
        }));
        played.map_err(|panic| {
            TestCaseError::fail(ferrodash_cache::panic_message(&*panic).to_owned())
        })
    });
    let report = || nodes.iter().map(Cache::tier_reports).collect::<Vec<_>>();
    result.unwrap_or_else(|error| panic!("{store}: {error} {:#?}", report()));
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn no_read_after_an_invalidation_returns_data_computed_before_it_in_one_process() {
    let runtime = runtime();
    let cache = Cache::memory(1 << 20);
    check("memory", 150, &runtime, &[cache.clone(), cache]);
}

#[test]
fn no_read_after_an_invalidation_returns_data_computed_before_it_on_two_nodes() {
    let runtime = runtime();
    for store in runtime.block_on(stores()) {
        let nodes = runtime.block_on(async { [store.cache().await, store.cache().await] });
        check(store.name, 40, &runtime, &nodes);
    }
}

/// Callers join a flight between its look at the store and its landing.
#[test]
fn no_read_after_an_invalidation_returns_older_data_when_answers_of_the_store_are_late() {
    let runtime = runtime();
    let store = Store::redis();
    let nodes =
        runtime.block_on(async { [with_late_answers(&store, 4), with_late_answers(&store, 4)] });
    check(store.name, 60, &runtime, &nodes);
}

#[test]
fn a_node_with_memory_reads_nothing_old_after_its_own_invalidation() {
    let runtime = runtime();
    for store in [Store::redis(), Store::disk()] {
        let near = runtime.block_on(async {
            crate::builder()
                .memory(1 << 20)
                .url(&store.url)
                .await
                .unwrap()
                .build()
        });
        check(store.name, 40, &runtime, &[near.clone(), near]);
    }
}
