//! The Redis tier, against real servers.

use std::process::Command;
use std::time::Duration;

use ferrodash_cache::tiers::{Redis, RedisConfig};
use ferrodash_cache::{
    Change, Entry, Key, LeaseOutcome, LeaseRequest, Parts, Sealer, Selector, Shared, Stamp, Tier,
};
use ferrodash_testing::{Program, free_port, redis_server};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::sync::mpsc;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

const ORDERS: [Selector; 1] = [Selector::ALL];

fn tier(url: &str) -> Redis {
    let url = if url.contains('?') {
        url.to_owned()
    } else {
        format!("{url}?deadline=2s")
    };
    tier_with(&url, Sealer::default())
}

fn tier_with(url: &str, sealer: Sealer) -> Redis {
    Redis::new(
        RedisConfig::parse(url).expect("the address is right"),
        "test".to_owned(),
        sealer,
    )
    .expect("no braces")
}

fn key(name: &str) -> Key {
    Key::of(name, &())
}

fn entry(text: &'static str) -> Entry {
    Entry::new(Parts::new(text.into(), MINUTE))
}

fn request(token: u64) -> LeaseRequest {
    LeaseRequest {
        token,
        observed: None,
        lease: MINUTE,
        born: Stamp {
            era: 1,
            sequence: 5,
        },
        newest: 0,
    }
}

async fn raw(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).expect("the address is right");
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(Some(PATIENCE))
        .set_connection_timeout(Some(PATIENCE));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .expect("the server is there")
}

async fn tell<T: redis::FromRedisValue>(
    connection: &mut MultiplexedConnection,
    words: &[&str],
) -> T {
    redis::cmd(words[0])
        .arg(&words[1..])
        .query_async(connection)
        .await
        .expect("the command works")
}

fn value_name(key: &Key) -> String {
    format!("{{test:{key}}}:v")
}

/// What a tier tells, beginning after its first connection.
async fn listening(tier: &Redis) -> Told {
    let (sender, receiver) = mpsc::unbounded_channel();
    assert!(tier.listen(Box::new(move |change| _ = sender.send(change))));
    let mut told = Told(receiver);
    tier.marks(&[]).await.expect("the server is there");
    assert_eq!(
        told.next().await,
        Change::Unknown,
        "nothing was tracked before"
    );
    told
}

struct Told(mpsc::UnboundedReceiver<Change>);

impl Told {
    async fn next(&mut self) -> Change {
        tokio::time::timeout(PATIENCE, self.0.recv())
            .await
            .expect("a change is reported")
            .expect("the tier lives")
    }

    /// Waits for a change, past others.
    async fn until(&mut self, change: Change) {
        while self.next().await != change {}
    }

    /// Whether nothing is reported; the answer of the server to a question comes after its reports
    /// before.
    async fn nothing(&mut self, tier: &Redis) -> bool {
        tier.get(&key("nothing"))
            .await
            .expect("the server is there");
        self.0.try_recv().is_err()
    }
}

