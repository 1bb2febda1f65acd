//! What a secret protects against: who can write to the store moves entries, puts old ones back,
//! prolongs them.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ferrodash_cache::{Answer, Cache, Computed, Key, Policy, Status};
use ferrodash_testing::{Memcached, Redis};

use crate::MINUTE;

/// One who can read and write all that a server has, and does not know the secret.
enum Intruder {
    Redis(redis::Connection),
    Memcached(TcpStream),
}

/// What a name had: the value, and for how long, as the server says it.
type Kept = Vec<(Vec<u8>, Vec<u8>, i64)>;

impl Intruder {
    fn redis(server: &Redis) -> Self {
        Self::Redis(
            redis::Client::open(server.url())
                .unwrap()
                .get_connection()
                .unwrap(),
        )
    }

    fn memcached(server: &Memcached) -> Self {
        let port = server.url().rsplit(':').next().unwrap().to_owned();
        Self::Memcached(TcpStream::connect(format!("127.0.0.1:{port}")).unwrap())
    }

    /// All that the server has.
    fn copy(&mut self) -> Kept {
        match self {
            Self::Redis(connection) => {
                let names: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query(connection).unwrap();
                let kept = |name: Vec<u8>| {
                    let value: Vec<u8> = redis::cmd("DUMP").arg(&name).query(connection).unwrap();
                    let left: i64 = redis::cmd("PTTL").arg(&name).query(connection).unwrap();
                    (name, value, left.max(0))
                };
                names.into_iter().map(kept).collect()
            }
            Self::Memcached(stream) => {
                let mut names = Vec::new();
                // The walk through the lists of recent use can miss what is being moved there.
                write!(stream, "lru_crawler metadump hash\r\n").unwrap();
                for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                    let line = line.unwrap();
                    let Some(rest) = line.strip_prefix("key=") else {
                        break;
                    };
                    // The server writes what is special in addresses as it stands in them.
                    names.push(rest.split(' ').next().unwrap().replace("%3A", ":"));
                }
                let kept = |name: String| (name.clone().into_bytes(), fetch(stream, &name), 0);
                names.into_iter().map(kept).collect()
            }
        }
    }

    /// Puts back what the server had.
    fn put_back(&mut self, kept: &Kept) {
        for (name, value, left) in kept {
            self.put(name, value, *left);
        }
    }

    fn put(&mut self, name: &[u8], value: &[u8], left: i64) {
        match self {
            Self::Redis(connection) => {
                let mut restore = redis::cmd("RESTORE");
                restore
                    .arg(name)
                    .arg(left)
                    .arg(value)
                    .arg("REPLACE")
                    .exec(connection)
                    .unwrap();
            }
            Self::Memcached(stream) => {
                write!(
                    stream,
                    "ms {} {} T600\r\n",
                    std::str::from_utf8(name).unwrap(),
                    value.len()
                )
                .unwrap();
                stream.write_all(value).unwrap();
                stream.write_all(b"\r\n").unwrap();
                let mut answer = String::new();
                BufReader::new(stream).read_line(&mut answer).unwrap();
                assert!(answer.starts_with("HD"), "{answer}");
            }
        }
    }
}

fn fetch(stream: &TcpStream, name: &str) -> Vec<u8> {
    let mut reader = BufReader::new(stream);
    write!(reader.get_mut(), "mg {name} v\r\n").unwrap();
    let mut head = String::new();
    reader.read_line(&mut head).unwrap();
    let length: usize = head
        .split(' ')
        .nth(1)
        .expect("it is there")
        .trim()
        .parse()
        .unwrap();
    let mut value = vec![0; length + 2];
    reader.read_exact(&mut value).unwrap();
    value.truncate(length);
    value
}

/// Servers, each with who has broken in.
fn stores() -> [(String, Intruder, Box<dyn std::any::Any>); 2] {
    let (redis, memcached) = (Redis::start(), Memcached::start());
    [
        (redis.url(), Intruder::redis(&redis), Box::new(redis)),
        (
            memcached.url(),
            Intruder::memcached(&memcached),
            Box::new(memcached),
        ),
    ]
}

