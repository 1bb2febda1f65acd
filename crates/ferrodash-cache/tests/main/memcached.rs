//! The Memcached tier on real servers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ferrodash_cache::tiers::{Memcached, MemcachedConfig};
use ferrodash_cache::{
    Entry, Key, LeaseOutcome, LeaseRequest, Marks, Parts, Sealer, Selector, Shared, Stamp, Tier,
};
use ferrodash_testing::{Program, free_port};
use futures_util::future::join_all;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(10);

/// A server that can be restarted, and asked without the tier.
struct Server {
    port: u16,
    program: Option<Program>,
}

impl Server {
    fn start() -> Self {
        loop {
            let mut server = Self {
                port: free_port(),
                program: None,
            };
            server.run();
            // Another test may have taken the port in between.
            let id = server.program.as_ref().map(Program::id);
            if id.is_some_and(|id| {
                server
                    .ask("stats")
                    .is_ok_and(|answer| answer == format!("STAT pid {id}"))
            }) {
                return server;
            }
        }
    }

    async fn restart(&mut self) {
        self.stop();
        self.run();
        // Lets the runtime notice that connections were closed.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    fn run(&mut self) {
        let mut command = Command::new("memcached");
        command.args([
            "-l",
            "127.0.0.1",
            "-u",
            "nobody",
            "-p",
            &self.port.to_string(),
        ]);
        self.program = Some(Program::listening(&mut command, self.port));
    }

    fn stop(&mut self) {
        self.program = None;
    }

    fn tier(&self) -> Arc<Memcached> {
        tier(&format!("//127.0.0.1:{}?deadline=2s", self.port))
    }

    /// Sends a command and takes the first line of the answer, or the value if there is one.
    fn ask(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(stream, "{command}\r\n")?;
        let mut lines = BufReader::new(stream).lines();
        let answer = lines.next().unwrap_or_else(|| Ok(String::new()))?;
        if answer.starts_with("VA ") {
            lines.next().unwrap_or(Ok(answer))
        } else {
            Ok(answer)
        }
    }

    fn raw(&self, command: &str) -> String {
        self.ask(command).expect("the server answers")
    }
}

fn tier(address: &str) -> Arc<Memcached> {
    let config = MemcachedConfig::parse(address).expect("an address");
    Arc::new(Memcached::new(config, "test".into(), Sealer::default()).expect("a namespace"))
}

fn entry(bytes: &'static str) -> Entry {
    Entry::new(Parts::new(bytes.into(), MINUTE))
}

fn noise(length: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let byte = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(byte).collect()
}

fn request(token: u64, observed: Option<u64>, marks: Marks) -> LeaseRequest {
    LeaseRequest {
        token,
        observed,
        lease: LEASE,
        born: marks.now,
        newest: marks.newest,
    }
}

async fn value(tier: &Memcached, key: &Key) -> Option<Bytes> {
    tier.get(key)
        .await
        .expect("the server answers")
        .map(|entry| entry.bytes().clone())
}

async fn wins(tier: &Memcached, key: &Key, request: &LeaseRequest) -> bool {
    matches!(
        tier.acquire(key, request)
            .await
            .expect("the server answers"),
        LeaseOutcome::Won
    )
}

#[tokio::test]
async fn a_kept_entry_is_given_back_until_it_is_removed() {
    let server = Server::start();
    let (tier, key) = (server.tier(), Key::of(&"long ".repeat(80), &1));
    assert_eq!(tier.name(), "memcached");
    assert_eq!(value(&tier, &key).await, None);
    let selectors = [Selector::ALL, Selector::tag("tag")].into();
    let parts = Parts {
        selectors,
        born: Stamp {
            era: 7,
            sequence: 3,
        },
        ..Parts::new("value".into(), MINUTE)
    };
    let kept = Entry::new(parts);
    assert!(tier.set(&key, &kept).await.unwrap());
    let found = server
        .tier()
        .get(&key)
        .await
        .unwrap()
        .expect("another process finds it");
    assert_eq!((found.bytes(), found.id()), (kept.bytes(), kept.id()));
    assert_eq!(
        (found.parts().born, &found.parts().selectors),
        (kept.parts().born, &kept.parts().selectors)
    );
    assert!(
        found
            .remaining()
            .is_some_and(|left| left > MINUTE - Duration::from_secs(3))
    );
    tier.remove(&key).await.unwrap();
    assert_eq!(value(&tier, &key).await, None);
}

