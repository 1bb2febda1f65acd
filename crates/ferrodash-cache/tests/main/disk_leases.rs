//! Leases of the disk tier: who gets one, when it ends, and how those who wait are woken.

use std::time::Duration;

use ferrodash_cache::{Filled, LeaseOutcome, LeaseRequest, Selector, Stamp, Tier};
use tokio::time::Instant;

use crate::MINUTE;
use crate::disk::{bytes, entry, files, key, noise, now, open, request, shared};

#[tokio::test]
async fn a_lease_has_one_holder_who_alone_can_fill() {
    let directory = tempfile::tempdir().expect("there is room");
    let disk = open(directory.path());
    let (shared, born) = (shared(&disk), now(&disk).await);
    assert!(matches!(
        shared.acquire(&key(1), &request(1, born)).await,
        Ok(LeaseOutcome::Won)
    ));
    let held = shared.acquire(&key(1), &request(2, born)).await;
    assert!(
        matches!(held, Ok(LeaseOutcome::Held(left)) if left <= MINUTE && left > MINUTE / 2),
        "{held:?}"
    );
    assert_eq!(
        shared
            .fill(&key(1), 2, &entry("not mine"))
            .await
            .map(Filled::is_stored),
        Ok(false)
    );
    assert_eq!(shared.renew(&key(1), 2, MINUTE).await, Ok(false));
    shared.release(&key(1), 2).await.expect("it answers");
    assert_eq!(shared.renew(&key(1), 1, MINUTE).await, Ok(true));
    let value = entry("mine");
    assert_eq!(
        shared.fill(&key(1), 1, &value).await.map(Filled::is_stored),
        Ok(true)
    );
    // A caller that saw nothing learns that there is an entry now. One that saw it and wants a
    // newer one wins.
    let changed = shared.acquire(&key(1), &request(2, born)).await;
    assert!(
        matches!(&changed, Ok(LeaseOutcome::Changed(entry)) if entry.id() == value.id()),
        "{changed:?}"
    );
    let newer = LeaseRequest {
        observed: Some(value.id()),
        ..request(2, born)
    };
    assert!(matches!(
        shared.acquire(&key(1), &newer).await,
        Ok(LeaseOutcome::Won)
    ));
    // Setting or removing the entry ends the lease.
    disk.set(&key(1), &entry("set")).await.expect("it is kept");
    assert_eq!(
        shared
            .fill(&key(1), 2, &entry("late"))
            .await
            .map(Filled::is_stored),
        Ok(false)
    );
    assert_eq!(bytes(&disk, &key(1)).await.as_deref(), Some(&b"set"[..]));
    disk.remove(&key(1)).await.expect("it is removed");
    assert!(matches!(
        shared.acquire(&key(1), &request(3, born)).await,
        Ok(LeaseOutcome::Won)
    ));
    disk.remove(&key(1)).await.expect("it is removed");
    assert_eq!(
        shared
            .fill(&key(1), 3, &entry("late"))
            .await
            .map(Filled::is_stored),
        Ok(false)
    );
    // A large value is filled, found changed, and not taken, in the same way.
    assert!(matches!(
        shared.acquire(&key(2), &request(1, born)).await,
        Ok(LeaseOutcome::Won)
    ));
    assert_eq!(
        shared
            .fill(&key(2), 1, &entry(noise(1, 1 << 18)))
            .await
            .map(Filled::is_stored),
        Ok(true)
    );
    assert!(matches!(
        shared.acquire(&key(2), &request(2, born)).await,
        Ok(LeaseOutcome::Changed(_))
    ));
    assert_eq!(
        (
            shared
                .fill(&key(2), 9, &entry(noise(1, 1 << 18)))
                .await
                .map(Filled::is_stored),
            files(directory.path())
        ),
        (Ok(false), 1)
    );
}

#[tokio::test]
async fn leases_that_are_older_than_the_marks_or_past_their_time_are_taken_over() {
    let directory = tempfile::tempdir().expect("there is room");
    let disk = open(directory.path());
    let (shared, born) = (shared(&disk), now(&disk).await);
    assert!(matches!(
        shared.acquire(&key(1), &request(1, born)).await,
        Ok(LeaseOutcome::Won)
    ));
    let later = shared
        .invalidate(&[Selector::ALL])
        .await
        .expect("it is marked");
    let newer = LeaseRequest {
        newest: later.sequence,
        ..request(2, later)
    };
    assert!(matches!(
        shared.acquire(&key(1), &newer).await,
        Ok(LeaseOutcome::Won)
    ));
    assert_eq!(
        shared
            .fill(&key(1), 1, &entry("void"))
            .await
            .map(Filled::is_stored),
        Ok(false)
    );
    let other_era = Stamp {
        era: later.era ^ 1,
        ..later
    };
    assert!(matches!(
        shared.acquire(&key(1), &request(3, other_era)).await,
        Ok(LeaseOutcome::Won)
    ));
    let short = LeaseRequest {
        lease: Duration::from_millis(50),
        ..request(4, later)
    };
    assert!(matches!(
        shared.acquire(&key(2), &short).await,
        Ok(LeaseOutcome::Won)
    ));
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(
        shared
            .fill(&key(2), 4, &entry("late"))
            .await
            .map(Filled::is_stored),
        Ok(false)
    );
    assert!(matches!(
        shared.acquire(&key(2), &request(5, later)).await,
        Ok(LeaseOutcome::Won)
    ));
}

#[tokio::test]
async fn who_waits_is_woken_when_the_lease_ends() {
    let directory = tempfile::tempdir().expect("there is room");
    let disk = open(directory.path());
    let (shared, born) = (shared(&disk), now(&disk).await);
    let start = Instant::now();
    shared.changed(&key(1), MINUTE).await;
    assert!(
        start.elapsed() < Duration::from_millis(50),
        "there is no lease"
    );
    assert!(matches!(
        shared.acquire(&key(1), &request(1, born)).await,
        Ok(LeaseOutcome::Won)
    ));
    let start = Instant::now();
    shared.changed(&key(1), Duration::from_millis(100)).await;
    assert!(
        start.elapsed() >= Duration::from_millis(100) && start.elapsed() < Duration::from_secs(1)
    );
    let wait = async {
        shared.changed(&key(1), MINUTE).await;
        Instant::now()
    };
    let end = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        shared.release(&key(1), 1).await.expect("it answers");
        Instant::now()
    };
    let (woken, ended) = tokio::join!(wait, end);
    assert!(woken.saturating_duration_since(ended) < Duration::from_millis(200));
}