async fn cache(url: &str, namespace: &str) -> Cache {
    let builder = Cache::builder()
        .namespace(namespace)
        .secret("known to the app alone");
    builder
        .url(&format!("{url}?deadline=2s"))
        .await
        .unwrap()
        .build()
}

async fn ask(cache: &Cache, key: Key, policy: &Policy, value: &'static str) -> Answer {
    cache
        .get_or_compute(key, policy, || async move {
            Ok::<_, Infallible>(Computed::keep(value))
        })
        .await
}

async fn text(cache: &Cache, key: Key, value: &'static str) -> (String, Status) {
    let answer = ask(cache, key, &Policy::new(MINUTE), value).await;
    (
        String::from_utf8(answer.result.unwrap().bytes().to_vec()).unwrap(),
        answer.status,
    )
}

const STORED: Status = Status::Miss { stored: true };

#[tokio::test(flavor = "multi_thread")]
async fn a5_an_entry_that_was_moved_to_another_key_is_not_given_back() {
    for (url, mut intruder, _server) in stores() {
        let cache = cache(&url, "app").await;
        let [mine, hers] = ["mine", "hers"].map(|user| Key::of("page", &user));
        text(&cache, hers, "her salary").await;
        let (from, to) = (hers.to_string(), mine.to_string());
        let moved: Kept = intruder
            .copy()
            .into_iter()
            .filter(|(name, ..)| contains(name, &from))
            .collect();
        assert!(!moved.is_empty(), "{url}");
        for (name, value, left) in moved {
            let name = String::from_utf8(name).unwrap().replace(&from, &to);
            intruder.put(name.as_bytes(), &value, left);
        }
        assert_eq!(
            text(&cache, mine, "my salary").await,
            ("my salary".into(), STORED),
            "{url}"
        );
        assert!(
            matches!(text(&cache, hers, "again").await.1, Status::Hit { .. }),
            "{url}: what was not moved counts"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_an_entry_of_another_namespace_is_not_given_back() {
    for (url, mut intruder, _server) in stores() {
        let (one, two, key) = (
            cache(&url, "one").await,
            cache(&url, "two").await,
            Key::of("page", &1),
        );
        text(&one, key, "of one").await;
        // With all that belongs to it: the marks too.
        for (name, value, left) in intruder.copy() {
            let name = String::from_utf8(name).unwrap().replace("one", "two");
            intruder.put(name.as_bytes(), &value, left);
        }
        assert_eq!(
            text(&two, key, "of two").await,
            ("of two".into(), STORED),
            "{url}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_what_the_store_keeps_for_longer_is_not_fresh_for_longer() {
    for (url, mut intruder, _server) in stores() {
        let (cache, key) = (cache(&url, "app").await, Key::of("rate", &1));
        let policy = Policy::new(Duration::from_millis(1500));
        assert_eq!(
            ask(&cache, key, &policy, "old").await.status,
            STORED,
            "{url}"
        );
        for (name, value, _) in intruder.copy() {
            intruder.put(
                &name,
                &value,
                if contains(&name, &key.to_string()) {
                    600_000
                } else {
                    0
                },
            );
        }
        tokio::time::sleep(Duration::from_millis(1600)).await;
        let again = ask(&cache, key, &policy, "new").await;
        assert_eq!(
            (again.result.unwrap().bytes(), again.status),
            (&"new".into(), STORED),
            "{url}"
        );
        // Nor can it stand in for a failure, past what it was given for that.
        assert!(cache.get(&Key::of("rate", &2)).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_an_old_entry_with_its_old_marks_is_refused_by_all_who_knew_of_newer_ones() {
    for (url, mut intruder, _server) in stores() {
        let (writer, reader) = (cache(&url, "app").await, cache(&url, "app").await);
        let (key, other) = (Key::of("price", &7), Key::of("price", &8));
        for cache in [&writer, &reader] {
            text(cache, key, "old").await;
            text(cache, other, "other").await;
        }
        let before = intruder.copy();
        writer.invalidate_function("price").await.unwrap();
        // This one learns of it by any read.
        assert_eq!(text(&reader, other, "other").await.1, STORED, "{url}");
        intruder.put_back(&before);
        for cache in [&writer, &reader] {
            let (value, _) = text(cache, key, "new").await;
            assert_eq!(value, "new", "{url}");
        }
        // What is computed from then on counts for all, also for one that has just begun.
        let late = cache(&url, "app").await;
        assert_eq!(text(&late, key, "late").await.0, "new", "{url}");
        // And so do invalidations.
        reader.invalidate_function("price").await.unwrap();
        assert_eq!(
            text(&writer, key, "newest").await,
            ("newest".into(), STORED),
            "{url}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_a_counter_put_back_by_itself_keeps_nothing_past_an_invalidation() {
    let server = Memcached::start();
    let url = server.url();
    let mut intruder = Intruder::memcached(&server);
    let (first, second) = (cache(&url, "app").await, cache(&url, "app").await);
    let key = Key::of("price", &7);
    text(&first, key, "old").await;
    let before = intruder.copy();
    first.invalidate_function("price").await.unwrap();
    let is_counter = |kept: &&(Vec<u8>, Vec<u8>, i64)| contains(&kept.0, ":seq:");
    let counter: Kept = before.iter().filter(is_counter).cloned().collect();
    assert_eq!(counter.len(), 1);
    intruder.put_back(&counter);
    // Its moment is that of the mark, which is newer than the counter.
    assert_eq!(text(&first, key, "new").await.0, "new");
    second.invalidate_function("price").await.unwrap();
    assert_eq!(text(&first, key, "newest").await.0, "newest");
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_marks_put_back_by_themselves_revive_nothing_for_who_made_newer_ones() {
    let server = Redis::start();
    let (cache, key) = (cache(&server.url(), "app").await, Key::of("stock", &1));
    let mut intruder = Intruder::redis(&server);
    text(&cache, key, "old").await;
    let before = intruder.copy();
    cache.invalidate_tag("unrelated").await.unwrap();
    cache.invalidate_function("stock").await.unwrap();
    // Only the marks of functions and tags go: the counter stays where it is.
    let Intruder::Redis(connection) = &mut intruder else {
        unreachable!("it is one")
    };
    for (name, ..) in &before {
        let fields: redis::RedisResult<Vec<String>> =
            redis::cmd("HKEYS").arg(name).query(connection);
        for field in fields
            .unwrap_or_default()
            .iter()
            .filter(|field| field.len() == 32)
        {
            redis::cmd("HDEL")
                .arg(name)
                .arg(field)
                .exec(connection)
                .unwrap();
        }
    }
    let entries = before
        .iter()
        .filter(|(name, ..)| contains(name, &key.to_string()))
        .cloned()
        .collect();
    intruder.put_back(&entries);
    assert_eq!(text(&cache, key, "new").await, ("new".into(), STORED));
}

fn contains(name: &[u8], text: &str) -> bool {
    name.windows(text.len()).any(|part| part == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_an_entry_that_was_removed_does_not_count_again_when_its_bytes_are_put_back() {
    for (url, mut intruder, _server) in stores() {
        let (one, other) = (cache(&url, "app").await, cache(&url, "app").await);
        let (key, policy) = (Key::of("f", &1), Policy::new(MINUTE));
        ask(&one, key, &policy, "old").await.result.unwrap();
        let before = intruder.copy();
        one.remove(&key).await.unwrap();
        let after: Vec<Vec<u8>> = intruder.copy().into_iter().map(|(name, ..)| name).collect();
        let removed: Kept = before
            .into_iter()
            .filter(|(name, ..)| !after.contains(name))
            .collect();
        assert!(!removed.is_empty());
        intruder.put_back(&removed);
        for cache in [&one, &other] {
            assert!(cache.get(&key).await.is_none(), "{url}");
        }
    }
}
