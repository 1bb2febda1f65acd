//! Redis that comes back with less than it had: a snapshot, a log, nothing at all, a replica in its
//! place.

use std::convert::Infallible;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ferrodash_cache::tiers::{Redis, RedisConfig};
use ferrodash_cache::{
    Answer, Cache, Computed, Entry, Key, Marks, Parts, Policy, Sealer, Selector, Shared, Stamp,
    Status, Tier,
};
use ferrodash_testing::{Program, free_port};
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

use crate::{MINUTE, eventually};

/// A server whose files outlive it.
struct Server {
    port: u16,
    directory: TempDir,
    options: &'static [&'static str],
    program: Option<Program>,
}

const SNAPSHOTS: &[&str] = &["--save", "3600 1", "--appendonly", "no"];
const LOG: &[&str] = &[
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
];
const NOTHING: &[&str] = &["--save", "", "--appendonly", "no"];

impl Server {
    fn start(options: &'static [&'static str]) -> Self {
        let directory = TempDir::new().unwrap();
        let mut server = Self {
            port: free_port(),
            directory,
            options,
            program: None,
        };
        server.resume();
        server
    }

    fn resume(&mut self) {
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(self.options);
        self.program = Some(Program::listening(
            command.current_dir(self.directory.path()),
            self.port,
        ));
    }

    /// Ends it by `kill -9`.
    fn kill(&mut self) {
        self.program = None;
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}?deadline=2s", self.port)
    }

    async fn tell<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        // It may still be reading its files.
        let mut answer = None;
        eventually(async || {
            let Ok(mut connection) = raw(&self.url()).await else {
                return false;
            };
            answer = redis::cmd(words[0])
                .arg(&words[1..])
                .query_async(&mut connection)
                .await
                .ok();
            answer.is_some()
        })
        .await;
        answer.unwrap()
    }

    async fn replicates(&self, master: &Self) {
        let () = self
            .tell(&["REPLICAOF", "127.0.0.1", &master.port.to_string()])
            .await;
        eventually(async || {
            let info: String = self.tell(&["INFO", "replication"]).await;
            info.contains("master_link_status:up")
        })
        .await;
    }
}

async fn raw(url: &str) -> redis::RedisResult<MultiplexedConnection> {
    let url = url.split('?').next().unwrap();
    redis::Client::open(url)?
        .get_multiplexed_async_connection()
        .await
}

fn tier(url: &str) -> Redis {
    Redis::new(
        RedisConfig::parse(url).unwrap(),
        "test".to_owned(),
        Sealer::default(),
    )
    .unwrap()
}

/// A function whose data is a number.
#[derive(Clone, Default)]
struct Source(Arc<AtomicU32>);

