//! The memory tier's budget and time.

use std::time::Duration;

use bytes::Bytes;
use ferrodash_cache::{Cache, Key};

#[tokio::test]
async fn memory_holds_no_more_bytes_than_its_budget() {
    let cache = Cache::memory(10 << 20);
    let value = Bytes::from(vec![7; 100 << 10]);
    for i in 0..1000 {
        cache
            .set(&Key::of("f", &i), value.clone(), Duration::from_secs(60))
            .await;
    }
    let mut kept = 0;
    for i in 0..1000 {
        kept += usize::from(cache.get(&Key::of("f", &i)).await.is_some());
    }
    assert!(
        (50..=102).contains(&kept),
        "{kept} values of 100 KiB are kept in 10 MiB"
    );
}

#[tokio::test]
async fn a_value_larger_than_memory_is_not_kept_and_nothing_else_goes_for_it() {
    let cache = Cache::memory(1 << 20);
    let small = Key::of("small", &1);
    assert!(
        cache
            .set(&small, "value".into(), Duration::from_secs(60))
            .await
    );
    let large = Bytes::from(vec![7; 2 << 20]);
    assert!(
        !cache
            .set(&Key::of("large", &1), large, Duration::from_secs(60))
            .await
    );
    assert!(cache.get(&small).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn time_left_runs_down() {
    let cache = Cache::memory(1 << 20);
    let key = Key::of("f", &1);
    cache
        .set(&key, "value".into(), Duration::from_secs(300))
        .await;
    tokio::time::advance(Duration::from_secs(299)).await;
    assert_eq!(
        cache.get(&key).await.unwrap().remaining(),
        Some(Duration::from_secs(1))
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(cache.get(&key).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_entry_past_its_timeout_goes_without_being_read() {
    let cache = Cache::memory(10 << 20);
    let value = Bytes::from(vec![7; 1 << 20]);
    // Whether the bytes are still held is seen by the only other owner.
    let held = || !value.is_unique();
    cache
        .set(&Key::of("f", &1), value.clone(), Duration::from_secs(3))
        .await;
    assert!(held());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(!held(), "freed within ten seconds");
}

/// The resident memory of this process in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[tokio::test]
async fn s18_ten_thousand_large_values_take_no_more_than_the_budget_and_a_fifth() {
    // In a process of its own, as other tests take memory too.
    if std::env::var_os("FERRODASH_ALONE").is_none() {
        let name = "memory::s18_ten_thousand_large_values_take_no_more_than_the_budget_and_a_fifth";
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let output = alone
            .args(["--exact", name])
            .env("FERRODASH_ALONE", "1")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
        return;
    }
    const BUDGET: u64 = 256 << 20;
    let before = resident();
    let cache = Cache::memory(BUDGET);
    for i in 0..10_000u32 {
        let value = Bytes::from(vec![i.to_le_bytes()[0] | 1; 100 << 10]);
        cache
            .set(&Key::of("f", &i), value, Duration::from_secs(60))
            .await;
    }
    let growth = resident().saturating_sub(before);
    assert!(
        growth < BUDGET + BUDGET / 5,
        "it grew by {} MiB",
        growth >> 20
    );
    assert!(cache.memory_size().1 <= BUDGET);
}

#[tokio::test(flavor = "multi_thread")]
async fn s30_a_million_mixed_calls_of_64_tasks_come_to_an_end_and_give_the_right_values() {
    let cache = Cache::memory(8 << 20);
    let tasks = (0..64u64).map(|task| {
        let cache = cache.clone();
        tokio::spawn(async move {
            let policy = ferrodash_cache::Policy::new(Duration::from_millis(200)).tag("tag");
            for i in 0..16_000u64 {
                let number = (task * 31 + i * 7) % 5000;
                let key = Key::of("mixed", &number);
                match i % 100 {
                    0 => cache.remove(&key).await.unwrap(),
                    1 if i % 5000 == 1 => cache.invalidate_tag("tag").await.unwrap(),
                    2..10 => {
                        _ = cache
                            .set(&key, number.to_string().into(), Duration::from_secs(1))
                            .await
                    }
                    _ => {
                        let compute = || async move {
                            Ok::<_, std::convert::Infallible>(ferrodash_cache::Computed::keep(
                                number.to_string(),
                            ))
                        };
                        let entry = cache
                            .get_or_compute(key, &policy, compute)
                            .await
                            .result
                            .unwrap();
                        assert_eq!(*entry.bytes(), number.to_string());
                    }
                }
            }
        })
    });
    let all = futures_util::future::join_all(tasks.collect::<Vec<_>>());
    let done = tokio::time::timeout(Duration::from_secs(60), all)
        .await
        .expect("nobody waits for ever");
    assert!(done.into_iter().all(|task| task.is_ok()));
}

#[test]
fn s16_two_tables_of_a_million_rows_that_differ_in_one_cell_have_different_keys() {
    let mut table: Vec<(f64, f64)> = (0..1_000_000)
        .map(|row| (f64::from(row), f64::from(row) * 0.5))
        .collect();
    let first = Key::of("table", &table);
    assert_eq!(first, Key::of("table", &table));
    table[500_000].1 += 1e-9;
    assert_ne!(first, Key::of("table", &table));
}
