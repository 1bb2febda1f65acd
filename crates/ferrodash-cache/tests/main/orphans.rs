//! Leases that a server gave out when nobody waited for them any more.

use std::convert::Infallible;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrodash_cache::{Cache, Computed, Key, Policy};
use ferrodash_testing::{Program, free_port};
use tokio::sync::Semaphore;

use crate::{MINUTE, eventually};

/// A server that can be stopped and resumed as a whole.
struct Server {
    program: Program,
    url: String,
}

impl Server {
    fn memcached() -> Self {
        let port = free_port();
        let mut command = Command::new("memcached");
        command.args(["-l", "127.0.0.1", "-u", "nobody", "-p", &port.to_string()]);
        Self {
            program: Program::listening(&mut command, port),
            url: format!("memcached://127.0.0.1:{port}"),
        }
    }

    fn redis() -> Self {
        let port = free_port();
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--port",
            &port.to_string(),
        ]);
        Self {
            program: Program::listening(&mut command, port),
            url: format!("redis://127.0.0.1:{port}"),
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([name, &self.program.id().to_string()])
            .status();
        assert!(sent.expect("kill is there").success());
    }
}

/// Longer than anybody here may wait, so that a lease that is left over shows.
const LEASE: Duration = Duration::from_secs(60);

/// Calls a function that says when it runs, and goes on when it may; how long the call took.
#[expect(clippy::disallowed_methods, reason = "the time that a user waits")]
async fn ask(cache: Cache, key: Key, running: Arc<Semaphore>, may_end: Arc<Semaphore>) -> Duration {
    let start = Instant::now();
    let compute = || async move {
        running.add_permits(1);
        let _ = may_end.acquire().await;
        Ok::<_, Infallible>(Computed::keep("value"))
    };
    let policy = Policy::new(MINUTE).lease(LEASE).hard_timeout(3 * MINUTE);
    let answer = cache.get_or_compute(key, &policy, compute).await;
    assert_eq!(answer.result.unwrap().bytes(), "value");
    start.elapsed()
}

/// How many calls the server did not answer.
fn failures(cache: &Cache) -> u32 {
    let text = cache.prometheus();
    let line = text
        .lines()
        .find(|line| line.starts_with("ferrodash_cache_tier_failures_total{"))
        .unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// The lease of a key was taken before the server stopped, and what was computed could not be
/// stored. After the server goes on, nobody waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn b14_a_lease_whose_holder_could_not_give_it_back_is_given_back_when_the_server_goes_on() {
    for server in [Server::memcached(), Server::redis()] {
        let url = format!("{}?deadline=500ms", server.url);
        let (one, other) = (
            crate::cache_at(&url).await.unwrap(),
            crate::cache_at(&url).await.unwrap(),
        );
        let keys: Vec<Key> = (0..10).map(|number| Key::of("f", &number)).collect();
        let (running, may_end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let call = |cache: &Cache, key: &Key| {
            tokio::spawn(ask(cache.clone(), *key, running.clone(), may_end.clone()))
        };
        let calls: Vec<_> = keys.iter().map(|key| call(&one, key)).collect();
        running.acquire_many(10).await.unwrap().forget();
        server.signal("-STOP");
        may_end.add_permits(Semaphore::MAX_PERMITS / 2);
        for call in calls {
            call.await.unwrap();
        }
        // Neither storing nor giving back has worked.
        eventually(|| async { failures(&one) >= 20 }).await;
        server.signal("-CONT");
        for call in keys.iter().map(|key| call(&other, key)).collect::<Vec<_>>() {
            let took = call.await.unwrap();
            assert!(took < LEASE / 3, "{}: a call took {took:?}", server.url);
        }
    }
}

/// The lease was asked for while the server stood still, and is given out when it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn b14_a_lease_that_nobody_waits_for_any_more_is_given_back() {
    for server in [Server::memcached(), Server::redis()] {
        let url = format!("{}?deadline=500ms", server.url);
        let (one, other) = (
            crate::cache_at(&url).await.unwrap(),
            crate::cache_at(&url).await.unwrap(),
        );
        let key = Key::of("f", &1);
        let endless = || {
            (
                Arc::new(Semaphore::new(0)),
                Arc::new(Semaphore::new(Semaphore::MAX_PERMITS / 2)),
            )
        };
        // Both are connected.
        for cache in [&one, &other] {
            cache.get(&key).await;
        }
        for _ in 0..20 {
            server.signal("-STOP");
            let mut calls = Vec::new();
            for number in 0..20 {
                let (running, may_end) = endless();
                calls.push(tokio::spawn(ask(
                    one.clone(),
                    Key::of("g", &number),
                    running,
                    may_end,
                )));
            }
            // In the midst of the calls, so that some have asked for marks, and some for a lease.
            tokio::task::yield_now().await;
            server.signal("-CONT");
            for call in calls {
                let took = call.await.unwrap();
                assert!(took < LEASE / 3, "{}: a call took {took:?}", server.url);
            }
            for number in 0..20 {
                let (running, may_end) = endless();
                let took = ask(other.clone(), Key::of("g", &number), running, may_end).await;
                assert!(took < LEASE / 3, "{}: a call took {took:?}", server.url);
            }
            one.invalidate_function("g").await.ok();
        }
    }
}
