//! Answers whose better forms come later: a cold answer does not wait for its compression.

use std::time::Duration;

use ferrodash::prelude::*;
use serde_json::json;

use crate::limits::{MINUTE, call_of, layout, to};
use crate::{Answer, Client};

/// An app with a large answer that is cached.
fn large(cache: Cache) -> Client {
    let figure = to("out")
        .name("figure", "1")
        .cache(CacheOptions::new(MINUTE));
    let figure = figure.handler(async |size: usize| "numbers 0.125, ".repeat(size));
    Client::new(App::new(layout()).cache(cache).callback(figure))
}

async fn ask_large(client: &Client, size: usize) -> Answer {
    client
        .post_with(
            &call_of("out.children", json!(size)),
            &[("accept-encoding", "gzip, br")],
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_a_cold_answer_does_not_wait_for_its_compression_which_then_joins_it_in_every_tier() {
    let (redis, memcached) = (
        ferrodash_testing::Redis::start(),
        ferrodash_testing::Memcached::start(),
    );
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [disk, before] = folders
        .each_ref()
        .map(|folder| format!("disk:{}", folder.path().display()));
    let shared = |url: &str| format!("{url}?deadline=5s");
    let (redis, memcached) = (shared(&redis.url()), shared(&memcached.url()));
    for urls in [
        vec!["memory"],
        vec![&disk],
        vec![&redis],
        vec![&memcached],
        vec![&before, &redis],
    ] {
        let cache = async || {
            let mut builder = Cache::builder()
                .memory(64 << 20)
                .namespace(urls.len().to_string());
            for url in urls.iter().filter(|url| **url != "memory") {
                builder = builder.url(url).await.unwrap();
            }
            builder.build()
        };
        let own = cache().await;
        let (client, other) = (large(own.clone()), large(cache().await));
        // About 60 kB, and about 600 kB: for one gzip is quick enough, for the other it is not.
        for (size, form) in [(4_000, "gzip"), (40_000, "")] {
            let cold = ask_large(&client, size).await;
            let outcome = (cold.header("cache-status"), cold.header("content-encoding"));
            assert_eq!(outcome, ("ferrodash; fwd=miss; stored", form), "{urls:?}");
            let better = async |client: &Client| loop {
                let hit = ask_large(client, size).await;
                assert!(
                    hit.header("cache-status").starts_with("ferrodash; hit"),
                    "the function runs once"
                );
                if hit.header("content-encoding") == "br" {
                    return hit;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            let hit = tokio::time::timeout(MINUTE, better(&client))
                .await
                .expect("the better forms join the entry");
            assert!(hit.bytes.len() < cold.bytes.len() || form == "gzip");
            // Another process finds the better form where all find it.
            if urls != ["memory"] {
                let hit = ask_large(&other, size).await;
                let outcome = (
                    hit.header("cache-status").contains("memory"),
                    hit.header("content-encoding"),
                );
                assert_eq!(outcome, (false, "br"), "{urls:?}");
            }
        }
        // What was invalidated while its better forms were made does not come back.
        ask_large(&client, 39_999).await;
        own.clear().await.unwrap();
        let after = ask_large(&client, 39_999).await;
        assert_eq!(
            after.header("cache-status"),
            "ferrodash; fwd=miss; stored",
            "{urls:?}"
        );
    }
}
