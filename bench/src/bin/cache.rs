//! What the cache costs, beside what it is made of. Each measurement prints a line of JSON;
//! `scripts/bench-cache` runs them beside other caches and compares.
//!
//! `cache memory|disk|keys|mixed`, `cache redis URL`, `cache stampede URL [seconds]`

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ferrodash::cache::{Cache, Computed, Key, Policy, Status};
use ferrodash::prelude::memoize;
use serde::{Deserialize, Serialize};

const MINUTES: Duration = Duration::from_secs(3600);

/// Each figure is the median of so many rounds.
const ROUNDS: usize = 7;

const KEYS: u64 = 1000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["memory"] => memory().await,
        ["disk"] => disk().await,
        ["keys"] => keys(),
        ["mixed"] => mixed().await,
        ["redis", url] => redis(url).await,
        ["stampede", url] => stampede(url, 10),
        ["stampede", url, seconds] => stampede(url, seconds.parse().expect("seconds")),
        ["node", url, seconds] => node(url, seconds.parse().expect("seconds")).await,
        _ => panic!("usage: cache memory|disk|keys|mixed|redis URL|stampede URL [seconds]"),
    }
}

#[expect(clippy::print_stdout, reason = "the result")]
fn say(name: &str, figures: &[(&str, f64)]) {
    let figures: Vec<String> = figures
        .iter()
        .map(|(name, figure)| format!("\"{name}\": {figure:.1}"))
        .collect();
    println!("{{\"name\": \"{name}\", {}}}", figures.join(", "));
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures the real time"
)]
fn clock() -> Instant {
    Instant::now()
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// Several subjects in turn, so that a slow moment of the machine hits all alike; nanoseconds of
/// each, as medians.
fn in_turn(operations: u64, subjects: &mut [(&str, &mut dyn FnMut(u64))]) {
    let mut rounds = vec![Vec::new(); subjects.len()];
    for _ in 0..ROUNDS {
        for (index, (_, subject)) in subjects.iter_mut().enumerate() {
            let start = clock();
            (0..operations).for_each(&mut *subject);
            rounds[index].push(start.elapsed().as_secs_f64() * 1e9 / operations as f64);
        }
    }
    for ((name, _), rounds) in subjects.iter().zip(rounds) {
        say(name, &[("nanoseconds", median(rounds))]);
    }
}

/// Drives a future that is ready at once, as all of these are.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("a hit waits for nothing"),
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Rows {
    name: String,
    values: Vec<f64>,
}

#[memoize(timeout = "1h")]
async fn rows(number: u32, name: &str) -> Rows {
    let _ = number;
    Rows {
        name: name.to_owned(),
        values: vec![1.0, 2.0, 3.0],
    }
}

async fn memory() {
    let cache = Cache::memory(64 << 20);
    let policy = Policy::new(MINUTES);
    let keys: Vec<Key> = (0..KEYS).map(|number| Key::of("bench", &number)).collect();
    let value = Bytes::from(vec![7; 1024]);
    let quick = quick_cache::sync::Cache::<[u8; 32], Bytes>::new(100_000);
    let moka = moka::sync::Cache::<[u8; 32], Bytes>::new(100_000);
    let compute = || async { Ok::<_, Infallible>(Computed::keep(Bytes::new())) };
    for key in &keys {
        let made = value.clone();
        let fill = || async { Ok::<_, Infallible>(Computed::keep(made)) };
        cache.get_or_compute(*key, &policy, fill).await;
        quick.insert(*key.as_bytes(), value.clone());
        moka.insert(*key.as_bytes(), value.clone());
    }
    let at = |number: u64| &keys[(number * 7919 % KEYS) as usize];
    cache.scope(rows(7, "north")).await;
    in_turn(
        1_000_000,
        &mut [
            ("quick_cache", &mut |number| {
                _ = black_box(quick.get(at(number).as_bytes()))
            }),
            ("moka", &mut |number| {
                _ = black_box(moka.get(at(number).as_bytes()))
            }),
            ("memory hit", &mut |number| {
                let answer = now(cache.get_or_compute(*at(number), &policy, compute));
                debug_assert_eq!(answer.status, Status::Hit { tier: "memory" });
                _ = black_box(answer);
            }),
        ],
    );
    now(cache.scope(async {
        in_turn(
            200_000,
            &mut [("memoize hit", &mut |_| _ = black_box(now(rows(7, "north"))))],
        );
    }));
}

/// 8 KiB that no compression makes smaller.
fn noise() -> Bytes {
    let mut state = 1u64;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    };
    (0..8192).map(next).collect::<Vec<_>>().into()
}

