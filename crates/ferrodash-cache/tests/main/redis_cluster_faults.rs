//! A cluster of Redis that loses masters: what that costs, and that no answer is wrong meanwhile.

use std::time::Duration;

use futures_util::future::join_all;

use crate::eventually;
use crate::redis_cluster::{Cluster, MASTERS, PAGES, Pages};

#[tokio::test(flavor = "multi_thread")]
async fn b12_a_master_that_is_down_costs_no_more_than_the_values_it_held() {
    const ROUNDS: u32 = 10;
    let mut cluster = Cluster::with_replicas(0, Duration::from_secs(1)).await;
    let (caches, pages) = (cluster.caches("deadline=2s").await, Pages::new());
    for down in 0..MASTERS {
        for cache in &caches {
            pages.are_kept(cache).await;
        }
        cluster.nodes[down].kill();
        let mut hits = 0;
        for _ in 0..ROUNDS {
            for cache in &caches {
                hits += pages.read_all(cache).await;
            }
        }
        let reads = 4 * ROUNDS * PAGES;
        assert!(hits * 2 >= reads, "{hits} of {reads} without node {down}");
        // What is on the others can be invalidated, and nobody can say that of what is on this one.
        let page = u32::try_from(down).unwrap();
        pages.write(page);
        caches[0]
            .invalidate_tag(&format!("page:{page}"))
            .await
            .unwrap_err();
        cluster.nodes[down].resume();
        for node in &cluster.nodes {
            node.says(&["CLUSTER", "INFO"], "cluster_slots_ok:16384")
                .await;
        }
        eventually(async || {
            caches[1]
                .invalidate_tag(&format!("page:{page}"))
                .await
                .is_ok()
        })
        .await;
        assert_eq!(pages.read(&caches[2], page).await.0, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_a_master_that_falls_silent_costs_no_more_than_the_values_it_held() {
    const ROUNDS: u32 = 10;
    let cluster = Cluster::start().await;
    let url = format!("{}?deadline=1s", cluster.url());
    let near = crate::builder()
        .memory(1 << 20)
        .url(&url)
        .await
        .unwrap()
        .build();
    let (plain, pages) = (cluster.cache("deadline=1s").await, Pages::new());
    for cache in [&near, &plain] {
        pages.are_kept(cache).await;
    }
    cluster.nodes[1].signal("-STOP");
    let mut hits = 0;
    for _ in 0..ROUNDS {
        hits += pages.read_all(&plain).await;
    }
    assert!(hits * 2 >= ROUNDS * PAGES, "{hits} of {}", ROUNDS * PAGES);
    // What others write meanwhile they cannot invalidate on this node. Here the copies end with the
    // connection.
    for page in 0..PAGES {
        pages.write(page);
    }
    plain.clear().await.unwrap_err();
    eventually(async || {
        let reads = join_all((0..PAGES).map(|page| pages.read(&near, page))).await;
        reads.iter().all(|(value, _)| *value == 1)
    })
    .await;
    cluster.nodes[1].signal("-CONT");
    eventually(async || plain.clear().await.is_ok()).await;
    for cache in [&near, &plain] {
        pages.are_kept(cache).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_no_answer_is_wrong_while_a_cluster_fails_over() {
    let mut cluster = Cluster::with_replicas(1, Duration::from_secs(1)).await;
    let (caches, pages) = (cluster.caches("deadline=2s").await, Pages::new());
    for cache in &caches {
        pages.are_kept(cache).await;
    }
    for down in 0..MASTERS {
        // The replica may not have this yet.
        pages.write(7);
        caches[0].invalidate_tag("page:7").await.unwrap();
        cluster.nodes[down].kill();
        let (mut page, mut waits) = (0, 0);
        loop {
            page = (page + 1) % PAGES;
            let written = pages.write(page);
            let invalidated = caches[1].invalidate_tag(&format!("page:{page}")).await;
            for cache in &caches {
                let (value, _) = pages.read(cache, page).await;
                // A writer whose invalidation failed tries again.
                assert!(
                    value == written || invalidated.is_err(),
                    "page {page}: {value}, {written} was written"
                );
            }
            if invalidated.is_ok() {
                break;
            }
            waits += 1;
            assert!(waits < 10_000, "the failover does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Each process finds out by itself.
        eventually(async || caches[3].clear().await.is_ok()).await;
        for cache in &caches {
            pages.are_kept(cache).await;
        }
        // The old master comes back as a replica of the new one.
        cluster.nodes[down].resume();
        cluster.nodes[down]
            .says(&["INFO", "replication"], "master_link_status:up")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_an_old_master_that_wakes_up_is_not_believed() {
    let cluster = Cluster::with_replicas(1, Duration::from_secs(1)).await;
    let (caches, pages) = (cluster.caches("deadline=2s").await, Pages::new());
    for cache in &caches {
        pages.are_kept(cache).await;
    }
    cluster.nodes[2].signal("-STOP");
    for page in 0..PAGES {
        pages.write(page);
    }
    // As soon as the replica has taken over.
    eventually(async || caches[0].clear().await.is_ok()).await;
    cluster.nodes[2].signal("-CONT");
    let mut page = 0;
    let start = tokio::time::Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        page = (page + 1) % PAGES;
        assert_eq!(
            pages.read(&caches[0], page).await.0,
            pages.now(page),
            "the process that has invalidated"
        );
        let written = pages.write(page);
        if caches[0]
            .invalidate_tag(&format!("page:{page}"))
            .await
            .is_ok()
        {
            for cache in &caches {
                assert_eq!(pages.read(cache, page).await.0, written);
            }
        }
        eventually(async || caches[0].clear().await.is_ok()).await;
    }
    cluster.nodes[2]
        .says(&["INFO", "replication"], "role:slave")
        .await;
    for cache in &caches {
        pages.are_kept(cache).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_a_node_that_comes_back_from_a_snapshot_begins_an_era() {
    let mut cluster = Cluster::start().await;
    let (caches, pages) = (cluster.caches("deadline=1s").await, Pages::new());
    caches[0].invalidate_tag("others").await.unwrap();
    for cache in &caches {
        pages.are_kept(cache).await;
    }
    for node in &cluster.nodes {
        let () = node.tell(&["SAVE"]).await;
    }
    for page in 0..PAGES {
        pages.write(page);
    }
    let late = cluster.cache("deadline=1s").await;
    caches[0].clear().await.unwrap();
    for node in &mut cluster.nodes {
        node.kill();
    }
    for node in &mut cluster.nodes {
        node.resume();
    }
    for node in &cluster.nodes {
        node.says(&["CLUSTER", "INFO"], "cluster_state:ok").await;
    }
    for cache in caches.iter().chain([&late]) {
        pages.are_kept(cache).await;
    }
}
