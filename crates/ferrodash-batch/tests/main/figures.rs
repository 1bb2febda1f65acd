//! The figures of named batchers, as Prometheus reads them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use ferrodash_batch::Batcher;

/// Loads values from a source that takes 30 ms.
fn batcher() -> Batcher<u32, u32, Infallible> {
    Batcher::new(async |ids: Vec<u32>| {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let values: HashMap<_, _> = ids.into_iter().map(|id| (id, id)).collect();
        Ok(values)
    })
}

/// Returns the value of a metric for a batcher.
fn metric(name: &str, batcher: &str) -> Option<f64> {
    let text = ferrodash_batch::prometheus();
    let start = format!("ferrodash_batch_{name}{{batcher=\"{batcher}\"}} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&start))?;
    Some(value.parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn b16_the_time_that_batches_wait_for_a_place_is_a_metric() {
    let rows = batcher().name("narrow").max_size(10).max_batches(1);
    rows.load_many(0..30).await;
    assert_eq!(metric("loads_total", "narrow"), Some(30.0));
    assert_eq!(metric("ids_total", "narrow"), Some(30.0));
    assert_eq!(metric("requests_total", "narrow"), Some(3.0));
    assert_eq!(metric("largest_ids", "narrow"), Some(10.0));
    assert_eq!(metric("running", "narrow"), Some(0.0));
    // The second request waited for the first one, and the third for both.
    assert_eq!(metric("waited_seconds_total", "narrow"), Some(0.09));
}

#[tokio::test]
async fn batchers_of_one_name_are_added_up_and_leave_when_they_are_dropped() {
    let first = batcher().name("a \"quoted\" name");
    let second = batcher().name("a \"quoted\" name");
    let name = r#"a \"quoted\" name"#;
    assert_eq!(metric("loads_total", name), None);
    first.load_many([1, 2]).await;
    second.clone().load(3).await.unwrap();
    assert_eq!(metric("loads_total", name), Some(3.0));
    assert_eq!(metric("largest_ids", name), Some(2.0));
    drop(first);
    assert_eq!(metric("loads_total", name), Some(1.0));
    drop(second);
    assert_eq!(metric("loads_total", name), None);
}

#[tokio::test]
async fn batchers_without_a_name_have_no_metrics() {
    batcher().load(1).await.unwrap();
    assert!(!ferrodash_batch::prometheus().contains("\"batcher\""));
}