async fn disk() {
    let directory = std::env::temp_dir().join(format!("ferrodash-bench-{}", std::process::id()));
    let cache = Cache::from_url(&format!("disk:{}", directory.display()))
        .await
        .expect("a directory");
    let policy = Policy::new(MINUTES);
    let value = noise();
    let keys: Vec<Key> = (0..KEYS).map(|number| Key::of("bench", &number)).collect();
    for key in &keys {
        assert!(cache.set(key, value.clone(), MINUTES).await);
    }
    let compute = || async { Ok::<_, Infallible>(Computed::keep(Bytes::new())) };
    let mut hit = |number: u64| {
        let answer =
            now(cache.get_or_compute(keys[(number * 7919 % KEYS) as usize], &policy, compute));
        assert!(matches!(answer.status, Status::Hit { tier: "disk" }));
    };
    in_turn(50_000, &mut [("disk hit 8 KiB", &mut hit)]);
    drop(cache);
    let _ = std::fs::remove_dir_all(&directory);
}

/// How fast large arguments become keys.
fn keys() {
    let table: Vec<(f64, f64)> = (0..1_000_000)
        .map(|row| (f64::from(row), f64::from(row) * 0.5))
        .collect();
    let bytes = (table.len() * 16) as f64;
    let rounds = (0..ROUNDS).map(|_| {
        let start = clock();
        black_box(Key::of("table", &table));
        bytes / start.elapsed().as_secs_f64() / 1e9
    });
    let text = "x".repeat(16_000_000);
    let texts = (0..ROUNDS).map(|_| {
        let start = clock();
        black_box(Key::of("text", &text));
        text.len() as f64 / start.elapsed().as_secs_f64() / 1e9
    });
    say(
        "key of a table",
        &[("gigabytes_per_second", median(rounds.collect()))],
    );
    say(
        "key of a text",
        &[("gigabytes_per_second", median(texts.collect()))],
    );
}

/// A million mixed reads and writes of 64 tasks; how long hits take.
async fn mixed() {
    let cache = Cache::memory(64 << 20);
    let tasks = (0..64u64).map(|task| {
        let cache = cache.clone();
        tokio::spawn(async move {
            let policy = Policy::new(MINUTES);
            let mut times = Vec::with_capacity(15_625);
            for i in 0..15_625u64 {
                let number = (task * 31 + i * 7919) % 10_000;
                let key = Key::of("mixed", &number);
                if i % 10 == 0 {
                    cache
                        .set(&key, Bytes::from(number.to_string()), MINUTES)
                        .await;
                    continue;
                }
                let start = clock();
                let compute =
                    || async move { Ok::<_, Infallible>(Computed::keep(number.to_string())) };
                let answer = cache.get_or_compute(key, &policy, compute).await;
                if matches!(answer.status, Status::Hit { .. }) {
                    times.push(start.elapsed().as_nanos() as u64);
                }
            }
            times
        })
    });
    let start = clock();
    let mut times: Vec<u64> = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        times.extend(task.await.expect("no task panics"));
    }
    let took = start.elapsed();
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize] as f64 / 1e3;
    say(
        "mixed, 64 tasks",
        &[
            ("p50_microseconds", at(0.5)),
            ("p99_microseconds", at(0.99)),
            ("p999_microseconds", at(0.999)),
            ("seconds", took.as_secs_f64()),
        ],
    );
}

