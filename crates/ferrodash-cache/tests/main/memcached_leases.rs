//! Leases of the Memcached tier: who gets one, when it ends, and what can no longer be filled.

use std::time::Duration;

use ferrodash_cache::{Entry, Key, LeaseOutcome, LeaseRequest, Parts, Selector, Shared, Tier};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::MINUTE;
use crate::memcached::{LEASE, Server, entry, noise, request, value, wins};

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
