//! The actions of the user.

use std::time::Duration;

use ferrodash::prelude::Cache;

use crate::app;
use crate::page::{Measured, Page};
use crate::table::median;

const MILLI: Duration = Duration::from_millis(1);

/// What is typed, and what the app makes of it.
const TEXT: &str = "the quick brown fox jumps over";

/// How often the page is reloaded.
const RELOADS: usize = 5;

/// The tabs that an invalidation reaches.
const TABS: usize = 3;

/// Types 30 characters into a field, one in 40 ms.
pub(crate) async fn typing(page: &Page<'_>, field: &str, output: &str) -> Measured {
    page.click(&format!("#{field}")).await;
    let before = page.begin().await;
    page.type_text(TEXT, 40 * MILLI).await;
    let took = page.has_shown(0, output, &TEXT.to_uppercase()).await;
    page.end(before, vec![took]).await
}

/// Drags the slider for three seconds.
pub(crate) async fn dragging(page: &Page<'_>) -> Measured {
    let before = page.begin().await;
    page.drag("[role=slider]", 3000 * MILLI, 180.0).await;
    page.settle().await;
    let value = "return String(dash_component_api.getLayout('slider').props.value)";
    let value = page.browser.js(value).await;
    let value = value.as_str().expect("a text");
    let took = page.has_shown(0, "dragged", value).await;
    page.end(before, vec![took]).await
}

/// Watches an interval for ten seconds.
pub(crate) async fn watching(page: &Page<'_>) -> Measured {
    let disable = async |off: bool| {
        let script = format!("dash_clientside.set_props('interval', {{ disabled: {off} }})");
        page.browser.js(&script).await;
    };
    let before = page.begin().await;
    disable(false).await;
    page.browser.let_pass(10_000).await;
    let changes = page.changes().await;
    disable(true).await;
    let measured = page.end(before, Vec::new()).await;
    // What is shown after the ten seconds does not count.
    Measured {
        changes,
        ..measured
    }
}

/// Chooses B, and A again, which the page showed before.
pub(crate) async fn choosing(page: &Page<'_>) -> Measured {
    let before = page.begin().await;
    let mut times = Vec::new();
    for choice in ["B", "A"] {
        let since = page.changes().await;
        page.click(&format!("#choice input[value={choice}]")).await;
        let title = format!("Choice {choice}");
        times.push(page.has_shown(since, "graph", &title).await);
    }
    page.end(before, times).await
}

/// Goes to page 2, back to page 1, and forward to page 2.
pub(crate) async fn moving(page: &Page<'_>) -> Measured {
    let driver = &page.browser.driver;
    let before = page.begin().await;
    page.click("#to-2").await;
    let mut times = vec![page.has_shown(0, "page", "This is /2").await];
    let since = page.changes().await;
    driver.back().await.expect("there is a page before");
    times.push(page.has_shown(since, "page", "This is /1").await);
    let since = page.changes().await;
    driver.forward().await.expect("there is a page after");
    times.push(page.has_shown(since, "page", "This is /2").await);
    page.end(before, times).await
}

/// Reloads the page, several times, as the first reload also fills the browser's cache of compiled
/// scripts. The counts are those of the last reload. The times are medians: from the start of the
/// navigation until the text is shown, and until the figure is.
pub(crate) async fn reloading(page: &Page<'_>) -> Measured {
    let mut last = Measured::default();
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..RELOADS {
        let before = page.begin().await;
        let reloaded = page.browser.driver.refresh().await;
        reloaded.expect("the page is loaded again");
        times[0].push(page.has_shown(0, "page", "This is /2").await);
        times[1].push(page.has_shown(0, "graph", "Choice A").await);
        last = page.end(before, Vec::new()).await;
    }
    last.times = times.map(median).to_vec();
    last
}

/// Changes the pages on the server while three tabs show one of them. The time is that until the
/// last tab shows the new text.
pub(crate) async fn invalidating(page: &Page<'_>, cache: &Cache) -> Measured {
    let driver = &page.browser.driver;
    for _ in 1..TABS {
        page.in_another_tab().await;
    }
    let tabs = driver.windows().await.expect("Chromium lists its tabs");
    assert_eq!(tabs.len(), TABS);
    let go = async |index: usize| {
        let there = driver.switch_to_window(tabs[index].clone()).await;
        there.expect("the tab is open");
    };
    go(0).await;
    page.click("#to-1").await;
    page.settle().await;
    let mut before = 0;
    for index in 0..TABS {
        go(index).await;
        before = page.begin().await;
    }
    // Each tab has a clock that starts when it is opened.
    let start = "return Date.now()";
    let start = page.browser.js(start).await.as_f64().expect("a time");
    app::edit(cache).await;
    let mut sum = Measured::default();
    let mut longest = 0_f64;
    for index in 0..TABS {
        go(index).await;
        let at = page.has_shown(0, "page", "This is /1, edited").await;
        let origin = page.browser.js("return performance.timeOrigin").await;
        longest = longest.max(origin.as_f64().expect("a time") + at - start);
    }
    for index in 0..TABS {
        go(index).await;
        let tab = page.end(before, Vec::new()).await;
        sum.add(&tab);
        sum.runs = tab.runs;
    }
    sum.times.push(longest);
    sum
}