impl Source {
    fn write(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    async fn ask(&self, cache: &Cache) -> Answer {
        let data = self.0.clone();
        let compute = || async move {
            Ok::<_, Infallible>(Computed::keep(data.load(Ordering::SeqCst).to_string()))
        };
        cache
            .get_or_compute(
                Key::of("b12", &1),
                &Policy::new(MINUTE).tag("orders"),
                compute,
            )
            .await
    }

    async fn read(&self, cache: &Cache) -> u32 {
        std::str::from_utf8(self.ask(cache).await.result.unwrap().bytes())
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Reads until the shared store is used again; no answer may be older than the data.
    async fn reads_on(&self, cache: &Cache, name: &str) {
        let data = self.0.load(Ordering::SeqCst);
        let mut hits = 0;
        eventually(async || {
            let answer = self.ask(cache).await;
            hits += u32::from(matches!(answer.status, Status::Hit { .. }));
            assert_eq!(
                answer.result.unwrap().bytes(),
                data.to_string().as_bytes(),
                "{name}: {:?}",
                answer.status
            );
            hits > 2 && cache.failing_tiers().is_empty()
        })
        .await;
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Before {
    Nothing,
    Memory,
    Disk,
}

/// A cache over a server, as a process has it; processes with a disk share the directory.
async fn process(before: Before, directory: &Path, url: &str) -> Cache {
    let builder = match before {
        Before::Nothing => crate::builder(),
        Before::Memory => crate::builder().memory(1 << 20),
        Before::Disk => crate::builder()
            .url(&format!("disk:{}", directory.display()))
            .await
            .unwrap(),
    };
    builder.url(url).await.unwrap().build()
}

/// What is invalidated before a server is killed, and what is afterwards, is not returned by any
/// process, whoever comes first after the restart.
async fn an_invalidation_outlasts(options: &'static [&'static str], save: bool) {
    for before in [Before::Nothing, Before::Memory, Before::Disk] {
        for first in ["idle", "busy", "late"] {
            let (mut server, directory) = (Server::start(options), TempDir::new().unwrap());
            let cache = async || process(before, directory.path(), &server.url()).await;
            let (idle, busy, source) = (cache().await, cache().await, Source::default());
            // So that the counter has a number to go back to.
            busy.invalidate_tag("others").await.unwrap();
            assert_eq!((source.read(&idle).await, source.read(&busy).await), (0, 0));
            if save {
                let () = server.tell(&["SAVE"]).await;
            }
            source.write();
            busy.invalidate_tag("orders").await.unwrap();
            assert_eq!(source.read(&busy).await, 1);
            source.write();
            busy.invalidate_tag("orders").await.unwrap();
            server.kill();
            server.resume();
            let late = process(before, directory.path(), &server.url()).await;
            let mut caches = [("idle", &idle), ("busy", &busy), ("late", &late)];
            caches.sort_by_key(|(name, _)| *name != first);
            for (name, cache) in caches {
                source
                    .reads_on(cache, &format!("{before:?} {name} of {first}"))
                    .await;
            }
            let written = source.write();
            late.invalidate_tag("orders").await.unwrap();
            for (name, cache) in caches {
                if before == Before::Memory && name != "late" {
                    eventually(async || source.read(cache).await == written).await;
                }
                assert_eq!(
                    source.read(cache).await,
                    written,
                    "{before:?} {name} of {first}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_an_invalidation_outlasts_a_snapshot_that_does_not_have_it() {
    an_invalidation_outlasts(SNAPSHOTS, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_an_invalidation_outlasts_a_restart_from_a_log() {
    an_invalidation_outlasts(LOG, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_an_invalidation_outlasts_a_restart_with_nothing() {
    an_invalidation_outlasts(NOTHING, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_after_flushall_nothing_older_is_returned() {
    for before in [Before::Nothing, Before::Memory, Before::Disk] {
        let (server, directory, source) = (
            Server::start(NOTHING),
            TempDir::new().unwrap(),
            Source::default(),
        );
        let one = process(before, directory.path(), &server.url()).await;
        let other = process(before, directory.path(), &server.url()).await;
        assert_eq!((source.read(&one).await, source.read(&other).await), (0, 0));
        let () = server.tell(&["FLUSHALL"]).await;
        let written = source.write();
        for cache in [&one, &other] {
            eventually(async || source.read(cache).await == written).await;
        }
        let late = process(before, directory.path(), &server.url()).await;
        assert_eq!(source.read(&late).await, written, "{before:?}");
    }
}

#[tokio::test]
async fn b12_each_run_of_a_server_is_an_era_for_all_who_use_it() {
    let mut server = Server::start(LOG);
    let (one, other) = (tier(&server.url()), tier(&server.url()));
    let before = one.invalidate(&[Selector::ALL]).await.unwrap();
    assert_eq!(other.marks(&[]).await.unwrap().now, before);
    server.kill();
    server.resume();
    let mut after = None;
    eventually(async || {
        after = one.marks(&[]).await.ok();
        after.is_some()
    })
    .await;
    let after = after.unwrap();
    assert_ne!(
        after.now.era, before.era,
        "the log has lost nothing, but who knows that"
    );
    eventually(async || other.marks(&[]).await.is_ok()).await;
    assert_eq!(other.marks(&[]).await.unwrap(), after);
    assert_eq!(
        tier(&server.url()).marks(&[]).await.unwrap(),
        after,
        "who comes later begins no other one"
    );
}

#[tokio::test]
async fn b12_a_counter_that_goes_back_begins_an_era() {
    let server = Server::start(NOTHING);
    let one = tier(&server.url());
    let begun = one.invalidate(&[Selector::ALL]).await.unwrap();
    let dump: redis::Value = server.tell(&["DUMP", "{test}:marks"]).await;
    let restore = async || {
        let mut connection = raw(&server.url()).await.unwrap();
        let mut command = redis::cmd("RESTORE");
        let redis::Value::BulkString(bytes) = &dump else {
            panic!("a dump is bytes")
        };
        command
            .arg("{test}:marks")
            .arg(0)
            .arg(bytes)
            .arg("REPLACE")
            .query_async::<()>(&mut connection)
            .await
            .unwrap();
    };
    let last = one.invalidate(&[Selector::ALL]).await.unwrap();
    assert_eq!(
        last,
        Stamp {
            sequence: 2,
            ..begun
        }
    );
    restore().await;
    let seen = one.marks(&[]).await.unwrap().now;
    assert_ne!(seen.era, begun.era, "a reader notices");

    restore().await;
    // The dump is of another era than is known here, so it counts until its counter goes back.
    let old = one.invalidate(&[]).await.unwrap();
    assert_eq!(old, last);
    one.invalidate(&[]).await.unwrap();
    restore().await;
    let fresh = one.invalidate(&[Selector::ALL]).await.unwrap();
    assert_ne!(fresh.era, old.era, "a writer notices");
    assert_eq!(one.marks(&[Selector::ALL]).await.unwrap().now, fresh);

    // Who does not know the counter sees an entry that was begun later than now.
    restore().await;
    let (late, key) = (tier(&server.url()), Key::of("later", &1));
    let entry = Entry::new(Parts {
        born: last,
        ..Parts::new("later".into(), MINUTE)
    });
    assert!(late.set(&key, &entry).await.unwrap());
    let marks = late.read(&key, &[Selector::ALL]).await.unwrap().marks;
    assert_ne!(marks.now.era, begun.era, "a reader of its entries notices");
    assert!(
        !Marks {
            now: begun,
            ..Marks::default()
        }
        .allow(last),
        "and takes none of them"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_a_promoted_replica_begins_an_era() {
    for before in [Before::Nothing, Before::Disk] {
        let (mut master, replica) = (Server::start(NOTHING), Server::start(NOTHING));
        let (directory, source) = (TempDir::new().unwrap(), Source::default());
        let cache = process(before, directory.path(), &master.url()).await;
        assert_eq!(source.read(&cache).await, 0);
        replica.replicates(&master).await;
        let () = replica.tell(&["REPLICAOF", "NO", "ONE"]).await;
        // The replica does not hear of it.
        let written = source.write();
        cache.invalidate_tag("orders").await.unwrap();
        master.kill();
        let next = process(before, directory.path(), &replica.url()).await;
        assert_eq!(source.read(&next).await, written, "{before:?}");
        let written = source.write();
        next.invalidate_tag("orders").await.unwrap();
        assert_eq!(source.read(&next).await, written, "{before:?}");
        source.reads_on(&next, "the promoted replica").await;
    }
}

#[tokio::test]
async fn b12_a_server_that_was_a_replica_meanwhile_begins_an_era() {
    let (server, other) = (Server::start(NOTHING), Server::start(NOTHING));
    let one = tier(&server.url());
    let before = one.invalidate(&[Selector::ALL]).await.unwrap();
    // The data that it gets back is its own, of an earlier time.
    other.replicates(&server).await;
    let () = other.tell(&["REPLICAOF", "NO", "ONE"]).await;
    one.invalidate(&[Selector::ALL]).await.unwrap();
    server.replicates(&other).await;
    let () = server.tell(&["REPLICAOF", "NO", "ONE"]).await;
    eventually(async || {
        one.marks(&[])
            .await
            .is_ok_and(|marks| marks.now.era != before.era)
    })
    .await;
    eventually(async || {
        let era = tier(&server.url()).marks(&[]).await.unwrap().now.era;
        one.marks(&[]).await.is_ok_and(|marks| marks.now.era == era)
    })
    .await;
}

#[tokio::test]
async fn b12_a_replica_is_not_read_from() {
    let (master, replica) = (Server::start(NOTHING), Server::start(NOTHING));
    replica.replicates(&master).await;
    let error = tier(&replica.url()).marks(&[]).await.unwrap_err();
    assert!(
        error.contains("replica") && error.contains("master"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_a_sentinel_failover_begins_an_era_and_hits_go_on() {
    let (mut master, replica) = (Server::start(NOTHING), Server::start(NOTHING));
    replica.replicates(&master).await;
    let (port, directory) = (free_port(), TempDir::new().unwrap());
    let file = directory.path().join("sentinel.conf");
    let config = format!(
        "port {port}\nbind 127.0.0.1\nsentinel monitor orders 127.0.0.1 {} 1\n\
         sentinel down-after-milliseconds orders 500\nsentinel failover-timeout orders 2000\n",
        master.port
    );
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new("redis-server");
    let _sentinel = Program::listening(
        command
            .arg(&file)
            .arg("--sentinel")
            .current_dir(directory.path()),
        port,
    );
    let sentinel = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
    let mut sentinel = sentinel.get_multiplexed_async_connection().await.unwrap();
    eventually(async || {
        let mut ask = redis::cmd("SENTINEL");
        let replicas: Vec<redis::Value> = ask
            .arg("REPLICAS")
            .arg("orders")
            .query_async(&mut sentinel)
            .await
            .unwrap();
        !replicas.is_empty()
    })
    .await;

    let url = format!("redis+sentinel://127.0.0.1:{port}/orders?deadline=1s");
    let (disk, source) = (TempDir::new().unwrap(), Source::default());
    let mut caches = Vec::new();
    for before in [Before::Nothing, Before::Memory, Before::Disk] {
        caches.push((before, process(before, disk.path(), &url).await));
        assert_eq!(source.read(&caches.last().unwrap().1).await, 0);
    }
    let era = tier(&url).marks(&[]).await.unwrap().now.era;
    let written = source.write();
    caches[0].1.invalidate_tag("orders").await.unwrap();
    master.kill();
    eventually(async || {
        for (before, cache) in &caches {
            let value = source.read(cache).await;
            assert!(
                value == written || *before == Before::Memory,
                "{before:?}: {value}"
            );
        }
        tier(&url)
            .marks(&[])
            .await
            .is_ok_and(|marks| marks.now.era != era)
    })
    .await;
    for (before, cache) in &caches {
        source
            .reads_on(cache, &format!("{before:?} after the failover"))
            .await;
    }
    let written = source.write();
    caches[2].1.invalidate_tag("orders").await.unwrap();
    assert_eq!(source.read(&caches[0].1).await, written);
    assert_eq!(source.read(&caches[2].1).await, written);
}
