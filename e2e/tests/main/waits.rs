//! What ends a wait, and what does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use e2e::{Browser, Site};
use ferrodash::prelude::*;
use ferrodash_ag_grid as dag;
use ferrodash_bootstrap_components as dbc;
use serde_json::{Value, json};

const WAIT: Duration = Duration::from_millis(500);

/// A callback that shows what it is called with as JSON, and the number of its calls.
fn shown(input: Input) -> (Callback, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = calls.clone();
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(input)
        .prevent_initial_call()
        .handler(move |value: Value| {
            counter.fetch_add(1, Ordering::SeqCst);
            async move { value.to_string() }
        });
    (callback, calls)
}

fn page(component: impl Into<Component>) -> html::Div {
    html::Div::new((
        component.into(),
        html::Button::new("Elsewhere").id("elsewhere"),
        html::Div::new(()).id("out"),
    ))
}

/// Clicks each element that a selector finds, with a pause after each.
async fn click_each(browser: &Browser, selector: &str) {
    let elements = browser
        .driver
        .find_all(thirtyfour::By::Css(selector.to_owned()))
        .await
        .unwrap();
    assert!(elements.len() > 1, "{selector}: {}", elements.len());
    for element in elements {
        element.click().await.unwrap();
        browser.let_pass(100).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a1_fields_of_one_component_are_one_wait() {
    let options = ["a", "b", "c", "d"];
    let checklist = dcc::Checklist::new().id("in").options(options);
    let radio = dcc::RadioItems::new().id("in").options(options);
    let browser = Browser::start().await;
    for (component, selector, value) in [
        (Component::from(checklist), "#in input", json!(options)),
        (Component::from(radio), "#in label", json!("d")),
    ] {
        let (callback, calls) = shown(Input::new("in", "value").debounce(WAIT));
        let site = Site::start(App::new(page(component)).callback(callback)).await;
        browser.open(&site.url("/")).await;
        click_each(&browser, selector).await;
        browser.shows("out", &value.to_string()).await;
        browser.let_pass(700).await;
        assert_eq!(calls.load(Ordering::SeqCst), 1, "{selector}");
        assert_eq!(browser.console().await, Vec::<String>::new(), "{selector}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a1_two_thumbs_and_two_cells_are_one_wait() {
    let browser = Browser::start().await;
    let slider = dcc::RangeSlider::new()
        .id("in")
        .min(0)
        .max(9)
        .step(1)
        .value([2, 7]);
    let (callback, calls) = shown(Input::new("in", "value").debounce(WAIT));
    let site = Site::start(App::new(page(slider)).callback(callback)).await;
    browser.open(&site.url("/")).await;
    for thumb in browser
        .driver
        .find_all(thirtyfour::By::Css("[role=slider]"))
        .await
        .unwrap()
    {
        thumb.send_keys(thirtyfour::Key::Right).await.unwrap();
        browser.let_pass(100).await;
    }
    browser.shows("out", "[3,8]").await;
    browser.let_pass(700).await;
    assert_eq!(calls.load(Ordering::SeqCst), 1, "slider");

    let table = dash_table::DataTable::new()
        .id("in")
        .columns(json!([{"id": "a", "name": "A", "type": "numeric"}]))
        .data(json!([{"a": 1}, {"a": 2}, {"a": 3}]))
        .editable(true);
    let (callback, calls) = shown(Input::new("in", "data").debounce(WAIT));
    let site = Site::start(App::new(page(table)).callback(callback)).await;
    browser.open(&site.url("/")).await;
    browser
        .wait_until("document.querySelectorAll('td[data-dash-column=a]').length === 3")
        .await;
    browser
        .driver
        .find(thirtyfour::By::Css("td[data-dash-column=a]"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    browser
        .type_text("7\u{e007}8\u{e007}", Duration::from_millis(80))
        .await
        .unwrap();
    browser.shows("out", r#"[{"a":7},{"a":8},{"a":3}]"#).await;
    browser.let_pass(700).await;
    assert_eq!(calls.load(Ordering::SeqCst), 1, "table");
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a2_no_page_reports_the_carriers() {
    let grid = dag::AgGrid::new()
        .id("grid")
        .row_data(json!([{"a": 1}]))
        .column_defs(json!([{"field": "a"}]));
    let layout = page(html::Div::new((
        dcc::Graph::new().id("graph"),
        dcc::Location::new("location").refresh(false),
        dash_table::DataTable::new().id("table"),
        dbc::Input::new().id("input"),
        dbc::Textarea::new().id("area"),
        grid,
    )));
    let callbacks = [
        ("graph", "hoverData"),
        ("location", "search"),
        ("table", "data"),
        ("input", "value"),
        ("area", "value"),
        ("grid", "cellValueChanged"),
    ]
    .map(|(id, property)| {
        Callback::builder()
            .output(Output::new("out", "children").allow_duplicate())
            .input(Input::new(id, property).debounce(Duration::from_millis(50)))
            .initial_duplicate()
            .handler(|value: Value| async move { value.to_string() })
    });
    let app = App::new(layout)
        .suite(&ferrodash_ag_grid::SUITE)
        .suite(&ferrodash_bootstrap_components::SUITE)
        .callbacks(callbacks);
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser
        .watch_from_the_start(
            "window.said = []; for (const name of ['log', 'warn', 'error', 'info'])
                 console[name] = (...all) => said.push(name + ': ' + all.join(' '));",
        )
        .await;
    browser.open(&site.url("/")).await;
    browser
        .wait_until("document.querySelector('.ag-cell')")
        .await;
    browser
        .js("for (const [id, props] of Object.entries({ input: { value: 'x' }, area: { value: 'y' },
                 grid: { cellValueChanged: [{ value: 2 }] }, table: { data: [{ a: 1 }] } }))
                 dash_clientside.set_props(id, props)")
        .await;
    browser.let_pass(500).await;
    assert_eq!(browser.js("return said").await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_undo_and_redo_know_nothing_of_waits() {
    let (callback, _) = shown(Input::new("in", "value").debounce(Duration::from_millis(100)));
    let app = App::new(page(dcc::Input::new().id("in").value("")))
        .callback(callback)
        .show_undo_redo(true);
    let site = Site::start(app).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    let history =
        "const { past, future } = store.getState().history; return [past.length, future.length]";
    browser.element("in").await.click().await.unwrap();
    browser
        .type_text("abc", Duration::from_millis(10))
        .await
        .unwrap();
    browser.shows("out", "\"abc\"").await;
    let before = browser.js(history).await;
    let undo = browser
        .driver
        .find(thirtyfour::By::ClassName("_dash-undo-redo-link"))
        .await
        .unwrap();
    undo.click().await.unwrap();
    browser
        .wait_until("document.querySelector('#in').value === 'ab'")
        .await;
    browser.shows("out", "\"ab\"").await;
    let after = browser.js(history).await;
    let number = |value: &Value, index: usize| value[index].as_u64().unwrap();
    assert_eq!(number(&after, 0), number(&before, 0) - 1);
    assert_eq!(number(&after, 1), 1, "and the change can be made again");
    let redo = browser
        .driver
        .find_all(thirtyfour::By::ClassName("_dash-undo-redo-link"))
        .await
        .unwrap()
        .pop()
        .unwrap();
    redo.click().await.unwrap();
    browser.shows("out", "\"abc\"").await;
}