async fn until<F: Future<Output = bool>>(mut done: impl FnMut() -> F) {
    let start = Instant::now();
    while !done().await {
        assert!(start.elapsed() < PATIENCE, "it does not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn entries_come_back_with_the_time_that_is_left() {
    let server = ferrodash_testing::Redis::start();
    let (one, other, key) = (tier(&server.url()), tier(&server.url()), key("entries"));
    assert_eq!(one.name(), "redis");
    assert!(one.get(&key).await.expect("an answer").is_none());
    let kept = entry("value");
    assert!(one.set(&key, &kept).await.expect("an answer"));
    let found = other.get(&key).await.expect("an answer").expect("an entry");
    assert_eq!((found.bytes(), found.id()), (kept.bytes(), kept.id()));
    let left = found.lifetime_left().expect("it lives");
    assert!(left <= MINUTE && left > MINUTE / 2, "{left:?}");

    let aged: i64 = tell(
        &mut raw(&server.url()).await,
        &["PEXPIRE", &value_name(&key), "20000"],
    )
    .await;
    assert_eq!(aged, 1);
    let reading = other.read(&key, &ORDERS).await.expect("an answer");
    let found = reading.entry.expect("an entry");
    assert!(
        found.age() >= MINUTE - Duration::from_secs(20),
        "{:?}",
        found.age()
    );

    other.remove(&key).await.expect("an answer");
    assert!(
        one.read(&key, &ORDERS)
            .await
            .expect("an answer")
            .entry
            .is_none()
    );
}

#[tokio::test]
async fn marks_are_shared_and_end_with_their_era() {
    let server = ferrodash_testing::Redis::start();
    let (one, other) = (tier(&server.url()), tier(&server.url()));
    let (tag, another) = (Selector::tag("tag"), Selector::tag("another"));
    let before = one.marks(&[tag, another]).await.expect("an answer");
    assert_eq!((before.now.sequence, before.newest), (0, 0));
    let stamp = other.invalidate(&[tag]).await.expect("an answer");
    assert_eq!(
        stamp,
        Stamp {
            sequence: 1,
            ..before.now
        }
    );
    assert_eq!(other.invalidate(&[]).await.expect("an answer").sequence, 2);
    let after = one
        .read(&key("marks"), &[another, tag])
        .await
        .expect("an answer")
        .marks;
    assert_eq!(
        (after.now.era, after.now.sequence, after.newest),
        (before.now.era, 2, 1)
    );
    assert!(!after.allow(before.now) && after.allow(stamp));
    assert_eq!(one.marks(&[another]).await.expect("an answer").newest, 0);

    let () = tell(&mut raw(&server.url()).await, &["FLUSHALL"]).await;
    let lost = one
        .read(&key("marks"), &[tag])
        .await
        .expect("an answer")
        .marks;
    assert_eq!((lost.now.sequence, lost.newest), (0, 0));
    assert!(
        !lost.allow(stamp),
        "an entry from before the loss does not count"
    );
    assert_eq!(
        other.marks(&[tag]).await.expect("an answer"),
        lost,
        "everyone is in the same era"
    );
}

#[tokio::test]
async fn too_many_marks_begin_another_era() {
    let server = ferrodash_testing::Redis::start();
    let tier = tier(&server.url());
    let before = tier.marks(&[]).await.expect("an answer").now;
    let fill = "for i = 1, 100001 do redis.call('HSET', KEYS[1], i, 1) end";
    let () = tell(
        &mut raw(&server.url()).await,
        &["EVAL", fill, "1", "{test}:marks"],
    )
    .await;
    let after = tier.invalidate(&ORDERS).await.expect("an answer");
    assert!(after.era != before.era && after.sequence == 1, "{after:?}");
}

#[tokio::test]
async fn one_wins_the_lease_and_fills() {
    let server = ferrodash_testing::Redis::start();
    let (one, other, key) = (tier(&server.url()), tier(&server.url()), key("lease"));
    assert!(matches!(
        one.acquire(&key, &request(1)).await,
        Ok(LeaseOutcome::Won)
    ));
    let Ok(LeaseOutcome::Held(left)) = other.acquire(&key, &request(2)).await else {
        panic!("it is held")
    };
    assert!(left <= MINUTE && left > MINUTE / 2, "{left:?}");
    let filled = entry("filled");
    assert!(
        !other
            .fill(&key, 2, &filled)
            .await
            .expect("an answer")
            .is_stored(),
        "it has no lease"
    );
    assert!(
        one.fill(&key, 1, &filled)
            .await
            .expect("an answer")
            .is_stored()
    );
    assert!(
        !one.fill(&key, 1, &entry("again"))
            .await
            .expect("an answer")
            .is_stored(),
        "the lease is released"
    );

    let Ok(LeaseOutcome::Changed(found)) = other.acquire(&key, &request(2)).await else {
        panic!("it is filled")
    };
    assert_eq!((found.bytes(), found.id()), (filled.bytes(), filled.id()));
    let observed = LeaseRequest {
        observed: Some(0),
        ..request(2)
    };
    assert!(
        matches!(
            other.acquire(&key, &observed).await,
            Ok(LeaseOutcome::Changed(_))
        ),
        "it is not the one that was seen"
    );
    let observed = LeaseRequest {
        observed: Some(filled.id()),
        ..request(2)
    };
    assert!(matches!(
        other.acquire(&key, &observed).await,
        Ok(LeaseOutcome::Won)
    ));
}

#[tokio::test]
async fn leases_are_renewed_and_given_back_by_their_holder() {
    let server = ferrodash_testing::Redis::start();
    let (tier, key) = (tier(&server.url()), key("holder"));
    let short = LeaseRequest {
        lease: Duration::from_secs(20),
        ..request(1)
    };
    assert!(matches!(
        tier.acquire(&key, &short).await,
        Ok(LeaseOutcome::Won)
    ));
    assert!(!tier.renew(&key, 2, MINUTE).await.expect("an answer"));
    assert!(tier.renew(&key, 1, MINUTE).await.expect("an answer"));
    let Ok(LeaseOutcome::Held(left)) = tier.acquire(&key, &request(2)).await else {
        panic!("it is held")
    };
    assert!(left > short.lease);
    tier.release(&key, 2).await.expect("an answer");
    assert!(
        matches!(
            tier.acquire(&key, &request(2)).await,
            Ok(LeaseOutcome::Held(_))
        ),
        "only the holder gives it back"
    );
    tier.release(&key, 1).await.expect("an answer");
    assert!(matches!(
        tier.acquire(&key, &request(11)).await,
        Ok(LeaseOutcome::Won)
    ));
    assert!(
        !tier.renew(&key, 1, MINUTE).await.expect("an answer"),
        "1 is not 11"
    );

    let brief = LeaseRequest {
        lease: Duration::from_millis(1),
        ..request(3)
    };
    tier.release(&key, 11).await.expect("an answer");
    assert!(matches!(
        tier.acquire(&key, &brief).await,
        Ok(LeaseOutcome::Won)
    ));
    until(async || matches!(tier.acquire(&key, &request(4)).await, Ok(LeaseOutcome::Won))).await;
    assert!(
        !tier
            .fill(&key, 3, &entry("late"))
            .await
            .expect("an answer")
            .is_stored(),
        "the lease has ended"
    );
}

#[tokio::test]
async fn a_void_lease_blocks_nobody() {
    let server = ferrodash_testing::Redis::start();
    let (tier, key) = (tier(&server.url()), key("void"));
    assert!(matches!(
        tier.acquire(&key, &request(1)).await,
        Ok(LeaseOutcome::Won)
    ));
    let same = LeaseRequest {
        newest: 5,
        ..request(2)
    };
    assert!(matches!(
        tier.acquire(&key, &same).await,
        Ok(LeaseOutcome::Held(_))
    ));
    let newer = LeaseRequest {
        newest: 6,
        born: Stamp {
            era: 1,
            sequence: 6,
        },
        ..request(2)
    };
    assert!(
        matches!(tier.acquire(&key, &newer).await, Ok(LeaseOutcome::Won)),
        "an invalidation came after it"
    );
    assert!(
        !tier
            .fill(&key, 1, &entry("old"))
            .await
            .expect("an answer")
            .is_stored()
    );
    let era = LeaseRequest {
        born: Stamp {
            era: 2,
            sequence: 0,
        },
        ..request(3)
    };
    assert!(
        matches!(tier.acquire(&key, &era).await, Ok(LeaseOutcome::Won)),
        "its era is over"
    );
    tier.remove(&key).await.expect("an answer");
    assert!(
        !tier
            .fill(&key, 3, &entry("old"))
            .await
            .expect("an answer")
            .is_stored(),
        "a removal ends the lease"
    );
    assert!(matches!(
        tier.acquire(&key, &request(4)).await,
        Ok(LeaseOutcome::Won)
    ));
    assert!(tier.set(&key, &entry("set")).await.expect("an answer"));
    assert!(
        !tier
            .fill(&key, 4, &entry("old"))
            .await
            .expect("an answer")
            .is_stored(),
        "as does an entry"
    );
    assert_eq!(
        tier.get(&key)
            .await
            .expect("an answer")
            .expect("an entry")
            .bytes(),
        "set"
    );
}

#[tokio::test]
async fn what_does_not_open_is_absent() {
    let server = ferrodash_testing::Redis::start();
    let (tier, key) = (tier(&server.url()), key("garbage"));
    let mut raw = raw(&server.url()).await;
    for garbage in [
        "",
        "short",
        "longer than the header of an entry, but none of ours, however long it is",
    ] {
        let () = tell(&mut raw, &["SET", &value_name(&key), garbage, "EX", "60"]).await;
        assert!(tier.get(&key).await.expect("an answer").is_none());
        assert!(
            tier.read(&key, &ORDERS)
                .await
                .expect("an answer")
                .entry
                .is_none()
        );
        assert!(
            matches!(tier.acquire(&key, &request(1)).await, Ok(LeaseOutcome::Won)),
            "{garbage:?} blocks nobody"
        );
        assert!(
            tier.fill(&key, 1, &entry("value"))
                .await
                .expect("an answer")
                .is_stored()
        );
        assert!(tier.get(&key).await.expect("an answer").is_some());
    }
    let forever: i64 = tell(&mut raw, &["PERSIST", &value_name(&key)]).await;
    assert_eq!(forever, 1);
    assert!(
        tier.get(&key).await.expect("an answer").is_none(),
        "nothing of ours is kept for ever"
    );
    assert!(matches!(
        tier.acquire(&key, &request(2)).await,
        Ok(LeaseOutcome::Won)
    ));

    let signing = tier_with(
        &format!("{}?deadline=2s", server.url()),
        Sealer::new(Some("secret")),
    );
    assert!(tier.set(&key, &entry("unsigned")).await.expect("an answer"));
    assert!(signing.get(&key).await.expect("an answer").is_none());
    assert!(matches!(
        signing.acquire(&key, &request(3)).await,
        Ok(LeaseOutcome::Won)
    ));
}

#[tokio::test]
async fn large_and_old_entries_are_not_taken() {
    let server = ferrodash_testing::Redis::start();
    let (tier, key) = (
        tier(&format!("{}?max_value=1KB&deadline=2s", server.url())),
        key("large"),
    );
    // Compressing them would make them small.
    let large = Entry::new(Parts {
        compressed: true,
        ..Parts::new(vec![1; 1024].into(), MINUTE)
    });
    assert!(tier.set(&key, &entry("before")).await.expect("an answer"));
    assert!(!tier.set(&key, &large).await.expect("an answer"));
    assert!(
        tier.get(&key).await.expect("an answer").is_none(),
        "nor is the one before it still right"
    );
    assert!(matches!(
        tier.acquire(&key, &request(1)).await,
        Ok(LeaseOutcome::Won)
    ));
    assert!(
        !tier
            .fill(&key, 1, &large)
            .await
            .expect("an answer")
            .is_stored()
    );
    assert!(
        matches!(tier.acquire(&key, &request(2)).await, Ok(LeaseOutcome::Won)),
        "the lease was released"
    );
    let over = Entry::new(Parts::new("over".into(), Duration::ZERO));
    assert!(
        !tier
            .fill(&key, 2, &over)
            .await
            .expect("an answer")
            .is_stored()
    );
}

#[tokio::test]
async fn scripts_survive_their_removal() {
    let server = ferrodash_testing::Redis::start();
    let (tier, key) = (tier(&server.url()), key("scripts"));
    assert!(tier.set(&key, &entry("value")).await.expect("an answer"));
    let () = tell(&mut raw(&server.url()).await, &["SCRIPT", "FLUSH"]).await;
    assert!(tier.set(&key, &entry("value")).await.expect("an answer"));
}

#[tokio::test]
async fn changes_by_others_are_told() {
    let server = ferrodash_testing::Redis::start();
    let (one, other, key) = (tier(&server.url()), tier(&server.url()), key("told"));
    let mut told = listening(&one).await;
    let change = Change::Entry(key);
    assert!(
        one.read(&key, &ORDERS)
            .await
            .expect("an answer")
            .entry
            .is_none()
    );
    assert!(other.set(&key, &entry("other")).await.expect("an answer"));
    assert_eq!(told.next().await, change, "after a read of nothing");
    assert!(other.set(&key, &entry("other")).await.expect("an answer"));
    assert!(told.nothing(&one).await, "once told, not told again");

    assert!(one.set(&key, &entry("own")).await.expect("an answer"));
    assert!(told.nothing(&one).await, "own changes are not told");
    other.remove(&key).await.expect("an answer");
    assert_eq!(told.next().await, change, "after an own entry");

    assert!(matches!(
        one.acquire(&key, &request(1)).await,
        Ok(LeaseOutcome::Won)
    ));
    assert!(
        one.fill(&key, 1, &entry("own"))
            .await
            .expect("an answer")
            .is_stored()
    );
    assert!(other.set(&key, &entry("other")).await.expect("an answer"));
    assert_eq!(told.next().await, change, "after an own fill");

    assert!(matches!(
        one.acquire(&key, &request(2)).await,
        Ok(LeaseOutcome::Changed(_))
    ));
    other.remove(&key).await.expect("an answer");
    assert_eq!(
        told.next().await,
        change,
        "after an entry that came instead of a lease"
    );

    let brief = Entry::new(Parts::new("brief".into(), Duration::from_millis(20)));
    assert!(one.set(&key, &brief).await.expect("an answer"));
    assert_eq!(told.next().await, change, "after the end of its lifetime");

    other.invalidate(&ORDERS).await.expect("an answer");
    assert_eq!(told.next().await, Change::Marks);
    one.invalidate(&ORDERS).await.expect("an answer");
    assert!(told.nothing(&one).await, "own invalidations are not told");
    other.invalidate(&ORDERS).await.expect("an answer");
    assert_eq!(
        told.next().await,
        Change::Marks,
        "after an own invalidation"
    );

    let () = tell(&mut raw(&server.url()).await, &["FLUSHALL"]).await;
    assert_eq!(told.next().await, Change::Unknown);
    assert!(!one.listen(Box::new(|_| ())), "it has a listener");
}

#[tokio::test]
async fn a_lost_connection_makes_everything_unknown() {
    let server = ferrodash_testing::Redis::start();
    let (one, other, key) = (tier(&server.url()), tier(&server.url()), key("lost"));
    let mut told = listening(&one).await;
    let mut raw = raw(&server.url()).await;
    for _ in 0..3 {
        assert!(one.set(&key, &entry("own")).await.expect("an answer"));
        let killed: i64 = tell(
            &mut raw,
            &["CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal"],
        )
        .await;
        assert!(killed > 0);
        assert_eq!(told.next().await, Change::Unknown, "as soon as it is lost");
        until(async || other.set(&key, &entry("unseen")).await.is_ok()).await;
        assert_eq!(told.next().await, Change::Unknown, "as soon as it is back");
        assert_eq!(
            one.get(&key)
                .await
                .expect("it is back")
                .expect("an entry")
                .bytes(),
            "unseen"
        );
        assert!(other.set(&key, &entry("other")).await.expect("an answer"));
        assert_eq!(told.next().await, Change::Entry(key));
    }
}

#[tokio::test]
async fn a_server_that_returns_is_used_again() {
    let mut server = ferrodash_testing::Redis::start();
    let (tier, key) = (tier_with(&server.url(), Sealer::default()), key("returns"));
    let mut told = listening(&tier).await;
    server.stop();
    told.until(Change::Unknown).await;
    until(async || tier.get(&key).await.is_err()).await;
    let start = Instant::now();
    assert!(tier.set(&key, &entry("value")).await.is_err());
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    tier.changed(&key, PATIENCE).await;
    server.resume();
    let start = Instant::now();
    until(async || tier.set(&key, &entry("value")).await.is_ok()).await;
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    told.until(Change::Unknown).await;
    let () = tell(&mut raw(&server.url()).await, &["DEL", &value_name(&key)]).await;
    assert_eq!(told.next().await, Change::Entry(key));
}

#[tokio::test]
async fn a_server_that_falls_silent_makes_everything_unknown() {
    let port = free_port();
    let server = Program::listening(&mut redis_server(port), port);
    let (tier, key) = (
        tier(&format!("redis://127.0.0.1:{port}?deadline=500ms")),
        key("silent"),
    );
    let mut told = listening(&tier).await;
    assert!(tier.set(&key, &entry("value")).await.expect("an answer"));
    signal(&server, "-STOP");
    // Nobody asks: the missing answer to a beat shows it.
    assert_eq!(told.next().await, Change::Unknown);
    let start = Instant::now();
    tier.get(&key).await.expect_err("it is silent");
    assert!(
        start.elapsed() < Duration::from_millis(1000),
        "{:?}",
        start.elapsed()
    );
    signal(&server, "-CONT");
    told.until(Change::Unknown).await;
    until(async || tier.get(&key).await.is_ok_and(|entry| entry.is_some())).await;
}

#[tokio::test]
async fn a_server_that_never_answers_is_not_waited_for() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (tier, key) = (
        tier(&format!("redis://{address}?deadline=100ms")),
        key("never"),
    );
    for _ in 0..20 {
        let start = Instant::now();
        tier.read(&key, &ORDERS).await.expect_err("nobody answers");
        tier.acquire(&key, &request(1))
            .await
            .expect_err("nobody answers");
        assert!(
            start.elapsed() < Duration::from_millis(600),
            "{:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn waiters_are_woken_when_the_lease_ends() {
    let server = ferrodash_testing::Redis::start();
    let (one, other, key) = (tier(&server.url()), tier(&server.url()), key("waiters"));
    for holder in [&one, &other] {
        for end in 0..4 {
            assert!(matches!(
                holder.acquire(&key, &request(1)).await,
                Ok(LeaseOutcome::Won)
            ));
            assert!(matches!(
                one.acquire(&key, &request(2)).await,
                Ok(LeaseOutcome::Held(_))
            ));
            let start = Instant::now();
            let end = async {
                match end {
                    0 => holder.release(&key, 1).await.expect("an answer"),
                    1 => assert!(
                        holder
                            .fill(&key, 1, &entry("value"))
                            .await
                            .expect("an answer")
                            .is_stored()
                    ),
                    2 => holder.remove(&key).await.expect("an answer"),
                    _ => assert!(holder.set(&key, &entry("value")).await.expect("an answer")),
                }
            };
            tokio::join!(one.changed(&key, MINUTE), end);
            assert!(start.elapsed() < PATIENCE);
            other.remove(&key).await.expect("an answer");
        }
    }
    one.changed(&key, MINUTE).await;
}

#[tokio::test]
async fn waiters_wait_no_longer_than_they_want_to() {
    let server = ferrodash_testing::Redis::start();
    let (tier, key) = (tier(&server.url()), key("timer"));
    assert!(matches!(
        tier.acquire(&key, &request(1)).await,
        Ok(LeaseOutcome::Won)
    ));
    let start = Instant::now();
    tier.changed(&key, Duration::from_millis(100)).await;
    assert!(
        start.elapsed() >= Duration::from_millis(100) && start.elapsed() < PATIENCE,
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn an_acl_user_needs_no_more_than_it_uses() {
    let server = ferrodash_testing::Redis::start();
    let mut raw = raw(&server.url()).await;
    let may = "resetkeys ~{test:* ~{test}:marks +get +pttl +del +exists +hmget +evalsha +eval +getrange +set \
               +pexpire +hlen +hincrby +hset +info +client|tracking";
    let rule: Vec<&str> = ["ACL", "SETUSER", "app", "on", ">p@ss/word"]
        .into_iter()
        .chain(may.split_whitespace())
        .collect();
    let () = tell(&mut raw, &rule).await;
    let url = |password: &str| server.url().replace("://", &format!("://app:{password}@"));
    let (allowed, key) = (tier(&url("p%40ss%2Fword")), key("acl"));
    let mut told = listening(&allowed).await;
    assert!(matches!(
        allowed.acquire(&key, &request(1)).await,
        Ok(LeaseOutcome::Won)
    ));
    assert!(allowed.renew(&key, 1, MINUTE).await.expect("an answer"));
    assert!(
        allowed
            .fill(&key, 1, &entry("value"))
            .await
            .expect("an answer")
            .is_stored()
    );
    allowed.invalidate(&ORDERS).await.expect("an answer");
    let () = tell(&mut raw, &["DEL", &value_name(&key)]).await;
    assert_eq!(told.next().await, Change::Entry(key));
    let error = tier(&url("wrong"))
        .get(&key)
        .await
        .expect_err("the password is wrong");
    assert!(
        error.contains("username-password") && !error.contains("wrong user"),
        "{error}"
    );
}

#[tokio::test]
async fn where_tracking_is_refused_copies_count_for_a_beat() {
    let server = ferrodash_testing::Redis::start();
    let mut raw = raw(&server.url()).await;
    let () = tell(
        &mut raw,
        &[
            "ACL",
            "SETUSER",
            "app",
            "on",
            ">secret",
            "~*",
            "+@all",
            "-client|tracking",
        ],
    )
    .await;
    falls_back(&server.url().replace("://", "://app:secret@")).await;
}

#[tokio::test]
async fn where_there_is_no_resp3_copies_count_for_a_beat() {
    let port = free_port();
    let _server = Program::listening(
        redis_server(port).args(["--rename-command", "HELLO", ""]),
        port,
    );
    falls_back(&format!("redis://127.0.0.1:{port}")).await;
}

async fn falls_back(url: &str) {
    let (one, other, key) = (tier(url), tier(url), key("falls back"));
    let mut told = listening(&one).await;
    assert!(!one.listen(Box::new(|_| ())) && other.listen(Box::new(|_| ())));
    assert!(matches!(
        other.acquire(&key, &request(1)).await,
        Ok(LeaseOutcome::Won)
    ));
    assert!(matches!(
        one.acquire(&key, &request(2)).await,
        Ok(LeaseOutcome::Held(_))
    ));
    let fill = async {
        assert!(
            other
                .fill(&key, 1, &entry("value"))
                .await
                .expect("an answer")
                .is_stored()
        )
    };
    tokio::join!(one.changed(&key, MINUTE), fill);
    assert!(one.get(&key).await.expect("an answer").is_some());
    assert_eq!(told.next().await, Change::Unknown, "at the next beat");
}

#[tokio::test]
async fn the_master_is_found_through_sentinels() {
    let directory = tempfile::tempdir().expect("a directory");
    let (port, sentinel) = (free_port(), free_port());
    let _server = Program::listening(redis_server(port).args(["--requirepass", "secret"]), port);
    let file = directory.path().join("sentinel.conf");
    let config = format!(
        "port {sentinel}\nbind 127.0.0.1\nsentinel monitor orders 127.0.0.1 {port} 1\n\
         sentinel auth-pass orders secret\n"
    );
    std::fs::write(&file, config).expect("a file");
    let mut command = Command::new("redis-server");
    let _sentinel = Program::listening(
        command
            .arg(&file)
            .arg("--sentinel")
            .current_dir(directory.path()),
        sentinel,
    );
    let nobody = free_port();
    let url = format!("redis+sentinel://:secret@127.0.0.1:{nobody},127.0.0.1:{sentinel}/orders/1");
    let (one, other, key) = (tier(&url), tier(&url), key("sentinel"));
    let mut told = listening(&one).await;
    assert!(one.set(&key, &entry("value")).await.expect("an answer"));
    let found = other
        .read(&key, &ORDERS)
        .await
        .expect("an answer")
        .entry
        .expect("an entry");
    assert_eq!(found.bytes(), "value");
    let mut raw = raw(&format!("redis://:secret@127.0.0.1:{port}/1")).await;
    let () = tell(&mut raw, &["DEL", &value_name(&key)]).await;
    assert_eq!(told.next().await, Change::Entry(key));

    let error = tier(&url.replace("orders", "others"))
        .get(&key)
        .await
        .expect_err("there is no such master");
    assert!(!error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_replica_is_left_for_the_master() {
    let (port, replica) = (free_port(), free_port());
    let _server = Program::listening(&mut redis_server(port), port);
    // A replica writes down what it takes from its master.
    let directory = tempfile::tempdir().expect("a directory");
    let _replica = Program::listening(redis_server(replica).current_dir(directory.path()), replica);
    let url = format!("redis://127.0.0.1:{replica}");
    let (tier, key) = (tier(&url), key("replica"));
    let mut told = listening(&tier).await;
    let mut raw = raw(&url).await;
    assert!(tier.set(&key, &entry("value")).await.expect("an answer"));
    let () = tell(&mut raw, &["REPLICAOF", "127.0.0.1", &port.to_string()]).await;
    until(async || {
        let info: String = tell(&mut raw.clone(), &["INFO", "replication"]).await;
        info.contains("master_link_status:up")
    })
    .await;
    assert_eq!(
        told.next().await,
        Change::Unknown,
        "it was flushed when it took what the master has, or is given up"
    );
    let error = tier
        .set(&key, &entry("value"))
        .await
        .expect_err("it is read-only");
    assert!(
        error.contains("READONLY") || error.contains("read only"),
        "{error}"
    );
    let () = tell(&mut raw, &["REPLICAOF", "NO", "ONE"]).await;
    until(async || tier.set(&key, &entry("value")).await.is_ok()).await;
    assert_eq!(
        told.next().await,
        Change::Unknown,
        "another connection is made, to a master"
    );
}

#[tokio::test]
async fn a_cluster_is_used_like_a_server() {
    let port = free_port();
    let mut command = redis_server(port);
    let directory = tempfile::tempdir().expect("a directory");
    command.args([
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &free_port().to_string(),
    ]);
    let server = Program::listening(command.current_dir(directory.path()), port);
    let mut raw = raw(&format!("redis://127.0.0.1:{port}")).await;
    let () = tell(&mut raw, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    until(async || {
        let info: String = tell(&mut raw.clone(), &["CLUSTER", "INFO"]).await;
        info.contains("cluster_state:ok")
    })
    .await;
    let url = format!("redis+cluster://127.0.0.1:{},127.0.0.1:{port}", free_port());
    let (one, other, key) = (tier(&url), tier(&url), key("cluster"));
    let mut told = listening(&one).await;
    // The slots are known, and a connection to their master is made.
    told.until(Change::Unknown).await;
    let before = one.read(&key, &ORDERS).await.expect("an answer");
    assert!(before.entry.is_none());
    assert!(matches!(
        one.acquire(&key, &request(1)).await,
        Ok(LeaseOutcome::Won)
    ));
    assert!(matches!(
        other.acquire(&key, &request(2)).await,
        Ok(LeaseOutcome::Held(_))
    ));
    let fill = async {
        assert!(
            one.fill(&key, 1, &entry("value"))
                .await
                .expect("an answer")
                .is_stored()
        )
    };
    tokio::join!(other.changed(&key, MINUTE), fill);
    other.invalidate(&ORDERS).await.expect("an answer");
    told.until(Change::Marks).await;
    let after = other.read(&key, &ORDERS).await.expect("an answer");
    assert_eq!(after.entry.expect("an entry").bytes(), "value");
    assert_eq!(
        after.marks.now,
        Stamp {
            sequence: 1,
            ..before.marks.now
        }
    );
    assert_eq!(after.marks.newest, 1);
    assert!(one.get(&key).await.expect("an answer").is_some());
    other.remove(&key).await.expect("an answer");
    told.until(Change::Entry(key)).await;
    assert!(one.get(&key).await.expect("an answer").is_none());

    drop(server);
    until(async || one.get(&key).await.is_err()).await;
    let _server = Program::listening(&mut command, port);
    until(async || one.set(&key, &entry("value")).await.is_ok()).await;
}

#[tokio::test]
async fn tls_with_a_private_authority_and_client_certificates() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    let (ca, ca_key) = (file("ca.pem"), file("ca.key"));
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=authority",
        "-keyout",
        &ca_key,
        "-out",
        &ca,
    ]);
    let (extensions, request) = (file("extensions"), file("request"));
    std::fs::write(
        &extensions,
        "basicConstraints=CA:FALSE\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n",
    )
    .expect("a file");
    let (certificate, key_file) = (file("certificate.pem"), file("certificate.key"));
    openssl(&[
        "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=both", "-keyout", &key_file, "-out",
        &request,
    ]);
    openssl(&[
        "x509",
        "-req",
        "-in",
        &request,
        "-CA",
        &ca,
        "-CAkey",
        &ca_key,
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        &extensions,
        "-out",
        &certificate,
    ]);
    let port = free_port();
    let mut command = redis_server(0);
    command.args(["--tls-port", &port.to_string(), "--tls-ca-cert-file", &ca]);
    command.args([
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key_file,
        "--tls-auth-clients",
        "yes",
    ]);
    let _server = Program::listening(&mut command, port);

    let key = key("tls");
    let known =
        format!("rediss://127.0.0.1:{port}?deadline=2s&ca={ca}&cert={certificate}&key={key_file}");
    let trusted = tier(&known);
    let mut told = listening(&trusted).await;
    assert!(trusted.set(&key, &entry("value")).await.expect("an answer"));
    tier(&known).remove(&key).await.expect("an answer");
    assert_eq!(told.next().await, Change::Entry(key));
    let system = format!("rediss://127.0.0.1:{port}?deadline=2s");
    tier(&system)
        .get(&key)
        .await
        .expect_err("the authority is not one of the system's");
    let anonymous = format!("{system}&ca={ca}");
    tier(&anonymous)
        .get(&key)
        .await
        .expect_err("the server wants a client certificate");
    assert!(
        RedisConfig::parse(&format!("{system}&ca={request}&cert={ca}&key={ca}")).is_err(),
        "that is no key"
    );
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl")
        .args(arguments)
        .output()
        .expect("openssl is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn signal(program: &Program, signal: &str) {
    let status = Command::new("kill")
        .args([signal, &program.id().to_string()])
        .status()
        .expect("kill is installed");
    assert!(status.success());
}
