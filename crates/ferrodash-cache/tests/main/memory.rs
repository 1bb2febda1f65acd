//! The memory tier's budget and time.

use std::time::Duration;

use bytes::Bytes;
use ferrodash_cache::{Cache, Key};

#[tokio::test]
async fn memory_holds_no_more_bytes_than_its_budget() {
    let cache = Cache::memory(10 << 20);
    let value = Bytes::from(vec![7; 100 << 10]);
    for i in 0..1000 {
        cache.set(&Key::of("f", &i), value.clone(), Duration::from_secs(60)).await;
    }
    let mut kept = 0;
    for i in 0..1000 {
        kept += usize::from(cache.get(&Key::of("f", &i)).await.is_some());
    }
    assert!((50..=102).contains(&kept), "{kept} values of 100 KiB are kept in 10 MiB");
}

#[tokio::test]
async fn a_value_larger_than_memory_is_not_kept_and_nothing_else_goes_for_it() {
    let cache = Cache::memory(1 << 20);
    let small = Key::of("small", &1);
    assert!(cache.set(&small, "value".into(), Duration::from_secs(60)).await);
    let large = Bytes::from(vec![7; 2 << 20]);
    assert!(!cache.set(&Key::of("large", &1), large, Duration::from_secs(60)).await);
    assert!(cache.get(&small).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn time_left_runs_down() {
    let cache = Cache::memory(1 << 20);
    let key = Key::of("f", &1);
    cache.set(&key, "value".into(), Duration::from_secs(300)).await;
    tokio::time::advance(Duration::from_secs(299)).await;
    assert_eq!(cache.get(&key).await.unwrap().remaining(), Some(Duration::from_secs(1)));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(cache.get(&key).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_entry_past_its_timeout_goes_without_being_read() {
    let cache = Cache::memory(10 << 20);
    let value = Bytes::from(vec![7; 1 << 20]);
    // Whether the bytes are still held is seen by the only other owner.
    let held = || !value.is_unique();
    cache.set(&Key::of("f", &1), value.clone(), Duration::from_secs(3)).await;
    assert!(held());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(!held(), "freed within ten seconds");
}