#[tokio::test]
async fn an_entry_ends_with_its_lifetime() {
    let server = Server::start();
    let (tier, key) = (server.tier(), Key::of("f", &1));
    let lasting =
        |seconds: f64| Entry::new(Parts::new("value".into(), Duration::from_secs_f64(seconds)));
    assert!(tier.set(&key, &lasting(2.9)).await.unwrap());
    assert!(value(&tier, &key).await.is_some());
    tokio::time::sleep(Duration::from_millis(2900)).await;
    assert_eq!(value(&tier, &key).await, None);
    assert!(
        !tier.set(&key, &lasting(0.9)).await.unwrap(),
        "less than a second is not kept"
    );
    let days = 40.0 * 24.0 * 60.0 * 60.0;
    assert!(tier.set(&key, &lasting(days)).await.unwrap());
    let left = tier
        .get(&key)
        .await
        .unwrap()
        .expect("more than 30 days are no date in 1970")
        .remaining()
        .unwrap();
    assert!(
        left.as_secs_f64() > days - 5.0 && left.as_secs_f64() < days + 5.0,
        "{left:?}"
    );
}

#[tokio::test]
async fn a_refused_entry_leaves_no_older_one() {
    let server = Server::start();
    let (tier, key) = (server.tier(), Key::of("f", &1));
    assert!(tier.set(&key, &entry("old")).await.unwrap());
    let huge = Entry::new(Parts::new(noise(33 << 20), MINUTE));
    assert!(!tier.set(&key, &huge).await.unwrap());
    assert_eq!(value(&tier, &key).await, None);
    // The server's limit is lower than the one that the tier is configured with.
    let tier = super_sized(&server);
    assert!(
        !tier
            .set(&key, &Entry::new(Parts::new(noise(3 << 20), MINUTE)))
            .await
            .unwrap()
    );
    assert!(tier.set(&key, &entry("small")).await.unwrap());
}

fn super_sized(server: &Server) -> Arc<Memcached> {
    tier(&format!(
        "//127.0.0.1:{}?deadline=2s&max_item=4MB",
        server.port
    ))
}

#[tokio::test]
async fn s21_a_large_entry_is_kept_in_pieces() {
    let server = Server::start();
    let (tier, key) = (server.tier(), Key::of("f", &1));
    let large = Entry::new(Parts::new(noise(5_000_000), MINUTE));
    assert!(tier.set(&key, &large).await.unwrap());
    assert_eq!(value(&tier, &key).await.as_ref(), Some(large.bytes()));
    let reading = tier.read(&key, &[Selector::ALL]).await.unwrap();
    assert_eq!(reading.entry.map(|entry| entry.id()), Some(large.id()));
    // Who saw this entry wins, who saw another gets it.
    let marks = tier.marks(&[]).await.unwrap();
    let answer = tier
        .acquire(&key, &request(1, Some(5), marks))
        .await
        .unwrap();
    assert!(matches!(answer, LeaseOutcome::Changed(entry) if entry.bytes() == large.bytes()));
    assert!(wins(&tier, &key, &request(2, Some(large.id()), marks)).await);
    let other = Entry::new(Parts::new(noise(3_000_000), MINUTE));
    assert!(tier.fill(&key, 2, &other).await.unwrap().is_stored());
    assert_eq!(value(&tier, &key).await.as_ref(), Some(other.bytes()));
    assert_eq!(
        server.raw(&format!("md test:{key}:c:{}:1", other.id())),
        "HD"
    );
    assert_eq!(value(&tier, &key).await, None, "a piece is missing");
    // One that is too short, and one of something else.
    for piece in ["x".to_owned(), "x".repeat(1_047_552)] {
        let command = format!(
            "ms test:{key}:c:{}:1 {}\r\n{piece}",
            other.id(),
            piece.len()
        );
        assert_eq!(server.raw(&command), "HD");
        assert_eq!(value(&tier, &key).await, None);
    }
}

