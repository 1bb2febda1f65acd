//! Marks and eras of the Memcached tier: what an invalidation ends, also when the server restarts
//! or evicts.

use ferrodash_cache::{Selector, Shared};
use futures_util::future::join_all;

use crate::memcached::Server;

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
