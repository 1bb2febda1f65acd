//! What the Redis tier learns of changes by others, where it cannot learn of them, and what it does
//! when the connection is lost.

use std::process::Command;
use std::time::Duration;

use ferrodash_cache::tiers::Redis;
use ferrodash_cache::{Change, Entry, LeaseOutcome, Parts, Sealer, Shared, Tier};
use ferrodash_testing::{Program, free_port, redis_server};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::MINUTE;
use crate::redis_server::{
    ORDERS, PATIENCE, entry, key, raw, request, tell, tier, tier_with, until, value_name,
};

/// What a tier tells, beginning after its first connection.
pub(crate) async fn listening(tier: &Redis) -> Told {
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

pub(crate) struct Told(mpsc::UnboundedReceiver<Change>);

impl Told {
    pub(crate) async fn next(&mut self) -> Change {
        tokio::time::timeout(PATIENCE, self.0.recv())
            .await
            .expect("a change is reported")
            .expect("the tier lives")
    }

    /// Waits for a change, past others.
    pub(crate) async fn until(&mut self, change: Change) {
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

fn signal(program: &Program, signal: &str) {
    let status = Command::new("kill")
        .args([signal, &program.id().to_string()])
        .status()
        .expect("kill is installed");
    assert!(status.success());
}