#[tokio::test]
async fn an_empty_or_foreign_value_counts_as_absent() {
    let server = Server::start();
    let (tier, key) = (server.tier(), Key::of("f", &1));
    for foreign in [
        "",
        "x",
        "FDCM",
        "FDCM\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{7f}\u{7f}\u{7f}\u{7f}aaaaaaaa",
    ] {
        assert_eq!(
            server.raw(&format!(
                "ms test:{key}:v {} T60\r\n{foreign}",
                foreign.len()
            )),
            "HD"
        );
        assert_eq!(value(&tier, &key).await, None, "{foreign:?}");
        let token = 1 + foreign.len() as u64;
        let marks = tier.marks(&[]).await.unwrap();
        assert!(wins(&tier, &key, &request(token, None, marks)).await);
        assert!(
            tier.fill(&key, token, &entry("value"))
                .await
                .unwrap()
                .is_stored()
        );
        assert_eq!(value(&tier, &key).await.unwrap(), "value");
    }
}

#[tokio::test]
async fn a_restarted_server_begins_an_era() {
    let mut server = Server::start();
    let tier = server.tier();
    let before = tier.invalidate(&[Selector::ALL]).await.unwrap();
    assert_eq!(before.sequence, 2);
    server.restart().await;
    let after = tier.marks(&[Selector::ALL]).await.unwrap();
    assert_ne!(after.now.era, before.era);
    assert!(!after.allow(before) && after.allow(after.now));
    let stamp = tier.invalidate(&[Selector::ALL]).await.unwrap();
    assert_eq!(stamp.era, after.now.era);
    assert!(!tier.marks(&[Selector::ALL]).await.unwrap().allow(after.now));
}

#[tokio::test]
async fn an_evicted_era_or_counter_begins_an_era() {
    let server = Server::start();
    let (tier, other) = (server.tier(), server.tier());
    let mut known = tier.invalidate(&[Selector::ALL]).await.unwrap();
    for round in 0..4 {
        let lost = if round % 2 == 0 {
            "test:era".to_owned()
        } else {
            format!("test:seq:{}", known.era)
        };
        assert_eq!(server.raw(&format!("md {lost}")), "HD", "{lost}");
        // Whether it is a reader that finds out or an invalidation.
        if round < 2 {
            tier.marks(&[]).await.unwrap();
        }
        let stamp = other.invalidate(&[Selector::tag("tag")]).await.unwrap();
        let marks = tier.marks(&[Selector::ALL]).await.unwrap();
        assert_ne!(marks.now.era, known.era, "without {lost}");
        assert_eq!(marks.now, stamp);
        assert!(!marks.allow(known));
        known = stamp;
    }
    let counter = format!("md test:seq:{}", known.era);
    assert_eq!(server.raw(&counter), "HD");
    let readers = join_all((0..20).map(|_| {
        let tier = server.tier();
        tokio::spawn(async move { tier.marks(&[Selector::ALL]).await.unwrap() })
    }));
    let eras: Vec<u64> = readers
        .await
        .into_iter()
        .map(|marks| marks.unwrap().now.era)
        .collect();
    assert!(
        eras.iter().all(|era| *era == eras[0] && *era != known.era),
        "one era for all: {eras:?}"
    );
}

