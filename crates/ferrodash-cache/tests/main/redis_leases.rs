//! Leases of the Redis tier: who gets one, when it ends, and how those who wait are woken.

use std::time::Duration;

use ferrodash_cache::{LeaseOutcome, LeaseRequest, Shared, Stamp, Tier};
use tokio::time::Instant;

use crate::MINUTE;
use crate::redis_server::{PATIENCE, entry, key, request, tier, until};

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
