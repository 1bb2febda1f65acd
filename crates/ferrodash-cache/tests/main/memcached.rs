//! The Memcached tier on real servers: the entries that it keeps, and servers that are lost.

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

use crate::MINUTE;

pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// A server that can be restarted, and asked without the tier.
pub(crate) struct Server {
    port: u16,
    program: Option<Program>,
}

impl Server {
    pub(crate) fn start() -> Self {
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

    fn signal(&self, name: &str) {
        let id = self.program.as_ref().expect("it runs").id();
        let sent = Command::new("kill").args([name, &id.to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }

    pub(crate) async fn restart(&mut self) {
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

    pub(crate) fn tier(&self) -> Arc<Memcached> {
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

    pub(crate) fn raw(&self, command: &str) -> String {
        self.ask(command).expect("the server answers")
    }
}

fn tier(address: &str) -> Arc<Memcached> {
    let config = MemcachedConfig::parse(address).expect("an address");
    Arc::new(Memcached::new(config, "test".into(), Sealer::default()).expect("a namespace"))
}

pub(crate) fn entry(bytes: &'static str) -> Entry {
    Entry::new(Parts::new(bytes.into(), MINUTE))
}

pub(crate) fn noise(length: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let byte = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(byte).collect()
}

pub(crate) fn request(token: u64, observed: Option<u64>, marks: Marks) -> LeaseRequest {
    LeaseRequest {
        token,
        observed,
        lease: LEASE,
        born: marks.now,
        newest: marks.newest,
    }
}

pub(crate) async fn value(tier: &Memcached, key: &Key) -> Option<Bytes> {
    tier.get(key)
        .await
        .expect("the server answers")
        .map(|entry| entry.bytes().clone())
}

pub(crate) async fn wins(tier: &Memcached, key: &Key, request: &LeaseRequest) -> bool {
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
async fn calls_that_are_made_together_get_their_own_answers() {
    let servers = [Server::start(), Server::start()];
    let address = format!(
        "//127.0.0.1:{},127.0.0.1:{}?deadline=10s",
        servers[0].port, servers[1].port
    );
    let tier = tier(&address);
    let keys: Vec<Key> = (0..2000).map(|number| Key::of("f", &number)).collect();
    let entry = |key: &Key| Entry::new(Parts::new(key.to_string().into(), MINUTE));
    let entries: Vec<Entry> = keys.iter().map(entry).collect();
    let stores = keys.iter().zip(&entries);
    let stored = join_all(stores.map(|(key, entry)| tier.set(key, entry)));
    assert!(stored.await.into_iter().all(|stored| stored == Ok(true)));

    // Some of the callers leave, while they wait or while their answer is on its way.
    for (number, key) in keys.iter().enumerate().step_by(7) {
        let within = Duration::from_micros(number as u64);
        let _ = tokio::time::timeout(within, tier.get(key)).await;
    }
    let found = join_all(keys.iter().map(|key| tier.get(key))).await;
    for (found, entry) in found.into_iter().zip(&entries) {
        assert_eq!(found.unwrap().unwrap().bytes(), entry.bytes());
    }
}

#[tokio::test]
async fn a_server_that_is_silent_delays_no_call_to_another() {
    let servers = [Server::start(), Server::start()];
    let address = format!(
        "//127.0.0.1:{},127.0.0.1:{}?deadline=2s",
        servers[0].port, servers[1].port
    );
    let tier = tier(&address);
    let keys: Vec<Key> = (0..500).map(|number| Key::of("f", &number)).collect();
    for key in &keys {
        assert!(tier.set(key, &entry("value")).await.unwrap());
    }
    let is_on_first = |key: &&Key| servers[0].raw(&format!("mg test:{key}:v")) == "HD";
    let (first, second): (Vec<&Key>, Vec<&Key>) = keys.iter().partition(is_on_first);

    servers[0].signal("-STOP");
    let answered = async {
        let found = join_all(second.iter().map(|key| tier.get(key))).await;
        assert!(found.iter().all(|found| matches!(found, Ok(Some(_)))));
    };
    let unanswered = join_all(first.iter().map(|key| tier.get(key)));
    tokio::select! {
        biased;
        _ = unanswered => panic!("the stopped server was waited for"),
        () = answered => {}
    }
    servers[0].signal("-CONT");
    let found = join_all(keys.iter().map(|key| tier.get(key))).await;
    assert!(found.iter().all(|found| matches!(found, Ok(Some(_)))));
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