async fn redis(url: &str) {
    let bare = Cache::from_url(&format!("{url}?namespace=bench&deadline=2s"))
        .await
        .expect("an address");
    let near = Cache::builder()
        .memory(64 << 20)
        .url(&format!("{url}?namespace=bench&deadline=2s"))
        .await
        .expect("an address")
        .build();
    let policy = Policy::new(MINUTES);
    let value = noise();
    let keys: Vec<Key> = (0..KEYS).map(|number| Key::of("bench", &number)).collect();
    let client = redis::Client::open(url).expect("an address");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("a server");
    for key in &keys {
        assert!(bare.set(key, value.clone(), MINUTES).await);
        redis::cmd("SET")
            .arg(key.as_bytes())
            .arg(&value[..])
            .query_async::<()>(&mut connection)
            .await
            .expect("a server");
    }
    let compute = || async { Ok::<_, Infallible>(Computed::keep(Bytes::new())) };
    // Twice: what is copied while the connection begins is not trusted.
    for key in keys.iter().chain(&keys) {
        near.get_or_compute(*key, &policy, compute).await;
    }
    // One of each in turn, as what a round trip takes changes from moment to moment.
    let (mut gets, mut hits) = (Vec::new(), Vec::new());
    for number in 0..20_000 {
        let key = &keys[(number * 7919 % KEYS) as usize];
        let start = clock();
        let got: Bytes = redis::cmd("GET")
            .arg(key.as_bytes())
            .query_async(&mut connection)
            .await
            .expect("a server");
        gets.push(start.elapsed().as_secs_f64() * 1e9);
        black_box(got);
        let start = clock();
        let answer = bare.get_or_compute(*key, &policy, compute).await;
        hits.push(start.elapsed().as_secs_f64() * 1e9);
        assert_eq!(answer.status, Status::Hit { tier: "redis" });
    }
    say("redis bare GET 8 KiB", &[("nanoseconds", median(gets))]);
    say("redis hit 8 KiB", &[("nanoseconds", median(hits))]);
    in_turn(
        200_000,
        &mut [("near hit 8 KiB", &mut |number| {
            let answer =
                now(near.get_or_compute(keys[(number * 7919 % KEYS) as usize], &policy, compute));
            assert!(matches!(answer.status, Status::Hit { tier: "memory" }));
        })],
    );
}

/// Eight processes of sixteen tasks each ask for one key: function 250 ms, timeout 1 s, pauses of
/// 10 to 30 ms.
fn stampede(url: &str, seconds: u64) {
    let this = std::env::current_exe().expect("a program has a file");
    let nodes: Vec<_> = (0..8)
        .map(|_| {
            let mut command = Command::new(&this);
            command
                .args(["node", url, &seconds.to_string()])
                .stdout(Stdio::piped())
                .spawn()
                .expect("it starts")
        })
        .collect();
    let (mut calls, mut times) = (0.0, BTreeMap::<u64, u64>::new());
    for node in nodes {
        let output = node.wait_with_output().expect("it ends");
        assert!(output.status.success(), "a node failed");
        for line in String::from_utf8(output.stdout).expect("text").lines() {
            match line.split_once(' ') {
                Some(("calls", count)) => calls += count.parse::<f64>().expect("a number"),
                Some((time, count)) => {
                    *times.entry(time.parse().expect("a number")).or_default() +=
                        count.parse::<u64>().expect("a number");
                }
                None => {}
            }
        }
    }
    let total: u64 = times.values().sum();
    let at = |share: f64| {
        let mut left = (total as f64 * share) as u64;
        for (time, count) in &times {
            if left < *count {
                return *time as f64 / 1e3;
            }
            left -= count;
        }
        0.0
    };
    let figures = [
        ("p50_milliseconds", at(0.5)),
        ("p99_milliseconds", at(0.99)),
        ("p999_milliseconds", at(0.999)),
    ];
    say(
        "stampede",
        &[
            ("calls", calls),
            ("operations", total as f64),
            figures[0],
            figures[1],
            figures[2],
        ],
    );
}

/// One of the eight processes: prints how often it ran the function, and how often a call took so
/// many microseconds.
#[expect(clippy::print_stdout, reason = "the result")]
async fn node(url: &str, seconds: u64) {
    let cache = Cache::from_url(&format!("{url}?namespace=bench&deadline=2s"))
        .await
        .expect("an address");
    let calls = Arc::new(AtomicU32::new(0));
    let end = clock() + Duration::from_secs(seconds);
    let tasks = (0..16u64).map(|task| {
        let (cache, calls) = (cache.clone(), calls.clone());
        tokio::spawn(async move {
            let second = Duration::from_secs(1);
            let policy = Policy::new(second).stale_while_revalidate(30 * second);
            let (mut times, mut chance) = (
                BTreeMap::<u64, u64>::new(),
                task * 7919 + u64::from(std::process::id()),
            );
            while clock() < end {
                let calls = calls.clone();
                let compute = || async move {
                    calls.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(250)).await;
                    Ok::<_, Infallible>(Computed::keep("value"))
                };
                let start = clock();
                cache
                    .get_or_compute(Key::of("stampede", &0), &policy, compute)
                    .await
                    .result
                    .expect("a value");
                *times.entry(start.elapsed().as_micros() as u64).or_default() += 1;
                chance = chance
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                tokio::time::sleep(Duration::from_millis(10 + (chance >> 40) % 21)).await;
            }
            times
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        for (time, count) in task.await.expect("no task panics") {
            println!("{time} {count}");
        }
    }
    println!("calls {}", calls.load(Ordering::Relaxed));
}