#[tokio::test]
async fn a_mark_voids_what_was_begun_before_it() {
    let server = Server::start();
    let (tier, other) = (server.tier(), server.tier());
    let (orders, users) = (Selector::tag("orders"), Selector::tag("users"));
    let born = tier.marks(&[orders, users, Selector::ALL]).await.unwrap();
    assert_eq!((born.now.sequence, born.newest), (1, 1));
    assert!(born.allow(born.now));
    let stamp = other.invalidate(&[orders]).await.unwrap();
    let marks = tier.marks(&[orders]).await.unwrap();
    assert_eq!((marks.now, marks.newest), (stamp, stamp.sequence));
    assert!(!marks.allow(born.now) && marks.allow(stamp));
    assert!(
        tier.marks(&[users]).await.unwrap().allow(born.now),
        "another selector is as it was"
    );
    // A selector that has no mark yet gets one, which invalidates what is older but not what is as
    // old.
    let marks = tier.marks(&[Selector::tag("late")]).await.unwrap();
    assert!(!marks.allow(born.now) && marks.allow(stamp));
    other.invalidate(&[orders]).await.unwrap();
    assert!(
        tier.marks(&[users]).await.unwrap().allow(stamp),
        "another selector"
    );
}

#[tokio::test]
async fn an_evicted_mark_voids_too_much_and_never_too_little() {
    let server = Server::start();
    let tier = server.tier();
    let tag = Selector::tag("tag");
    let born = tier.marks(&[tag]).await.unwrap().now;
    tier.invalidate(&[tag]).await.unwrap();
    let after = tier.invalidate(&[Selector::ALL]).await.unwrap();
    assert_eq!(server.raw(&format!("md test:m:{}:{tag}", born.era)), "HD");
    let marks = tier.marks(&[tag]).await.unwrap();
    assert!(!marks.allow(born) && marks.allow(after));
    assert_eq!(
        server.raw(&format!("mg test:m:{}:{tag} v", born.era)),
        after.sequence.to_string()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_invalidations_the_largest_number_stays() {
    let server = Server::start();
    let tiers: Vec<_> = (0..4).map(|_| server.tier()).collect();
    let selectors = [Selector::ALL, Selector::tag("a"), Selector::tag("b")];
    let tasks = (0..100).map(|task: usize| {
        let tier = tiers[task % tiers.len()].clone();
        tokio::spawn(async move {
            let selectors = &selectors[..1 + task % selectors.len()];
            let stamp = tier.invalidate(selectors).await.unwrap();
            let marks = tier.marks(&selectors[..1]).await.unwrap();
            assert!(marks.newest >= stamp.sequence, "{marks:?} after {stamp:?}");
            (stamp, selectors.len())
        })
    });
    let stamps: Vec<_> = join_all(tasks)
        .await
        .into_iter()
        .map(|stamp| stamp.unwrap())
        .collect();
    let era = stamps[0].0.era;
    let mut numbers: Vec<u64> = stamps.iter().map(|(stamp, _)| stamp.sequence).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (2..=101).collect::<Vec<u64>>(), "each has its own");
    for (index, selector) in selectors.into_iter().enumerate() {
        let largest = stamps
            .iter()
            .filter(|(_, count)| *count > index)
            .map(|(stamp, _)| stamp.sequence)
            .max();
        assert_eq!(
            server
                .raw(&format!("mg test:m:{era}:{selector} v"))
                .parse()
                .ok(),
            largest
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_fifty_wins_and_the_others_see_its_value() {
    let server = Server::start();
    let tiers: Vec<_> = (0..5).map(|_| server.tier()).collect();
    let key = Key::of("f", &1);
    let marks = tiers[0].marks(&[]).await.unwrap();
    let tasks = (0..50).map(|token: u64| {
        let tier = tiers[token as usize % tiers.len()].clone();
        tokio::spawn(async move {
            match tier
                .acquire(&key, &request(token, None, marks))
                .await
                .unwrap()
            {
                LeaseOutcome::Won => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    assert!(
                        tier.fill(&key, token, &entry("value"))
                            .await
                            .unwrap()
                            .is_stored()
                    );
                    1
                }
                LeaseOutcome::Held(left) => {
                    assert!(left <= LEASE + Duration::from_secs(1));
                    tier.changed(&key, left).await;
                    let answer = tier
                        .acquire(&key, &request(token, None, marks))
                        .await
                        .unwrap();
                    assert!(
                        matches!(answer, LeaseOutcome::Changed(entry) if entry.bytes() == "value")
                    );
                    0
                }
                LeaseOutcome::Changed(_) => 0,
            }
        })
    });
    let winners: u32 = join_all(tasks)
        .await
        .into_iter()
        .map(|won| won.unwrap())
        .sum();
    assert_eq!(winners, 1);
    assert_eq!(
        server.raw(&format!("mg test:{key}:l")),
        "EN",
        "the lease was released"
    );
}

#[tokio::test]
async fn who_saw_the_present_entry_wins_and_who_saw_an_older_one_gets_it() {
    let server = Server::start();
    let (tier, key, old) = (server.tier(), Key::of("f", &1), entry("old"));
    let marks = tier.marks(&[]).await.unwrap();
    tier.set(&key, &old).await.unwrap();
    for observed in [None, Some(old.id() ^ 1)] {
        let answer = tier
            .acquire(&key, &request(1, observed, marks))
            .await
            .unwrap();
        assert!(matches!(answer, LeaseOutcome::Changed(entry) if entry.id() == old.id()));
    }
    assert!(wins(&tier, &key, &request(2, Some(old.id()), marks)).await);
    assert!(
        wins(&tier, &key, &request(2, Some(old.id()), marks)).await,
        "the same token again"
    );
    assert!(matches!(
        tier.acquire(&key, &request(3, Some(old.id()), marks))
            .await
            .unwrap(),
        LeaseOutcome::Held(_)
    ));
    assert_eq!(
        value(&tier, &key).await.unwrap(),
        "old",
        "readers still have it"
    );
    assert!(tier.fill(&key, 2, &entry("new")).await.unwrap().is_stored());
    assert_eq!(value(&tier, &key).await.unwrap(), "new");
    assert!(
        !tier
            .fill(&key, 2, &entry("again"))
            .await
            .unwrap()
            .is_stored(),
        "the lease is gone"
    );
}

#[tokio::test]
async fn an_entry_that_ends_while_its_successor_is_computed_does_not_void_that() {
    let server = Server::start();
    let (tier, key) = (server.tier(), Key::of("f", &1));
    let marks = tier.marks(&[]).await.unwrap();
    let old = Entry::new(Parts::new("old".into(), Duration::from_secs(1)));
    // The second may be over before it is looked at.
    tier.set(&key, &old).await.unwrap();
    assert!(wins(&tier, &key, &request(1, Some(old.id()), marks)).await);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(value(&tier, &key).await, None);
    assert!(tier.fill(&key, 1, &entry("new")).await.unwrap().is_stored());
    assert_eq!(value(&tier, &key).await.unwrap(), "new");
}

#[tokio::test]
async fn a_fill_after_a_removal_or_another_value_is_refused() {
    let server = Server::start();
    let (tier, other, key) = (server.tier(), server.tier(), Key::of("f", &1));
    let marks = tier.marks(&[]).await.unwrap();
    assert!(wins(&tier, &key, &request(1, None, marks)).await);
    other.remove(&key).await.unwrap();
    assert!(
        !tier
            .fill(&key, 1, &entry("late"))
            .await
            .unwrap()
            .is_stored()
    );
    assert_eq!(value(&tier, &key).await, None);

    assert!(wins(&tier, &key, &request(2, None, marks)).await);
    other.set(&key, &entry("set")).await.unwrap();
    assert!(
        !tier
            .fill(&key, 2, &entry("late"))
            .await
            .unwrap()
            .is_stored()
    );
    assert_eq!(value(&tier, &key).await.unwrap(), "set");

    // With a successor that is at work.
    other.remove(&key).await.unwrap();
    assert!(wins(&tier, &key, &request(3, None, marks)).await);
    other.remove(&key).await.unwrap();
    assert!(wins(&other, &key, &request(4, None, marks)).await);
    assert!(
        !tier
            .fill(&key, 3, &entry("late"))
            .await
            .unwrap()
            .is_stored()
    );
    assert!(!tier.renew(&key, 3, LEASE).await.unwrap());
    assert!(
        other
            .fill(&key, 4, &entry("right"))
            .await
            .unwrap()
            .is_stored()
    );
    assert!(
        !tier
            .fill(&key, 3, &entry("late"))
            .await
            .unwrap()
            .is_stored()
    );
    assert_eq!(value(&tier, &key).await.unwrap(), "right");
}

#[tokio::test]
async fn a_lease_from_before_an_invalidation_is_taken_over_by_one() {
    let server = Server::start();
    let (tier, other, key) = (server.tier(), server.tier(), Key::of("f", &1));
    let before = tier.marks(&[Selector::ALL]).await.unwrap();
    assert!(wins(&tier, &key, &request(1, None, before)).await);
    other.invalidate(&[Selector::ALL]).await.unwrap();
    let after = other.marks(&[Selector::ALL]).await.unwrap();
    let bids = (10..20).map(|token| {
        let other = server.tier();
        async move {
            wins(&other, &key, &request(token, None, after))
                .await
                .then_some(token)
        }
    });
    let winners: Vec<u64> = join_all(bids).await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert!(
        !tier
            .fill(&key, 1, &entry("late"))
            .await
            .unwrap()
            .is_stored()
    );
    tier.release(&key, 1).await.unwrap();
    assert!(
        other
            .fill(&key, winners[0], &entry("right"))
            .await
            .unwrap()
            .is_stored()
    );
    assert!(
        !tier
            .fill(&key, 1, &entry("late"))
            .await
            .unwrap()
            .is_stored()
    );
    assert_eq!(value(&tier, &key).await.unwrap(), "right");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_in_the_midst_of_fills_is_never_undone() {
    let server = Server::start();
    let (tier, other) = (server.tier(), server.tier());
    let marks = tier.marks(&[]).await.unwrap();
    for round in 0..300_u64 {
        let key = Key::of("f", &round);
        assert!(wins(&tier, &key, &request(1, None, marks)).await);
        let filling = {
            let tier = tier.clone();
            tokio::spawn(
                async move { tier.fill(&key, 1, &entry("old")).await.unwrap().is_stored() },
            )
        };
        for _ in 0..round % 30 {
            tokio::task::yield_now().await;
        }
        other.remove(&key).await.unwrap();
        let removed = value(&other, &key).await;
        let filled = filling.await.unwrap();
        assert_eq!(
            (removed, value(&other, &key).await),
            (None, None),
            "round {round}, filled: {filled}"
        );
    }
}

#[tokio::test]
async fn a_lease_ends_by_itself_unless_its_holder_renews_it() {
    let server = Server::start();
    let (tier, key) = (server.tier(), Key::of("f", &1));
    let marks = tier.marks(&[]).await.unwrap();
    let short = |token| LeaseRequest {
        lease: Duration::from_secs(1),
        ..request(token, None, marks)
    };
    assert!(wins(&tier, &key, &short(1)).await);
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(tier.renew(&key, 1, Duration::from_secs(1)).await.unwrap());
        assert!(!tier.renew(&key, 2, Duration::from_secs(1)).await.unwrap());
        assert!(!wins(&tier, &key, &short(2)).await);
    }
    let died = Instant::now();
    tier.changed(&key, MINUTE).await;
    assert!(wins(&tier, &key, &short(2)).await);
    let waited = died.elapsed();
    assert!(
        waited > Duration::from_secs(1) && waited < Duration::from_secs(3),
        "{waited:?}"
    );
    assert!(
        !tier
            .fill(&key, 1, &entry("late"))
            .await
            .unwrap()
            .is_stored()
    );
}

#[tokio::test]
async fn a_released_lease_is_free_at_once() {
    let server = Server::start();
    let (tier, key) = (server.tier(), Key::of("f", &1));
    let marks = tier.marks(&[]).await.unwrap();
    assert!(wins(&tier, &key, &request(1, None, marks)).await);
    tier.release(&key, 2).await.unwrap();
    assert!(
        !wins(&tier, &key, &request(2, None, marks)).await,
        "only the holder releases"
    );
    let began = Instant::now();
    tier.changed(&key, Duration::from_millis(300)).await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    tier.release(&key, 1).await.unwrap();
    tier.changed(&key, MINUTE).await;
    assert!(wins(&tier, &key, &request(2, None, marks)).await);
    // A value that is not taken frees the key too.
    let huge = Entry::new(Parts::new(noise(33 << 20), MINUTE));
    assert!(!tier.fill(&key, 2, &huge).await.unwrap().is_stored());
    assert!(wins(&tier, &key, &request(3, None, marks)).await);
}

#[tokio::test]
async fn several_servers_share_the_keys() {
    let servers = [Server::start(), Server::start()];
    let address = format!(
        "//127.0.0.1:{},127.0.0.1:{}?deadline=2s",
        servers[0].port, servers[1].port
    );
    let tier = tier(&address);
    let mut counts = [0; 2];
    for number in 0..100 {
        let key = Key::of("f", &number);
        assert!(tier.set(&key, &entry("value")).await.unwrap());
        assert!(
            tier.read(&key, &[Selector::ALL])
                .await
                .unwrap()
                .entry
                .is_some()
        );
        let found = servers
            .each_ref()
            .map(|server| server.raw(&format!("mg test:{key}:v")) == "HD");
        assert_ne!(found[0], found[1]);
        counts[usize::from(found[1])] += 1;
    }
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
}

#[tokio::test]
async fn a_server_that_is_gone_or_silent_is_an_error_in_time() {
    // It accepts, takes everything, and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                std::io::copy(&mut stream.take(1 << 20), &mut std::io::sink())
            });
        }
    });
    for port in [free_port(), silent] {
        let tier = tier(&format!("//127.0.0.1:{port}"));
        let (key, marks) = (Key::of("f", &1), Marks::default());
        let request = request(1, None, marks);
        let all: [futures_util::future::BoxFuture<'_, bool>; 9] = [
            Box::pin(async { tier.get(&key).await.is_err() }),
            Box::pin(async { tier.set(&key, &entry("value")).await.is_err() }),
            Box::pin(async { tier.remove(&key).await.is_err() }),
            Box::pin(async { tier.read(&key, &[Selector::ALL]).await.is_err() }),
            Box::pin(async { tier.invalidate(&[Selector::ALL]).await.is_err() }),
            Box::pin(async { tier.acquire(&key, &request).await.is_err() }),
            Box::pin(async { tier.fill(&key, 1, &entry("value")).await.is_err() }),
            Box::pin(async { tier.renew(&key, 1, LEASE).await.is_err() }),
            Box::pin(async { tier.release(&key, 1).await.is_err() }),
        ];
        for (index, call) in all.into_iter().enumerate() {
            let began = Instant::now();
            assert!(call.await, "call {index}");
            assert!(
                began.elapsed() < Duration::from_millis(300),
                "call {index}: {:?}",
                began.elapsed()
            );
        }
    }
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again() {
    let mut server = Server::start();
    let (tier, key) = (server.tier(), Key::of("f", &1));
    assert!(tier.set(&key, &entry("value")).await.unwrap());
    server.stop();
    assert!(tier.get(&key).await.is_err());
    server.restart().await;
    assert_eq!(value(&tier, &key).await, None);
    assert!(tier.set(&key, &entry("value")).await.unwrap());
}
